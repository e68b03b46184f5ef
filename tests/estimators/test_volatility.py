"""EWMA volatility at fixed sampling."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.estimators.volatility import EwmaVolatility, VolatilitySettings, ewma_decay, ewma_variance


def estimator(**settings: float) -> EwmaVolatility:
    return EwmaVolatility(VolatilitySettings.model_validate({"warm_up_samples": 1} | settings))


@pytest.mark.real_data
def test_reference_vectors(shared_data: Path) -> None:
    vectors = json.loads((shared_data.parent / "vectors.json").read_text())["vectors"]["volatility_close"]
    for vector in vectors:
        given_, expected = vector["inputs"], vector["expected"]
        found = estimator(half_life_s=given_["half_life"], sample_interval_s=given_["dt"])
        for price in given_["prices"]:
            found.sample(price)
        assert found.value == pytest.approx(expected["ewma_sigma_per_sqrt_s"], rel=1e-7), vector["id"]


def test_three_samples_by_hand() -> None:
    found = estimator(half_life_s=2.0, sample_interval_s=2.0)
    for price in (100.0, 100.2, 100.1):
        found.sample(price)
    # seed 0.2^2/2 = 0.02; then half of it and half of 0.1^2/2
    assert found.value == pytest.approx(math.sqrt(0.5 * 0.02 + 0.5 * 0.005), rel=1e-12)


def test_decay_halves_over_a_half_life() -> None:
    assert ewma_decay(1.0, 10.0) ** 10 == pytest.approx(0.5, rel=1e-14)
    assert ewma_variance(4.0, 0.0, 1.0, 0.5) == 2.0


@given(
    changes=st.lists(st.floats(-5, 5), min_size=2, max_size=50),
    interval_s=st.floats(0.1, 60.0),
    scale=st.floats(0.01, 100.0),
)
def test_price_units_carry_over(changes: list[float], interval_s: float, scale: float) -> None:
    one, other = (estimator(sample_interval_s=interval_s) for _ in range(2))
    price = 1000.0
    for change in changes:
        price += change
        one.sample(price)
        other.sample(price * scale)
    assert one.value is not None
    assert other.value == pytest.approx(one.value * scale, rel=1e-6, abs=1e-9 * scale)


def test_waits_until_it_is_warm() -> None:
    found = estimator(warm_up_samples=3)
    values = []
    for price in (1.0, 2.0, 3.0, 4.0, 5.0):
        found.sample(price)
        values.append(found.value)
    assert values == [None, None, None, 1.0, 1.0]


def test_a_gap_is_not_read_as_a_move() -> None:
    found = estimator()
    for price in (100.0, 101.0, None, 500.0, 501.0):
        found.sample(price)
    assert found.value == pytest.approx(1.0, rel=1e-12)


def test_floor_and_fixed_value() -> None:
    flat = estimator(floor_price_per_sqrt_s=0.3)
    for _ in range(5):
        flat.sample(100.0)
    assert flat.value == 0.3
    assert estimator(fixed_price_per_sqrt_s=0.7).value == 0.7


def test_a_restart_keeps_the_estimate_and_forgets_the_price() -> None:
    before = estimator()
    for price in (100.0, 101.0, 100.0):
        before.sample(price)
    after = estimator()
    after.load(json.loads(json.dumps(before.save())))
    assert after.value == before.value
    after.sample(250.0)  # the market has moved while nobody looked
    assert after.value == before.value
    after.sample(251.0)
    assert after.value == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(
    "wrong", [{"half_life_s": 0}, {"sample_interval_s": -1}, {"warm_up_samples": 0}, {"half_life_s": math.inf}]
)
def test_refuses_settings_without_meaning(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        VolatilitySettings.model_validate(wrong)
