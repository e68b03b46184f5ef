"""Totals of several stretches of time, resampled block by block."""

import numpy as np
import pytest

from mm_nautilus.analytics.block_bootstrap import ends, resampled_totals, total_interval


def test_one_stretch_of_one_column_is_the_interval_of_its_total() -> None:
    increments = np.random.default_rng(1).normal(0.1, 1.0, 500)
    found = total_interval(increments, 3, block_length=20)
    drawn = resampled_totals([increments[:, None]], 20, 2_000, 3)[:, 0]
    assert ends(drawn, found.blocks, found.level) == (found.low, found.high)


def test_columns_are_resampled_together() -> None:
    column = np.random.default_rng(2).normal(size=300)
    drawn = resampled_totals([np.column_stack((column, 2.0 * column))], 7, 500, 0)
    assert drawn[:, 1] == pytest.approx(2.0 * drawn[:, 0], abs=1e-9)


def test_blocks_stay_within_their_stretch() -> None:
    """Each stretch gives as many increments as it has: a column that is one there and zero elsewhere is constant."""
    first, second = np.zeros((90, 1)), np.ones((40, 1))
    assert (resampled_totals([first, second], 25, 300, 0) == 40.0).all()


def test_the_spread_of_independent_stretches_adds_up() -> None:
    rng = np.random.default_rng(3)
    stretches = [rng.normal(0.0, sd, (4_000, 1)) for sd in (1.0, 3.0)]
    drawn = resampled_totals(stretches, 1, 4_000, 0)
    assert drawn.std() == pytest.approx(np.sqrt(4_000 * (1.0 + 9.0)), rel=0.06)


def test_a_block_is_no_longer_than_its_stretch() -> None:
    assert (resampled_totals([np.ones((3, 2)), np.ones((100, 2))], 50, 10, 0) == 103.0).all()
