"""How a run file chooses its volatility, and the default, in both forms."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import spliced
from mm_nautilus.estimators.noise_robust import realised_kernel, two_scale_variance
from mm_nautilus.estimators.realised import bipower_variation, realised_variance
from mm_nautilus.estimators.units import sigma_per_sqrt_s
from mm_nautilus.estimators.volatility import (
    EwmaVolatility,
    VolatilitySettings,
    ewma_variances,
    volatility_estimator,
)

WHOLE = {
    "realised": realised_variance,
    "bipower": bipower_variation,
    "two_scale": lambda prices: two_scale_variance(prices, 4),
    "realised_kernel": lambda prices: realised_kernel(prices, 3),
}
OWN = {"two_scale": {"step_samples": 4}, "realised_kernel": {"bandwidth_samples": 3}}
SAMPLES = st.lists(st.one_of(st.none(), st.floats(90.0, 110.0)), max_size=60)


def rolling(name: str, **settings: object) -> VolatilitySettings:
    return VolatilitySettings.model_validate(
        {"estimator": name, "window_samples": 60, "sample_interval_s": 0.5} | OWN.get(name, {}) | settings
    )


def test_without_a_choice_it_is_the_exponentially_weighted_one() -> None:
    assert isinstance(volatility_estimator(VolatilitySettings()), EwmaVolatility)
    assert VolatilitySettings().model_dump() == {
        "estimator": "ewma",
        "half_life_s": 60.0,
        "window_samples": 300,
        "step_samples": None,
        "bandwidth_samples": None,
        "sample_interval_s": 1.0,
        "warm_up_samples": 30,
        "floor_price_per_sqrt_s": 0.0,
        "fixed_price_per_sqrt_s": None,
    }


@settings(deadline=None)
@given(samples=SAMPLES, interval_s=st.sampled_from([0.5, 1.0]), half_life_s=st.sampled_from([0.5, 7.0, 300.0]))
def test_the_weighted_one_sample_by_sample_is_that_of_the_column(samples, interval_s, half_life_s) -> None:
    online = EwmaVolatility(
        VolatilitySettings(half_life_s=half_life_s, sample_interval_s=interval_s, warm_up_samples=1)
    )
    for sample in samples:
        online.sample(sample)
    column = [math.nan if sample is None else sample for sample in samples]
    variances = ewma_variances(column, interval_s, half_life_s)
    assert len(variances) == max(len(spliced(column)) - 1, 0)
    expected = pytest.approx(math.sqrt(variances[-1]), rel=1e-9, abs=1e-9) if len(variances) else None
    assert online.value == expected


@pytest.mark.parametrize("name", WHOLE)
def test_a_window_is_read_per_second(name: str) -> None:
    online = volatility_estimator(rolling(name))
    prices = 100.0 + np.cumsum(np.random.default_rng(1).normal(0.0, 0.1, 200))
    for seen, price in enumerate(prices.tolist(), 1):
        online.sample(price)
        changes = min(seen - 1, 60)
        if changes < 30:
            assert online.value is None
        else:
            variance = WHOLE[name](prices[seen - changes - 1 : seen])
            assert online.value == pytest.approx(sigma_per_sqrt_s(variance, 0.5 * changes), rel=1e-9)


@pytest.mark.parametrize("name", ["ewma", *WHOLE])
def test_every_choice_finds_the_diffusion(name: str) -> None:
    settings = (
        VolatilitySettings(estimator=name)
        if name == "ewma"
        else VolatilitySettings(estimator=name, window_samples=3000)
    )
    online = volatility_estimator(settings)
    found = []
    for price in np.cumsum(np.random.default_rng(2).normal(0.0, 0.3, 6_000)).tolist():
        online.sample(price)
        found.append(online.value)
    assert np.mean(found[3_000:]) == pytest.approx(0.3, rel=0.06)


def test_under_noise_the_robust_ones_are_nearer_the_truth() -> None:
    rng = np.random.default_rng(3)
    prices = np.cumsum(rng.normal(0.0, 0.1, 4_000)) + rng.normal(0.0, 0.3, 4_000)
    found = {}
    for name in ("realised", "two_scale", "realised_kernel"):
        online = volatility_estimator(VolatilitySettings(estimator=name, window_samples=3_000))
        for price in prices.tolist():
            online.sample(price)
        found[name] = online.value
    assert found["realised"] == pytest.approx(math.sqrt(0.01 + 2 * 0.09), rel=0.05)
    assert found["two_scale"] == pytest.approx(0.1, rel=0.2)
    assert found["realised_kernel"] == pytest.approx(0.1, rel=0.3)


@pytest.mark.parametrize("name", ["ewma", *WHOLE])
def test_a_restart_keeps_the_estimate_and_drops_the_time_between(name: str) -> None:
    settings = VolatilitySettings(warm_up_samples=5) if name == "ewma" else rolling(name, warm_up_samples=5)
    before, after = volatility_estimator(settings), volatility_estimator(settings)
    for price in (100.0, 101.0, 100.5, 102.0, 101.0, 101.5, 101.0, 103.0):
        before.sample(price)
    after.load(json.loads(json.dumps(before.save())))
    assert after.value == pytest.approx(before.value)
    after.sample(500.0)
    assert after.value == pytest.approx(before.value)


@pytest.mark.parametrize(
    ("name", "other"),
    [("ewma", "realised"), ("realised", "ewma"), ("bipower", "two_scale")],
)
def test_a_restart_with_another_estimator_warms_up_anew(name: str, other: str) -> None:
    made = [volatility_estimator(VolatilitySettings(estimator=choice, warm_up_samples=2)) for choice in (name, other)]
    for price in (100.0, 101.0, 102.5, 101.0):
        made[0].sample(price)
    assert made[0].value is not None
    made[1].load(made[0].save())
    assert made[1].value is None


def test_a_restart_at_another_interval_warms_up_anew() -> None:
    old = volatility_estimator(rolling("realised", warm_up_samples=2))
    for price in (100.0, 101.0, 102.5, 101.0):
        old.sample(price)
    new = volatility_estimator(rolling("realised", warm_up_samples=2, sample_interval_s=5.0))
    new.load(old.save())
    assert new.value is None


def test_it_is_never_below_the_floor() -> None:
    online = volatility_estimator(rolling("bipower", floor_price_per_sqrt_s=0.25))
    for _ in range(50):
        online.sample(100.0)
    assert online.value == 0.25


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"estimator": "garch"}, "estimator"),
        ({"window_samples": 50}, "window_samples is for estimator realised or bipower"),
        ({"estimator": "bipower", "half_life_s": 5}, "half_life_s is for estimator ewma, found estimator 'bipower'"),
        ({"estimator": "bipower", "step_samples": 5}, "step_samples is for estimator two_scale"),
        ({"estimator": "two_scale", "bandwidth_samples": 5}, "bandwidth_samples is for estimator realised_kernel"),
        ({"estimator": "two_scale", "window_samples": 40, "step_samples": 50}, "step_samples"),
        ({"estimator": "realised_kernel", "window_samples": 40, "bandwidth_samples": 40}, "bandwidth_samples"),
        ({"estimator": "realised", "window_samples": 20}, r"warm_up_samples \(30\) is above window_samples \(20\)"),
        ({"estimator": "realised", "fixed_price_per_sqrt_s": 0.1}, "replaces the measurement"),
    ],
)
def test_what_would_be_ignored_is_refused(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        VolatilitySettings.model_validate(settings)


@pytest.mark.parametrize(
    ("interval_s", "half_life_s", "field"), [(0.0, 1.0, "interval_s"), (1.0, math.nan, "half_life_s")]
)
def test_durations_are_positive(interval_s: float, half_life_s: float, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        ewma_variances([1.0, 2.0], interval_s, half_life_s)
