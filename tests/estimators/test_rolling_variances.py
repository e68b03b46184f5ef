"""The rolling measures say what the vectorised ones say of the same window, through gaps, jumps, saves and loads."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import spliced
from mm_nautilus.estimators.noise_robust import (
    kernel_bandwidth,
    noise_variance,
    realised_kernel,
    tuning,
    two_scale_step,
    two_scale_variance,
)
from mm_nautilus.estimators.realised import (
    RollingBipower,
    RollingRealised,
    bipower_variation,
    realised_quarticity,
    realised_variance,
    subsampled_variance,
)
from mm_nautilus.estimators.roll_spread import RollingRoll, roll_autocovariance, roll_spread
from mm_nautilus.estimators.rolling_noise_robust import RollingKernel, RollingTwoScale

FORMS = {
    "realised": (RollingRealised, lambda window, prices: realised_variance(prices)),
    "bipower": (RollingBipower, lambda window, prices: bipower_variation(prices)),
    "roll": (RollingRoll, lambda window, prices: roll_spread(prices)),
    "two_scale": (lambda w: RollingTwoScale(w, 3), lambda window, prices: two_scale_variance(prices, 3)),
    "two_scale_tuned": (
        RollingTwoScale,
        lambda window, prices: window.step and two_scale_variance(prices, window.step),
    ),
    "kernel": (lambda w: RollingKernel(w, 2), lambda window, prices: realised_kernel(prices, 2)),
    "kernel_widest": (
        lambda w: RollingKernel(w, w - 1),
        lambda window, prices: realised_kernel(prices, window.window - 1),
    ),
    "kernel_tuned": (
        RollingKernel,
        lambda window, prices: None if window.bandwidth is None else realised_kernel(prices, window.bandwidth),
    ),
}
PRICES = st.lists(
    st.one_of(st.none(), st.floats(90.0, 110.0).map(lambda x: round(x, 3)), st.just(1000.0)), min_size=1, max_size=50
)


def agree(found: float | None, expected: float | None, scale: float) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=scale)


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)
@given(samples=PRICES, window=st.integers(4, 40))
def test_each_sample_leaves_what_the_window_says(form: str, samples: list[float | None], window: int) -> None:
    rolling, whole = FORMS[form]
    online = rolling(window)
    for seen, sample in enumerate(samples, 1):
        online.sample(sample)
        column = spliced([math.nan if price is None else price for price in samples[:seen]])[-window - 1 :]
        assert online.changes == max(len(column) - 1, 0)
        np.testing.assert_allclose(online.prices(), column, rtol=1e-12)
        # a spread is the root of a sum whose rounding is that of the squares in it
        scale = 1e-4 if form == "roll" else 1e-7
        assert agree(online.value, whole(online, online.prices()), scale)


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)
@given(samples=PRICES, rest=PRICES, window=st.integers(4, 40))
def test_a_restart_goes_on_where_it_was_without_the_time_between(
    form: str, samples: list[float | None], rest: list[float | None], window: int
) -> None:
    rolling, whole = FORMS[form]
    before = rolling(window)
    for sample in samples:
        before.sample(sample)
    after = rolling(window)
    after.load(json.loads(json.dumps(before.save())))
    for sample in rest:
        after.sample(sample)
    column = spliced([math.nan if price is None else price for price in [*samples, None, *rest]])[-window - 1 :]
    np.testing.assert_allclose(after.prices(), column, rtol=1e-12)
    assert agree(after.value, whole(after, after.prices()), 1e-4 if form == "roll" else 1e-7)


@pytest.mark.parametrize("form", FORMS)
def test_memory_is_two_windows_however_long_it_runs(form: str) -> None:
    online = FORMS[form][0](50)
    for price in np.cumsum(np.random.default_rng(0).normal(size=2_000)).tolist():
        online.sample(price)
        assert len(online._levels) == len(online._moves) <= 101


def test_rounding_does_not_outlive_a_window() -> None:
    online = RollingRealised(20)
    for price in [0.0, 1e9, 0.0, *(0.001 * (i % 2) for i in range(100))]:
        online.sample(price)
    assert online.value == pytest.approx(20 * 1e-6, rel=1e-12)


def test_a_gap_is_cut_out() -> None:
    assert spliced([math.nan, 1.0, 2.0, math.nan, math.nan, 7.0, 9.0]).tolist() == [1.0, 2.0, 4.0]
    assert spliced(pa.chunked_array([[1.0, 2.0], [None, 5.0, 4.0]])).tolist() == [1.0, 2.0, 1.0]
    assert spliced([]).tolist() == []
    assert spliced([math.nan]).tolist() == []


def test_a_jump_is_variance_to_one_and_hardly_to_the_other() -> None:
    rng = np.random.default_rng(7)
    path = np.cumsum(rng.normal(0.0, 0.1, 5_000))
    jumped = path + np.where(np.arange(5_000) >= 2_500, 20.0, 0.0)
    assert bipower_variation(path) == pytest.approx(50.0, rel=0.05)
    assert bipower_variation(jumped) == pytest.approx(50.0, rel=0.12)
    assert realised_variance(jumped) == pytest.approx(50.0 + 400.0, rel=0.05)


def test_roll_finds_the_spread_of_bouncing_trades() -> None:
    rng = np.random.default_rng(3)
    mids = 100.0 + np.cumsum(rng.normal(0.0, 0.01, 50_000))
    trades = mids + 0.05 * rng.choice((-1.0, 1.0), 50_000)
    assert roll_spread(trades) == pytest.approx(0.10, rel=0.02)
    assert roll_spread(np.arange(50.0) ** 2) == 0.0  # a trend has no bounce
    assert roll_autocovariance([1.0, 2.0, 3.0]) is None


def test_quarticity_of_a_constant_volatility_is_the_square_of_its_variance() -> None:
    path = np.cumsum(np.random.default_rng(5).normal(0.0, 0.2, 200_000))
    variance = realised_variance(path)
    assert variance is not None
    assert realised_quarticity(path) == pytest.approx(variance**2, rel=0.03)


def test_the_subsampled_variance_of_step_one_is_the_realised_one() -> None:
    prices = [1.0, 3.0, 2.0, 5.0]
    assert subsampled_variance(prices, 1) == realised_variance(prices) == 14.0
    assert subsampled_variance(prices, 3) == pytest.approx(16.0 / 3 * 3)
    assert subsampled_variance(prices, 4) is None


@pytest.mark.parametrize("measure", [realised_variance, noise_variance, bipower_variation, roll_spread, tuning])
def test_too_few_prices_have_no_answer(measure) -> None:
    assert measure([]) is None
    assert measure([100.0]) is None


def test_a_price_that_stands_still_has_no_variance() -> None:
    for rolling, _ in FORMS.values():
        online = rolling(10)
        for _ in range(40):
            online.sample(100.0)
        assert online.value == 0.0


def test_a_two_scale_variance_below_zero_gives_way_to_its_bound() -> None:
    online = RollingTwoScale(12, 2)
    for i in range(13):
        online.sample(100.0 + (i % 2))  # nothing but bounce: the sparse sum is 0
    assert online.value is not None
    assert online.value < 0.0
    assert online.positive == 0.0
    online.sample(103.0)
    assert online.value < 0.0
    assert online.positive == subsampled_variance(online.prices(), 2) > 0.0


def test_the_tuning_finds_the_published_bandwidth() -> None:
    rng = np.random.default_rng(11)
    n, noise = 23_400, 2e-4
    path = np.cumsum(rng.normal(0.0, 0.01 / math.sqrt(n), n + 1)) + rng.normal(0.0, noise, n + 1)
    assert kernel_bandwidth(noise**2, 1e-8, n) == pytest.approx(64.2, abs=0.1)
    assert two_scale_step(noise**2, 1e-8, n) == pytest.approx(math.cbrt(12 * 1.6e-15 / 1e-8) * n ** (2 / 3))
    step, bandwidth = tuning(path)
    assert 50 <= bandwidth <= 75
    assert 7 <= step <= 12
    assert tuning(np.ones(20)) == (2, 1)
    assert tuning(np.arange(21) % 2 * 1.0) == (10, 10)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: realised_variance([1.0, math.inf]), "prices"),
        (lambda: realised_variance([[1.0, 2.0]]), "prices"),
        (lambda: realised_variance(["a"]), "prices"),
        (lambda: two_scale_variance([1.0, 2.0], 0), "step"),
        (lambda: realised_kernel([1.0, 2.0], -1), "bandwidth"),
        (lambda: kernel_bandwidth(-1.0, 1.0, 10), "noise"),
        (lambda: two_scale_step(1.0, 0.0, 10), "quarticity"),
        (lambda: RollingRealised(1), "window"),
        (lambda: RollingTwoScale(10, 1), "step"),
        (lambda: RollingKernel(10, 10), "bandwidth"),
    ],
)
def test_bad_input_is_named(call, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        call()
