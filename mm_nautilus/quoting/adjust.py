"""Step 3: what others know changes the model's quote, side by side."""

from __future__ import annotations

from copy import replace
from dataclasses import dataclass, fields

from msgspec import Struct

from mm_nautilus.market import Quote
from mm_nautilus.messages import AdverseSelectionAssessment
from mm_nautilus.quoting.settings import AdjustSettings


class Adjustment(Struct, frozen=True, gc=False):
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


@dataclass(frozen=True, slots=True)
class Bands:
    """`AdjustSettings` as every pass reads them: a settings model looks each field up through a Python hook."""

    skew_above: float
    skew_size: float
    skew_spread: float
    aggressive_above: float
    aggressive_spread_multiplier: float

    @classmethod
    def of(cls, settings: AdjustSettings) -> Bands:
        """Return the fields of the same names."""
        return cls(*(getattr(settings, one.name) for one in fields(cls)))


def band_factors(
    share: float,
    skew_above: float,
    skew_size: float,
    skew_spread: float,
    aggressive_above: float,
    aggressive_spread_multiplier: float,
) -> tuple[float, float, float]:
    """Return the factors on the adding side's size, its half-spread, and the reducing side's half-spread.

    See `banded`, whose settings these are.
    """
    used = abs(share)
    add_size = add_spread = reduce_spread = 1.0
    if used > skew_above:
        ramp = min((used - skew_above) / (1.0 - skew_above), 1.0)
        add_size -= skew_size * ramp
        add_spread += skew_spread * ramp
    if used >= aggressive_above:
        reduce_spread = aggressive_spread_multiplier
    return add_size, add_spread, reduce_spread


def banded(adjustment: Adjustment, share: float, settings: Bands | AdjustSettings) -> Adjustment:
    r"""Hold back the side that adds to the inventory, and tighten the one that reduces it once there is much.

    .. math::
        r = \operatorname{clip}\Bigl(\frac{|\rho| - \rho_s}{1 - \rho_s}, 0, 1\Bigr), \qquad
        \text{adding: size} \times (1 - u r),\; \text{half-spread} \times (1 + w r), \qquad
        \text{reducing: half-spread} \times m \;\text{from}\; |\rho| \ge \rho_a

    with :math:`u` ``skew_size``, :math:`w` ``skew_spread``, :math:`m` ``aggressive_spread_multiplier`` and the two
    thresholds ``skew_above`` and ``aggressive_above``. Holding back is continuous in :math:`\rho`. Returns `adjustment`
    itself where nothing changes.

    Parameters
    ----------
    adjustment : Adjustment
        What has been decided so far.
    share : float
        :math:`\rho`, from `mm_nautilus.quoting.ladder.inventory_share`.
    settings : Bands or AdjustSettings
        From which share on, and by how much.

    """
    add_size, add_spread, reduce_spread = band_factors(
        share,
        settings.skew_above,
        settings.skew_size,
        settings.skew_spread,
        settings.aggressive_above,
        settings.aggressive_spread_multiplier,
    )
    if add_size == add_spread == reduce_spread == 1.0:
        return adjustment
    long = share > 0
    return replace(
        adjustment,
        bid_spread=adjustment.bid_spread * (add_spread if long else reduce_spread),
        ask_spread=adjustment.ask_spread * (reduce_spread if long else add_spread),
        bid_size=adjustment.bid_size * (add_size if long else 1.0),
        ask_size=adjustment.ask_size * (1.0 if long else add_size),
    )


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
    bid, ask = quote.bid_half_spread, quote.ask_half_spread
    return Quote(
        quote.reservation_price + adjustment.shift,
        None if bid is None else bid * adjustment.bid_spread,
        None if ask is None else ask * adjustment.ask_spread,
    )
