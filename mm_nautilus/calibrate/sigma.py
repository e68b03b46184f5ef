"""Volatility of the mid over the window: several estimates, one of them with an interval."""

from __future__ import annotations

import math

import numpy as np

from mm_nautilus.calibration import Estimate, SigmaCalibration
from mm_nautilus.errors import DataError
from mm_nautilus.estimators.columns import spliced
from mm_nautilus.estimators.intensity_blocks import block_weights, log_interval
from mm_nautilus.estimators.intensity_censored import Floats
from mm_nautilus.estimators.noise_robust import realised_kernel, tuning, two_scale, two_scale_variance
from mm_nautilus.estimators.realised import bipower_variation, realised_variance, subsampled_variance
from mm_nautilus.estimators.units import sigma_per_sqrt_s

_SPARSE = 10
_LEAST_SAMPLES = 30


def sigma_calibration(mids: Floats, interval_s: float, block_s: float, draws: int, seed: int) -> SigmaCalibration:
    """Estimate volatility in price per square-root second.

    The two-scale estimate is the one with the interval: it takes out microstructure noise and uses every sample. Where
    it is not above 0 (tiny samples) realised variance is.

    Parameters
    ----------
    mids : float array, shape (n,)
        Mid at fixed intervals, in price units; NaN where there was none.
    interval_s : float
        Seconds between samples.
    block_s : float
        Length of a block of the bootstrap, in seconds.
    draws, seed : int
        Of the bootstrap.

    Raises
    ------
    DataError
        When the mid never moves or there are fewer than thirty samples.

    """
    levels = spliced(mids)
    changes = len(levels) - 1
    if changes < _LEAST_SAMPLES or not np.diff(levels).any():
        raise DataError(
            f"{max(changes, 0)} changes of the sampled mid, all of them 0 or too few to tell volatility from"
        )
    duration_s = changes * interval_s
    step, bandwidth = tuning(levels) or (2, 2)
    step = max(2, min(step, changes // 4))
    variances = {
        "realised": realised_variance(levels),
        "realised_sparse": subsampled_variance(levels, min(_SPARSE, changes // 4)),
        "two_scale": two_scale_variance(levels, step),
        "realised_kernel": realised_kernel(levels, max(1, min(bandwidth, changes // 4))),
        "bipower": bipower_variation(levels),
    }
    estimates = {
        name: sigma_per_sqrt_s(variance, duration_s)
        for name, variance in variances.items()
        if variance is not None and variance > 0
    }
    chosen = "two_scale" if "two_scale" in estimates else "realised"
    drawn, floor, blocks = _redrawn(levels, step if chosen == "two_scale" else 1, interval_s, block_s, draws, seed)
    low, high = log_interval(drawn, blocks).around(estimates[chosen])
    known = math.isfinite(low) and math.isfinite(high)
    return SigmaCalibration(
        estimator=chosen,
        price_per_sqrt_s=Estimate(value=estimates[chosen], low=low if known else None, high=high if known else None),
        floor_price_per_sqrt_s=floor,
        sample_interval_s=interval_s,
        samples=changes + 1,
        estimates=estimates,
    )


def _redrawn(
    levels: Floats, step: int, interval_s: float, block_s: float, draws: int, seed: int
) -> tuple[Floats, float, int]:
    """Return sigma of every draw of blocks, the floor, and how many blocks there are."""
    dense, sparse = np.diff(levels) ** 2, (levels[step:] - levels[:-step]) ** 2
    block = (np.arange(len(dense)) * interval_s / block_s).astype(np.int64)
    blocks = int(block[-1]) + 1
    sums = np.stack(
        [
            np.bincount(block, weights=dense, minlength=blocks),
            np.bincount(block[step - 1 :], weights=sparse, minlength=blocks),
            np.bincount(block, minlength=blocks).astype(np.float64),
        ]
    )
    redrawn = block_weights(blocks, draws, seed) @ sums.T
    variances = [
        dense_sum if step == 1 else two_scale(dense_sum, sparse_sum, round(changes), step)
        for dense_sum, sparse_sum, changes in redrawn.tolist()
    ]
    with np.errstate(invalid="ignore"):
        sigmas = np.sqrt(np.array(variances) / (redrawn[:, 2] * interval_s))
    of_blocks = np.sqrt(sums[0] / (sums[2] * interval_s))
    return sigmas, float(np.quantile(of_blocks, 0.05)), blocks
