"""How far apart the quotes of two runs were over time, wherever their sequences parted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Agreement:
    """Best wanted prices of one side of one instrument in two runs, sampled over time."""

    instrument_id: str
    side: str
    samples: int
    """Instants at which at least one of them wanted to quote."""
    both: float
    """Share of these at which both did."""
    same: float | None
    """Share of those at which both wanted the same price; ``None`` where there are none."""
    mean_difference: float | None
    """Mean absolute difference of the two prices, in quote currency."""


def agreements(live: pa.Table, tested: pa.Table, every_ns: int = 1_000_000_000) -> list[Agreement]:
    """Return how far the best wanted prices agree, at instants that are `every_ns` apart.

    Parameters
    ----------
    live, tested : pyarrow.Table
        The decisions of the two runs.
    every_ns : int
        Between two samples, in nanoseconds.

    """
    if not live.num_rows or not tested.num_rows:
        return []
    begin = max(pc.min(table["ts_ns"]).as_py() for table in (live, tested))
    end = min(pc.max(table["ts_ns"]).as_py() for table in (live, tested))
    at_ns = np.arange(begin, end + 1, every_ns)
    one, other = (set(pc.unique(table["instrument_id"]).to_pylist()) for table in (live, tested))
    names = sorted(one & other)
    found = []
    for name in names:
        for side, column in (("BUY", "bid_prices"), ("SELL", "ask_prices")):
            mine, theirs = (_wanted(table, name, column, at_ns) for table in (live, tested))
            there = ~np.isnan(mine), ~np.isnan(theirs)
            either, both = int(np.sum(there[0] | there[1])), there[0] & there[1]
            if not either:
                continue
            apart = np.abs(mine[both] - theirs[both])
            compared = bool(len(apart))
            found.append(
                Agreement(
                    name,
                    side,
                    either,
                    float(np.sum(both)) / either,
                    float(np.mean(apart == 0)) if compared else None,
                    float(np.mean(apart)) if compared else None,
                )
            )
    return found


def _wanted(table: pa.Table, name: str, column: str, at_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the best wanted price of the last decision at or before each instant; NaN for none."""
    own = table.filter(pc.equal(table["instrument_id"], name))
    best = np.array([prices[0] if prices else np.nan for prices in own[column].to_pylist()], dtype=np.float64)
    place = np.searchsorted(own["ts_ns"].to_numpy(), at_ns, side="right") - 1
    if not len(best):
        return np.full(len(at_ns), np.nan)
    return np.where(place >= 0, best[np.maximum(place, 0)], np.nan)
