"""What one run of an experiment did, as increments between common instants: money, markouts, fills, time withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mm_nautilus.adverse_selection.markouts import HORIZONS_S, Markouts, markouts
from mm_nautilus.analytics.comparison import equity_at
from mm_nautilus.analytics.equity import Floats, Ints, worth
from mm_nautilus.analytics.instrument_log import InstrumentLog, instrument_log
from mm_nautilus.analytics.quoting_time import QuoteTimeline
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in
from mm_nautilus.backtest.data import prepared_catalog
from mm_nautilus.backtest.run import Outcome
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.market import Side
from mm_nautilus.train.dataset import mid_path

STEP_NS: Final = 10**9
"""Length of an increment."""
PNL, REALISED, ADVERSE, MARKED, MARKED_MONEY, FILLS, VOLUME = range(7)
"""Columns of `Measured.increments`."""
COLUMNS: Final = 7


@dataclass(frozen=True, slots=True)
class Measured:
    """One run.

    Parameters
    ----------
    market, response : str
        Which data, and which response.
    folder : str
        Of the run, inside the experiment's.
    currency, unit : str
        Of money and of sizes.
    increments : float array, shape (steps, COLUMNS)
        By second: PnL after fees (`PNL`); size times markout at the experiment's horizon of the fills of that second
        (`REALISED`) and size times adverse selection (`ADVERSE`), in settlement currency; their size in base units
        (`MARKED`) and their turnover in settlement currency (`MARKED_MONEY`), fills whose horizon the data do not reach
        left out; fills (`FILLS`) and their size (`VOLUME`), all of them.
    fill_ns : int array
        Instants of the maker fills.
    marked : Markouts
        Of the maker fills, at every horizon shown.
    curve_ns, equity : array
        Equity by second.
    away_s : tuple of float
        Seconds for which each side, bid and ask, was withdrawn for adverse selection.
    widened_s : float
        Seconds for which a side was widened or shrunk.

    """

    market: str
    response: str
    folder: str
    currency: str
    unit: str
    increments: Floats
    fill_ns: Ints
    marked: Markouts
    curve_ns: Ints
    equity: Floats
    away_s: tuple[float, float]
    widened_s: float
    caveats: tuple[dict[str, Any], ...]

    @property
    def seconds(self) -> float:
        """Length of the run."""
        return float(self.curve_ns[-1] - self.curve_ns[0]) / 1e9


def measured(
    market: str, response: str, folder: str, outcome: Outcome, loaded: LoadedRun, horizon_s: float
) -> Measured:
    """Measure a run from its log and from the catalogue it ran on.

    Markouts are those of the catalogue's exact mid, whoever watched.

    Parameters
    ----------
    market, response, folder : str
        For `Measured`.
    outcome : Outcome
        The run.
    loaded : LoadedRun
        What ran.
    horizon_s : float
        Horizon of the realised spread, in seconds.

    """
    root, shape = prepared_catalog(loaded)
    (name,) = loaded.instrument_ids
    one = outcome.result["instruments"][name]
    run = RunLog.open(outcome.run_dir)
    log = instrument_log(run, facts_in(one), one["start_ns"], one["end_ns"])
    makers = [fill for fill in log.fills if fill.liquidity != "TAKER"]
    fill_ns = np.array([fill.ts_ns for fill in makers], dtype=np.int64)
    horizons = tuple(sorted({*HORIZONS_S, horizon_s}))
    path = mid_path(loaded, root, shape, log.facts.tick)
    table = markouts(
        fill_ns,
        [int(Side[fill.side]) for fill in makers],
        [float(fill.size) for fill in makers],
        [float(fill.price) for fill in makers],
        *path,
        horizons,
        shape.last_ns,
    )
    edges = np.append(np.arange(one["start_ns"], one["end_ns"], STEP_NS, dtype=np.int64), one["end_ns"])
    equity = equity_at(log.curve, edges)
    return Measured(
        market,
        response,
        folder,
        one["money"]["currency"],
        log.facts.size_unit,
        _increments(log, table, horizons.index(horizon_s), fill_ns, edges, equity),
        fill_ns,
        table,
        edges,
        equity,
        away_seconds(log.timeline),
        _widened_s(run, log.timeline),
        tuple(outcome.result["realism"]["caveats"]),
    )


def money(table: Markouts, column: int, contract: Contract) -> tuple[Floats, Floats]:
    """Return markout and adverse selection of each whole fill, in settlement currency; NaN where not known."""
    later = worth(table.size, table.later_mid[:, column], contract)
    paid, then = worth(table.size, table.price, contract), worth(table.size, table.mid, contract)
    return table.side * (later - paid), -table.side * (later - then)


def _increments(log: InstrumentLog, table: Markouts, column: int, fill_ns: Ints, edges: Ints, equity: Floats) -> Floats:
    steps = len(edges) - 1
    found = np.zeros((steps, COLUMNS))
    found[:, PNL] = np.diff(equity)
    found[0, PNL] += equity[0]
    realised, adverse = money(table, column, log.facts.contract)
    place = np.clip(np.searchsorted(edges, fill_ns, side="right") - 1, 0, steps - 1)
    known = np.isfinite(realised) & np.isfinite(adverse)
    turnover = np.abs(worth(table.size, table.price, log.facts.contract))
    for index, values in ((REALISED, realised), (ADVERSE, adverse), (MARKED, table.size), (MARKED_MONEY, turnover)):
        np.add.at(found[:, index], place[known], values[known])
    np.add.at(found[:, FILLS], place, 1.0)
    np.add.at(found[:, VOLUME], place, table.size)
    return found


def away_seconds(timeline: QuoteTimeline) -> tuple[float, float]:
    """Return for how long the bid and the ask were withdrawn for adverse selection, in seconds."""
    found = []
    for side in ("BID", "ASK"):
        name = f"ADVERSE_SELECTION:{side}"
        if name not in timeline.reasons:
            found.append(0.0)
            continue
        stretches = np.unique(timeline.reason_stretch[timeline.reason == timeline.reasons.index(name)])
        found.append(float(timeline.seconds[stretches].sum()))
    return found[0], found[1]


def _widened_s(run: RunLog, timeline: QuoteTimeline) -> float:
    """Return for how long either side had a multiplier on its half-spread or size other than 1."""
    names = [f"{side}_{what}_multiplier" for side in ("bid", "ask") for what in ("spread", "size")]
    table = run.table("decisions", ["ts_ns", *names])
    if not len(table):
        return 0.0
    changed = np.any([table[name].to_numpy() != 1.0 for name in names], axis=0)
    ts_ns = table["ts_ns"].to_numpy()
    until = np.append(ts_ns[1:], timeline.span_ns[1])
    return float((until - ts_ns)[changed].sum()) / 1e9
