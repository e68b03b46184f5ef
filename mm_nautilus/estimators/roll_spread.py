r"""The spread that bid-ask bounce implies (Roll 1984).

Takes *trade* prices, whose bounce is the signal; the volatility estimators of this package take mids,
where the same bounce would be noise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mm_nautilus.estimators.columns import Floats, spliced
from mm_nautilus.estimators.rolling import RollingPrices


def sample_autocovariance(products: float, later: float, earlier: float, pairs: int) -> float:
    """Return the sample covariance (ddof 1) of `pairs` neighbouring changes from their sums."""
    return (products - later * earlier / pairs) / (pairs - 1)


def spread_of(autocovariance: float) -> float:
    r"""Return :math:`2\sqrt{-\gamma_1}`, 0 where the autocovariance is not negative."""
    return 2.0 * math.sqrt(max(-autocovariance, 0.0))


def roll_autocovariance(prices: Any) -> float | None:
    r"""Sample covariance (ddof 1) of a change with the one before it, in price squared; needs four prices."""
    moves = np.diff(spliced(prices))
    pairs = len(moves) - 1
    if pairs < 2:
        return None
    return sample_autocovariance(float(moves[1:] @ moves[:-1]), float(moves[1:].sum()), float(moves[:-1].sum()), pairs)


def roll_spread(prices: Any) -> float | None:
    r"""Effective spread :math:`2\sqrt{-\mathrm{cov}(\Delta p_t, \Delta p_{t-1})}`, in price units.

    0 where the covariance is not negative. Assumes that buys and sells follow each other at random and
    move no quote; runs of one side, and impact, hide the bounce. Roll (1984).

    Parameters
    ----------
    prices : array-like or Arrow column
        Trade prices, at least four; NaN is a gap.

    """
    autocovariance = roll_autocovariance(prices)
    return None if autocovariance is None else spread_of(autocovariance)


class RollingRoll(RollingPrices):
    """`roll_spread` of the last `window` changes; O(1) an update."""

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._products = 0.0

    @property
    def autocovariance(self) -> float | None:
        """`roll_autocovariance` of the window, in price squared."""
        pairs = self.changes - 1
        if pairs < 2:
            return None
        levels, oldest = self._levels, len(self._levels) - 1 - self.changes
        later, earlier = levels[-1] - levels[oldest + 1], levels[-2] - levels[oldest]
        return sample_autocovariance(self._products, later, earlier, pairs)

    @property
    def value(self) -> float | None:
        """Effective spread, in price units."""
        autocovariance = self.autocovariance
        return None if autocovariance is None else spread_of(autocovariance)

    def _add(self) -> None:
        moves = self._moves
        self._products += moves[-1] * moves[-2]

    def _drop(self, oldest: int) -> None:
        moves = self._moves
        self._products -= moves[oldest + 1] * moves[oldest + 2]

    def _refresh(self, prices: Floats) -> None:
        moves = np.diff(prices)
        self._products = float(moves[1:] @ moves[:-1])
