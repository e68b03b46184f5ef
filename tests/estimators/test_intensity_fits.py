"""Censored likelihood and trade depths: right on data whose truth is known, honest where there is no answer."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.intensity_blocks import block_weights, censored_draws, lattice_draws, log_interval
from mm_nautilus.estimators.intensity_censored import exponential_censored, power_law_censored
from mm_nautilus.estimators.intensity_depths import (
    intensity_from_trade_depths,
    lattice_fit,
    power_law_lattice_fit,
)

DEPTHS = np.repeat([0.2, 0.5, 1.0, 1.5, 2.0, 3.0], 200)


def resting(a, k, window, rng, depths=DEPTHS):
    """Orders that rest for a window at most: exposures and hits."""
    waits = rng.exponential(1.0 / (a * np.exp(-k * depths)))
    return np.minimum(waits, window), (waits <= window).astype(float)


def loglik(a, k, depth, exposure, events):
    return float((events * (math.log(a) - k * depth)).sum() - a * (exposure * np.exp(-k * depth)).sum())


def test_censored_fits_scatter_around_the_truth_as_their_standard_errors_say() -> None:
    scores = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        a, k = rng.uniform(0.5, 5.0), rng.uniform(0.3, 2.0)
        fit = exponential_censored(DEPTHS, *resting(a, k, 1.0, rng))
        scores.append(((math.log(fit.a_per_s) - math.log(a)) / fit.se_ln_a, (fit.decay - k) / fit.se_decay))
    z = np.array(scores)
    assert np.abs(z).max() < 4
    assert np.all(np.abs(z.mean(axis=0)) < 0.25)
    assert np.all(np.abs(z.std(axis=0) - 1.0) < 0.2)


def test_leaving_out_orders_that_were_not_hit_would_be_wrong() -> None:
    rng = np.random.default_rng(5)
    depth = np.repeat(DEPTHS, 20)
    exposure, events = resting(3.0, 1.1, 1.0, rng, depth)
    fit = exponential_censored(depth, exposure, events)
    hit = events > 0
    naive = exponential_censored(depth[hit], exposure[hit], events[hit])
    assert abs(fit.decay - 1.1) < 4 * fit.se_decay
    assert naive.decay < 0.4


@given(
    st.lists(st.tuples(st.floats(0.01, 10), st.floats(0.1, 100), st.integers(0, 50)), min_size=3, max_size=12),
    st.floats(-0.3, 0.3),
    st.floats(-0.3, 0.3),
)
@settings(deadline=None)
def test_no_neighbour_is_likelier(rows, shift_a, shift_k) -> None:
    depth, exposure, events = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    fit = exponential_censored(depth, exposure, events)
    if math.isnan(fit.decay):
        return
    best = loglik(fit.a_per_s, fit.decay, depth, exposure, events)
    assert best == pytest.approx(fit.loglik, rel=1e-9, abs=1e-9)
    other = loglik(fit.a_per_s * math.exp(shift_a), fit.decay + shift_k, depth, exposure, events)
    assert other <= best + 1e-7 * max(abs(best), 1.0)


def test_aggregated_rows_and_single_orders_give_the_same() -> None:
    rng = np.random.default_rng(2)
    exposure, events = resting(2.0, 0.8, 1.0, rng)
    levels = np.unique(DEPTHS)
    added = [[values[level == DEPTHS].sum() for level in levels] for values in (exposure, events)]
    one, many = exponential_censored(levels, *added), exponential_censored(DEPTHS, exposure, events)
    for name in ("a_per_s", "decay", "se_ln_a", "se_decay", "loglik", "correlation"):
        assert getattr(one, name) == pytest.approx(getattr(many, name), rel=1e-10)


@pytest.mark.parametrize(
    ("depth", "exposure", "events"),
    [
        ([], [], []),
        ([1.0, 2.0], [10.0, 10.0], [0, 0]),
        ([1.0, 1.0], [10.0, 12.0], [3, 4]),
        ([1.0, 2.0], [10.0, 10.0], [5, 0]),
        ([1.0, 2.0], [10.0, 10.0], [0, 5]),
        ([1.0], [10.0], [4]),
    ],
)
def test_what_the_data_do_not_identify_is_nan_and_not_a_number_made_up(depth, exposure, events) -> None:
    for fit in (exponential_censored(depth, exposure, events), power_law_censored(depth, exposure, events, 0.5)):
        assert math.isnan(fit.decay)
        assert math.isnan(fit.a_per_s)
        assert fit.events == sum(events)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (([1.0, 2.0], [1.0], [1, 1]), "exposure"),
        (([1.0, math.nan], [1.0, 1.0], [1, 1]), "depth"),
        (([1.0, 2.0], [-1.0, 1.0], [1, 1]), "exposure"),
        (([1.0, 2.0], [1.0, 1.0], [1, -1]), "events"),
    ],
)
def test_bad_input_names_the_field(arguments, field) -> None:
    with pytest.raises(ParameterError, match=field) as caught:
        exponential_censored(*arguments)
    assert caught.value.field == field


def test_a_power_law_is_found_and_preferred_where_it_is_the_truth() -> None:
    rng = np.random.default_rng(3)
    depth = np.repeat(np.geomspace(0.05, 8.0, 12), 3000)
    waits = rng.exponential(1.0 / (2.0 * (1.0 + depth / 0.5) ** -2.0))
    exposure, events = np.minimum(waits, 1.0), waits <= 1.0
    fixed, profiled = (power_law_censored(depth, exposure, events, d0) for d0 in (0.5, None))
    assert abs(fixed.decay - 2.0) < 4 * fixed.se_decay
    assert profiled.d0 == pytest.approx(0.5, rel=0.3)
    assert profiled.loglik >= fixed.loglik - 1e-6
    assert profiled.aic < exponential_censored(depth, exposure, events).aic


@pytest.mark.parametrize("d0", [0.0, -1.0, math.nan, math.inf])
def test_an_offset_that_is_none_is_refused(d0) -> None:
    with pytest.raises(ParameterError, match="d0"):
        power_law_censored([1.0, 2.0], [1.0, 1.0], [1, 1], d0)


def test_a_coarse_tick_needs_the_lattice_form() -> None:
    rng = np.random.default_rng(4)
    depths = 0.5 + np.floor(rng.exponential(1 / 2.0, 24_000))
    lattice = intensity_from_trade_depths(depths, 100.0, 0.5, tick=1.0)
    continuous = intensity_from_trade_depths(depths, 100.0, 0.5)
    assert abs(lattice.decay - 2.0) < 4 * lattice.se_decay
    assert continuous.decay > 6.0
    assert lattice.a_per_s == pytest.approx(240.0 * math.exp(lattice.decay * 0.5))


def test_a_fine_tick_makes_both_forms_agree() -> None:
    rng = np.random.default_rng(6)
    depths = 0.5 + np.floor(rng.exponential(1.0, 5_000) * 1e6) / 1e6
    fine, continuous = (intensity_from_trade_depths(depths, 10.0, 0.5, tick) for tick in (1e-6, None))
    assert fine.decay == pytest.approx(continuous.decay, rel=1e-5)
    assert fine.se_decay == pytest.approx(continuous.se_decay, rel=1e-5)


def test_counts_and_depths_are_the_same_data() -> None:
    counts = np.array([40, 25, 12, 6, 2])
    depths = np.repeat(0.5 + 0.5 * np.arange(5), counts)
    from_counts = lattice_fit(counts, 60.0, 0.5, 0.5, cut=False)
    from_depths = intensity_from_trade_depths(depths, 60.0, 0.5, tick=0.5)
    for name in ("a_per_s", "decay", "se_decay", "se_ln_a", "loglik"):
        assert getattr(from_counts, name) == pytest.approx(getattr(from_depths, name), rel=1e-12)


def test_a_cut_keeps_a_heavy_tail_from_deciding() -> None:
    rng = np.random.default_rng(8)
    near = np.floor(rng.exponential(1 / 0.5, 20_000)).astype(int)
    near[:200] = 400  # one order in a hundred sweeps the book
    whole = np.bincount(near)
    cut = np.concatenate([whole[:6], [whole[6:].sum()]])
    assert lattice_fit(whole, 1.0, 0.5, 1.0).decay < 0.2
    assert lattice_fit(cut, 1.0, 0.5, 1.0).decay == pytest.approx(0.5, rel=0.06)


@pytest.mark.parametrize(("tick", "depths"), [(None, [0.5] * 30), (0.5, [0.5] * 30), (0.5, [])])
def test_depths_without_a_tail_have_no_decay(tick, depths) -> None:
    assert math.isnan(intensity_from_trade_depths(depths, 10.0, 0.5, tick).decay)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (([1.0], 0.0, 0.5, None), "duration_s"),
        (([1.0], 1.0, 0.5, -0.1), "tick"),
        (([0.4], 1.0, 0.5, None), "depths"),
        (([math.nan], 1.0, 0.5, None), "depths"),
    ],
)
def test_bad_depths_name_the_field(arguments, field) -> None:
    with pytest.raises(ParameterError, match=field):
        intensity_from_trade_depths(*arguments)


def test_power_law_and_exponential_on_one_lattice_compare() -> None:
    steps = np.arange(40)
    exponential = np.random.default_rng(1).multinomial(20_000, np.exp(-0.2 * steps) * -np.expm1(-0.2))
    reach = (1 + (0.5 + np.arange(41)) / 2.0) ** -2.5
    heavy = np.random.default_rng(2).multinomial(20_000, [*(reach[:-1] - reach[1:]) / reach[0], reach[-1] / reach[0]])
    for counts, better in ((exponential, "exponential"), (heavy, "power law")):
        fits = {
            "exponential": lattice_fit(counts, 1.0, 0.5, 1.0).aic,
            "power law": power_law_lattice_fit(counts, 1.0, 0.5, 1.0).aic,
        }
        assert min(fits, key=fits.get) == better
    fit = power_law_lattice_fit(heavy, 1.0, 0.5, 1.0, d0=2.0)
    assert abs(fit.decay - 2.5) < 4 * fit.se_decay


def test_block_draws_reduce_to_the_fit_itself() -> None:
    counts = np.random.default_rng(0).integers(1, 50, (10, 6)).astype(float)
    once = np.ones((1, 10))
    a, k = lattice_draws(counts, np.full(10, 3.0), 0.5, 0.5, once)
    fit = lattice_fit(counts.sum(axis=0), 30.0, 0.5, 0.5)
    assert (a[0], k[0]) == (pytest.approx(fit.a_per_s), pytest.approx(fit.decay))
    x, exposure = np.array([0.5, 1.0, 2.0]), np.full((10, 3), 20.0)
    hits = np.random.default_rng(1).poisson(20.0 * np.exp(-x), (10, 3)).astype(float)
    a, k = censored_draws(x, exposure, hits, once)
    fit = exponential_censored(x, exposure.sum(axis=0), hits.sum(axis=0))
    assert (a[0], k[0]) == (pytest.approx(fit.a_per_s), pytest.approx(fit.decay))


def test_too_few_blocks_give_no_interval() -> None:
    drawn = np.full(100, 2.0)
    assert log_interval(drawn, 7).around(2.0) == (0.0, math.inf)
    assert log_interval(drawn, 8).around(2.0) == (2.0, 2.0)
    assert log_interval(drawn, 8, at_least=0.1).around(2.0)[0] < 1.7


def test_weights_are_reproducible_and_whole() -> None:
    weights = block_weights(20, 50, 3)
    assert np.array_equal(weights, block_weights(20, 50, 3))
    assert np.all(weights.sum(axis=1) == 20)
