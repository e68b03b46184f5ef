"""The closed form of Guéant, Lehalle and Fernandez-Tapia against printed and high-precision values."""

import math
from typing import Any

import pytest

from mm_nautilus.market import Intensity, MarketState, Quote, TopOfBook
from mm_nautilus.models.fills import fill_discount, risk_premium
from mm_nautilus.models.glft import Glft, GlftParameters

BOUND = 1000.0

# gamma, sigma, A, k; then bid distance by inventory (GLFT 2013, figures; asymptotic quotes with xi = gamma)
FIGURES = [
    (0.01, 0.3, 0.9, 0.3, {-10: 2.634257, -5: 2.973586, 0: 3.312915, 5: 3.652244, 10: 3.991574, 20: 4.670232}),
    (0.01, 0.4, 0.9, 0.3, {-10: 2.419348, -5: 2.871787, 0: 3.324226, 5: 3.776665, 10: 4.229104, 20: 5.133982}),
    (0.01, 1.0, 0.2, 0.3, {-10: -1.279915, -5: 1.119505, 0: 3.518924, 5: 5.918344, 10: 8.317763, 20: 13.116602}),
    (0.01, 0.6, 0.9, 0.9, {-10: 0.364583, -5: 0.754268, 0: 1.143952, 5: 1.533636, 10: 1.923321, 20: 2.702689}),
    (0.1, 2.0, 140.0, 1.5, {-10: 0.154072, -5: 0.412658, 0: 0.671244, 5: 0.929830, 10: 1.188416, 20: 1.705588}),
]


def quote(
    gamma: float, sigma: float, a: float, k: float, inventory: float, order_size: float = 1.0, **parameters: Any
) -> Quote:
    """Return the model's quote around 100 with equal sides."""
    intensity = Intensity(a, k)
    state = MarketState(0, TopOfBook(99.0, 101.0, 1.0, 1.0), 100.0, sigma, intensity, intensity)
    return Glft(GlftParameters(gamma=gamma, **parameters), order_size, BOUND).quote(state, inventory, 0.0)


@pytest.mark.parametrize(("gamma", "sigma", "a", "k", "distances"), FIGURES)
def test_figures_of_the_paper(gamma: float, sigma: float, a: float, k: float, distances: dict[int, float]) -> None:
    for inventory, distance in distances.items():
        found = quote(gamma, sigma, a, k, inventory)
        assert found.bid is not None
        assert found.ask is not None
        assert 100.0 - found.bid == pytest.approx(distance, abs=6e-7)
        mirrored = quote(gamma, sigma, a, k, -inventory)
        assert mirrored.ask is not None
        assert mirrored.ask - 100.0 == pytest.approx(distance, abs=6e-7)


def test_published_calibration_example() -> None:
    # hftbacktest's GLFT notebook: prices in ticks, xi = gamma, Delta = 1
    k = 0.04235741115084049
    flat, long = (quote(0.05, 10.69, 2.986162360812285, k, inventory) for inventory in (0.0, 1.0))
    assert risk_premium(0.05, k) == pytest.approx(15.590451013297573, rel=1e-13)
    assert flat.bid_half_spread == pytest.approx(20.47208533844371, rel=1e-13)
    assert flat.reservation_price - long.reservation_price == pytest.approx(9.76326865029227, rel=1e-12)


def test_skew_as_the_paper_prints_it() -> None:
    gamma, sigma, a, k = 0.01, 0.3, 0.9, 0.3
    printed = math.sqrt(sigma**2 * gamma / (2 * k * a) * (1 + gamma / k) ** (1 + k / gamma))
    flat, long = quote(gamma, sigma, a, k, 0.0), quote(gamma, sigma, a, k, 1.0)
    assert flat.reservation_price - long.reservation_price == pytest.approx(printed, rel=1e-12)


def test_fee_moves_quotes_out_and_steepens_the_skew() -> None:
    gamma, sigma, a, k, rate = 0.05, 0.3, 0.9, 0.3, 0.002
    free, charged = (quote(gamma, sigma, a, k, 1.0, maker_fee_rate=r) for r in (0.0, rate))
    fee = rate * 100.0
    skews = [100.0 - q.reservation_price for q in (free, charged)]
    assert skews[1] / skews[0] == pytest.approx(math.exp(k * fee / 2), rel=1e-12)
    assert free.bid_half_spread is not None
    assert charged.bid_half_spread == pytest.approx(free.bid_half_spread + fee + (skews[1] - skews[0]) / 2, rel=1e-12)


def test_drift_centres_the_quotes_at_the_merton_position() -> None:
    gamma, sigma, drift = 0.05, 0.3, 0.002
    centred = quote(gamma, sigma, 0.9, 0.3, drift / (gamma * sigma**2), drift_price_per_s=drift)
    assert centred.reservation_price == pytest.approx(100.0, rel=1e-12)


def test_without_fill_risk_the_premium_is_one_over_k() -> None:
    found = quote(0.05, 1e-9, 0.9, 0.4, 0.0, fill_risk="none")
    assert found.bid_half_spread == pytest.approx(1 / 0.4, rel=1e-8)


def test_no_volatility_no_skew() -> None:
    assert quote(0.05, 0.0, 0.9, 0.4, 7.0).reservation_price == 100.0


def test_fill_discount_is_smooth_where_it_switches_to_its_series() -> None:
    assert fill_discount(0.0, 0.3) == pytest.approx(math.exp(-1), rel=1e-15)
    below, above = fill_discount(0.3 * 0.999e-8, 0.3), fill_discount(0.3 * 1.001e-8, 0.3)
    assert below == pytest.approx(above, rel=1e-10)
    assert fill_discount(0.6, 0.3) == pytest.approx(3.0**-1.5, rel=1e-14)


def test_quotes_pull_toward_the_side_that_is_hit_more() -> None:
    """Asks hit twice as often as bids: the maker wants to be bought from less, so the centre rises."""
    state = MarketState(0, TopOfBook(99.0, 101.0, 1.0, 1.0), 100.0, 0.3, Intensity(0.5, 0.3), Intensity(1.0, 0.3))
    found = Glft(GlftParameters(gamma=0.01), 1.0, BOUND).quote(state, 0.0, 0.0)
    assert found.reservation_price > 100.0
