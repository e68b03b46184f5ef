r"""Step 4: one quote becomes a ladder.

.. math::
    \text{bid}_i = \lfloor b - i\,d\,(1 + w\rho^+) \rfloor_{\text{tick}}, \qquad
    \text{size}_i = \lfloor s_0 m \beta^i (1 - u\rho^+) \rfloor_{\text{lot}}

with :math:`b` the quoted bid, :math:`d` the spacing, :math:`\rho` from `inventory_share`, :math:`w` the widening and
:math:`u` the size skew of the side that adds to the position, :math:`\beta` the decay and :math:`m` the size
multiplier; asks mirror. Prices are strictly monotone by at least a tick, and cumulative size never exceeds the room.
"""

from __future__ import annotations

import math

from mm_nautilus.market import Side
from mm_nautilus.quoting.lattice import ticks_away, whole_lots


def ladder_ticks(side: Side, price: float, tick: float, spacing: float, levels: int) -> list[int]:
    """Prices of one side in ticks, best first.

    Parameters
    ----------
    side : Side
        Which side.
    price : float
        Wanted price of the best level, in price units.
    tick : float
        Tick size, in price units.
    spacing : float
        Distance between neighbouring levels, in price units.
    levels : int
        How many.

    """
    if levels == 1:
        return [ticks_away(side, price, tick)]
    sign = int(side)
    ticks = [ticks_away(side, price - sign * index * spacing, tick) for index in range(levels)]
    for index in range(1, levels):
        farthest = ticks[index - 1] - sign
        if (ticks[index] - farthest) * sign > 0:
            ticks[index] = farthest
    return ticks


def ladder_lots(base_lots: float, decay: float, levels: int) -> list[int]:
    """Sizes of one side in lots, best level first.

    Parameters
    ----------
    base_lots : float
        Size of the best level, in lots; need not be whole.
    decay : float
        Size of a level relative to the one before it.
    levels : int
        How many.

    """
    if levels == 1:
        return [whole_lots(base_lots)]
    return [whole_lots(base_lots * decay**index) for index in range(levels)]


def smallest_lots(ticks: list[int], min_lots: int, min_notional: float, tick_value: float) -> int:
    """Return the smallest order the venue accepts at every one of these prices, in lots.

    Parameters
    ----------
    ticks : list of int
        Prices of one side, best first or last.
    min_lots : int
        The venue's smallest size.
    min_notional : float
        The venue's smallest value, in quote currency.
    tick_value : float
        What one lot is worth per tick of its price, in quote currency.

    """
    if min_notional == 0.0 or not ticks:
        return min_lots
    return max(min_lots, math.ceil(min_notional / (max(min(ticks[0], ticks[-1]), 1) * tick_value)))


def fitted(sizes: list[int], room_lots: int) -> list[int]:
    """Return `sizes`, best level first, with what does not fit into `room_lots` cut from the far end."""
    if len(sizes) == 1:
        return sizes if sizes[0] <= room_lots else [room_lots]
    fitting = []
    for size in sizes:
        fitting.append(min(size, room_lots))
        room_lots -= fitting[-1]
    return fitting


def inventory_share(position: float, target: float, limit: float) -> float:
    r"""Return how much of the way from the target inventory to the limit is used up, with its sign.

    .. math:: \rho = \frac{q - q^*}{Q - q^*} \;\text{above the target}, \qquad
              \rho = \frac{q - q^*}{Q + q^*} \;\text{below it}

    so that it is 1 at the limit on either side, and :math:`q/Q` without a target.

    Parameters
    ----------
    position, target, limit : float
        In one unit; the limit above 0.

    """
    deviation = position - target
    way = limit - target if deviation > 0 else limit + target
    if way > 0:
        return deviation / way
    return math.copysign(1.0, deviation) if deviation else 0.0


def towards_limit(side: Side, inventory_share: float) -> float:
    r"""Share of the limit used up on `side`: :math:`\rho^+` for bids, :math:`(-\rho)^+` for asks.

    Parameters
    ----------
    side : Side
        Which side.
    inventory_share : float
        Position over its limit.

    Returns
    -------
    float
        In [0, 1].

    """
    return min(max(int(side) * inventory_share, 0.0), 1.0)


def stretched(spacing: float, widening: float, towards: float) -> float:
    r"""Return the spacing :math:`d(1 + w\rho^+)` of a side, in price units.

    Parameters
    ----------
    spacing : float
        Distance between neighbouring levels when flat, in price units.
    widening : float
        Stretch at the limit.
    towards : float
        From `towards_limit`.

    """
    return spacing * (1.0 + widening * towards)


def skewed(size: float, size_skew: float, towards: float) -> float:
    r"""Return the size :math:`s_0(1 - u\rho^+)` of the best level of a side, in the unit of `size`.

    Parameters
    ----------
    size : float
        Size when flat.
    size_skew : float
        Share taken off at the limit.
    towards : float
        From `towards_limit`.

    """
    return size * (1.0 - size_skew * towards)


def held_back_lots(
    order_lots: int,
    before: float,
    held_back: float,
    min_lots: int,
    min_notional: float,
    lot_value: float,
) -> float:
    """Return the size of the best level: the band shrinks an order to the smallest one there is, and no further.

    Parameters
    ----------
    order_lots : int
        Size of the best level when flat.
    before, held_back : float
        Factors on it without and with the band.
    min_lots : int
        The venue's smallest order.
    min_notional, lot_value : float
        Smallest value of an order, and of one lot at the fair value, in quote currency.

    """
    size = order_lots * held_back
    if held_back == before:
        return size
    smallest = max(min_lots, math.ceil(min_notional / lot_value))
    return max(size, min(order_lots * before, smallest))
