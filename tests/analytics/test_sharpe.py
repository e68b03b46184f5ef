"""Sharpe ratios against simulated and aggregated PnL."""

import math

import numpy as np
import pytest

from mm_nautilus.analytics.sharpe import autocorrelation, sharpe_ratio
from mm_nautilus.errors import ParameterError


def test_the_standard_error_is_the_spread_of_repeated_samples():
    samples = np.random.default_rng(11).normal(0.5, 1.0, (4000, 250))
    found = [sharpe_ratio(sample, 252) for sample in samples]
    spread = np.std([one.per_period for one in found], ddof=1)
    claimed = np.mean([one.standard_error for one in found])
    assert spread == pytest.approx(claimed, rel=4 / math.sqrt(2 * len(samples)))


def test_los_figure_is_the_ratio_of_the_aggregated_pnl():
    """An MA(1) with coefficient c: rho_1 = c/(1 + c^2); the sum over P periods has a known variance."""
    c, n, periods = 0.5, 2_000_000, 20
    noise = np.random.default_rng(12).normal(size=n + 1)
    pnl = 0.1 + noise[1:] + c * noise[:-1]
    found = sharpe_ratio(pnl, periods, lags=1)
    summed = pnl.reshape(-1, periods).sum(axis=1)
    assert found.autocorrelation[0] == pytest.approx(c / (1 + c * c), abs=4 / math.sqrt(n))
    assert found.annual_lo == pytest.approx(summed.mean() / summed.std(ddof=1), rel=0.02)
    assert found.annual > 1.2 * found.annual_lo, "ignoring the autocorrelation flatters"


def test_scale_and_sign_follow_the_pnl():
    pnl = np.array([3.0, -1.0, 2.0, 0.5])
    one, other = sharpe_ratio(pnl, 365, 2), sharpe_ratio(-1000 * pnl, 365, 2)
    assert other.per_period == pytest.approx(-one.per_period)
    assert other.annual_lo == pytest.approx(-one.annual_lo)
    assert other.autocorrelation == pytest.approx(one.autocorrelation)


def test_a_radicand_below_zero_is_no_figure():
    assert sharpe_ratio([1.0, -1.0, 1.0, -1.0, 2.0], 365, 1).annual_lo is None


@pytest.mark.parametrize(
    ("pnl", "mean", "deviation"), [([], None, None), ([5.0], 5.0, None), ([0.1] * 7, 0.1, 0.0), ([0.0, 0.0], 0.0, 0.0)]
)
def test_what_is_not_defined_is_none(pnl, mean, deviation):
    found = sharpe_ratio(pnl, 252, 1)
    assert found.increments == len(pnl)
    assert found.mean == pytest.approx(mean)
    assert found.standard_deviation == (None if deviation is None else pytest.approx(deviation, abs=1e-15))
    assert (found.per_period, found.standard_error, found.annual, found.annual_lo) == (None, None, None, None)
    assert found.autocorrelation == ()


def test_lags_beyond_the_data_or_the_year_count_as_zero():
    pnl = np.array([3.0, -1.0, 2.0, 0.5])
    assert autocorrelation(pnl, 6)[3:] == (0.0, 0.0, 0.0)
    assert sharpe_ratio(pnl, 3, 6).annual_lo == sharpe_ratio(pnl, 3, 2).annual_lo


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"increments": [1.0, math.nan]}, "increments"),
        ({"increments": [[1.0], [2.0]]}, "increments"),
        ({"periods_per_year": 0}, "periods_per_year"),
        ({"lags": -1}, "lags"),
    ],
)
def test_bad_input_names_the_field(changes, field):
    with pytest.raises(ParameterError) as caught:
        sharpe_ratio(**({"increments": [1.0, 2.0], "periods_per_year": 252, "lags": 0} | changes))
    assert caught.value.field == field
