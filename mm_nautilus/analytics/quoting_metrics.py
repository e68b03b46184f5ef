"""Figures about quotes and their fills: spread, uptime, lifetime; fill rate, markouts, waits and queues."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.attribution_summary import HORIZON_S
from mm_nautilus.analytics.equity import Floats
from mm_nautilus.analytics.money_metrics import figure
from mm_nautilus.analytics.performance import Group, Metric
from mm_nautilus.analytics.quote_figures import QueueAhead, adverse_rate, fill_rate, market_spread_bps, spread_bps
from mm_nautilus.analytics.ratios import Ratio, mean_of
from mm_nautilus.analytics.trading import Part

_COMMANDS: Final = frozenset({"SUBMIT", "AMEND", "CANCEL"})
_NO_QUOTE: Final = "nothing was quoted"
_NO_SPREAD: Final = "never quoted two-sided"
_NO_FILL: Final = "no quote was filled"
_NO_END: Final = "the log tells of no quote that ended"


def quoting_metrics(
    parts: Sequence[Part], span_ns: tuple[int, int], queues: Sequence[QueueAhead], seed: int
) -> dict[str, Metric]:
    """Return everything about quotes and their fills, by key.

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
    return {
        **_times(parts),
        "average_spread_bps": _quoting(
            "Average spread quoted",
            value=spread_bps(parts, first, last),
            unit="bps",
            how="best ask less best bid wanted over the market's mid, weighted by time, while both were quoted",
            why_not=_NO_SPREAD,
        ),
        "market_spread_bps": _quoting(
            "Spread of the market",
            value=market_spread_bps(parts, first, last),
            unit="bps",
            how="the same of the market, over that time",
            why_not=_NO_SPREAD,
        ),
        **_lives(parts),
        **_rates(parts, first, last),
        **_fills(parts, queues, seed),
    }


_quoting = partial(figure, group=Group.QUOTING)
_filling = partial(figure, group=Group.FILLS)


def _times(parts: Sequence[Part]) -> dict[str, Metric]:
    lines = [part.trading.log.timeline for part in parts]
    seconds = _joined([line.seconds for line in lines])
    sides = _joined([line.sides for line in lines])
    touch = _joined([(line.bid >= line.market_bid) & (line.ask <= line.market_ask) for line in lines])
    span = float(seconds.sum())
    kinds = (
        ("uptime", "Uptime", sides == 2, "share of the time with both sides quoted"),
        ("uptime_any", "Uptime of any side", sides >= 1, "share of the time with at least one side quoted"),
        (
            "time_at_touch",
            "Time at the touch",
            touch > 0,
            "share of the time with both sides at the market's best prices or better, as seen when they were decided",
        ),
    )
    return {
        key: _quoting(
            label, value=float(seconds[held].sum()) / span if span else None, unit="share", how=how, why_not=_NO_QUOTE
        )
        for key, label, held, how in kinds
    }


def _lives(parts: Sequence[Part]) -> dict[str, Metric]:
    lived = _joined([part.trading.life.seconds for part in parts])
    still, mean_life = sum(part.trading.life.open for part in parts), _mean(lived)
    trades = sum(len(part.trading.fill_ns) for part in parts)
    left_out = f"; {still} that rested at the end are left out" if still else ""
    how = f"time from the venue's acceptance of a price to its change, cancel, expiry or fill{left_out}"
    return {
        "quote_lifetime_s": _quoting(
            "Quote lifetime",
            value=mean_life.value,
            ratio=mean_life,
            unit="s",
            how=f"mean {how}",
            why_not=_NO_END,
            n=len(lived),
        ),
        "quote_lifetime_median_s": _quoting(
            "Quote lifetime, median",
            value=float(np.median(lived)) if len(lived) else None,
            unit="s",
            how=f"median {how}",
            why_not=_NO_END,
            n=len(lived),
        ),
        "order_to_trade_ratio": _quoting(
            "Commands per trade",
            value=sum(map(_commands, parts)) / trades if trades else None,
            unit="",
            how="submits, amends and cancels over fills",
            why_not="nothing was filled",
            n=trades,
        ),
    }


def _rates(parts: Sequence[Part], first_ns: int, last_ns: int) -> dict[str, Metric]:
    filled, regretted = fill_rate(parts, first_ns, last_ns), adverse_rate(parts, first_ns, last_ns)
    return {
        "fill_rate": _filling(
            "Fill rate",
            value=filled.value,
            unit="share",
            how="volume of quotes filled over volume placed (submits and amends); the error as of independent quotes",
            why_not=_NO_QUOTE,
            ratio=filled,
            n=sum(len(part.trading.life.placed_ns) for part in parts),
        ),
        "adverse_selection_rate": _filling(
            "Adverse-selection rate",
            value=regretted.value,
            unit="share",
            how=f"share of the fills of quotes that the mark {HORIZON_S:g} s later had turned into a loss before fees",
            why_not=_NO_FILL,
            ratio=regretted,
            n=sum(int(part.trading.quoted.sum()) for part in parts),
        ),
    }


def _fills(parts: Sequence[Part], queues: Sequence[QueueAhead], seed: int) -> dict[str, Metric]:
    captured, realised = (
        _joined([1e4 * (getattr(one, of) / one.turnover)[one.quoted] for one in (part.trading for part in parts)])
        for of in ("captured", "markout")
    )
    waits = _joined([part.trading.wait_s[part.trading.quoted] for part in parts])
    ahead, unknown = _joined([one.ratios for one in queues]), sum(one.unknown for one in queues)
    wait, queue = _mean(waits), _mean(ahead)
    edge, later = mean_of(captured, seed), mean_of(realised, seed)
    per_value = "in bps of the fill's value; the error from blocks of fills"
    return {
        "spread_captured_bps": _filling(
            "Spread captured",
            value=edge.value,
            unit="bps",
            how=f"mean edge of the fills of quotes against the mark, {per_value}",
            why_not=_NO_FILL,
            ratio=edge,
            n=len(captured),
        ),
        "realised_bps": _filling(
            "Realised spread",
            value=later.value,
            unit="bps",
            how=f"the same {HORIZON_S:g} s later: spread less adverse selection, {per_value}",
            why_not=_NO_FILL,
            ratio=later,
            n=len(realised),
        ),
        "wait_s": _filling(
            "Wait for a fill",
            value=wait.value,
            ratio=wait,
            unit="s",
            how="mean time since the filled order got its price",
            why_not=_NO_FILL,
            n=len(waits),
        ),
        "queue_ahead": _filling(
            "Queue ahead when the order joined",
            value=queue.value,
            ratio=queue,
            unit="",
            how="size displayed at the filled order's price when it was decided, in sizes of the fill; 0 where it "
            f"improved on the market; {unknown} fills behind the best price then are left out, the log holds no queue "
            "there",
            why_not="every filled order joined behind the best price, where the log holds no queue"
            if unknown
            else _NO_FILL,
            n=len(ahead),
        ),
    }


def _joined(arrays: Sequence[np.ndarray[tuple[int], np.dtype[np.generic]]]) -> Floats:
    return np.concatenate(arrays).astype(np.float64) if arrays else np.empty(0)


def _mean(values: Floats) -> Ratio:
    """Return the mean of independent values, and its standard error."""
    n = len(values)
    error = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else None
    return Ratio(float(values.mean()) if n else None, error)


def _commands(part: Part) -> int:
    counts = pc.value_counts(part.trading.log.orders["event"].cast(pa.string())).to_pylist()
    return sum(item["counts"] for item in counts if item["values"] in _COMMANDS)
