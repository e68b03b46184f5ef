r"""Which instrument of a portfolio to hedge in, and how much of it.

With the value of inventory :math:`\theta(q) = -q^\top \mathcal{A} q - \ldots`, one unit less of instrument i is worth
its skew :math:`u_i = (2\mathcal{A}(q - q^*))_i`, of which what is held of *others* is part. Taking liquidity there
costs :math:`c_i` a unit. It pays while :math:`|u_i| > c_i`, and trading

.. math:: d_i = -\operatorname{sign}(u_i) \frac{|u_i| - c_i}{2 \mathcal{A}_{ii}}, \qquad
    \text{gain} = \frac{(|u_i| - c_i)^2}{4 \mathcal{A}_{ii}}

brings it back to the edge of that band. One instrument at a time, the one with the largest gain: its fill moves every
other skew, so that a long in one asset is hedged in the cheapest of those that move with it, and once.

With one asset this is `mm_nautilus.inventory.hedging`: :math:`2\mathcal{A}` is the skew and the band :math:`c/2\mathcal
{A}`. First order, as there.

Source: Barzykin, Bergault and Guéant, Mathematical Finance 33(1), 2023; Guéant 2017, section 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from mm_nautilus.errors import ParameterError


class CrossHedge(Struct, frozen=True, gc=False):
    """One hedge that pays."""

    instrument: int
    """Which one, from 0."""
    quantity: float
    """Signed, in base units: what brings the skew back to the cost."""
    skew: float
    """What a unit less is worth, in price units."""
    cost: float
    """What taking it costs, in price units."""
    gain: float
    """Of the whole hedge, in money."""


def cross_hedge(
    skews: Sequence[float], slopes: Sequence[float], costs: Sequence[float | None], least: float = 0.0
) -> CrossHedge | None:
    """Return the hedge that gains most, or ``None`` where none pays.

    Parameters
    ----------
    skews : sequence of float
        ``u`` of every instrument, in price units of one currency.
    slopes : sequence of float
        ``2 A_ii`` of every instrument, in price per base unit; one that is 0 is not hedged in.
    costs : sequence of (float or None)
        ``c`` of taking a unit of every instrument, at least 0 in that currency; ``None`` where it cannot be taken now.
    least : float
        Share of the cost by which the skew must exceed it, so that a hedge is not begun for what the next fill undoes;
        at least 0. The quantity still goes to the cost itself.

    Raises
    ------
    ParameterError
        For lengths that differ, or a number that is not finite or negative where it may not be.

    """
    if not len(skews) == len(slopes) == len(costs):
        raise ParameterError("skews, slopes, costs", (len(skews), len(slopes), len(costs)), "equally many")
    if not 0.0 <= least < math.inf:
        raise ParameterError("least", least, ">= 0 and finite")
    best: CrossHedge | None = None
    for index, (skew, slope, cost) in enumerate(zip(skews, slopes, costs, strict=True)):
        if not math.isfinite(skew):
            raise ParameterError(f"skews[{index}]", skew, "a finite number")
        if not 0.0 <= slope < math.inf:
            raise ParameterError(f"slopes[{index}]", slope, ">= 0 and finite")
        if cost is None or slope == 0.0:
            continue
        if not 0.0 <= cost < math.inf:
            raise ParameterError(f"costs[{index}]", cost, ">= 0 and finite")
        if abs(skew) <= cost * (1.0 + least):
            continue
        over = abs(skew) - cost
        gain = 0.5 * over * over / slope
        if best is None or gain > best.gain:
            best = CrossHedge(index, -math.copysign(over / slope, skew), skew, cost, gain)
    return best
