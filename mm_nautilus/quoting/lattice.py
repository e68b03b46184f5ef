"""Rounding to the lattice an instrument trades on: bids down, asks up, sizes down."""

from __future__ import annotations

import math

from mm_nautilus.market import Side

# A float within a millionth of a step of the lattice is on it: 99.95 / 0.01 must not floor to 9994.
_ON_LATTICE = 1e-6


def ticks_below(price: float, tick: float) -> int:
    """Return the last tick at or below `price`."""
    return math.floor(price / tick + _ON_LATTICE)


def ticks_above(price: float, tick: float) -> int:
    """Return the first tick at or above `price`."""
    return math.ceil(price / tick - _ON_LATTICE)


def ticks_away(side: Side, price: float, tick: float) -> int:
    """Return `price` in ticks, rounded away from the market for an order of `side`."""
    return ticks_below(price, tick) if side is Side.BUY else ticks_above(price, tick)


def whole_lots(lots: float) -> int:
    """Return the last whole number of lots at or below `lots`."""
    return math.floor(lots + _ON_LATTICE)
