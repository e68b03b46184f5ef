"""What an operator may change while quoting, and to what."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mm_nautilus.errors import ParameterError
from mm_nautilus.quoting.retune import CHANGEABLE, retuned, value_of
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model

TABLE = {
    "instrument_id": "X.SIM",
    "model": "glft",
    "gamma": 0.5,
    "order_size": "1",
    "intensity": {"a_per_s": 1.0, "k_per_price": 50.0},
    "limits": {"max_position": "10", "max_notional": "5000"},
    "guards": {"max_half_spread_bps": 50.0},
}


@pytest.fixture
def settings() -> QuotingSettings:
    return settings_with_model(QuotingSettings, "glft").model_validate(TABLE)


def test_a_change_leaves_the_rest_as_it_was(settings: QuotingSettings) -> None:
    changed = retuned(settings, settings, "guards.min_half_spread_bps", "5")
    assert changed.guards.min_half_spread_bps == 5.0
    assert changed.model_copy(update={"guards": settings.guards}) == settings
    assert type(changed) is type(settings)


def test_exact_values_stay_exact(settings: QuotingSettings) -> None:
    assert retuned(settings, settings, "order_size", "0.1").order_size == Decimal("0.1")


@pytest.mark.parametrize("name", ["limits.max_position", "limits.max_notional"])
def test_a_limit_goes_down_and_back_but_never_above_the_run_file(settings: QuotingSettings, name: str) -> None:
    lower = retuned(settings, settings, name, "4")
    assert value_of(lower, name) == 4
    assert value_of(retuned(lower, settings, name, str(value_of(settings, name))), name) == value_of(settings, name)
    for more in ("10000", "none"):
        with pytest.raises(ParameterError):
            retuned(lower, settings, name, more)


def test_a_limit_that_the_run_file_does_not_have_may_be_added(settings: QuotingSettings) -> None:
    assert retuned(settings, settings, "limits.max_order_notional", "500").limits.max_order_notional == 500


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("limits.check_position", "false", "parameter must be one of gamma"),
        ("instrument_id", "Y.SIM", "parameter must be one of"),
        ("gama", "1", "parameter must be one of"),
        ("gamma", "-1", "greater than 0"),
        ("gamma", "nan", "finite"),
        ("gamma", "true", "valid number"),
        ("gamma", "none", "valid number"),
        ("order_size", "11", "max_position"),
        ("limits.max_position", "0.5", "max_position"),
        ("guards.min_half_spread_bps", "60", "max_half_spread_bps"),
    ],
)
def test_what_the_run_file_would_refuse_is_refused(settings: QuotingSettings, name: str, text: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        retuned(settings, settings, name, text)


def test_a_model_without_a_parameter_does_not_offer_it(settings: QuotingSettings) -> None:
    plain = {name: value for name, value in TABLE.items() if name != "gamma"} | {"half_spread": 0.1}
    other = settings_with_model(QuotingSettings, "symmetric").model_validate(plain | {"model": "symmetric"})
    with pytest.raises(ParameterError, match="parameter must be one of order_size"):
        value_of(other, "gamma")


def test_every_name_is_one_of_the_settings(settings: QuotingSettings) -> None:
    for name in CHANGEABLE:
        value_of(settings, name)
