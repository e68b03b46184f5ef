"""Intensities as the run file states them."""

import pytest
from pydantic import ValidationError

from mm_nautilus.estimators.intensity import IntensitySettings
from mm_nautilus.market import Intensity


def test_one_value_for_both_sides() -> None:
    both = Intensity(1.5, 0.3)
    assert IntensitySettings(a_per_s=1.5, k_per_price=0.3).sides() == (both, both)


def test_the_ask_may_differ() -> None:
    settings = IntensitySettings.model_validate(
        {"a_per_s": 1, "k_per_price": 2, "ask": {"a_per_s": 3, "k_per_price": 4}}
    )
    assert settings.sides() == (Intensity(1.0, 2.0), Intensity(3.0, 4.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"a_per_s": 0, "k_per_price": 1},
        {"a_per_s": 1, "k_per_price": -1},
        {"a_per_s": 1},
        {"a_per_s": 1, "k_per_price": 1, "ask": {"a_per_s": 1}},
        {"a_per_s": 1, "k_per_price": 1, "bid": {}},
    ],
)
def test_refuses_what_has_no_meaning(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        IntensitySettings.model_validate(wrong)
