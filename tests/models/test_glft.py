"""The closed form of Guéant, Lehalle and Fernandez-Tapia against printed and high-precision values."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from mm_nautilus.market import Intensity, MarketState, Quote, TopOfBook
from mm_nautilus.models.avellaneda_stoikov import risk_premium
from mm_nautilus.models.glft import Glft, GlftParameters, curvature, fill_discount, quadratic_value

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
    return Glft(GlftParameters(gamma=gamma, **parameters), order_size).quote(state, inventory, 0.0)


def closed_form(given: dict[str, float]) -> dict[str, float]:
    """Compose the public kernels into the quantities of the reference vectors; a cost is fee plus half the impact."""
    k, size = given["k"], given["order_size"]
    xi_size, cost = given["xi"] * size, given["fee_per_unit"] + given["impact"] / 2
    h = curvature(given["A"], k, xi_size, cost)
    a, b = quadratic_value(given["gamma"], given["sigma"], size, h, h, k, k, given["mu"])
    c1 = risk_premium(xi_size, k)
    half, centre = c1 + cost + a * size, given["mid"] - 2 * a * given["q"] - b
    return {
        "c1": c1,
        "skew_per_unit": 2 * a,
        "half_spread": half,
        "q_target": -b / (2 * a),
        "delta_bid": given["mid"] - (centre - half),
        "delta_ask": centre + half - given["mid"],
    }


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
    found = closed_form(
        {"gamma": 0.05, "xi": 0.05, "sigma": 10.69, "A": 2.986162360812285, "k": k, "order_size": 1.0, "mid": 0.0}
        | {"q": 0.0, "mu": 0.0, "fee_per_unit": 0.0, "impact": 0.0}
    )
    assert found["c1"] == pytest.approx(15.590451013297573, rel=1e-13)
    assert found["half_spread"] == pytest.approx(20.47208533844371, rel=1e-13)
    assert found["skew_per_unit"] == pytest.approx(9.76326865029227, rel=1e-13)
    assert found["skew_per_unit"] / 10.69 == pytest.approx(0.9133085734604556, rel=1e-13)


def test_skew_as_the_paper_prints_it() -> None:
    gamma, sigma, a, k = 0.01, 0.3, 0.9, 0.3
    printed = math.sqrt(sigma**2 * gamma / (2 * k * a) * (1 + gamma / k) ** (1 + k / gamma))
    flat, long = quote(gamma, sigma, a, k, 0.0), quote(gamma, sigma, a, k, 1.0)
    assert flat.reservation_price - long.reservation_price == pytest.approx(printed, rel=1e-12)


@pytest.mark.real_data
def test_reference_vectors(shared_data: Path) -> None:
    vectors = json.loads((shared_data.parent / "vectors.json").read_text())["vectors"]["glft_closed_form"]
    for vector in vectors:
        found = closed_form(vector["inputs"])
        for name, value in found.items():
            # a distance through a mid of 100 keeps 1e-14 of the mid, not of itself
            absolute = 1e-12 if name != "skew_per_unit" else 0.0
            assert value == pytest.approx(vector["expected"][name], rel=1e-10, abs=absolute), (vector["id"], name)
    kinds = {(bool(v["inputs"]["mu"]), bool(v["inputs"]["impact"]), v["inputs"]["order_size"] != 1) for v in vectors}
    assert len(kinds) >= 4, "drift, impact and order size should all be covered"


def test_fee_moves_quotes_out_and_steepens_the_skew() -> None:
    gamma, sigma, a, k, rate = 0.05, 0.3, 0.9, 0.3, 0.002
    free, charged = (quote(gamma, sigma, a, k, 1.0, maker_fee_rate=r) for r in (0.0, rate))
    fee = rate * 100.0
    skews = [100.0 - q.reservation_price for q in (free, charged)]
    assert skews[1] / skews[0] == pytest.approx(math.exp(k * fee / 2), rel=1e-12)
    assert free.bid_half_spread is not None
    assert charged.bid_half_spread == pytest.approx(free.bid_half_spread + fee + (skews[1] - skews[0]) / 2, rel=1e-12)


def test_drift_centres_the_quotes_at_the_merton_position() -> None:
    gamma, sigma, k, drift = 0.05, 0.3, 0.3, 0.002
    h = curvature(0.9, k, gamma, 0.0)
    a, b = quadratic_value(gamma, sigma, 1.0, h, h, k, k, drift)
    assert -b / (2 * a) == pytest.approx(drift / (gamma * sigma**2), rel=1e-12)


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
    found = Glft(GlftParameters(gamma=0.01), 1.0).quote(state, 0.0, 0.0)
    assert found.reservation_price > 100.0
