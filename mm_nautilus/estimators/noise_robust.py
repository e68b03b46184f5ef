r"""Variance of the efficient price behind a noisy one.

The observed price is :math:`Y = X + \varepsilon` with :math:`dX = \sigma dW` and noise of variance
:math:`\omega^2`, independent of ``X`` and from one sample to the next. Inputs, units and gaps are
those of `realised`; these may be sampled as densely as the noise stays uncorrelated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, spliced
from mm_nautilus.estimators.realised import realised_variance, sparse_sum, subsampled


def noise_variance(prices: Any) -> float | None:
    r"""Noise variance :math:`\omega^2 \approx [Y,Y]/2n`, in the square of the price's scale.

    Assumes that noise dominates the diffusion between two samples; above the truth by
    :math:`\sigma^2\Delta t/2` otherwise. Zhang, Mykland and Ait-Sahalia (2005).
    """
    levels = spliced(prices)
    variance = realised_variance(levels)
    return None if variance is None else variance / (2 * (len(levels) - 1))


def two_scale(dense: float, sparse: float, changes: int, step: int, *, adjusted: bool = True) -> float:
    r"""Two-scale variance of the two sums of squares.

    Parameters
    ----------
    dense : float
        :math:`\sum_i(Y_i - Y_{i-1})^2`.
    sparse : float
        :math:`\sum_{i\ge K}(Y_i - Y_{i-K})^2`.
    changes : int
        Changes ``n`` between samples.
    step : int
        Step ``K``, from 1 to ``n``; from 2 where `adjusted`.
    adjusted : bool
        Divide by :math:`1 - \bar n/n`, which takes the bias of small samples away.

    """
    share = (changes - step + 1) / (step * changes)
    variance = sparse / step - share * dense
    return variance / (1.0 - share) if adjusted else variance


def two_scale_variance(prices: Any, step: int, *, adjusted: bool = True) -> float | None:
    r"""Two-scale realised variance :math:`[Y,Y]^{(K)} - \frac{\bar n}{n}[Y,Y]`, :math:`\bar n = (n-K+1)/K`.

    The first term, sampled sparsely from every start, collects the noise of :math:`\bar n` changes; the
    second, sampled densely, is nearly all noise and takes it away. May be negative in small samples; see
    `rolling_noise_robust.RollingTwoScale.positive` for what to use then. Zhang, Mykland and Ait-Sahalia (2005).

    Parameters
    ----------
    prices : array-like or Arrow column
        More than `step`.
    step : int
        Step ``K`` in samples, at least 1; see `two_scale_step`.
    adjusted : bool
        With the small-sample factor :math:`1/(1-\bar n/n)`; undefined (``None``) for ``K = 1``.

    Raises
    ------
    ParameterError
        When `step` is below 1.

    """
    levels = spliced(prices)
    changes = len(levels) - 1
    sparse = sparse_sum(levels, step)
    if changes < step or (adjusted and step == 1):
        return None
    return two_scale(sparse_sum(levels, 1), sparse, changes, step, adjusted=adjusted)


def parzen_weights(bandwidth: int) -> Floats:
    r"""Return :math:`k(h/(H+1))` for :math:`h = 1 \dots H` of the Parzen kernel; shape (bandwidth,)."""
    x = np.arange(1, bandwidth + 1) / (bandwidth + 1)
    return np.where(x <= 0.5, 1.0 - 6.0 * x**2 * (1.0 - x), 2.0 * (1.0 - x) ** 3)


def realised_kernel(prices: Any, bandwidth: int) -> float | None:
    r"""Realised kernel :math:`\gamma_0 + 2\sum_{h=1}^{H} k\!\left(\frac{h}{H+1}\right)\gamma_h`, Parzen weights.

    :math:`\gamma_h = \sum_{i>h} r_i r_{i-h}`. Never negative. Keeps a bias of order :math:`\omega^2 n/H^2`, which
    `kernel_bandwidth` balances against the variance that a wider kernel brings; also robust to noise that is
    correlated over a few samples. Barndorff-Nielsen, Hansen, Lunde and Shephard (2008).

    Parameters
    ----------
    prices : array-like or Arrow column
        At least two.
    bandwidth : int
        Lags ``H``; 0 is the realised variance.

    Raises
    ------
    ParameterError
        When `bandwidth` is negative.

    """
    if bandwidth < 0:
        raise ParameterError("bandwidth", bandwidth, "an integer >= 0")
    moves = np.diff(spliced(prices))
    if not len(moves):
        return None
    lags = range(1, min(bandwidth, len(moves) - 1) + 1)
    autocovariances = np.array([moves[lag:] @ moves[:-lag] for lag in lags])
    return float(moves @ moves + 2.0 * (parzen_weights(bandwidth)[: len(lags)] @ autocovariances))


def kernel_bandwidth(noise: float, quarticity: float, changes: int) -> float:
    r"""Bandwidth :math:`H^* = 3.5134\,(\omega^2/\sqrt{IQ})^{2/5} n^{3/5}` of least error for the Parzen kernel.

    Parameters
    ----------
    noise : float
        :math:`\omega^2`, in the square of the price's scale.
    quarticity : float
        :math:`IQ = T\int\sigma^4dt`, a squared variance.
    changes : int
        Changes ``n``.

    Raises
    ------
    ParameterError
        When `noise` is negative or `quarticity` not positive.

    """
    _check_tuning(noise, quarticity)
    return 3.5134 * math.pow(noise / math.sqrt(quarticity), 0.4) * math.pow(changes, 0.6)


def two_scale_step(noise: float, quarticity: float, changes: int) -> float:
    r"""Step :math:`K^* = (12\,\omega^4/IQ)^{1/3} n^{2/3}` of least asymptotic variance.

    Minimises :math:`8\omega^4/c^2 + \frac43 c\,IQ` over :math:`K = c\,n^{2/3}`. Arguments and errors are those of
    `kernel_bandwidth`.
    """
    _check_tuning(noise, quarticity)
    return math.cbrt(12.0 * noise * noise / quarticity) * math.pow(changes, 2 / 3)


def tuning(prices: Any) -> tuple[int, int] | None:
    r"""Choose step ``K`` and bandwidth ``H`` from the data; ``None`` where there are fewer than nine prices.

    The noise is `noise_variance`; the quarticity is the square of the variance subsampled at
    :math:`\sqrt n` samples, as Barndorff-Nielsen et al. (2009) do with returns of 20 minutes, because a
    quarticity of dense changes is all noise. Assumes a volatility that is roughly constant over the sample.
    Both stay at or below ``n/2``, and ``K`` at or above 2, ``H`` at or above 1.
    """
    levels = spliced(prices)
    changes = len(levels) - 1
    if changes < 8:
        return None
    step, most = math.isqrt(changes), changes // 2
    noise = sparse_sum(levels, 1) / (2 * changes)
    variance = subsampled(sparse_sum(levels, step), changes, step)
    if not noise:
        return 2, 1
    if not variance:
        return most, most
    arguments = noise, variance * variance, changes
    step, bandwidth = round(two_scale_step(*arguments)), round(kernel_bandwidth(*arguments))
    return min(max(step, 2), most), min(max(bandwidth, 1), most)


def _check_tuning(noise: float, quarticity: float) -> None:
    if not noise >= 0.0:
        raise ParameterError("noise", noise, "a number >= 0")
    if not quarticity > 0.0:
        raise ParameterError("quarticity", quarticity, "a number > 0")
