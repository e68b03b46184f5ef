"""The tables of Avellaneda and Stoikov (2008): simulated, exact and published agree."""

import dataclasses

import avellaneda_stoikov_2008 as paper
import numpy as np
import pytest

# Profit, its standard deviation and that of the final inventory, computed independently of this repository by a
# recursion and by 200,000 simulated paths, with the 99.9 % bands of 1000 runs that follow.
REFERENCE = {
    (0.1, "inventory"): (
        (1.4918, 64.8925, 6.5432, 2.9268),
        {"profit": (64.21, 65.57), "std_profit": (6.06, 7.03), "std_inventory": (2.71, 3.14)},
    ),
    (0.1, "symmetric"): (
        (1.4918, 68.2228, 13.4558, 8.3994),
        {"profit": (66.82, 69.62), "std_profit": (11.99, 14.92), "std_inventory": (7.78, 9.02)},
    ),
    (0.01, "inventory"): (
        (1.3490, 68.3996, 8.9606, 5.2125),
        {"profit": (67.47, 69.33), "std_profit": (8.21, 9.71), "std_inventory": (4.83, 5.59)},
    ),
    (0.01, "symmetric"): (
        (1.3490, 68.6661, 13.6775, 8.7117),
        {"profit": (67.24, 70.09), "std_profit": (12.16, 15.20), "std_inventory": (8.07, 9.35)},
    ),
    (1.0, "inventory"): (
        (3.0317, 31.4545, 4.8379, 1.6414),
        {"profit": (30.95, 31.96), "std_profit": (4.48, 5.20), "std_inventory": (1.52, 1.76)},
    ),
    (1.0, "symmetric"): (
        (3.0317, 43.6853, 10.7332, 5.1714),
        {"profit": (42.57, 44.80), "std_profit": (9.78, 11.68), "std_inventory": (4.79, 5.55)},
    ),
}
ROWS = pytest.mark.parametrize(("gamma", "strategy"), REFERENCE)


@ROWS
def test_the_exact_recursion_agrees_with_the_reference(gamma: float, strategy: str) -> None:
    (spread, profit, std_profit, std_inventory), bands = REFERENCE[gamma, strategy]
    exact = paper.exact(gamma, strategy)
    row = exact.row
    found = (row.spread, row.profit, row.std_profit, row.std_inventory)
    assert found == pytest.approx((spread, profit, std_profit, std_inventory), abs=6e-5)
    assert row.final_inventory == pytest.approx(0.0, abs=1e-9)
    for column, band in bands.items():
        assert exact.bands()[column] == pytest.approx(band, abs=0.015)


@ROWS
def test_a_thousand_runs_lie_within_the_bands(gamma: float, strategy: str) -> None:
    row = paper.simulate(gamma, strategy, 1000, seed=2008)
    final = 3.29 * row.std_inventory / 1000**0.5
    bands = REFERENCE[gamma, strategy][1] | {"final_inventory": (-final, final)}
    for column, (low, high) in bands.items():
        assert low <= getattr(row, column) <= high, column


@ROWS
def test_the_published_numbers_lie_within_the_bands(gamma: float, strategy: str) -> None:
    published = next(row for row in paper.PUBLISHED if (row.gamma, row.strategy) == (gamma, strategy))
    exact = paper.exact(gamma, strategy)
    for column, (low, high) in exact.bands().items():
        assert low <= getattr(published, column) <= high, column
    # The paper prints the time average of the continuous formula, to two places.
    assert published.spread == pytest.approx(exact.row.spread, abs=0.016)


def test_many_runs_come_close_to_the_exact_moments() -> None:
    runs = 40_000
    row, exact = paper.simulate(0.1, "inventory", runs, seed=1), paper.exact(0.1, "inventory")
    for column, (low, high) in exact.bands(runs).items():
        assert low <= getattr(row, column) <= high, column


def test_the_bands_are_narrow_enough_to_notice_a_volatility_that_is_a_tenth_off() -> None:
    low, high = paper.exact(0.1, "inventory").bands(40_000)["profit"]
    other = dataclasses.replace(paper.AVELLANEDA_STOIKOV, sigma=2.2)
    assert not low <= paper.exact(0.1, "inventory", other).row.profit <= high


def test_the_same_seed_gives_the_same_row() -> None:
    assert paper.simulate(1.0, "inventory", 50, seed=3) == paper.simulate(1.0, "inventory", 50, seed=3)
    assert paper.simulate(1.0, "inventory", 50, seed=3) != paper.simulate(1.0, "inventory", 50, seed=4)


def test_probability_is_conserved() -> None:
    chance = paper._policy(1.0, "inventory", paper.AVELLANEDA_STOIKOV)[1]
    assert np.all((chance >= 0) & (chance <= 1))
    assert np.any(chance == 1), "the paper's probability lambda dt exceeds one far from flat and must be cut"
