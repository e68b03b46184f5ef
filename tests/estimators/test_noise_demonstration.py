"""Volatility seen through microstructure noise: a day of 23,400 seconds, 1 % a day, noise of 2 bps.

The ratios to the true variance have known means; four standard errors of 400 days decide.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mm_nautilus.estimators.noise_robust import noise_variance, parzen_weights, realised_kernel, two_scale_variance
from mm_nautilus.estimators.realised import realised_variance, subsampled_variance

N, DAILY, NOISE, DAYS = 23_400, 0.01, 2e-4, 400
IV = DAILY**2
NOISE_SHARE = 2 * N * NOISE**2 / IV


@pytest.fixture(scope="module")
def days() -> list[npt.NDArray[np.float64]]:
    rng = np.random.default_rng(20_05)
    return [
        np.concatenate(([0.0], np.cumsum(rng.normal(0.0, DAILY / math.sqrt(N), N)))) + rng.normal(0.0, NOISE, N + 1)
        for _ in range(DAYS)
    ]


def noise_left(bandwidth: int) -> float:
    """Return what a kernel keeps of white noise: 1 - k(1/(H+1)) of it."""
    return NOISE_SHARE * (1.0 - float(parzen_weights(bandwidth)[0]))


@pytest.mark.parametrize(
    ("measure", "mean", "published_sd"),
    [
        pytest.param(realised_variance, 1.0 + NOISE_SHARE, None, id="every second"),
        pytest.param(lambda p: realised_variance(p[::300]), 1.0 + NOISE_SHARE / 300, 0.16, id="every five minutes"),
        pytest.param(lambda p: two_scale_variance(p, 60), 1.0, 0.061, id="two-scale"),
        pytest.param(lambda p: realised_kernel(p, 40), 1.0 + noise_left(40), 0.046, id="kernel of 40 lags"),
        pytest.param(lambda p: realised_kernel(p, 64), 1.0 + noise_left(64), None, id="kernel of the best bandwidth"),
    ],
)
def test_the_published_table(
    days: list[npt.NDArray[np.float64]],
    measure: Callable[[npt.NDArray[np.float64]], float],
    mean: float,
    published_sd: float | None,
) -> None:
    ratios = np.array([measure(day) / IV for day in days])
    sd = float(ratios.std(ddof=1))
    assert abs(ratios.mean() - mean) < 4.0 * sd / math.sqrt(DAYS)
    if published_sd is not None:
        assert sd == pytest.approx(published_sd, rel=4.0 / math.sqrt(2 * DAYS))


def test_the_table_in_figures() -> None:
    assert pytest.approx(18.7, abs=0.05) == NOISE_SHARE
    assert noise_left(40) == pytest.approx(0.067, abs=0.0025)  # published from 400 days
    assert noise_left(64) < 0.03


def test_without_its_correction_the_two_scale_variance_would_be_refused(days: list[npt.NDArray[np.float64]]) -> None:
    unadjusted = np.array([two_scale_variance(day, 60, adjusted=False) / IV for day in days])
    assert abs(unadjusted.mean() - 1.0) > 4.0 * unadjusted.std(ddof=1) / math.sqrt(DAYS)
    sparse = np.array([subsampled_variance(day, 60) / IV for day in days])
    assert abs(sparse.mean() - 1.0) > 4.0 * sparse.std(ddof=1) / math.sqrt(DAYS)


def test_the_noise_is_measured(days: list[npt.NDArray[np.float64]]) -> None:
    found = np.mean([noise_variance(day) for day in days])
    assert found == pytest.approx(NOISE**2 + IV / (2 * N), rel=0.01)
