r"""Test 4, fill size against quoted size and queue: whether orders too large for our level fill us.

A market order that fills us either ends at our price or goes on beyond it. How often it goes on depends on how far we
stand from the mid and on what stands before us in the queue, so that the yardstick is our own past: with :math:`n`
earlier fills at the same distance, of which a share :math:`p` was part of a sweep,

.. math:: T = \frac{\sum (y - p)}{\sqrt{\sum p (1 - p)(1 + 1/n)}}

over the fills of the side. Both sides share the past: somebody who sweeps one of them stands out against the other,
and against what was before he came. Somebody who has swept both sides since the start does not.

Fills without a market order at the same instant (the book ran over a quote of ours) do not count here; the drift after
them does. Fails where distance from the mid does not describe our place, as in a book whose spread changes all the
time.

References
----------
The terms are recursive residuals, uncorrelated with each other: Brown, Durbin and Evans, JRSS B 37(2), 1975.

"""

from __future__ import annotations

from typing import Final

from mm_nautilus.adverse_selection.evidence import Score
from mm_nautilus.adverse_selection.self_normalised import SelfNormalised

_BUCKETS: Final = 256
"""Distances told apart, in half ticks; the last holds all beyond."""
_FEWEST_FILLS: Final = 30
"""Fills at a distance before anything is expected there."""


class SweepHistory:
    """How often the market orders that filled us went on, by distance from the mid, both sides together.

    Parameters
    ----------
    tick : float
        Of the instrument, in price units.

    """

    __slots__ = ("_fills", "_half_tick", "_sweeps")

    def __init__(self, tick: float) -> None:
        self._half_tick = 0.5 * tick
        self._fills, self._sweeps = [0] * _BUCKETS, [0] * _BUCKETS

    def bucket(self, mid: float, price: float) -> int:
        """Distance between two prices in half ticks, at most the last bucket."""
        return min(round(abs(price - mid) / self._half_tick), _BUCKETS - 1)

    def expected(self, bucket: int) -> tuple[float, float] | None:
        """Chance that a fill at a distance is part of a sweep, and the variance of a residual; ``None`` at first."""
        fills = self._fills[bucket]
        if fills < _FEWEST_FILLS:
            return None
        share = (self._sweeps[bucket] + 0.5) / (fills + 1.0)
        return share, share * (1.0 - share) * (1.0 + 1.0 / fills)

    def filled(self, bucket: int, swept: bool) -> None:
        """Count a fill."""
        self._fills[bucket] += 1
        self._sweeps[bucket] += swept


class Sweeps:
    """Sweeps through our level on one side; O(1) a fill.

    Parameters
    ----------
    history : SweepHistory
        Of both sides; this adds to it.
    half_life_s : float
        Memory of the test, in seconds.
    min_fills : float
        Fills within memory that it takes to speak.

    """

    __slots__ = ("_history", "_min_fills", "_sum")

    def __init__(self, history: SweepHistory, half_life_s: float, min_fills: float) -> None:
        self._history = history
        self._sum = SelfNormalised(half_life_s)
        self._min_fills = min_fills

    def filled(self, ts_ns: int, mid: float, price: float, deepest: float) -> None:
        """Take a fill, the mid before it, and the price farthest from the mid that its market order traded at."""
        history = self._history
        bucket = history.bucket(mid, price)
        swept = history.bucket(mid, deepest) > bucket
        expected = history.expected(bucket)
        history.filled(bucket, swept)
        if expected is not None:
            share, variance = expected
            self._sum.add(ts_ns, swept - share, variance=variance)

    def score(self, now_ns: int) -> Score | None:
        """Share of sweeps less the share expected; ``None`` before enough fills."""
        mean, t = self._sum.mean, self._sum.t
        if mean is None or t is None or self._sum.count(now_ns) < self._min_fills:
            return None
        return Score(mean, t)
