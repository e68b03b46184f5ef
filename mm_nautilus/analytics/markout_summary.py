"""What fills turned out to be worth: markouts from the run log, by side, level, venue, size and hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.adverse_selection.markouts import Markouts, MarkoutSummary, summarise, summarise_by
from mm_nautilus.analytics.equity import Floats, Ints
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact

MOST_SIZES: Final = 4
"""Size buckets; where no more sizes than this were traded each is one."""

COLUMNS: Final = (
    "instrument_id", "strategy_id", "client_order_id", "trade_id", "horizon_s", "mid", "later_mid",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MarkoutReport:
    """Markouts of the maker fills of one instrument, weighted by size.

    Parameters
    ----------
    horizons_s : tuple of float
        Horizons, in seconds.
    fills : int
        Maker fills, marked or not.
    all : tuple of MarkoutSummary
        One a horizon.
    groups : mapping of what is told apart to label to summaries
        ``side``, ``level``, ``venue``, ``size`` and ``hour`` (UTC); one summary a horizon.

    """

    horizons_s: tuple[float, ...]
    fills: int
    all: tuple[MarkoutSummary, ...]
    groups: dict[str, dict[str, tuple[MarkoutSummary, ...]]]


def markout_report(log: RunLog, fills: Sequence[FillFact], venue: str) -> MarkoutReport | None:
    """Return the markouts of one instrument's fills, ``None`` where nobody marked them.

    A horizon that the data did not reach is missing from the log, and its fill from the averages of that horizon.

    Parameters
    ----------
    log : RunLog
        With the table ``markouts``.
    fills : sequence of FillFact
        Of one instrument, in the order they happened.
    venue : str
        Where.

    """
    makers = [fill for fill in fills if fill.liquidity != "TAKER"]
    if not makers:
        return None
    marks = log.table("markouts", list(COLUMNS))
    marks = marks.filter(pc.equal(marks["instrument_id"], makers[0].instrument_id))
    if not len(marks):
        return None
    instants = np.array([fill.ts_ns for fill in makers], dtype=np.int64)
    table = _table(marks, makers)
    labels = {
        "side": [fill.side for fill in makers],
        "level": [str(fill.level) if fill.level >= 0 else "unknown" for fill in makers],
        "venue": [venue] * len(makers),
        "size": size_buckets(table.size),
        "hour": [f"{datetime.fromtimestamp(fill.ts_ns // 10**9, UTC):%H}h" for fill in makers],
    }
    groups = {what: summarise_by(table, instants, one) for what, one in labels.items()}
    return MarkoutReport(
        table.horizons_s,
        len(makers),
        summarise(table, instants),
        {what: {label: by[label] for label in _ordered(what, by)} for what, by in groups.items()},
    )


def _table(marks: pa.Table, fills: Sequence[FillFact]) -> Markouts:
    rows = {(fill.strategy_id, fill.client_order_id, fill.trade_id): row for row, fill in enumerate(fills)}
    horizons = sorted(pc.unique(marks["horizon_s"]).to_pylist())
    place = {horizon: column for column, horizon in enumerate(horizons)}
    mid: Floats = np.full(len(fills), np.nan)
    later: Floats = np.full((len(fills), len(horizons)), np.nan)
    for _, strategy, order, trade, horizon, at_fill, then in zip(
        *(marks[name].to_pylist() for name in COLUMNS), strict=True
    ):
        row = rows.get((strategy, order, trade))
        if row is not None:
            mid[row] = at_fill
            later[row, place[horizon]] = then
    return Markouts(
        tuple(horizons),
        np.array([float(Side[fill.side]) for fill in fills]),
        np.array([float(fill.size) for fill in fills]),
        np.array([float(fill.price) for fill in fills]),
        mid,
        later,
    )


def size_buckets(sizes: Floats) -> list[str]:
    """Return a label for each size: the size itself where few differ, otherwise which quarter of the fills it is in."""
    few = np.unique(sizes)
    if len(few) <= MOST_SIZES:
        return [f"{size:.10g}" for size in sizes.tolist()]
    edges = np.unique(np.quantile(sizes, np.arange(1, MOST_SIZES) / MOST_SIZES))
    bounds = [f"{edge:.4g}" for edge in edges.tolist()]
    names = [f"up to {bounds[0]}", *(f"{low} to {high}" for low, high in pairwise(bounds))]
    names.append(f"above {bounds[-1]}")
    places: Ints = np.searchsorted(edges, sizes, side="left")
    return [names[place] for place in places.tolist()]


def _ordered(what: str, by: dict[str, tuple[MarkoutSummary, ...]]) -> list[str]:
    """Return labels in the order in which they are read; sizes by what they say first."""
    if what != "size":
        return sorted(by)
    return sorted(by, key=_size_order)


def _size_order(label: str) -> tuple[int, float]:
    words = label.split()
    rank = {"up": 0, "above": 2}.get(words[0], 1)
    return rank, float(words[-1] if rank != 1 else words[0])
