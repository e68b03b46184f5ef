"""The noise-robust variances over the last changes of a price, updated sample by sample."""

from __future__ import annotations

import math

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats
from mm_nautilus.estimators.noise_robust import parzen_weights, realised_kernel, tuning, two_scale
from mm_nautilus.estimators.realised import sparse_sum, subsampled
from mm_nautilus.estimators.rolling import RollingPrices


class RollingTwoScale(RollingPrices):
    """`two_scale_variance` of the last `window` changes; O(1) an update.

    Parameters
    ----------
    window : int
        Changes looked back on.
    step : int or None
        Step ``K``, from 2 to `window`; ``None`` has it chosen by `tuning` at every refresh.

    Raises
    ------
    ParameterError
        When `step` is out of range.

    """

    def __init__(self, window: int, step: int | None = None) -> None:
        super().__init__(window)
        if step is not None and not 2 <= step <= window:
            raise ParameterError("step", step, f"an integer from 2 to the window ({window})")
        self._tuned = step is None
        self.step = step
        self._dense = self._sparse = 0.0

    @property
    def value(self) -> float | None:
        """Variance over the window, in the square of the price's scale; may be negative."""
        step = self.step
        return None if step is None or self.changes < step else two_scale(self._dense, self._sparse, self.changes, step)

    @property
    def positive(self) -> float | None:
        """The value where it is above 0, and the `subsampled_variance` where it is not: a bound from above."""
        value = self.value
        if value is None or value > 0.0 or self.step is None:
            return value
        return subsampled(max(self._sparse, 0.0), self.changes, self.step)

    def _add(self) -> None:
        levels, step = self._levels, self.step
        self._dense += self._moves[-1] ** 2
        if step is not None and len(levels) > step:
            self._sparse += (levels[-1] - levels[-1 - step]) ** 2

    def _drop(self, oldest: int) -> None:
        levels, step = self._levels, self.step
        self._dense -= self._moves[oldest + 1] ** 2
        if step is not None:
            self._sparse -= (levels[oldest + step] - levels[oldest]) ** 2

    def _refresh(self, prices: Floats) -> None:
        if self._tuned:
            chosen = tuning(prices)
            self.step = None if chosen is None else chosen[0]
        self._dense = sparse_sum(prices, 1)
        self._sparse = 0.0 if self.step is None else sparse_sum(prices, self.step)


class RollingKernel(RollingPrices):
    """`realised_kernel` of the last `window` changes; O(H) an update.

    Parameters
    ----------
    window : int
        Changes looked back on.
    bandwidth : int or None
        Lags ``H``, from 0 to below `window`; ``None`` has it chosen by `tuning` at every refresh.

    Raises
    ------
    ParameterError
        When `bandwidth` is out of range.

    """

    def __init__(self, window: int, bandwidth: int | None = None) -> None:
        super().__init__(window)
        if bandwidth is not None and not 0 <= bandwidth < window:
            raise ParameterError("bandwidth", bandwidth, f"an integer from 0 to below the window ({window})")
        self._tuned = bandwidth is None
        self.bandwidth = bandwidth
        self._kernel = 0.0
        self._weigh(bandwidth or 0)

    @property
    def value(self) -> float | None:
        """Variance over the window, in the square of the price's scale."""
        return None if self.bandwidth is None or not self.changes else max(self._kernel, 0.0)

    def _weigh(self, bandwidth: int) -> None:
        self._after: list[float] = [1.0, *(2.0 * parzen_weights(bandwidth)).tolist()]
        self._before = self._after[::-1]

    def _add(self) -> None:
        """Count the newest change with itself and with each of the ``H`` before it."""
        reach = len(self._before)
        past = self._moves[-reach:]
        weights = self._before if len(past) == reach else self._before[-len(past) :]
        self._kernel += past[-1] * math.sumprod(weights, past)

    def _drop(self, oldest: int) -> None:
        start = oldest + 1
        future = self._moves[start : start + len(self._after)]
        self._kernel -= future[0] * math.sumprod(self._after, future)

    def _refresh(self, prices: Floats) -> None:
        if self._tuned:
            chosen = tuning(prices)
            self.bandwidth = None if chosen is None else chosen[1]
            self._weigh(self.bandwidth or 0)
        self._kernel = 0.0 if self.bandwidth is None else realised_kernel(prices, self.bandwidth) or 0.0
