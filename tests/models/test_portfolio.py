"""Many instruments from one value function, kept up fill by fill; concentration; one budget for several processes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mm_nautilus.errors import ParameterError
from mm_nautilus.models.multi_asset import multi_asset_quoter
from mm_nautilus.models.portfolio import (
    UNCHANGED,
    ConcentrationLimit,
    PortfolioQuoter,
    concentration_factors,
    risk_shares,
)
from mm_nautilus.models.risk_budget import Claim, allocate

PROPERTY = settings(max_examples=100, deadline=None)


def solution(n, rho=0.6, target=None, seed=0):
    rng = np.random.default_rng(seed)
    sigmas = np.exp(rng.normal(-2, 1, n))
    correlation = np.full((n, n), rho) + (1 - rho) * np.eye(n)
    covariance = correlation * np.outer(sigmas, sigmas)
    return covariance, multi_asset_quoter(
        covariance, rng.uniform(0.5, 2, n), 1 / sigmas, rng.uniform(0.5, 2, n), 0.01, target=target
    )


@PROPERTY
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-50, 50)), max_size=20), st.integers(0, 5))
def test_fill_by_fill_the_quotes_are_those_of_the_whole_solution(held, seed):
    target = [3.0, 0.0, -2.0, 0.0, 1.0]
    _, one = solution(5, target=target, seed=seed)
    book, q = PortfolioQuoter(one, np.zeros(5)), np.zeros(5)
    for instrument, quantity in held:
        book.hold(instrument, quantity)
        q[instrument] = quantity
    bids, asks = one.distances(q)
    for instrument in range(5):
        quote = book.quote(instrument, 100.0)
        assert quote.bid == pytest.approx(100.0 - bids[instrument])
        assert quote.ask == pytest.approx(100.0 + asks[instrument])
    assert book.inventory == tuple(q)


def test_what_is_held_of_one_moves_the_quotes_of_the_related_the_same_way():
    _, one = solution(3, rho=0.8)
    flat, long = PortfolioQuoter(one, [0, 0, 0]), PortfolioQuoter(one, [0, 0, 0])
    long.hold(0, 10.0)
    for instrument in range(3):
        assert long.quote(instrument, 50.0).bid < flat.quote(instrument, 50.0).bid
        assert long.quote(instrument, 50.0).ask < flat.quote(instrument, 50.0).ask
        assert long.skew(instrument) > 0
    _, against = solution(2, rho=-0.8)
    long = PortfolioQuoter(against, [10, 0])
    assert long.skew(1) < 0


def test_a_new_solution_takes_over_what_is_held():
    _, old = solution(4, seed=1)
    _, new = solution(4, rho=0.1, seed=2)
    book = PortfolioQuoter(old, [1, 2, 3, 4])
    book.solve(new)
    assert [book.skew(i) for i in range(4)] == pytest.approx((2 * new.matrix @ [1, 2, 3, 4]).tolist())
    with pytest.raises(ParameterError, match="solution"):
        book.solve(solution(3)[1])
    with pytest.raises(ParameterError, match="quantity"):
        book.hold(0, math.nan)
    with pytest.raises(ParameterError, match="inventory"):
        PortfolioQuoter(old, [1, 2])


LIMIT = ConcentrationLimit(soft=0.2, hard=0.4, widest=3.0)


def test_concentration_widens_and_shrinks_the_adding_side_alone():
    long = concentration_factors(30.0, 100.0, LIMIT)
    assert (long.bid_spread, long.bid_size) == pytest.approx((2.0, 0.5))
    assert (long.ask_spread, long.ask_size) == (1.0, 1.0)
    short = concentration_factors(-30.0, 100.0, LIMIT)
    assert (short.ask_spread, short.ask_size) == pytest.approx((2.0, 0.5))
    assert (short.bid_spread, short.bid_size) == (1.0, 1.0)
    assert concentration_factors(40.0, 100.0, LIMIT).bid_size == 0.0
    assert concentration_factors(400.0, 100.0, LIMIT).bid_spread == 3.0
    assert concentration_factors(20.0, 100.0, LIMIT) is UNCHANGED


@PROPERTY
@given(st.floats(-200, 200), st.floats(0, 20))
def test_more_of_it_never_narrows_or_grows_and_nothing_jumps(value, more):
    now = concentration_factors(value, 100.0, LIMIT)
    then = concentration_factors(value + math.copysign(more, value), 100.0, LIMIT)
    for side in ("bid", "ask"):
        assert getattr(then, f"{side}_spread") >= getattr(now, f"{side}_spread") >= 1.0
        assert 0.0 <= getattr(then, f"{side}_size") <= getattr(now, f"{side}_size") <= 1.0
        assert abs(getattr(then, f"{side}_size") - getattr(now, f"{side}_size")) <= more / 20 + 1e-9


def test_risk_shares_add_up_and_a_hedge_has_a_share_below_zero():
    covariance, _ = solution(3, rho=0.9)
    shares = risk_shares([10.0, 5.0, -1.0], covariance)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[2] < 0 < shares[0]
    assert not risk_shares([0.0, 0.0, 0.0], covariance).any()
    with pytest.raises(ParameterError, match="covariance"):
        risk_shares([1.0], covariance)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: ConcentrationLimit(0.4, 0.4), "soft, hard"),
        (lambda: ConcentrationLimit(0.1, 0.4, 0.5), "widest"),
        (lambda: concentration_factors(1.0, 0.0, LIMIT), "capital"),
        (lambda: concentration_factors(math.nan, 1.0, LIMIT), "value"),
        (lambda: Claim("a", -1.0, 0.0), "a: used"),
        (lambda: allocate(-1.0, []), "budget"),
        (lambda: allocate(1.0, [Claim("a", 0, 0), Claim("a", 0, 0)]), "claims"),
    ],
)
def test_bad_input_is_named(call, field):
    with pytest.raises(ParameterError) as caught:
        call()
    assert caught.value.field == field


claims = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0, 100), st.floats(0, 5)), min_size=1, max_size=6
).map(lambda rows: [Claim(str(index), *row) for index, row in enumerate(rows)])  # fmt: skip


@PROPERTY
@given(st.floats(0, 300), claims)
def test_whatever_is_granted_the_budget_holds_while_the_news_travels(budget, given_claims):
    grants = allocate(budget, given_claims)
    held = sum(claim.granted for claim in given_claims)
    assert sum(max(claim.granted, grants[claim.process]) for claim in given_claims) <= max(budget, held) + 1e-9
    assert sum(grants.values()) <= max(budget, held) + 1e-9
    used = sum(claim.used for claim in given_claims)
    for claim in given_claims:
        if used <= budget and claim.used <= claim.granted:
            assert grants[claim.process] >= claim.used - 1e-9, "who keeps to his grant is not made to sell"


@PROPERTY
@given(st.floats(1, 300), claims)
def test_once_everyone_has_heard_the_whole_budget_is_in_use_and_stays_put(budget, given_claims):
    now = [Claim(one.process, one.used, 0.0, one.weight) for one in given_claims]
    for _ in range(3):
        grants = allocate(budget, now)
        now = [Claim(one.process, one.used, grants[one.process], one.weight) for one in now]
    again = allocate(budget, now)
    used = sum(one.used for one in now)
    if used > budget or any(one.weight > 1e-6 for one in now):
        assert sum(again.values()) == pytest.approx(budget)
    for one in now:
        assert again[one.process] == pytest.approx(one.granted, abs=1e-6)
        if used > budget:
            assert again[one.process] == pytest.approx(one.used * budget / used)


def test_spare_risk_goes_by_weight_and_a_silent_process_keeps_its_own():
    free = allocate(100.0, [Claim("a", 10.0, 0.0, 1.0), Claim("b", 0.0, 0.0, 3.0)])
    assert free == pytest.approx({"a": 10 + 22.5, "b": 67.5})
    silent = allocate(100.0, [Claim("a", 10.0, 32.5, 1.0), Claim("b", 67.5, 67.5, 0.0)])
    assert silent["b"] >= 67.5
    assert silent["a"] == pytest.approx(32.5)


class TwoProcesses(RuleBasedStateMachine):
    """Grants that are lost, late or out of order; each process acts on the newest grant it has seen."""

    @initialize()
    def start(self):
        self.budget = 100.0
        self.acts_on = [0.0, 0.0, 0.0]
        self.heard = [0, 0, 0]
        self.used = [0.0, 0.0, 0.0]
        self.sent = [[(0, 0.0)], [(0, 0.0)], [(0, 0.0)]]  # not yet known to be superseded, oldest first
        self.number = 0

    @rule(shares=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)))
    def trade(self, shares):
        self.used = [share * most for share, most in zip(shares, self.acts_on, strict=True)]

    @rule(weights=st.tuples(st.floats(0, 3), st.floats(0, 3), st.floats(0.1, 3)))
    def grant(self, weights):
        self.number += 1
        now = [
            Claim(str(index), self.used[index], max(grant for _, grant in sent), weights[index])
            for index, sent in enumerate(self.sent)
        ]
        for name, grant in allocate(self.budget, now).items():
            self.sent[int(name)].append((self.number, grant))

    @rule(process=st.integers(0, 2), which=st.integers(0, 10))
    def arrive(self, process, which):
        sent = self.sent[process]
        number, grant = sent[min(which, len(sent) - 1)]
        if number > self.heard[process]:
            self.heard[process], self.acts_on[process] = number, grant
            self.used[process] = min(self.used[process], grant)

    @rule(process=st.integers(0, 2))
    def acknowledge(self, process):
        self.sent[process] = [one for one in self.sent[process] if one[0] >= self.heard[process]]

    @invariant()
    def the_budget_holds(self):
        assert sum(self.acts_on) <= self.budget + 1e-9
        assert sum(self.used) <= self.budget + 1e-9


TwoProcesses.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTwoProcesses = TwoProcesses.TestCase
