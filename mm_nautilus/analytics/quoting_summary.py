"""How much of the time we quoted, how wide and how large, and why not more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mm_nautilus.analytics.quoting_time import Floats, Ints, QuoteTimeline


@dataclass(frozen=True, slots=True)
class TimeShare:
    """How long something held: seconds, and as a fraction of the run."""

    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class QuotingSummary:
    """Time-weighted quoting of one instrument; means are over the time quoted two-sided, ``None`` without any.

    Parameters
    ----------
    two_sided, one_sided, none : TimeShare
        Time with two, one or no side quoted; the shares sum to one.
    spread, spread_bps : float | None
        Our best ask minus our best bid, in price units and in basis points of the market's mid.
    market_spread, market_spread_bps : float | None
        The market's spread over the same time, as seen at each decision.
    bid_size, ask_size : float | None
        Size at our best prices, in base units (contracts).
    bid_depth, ask_depth : float | None
        Size over all our levels.
    states : mapping of state to TimeShare
        Time in each quote state, longest first.
    missing : mapping of reason to TimeShare
        Time during which a side was missing and this reason was given, longest first. Several
        reasons may hold at once, so the shares need not sum to the time not quoted.

    """

    two_sided: TimeShare
    one_sided: TimeShare
    none: TimeShare
    spread: float | None
    spread_bps: float | None
    market_spread: float | None
    market_spread_bps: float | None
    bid_size: float | None
    ask_size: float | None
    bid_depth: float | None
    ask_depth: float | None
    states: dict[str, TimeShare]
    missing: dict[str, TimeShare]


def quoting_summary(timeline: QuoteTimeline) -> QuotingSummary:
    """Return the time-weighted figures of a timeline."""
    seconds, sides = timeline.seconds, timeline.sides
    span = float(seconds.sum())

    def share(time: float) -> TimeShare:
        return TimeShare(time, time / span if span else 0.0)

    def shares(names: Sequence[str], codes: Ints, weights: Floats) -> dict[str, TimeShare]:
        times = np.bincount(codes, weights=weights, minlength=len(names))
        longest = sorted(zip(names, times.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
        return {name: share(time) for name, time in longest if time > 0}

    def mean(values: Floats) -> float | None:
        use = (sides == 2) & np.isfinite(values)
        weight = float(seconds[use].sum())
        return float((seconds[use] * values[use]).sum()) / weight if weight else None

    missing_side = sides[timeline.reason_stretch] < 2
    why_weights = np.where(missing_side, seconds[timeline.reason_stretch], 0.0)
    market_spread = timeline.market_ask - timeline.market_bid
    return QuotingSummary(
        two_sided=share(float(seconds[sides == 2].sum())),
        one_sided=share(float(seconds[sides == 1].sum())),
        none=share(float(seconds[sides == 0].sum())),
        spread=mean(timeline.spread),
        spread_bps=mean(1e4 * timeline.spread / timeline.mid),
        market_spread=mean(market_spread),
        market_spread_bps=mean(1e4 * market_spread / timeline.mid),
        bid_size=mean(timeline.bid_size),
        ask_size=mean(timeline.ask_size),
        bid_depth=mean(timeline.bid_depth),
        ask_depth=mean(timeline.ask_depth),
        states=shares(timeline.states, timeline.state, seconds),
        missing=shares(timeline.reasons, timeline.reason, why_weights),
    )
