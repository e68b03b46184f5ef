r"""Realised measures of variance that take the sampled price as it is: free of noise, or sampled sparsely enough.

Every function takes prices at fixed intervals, previous tick, of a mid or micro-price, and returns a
variance *over the sample* in the square of their scale: price squared for prices, a plain number for
logarithms of prices. NaN (an Arrow null) is a gap; see `spliced`. ``None`` says that the sample is too short.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, spliced
from mm_nautilus.estimators.rolling import RollingPrices


def realised_variance(prices: Any) -> float | None:
    r"""Sum of squared changes, :math:`\sum_i r_i^2` with :math:`r_i = Y_i - Y_{i-1}`.

    Fails under microstructure noise of variance :math:`\omega^2`, of which it collects
    :math:`2n\omega^2`, and counts jumps as diffusion. Andersen and Bollerslev (1998).

    Parameters
    ----------
    prices : array-like or Arrow column
        At least two.

    """
    moves = np.diff(spliced(prices))
    return float(moves @ moves) if len(moves) else None


def subsampled_variance(prices: Any, step: int) -> float | None:
    r"""Realised variance at `step` intervals, averaged over every start, scaled to the whole sample.

    :math:`[Y,Y]^{(K)}\,n/(n-K+1)` with :math:`[Y,Y]^{(K)} = K^{-1}\sum_{i\ge K}(Y_i - Y_{i-K})^2`. Never
    negative, and above the truth by about :math:`2\omega^2 n/K` under noise. Zhang, Mykland and Ait-Sahalia (2005).

    Parameters
    ----------
    prices : array-like or Arrow column
        More than `step`.
    step : int
        Step ``K`` in samples, at least 1.

    Raises
    ------
    ParameterError
        When `step` is below 1.

    """
    levels = spliced(prices)
    changes = len(levels) - 1
    total = sparse_sum(levels, step)
    return None if changes < step else subsampled(total, changes, step)


def subsampled(sparse: float, changes: int, step: int) -> float:
    r"""Return :math:`[Y,Y]^{(K)}\,n/(n-K+1)` of a `sparse_sum` over ``n`` changes."""
    return sparse / step * changes / (changes - step + 1)


def sparse_sum(levels: Floats, step: int) -> float:
    r"""Return :math:`\sum_{i\ge K}(Y_i - Y_{i-K})^2`, 0 where there is no such pair."""
    if step < 1:
        raise ParameterError("step", step, "an integer >= 1")
    moves = levels[step:] - levels[:-step]
    return float(moves @ moves)


def realised_quarticity(prices: Any) -> float | None:
    r"""Estimate :math:`T\int\sigma^4dt` by :math:`\frac{n}{3}\sum_i r_i^4`, the square of a variance in unit.

    Says how uncertain a realised variance is (its asymptotic variance is twice this over ``n``). Fails
    under noise and jumps as `realised_variance` does, faster. Barndorff-Nielsen and Shephard (2002).
    """
    moves = np.diff(spliced(prices))
    squares = moves * moves
    return float(squares @ squares) * len(moves) / 3.0 if len(moves) else None


def bipower(products: float, changes: int) -> float:
    r"""Return :math:`\frac{\pi}{2}\frac{n}{n-1}\sum_{i\ge2}|r_i||r_{i-1}|` of a sum of products over `changes`."""
    return 0.5 * math.pi * changes / (changes - 1) * products


def bipower_variation(prices: Any) -> float | None:
    r"""Variance of the continuous part: :math:`\frac{\pi}{2}\frac{n}{n-1}\sum_{i\ge2}|r_i||r_{i-1}|`.

    A jump enters once, multiplied by an ordinary change, and vanishes as sampling gets finer.
    Fails on a price that often stands still (zeros bias it down) and under noise (up).
    Barndorff-Nielsen and Shephard (2004).

    Parameters
    ----------
    prices : array-like or Arrow column
        At least three.

    """
    moves = np.abs(np.diff(spliced(prices)))
    return bipower(float(moves[1:] @ moves[:-1]), len(moves)) if len(moves) >= 2 else None


class RollingRealised(RollingPrices):
    """`realised_variance` of the last `window` changes; O(1) an update."""

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._squares = 0.0

    @property
    def value(self) -> float | None:
        """Variance over the window, in the square of the price's scale."""
        return max(self._squares, 0.0) if self.changes else None

    def _add(self) -> None:
        self._squares += self._moves[-1] ** 2

    def _drop(self, oldest: int) -> None:
        self._squares -= self._moves[oldest + 1] ** 2

    def _refresh(self, prices: Floats) -> None:
        self._squares = realised_variance(prices) or 0.0


class RollingBipower(RollingPrices):
    """`bipower_variation` of the last `window` changes; O(1) an update."""

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self._products = 0.0

    @property
    def value(self) -> float | None:
        """Variance over the window, in the square of the price's scale."""
        return bipower(max(self._products, 0.0), self.changes) if self.changes >= 2 else None

    def _add(self) -> None:
        moves = self._moves
        self._products += abs(moves[-1] * moves[-2])

    def _drop(self, oldest: int) -> None:
        moves = self._moves
        self._products -= abs(moves[oldest + 1] * moves[oldest + 2])

    def _refresh(self, prices: Floats) -> None:
        moves = np.abs(np.diff(prices))
        self._products = float(moves[1:] @ moves[:-1])
