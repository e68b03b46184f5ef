"""A portfolio: what its members are quoted at, how much may work, and where its covariance comes from."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.inventory.portfolio import Member, Portfolio, Terms
from mm_nautilus.inventory.portfolio_settings import PortfolioSettings
from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.models.glft import Glft, GlftParameters
from mm_nautilus.models.multi_asset import multi_asset_quoter

S = 1_000_000_000


def told(**fields):
    given = {"reference_currency": "USDT", "gamma": 0.01, "covariance": {"correlation": 0.6}}
    return PortfolioSettings.model_validate(given | fields)


def terms(n, **fields):
    return [Terms(**({"a_per_s": 1.0, "k_per_price": 10.0, "order_size": 2.0} | fields)) for _ in range(n)]


def ready(n=3, sigma=0.5, rates=None, **fields):
    rates = rates or [1.0] * n
    portfolio = Portfolio(told(**fields), [Member(f"A{i}", rate, sigma) for i, rate in enumerate(rates)])
    assert portfolio.solve(terms(n))
    return portfolio


def test_one_member_is_quoted_as_glft():
    portfolio = Portfolio(told(covariance={"correlation": 0.0}), [Member("A", 1.0, 0.5)])
    cost = 0.01
    assert portfolio.solve(terms(1, cost=cost, target=3.0))
    model = Glft(GlftParameters(gamma=0.01, target_inventory=3.0, own_impact_price=2 * cost), 2.0, 100.0)
    rate = Intensity(1.0, 10.0)
    state = MarketState(0, TopOfBook(99.9, 100.1, 1.0, 1.0), 100.0, 0.5, rate, rate)
    for held in (0.0, 7.0, -20.0):
        portfolio.hold(0, held)
        ours, theirs = portfolio.quote(0, 100.0, held), model.quote(state, held, 0.0)
        assert (ours.bid, ours.ask) == pytest.approx((theirs.bid, theirs.ask))


def test_without_correlation_each_member_is_quoted_as_glft_by_itself():
    portfolio = ready(3, covariance={"correlation": 0.0})
    model, rate = Glft(GlftParameters(gamma=0.01), 2.0, 100.0), Intensity(1.0, 10.0)
    state = MarketState(0, TopOfBook(99.9, 100.1, 1.0, 1.0), 100.0, 0.5, rate, rate)
    for index, held in enumerate((4.0, -9.0, 30.0)):
        portfolio.hold(index, held)
    for index, held in enumerate((4.0, -9.0, 30.0)):
        ours, theirs = portfolio.quote(index, 100.0, held), model.quote(state, held, 0.0)
        assert (ours.bid, ours.ask) == pytest.approx((theirs.bid, theirs.ask))


def test_a_fill_in_one_moves_the_quotes_of_all_that_move_with_it():
    portfolio = ready()
    before = [portfolio.quote(i, 100.0, 0.0) for i in range(3)]
    portfolio.hold(0, 10.0)
    for index, (old, held) in enumerate(zip(before, (10.0, 0.0, 0.0), strict=True)):
        new = portfolio.quote(index, 100.0, held)
        assert new.bid < old.bid
        assert new.ask < old.ask
        assert new.bid_half_spread == old.bid_half_spread
    assert portfolio.moved(np.full(3, 1e-4)) == [0, 1, 2]
    assert portfolio.moved(np.full(3, 1e-4)) == []  # each move is named once
    assert portfolio.wanted(1) < 0.0  # what hedges the long is wanted


def test_the_quote_is_a_pure_function_of_the_quantity_asked_about():
    portfolio = ready()
    portfolio.hold(0, 5.0)
    asked = portfolio.quote(0, 100.0, 9.0)
    portfolio.hold(0, 9.0)
    assert asked.bid == pytest.approx(portfolio.quote(0, 100.0, 9.0).bid)
    assert portfolio.quote(0, 100.0, 9.0) == portfolio.quote(0, 100.0, 9.0)


def test_other_currencies_are_converted_and_back():
    """An instrument quoted in a currency worth 0.01 of the reference one is the same at 100 times the prices."""
    one = ready(2)
    two = Portfolio(told(), [Member("A0", 1.0, 0.5), Member("A1", 0.01, 50.0)])
    assert two.solve([terms(1)[0], Terms(1.0, 0.1, 2.0)])
    for portfolio in (one, two):
        portfolio.hold(0, 4.0)
    first, second = one.quote(1, 100.0, 0.0), two.quote(1, 10_000.0, 0.0)
    assert second.bid == pytest.approx(100.0 * first.bid)
    assert second.bid_half_spread == pytest.approx(100.0 * first.bid_half_spread)
    assert two.slope(1) == pytest.approx(100.0 * one.slope(1))
    assert two.sigma(1) == pytest.approx(50.0)


# ------------------------------------------------------------------ covariance


def walk(portfolio, seconds, rho=0.8, sigma=(0.1, 0.4), seed=1, async_ms=0):
    rng = np.random.default_rng(seed)
    prices = np.array([100.0, 100.0])
    chol = np.linalg.cholesky(np.array([[1.0, rho], [rho, 1.0]]))
    for second in range(1, seconds + 1):
        prices = prices + np.array(sigma) * (chol @ rng.normal(size=2))
        portfolio.heard(0, prices[0], second * S)
        portfolio.heard(1, prices[1], second * S + async_ms * 1_000_000)
        if second % 5 == 0:
            portfolio.sample(second * S + async_ms * 1_000_000)


@pytest.mark.parametrize("method", ["previous_tick", "hayashi_yoshida"])
def test_what_was_put_in_is_measured(method):
    settings_ = told(covariance={"method": method, "window_samples": 1000, "half_life_s": 1e9})
    portfolio = Portfolio(settings_, [Member("A"), Member("B")])
    walk(portfolio, 5000)
    assert portfolio.solve(terms(2))
    found = portfolio.covariance
    deviations = np.sqrt(np.diag(found))
    assert deviations == pytest.approx([0.1, 0.4], rel=0.1)
    assert found[0, 1] / deviations.prod() == pytest.approx(0.8, abs=0.04)
    assert portfolio.sigma(1) == pytest.approx(0.4, rel=0.1)


def test_nothing_is_quoted_before_it_is_measured_unless_it_is_stated():
    silent = Portfolio(told(covariance={"warm_up_samples": 60}), [Member("A"), Member("B", 1.0, 0.3)])
    assert not silent.solve(terms(2))
    assert silent.quote(0, 100.0, 0.0) is None
    assert silent.sigma(0) is None
    walk(silent, 59 * 5)
    assert not silent.solve(terms(2))
    walk(silent, 70 * 5)
    assert silent.solve(terms(2))
    stated = Portfolio(told(), [Member("A", 1.0, 0.1), Member("B", 1.0, 0.3)])
    assert stated.solve(terms(2))
    assert stated.sigma(1) == pytest.approx(0.3)
    walk(stated, 500)
    assert stated.solve(terms(2))
    assert stated.measured is not None
    assert stated.sigma(1) == pytest.approx(0.4, rel=0.25)


def test_what_was_measured_holds_on_while_the_market_is_silent():
    portfolio = Portfolio(told(covariance={"window_samples": 100}), [Member("A"), Member("B")])
    walk(portfolio, 1000)
    assert portfolio.solve(terms(2))
    before = portfolio.covariance
    for second in range(1100, 2000, 5):  # no news for longer than max_age_s
        portfolio.sample(second * S)
    assert portfolio.solve(terms(2))
    assert np.array_equal(portfolio.covariance, before)


def test_fixed_takes_what_is_stated_for_good():
    portfolio = Portfolio(
        told(covariance={"correlation": 0.3, "fixed": True}), [Member("A", 1.0, 0.1), Member("B", 1.0, 0.3)]
    )
    walk(portfolio, 1000)
    assert portfolio.solve(terms(2))
    assert portfolio.covariance[0, 1] == pytest.approx(0.3 * 0.1 * 0.3)


def test_a_restart_goes_on_with_what_was_sampled():
    settings_ = told(covariance={"window_samples": 200})
    one = Portfolio(settings_, [Member("A"), Member("B")])
    walk(one, 600)
    two = Portfolio(settings_, [Member("A"), Member("B")])
    two.load(one.save())
    assert one.solve(terms(2))
    assert two.solve(terms(2))
    assert two.covariance == pytest.approx(one.covariance, rel=0.05)
    other = Portfolio(settings_, [Member("A"), Member("C")])
    other.load(one.save())
    assert not other.solve(terms(2))


# -------------------------------------------------------- concentration, budget


CONCENTRATED = {"capital": 10_000.0, "soft": 0.1, "hard": 0.3, "widest": 3.0}


@given(st.floats(-29, 29))
@settings(max_examples=60, deadline=None)
def test_concentration_holds_back_the_side_that_adds_and_never_the_one_that_reduces(held):
    portfolio = ready(concentration=CONCENTRATED)
    portfolio.hold(1, held)
    factors = portfolio.factors(1, 100.0)
    adding = (factors.bid_spread, factors.bid_size) if held > 0 else (factors.ask_spread, factors.ask_size)
    reducing = (factors.ask_spread, factors.ask_size) if held > 0 else (factors.bid_spread, factors.bid_size)
    assert reducing == (1.0, 1.0)
    assert adding[0] >= 1.0 >= adding[1]
    assert (adding != (1.0, 1.0)) == (abs(held) > 10.0)
    buy, sell = portfolio.room(1, 100.0)
    assert buy == pytest.approx(30.0 - held)
    assert sell == pytest.approx(30.0 + held)


def test_the_risk_budget_holds_back_what_adds_to_the_risk_of_all_not_to_a_position():
    portfolio = ready(risk_budget={"limit": 10.0, "confidence": 0.99, "horizon_s": 1.0, "soft_share": 0.1})
    portfolio.hold(0, 5.0)
    own, other = portfolio.factors(0, 100.0), portfolio.factors(1, 100.0)
    for factors in (own, other):  # a bid adds to the risk of either, an ask reduces it
        assert factors.bid_spread > 1.0 > factors.bid_size
        assert (factors.ask_spread, factors.ask_size) == (1.0, 1.0)
    portfolio.hold(2, -20.0)  # now the whole is short, and buying is what reduces it
    factors = portfolio.factors(1, 100.0)
    assert (factors.bid_spread, factors.bid_size) == (1.0, 1.0)
    assert factors.ask_spread > 1.0 > factors.ask_size


def test_money_is_the_value_at_risk_of_the_settings():
    portfolio = ready(risk_budget={"limit": 100.0, "confidence": 0.95, "horizon_s": 400.0})
    portfolio.hold(0, 3.0)
    z = NormalDist().inv_cdf(0.95)
    assert portfolio.risk == pytest.approx(z * 3.0 * 0.5 * 20.0)
    assert portfolio.budget == pytest.approx(100.0)
    buy, _ = portfolio.room(0, 100.0)
    assert (3.0 + buy) * z * 0.5 * 20.0 == pytest.approx(100.0)
    portfolio.working(0, buy, 0.0)
    assert portfolio.worst_risk() == pytest.approx(100.0)
    portfolio.grant(50.0)
    assert portfolio.budget == pytest.approx(50.0)
    assert portfolio.room(0, 100.0)[0] < buy
    portfolio.grant(0.0)
    assert portfolio.room(0, 100.0) == (0.0, pytest.approx(3.0))
    assert not math.isnan(portfolio.factors(0, 100.0).bid_size)


def test_without_limits_nothing_is_held_back():
    portfolio = ready()
    portfolio.hold(0, 1e6)
    assert portfolio.room(0, 100.0) == (math.inf, math.inf)
    assert portfolio.factors(0, 100.0).bid_size == 1.0
    assert portfolio.budget == math.inf


def test_what_pays_to_hedge_is_named_in_one_currency():
    portfolio = ready(2, rates=[1.0, 0.01], covariance={"correlation": 0.9})
    portfolio.hold(0, 1000.0)
    costs = [0.01, 0.01]
    found = portfolio.hedge(costs)
    assert found is not None
    assert found.cost == pytest.approx(costs[found.instrument] * (1.0, 0.01)[found.instrument])
    assert portfolio.hedge([None, None]) is None


# -------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"covariance": {"refresh_s": 1.0}}, "refresh_s"),
        ({"covariance": {"step_s": 1.0}}, "step_s"),
        ({"covariance": {"correlation": 0.1, "correlations": [[1.0]]}}, "state one"),
        ({"covariance": {"fixed": True}}, "fixed takes what is stated"),
        ({"covariance": {"warm_up_samples": 900}}, "warm_up_samples"),
        ({"concentration": {"capital": 1.0, "soft": 0.5, "hard": 0.2}}, "out of order"),
        ({"rates": {"EUR": 0.0}}, "rates.EUR"),
        ({"rates": {"USDT": 2.0}}, "worth 1 of itself"),
        ({"gama": 1.0}, "gama"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        told(**fields)


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        ({"correlations": ((1.0, 0.5), (0.5, 1.0))}, "3 x 3"),
        ({"correlations": ((1.0, 0.5, 0.0), (0.4, 1.0, 0.0), (0.0, 0.0, 1.0))}, "symmetric"),
        ({"correlation": -0.9}, "positive semi-definite"),
    ],
)
def test_correlations_no_portfolio_can_have_are_refused(covariance, message):
    with pytest.raises(ValueError, match=message):
        Portfolio(told(covariance=covariance), [Member(f"A{i}", 1.0, 0.5) for i in range(3)])


def test_the_whole_is_the_multi_asset_closed_form():
    portfolio = ready(3)
    one = multi_asset_quoter(portfolio.covariance, [1.0] * 3, [10.0] * 3, [2.0] * 3, 0.01)
    held = [3.0, -1.0, 2.0]
    for index, quantity in enumerate(held):
        portfolio.hold(index, quantity)
    bids, asks = one.distances(held)
    for index, quantity in enumerate(held):
        quote = portfolio.quote(index, 50.0, quantity)
        assert (50.0 - quote.bid, quote.ask - 50.0) == pytest.approx((bids[index], asks[index]))
