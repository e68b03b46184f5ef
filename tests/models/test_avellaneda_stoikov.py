"""Avellaneda-Stoikov against hand-checked and high-precision values."""

import math

import pytest
from pydantic import ValidationError

from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.models.avellaneda_stoikov import (
    AvellanedaStoikov,
    AvellanedaStoikovParameters,
    half_spread,
    reservation_price,
)
from mm_nautilus.models.fills import risk_premium


def quote_at(elapsed_s: float, inventory: float = 5.0, **changes: float) -> tuple[float, float]:
    """Return bid and ask of the model in the world of the paper, with a session of one second."""
    parameters = AvellanedaStoikovParameters(**{"gamma": 0.1, "horizon_s": 1.0} | changes)
    intensity = Intensity(140.0, 1.5)
    state = MarketState(0, TopOfBook(99.5, 100.5, 1.0, 1.0), 100.0, 2.0, intensity, intensity)
    quote = AvellanedaStoikov(parameters, 1.0, 1000.0).quote(state, inventory, elapsed_s)
    assert quote.bid is not None
    assert quote.ask is not None
    return quote.bid, quote.ask


def test_hand_check() -> None:
    assert reservation_price(100.0, 5.0, 0.1, 4.0) == pytest.approx(98.0, rel=1e-15)
    assert 2 * half_spread(0.1, 4.0, 1.5, 1.0) == pytest.approx(0.4 + 20 * math.log(16 / 15), rel=1e-14)
    assert quote_at(0.0) == pytest.approx((97.1546147886, 98.8453852114), rel=1e-11)


@pytest.mark.parametrize("gamma_size", [0.0, 1e-300, 1e-12, 1e-9, 2e-9, 1e-7])
def test_risk_premium_is_smooth_where_it_switches_to_its_series(gamma_size: float) -> None:
    exact = (1 - gamma_size / 3.0 + 4 * gamma_size**2 / 27) / 1.5  # ln(1 + x)/x to third order in x/k
    assert risk_premium(gamma_size, 1.5) == pytest.approx(exact, rel=1e-12)


def test_time_left_runs_down_and_starts_again() -> None:
    fresh, spent, renewed = quote_at(0.0), quote_at(0.999999999), quote_at(1.0)
    assert renewed == pytest.approx(fresh, rel=1e-12)
    assert sum(spent) / 2 == pytest.approx(100.0, abs=1e-7), "no skew when no time is left"
    assert spent[1] - spent[0] == pytest.approx(20 * math.log(16 / 15), rel=1e-6)


def test_target_inventory_is_where_the_quotes_are_symmetric() -> None:
    bid, ask = quote_at(0.0, inventory=5.0, target_inventory=5.0)
    assert (bid + ask) / 2 == pytest.approx(100.0, rel=1e-15)


def test_fee_moves_both_sides_out() -> None:
    bid, ask = quote_at(0.0)
    assert quote_at(0.0, maker_fee_rate=0.001) == pytest.approx((bid - 0.1, ask + 0.1), rel=1e-14)


@pytest.mark.parametrize(
    "wrong", [{"gamma": 0.0}, {"gamma": -1.0}, {"horizon_s": 0.0}, {"gamma": math.nan}, {"k": 1.0}]
)
def test_refuses_parameters_without_meaning(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        AvellanedaStoikovParameters(**{"gamma": 0.1, "horizon_s": 1.0} | wrong)
