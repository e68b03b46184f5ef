"""The block bootstrap covers what it promises, and falls short where it says it does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mm_nautilus.analytics.block_bootstrap import FEWEST_BLOCKS, automatic_block_length, total_interval


def moving_average(weights: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Draw a stationary path whose increments depend on each other over ``len(weights)`` steps, mean zero."""
    noise = np.random.default_rng(seed).standard_normal(n + len(weights) - 1)
    return np.convolve(noise, weights, mode="valid")


def coverage(weights: np.ndarray, n: int, paths: int, **how: int) -> float:
    intervals = [total_interval(moving_average(weights, n, seed), seed, draws=500, **how) for seed in range(paths)]
    return float(np.mean([not one.excludes_zero for one in intervals]))


@pytest.mark.parametrize(
    ("weights", "n"),
    [([1.0], 300), ([1.0], 2_000), (0.7 ** np.arange(30), 3_000), (np.ones(20), 4_000), ([1.0, -0.5], 2_000)],
    ids=["independent, short", "independent", "decaying", "held for 20 steps", "bouncing"],
)
def test_intervals_cover_the_expected_total_of_simulated_paths(weights: list[float], n: int) -> None:
    # 600 paths: two standard errors of a coverage of 0.95 are 0.018, and the rule itself may lose two points.
    assert 0.915 <= coverage(np.array(weights), n, 600) <= 0.985


def test_single_increments_would_not_cover_a_dependent_path() -> None:
    assert coverage(np.ones(20), 4_000, 200, block_length=1) < 0.6


def test_a_shift_larger_than_the_noise_is_seen() -> None:
    increments = moving_average(np.ones(5), 4_000, seed=1) + 1.0
    interval = total_interval(increments, seed=1)
    assert interval.low is not None
    assert interval.high is not None
    assert 0 < interval.low < interval.total < interval.high
    # Five equal weights: the total has a standard deviation of 5 sqrt(n).
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 5 * np.sqrt(4_000), rel=0.15)


def test_few_blocks_give_no_interval() -> None:
    increments = np.random.default_rng(0).standard_normal(90)
    assert total_interval(increments, 0, block_length=10).low is None
    assert not total_interval(increments + 100.0, 0, block_length=10).excludes_zero
    enough = total_interval(increments, 0, block_length=9)
    assert enough.blocks == FEWEST_BLOCKS
    assert enough.low is not None


def test_the_length_grows_with_the_dependence() -> None:
    lengths = [automatic_block_length(moving_average(np.ones(width), 20_000, seed=3)) for width in (1, 10, 60)]
    assert lengths[0] < lengths[1] < lengths[2]
    assert lengths[0] <= 10
    assert automatic_block_length(np.zeros(100)) == 1
    assert automatic_block_length(np.empty(0)) == 1


def test_the_same_seed_gives_the_same_interval() -> None:
    increments = np.random.default_rng(5).standard_normal(777)
    assert total_interval(increments, 9) == total_interval(increments, 9)
    assert total_interval(increments, 9) != total_interval(increments, 10)


@given(arrays(np.float64, st.integers(30, 200), elements=st.floats(-1e3, 1e3)), st.floats(1e-3, 1e3))
def test_the_interval_scales_with_its_increments(increments: np.ndarray, scale: float) -> None:
    one = total_interval(increments, 1, block_length=3, draws=200)
    scaled = total_interval(increments * scale, 1, block_length=3, draws=200)
    expected = [scale * value for value in (one.total, one.low, one.high)]  # type: ignore[operator]
    assert [scaled.total, scaled.low, scaled.high] == pytest.approx(expected, rel=1e-6, abs=1e-6 * scale)


@pytest.mark.parametrize(
    ("how", "message"),
    [({"level": 1.0}, "level"), ({"block_length": 0}, "block_length"), ({"increments": np.array([np.nan])}, "finite")],
)
def test_nonsense_is_refused(how: dict[str, object], message: str) -> None:
    increments = how.pop("increments", np.ones(50))
    with pytest.raises(ValueError, match=message):
        total_interval(increments, 0, **how)  # type: ignore[arg-type]


def test_every_increment_counts_when_blocks_do_not_divide_the_number() -> None:
    constant = np.full(101, 2.5)
    interval = total_interval(constant, 0, block_length=7)
    assert (interval.low, interval.high) == pytest.approx((252.5, 252.5))
