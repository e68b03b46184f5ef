r"""Test 4, fill size against quoted size and queue: whether orders too large for our level fill us.

A market order that fills us either ends at our price or goes on beyond it. How often orders go on is known from all
market orders: with :math:`N(\ge d)` of them having reached distance :math:`d` from the mid and :math:`N(>d)` having
gone beyond, a fill at that distance is part of a sweep with probability :math:`p = N(>d)/N(\ge d)`, and
:math:`T = \sum (y - p)/\sqrt{\sum p(1-p)}` over our fills. The queue is in it: what stands before us at our price is
used up when we are filled, whoever fills us.

Fills without a market order at the same instant (the book ran over a quote of ours) do not count here; the drift after
them does. Fails where distance from the mid does not describe how deep an order reached, as in a book whose spread
changes all the time.
"""

from __future__ import annotations

from typing import Final

from mm_nautilus.adverse_selection.evidence import Score
from mm_nautilus.adverse_selection.self_normalised import SelfNormalised

_BUCKETS: Final = 256
"""Distances told apart, in half ticks; the last holds all beyond."""
_FEWEST_ORDERS: Final = 30
"""Market orders that must have reached a distance before anything is expected there."""


class Reach:
    """How far from the mid market orders reach, both sides together.

    Parameters
    ----------
    tick : float
        Of the instrument, in price units.

    """

    __slots__ = ("_counts", "_half_tick", "orders")

    def __init__(self, tick: float) -> None:
        self._half_tick = 0.5 * tick
        self._counts = [0] * _BUCKETS
        self.orders = 0

    def bucket(self, mid: float, price: float) -> int:
        """Distance between two prices in half ticks, at most the last bucket."""
        return min(round(abs(price - mid) / self._half_tick), _BUCKETS - 1)

    def reached(self, bucket: int) -> None:
        """Count a market order."""
        self._counts[bucket] += 1
        self.orders += 1

    def goes_on(self, bucket: int) -> float | None:
        """Chance that an order that reached a distance goes beyond; ``None`` where too few have reached it."""
        beyond = sum(self._counts[bucket + 1 :])
        reached = beyond + self._counts[bucket]
        return (beyond + 0.5) / (reached + 1.0) if reached >= _FEWEST_ORDERS else None


class Sweeps:
    """Sweeps through our level on one side; O(1) a fill.

    Parameters
    ----------
    half_life_s : float
        Memory of the test, in seconds.
    min_fills : float
        Fills within memory that it takes to speak.

    """

    __slots__ = ("_min_fills", "_sum")

    def __init__(self, half_life_s: float, min_fills: float) -> None:
        self._sum = SelfNormalised(half_life_s)
        self._min_fills = min_fills

    def filled(self, ts_ns: int, went_on: bool, expected: float) -> None:
        """Take a fill, whether its market order went on beyond our price, and the chance of that."""
        self._sum.add(ts_ns, went_on - expected, variance=expected * (1.0 - expected))

    def score(self, now_ns: int) -> Score | None:
        """Share that went on less the share expected; ``None`` before enough fills."""
        mean, t = self._sum.mean, self._sum.t
        if mean is None or t is None or self._sum.count(now_ns) < self._min_fills:
            return None
        return Score(mean, t)
