"""What quoting twenty instruments as one portfolio takes off the risk, against twenty makers that know only their own.

Run ``uv run docs/portfolio_risk.py`` (several minutes). Both quote the same simulated days by the same formula, risk
aversion and position limits, without a risk budget: the second with all correlations taken as 0, which is twenty makers
of `glft` side by side. Risk is the standard deviation of the change of worth over an interval; the 95 % interval of the
ratio resamples days in blocks of three minutes, the same blocks for both.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mm_nautilus.analytics.block_bootstrap import resampled_totals
from mm_nautilus.backtest.run import run_backtest

type Floats = NDArray[np.float64]

RUN_FILE = Path(__file__).resolve().parents[1] / "configs" / "portfolio_20.toml"
ALONE = ("strategy.covariance.correlation=0", "strategy.covariance.fixed=true")
FREE = ("strategy.risk_budget.limit=1e9", "strategy.concentration.soft=8", "strategy.concentration.hard=9")
STEPS_S = (10, 30, 60)
DRAWS, BLOCK_S = 2_000, 180


def worth(folder: Path) -> tuple[Floats, Floats]:
    """Return the worth of everything at every second of a run, and the sum of |position| in money."""
    marks, fills = (pq.read_table(folder / "log" / f"{name}.parquet") for name in ("marks", "fills"))
    instants = np.unique(marks["ts_ns"].to_numpy())
    total, gross = np.zeros(len(instants)), np.zeros(len(instants))
    mark_names, fill_names = (np.array(table["instrument_id"].to_pylist()) for table in (marks, fills))
    mids = 0.5 * (_floats(marks["bid"]) + _floats(marks["ask"]))
    signs = np.where(np.array(fills["side"].to_pylist()) == "BUY", 1.0, -1.0)
    sizes, prices, fees = signs * _floats(fills["size"]), _floats(fills["price"]), _floats(fills["commission"])
    for name in np.unique(mark_names):
        here = (mark_names == name) & ~np.isnan(mids)
        seen = np.searchsorted(marks["ts_ns"].to_numpy()[here], instants, side="right") - 1
        mid = mids[here][np.maximum(seen, 0)]
        ours = fill_names == name
        position = np.concatenate(([0.0], np.cumsum(sizes[ours])))
        cash = np.concatenate(([0.0], np.cumsum(-sizes[ours] * prices[ours] - fees[ours])))
        done = np.searchsorted(fills["ts_ns"].to_numpy()[ours], instants, side="right")
        total += cash[done] + position[done] * mid
        gross += np.abs(position[done]) * mid
    return total, gross


def _floats(column: Any) -> Floats:
    return np.array([np.nan if value is None else float(value) for value in column.to_pylist()])


def ratio(together: list[Floats], alone: list[Floats], step_s: int) -> list[float]:
    """Return the ratio of the standard deviations over all days, the ends of its interval, and both deviations."""
    days = []
    for one, other in zip(together, alone, strict=True):
        columns = np.column_stack([np.diff(one[::step_s]), np.diff(other[::step_s])])
        days.append((columns - columns.mean(axis=0)) ** 2)
    sums = sum(day.sum(axis=0) for day in days)
    drawn = resampled_totals(days, BLOCK_S // step_s, DRAWS, seed=1)
    ratios = np.sqrt(drawn[:, 0] / drawn[:, 1])
    count = sum(len(day) for day in days)
    ends = np.quantile(ratios, (0.025, 0.975))
    return [float(np.sqrt(sums[0] / sums[1])), *ends.tolist(), *np.sqrt(sums / count).tolist()]


def main() -> None:
    """Run both on every day and print what comes out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument(
        "--work", type=Path, default=None, help="Folder for data and runs; a temporary one if left out."
    )
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = told.work or Path(temporary)
        common = (*FREE, f"data.catalog={work / 'catalogs'}")
        found = {"together": [], "alone": []}
        for seed in range(1, told.days + 1):
            for name, changes in (("together", ()), ("alone", ALONE)):
                overrides = (*common, f"data.simulation.seed={seed}", f"run.name={name}", *changes)
                outcome = run_backtest(RUN_FILE, overrides, output=work / "runs")
                found[name].append(worth(outcome.run_dir))
    table = Table("change over", "together", "alone", "ratio", "95 % interval")
    worths = {name: [day[0] for day in days] for name, days in found.items()}
    for step_s in STEPS_S:
        value, low, high, one, other = ratio(worths["together"], worths["alone"], step_s)
        table.add_row(f"{step_s} s", f"{one:.3f} USDT", f"{other:.3f} USDT", f"{value:.3f}", f"{low:.3f} to {high:.3f}")
    for name, unit in (("PnL", "USDT"), ("mean gross position", "USDT")):
        values = [
            sum(day[0][-1] for day in found[key]) if name == "PnL" else np.mean([day[1].mean() for day in found[key]])
            for key in ("together", "alone")
        ]
        table.add_row(name, *(f"{value:.1f} {unit}" for value in values), f"{values[0] / values[1]:.3f}", "")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
