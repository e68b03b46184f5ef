"""Who moves first: a lead that was put in comes out, and weights stay weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.component_share import component_shares
from mm_nautilus.estimators.lead_lag import bounded_shares, lead_lag, lead_lag_weights

NS = 1_000_000_000
LAGS = tuple(k / 100 for k in range(-60, 61, 5))


def venues(lead_s, seed=1, seconds=600, noise=0.0):
    """One price in steps of 10 ms; the second venue shows it `lead_s` later. Ticks at random instants."""
    rng = np.random.default_rng(seed)
    n = seconds * 100
    price = np.cumsum(rng.normal(0, 0.01, n))
    late = np.maximum(np.arange(n) - round(lead_s * 100), 0)
    ticks = [np.flatnonzero(rng.random(n) < rate) for rate in (0.2, 0.1)]
    first, second = (
        path[at] + rng.normal(0, noise, len(at)) for path, at in zip((price, price[late]), ticks, strict=True)
    )
    return ticks[0] * (NS // 100), first, ticks[1] * (NS // 100), second


@pytest.mark.parametrize("lead", [0.05, 0.2, 0.4])
def test_a_lead_that_was_put_in_comes_out(lead):
    t, x, u, y = venues(lead)
    found = lead_lag(t, x, u, y, LAGS)
    assert found.lead_s == pytest.approx(lead, abs=0.051)
    assert found.clear
    assert found.ratio > 3
    back = lead_lag(u, y, t, x, LAGS)
    assert back.lead_s == pytest.approx(-found.lead_s, abs=1e-12)
    assert back.ratio == pytest.approx(1 / found.ratio, rel=0.02)
    assert back.first_share == pytest.approx(1 - found.first_share, abs=0.01)


def test_neither_leads_where_both_tick_together():
    found = lead_lag(*venues(0.0), LAGS)
    assert found.lead_s == 0.0
    assert 0.3 < found.ratio < 3


def test_an_hour_of_another_time_zone_is_found_by_a_grid_that_reaches_it():
    t, x, u, y = venues(0.05, seconds=300)
    found = lead_lag(t, x, u + 3_600 * NS, y, (-3_600.0, -1.0, 0.0, 1.0, 3_600.0, 7_200.0))
    assert found.lead_s == 3_600.0
    assert found.clear


def test_unrelated_prices_have_no_clear_lead():
    t, x, _, _ = venues(0.1, seed=5)
    _, _, u, y = venues(0.1, seed=6)
    assert not lead_lag(t, x, u, y, LAGS).clear


def test_lags_must_ascend_and_a_price_must_move():
    with pytest.raises(ParameterError, match="lags_s"):
        lead_lag([0, 1], [1.0, 2.0], [0, 1], [1.0, 2.0], (0.1, 0.0))
    assert lead_lag([0, 1], [1.0, 1.0], [0, 1], [1.0, 2.0]) is None


def correcting(speeds, basis, n=6_000, seed=2):
    """Venue 0 is the random walk; each other one closes a share of its distance to it every step."""
    rng = np.random.default_rng(seed)
    prices = np.zeros((n, len(speeds)))
    prices[0] = basis
    for step in range(1, n):
        apart = prices[step - 1] - basis - (prices[step - 1, 0] - basis[0])
        prices[step] = prices[step - 1] - np.array(speeds) * apart + rng.normal(0, 0.1, len(speeds))
    return prices


def test_the_venue_that_does_not_correct_is_where_the_price_is_made():
    found = component_shares(correcting((0.0, 0.2, 0.3), (0.0, 5.0, -3.0)))
    assert found.shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert (np.abs(found.shares - (1.0, 0.0, 0.0)) < 4 * found.errors).all()
    assert found.error < 0.1
    assert found.basis[1] - found.basis[0] == pytest.approx(5.0, abs=0.2)
    assert found.basis[2] - found.basis[0] == pytest.approx(-3.0, abs=0.2)


def test_two_venues_that_correct_towards_each_other_share_in_proportion():
    rng = np.random.default_rng(8)
    prices = np.zeros((20_000, 2))
    for step in range(1, len(prices)):
        apart = prices[step - 1, 1] - prices[step - 1, 0]
        prices[step] = prices[step - 1] + np.array([0.1, -0.3]) * apart + rng.normal(0, 0.1, 2)
    found = component_shares(prices)
    # alpha = (0.1, -0.3), so the normal to it is (0.3, 0.1).
    assert found.shares == pytest.approx([0.75, 0.25], abs=max(4 * found.error, 0.03))


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0)])
def test_the_shares_do_not_depend_on_the_order_of_the_venues(order):
    prices = correcting((0.05, 0.2, 0.3), (0.0, 5.0, -3.0), n=1_500)
    shares = component_shares(prices).shares
    assert component_shares(prices[:, order]).shares == pytest.approx(shares[list(order)], abs=1e-8)


def test_too_little_is_no_answer_and_a_gap_is_left_out():
    assert component_shares(np.ones((5, 2))) is None
    assert component_shares(np.ones((500, 2))) is None
    prices = correcting((0.0, 0.3), (0.0, 1.0), n=3_000)
    whole = component_shares(prices).shares
    prices[1_000, 0] = np.nan
    assert component_shares(prices).shares == pytest.approx(whole, abs=0.02)
    with pytest.raises(ParameterError, match="two columns"):
        component_shares(np.ones((50, 1)))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=8), st.floats(0, 1), st.floats(0, 1))
def test_bounded_shares_are_the_nearest_within_their_bounds(raw, low, high):
    n = len(raw)
    floor, cap = low / n, (1 + high * (n - 1)) / n
    weights = bounded_shares(raw, floor, cap)
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert (weights >= floor - 1e-12).all()
    assert (weights <= cap + 1e-12).all()
    # Nearest: no small move of weight from one venue to another brings it closer.
    distance = ((weights - raw) ** 2).sum()
    for give in range(n):
        for take in range(n):
            step = min(1e-4, weights[give] - floor, cap - weights[take])
            if give != take and step > 0:
                moved = weights.copy()
                moved[give] -= step
                moved[take] += step
                assert ((moved - raw) ** 2).sum() >= distance - 1e-9


def test_weights_of_a_leader_and_two_followers():
    shares = [[0.5, 0.9, 0.8], [0.1, 0.5, 0.5], [0.2, 0.5, 0.5]]
    weights = lead_lag_weights(shares)
    assert weights == pytest.approx([1.7 / 3, 0.6 / 3, 0.7 / 3])
    assert lead_lag_weights(shares, floor=0.25) == pytest.approx([0.5, 0.25, 0.25])
    assert lead_lag_weights([[0.0, 0.0], [0.0, 0.0]]) == pytest.approx([0.5, 0.5])
    assert lead_lag_weights([[0.0]]) == pytest.approx([1.0])
    with pytest.raises(ParameterError, match="first_shares"):
        lead_lag_weights([[0.0, 1.5], [0.0, 0.0]])
    with pytest.raises(ParameterError, match="floor"):
        lead_lag_weights(shares, floor=0.5)
