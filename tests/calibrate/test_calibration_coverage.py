"""The 95 % intervals cover the truth: small and large tick, two different sides, three seeds, a hundred repeats."""

from copy import replace

import numpy as np
import pytest
from synthetic_flow import LARGE_TICK, SMALL_TICK, orders_of, tops_of

from mm_nautilus.calibrate.settings import CalibrateSettings
from mm_nautilus.calibrate.sides import side_calibration
from mm_nautilus.calibrate.sigma import sigma_calibration
from mm_nautilus.errors import DataError
from mm_nautilus.estimators.intensity_orders import QuotedTime, sampled_mids

REPEATS = 100


def clock_of(tops):
    return QuotedTime.of(tops.ts_ns, tops.fit(), 10.0, int(tops.ts_ns[-1]))


def covers(estimate, truth):
    return estimate is not None and estimate.low is not None and estimate.low <= truth <= (estimate.high or np.inf)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("truth", [SMALL_TICK, LARGE_TICK], ids=["small tick", "large tick"])
def test_intervals_cover_the_truth_in_nine_of_ten_repeats(truth, seed) -> None:
    hits = dict.fromkeys(("bid A", "bid k", "ask A", "ask k", "sigma"), 0)
    for repeat in range(REPEATS):
        rng = np.random.default_rng([seed, repeat])
        tops = tops_of(truth, rng)
        clock = clock_of(tops)
        settings = CalibrateSettings(bootstrap_draws=400, seed=repeat)
        for side, name, (a, k) in ((-1, "bid", truth.bid), (1, "ask", truth.ask)):
            orders = orders_of(truth, side, tops, rng)
            found = side_calibration(orders, side, tops, clock, truth.tick, settings, clock.total_s / 50)
            hits[f"{name} A"] += covers(found.a_per_s, a)
            hits[f"{name} k"] += covers(found.k_per_price, k)
        mids, _ = sampled_mids(tops, clock, 1.0, truth.tick)
        sigma = sigma_calibration(mids, 1.0, clock.total_s / 50, 400, repeat)
        hits["sigma"] += covers(sigma.price_per_sqrt_s, truth.sigma)
    assert min(hits.values()) >= 0.9 * REPEATS, hits


def clustered_times(a, duration_s, rng):
    """Bursts of ten orders within a second: the same mean rate, far from independent."""
    bursts = rng.uniform(0, duration_s, rng.poisson(a * duration_s / 10))
    return np.sort((bursts[:, None] + rng.uniform(0, 1, (len(bursts), 10))).ravel() % duration_s)


def test_clusters_widen_the_blocks_interval_where_fisher_errors_are_blind() -> None:
    truth, blocks_cover, fisher_covers = SMALL_TICK, 0, 0
    a, k = truth.ask
    touch = a * np.exp(-k * truth.half_spread_ticks * truth.tick)
    for repeat in range(60):
        rng = np.random.default_rng([9, repeat])
        tops = tops_of(truth, rng)
        clock = clock_of(tops)
        orders = orders_of(truth, 1, tops, rng, clustered_times(touch, truth.duration_s, rng))
        settings = CalibrateSettings(bootstrap_draws=300, seed=repeat)
        found = side_calibration(orders, 1, tops, clock, truth.tick, settings, clock.total_s / 50)
        blocks_cover += covers(found.a_per_s, a)
        fisher_covers += abs(np.log(found.a_per_s.value / a)) < 1.96 * found.se_ln_a
    assert blocks_cover >= 52
    assert fisher_covers <= 45


def test_the_pessimistic_rule_takes_the_queue_for_granted() -> None:
    rng = np.random.default_rng(0)
    tops = tops_of(SMALL_TICK, rng)
    clock, orders = clock_of(tops), orders_of(SMALL_TICK, 1, tops, rng)
    touch, through = (
        side_calibration(orders, 1, tops, clock, 0.01, CalibrateSettings(fill_rule=rule), 72.0)
        for rule in ("touch", "through")
    )
    k = SMALL_TICK.ask[1]
    assert through.a_per_s.value / touch.a_per_s.value == pytest.approx(np.exp(-k * 0.01), rel=0.05)
    assert through.k_per_price.value == pytest.approx(touch.k_per_price.value, rel=0.05)


def test_a_range_of_depths_is_what_is_fitted() -> None:
    rng = np.random.default_rng(1)
    tops = tops_of(SMALL_TICK, rng)
    clock, orders = clock_of(tops), orders_of(SMALL_TICK, -1, tops, rng)
    settings = CalibrateSettings(depth_from_price=0.06, depth_to_price=0.15)
    found = side_calibration(orders, -1, tops, clock, 0.01, settings, 72.0)
    assert (found.depth_first_price, found.depth_last_price) == (pytest.approx(0.06), pytest.approx(0.15))
    assert covers(found.k_per_price, SMALL_TICK.bid[1])


def test_resting_orders_see_nearly_what_pegged_ones_see_where_the_mid_hardly_moves() -> None:
    truth = replace(SMALL_TICK, sigma=0.002)
    rng = np.random.default_rng(2)
    tops = tops_of(truth, rng)
    clock = clock_of(tops)
    found = side_calibration(orders_of(truth, 1, tops, rng), 1, tops, clock, 0.01, CalibrateSettings(), 72.0)
    assert found.resting.decay == pytest.approx(truth.ask[1], rel=0.1)
    assert found.resting.a_per_s == pytest.approx(truth.ask[0], rel=0.15)


def test_a_mid_that_never_moves_has_no_volatility() -> None:
    with pytest.raises(DataError, match="too few"):
        sigma_calibration(np.full(500, 10.0), 1.0, 10.0, 100, 0)
    with pytest.raises(DataError, match="too few"):
        sigma_calibration(np.array([1.0, 2.0, np.nan]), 1.0, 10.0, 100, 0)


def test_noise_is_taken_out_of_sigma() -> None:
    rng = np.random.default_rng(3)
    path = 100 + np.cumsum(rng.normal(0, 0.02, 20_000))
    noisy = path + rng.normal(0, 0.05, 20_000)
    found = sigma_calibration(noisy, 1.0, 400.0, 300, 0)
    assert found.estimates["realised"] > 0.06
    assert found.price_per_sqrt_s.low < 0.02 < found.price_per_sqrt_s.high
