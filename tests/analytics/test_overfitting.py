"""Probability of overfitting and deflated Sharpe ratio: by hand, by brute force, on noise, and with a planted edge."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kurtosis, norm, skew

from mm_nautilus.analytics.overfitting import (
    deflated_sharpe,
    expected_maximum,
    independent_tries,
    probabilistic_sharpe,
    probability_of_overfitting,
    sampling_variance,
)
from mm_nautilus.errors import ParameterError


def noise(seed: int, steps: int = 480, tries: int = 100) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(steps, tries))


def brute(pnl: np.ndarray, blocks: int) -> tuple[float, float]:
    """Cross-validate as the paper words it: submatrices of rows, the best column of one, its rank in the other."""
    parts = np.split(pnl[: len(pnl) // blocks * blocks], blocks)
    overfitted, lost, splits = 0, 0, 0
    for half in combinations(range(blocks), blocks // 2):
        one = np.concatenate([parts[i] for i in half])
        two = np.concatenate([parts[i] for i in range(blocks) if i not in half])
        best = int(np.argmax(one.mean(axis=0) / one.std(axis=0, ddof=1)))
        there = two.mean(axis=0) / two.std(axis=0, ddof=1)
        omega = (np.sum(there < there[best]) + 1) / (len(there) + 1)
        overfitted += math.log(omega / (1 - omega)) <= 0
        lost += there[best] < 0
        splits += 1
    return overfitted / splits, lost / splits


@pytest.mark.parametrize(("seed", "tries", "blocks"), [(1, 5, 4), (2, 8, 6), (3, 3, 8)])
def test_the_splits_are_those_of_the_paper(seed: int, tries: int, blocks: int) -> None:
    pnl = noise(seed, 50, tries)
    found = probability_of_overfitting(pnl, blocks)
    assert (found.probability, found.probability_of_loss) == pytest.approx(brute(pnl, blocks))
    assert found.splits == math.comb(blocks, blocks // 2)
    assert found.steps == 50 // blocks * blocks


def test_two_tries_that_take_turns_are_overfitted_by_hand() -> None:
    # The first earns in blocks 1 and 2, the second in 3 and 4: whoever is best in {1, 2} is worst in {3, 4}; in the
    # four mixed splits both are alike, and share the median rank.
    up, down = [2.0, 1.0], [-2.0, -1.0]
    pnl = np.array([up + up + down + down, down + down + up + up]).T
    found = probability_of_overfitting(pnl, blocks=4)
    assert found.splits == 6
    assert found.probability == 1.0
    assert found.probability_of_loss == pytest.approx(2 / 6)


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_random_tries_are_flagged(seed: int) -> None:
    pnl = noise(seed)
    overfitting, deflated = probability_of_overfitting(pnl), deflated_sharpe(pnl)
    assert overfitting.splits == 12_870
    assert overfitting.probability > 0.2
    assert deflated is not None
    assert deflated.probability < 0.95
    assert deflated.undeflated > 0.95, "the best of a hundred looks good to whoever does not count"


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_edge_passes(seed: int) -> None:
    pnl = noise(seed)
    pnl[:, 40:50] += 0.35
    overfitting, deflated = probability_of_overfitting(pnl), deflated_sharpe(pnl)
    assert overfitting.probability < 0.05
    assert overfitting.probability_of_loss < 0.05
    assert deflated is not None
    assert deflated.probability > 0.95


def test_without_selection_worth_the_name_overfitting_is_one_half_on_average() -> None:
    found = [probability_of_overfitting(noise(seed, 60, 10), blocks=6).probability for seed in range(400)]
    assert np.mean(found) == pytest.approx(0.5, abs=4 * np.std(found) / 20)


def test_the_best_of_many_is_expected_where_simulated_normals_put_it() -> None:
    best = np.random.default_rng(5).normal(size=(20_000, 100)).max(axis=1).mean()
    assert expected_maximum(1.0, 100) == pytest.approx(best, rel=0.02)
    assert expected_maximum(4.0, 100) == 2.0 * expected_maximum(1.0, 100)
    assert expected_maximum(1.0, 1) == 0.0


def test_the_example_of_the_paper() -> None:
    # Bailey and Lopez de Prado (2014): 100 tries over 5 years of days (1250), annual Sharpe ratio of the best 2.5,
    # variance of the annual ratios 1/2, skewness -3, kurtosis 10: SR0 = 0.1132 a day and DSR = 0.9004.
    luck = expected_maximum(0.5 / 250, 100)
    assert luck == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(2.5 / math.sqrt(250), luck, 1250, -3.0, 10.0) == pytest.approx(0.9004, abs=5e-4)
    # With 46 tries they find 0.9505, and with normal increments 88 tries are as good as that.
    assert probabilistic_sharpe(2.5 / 250**0.5, expected_maximum(0.5 / 250, 46), 1250, -3.0, 10.0) == pytest.approx(
        0.9505, abs=5e-4
    )
    assert probabilistic_sharpe(2.5 / 250**0.5, expected_maximum(0.5 / 250, 88), 1250, 0.0, 3.0) == pytest.approx(
        0.9505, abs=5e-4
    )


def test_the_parts_of_the_deflated_ratio_are_those_of_scipy() -> None:
    pnl = np.random.default_rng(3).standard_t(5, size=(300, 7)) + 0.1
    found = deflated_sharpe(pnl, best=2)
    assert found is not None
    column = pnl[:, 2]
    assert found.sharpe == pytest.approx(column.mean() / column.std(ddof=1))
    assert (found.skewness, found.kurtosis) == pytest.approx((skew(column), kurtosis(column, fisher=False)))
    root = math.sqrt(1 - found.skewness * found.sharpe + (found.kurtosis - 1) / 4 * found.sharpe**2)
    gap = (found.sharpe - found.expected_maximum) * math.sqrt(299)
    assert found.probability == pytest.approx(norm.cdf(gap / root))


def test_chance_alone_is_what_the_bar_is_made_of() -> None:
    pnl = noise(9, 480, 100)
    assert sampling_variance(pnl) == pytest.approx(1 / 480, rel=0.1)
    # A quarter of the tries earn: the ratios spread far more than chance does, and the bar does not move.
    planted = pnl.copy()
    planted[:, :25] += 0.4
    found = deflated_sharpe(planted)
    assert found is not None
    assert found.variance == pytest.approx(1 / 480, rel=0.1)
    assert found.probability > 0.95
    ratios = planted.mean(axis=0) / planted.std(axis=0, ddof=1)
    as_published = deflated_sharpe(planted, variance=float(ratios.var(ddof=1)))
    assert as_published is not None
    assert as_published.probability < 0.95


def test_increments_that_go_on_for_a_while_raise_the_bar() -> None:
    # Runs of ten equal increments are a tenth as many: the ratio of a try varies ten times as much.
    pnl = np.repeat(noise(10, 96, 200), 10, axis=0)
    assert sampling_variance(pnl) == pytest.approx(1 / 96, rel=0.1)
    assert sampling_variance(pnl[:12]) == 1 / 11
    found = deflated_sharpe(pnl)
    assert found is not None
    assert found.expected_maximum == pytest.approx(expected_maximum(1 / 96, found.independent_tries), rel=0.1)


def test_independent_tries_are_counted_once() -> None:
    pnl = noise(1, 5_000, 10)
    assert independent_tries(pnl) == pytest.approx(10, rel=0.01)
    assert independent_tries(np.repeat(pnl[:, :1], 10, axis=1)) == pytest.approx(1.0)
    common = pnl + 2.0 * noise(2, 5_000, 1)
    correlations = np.corrcoef(common.T)
    mean = (correlations.sum() - 10) / 90
    assert independent_tries(common) == pytest.approx(mean + (1 - mean) * 10)


def test_one_try_is_not_deflated_and_none_is_no_figure() -> None:
    found = deflated_sharpe(noise(4, 100, 1) + 0.3)
    assert found is not None
    assert found.expected_maximum == 0.0
    assert found.probability == found.undeflated
    assert deflated_sharpe(np.zeros((50, 3))) is None
    assert deflated_sharpe(np.ones((2, 3))) is None


def test_tries_that_never_traded_count_as_tries_with_nothing() -> None:
    pnl = noise(7, 200, 4)
    more = np.concatenate([pnl, np.zeros((200, 6))], axis=1)
    one, other = deflated_sharpe(pnl), deflated_sharpe(more)
    assert one is not None
    assert other is not None
    assert other.independent_tries == pytest.approx(one.independent_tries + 6)
    assert 0.0 <= probability_of_overfitting(more).probability <= 1.0
    assert probability_of_overfitting(np.zeros((64, 5))).probability == 1.0, "all alike: the best is the median"


@given(seed=st.integers(0, 2**32 - 1), tries=st.integers(2, 6), scale=st.sampled_from([1e-9, 1.0, 1e12]))
@settings(max_examples=40, deadline=None)
def test_units_and_the_order_of_tries_change_nothing(seed: int, tries: int, scale: float) -> None:
    pnl = noise(seed, 48, tries)
    one, other = probability_of_overfitting(pnl, 6), probability_of_overfitting(scale * pnl[:, ::-1], 6)
    assert (one.probability, one.probability_of_loss) == (other.probability, other.probability_of_loss)
    found, scaled = deflated_sharpe(pnl), deflated_sharpe(scale * pnl[:, ::-1])
    assert found is not None
    assert scaled is not None
    assert scaled.probability == pytest.approx(found.probability)
    assert 0.0 <= found.probability <= found.undeflated <= 1.0


@given(
    sharpe=st.floats(-2, 2), low=st.floats(-2, 2), more=st.floats(0, 2),
    steps=st.integers(2, 10_000), third=st.floats(-3, 3), tail=st.floats(1, 20),
)  # fmt: skip
def test_a_higher_bar_is_never_easier(
    sharpe: float, low: float, more: float, steps: int, third: float, tail: float
) -> None:
    fourth = third * third + tail
    easy, hard = (probabilistic_sharpe(sharpe, bar, steps, third, fourth) for bar in (low, low + more))
    assert 0.0 <= hard <= easy <= 1.0


@given(st.floats(0, 10), st.floats(1, 1e6), st.floats(0, 1e6))
def test_more_tries_raise_the_bar(variance: float, tries: float, more: float) -> None:
    assert 0.0 <= expected_maximum(variance, tries) <= expected_maximum(variance, tries + more)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: probability_of_overfitting(np.zeros((40, 1))), "at least 2 tries"),
        (lambda: probability_of_overfitting(np.zeros((20, 3))), "at least 32 steps"),
        (lambda: probability_of_overfitting(np.zeros((40, 3)), 5), "even"),
        (lambda: probability_of_overfitting(np.zeros((400, 3)), 22), "from 2 to 20"),
        (lambda: probability_of_overfitting([1.0, 2.0]), "steps, tries"),
        (lambda: probability_of_overfitting([[1.0, math.nan]]), "finite"),
        (lambda: deflated_sharpe(np.zeros((40, 3)), 3), "from 0 to 2"),
        (lambda: expected_maximum(-1.0, 3), "variance"),
        (lambda: expected_maximum(1.0, 0.5), "tries"),
        (lambda: probabilistic_sharpe(1.0, 0.0, 1, 0.0, 3.0), "steps"),
    ],
)
def test_what_has_no_answer_is_refused(call, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        call()
