"""What quotes did between two instants: spread, levels, how much of them was filled, how often that was regretted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.equity import Floats
from mm_nautilus.analytics.performance import LevelTime
from mm_nautilus.analytics.quoting_time import QuoteTimeline
from mm_nautilus.analytics.ratios import Ratio, share, wilson
from mm_nautilus.analytics.trading import Part
from mm_nautilus.market import Purpose
from mm_nautilus.messages import FillFact

QUEUE_COLUMNS: Final = ("strategy_id", "instrument_id", "decision_id", "bid", "ask", "bid_size", "ask_size")
"""Columns of the decisions table that tell what stood ahead of an order."""


@dataclass(frozen=True, slots=True)
class QueueAhead:
    """What stood before our orders at their price when they joined, over the size of the fill.

    Parameters
    ----------
    ratios : float array
        Of the fills whose decision showed it: the order improved on the market (0), or joined its best price.
    unknown : int
        Fills at prices behind the best one then, whose queue the log does not hold.

    """

    ratios: Floats
    unknown: int


def queue_ahead(decisions: pa.Table, fills: Sequence[FillFact]) -> QueueAhead:
    """Return the size displayed at each filled order's price when it was decided, in sizes of the fill.

    The log holds no queue of an order as it filled. A passive fill happens at the front of it, so what tells a fill
    that was waited for from one at once is how much stood ahead when the order joined: read from the best prices and
    sizes in the decision that gave it its price. It overstates the queue where size left before our order arrived.

    Parameters
    ----------
    decisions : pyarrow.Table
        Of every instrument, with `QUEUE_COLUMNS`.
    fills : sequence of FillFact
        Of one instrument.

    """
    quoted = [fill for fill in fills if fill.purpose == Purpose.QUOTE]
    if not quoted:
        return QueueAhead(np.empty(0), 0)
    name = quoted[0].instrument_id
    wanted = pc.and_(
        pc.is_in(decisions["decision_id"], pa.array(sorted({fill.decision_id for fill in quoted}), pa.int64())),
        pc.equal(decisions["instrument_id"].cast(pa.string()), name),
    )
    known = {(row["strategy_id"], row["decision_id"]): row for row in decisions.filter(wanted).to_pylist()}
    ratios = []
    for fill in quoted:
        row = known.get((fill.strategy_id, fill.decision_id))
        ahead = None if row is None else _ahead(row, fill)
        if ahead is not None:
            ratios.append(ahead / float(fill.size))
    return QueueAhead(np.array(ratios), len(quoted) - len(ratios))


def _ahead(row: dict[str, float | None], fill: FillFact) -> float | None:
    buys = fill.side == "BUY"
    best, size = (row["bid"], row["bid_size"]) if buys else (row["ask"], row["ask_size"])
    if best is None or size is None:
        return None
    better = float(fill.price) - best if buys else best - float(fill.price)
    if abs(better) <= 1e-9 * abs(best):
        return size
    return 0.0 if better > 0 else None


def level_times(timeline: QuoteTimeline) -> tuple[LevelTime, ...]:
    """Return how long each level of the ladder was wanted, as shares of the run (and of the strategies)."""
    seconds = timeline.seconds
    span = float(seconds.sum())
    deepest = int(max(timeline.bid_levels.max(initial=0), timeline.ask_levels.max(initial=0)))
    if not span:
        return ()
    return tuple(
        LevelTime(
            level,
            *(
                float(seconds[held].sum()) / span
                for held in (
                    timeline.bid_levels > level,
                    timeline.ask_levels > level,
                    np.minimum(timeline.bid_levels, timeline.ask_levels) > level,
                )
            ),
        )
        for level in range(deepest)
    )


def fill_rate(parts: Sequence[Part], first_ns: int, last_ns: int) -> Ratio:
    """Return volume of quotes filled over volume placed between two instants.

    Of several instruments the mean, weighted by the number of quotes placed. The error is that of as many independent
    trials as quotes were placed.
    """
    filled = placed = quotes = 0.0
    for part in parts:
        life, trading = part.trading.life, part.trading
        inside = (life.placed_ns >= first_ns) & (life.placed_ns < last_ns)
        volume, count = float(life.placed_size[inside].sum()), int(inside.sum())
        if volume:
            done = (trading.fill_ns >= first_ns) & (trading.fill_ns < last_ns) & trading.quoted
            filled += float(trading.size[done].sum()) * count / volume
            placed += count
            quotes += count
    return (
        wilson(filled / placed, quotes) if placed and filled <= placed else Ratio(filled / placed if placed else None)
    )


def adverse_rate(parts: Sequence[Part], first_ns: int, last_ns: int) -> Ratio:
    """Return the share of the fills of quotes that were worth less than nothing after the horizon."""
    marks = [
        part.trading.markout[
            part.trading.quoted & (part.trading.fill_ns >= first_ns) & (part.trading.fill_ns < last_ns)
        ]
        for part in parts
    ]
    joined = np.concatenate(marks) if marks else np.empty(0)
    return share(int((joined < 0.0).sum()), len(joined))


def spread_bps(parts: Sequence[Part], first_ns: int, last_ns: int) -> float | None:
    """Return the time-weighted spread quoted between two instants, over the time quoted two-sided."""
    return _time_mean(parts, first_ns, last_ns, lambda line: 1e4 * line.spread / line.mid)


def market_spread_bps(parts: Sequence[Part], first_ns: int, last_ns: int) -> float | None:
    """Return the market's spread over the same time."""
    return _time_mean(parts, first_ns, last_ns, lambda line: 1e4 * (line.market_ask - line.market_bid) / line.mid)


def _time_mean(
    parts: Sequence[Part], first_ns: int, last_ns: int, of: Callable[[QuoteTimeline], Floats]
) -> float | None:
    total = weight = 0.0
    for part in parts:
        line = part.trading.log.timeline
        seconds = np.clip(np.minimum(line.end_ns, last_ns) - np.maximum(line.start_ns, first_ns), 0, None) / 1e9
        values = of(line)
        use = (line.sides == 2) & np.isfinite(values)
        total += float((seconds[use] * values[use]).sum())
        weight += float(seconds[use].sum())
    return total / weight if weight else None
