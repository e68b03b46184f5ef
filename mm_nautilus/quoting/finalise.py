r"""Steps 4 and 5 for one side, and for a quote that does not come from the pipeline.

Wanted price -> floor of the half-spread -> ladder on the tick -> post-only clamp -> never our own cross -> sizes:

.. math::
    \text{bid}_0 \le \min\bigl(b,\; F - h_{\min},\; a^{*} - \text{tick}\bigr), \qquad
    \text{size}_0 = \lfloor s_0 (1 - u\rho^+) \rfloor_{\text{lot}}, \qquad \textstyle\sum_i \text{size}_i \le Q - q

with :math:`F` the fair value, :math:`a^{*}` the best ask, :math:`\rho = q/Q` clipped to [-1, 1] and :math:`u` the size
skew; asks mirror. A side that is at its limit, or whose size is below the smallest order, is not quoted; the side that
reduces the position always is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Ladder, Level, Side
from mm_nautilus.quoting.guards import Reason, Room, Trace, floor_half_spread, post_only, uncross
from mm_nautilus.quoting.ladder import (
    fitted,
    ladder_lots,
    ladder_ticks,
    skewed,
    stretched,
    towards_limit,
)
from mm_nautilus.quoting.lattice import ticks_away, whole_lots


@dataclass(frozen=True, slots=True)
class LadderShape:
    """How one quote becomes several orders a side.

    Parameters
    ----------
    levels : int
        Orders per side, at least 1.
    spacing : float
        Distance between neighbouring levels, in price units, at least 0; they are a tick apart at least.
    size_decay : float
        Size of a level relative to the one before it, in (0, 1].
    size_skew : float
        Share of the size taken off the adding side at the limit, in [0, 1].
    widen_inventory_side : float
        Stretch of the adding side's spacing at the limit, at least 0.

    Raises
    ------
    ParameterError
        When one of them is outside its range.

    """

    levels: int = 1
    spacing: float = 0.0
    size_decay: float = 1.0
    size_skew: float = 1.0
    widen_inventory_side: float = 0.0

    def __post_init__(self) -> None:
        if self.levels < 1:
            raise ParameterError("levels", self.levels, ">= 1")
        if not 0 <= self.spacing < math.inf:
            raise ParameterError("spacing", self.spacing, ">= 0 and finite")
        if not 0 < self.size_decay <= 1:
            raise ParameterError("size_decay", self.size_decay, "in (0, 1]")
        if not 0 <= self.size_skew <= 1:
            raise ParameterError("size_skew", self.size_skew, "in [0, 1]")
        if not 0 <= self.widen_inventory_side < math.inf:
            raise ParameterError("widen_inventory_side", self.widen_inventory_side, ">= 0 and finite")


ONE_LEVEL = LadderShape()


def priced_side(
    side: Side,
    price: float,
    towards: float,
    opposite_best: float | None,
    shape: LadderShape,
    tick: float,
    trace: Trace,
) -> list[int]:
    """Return prices in ticks of one side, best first.

    Parameters
    ----------
    side : Side
        Which side.
    price : float
        Wanted price of the best level, in price units.
    towards : float
        From `towards_limit`.
    opposite_best : float or None
        Best price of the other side of the market, in price units; ``None`` where there is none.
    shape : LadderShape
        Levels, spacing and decay.
    tick : float
        In price units.
    trace : Trace
        Is told what changed a price.

    """
    if shape.levels == 1:
        ticks = [ticks_away(side, price, tick)]
    else:
        spacing = stretched(shape.spacing, shape.widen_inventory_side, towards)
        ticks = ladder_ticks(side, price, tick, spacing, shape.levels)
    # Two ticks from the other side of the market, rounding cannot bring a price to where it would have to give way.
    if opposite_best is not None and (opposite_best - price) * int(side) < 2.0 * tick:
        post_only(side, ticks, ticks_away(side, opposite_best, tick), trace)
    return ticks


def sized_side(side: Side, lots: list[int], room: Room, smallest: int, trace: Trace) -> list[int]:
    """Return the sizes of one side in lots, best first, as far as there is room; a size of 0 is not quoted.

    Parameters
    ----------
    side : Side
        Which side.
    lots : list of int
        Wanted sizes; the size skew has been applied.
    room : Room
        Lots that may be added on this side.
    smallest : int
        Smallest order the venue accepts at these prices, in lots.
    trace : Trace
        Is told what changed a size.

    """
    if lots[-1] < smallest:
        trace.reason(Reason.BELOW_MIN_SIZE, side)
    return fitted(lots, room.lots(side, trace, sum(lots), smallest))


def finalise(
    bid: float | None,
    ask: float | None,
    *,
    fair_value: float | None,
    best_bid: float | None,
    best_ask: float | None,
    position: float,
    max_position: float,
    order_size: float,
    tick: float,
    lot: float,
    min_size: float = 0.0,
    min_half_spread: float = 0.0,
    shape: LadderShape = ONE_LEVEL,
    trace: Trace | None = None,
) -> Ladder:
    """Return the orders that may rest for a wanted bid and ask.

    Parameters
    ----------
    bid, ask : float or None
        Wanted prices, in price units; ``None`` on a side that is not wanted.
    fair_value : float or None
        What the smallest half-spread is measured from, in price units: no bid above it and no ask below it.
        ``None`` leaves prices where they are wanted, on either side of it.
    best_bid, best_ask : float or None
        Touch of the market, in price units; ``None`` where that side is empty.
    position : float
        Signed position, in base units; may be beyond the limit, which leaves only the reducing side.
    max_position : float
        Largest absolute position, in base units.
    order_size : float
        Size of the best level when flat, in base units.
    tick, lot : float
        Steps of price and size.
    min_size : float
        Smallest order, in base units.
    min_half_spread : float
        Smallest distance from the fair value, in price units.
    shape : LadderShape
        Levels and how sizes react to the position.
    trace : Trace or None
        Is told what changed a price or a size.

    Raises
    ------
    ParameterError
        For a price that is not finite, a step, size or limit that is not above 0, or a negative floor.

    """
    above_zero = {"tick": tick, "lot": lot, "max_position": max_position, "order_size": order_size}
    at_least_zero = {"min_size": min_size, "min_half_spread": min_half_spread}
    prices = {"bid": bid, "ask": ask, "best_bid": best_bid, "best_ask": best_ask, "fair_value": fair_value}
    _check(above_zero, at_least_zero, prices | {"position": position})
    trace = Trace() if trace is None else trace
    min_lots = max(1, math.ceil(min_size / lot - 1e-6))
    share = position / max_position
    sides: list[tuple[list[int], list[int]]] = []
    for side, price, opposite in ((Side.BUY, bid, best_ask), (Side.SELL, ask, best_bid)):
        if price is None:
            sides.append(([], []))
            continue
        if fair_value is not None:
            price = floor_half_spread(side, price, fair_value, min_half_spread, trace)  # noqa: PLW2901 - the same price, moved
        towards = towards_limit(side, share)
        lots = ladder_lots(skewed(order_size, shape.size_skew, towards) / lot, shape.size_decay, shape.levels)
        room = Room(whole_lots((max_position - int(side) * position) / lot))
        ticks = priced_side(side, price, towards, opposite, shape, tick, trace)
        sides.append((ticks, sized_side(side, lots, room, min_lots, trace)))
    bids, asks = sides
    uncross(bids[0], asks[0], trace)
    return Ladder(_levels(Side.BUY, *bids, min_lots), _levels(Side.SELL, *asks, min_lots))


def _check(
    above_zero: Mapping[str, float], at_least_zero: Mapping[str, float], finite: Mapping[str, float | None]
) -> None:
    for name, value in above_zero.items():
        if not 0.0 < value < math.inf:
            raise ParameterError(name, value, "> 0 and finite")
    for name, value in at_least_zero.items():
        if not 0.0 <= value < math.inf:
            raise ParameterError(name, value, ">= 0 and finite")
    for name, given in finite.items():
        if given is not None and not math.isfinite(given):
            raise ParameterError(name, given, "finite")


def _levels(side: Side, ticks: list[int], lots: list[int], min_lots: int) -> tuple[Level, ...]:
    return tuple(
        Level(side, index, price, size)
        for index, (price, size) in enumerate(zip(ticks, lots, strict=True))
        if size >= min_lots and price > 0
    )
