"""Covariance a portfolio can be priced with: the formulas as printed, what was put in, and always a covariance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.covariance import RollingCovariance, covariance, previous_tick
from mm_nautilus.estimators.nearest_correlation import nearest_correlation, with_volatilities
from mm_nautilus.models.checks import covariance_matrix

NS = 1_000_000_000


def prices_of(correlation, sigmas, n, seed=0):
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(correlation)
    return np.cumsum(rng.normal(size=(n, len(sigmas))) @ root.T * sigmas, axis=0)


def constant(n, rho):
    return np.full((n, n), rho) + (1 - rho) * np.eye(n)


def ledoit_wolf_as_printed(returns):
    """The sums of Ledoit and Wolf (2004), appendix B, term by term, for returns with mean 0."""
    t, n = returns.shape
    s = returns.T @ returns / t
    rbar = sum(s[i, j] / math.sqrt(s[i, i] * s[j, j]) for i in range(n) for j in range(i + 1, n)) * 2 / ((n - 1) * n)
    f = np.array([[s[i, i] if i == j else rbar * math.sqrt(s[i, i] * s[j, j]) for j in range(n)] for i in range(n)])
    pi = sum(((returns[:, i] * returns[:, j] - s[i, j]) ** 2).mean() for i in range(n) for j in range(n))
    rho = 0.0
    for i in range(n):
        rho += ((returns[:, i] ** 2 - s[i, i]) ** 2).mean()
        for j in range(n):
            if i != j:
                ii = ((returns[:, i] ** 2 - s[i, i]) * (returns[:, i] * returns[:, j] - s[i, j])).mean()
                jj = ((returns[:, j] ** 2 - s[j, j]) * (returns[:, i] * returns[:, j] - s[i, j])).mean()
                rho += rbar / 2 * (math.sqrt(s[j, j] / s[i, i]) * ii + math.sqrt(s[i, i] / s[j, j]) * jj)
    delta = max(0.0, min((pi - rho) / ((f - s) ** 2).sum() / t, 1.0))
    return delta, delta * f + (1 - delta) * s


def test_shrinkage_is_the_published_one_on_standardised_returns():
    correlation = 0.5 * constant(4, 0.8) + 0.5 * np.eye(4)
    correlation[0, 1] = correlation[1, 0] = 0.1
    prices = prices_of(correlation, (1.0, 20.0, 0.003, 700.0), 60)
    found = covariance(prices, 5.0)
    moves = np.diff(prices, axis=0)
    scale = np.sqrt((moves**2).mean(axis=0))
    delta, matrix = ledoit_wolf_as_printed(moves / scale)
    assert 0.05 < delta < 0.95
    assert found.shrinkage == pytest.approx(delta, rel=1e-10)
    assert found.correlation == pytest.approx(matrix, rel=1e-10)
    assert found.per_s == pytest.approx(matrix * np.outer(scale, scale) / 5, rel=1e-10)


def test_shrinking_brings_a_short_sample_nearer_to_the_truth():
    truth = 0.9 * constant(20, 0.5) + 0.1 * np.eye(20)
    sigmas = np.linspace(0.5, 50, 20)
    won = 0
    for seed in range(20):
        prices = prices_of(truth, sigmas, 40, seed)
        raw, shrunk = covariance(prices, 5.0, shrink=False), covariance(prices, 5.0)
        assert np.linalg.eigvalsh(shrunk.per_s / np.outer(sigmas, sigmas))[0] > 0
        won += np.abs(shrunk.correlation - truth).sum() < np.abs(raw.correlation - truth).sum()
    assert won >= 19


def test_the_errors_cover_the_truth_and_units_are_per_second():
    truth = np.array([[1.0, 0.6], [0.6, 1.0]])
    scores, variances = [], []
    for seed in range(60):
        found = covariance(prices_of(truth, (2.0, 30.0), 301, seed), 10.0, shrink=False)
        scores.append((found.correlation[0, 1] - 0.6) / found.errors[0, 1])
        variances.append(found.per_s[0, 0])
    assert 0.75 < np.std(scores) < 1.3
    assert np.mean(variances) == pytest.approx(2.0**2 / 10, rel=0.05)


def test_more_assets_than_samples_still_give_a_covariance():
    prices = prices_of(np.eye(30), np.ones(30), 12)
    for shrink in (True, False):
        covariance_matrix("covariance", covariance(prices, 5.0, shrink).per_s)


def test_a_pair_is_judged_by_the_samples_at_which_both_are_known():
    prices = prices_of(constant(3, 0.7), (1.0, 5.0, 9.0), 4_000)
    holes = prices.copy()
    holes[::7, 0] = np.nan
    holes[3::11, 1] = np.nan
    found, whole = covariance(holes, 5.0), covariance(prices, 5.0)
    assert found.samples < whole.samples == 3_999
    assert found.correlation == pytest.approx(whole.correlation, abs=0.06)
    assert found.per_s == pytest.approx(whole.per_s, rel=0.12)
    moves = np.diff(holes, axis=0)
    both = ~np.isnan(moves[:, 0]) & ~np.isnan(moves[:, 1])
    raw = covariance(holes, 5.0, shrink=False)
    assert raw.per_s[0, 1] == pytest.approx((moves[both, 0] * moves[both, 1]).mean() / 5, rel=1e-9)


def test_too_little_is_no_answer():
    assert covariance(np.ones((40, 2)), 5.0) is None
    assert covariance(prices_of(np.eye(2), (1, 1), 8), 5.0) is None
    assert covariance(np.full((40, 2), np.nan), 5.0) is None
    for step in (1.0, math.nan, math.inf):
        with pytest.raises(ParameterError, match="step_s"):
            covariance(np.ones((40, 2)), step)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000))
def test_a_repaired_matrix_is_one_of_correlations_and_the_nearest(n, seed):
    rng = np.random.default_rng(seed)
    broken = np.tanh(rng.normal(0, 1.5, (n, n)))
    broken = 0.5 * (broken + broken.T)
    np.fill_diagonal(broken, 1.0)
    found = nearest_correlation(broken)
    covariance_matrix("correlation", found)
    assert np.diag(found) == pytest.approx(np.ones(n))
    if np.linalg.eigvalsh(broken)[0] >= 0:
        assert (found == broken).all()
    values, vectors = np.linalg.eigh(broken)
    cut = (vectors * np.maximum(values, 0)) @ vectors.T
    cut = cut / np.sqrt(np.outer(np.diag(cut), np.diag(cut)))
    assert np.linalg.norm(found - broken) <= np.linalg.norm(cut - broken) + 1e-6
    other = rng.normal(size=(n, n + 2))
    other = other @ other.T
    other = other / np.sqrt(np.outer(np.diag(other), np.diag(other)))
    for share in (0.01, 0.3, 1.0):
        rival = (1 - share) * found + share * other
        assert np.linalg.norm(found - broken) <= np.linalg.norm(rival - broken) + 1e-6


def test_highams_example():
    """Higham (2002), section 4: the nearest correlation matrix to a tridiagonal one."""
    found = nearest_correlation([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    assert found == pytest.approx(
        np.array([[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]), abs=5e-5
    )


def test_correlations_from_one_source_and_volatilities_from_another():
    found = with_volatilities([[1.0, 0.5], [0.5, 1.0]], [2.0, 30.0])
    assert found == pytest.approx(np.array([[4.0, 30.0], [30.0, 900.0]]))
    with pytest.raises(ParameterError, match="sigmas"):
        with_volatilities([[1.0, 0.5], [0.5, 1.0]], [2.0])
    with pytest.raises(ParameterError, match="ones on the diagonal"):
        nearest_correlation([[2.0, 0.5], [0.5, 1.0]])


def test_previous_tick_takes_what_was_known():
    series = [([0, 6 * NS, 6 * NS + 1], [1.0, 2.0, 3.0]), ([5 * NS, 100 * NS], [7.0, 8.0]), ([], [])]
    found = previous_tick(series, 5.0, 0, 20 * NS, max_age_s=9.0)
    assert found[:, 0] == pytest.approx([1.0, 1.0, 3.0, 3.0, np.nan], nan_ok=True)
    assert found[:, 1] == pytest.approx([np.nan, 7.0, 7.0, np.nan, np.nan], nan_ok=True)
    assert np.isnan(found[:, 2]).all()
    with pytest.raises(ParameterError, match="5 s"):
        previous_tick(series, 4.9, 0, NS)
    with pytest.raises(ParameterError, match="end_ns"):
        previous_tick(series, 5.0, 1, 0)


def test_rolling_it_forgets_and_remembers_a_restart():
    old, new = prices_of(constant(2, -0.8), (1, 2), 400, 1), prices_of(constant(2, 0.8), (1, 2), 201, 2)
    rolling = RollingCovariance(2, 200, 5.0)
    assert rolling.value() is None
    for row in [*old, *new]:
        rolling.sample(row)
    expected = covariance(new, 5.0)
    assert rolling.value().per_s == pytest.approx(expected.per_s)
    assert rolling.prices().shape == (201, 2)
    again = RollingCovariance(2, 200, 5.0)
    again.load(rolling.save())
    again.sample(new[-1] + 1_000.0)
    again.sample(new[-1] + 1_000.5)
    assert again.value().per_s == pytest.approx(expected.per_s, rel=0.05), "the pause is no return"
    with pytest.raises(ParameterError, match="columns"):
        RollingCovariance(3, 200, 5.0).load(rolling.save())
