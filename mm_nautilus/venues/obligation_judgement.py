"""Whether the orders that rest right now keep a venue's rule, and if not, why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from mm_nautilus.venues.obligation import ObligationSettings

type Level = tuple[Decimal, Decimal]
"""``(price, size)``: quote currency, base units (contracts)."""
type Worth = Callable[[Decimal, Decimal], Decimal]
"""Value of a size at a price, in settlement currency, at least 0."""

_BPS: Final = Decimal(10_000)
_NOISE: Final = 1e-9
"""The market's mid is a float; prices at the very distance allowed are not to be lost to its rounding."""


class Shortfall(StrEnum):
    """Why a rule is not kept at an instant."""

    NOT_QUOTED = "NOT_QUOTED"
    NO_BID = "NO_BID"
    NO_ASK = "NO_ASK"
    TOO_SMALL = "TOO_SMALL"
    TOO_WIDE = "TOO_WIDE"
    SIZES_APART = "SIZES_APART"
    NO_MARKET = "NO_MARKET"
    """The distance to a mid is demanded, there is none, and that is not excused."""


def judge(
    rule: ObligationSettings,
    bids: Sequence[Level],
    asks: Sequence[Level],
    mid: float | None,
    worth: Worth,
    *,
    stressed: bool,
) -> tuple[Shortfall | None, Decimal | None]:
    """Return why the resting orders do not keep the rule, or ``None``; and the spread at the minimum size, in bps.

    A side is as far out as the worst price that is needed to make up the minimum size and value from its best level
    on; the spread is that of the two sides, over the middle between them. It is ``None`` where a side lacks the size.

    Parameters
    ----------
    rule : ObligationSettings
        What is demanded.
    bids, asks : sequence of (price, size)
        What rests, in any order; sizes above 0.
    mid : float or None
        Of the market.
    worth : callable
        Value of a size at a price.
    stressed : bool
        Whether the relief for a stressed market holds.

    """
    if not bids and not asks:
        return Shortfall.NOT_QUOTED, None
    near_bids, near_asks = bids, asks
    if rule.max_distance_bps is not None:
        if mid is None:
            return Shortfall.NO_MARKET, None
        reach = float(_relaxed(rule.max_distance_bps, rule, stressed))
        near_bids, near_asks = _near(bids, mid, reach), _near(asks, mid, reach)
    prices = tuple(
        _depth_price(sorted(levels, reverse=highest_first), rule, worth, stressed)
        for levels, highest_first in ((near_bids, True), (near_asks, False))
    )
    bid, ask = prices
    if bid is None or ask is None:
        if not rule.two_sided and bid is not ask:
            return None, None
        return _lacking(rule, (bids, asks), prices, worth, stressed), None
    if not rule.two_sided:
        return None, None
    return _pair(rule, bid, ask, [_total(levels) for levels in (near_bids, near_asks)], stressed)


def _pair(
    rule: ObligationSettings, bid: Decimal, ask: Decimal, sizes: list[Decimal], stressed: bool
) -> tuple[Shortfall | None, Decimal | None]:
    """Judge two sides that both have the size."""
    if ask + bid <= 0:  # basis points of nothing
        return Shortfall.TOO_WIDE, None
    spread = (ask - bid) / (ask + bid) * 2 * _BPS
    if rule.max_spread_bps is not None and spread > _relaxed(rule.max_spread_bps, rule, stressed):
        return Shortfall.TOO_WIDE, spread
    difference = rule.max_size_difference
    if difference is not None and min(sizes) < max(sizes) * (1 - difference):
        return Shortfall.SIZES_APART, spread
    return None, spread


def _lacking(
    rule: ObligationSettings,
    sides: tuple[Sequence[Level], Sequence[Level]],
    prices: tuple[Decimal | None, ...],
    worth: Worth,
    stressed: bool,
) -> Shortfall:
    """Return what the sides lack that do not have the size: the orders, the size, or only the nearness."""
    if rule.two_sided:
        for levels, missing in zip(sides, (Shortfall.NO_BID, Shortfall.NO_ASK), strict=True):
            if not levels:
                return missing
    lacking = [levels for levels, price in zip(sides, prices, strict=True) if price is None]
    enough = [_depth_price(levels, rule, worth, stressed) is not None for levels in lacking]
    far = all(enough) if rule.two_sided else any(enough)
    return Shortfall.TOO_WIDE if far else Shortfall.TOO_SMALL


def _total(levels: Sequence[Level]) -> Decimal:
    return sum((size for _, size in levels), Decimal(0))


def _relaxed(bps: Decimal, rule: ObligationSettings, stressed: bool) -> Decimal:
    return bps * rule.stress.spread_multiplier if stressed and rule.stress is not None else bps


def _near(levels: Sequence[Level], mid: float, reach_bps: float) -> Sequence[Level]:
    reach = reach_bps * 1e-4 * mid * (1.0 + _NOISE)
    return [level for level in levels if abs(float(level[0]) - mid) <= reach]


def _depth_price(best_first: Sequence[Level], rule: ObligationSettings, worth: Worth, stressed: bool) -> Decimal | None:
    """Return the price of the level that completes the minimum size and value, or ``None``."""
    factor = rule.stress.size_multiplier if stressed and rule.stress is not None else Decimal(1)
    least_size = (rule.min_size or Decimal(0)) * factor
    least_worth = (rule.min_notional or Decimal(0)) * factor
    size = value = Decimal(0)
    for price, here in best_first:
        size += here
        value += worth(here, price) if least_worth else Decimal(0)
        if size >= least_size and value >= least_worth:
            return price
    return None
