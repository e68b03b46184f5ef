"""What is refused, why, and what stands in for it."""

import math

import numpy as np
import pytest

from mm_nautilus.estimators.intensity_judgement import (
    Form,
    Refusal,
    Verdict,
    by_tick,
    cut_at,
    half_spread_half_ticks,
    judged_fit,
    last_step,
)


def depths(counts_by_tick, first=2):
    """Counts by half-tick of orders that reach so many ticks beyond `first` half-ticks."""
    by_half_tick = np.zeros(first + 2 * len(counts_by_tick), dtype=np.int64)
    by_half_tick[first::2] = counts_by_tick
    return by_half_tick


def geometric(n, rho, steps=60):
    return np.random.default_rng(0).multinomial(n, (1 - rho) * rho ** np.arange(steps))


def test_a_healthy_curve_is_fitted() -> None:
    judged = judged_fit(depths(geometric(5_000, 0.8)), 1_000.0, 2, 0.01)
    assert (judged.verdict, judged.form, judged.refusal, judged.reason) == (Verdict.FITTED, Form.EXPONENTIAL, None, "")
    assert judged.fit.decay == pytest.approx(-math.log(0.8) / 0.01, rel=0.05)
    assert judged.distance < 0.02


@pytest.mark.parametrize("n", [0, 1, 19])
def test_under_twenty_orders_nothing_is_told(n) -> None:
    judged = judged_fit(depths(geometric(n, 0.8)), 1_000.0, 2, 0.01)
    assert (judged.verdict, judged.refusal) == (Verdict.REFUSED, Refusal.TOO_FEW_EVENTS)
    assert not judged.usable
    assert math.isnan(judged.fit.a_per_s)
    assert f"{n} market orders" in judged.reason


def test_no_orders_and_no_time_are_refused_too() -> None:
    assert judged_fit(np.zeros(0, dtype=np.int64), 0.0, 2, 0.01).refusal is Refusal.TOO_FEW_EVENTS


def test_most_orders_at_the_touch_leave_the_two_prices_there() -> None:
    counts = geometric(10_000, 0.1)
    judged = judged_fit(depths(counts, first=1), 1_000.0, 1, 1.0)
    assert (judged.verdict, judged.form, judged.refusal) == (Verdict.FALLBACK, Form.TICK_DISCRETE, Refusal.LARGE_TICK)
    assert "89.6%" in judged.reason
    rho = 1 - counts[0] / counts.sum()
    assert judged.fit.decay == pytest.approx(-math.log(rho))
    for step, reached in enumerate((counts.sum(), counts[1:].sum())):
        rate = judged.fit.a_per_s * math.exp(-judged.fit.decay * (0.5 + step))
        assert rate == pytest.approx(reached / 1_000.0), "both rates are met exactly"


@pytest.mark.parametrize("beyond", [0, 5, 19])
def test_with_nobody_beyond_the_touch_the_decay_is_taken_at_its_careful_bound(beyond) -> None:
    judged = judged_fit(depths([500 - beyond, beyond], first=1), 1_000.0, 1, 1.0)
    assert (judged.verdict, judged.form) == (Verdict.FALLBACK, Form.QUANTILE)
    assert math.isfinite(judged.fit.decay)
    naive = math.inf if beyond == 0 else -math.log(beyond / 500)
    assert 0 < judged.fit.decay < naive, "a slower decay quotes wider"
    assert judged.fit.a_per_s * math.exp(-0.5 * judged.fit.decay) == pytest.approx(0.5)


def test_orders_that_all_reach_the_end_have_no_decay() -> None:
    judged = judged_fit(depths([0, 0, 0, 30]), 1_000.0, 2, 0.01)
    assert (judged.verdict, judged.refusal) == (Verdict.REFUSED, Refusal.NO_DECAY)
    few = judged_fit(depths([1, 0, 0, 24]), 1_000.0, 2, 0.01)
    assert few.refusal is Refusal.NO_DECAY, "one order that stopped is not a decay"


def test_a_curve_seen_only_far_from_the_mid_does_not_tell_a_from_k() -> None:
    counts = geometric(400, 0.9)
    judged = judged_fit(depths(counts, first=4_000), 1_000.0, 4_000, 0.01)
    assert (judged.verdict, judged.refusal) == (Verdict.REFUSED, Refusal.NOT_TOLD_APART)
    assert "correlation" in judged.reason


def test_half_ticks_count_as_the_tick_before_and_cuts_lose_nobody() -> None:
    assert by_tick(np.array([7, 1, 2, 3, 4, 5]), 1).tolist() == [3, 7, 5]
    assert by_tick(np.array([7, 1]), 5).tolist() == [0]
    assert cut_at(np.array([5, 4, 3, 2, 1]), 2).tolist() == [5, 4, 6]
    assert cut_at(np.array([5]), 1).tolist() == [5, 0]
    assert last_step(np.array([500, 400, 80, 15, 5])) == 3


def test_the_median_half_spread_is_weighted_by_time() -> None:
    assert half_spread_half_ticks(np.array([0.0, 10.0, 0.0, 11.0])) == 3
    assert half_spread_half_ticks(np.array([0.0, 12.0, 0.0, 11.0])) == 1
    assert half_spread_half_ticks(np.zeros(0)) == 1
