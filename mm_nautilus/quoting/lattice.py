"""Rounding to the lattice an instrument trades on: bids down, asks up, sizes down."""

from __future__ import annotations

import math

from mm_nautilus.market import Side

# A float within a millionth of a step of the lattice is on it: 99.95 / 0.01 must not floor to 9994.
_ON_LATTICE = 1e-6


def ticks_away(side: Side, price: float, tick: float) -> int:
    """Return `price` in ticks, rounded away from the market for an order of `side`: bids down, asks up."""
    if side is Side.BUY:
        return math.floor(price / tick + _ON_LATTICE)
    return math.ceil(price / tick - _ON_LATTICE)


def whole_lots(lots: float) -> int:
    """Return the last whole number of lots at or below `lots`."""
    return math.floor(lots + _ON_LATTICE)
