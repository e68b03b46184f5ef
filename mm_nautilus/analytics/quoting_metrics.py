"""Figures about quotes: spread, uptime, levels, fill rate, lifetime, and where in the queue a fill found us."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.attribution_summary import HORIZON_S
from mm_nautilus.analytics.equity import Floats
from mm_nautilus.analytics.performance import Group, LevelTime, Metric
from mm_nautilus.analytics.quoting_time import QuoteTimeline
from mm_nautilus.analytics.ratios import Ratio, mean_of, share, wilson
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.trading import Part
from mm_nautilus.market import Purpose
from mm_nautilus.messages import FillFact

_NO_QUOTE = "nothing was quoted"
_NO_FILL = "no quote was filled"


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


def queue_ahead(log: RunLog, fills: Sequence[FillFact]) -> QueueAhead:
    """Return the size displayed at each filled order's price when it was decided, in sizes of the fill.

    The log holds no queue of an order as it filled. A passive fill happens at the front of it, so what tells a fill
    that was waited for from one at once is how much stood ahead when the order joined: read from the best prices and
    sizes in the decision that gave it its price. It overstates the queue where size left before our order arrived.
    """
    quoted = [fill for fill in fills if fill.purpose == Purpose.QUOTE]
    if not quoted:
        return QueueAhead(np.empty(0), 0)
    name = quoted[0].instrument_id
    table = log.table(
        "decisions", ["strategy_id", "instrument_id", "decision_id", "bid", "ask", "bid_size", "ask_size"]
    )
    wanted = pc.and_(
        pc.is_in(table["decision_id"], pa.array(sorted({fill.decision_id for fill in quoted}), pa.int64())),
        pc.equal(table["instrument_id"].cast(pa.string()), name),
    )
    known = {(row["strategy_id"], row["decision_id"]): row for row in table.filter(wanted).to_pylist()}
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


def quoting_metrics(
    parts: Sequence[Part], span_ns: tuple[int, int], queues: Sequence[QueueAhead], seed: int
) -> Iterator[tuple[str, Metric]]:
    """Yield everything about quotes and their fills, by key.

    Parameters
    ----------
    parts : sequence of Part
        The scope.
    span_ns : tuple of int
        The run's first and last instant.
    queues : sequence of QueueAhead
        Of its instruments.
    seed : int
        Of the bootstrap.

    """
    first, last = span_ns[0], span_ns[1] + 1
    lines = [part.trading.log.timeline for part in parts]
    seconds = np.concatenate([line.seconds for line in lines]) if lines else np.empty(0)
    sides = np.concatenate([line.sides for line in lines]) if lines else np.empty(0)
    spans = float(seconds.sum())

    def time_share(held: np.ndarray) -> float | None:  # type: ignore[type-arg]
        return float(seconds[held].sum()) / spans if spans else None

    def measured(label: str, value: float | None, unit: str, how: str, why_not: str = _NO_QUOTE) -> Metric:
        return Metric(label, Group.QUOTING, value, unit, how=how, why_not="" if value is not None else why_not)

    yield "average_spread_bps", measured(
        "Average spread quoted", spread_bps(parts, first, last), "bps",
        "best ask less best bid wanted over the market's mid, weighted by time, while both sides were quoted",
        "never quoted two-sided",
    )  # fmt: skip
    yield "market_spread_bps", measured(
        "Spread of the market", market_spread_bps(parts, first, last), "bps", "the same of the market, over that time",
        "never quoted two-sided",
    )  # fmt: skip
    yield "uptime", measured("Uptime", time_share(sides == 2), "share", "share of the time with both sides quoted")
    yield (
        "uptime_any",
        measured(
            "Uptime of any side", time_share(sides >= 1), "share", "share of the time with at least one side quoted"
        ),
    )
    touch = [np.minimum(line.bid >= line.market_bid, line.ask <= line.market_ask) for line in lines]
    yield "time_at_touch", measured(
        "Time at the touch", time_share(np.concatenate(touch)) if touch else None, "share",
        "share of the time with both sides at the market's best prices or better, as seen when they were decided",
    )  # fmt: skip
    lived = np.concatenate([part.trading.life.seconds for part in parts]) if parts else np.empty(0)
    still = sum(part.trading.life.open for part in parts)
    yield "quote_lifetime_s", _mean(
        "Quote lifetime", Group.QUOTING, lived, "s",
        "mean time from the venue's acceptance of a price to its change, cancel, expiry or fill"
        + (f"; {still} that rested at the end are left out" if still else ""),
        "the log tells of no quote that ended",
    )  # fmt: skip
    yield "quote_lifetime_median_s", measured(
        "Quote lifetime, median", float(np.median(lived)) if len(lived) else None, "s", "of the same",
        "the log tells of no quote that ended",
    )  # fmt: skip
    trades = sum(len(part.trading.fill_ns) for part in parts)
    sent = sum(_commands(part) for part in parts)
    yield "order_to_trade_ratio", Metric(
        "Commands per trade", Group.QUOTING, sent / trades if trades else None, "", n=trades,
        how="submits, amends and cancels over fills", why_not="" if trades else "nothing was filled",
    )  # fmt: skip
    rate = fill_rate(parts, first, last)
    placed = sum(len(part.trading.life.placed_ns) for part in parts)
    yield "fill_rate", Metric(
        "Fill rate", Group.FILLS, rate.value, "share", rate.stderr, rate.low, rate.high, placed,
        "volume of quotes filled over volume placed (every submit and amend), the error as of independent quotes",
        "" if rate.value is not None else _NO_QUOTE,
    )  # fmt: skip
    bad = adverse_rate(parts, first, last)
    quoted = sum(int(part.trading.quoted.sum()) for part in parts)
    yield "adverse_selection_rate", Metric(
        "Adverse-selection rate", Group.FILLS, bad.value, "share", bad.stderr, bad.low, bad.high, quoted,
        f"share of the fills of quotes that the mark, {HORIZON_S:g} s later, had turned into a loss before fees",
        "" if bad.value is not None else _NO_FILL,
    )  # fmt: skip
    yield from _per_fill(parts, seed)
    ahead = np.concatenate([queue.ratios for queue in queues]) if queues else np.empty(0)
    unknown = sum(queue.unknown for queue in queues)
    yield "queue_ahead", _mean(
        "Queue ahead when the order joined", Group.FILLS, ahead, "",
        "size displayed at the filled order's price when it was decided, in sizes of the fill; 0 where it improved on "
        f"the market; {unknown} fills behind the best price then are left out, the log holds no queue there",
        _NO_FILL if not quoted else "every filled order joined behind the best price, where the log holds no queue",
    )  # fmt: skip


def _per_fill(parts: Sequence[Part], seed: int) -> Iterator[tuple[str, Metric]]:
    """Yield spread captured and realised per turnover, and how long fills were waited for."""
    for key, label, of, how in (
        ("spread_captured_bps", "Spread captured", "captured", "mean edge of the fills of quotes against the mark"),
        (
            "realised_bps",
            "Realised spread",
            "markout",
            f"the same {HORIZON_S:g} s later: spread less adverse selection",
        ),
    ):
        edges = [
            1e4 * getattr(part.trading, of)[part.trading.quoted] / part.trading.turnover[part.trading.quoted]
            for part in parts
        ]
        values = np.concatenate(edges) if edges else np.empty(0)
        mean = mean_of(values, seed)
        yield key, Metric(
            label, Group.FILLS, mean.value, "bps", mean.stderr, mean.low, mean.high, len(values),
            f"{how}, in bps of the fill's value; the error from blocks of fills", "" if len(values) else _NO_FILL,
        )  # fmt: skip
    waits = np.concatenate([part.trading.wait_s[part.trading.quoted] for part in parts]) if parts else np.empty(0)
    yield (
        "wait_s",
        _mean("Wait for a fill", Group.FILLS, waits, "s", "mean time since the filled order got its price", _NO_FILL),
    )


def _mean(label: str, group: Group, values: Floats, unit: str, how: str, why_not: str) -> Metric:
    n = len(values)
    error = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else None
    value = float(values.mean()) if n else None
    return Metric(label, group, value, unit, error, n=n, how=how, why_not="" if n else why_not)


def _commands(part: Part) -> int:
    counts = pc.value_counts(part.trading.log.orders["event"].cast(pa.string())).to_pylist()
    return sum(item["counts"] for item in counts if item["values"] in {"SUBMIT", "AMEND", "CANCEL"})
