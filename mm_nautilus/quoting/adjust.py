"""Step 3: what others know changes the model's quote, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from mm_nautilus.market import Quote
from mm_nautilus.quoting.settings import AdjustSettings


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Multipliers on half-spreads and sizes, and a shift of the centre in price units."""

    bid_spread: float = 1.0
    ask_spread: float = 1.0
    bid_size: float = 1.0
    ask_size: float = 1.0
    shift: float = 0.0


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
    long = inventory_share > 0
    return Adjustment(
        bid_spread=adjustment.bid_spread * (1.0 if long else factor),
        ask_spread=adjustment.ask_spread * (factor if long else 1.0),
        bid_size=adjustment.bid_size,
        ask_size=adjustment.ask_size,
        shift=adjustment.shift,
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
