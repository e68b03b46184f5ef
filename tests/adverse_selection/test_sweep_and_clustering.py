"""The tests of sweeps and clustering: exact where they can be, within their level where nothing is wrong."""

import math

import numpy as np
import pytest
from scipy import stats

from mm_nautilus.adverse_selection.clustering import Clustering, normal_of_f
from mm_nautilus.adverse_selection.operational import OperationalTime
from mm_nautilus.adverse_selection.sweep import SweepHistory, Sweeps
from mm_nautilus.market import Side

SECOND = 10**9


def swept(tests, side, ts_ns, on):
    """Fill two ticks from a mid of 100, by an order that ends there or goes on."""
    price = 99.98 if side is Side.BUY else 100.02
    beyond = 0.01 if side is Side.SELL else -0.01
    tests[side].filled(ts_ns, 100.0, price, price + beyond * on)


def sweep_tests(half_life_s=600.0, min_fills=20):
    history = SweepHistory(0.01)
    return {side: Sweeps(history, half_life_s, min_fills) for side in Side}


def test_both_sides_share_the_yardstick_and_it_is_the_past_alone() -> None:
    tests = sweep_tests(1e12, 1)
    for second in range(30):
        swept(tests, Side.SELL, second * SECOND, on=second % 3 == 0)
    assert tests[Side.BUY].score(30 * SECOND) is None
    swept(tests, Side.BUY, 30 * SECOND, on=True)
    share = 10.5 / 31.0
    found = tests[Side.BUY].score(30 * SECOND)
    assert found.score == pytest.approx(1.0 - share)
    assert found.t == pytest.approx((1.0 - share) / math.sqrt(share * (1.0 - share) * (1.0 + 1.0 / 30.0)))


def test_a_side_that_is_swept_more_than_before_stands_out_and_the_other_does_not() -> None:
    rng, tests = np.random.default_rng(3), sweep_tests()
    for number in range(600):
        for side in Side:
            share = 0.6 if side is Side.BUY and number > 400 else 0.2
            swept(tests, side, 2 * number * SECOND, on=rng.random() < share)
    assert tests[Side.BUY].score(1200 * SECOND).t > 4.0
    assert tests[Side.SELL].score(1200 * SECOND).t < 1.0


def test_chance_sweeps_are_called_more_often_than_usual_at_the_level_at_most() -> None:
    rng, found = np.random.default_rng(4), []
    for _ in range(300):
        tests = sweep_tests()
        for number in range(150):
            for side in Side:
                swept(tests, side, 4 * number * SECOND, on=rng.random() < 0.25)
        found.append(tests[Side.BUY].score(600 * SECOND).t)
    assert np.mean(np.array(found) > 1.645) <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / 300)
    assert np.std(found) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(("above", "below"), [(16.0, 400.0), (8.0, 40.0), (5.0, 60.0)])
def test_the_cube_roots_turn_f_into_a_normal(above: float, below: float) -> None:
    for share in (0.001, 0.01, 0.05, 0.5, 0.95):
        ratio = float(stats.f.ppf(share, above, below))
        assert stats.norm.cdf(normal_of_f(ratio, above, below)) == pytest.approx(share, rel=0.25, abs=0.002)


def burst_of(gaps, now_gap=0.0, recent=8, base=200):
    test, at = Clustering(recent, base), 0.0
    test.filled(at)
    for gap in gaps:
        at += gap
        test.filled(at)
    return test.score(at + now_gap)


def test_a_burst_is_seen_and_fades_when_it_is_over() -> None:
    rng = np.random.default_rng(5)
    calm = rng.exponential(10.0, 100)
    burst = burst_of([*calm, *[0.5] * 8])
    assert burst.t > 3.0
    assert burst.score == pytest.approx(math.log(np.mean(calm) / 0.5))
    assert burst_of([*calm, *[0.5] * 8], now_gap=80.0).t < 1.0
    assert burst_of(calm[:27]) is None


@pytest.mark.parametrize("law", ["exponential", "bursty"])
def test_poisson_fills_and_overdispersed_ones_keep_the_level(law: str) -> None:
    rng, found = np.random.default_rng(6), []
    for _ in range(1500):
        gaps = rng.exponential(1.0, 150)
        if law == "bursty":  # independent gaps with a squared coefficient of variation of 3
            gaps *= rng.choice([0.2, 3.4], 150, p=[0.75, 0.25])
        found.append(burst_of(gaps).t)
    assert np.mean(np.array(found) > 1.645) <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / 1500)


def test_memory_is_bounded() -> None:
    test = Clustering(8, 50)
    for number in range(10_000):
        test.filled(float(number))
    assert (test._recent.count, test._base.count, test._squares.count) == (8, 50, 50)


def test_operational_time_stands_still_while_a_side_is_not_quoted_and_runs_with_the_market() -> None:
    clock = OperationalTime(60.0)
    clock.quoting(Side.BUY, SECOND, quoted=True)
    for tenth in range(10, 3010):
        clock.ordered(tenth * SECOND // 10)
        clock.elapsed(Side.BUY, tenth * SECOND // 10)
    quiet = clock.elapsed(Side.BUY, 301 * SECOND)
    assert quiet == pytest.approx(3000, rel=0.05)
    assert clock.elapsed(Side.SELL, 301 * SECOND) == 0.0
    clock.quoting(Side.BUY, 301 * SECOND, quoted=False)
    assert clock.elapsed(Side.BUY, 400 * SECOND) == quiet
    assert clock.rate(301 * SECOND) == pytest.approx(10.0, rel=0.05)


def test_without_trades_operational_time_is_time() -> None:
    clock = OperationalTime(60.0)
    clock.quoting(Side.SELL, 5 * SECOND, quoted=True)
    assert clock.elapsed(Side.SELL, 65 * SECOND) == pytest.approx(60.0)
