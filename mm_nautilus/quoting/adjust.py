"""Step 3: what others know changes the model's quote, side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mm_nautilus.market import Quote
from mm_nautilus.messages import AdverseSelectionAssessment
from mm_nautilus.quoting.settings import AdjustSettings


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Multipliers on half-spreads and sizes, a shift of the centre in price units, and sides to step away from."""

    bid_spread: float = 1.0
    ask_spread: float = 1.0
    bid_size: float = 1.0
    ask_size: float = 1.0
    shift: float = 0.0
    bid_away: bool = False
    """Quote no bid, unless it would reduce the position: who steps away from that side is left holding it."""
    ask_away: bool = False


NEUTRAL = Adjustment()


def tighten_reducing_side(adjustment: Adjustment, inventory_share: float, settings: AdjustSettings) -> Adjustment:
    """Tighten the side that reduces the position once it is large.

    Parameters
    ----------
    adjustment : Adjustment
        What has been decided so far.
    inventory_share : float
        Position over its limit, in [-1, 1].
    settings : AdjustSettings
        From which share on, and by how much.

    """
    factor = settings.aggressive_spread_multiplier
    if factor == 1.0 or abs(inventory_share) < settings.aggressive_above:
        return adjustment
    if inventory_share > 0:
        return replace(adjustment, ask_spread=adjustment.ask_spread * factor)
    return replace(adjustment, bid_spread=adjustment.bid_spread * factor)


def of_assessment(assessment: AdverseSelectionAssessment) -> Adjustment:
    """Return what an assessment of adverse selection asks for."""
    return Adjustment(
        bid_spread=assessment.bid_spread_multiplier,
        ask_spread=assessment.ask_spread_multiplier,
        bid_size=assessment.bid_size_multiplier,
        ask_size=assessment.ask_size_multiplier,
        bid_away=assessment.bid_away_until_ns is not None,
        ask_away=assessment.ask_away_until_ns is not None,
    )


def combined(one: Adjustment, other: Adjustment) -> Adjustment:
    """Return both at once: multipliers multiply, shifts add up, and a side that either steps away from is away."""
    if other == NEUTRAL:
        return one
    return Adjustment(
        one.bid_spread * other.bid_spread,
        one.ask_spread * other.ask_spread,
        one.bid_size * other.bid_size,
        one.ask_size * other.ask_size,
        one.shift + other.shift,
        one.bid_away or other.bid_away,
        one.ask_away or other.ask_away,
    )


def adjusted(quote: Quote, adjustment: Adjustment) -> Quote:
    """Return `quote` with its half-spreads scaled and its centre shifted."""
    if adjustment is NEUTRAL:
        return quote
    bid, ask = quote.bid_half_spread, quote.ask_half_spread
    return Quote(
        quote.reservation_price + adjustment.shift,
        None if bid is None else bid * adjustment.bid_spread,
        None if ask is None else ask * adjustment.ask_spread,
    )
