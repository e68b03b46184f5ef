"""Closed forms against hand calculation, the definition they come from, or a numerical solution of the same problem."""

import math

import numpy as np
import pytest
from model_kit import Desk
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from mm_nautilus.market import Intensity, Side
from mm_nautilus.models import avellaneda_stoikov_infinite as infinite
from mm_nautilus.models import ho_stoll
from mm_nautilus.models.carry import expected_move, reversion_target, reversion_variance, target_inventories
from mm_nautilus.models.dynamic_volatility import activity_factor
from mm_nautilus.models.fills import fill_discount, optimal_fill_rate, risk_premium
from mm_nautilus.models.glft import stationary_value
from mm_nautilus.models.glosten_milgrom import Belief
from mm_nautilus.models.intensities import (
    Exponential,
    FillIntensity,
    Linear,
    ShiftedPower,
    hamiltonian_derivatives,
    optimal_distance,
)
from mm_nautilus.models.multi_asset import multi_asset_quoter
from mm_nautilus.models.skew_target import gamma_from_skew_target

SHAPES = [Exponential(140.0, 1.5), Linear(1.0, 0.25), ShiftedPower(2.0, 2.5, 0.8), ShiftedPower(140.0, 1.2, 0.5)]


def test_avellaneda_stoikov_by_hand() -> None:
    side = Intensity(140.0, 1.5)
    desk = Desk("avellaneda_stoikov", {"gamma": 0.1, "horizon_s": 1.0}, sigma=2.0, bid=side, ask=side, elapsed_s=0.0)
    quote = desk.quote(5.0)
    assert quote.reservation_price == pytest.approx(98.0)
    assert (quote.bid, quote.ask) == (pytest.approx(97.1546147886, abs=1e-10), pytest.approx(98.8453852114, abs=1e-10))


def test_a_session_begins_anew() -> None:
    at = [Desk("avellaneda_stoikov", elapsed_s=t).distances(4.0) for t in (0.0, 29.0, 30.0, 59.0)]
    assert at[0] == at[2]
    assert at[1] == at[3]
    assert at[0][0] > at[1][0]


def test_the_infinite_horizon_leaves_the_utility_as_it_is() -> None:
    """Definition 1 of the paper: v(x - r, q + 1) = v(x, q) = v(x + r, q - 1), which the printed ask breaks."""
    gamma, sigma, bound, fair = 0.1, 2.0, 10.0, 1.0
    omega = infinite.discount_rate(gamma, sigma, bound, 1.0)

    def utility(cash: float, q: float) -> float:
        rate = 2.0 * omega
        return -math.exp(-gamma * (cash + q * fair)) * rate / (rate - (gamma * sigma * q) ** 2)

    for q in (-9.0, -2.0, 0.0, 5.0, 9.0):
        bid, ask = infinite.indifference_prices(fair, q, gamma, sigma, bound)
        assert utility(-bid, q + 1.0) == pytest.approx(utility(0.0, q), rel=1e-12, abs=0.0)
        assert utility(ask, q - 1.0) == pytest.approx(utility(0.0, q), rel=1e-12, abs=0.0)
        printed = infinite.printed_indifference_ask(fair, q, gamma, bound)
        assert utility(printed, q - 1.0) != pytest.approx(utility(0.0, q), rel=1e-6, abs=0.0)
    assert infinite.indifference_prices(fair, bound, gamma, sigma, bound)[0] is None
    assert infinite.indifference_prices(fair, -bound, gamma, sigma, bound)[1] is None


def value_of(intensity: FillIntensity, distance: float, cost: float, x: float) -> float:
    gain = distance - cost if x == 0.0 else -math.expm1(-x * (distance - cost)) / x
    return intensity.rate(distance) * gain


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.1, 2.0])
@pytest.mark.parametrize("cost", [-0.3, 0.0, 0.7])
@pytest.mark.parametrize("intensity", SHAPES, ids=str)
def test_the_optimal_distance_is_the_best_one(intensity: FillIntensity, cost: float, x: float) -> None:
    last = 4.0 if isinstance(intensity, Linear) else cost + 30.0  # no fills beyond, and nothing to maximise
    best = minimize_scalar(
        lambda d: -value_of(intensity, d, cost, x), bounds=(cost, last), method="bounded", options={"xatol": 1e-10}
    )
    assert optimal_distance(intensity, cost, x) == pytest.approx(best.x, rel=3e-6, abs=3e-6)


@pytest.mark.parametrize("x", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("intensity", SHAPES, ids=str)
def test_the_hamiltonian_is_differentiated_right(intensity: FillIntensity, x: float) -> None:
    def hamiltonian(cost: float) -> float:
        return value_of(intensity, optimal_distance(intensity, cost, x), cost, x)

    h, step = 0.2, 1e-3
    low, mid, high = hamiltonian(h - step), hamiltonian(h), hamiltonian(h + step)
    slope, curvature = hamiltonian_derivatives(intensity, h, x)
    assert -slope == pytest.approx((high - low) / (2.0 * step), rel=1e-5)
    assert curvature == pytest.approx((high - 2.0 * mid + low) / step**2, rel=1e-4)


def test_the_exponential_hamiltonian_is_the_closed_one() -> None:
    for x in (0.0, 1e-10, 0.1, 5.0):
        slope, curvature = hamiltonian_derivatives(Exponential(0.9, 0.3), 0.4, x)
        assert slope == pytest.approx(optimal_fill_rate(0.9, 0.3, x, 0.4), rel=1e-9)
        assert curvature == pytest.approx(0.3 * slope, rel=1e-9)


def test_limits_of_the_exponential_terms_join_their_formulas() -> None:
    for k in (0.3, 1.5, 1e5):
        assert risk_premium(0.0, k) == 1.0 / k
        assert fill_discount(0.0, k) == pytest.approx(math.exp(-1.0))
        for function in (risk_premium, fill_discount):
            assert function(0.999e-8 * k, k) == pytest.approx(function(1.001e-8 * k, k), rel=1e-9)


@pytest.mark.parametrize("sides", [(1.0, 0.25, 1.0, 0.25), (1.0, 0.25, 0.7, 0.4), (0.5, 0.3, 2.0, 0.3)])
def test_ho_stoll_solves_its_equation(sides: tuple[float, float, float, float]) -> None:
    """Integrate the Riccati equations of the quadratic value function beside the closed form."""
    gamma, sigma, size, cost = 0.02, 0.4, 2.0, 0.15
    bid_alpha, bid_beta, ask_alpha, ask_beta = sides

    def slope(_tau: float, value: np.ndarray) -> list[float]:
        a, b = value
        bid = bid_alpha - bid_beta * (cost + a * size + b)
        ask = ask_alpha - ask_beta * (cost + a * size - b)
        both = bid_beta + ask_beta
        return [0.5 * gamma * sigma**2 - size * both * a * a, a * size * (bid - ask)]

    times = [0.01, 1.0, 30.0, 300.0]
    solved = solve_ivp(slope, (0.0, 300.0), [0.0, 0.0], t_eval=times, rtol=1e-11, atol=1e-14)
    for tau, expected in zip(times, solved.y.T, strict=True):
        found = ho_stoll.exact_value(gamma, sigma, tau, size, bid_alpha, bid_beta, ask_alpha, ask_beta, cost)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
    first = ho_stoll.exact_value(gamma, sigma, 1e-4, size, *sides, cost)[0]
    assert first == pytest.approx(ho_stoll.first_order_value(gamma, sigma, 1e-4), rel=1e-6)


def test_a_linear_order_flow_is_never_quoted_beyond_its_last_fill() -> None:
    assert ho_stoll.distance(1.0, 0.25, 100.0) == 4.0
    assert ho_stoll.tangent(0.9, 0.3)[0] / (2.0 * ho_stoll.tangent(0.9, 0.3)[1]) == pytest.approx(1.0 / 0.3)


def test_mean_reversion_over_a_session() -> None:
    """The reservation price is the expected price, less the risk of what is held over the same time."""
    given = {"gamma": 0.05, "horizon_s": 8.0, "mean_reversion_per_s": 0.1, "mean_price": 100.2}
    desk = Desk("avellaneda_stoikov", given, bound=400.0, elapsed_s=0.0)
    variance = reversion_variance(0.3, 0.1, 8.0)
    expected = 100.0 + expected_move(0.1 * 0.2, 0.1, 8.0) - 3.0 * 0.05 * variance
    assert desk.quote(3.0).reservation_price == pytest.approx(expected, rel=1e-12)
    target = reversion_target(100.0, 100.2, 0.1, 0.05, 0.3, 8.0)
    assert desk.quote(target).reservation_price == pytest.approx(100.0, abs=1e-9)


def test_a_carry_is_worth_the_bound_at_most() -> None:
    desk = Desk("glft", {"drift_price_per_s": 5.0}, bound=6.0)
    at_bound = Desk("glft", {"target_inventory": 6.0}, bound=6.0)
    assert desk.distances(1.0) == at_bound.distances(1.0)


def test_one_asset_is_glft() -> None:
    given = {"gamma": 0.05, "drift_price_per_s": 0.001, "own_impact_price": 0.4, "target_inventory": 0.5}
    desk = Desk("glft", given, order_size=2.0)
    quoter = multi_asset_quoter(
        [[0.09]], [0.9], [0.3], [2.0], 0.05, drift=[0.001], cost=[0.2], target=[0.5]
    )  # fmt: skip
    for inventory in (-3.0, 0.0, 5.0):
        bids, asks = quoter.distances([inventory])
        assert desk.distances(inventory) == pytest.approx((bids[0], asks[0]), rel=1e-12)


COVARIANCE = np.array([[0.09, 0.036, -0.01], [0.036, 0.16, 0.02], [-0.01, 0.02, 0.25]])
ASSETS = {"a": [0.9, 0.6, 1.1], "k": [0.3, 0.5, 0.4], "order_size": [1.0, 1.0, 2.0], "gamma": 0.02}


def test_several_assets_solve_the_riccati_equation() -> None:
    eta = [optimal_fill_rate(a, k, 0.02 * s, 0.0) for a, k, s in zip(*list(ASSETS.values())[:3], strict=True)]
    density = np.diag(2.0 * np.array(ASSETS["k"]) * eta * np.array(ASSETS["order_size"]))

    def residual(tau: float | None) -> np.ndarray:
        value = multi_asset_quoter(COVARIANCE, **ASSETS, tau_s=tau).matrix
        change = np.zeros((3, 3))
        if tau is not None:
            h = 1e-3
            later, sooner = (multi_asset_quoter(COVARIANCE, **ASSETS, tau_s=tau + x).matrix for x in (h, -h))
            change = (later - sooner) / (2.0 * h)
        return change - 0.5 * 0.02 * COVARIANCE + 2.0 * value @ density @ value

    assert residual(None) == pytest.approx(np.zeros((3, 3)), abs=1e-15)
    assert residual(30.0) == pytest.approx(np.zeros((3, 3)), abs=1e-10)
    assert multi_asset_quoter(COVARIANCE, **ASSETS, tau_s=0.0).matrix == pytest.approx(np.zeros((3, 3)))
    still = multi_asset_quoter(COVARIANCE, **ASSETS).matrix
    assert multi_asset_quoter(COVARIANCE, **ASSETS, tau_s=1e5).matrix == pytest.approx(still, rel=1e-9)


@pytest.mark.parametrize("tau", [None, 20.0])
def test_several_assets_are_symmetric_at_the_target_and_under_mirroring(tau: float | None) -> None:
    drift = np.array([0.001, -0.002, 0.0005])
    quoter = multi_asset_quoter(COVARIANCE, **ASSETS, tau_s=tau, drift=drift)
    target = target_inventories(COVARIANCE, drift, 0.02)
    assert 0.02 * COVARIANCE @ target == pytest.approx(drift)
    bids, asks = quoter.distances(target)
    assert bids == pytest.approx(asks, rel=1e-10)
    mirrored = multi_asset_quoter(COVARIANCE, **ASSETS, tau_s=tau, drift=-drift)
    held = np.array([3.0, -2.0, 1.0])
    assert mirrored.distances(-held)[0] == pytest.approx(quoter.distances(held)[1], rel=1e-12)


def test_perfectly_correlated_assets_are_one_risk() -> None:
    covariance = [[0.04, 0.08], [0.08, 0.16]]
    quoter = multi_asset_quoter(covariance, [1.0, 1.0], [0.5, 0.5], [1.0, 1.0], 0.05)
    bids, asks = quoter.distances([2.0, -1.0])
    assert bids == pytest.approx(asks, rel=1e-6)
    hedged = target_inventories(covariance, [0.001, 0.002], 0.05)
    assert 0.05 * np.array(covariance) @ hedged == pytest.approx([0.001, 0.002])


@pytest.mark.parametrize("chi", [0.5, 1.0, 2.0])
def test_gamma_has_the_skew_that_was_asked_for(chi: float) -> None:
    bid, ask = Intensity(0.9, 0.3), Intensity(0.5, 0.4)
    gamma = gamma_from_skew_target(0.3, bid, ask, 2.0, 20.0, chi, cost=0.1)
    a, _ = stationary_value(gamma, 0.3, 2.0, 2.0 * gamma, 0.1, 0.9, 0.3, 0.5, 0.4)
    mean = 0.5 * (risk_premium(2.0 * gamma, 0.3) + risk_premium(2.0 * gamma, 0.4))
    assert 2.0 * a * 20.0 == pytest.approx(chi * mean, rel=1e-12)


def test_a_belief_is_updated_by_bayes() -> None:
    belief = Belief(99.0, 101.0, 0.5, 0.2)
    assert (belief.bid, belief.value, belief.ask) == (pytest.approx(99.8), 100.0, pytest.approx(100.2))
    bought = belief.after(Side.BUY)
    assert bought.value == pytest.approx(belief.ask)
    assert bought.after(Side.SELL).probability_high == pytest.approx(0.5)
    for _ in range(200):
        bought = bought.after(Side.BUY)
    assert bought.value == pytest.approx(101.0)
    certain = Belief(99.0, 101.0, 1.0, 1.0)
    assert certain.after(Side.SELL) == certain  # impossible, so it teaches nothing


def test_a_belief_from_the_book_moves_the_centre() -> None:
    heavy = Desk("glosten_milgrom", bid_size=9.0, ask_size=1.0)
    even = Desk("glosten_milgrom", bid_size=0.0, ask_size=0.0)
    assert even.quote().reservation_price == 100.0
    assert heavy.quote().reservation_price == pytest.approx(100.0 + 0.8 * 2.0)
    assert heavy.quote().ask < 102.0


def test_brisk_trade_tightens_within_bounds() -> None:
    assert activity_factor(20.0, 10.0, 0.5, 0.5, 2.0) == pytest.approx(math.sqrt(0.5))
    assert activity_factor(0.0, 10.0, 0.5, 0.5, 2.0) == 2.0
    assert activity_factor(0.0, 0.0, 0.5, 0.5, 2.0) == 1.0
    assert activity_factor(1e9, 1.0, 0.5, 0.5, 2.0) == 0.5
