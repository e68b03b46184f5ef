"""The ratio to a correlated instrument: measured right, trusted only where it may be."""

from __future__ import annotations

from random import Random

import pytest

from mm_nautilus.inventory.hedge_ratio import HedgeRatio
from mm_nautilus.inventory.hedge_settings import RatioSettings


def fed(noise: float, beta: float = 2.0, samples: int = 2000, seed: int = 3, **settings: float) -> HedgeRatio:
    """Return a ratio after samples of an asset that moves `beta` times the instrument, plus noise."""
    draw, x, y = Random(seed), 100.0, 50.0
    ratio = HedgeRatio(RatioSettings(half_life_s=500.0, **settings), 1.0)  # type: ignore[arg-type]
    for _ in range(samples):
        ratio.sample(x, y)
        move = draw.gauss(0, 0.1)
        x, y = x + beta * move + draw.gauss(0, noise), y + move
    return ratio


@pytest.mark.parametrize("beta", [2.0, 0.5, -1.5])
def test_measures_what_is_there(beta: float) -> None:
    ratio = fed(0.01, beta, tolerance=0.0, min_beta=-10)
    assert ratio.fault is None
    assert ratio.beta == pytest.approx(beta, rel=0.02)
    assert ratio.correlation is not None
    assert abs(ratio.correlation) > 0.95


def test_the_correlation_is_the_one_of_the_moves() -> None:
    """Moves 0.2 and noise 0.2: the correlation is 1/sqrt(2) in the limit."""
    ratio = fed(0.2, samples=20_000, seed=5)
    assert ratio.correlation == pytest.approx(0.7071, abs=0.06)


def test_refuses_what_is_not_correlated_not_known_or_not_believed() -> None:
    assert (fed(2.0).fault or "").startswith("correlation ")
    assert fed(0.01, samples=50).fault == "ratio measured on 49 of 120 samples"
    assert (fed(0.01, max_beta=1.5).fault or "").startswith("beta ")
    assert fed(0.01, beta=-2.0).fault is not None, "a beta below the default 0 is not believed"
    still = HedgeRatio(RatioSettings(warm_up_samples=2), 1.0)
    for _ in range(5):
        still.sample(1.0, 1.0)
    assert still.fault == "the prices do not move"
    assert (still.beta, still.measured, still.correlation) == (None, None, None)


def test_a_position_is_weighed_anew_only_when_the_ratio_has_moved() -> None:
    ratio = fed(0.05, tolerance=0.5)
    first = ratio.beta
    assert first is not None
    assert ratio.measured != first
    assert abs((ratio.measured or 0) - first) <= 0.5 * abs(first)


def test_a_gap_is_no_move() -> None:
    ratio = fed(0.01)
    before = ratio.measured
    ratio.sample(None, 50.0)
    ratio.sample(500.0, 1.0)  # after a gap: the first of a new series
    assert ratio.measured == before


def test_a_stated_ratio_is_not_measured_and_a_saved_one_goes_on() -> None:
    fixed = HedgeRatio(RatioSettings(fixed_beta=1.25), 1.0)
    fixed.sample(1.0, 2.0)
    assert (fixed.beta, fixed.fault) == (1.25, None)
    one, two = fed(0.05), HedgeRatio(RatioSettings(half_life_s=500.0), 1.0)
    two.load(one.save())
    assert (two.beta, two.measured, two.fault) == (one.beta, one.measured, None)
