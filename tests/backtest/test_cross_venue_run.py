"""The shipped run file for three simulated venues: accounts that add up, and what hedging does to the variance."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from money import adds_up

from mm_nautilus.analytics.block_bootstrap import ends, resampled_totals
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest.run import run_backtest

RUN_FILE = Path(__file__).resolve().parents[2] / "configs" / "three_venues.toml"
SECONDS, STEP_S = 400, 10
QUOTED_ON_THE_FOLLOWERS = (  # and hedged on the venue that leads, which is where hedging is worth most
    "strategy.venues.0.quote=false",
    "strategy.venues.1.hedge=false",
    "strategy.venues.2.hedge=false",
    "strategy.limits.max_position=5",
    "strategy.venues.0.max_position=10",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the outcome of the same market with hedging of fills and without."""
    folder = tmp_path_factory.mktemp("cross")
    common = [
        f'data.catalog="{folder / "catalogs"}"',
        f"data.simulation.duration_s={SECONDS}.0",
        "strategy.weights.refresh_s=60.0",
        *QUOTED_ON_THE_FOLLOWERS,
    ]
    return {
        name: run_backtest(RUN_FILE, [*common, f'strategy.hedge.trigger="{trigger}"'], output=folder / name)
        for name, trigger in (("hedged", "fills"), ("open", "none"))
    }


def increments(run_dir: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the PnL of each step over all venues, positions valued at the mids of their own venue."""
    log = RunLog.open(run_dir)
    fills = sorted(log.table("fills").to_pylist(), key=lambda fill: fill["ts_ns"])
    worth: dict[int, dict[str, float]] = defaultdict(dict)
    cash: dict[str, float] = defaultdict(float)
    position: dict[str, float] = defaultdict(float)
    last: dict[str, float] = {}
    place = 0
    for mark in sorted(log.table("marks").to_pylist(), key=lambda mark: mark["ts_ns"]):
        while place < len(fills) and fills[place]["ts_ns"] <= mark["ts_ns"]:
            fill = fills[place]
            sign = 1.0 if fill["side"] == "BUY" else -1.0
            size, price = float(fill["size"]), float(fill["price"])
            cash[fill["instrument_id"]] -= sign * size * price + float(fill["commission"])
            position[fill["instrument_id"]] += sign * size
            place += 1
        name = mark["instrument_id"]
        if mark["bid"] is not None:
            last[name] = 0.5 * (mark["bid"] + mark["ask"])
        worth[mark["ts_ns"]] = {one: cash[one] + position[one] * mid for one, mid in last.items()}
    levels = np.array([sum(value.values()) for value in worth.values()])
    return np.diff(levels[:: STEP_S * round(len(levels) / SECONDS)])


def test_every_account_adds_up(runs: dict[str, Any]) -> None:
    for outcome in runs.values():
        adds_up(outcome.result)
        asset = outcome.result["attribution"]["assets"]["SOL"]
        venues = sum(Decimal(one["total"]) for one in asset["venues"].values())
        assert venues == Decimal(asset["total"]["total"])
    hedges = runs["hedged"].result["hedges"]
    assert hedges["done"] > 30
    assert hedges["alarms"] == 0
    assert not runs["open"].result["hedges"]["orders"]


def netted(run_dir: Path) -> float:
    """Return the mean of the |netted position| over the decisions of a run."""
    rows = RunLog.open(run_dir).table("decisions", ["inventory"]).to_pylist()
    return float(np.mean([abs(row["inventory"]) for row in rows if row["inventory"] is not None]))


def test_the_netted_position_is_hedged_away(runs: dict[str, Any]) -> None:
    assert netted(runs["hedged"].run_dir) < 0.3 * netted(runs["open"].run_dir)


def test_hedging_lowers_the_variance_of_the_pnl(runs: dict[str, Any]) -> None:
    """Over steps of ten seconds: in shorter ones the venues' own noise, which both pay for, hides the price's."""
    hedged, unhedged = (increments(runs[name].run_dir) for name in ("hedged", "open"))
    steps, length = min(len(hedged), len(unhedged)), 4
    squares = np.column_stack([(one[:steps] - one[:steps].mean()) ** 2 for one in (hedged, unhedged)])
    totals = resampled_totals([squares], length, draws=2_000, seed=1)
    low, high = ends(totals[:, 0] / totals[:, 1], steps // length, 0.95)
    ratio = squares[:, 0].sum() / squares[:, 1].sum()
    print(f"variance ratio {ratio:.3f}, 95 % interval [{low:.3f}, {high:.3f}]")
    assert low < ratio < high < 1.0
