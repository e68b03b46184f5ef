r"""When an inventory is worth the cost of hedging it, and how much of it.

A maker whose reservation price moves by ``skew`` per unit of inventory values the last unit held at ``skew |q|`` below
the market. Selling it to a taker costs :math:`c` per unit, so that it pays beyond the band

.. math:: \bar q = c / \text{skew}, \qquad \text{hedge} = -\operatorname{sign}(q)\,(|q| - \bar q)^+ ,

and within it the inventory is left to the quotes. Where a faster hedge costs more, :math:`L(v) = c|v| + \eta v^2`, it
is worked off at the rate :math:`v^* = -\operatorname{sign}(q)\,(\text{skew}\,|q| - c)^+ / (2\eta)`.

First order: it takes the maker's value of inventory as quadratic, and as if there were no hedging; the true band is
somewhat narrower. A fixed target below the band would *add* risk when flat.

Source: Barzykin, Bergault and Guéant, Mathematical Finance 33(1), 2023.
"""

from __future__ import annotations

import math

from mm_nautilus.errors import ParameterError


def hedging_band(skew: float, taker_cost: float) -> float:
    r"""Return the band :math:`\bar q = c / \text{skew}` in base units; infinite where inventory costs nothing.

    Parameters
    ----------
    skew : float
        Fall of the reservation price per unit held, in price per base unit; at least 0. For GLFT it is
        twice the first coefficient of `mm_nautilus.models.glft.stationary_value`.
    taker_cost : float
        Half-spread, taker fee and slippage of the hedge, in price units; at least 0.

    Raises
    ------
    ParameterError
        When one is negative or not a finite number.

    """
    _at_least_zero("skew", skew)
    _at_least_zero("taker_cost", taker_cost)
    return taker_cost / skew if skew > 0.0 else math.inf


def hedge_quantity(position: float, band: float) -> float:
    """Return the signed size to hedge now: what brings the position back to the edge of the band.

    Parameters
    ----------
    position : float
        Signed position over all venues, in base units.
    band : float
        From `hedging_band`, in base units; may be infinite.

    Raises
    ------
    ParameterError
        For a position that is not finite or a negative band.

    """
    if not math.isfinite(position):
        raise ParameterError("position", position, "finite")
    if not band >= 0.0:
        raise ParameterError("band", band, ">= 0")
    excess = abs(position) - band
    return -math.copysign(excess, position) if excess > 0.0 else 0.0


def hedge_rate(position: float, skew: float, taker_cost: float, impact: float) -> float:
    r"""Return the signed rate :math:`v^*` at which to hedge, in base units per second.

    Parameters
    ----------
    position : float
        Signed position over all venues, in base units.
    skew : float
        In price per base unit; at least 0.
    taker_cost : float
        Cost of an infinitely slow hedge, in price units; at least 0.
    impact : float
        :math:`\eta`, in price units per (base unit per second); above 0.

    Raises
    ------
    ParameterError
        When one is outside its range or not a finite number.

    """
    if not math.isfinite(position):
        raise ParameterError("position", position, "finite")
    _at_least_zero("skew", skew)
    _at_least_zero("taker_cost", taker_cost)
    if not 0.0 < impact < math.inf:
        raise ParameterError("impact", impact, "> 0 and finite")
    gain = skew * abs(position) - taker_cost
    return -math.copysign(gain / (2.0 * impact), position) if gain > 0.0 else 0.0


def _at_least_zero(name: str, value: float) -> None:
    if not 0.0 <= value < math.inf:
        raise ParameterError(name, value, ">= 0 and finite")
