"""The worst case of a portfolio never passes its budget, whatever fills."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.risk_room import RiskRoom

N = 4


def covariance(seed, n=N):
    rng = np.random.default_rng(seed)
    loads = rng.normal(size=(n, 2)) * np.exp(rng.normal(size=(n, 1)))
    return loads @ loads.T + np.diag(rng.uniform(0.0, 0.5, n))


def worst_of(sigma, held, orders):
    """The largest deviation over every subset of fills: a convex function is largest at a corner."""
    outcomes = itertools.product(*[(0.0, buys, -sells) for buys, sells in orders])
    return max(math.sqrt(max((x := held + np.array(o)) @ sigma @ x, 0.0)) for o in outcomes)


class Room(RuleBasedStateMachine):
    """Orders come as large as they are allowed to be, fill in part or whole or go, in any order."""

    @initialize(seed=st.integers(0, 10_000), budget=st.floats(0.5, 20.0))
    def begin(self, seed, budget):
        self.sigma, self.budget = covariance(seed), budget
        self.room, self.held = RiskRoom(N), np.zeros(N)
        self.orders = [(0.0, 0.0)] * N
        self.room.measure(self.sigma)
        self.most = budget

    @rule(index=st.integers(0, N - 1), share=st.floats(0.0, 1.0), both=st.booleans(), buy=st.booleans())
    def quote(self, index, share, both, buy):
        self.orders[index] = (0.0, 0.0)
        self.room.working(index, 0.0, 0.0)
        buys, sells = self.room.room(index, self.budget)
        self.orders[index] = (buys * share if buy or both else 0.0, sells * share if both or not buy else 0.0)
        self.room.working(index, *self.orders[index])

    @rule(index=st.integers(0, N - 1), buy=st.booleans(), share=st.floats(0.0, 1.0))
    def fill(self, index, buy, share):
        buys, sells = self.orders[index]
        done = (buys if buy else sells) * share
        self.held[index] += done if buy else -done
        self.orders[index] = (buys - done, sells) if buy else (buys, sells - done)
        self.room.hold(index, self.held[index])
        self.room.working(index, *self.orders[index])

    @rule(seed=st.integers(0, 10_000))
    def measure_anew(self, seed):
        """A new covariance may find too much risk: from there it must not grow."""
        self.sigma = covariance(seed)
        self.room.measure(self.sigma)
        self.most = max(self.budget, worst_of(self.sigma, self.held, self.orders))

    @rule(budget=st.floats(0.0, 20.0))
    def another_budget(self, budget):
        self.budget = budget
        self.most = max(self.budget, worst_of(self.sigma, self.held, self.orders))

    @precondition(lambda self: hasattr(self, "sigma"))
    @invariant()
    def nothing_is_worse_than_allowed(self):
        worst = worst_of(self.sigma, self.held, self.orders)
        assert worst <= self.most * (1.0 + 1e-6) + 1e-6
        assert worst <= self.room.worst() * (1.0 + 1e-6) + 1e-6
        assert self.room.deviation == pytest.approx(
            math.sqrt(max(self.held @ self.sigma @ self.held, 0.0)), rel=1e-4, abs=1e-4
        )


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(st.integers(0, 500), st.floats(1.0, 50.0))
@settings(max_examples=60, deadline=None)
def test_the_room_is_used_up_exactly(seed, budget):
    """An adding order as large as its room reaches the budget, to rounding: no less is promised, no more given."""
    sigma, room = covariance(seed), RiskRoom(N)
    room.measure(sigma)
    buys, sells = room.room(0, budget)
    assert buys == sells == pytest.approx(budget / math.sqrt(sigma[0, 0]))
    other = 0.2 * budget / math.sqrt(sigma[1, 1])
    room.working(1, 0.5 * other, other)
    buys, _ = room.room(0, budget)
    room.working(0, buys, 0.0)
    assert room.worst() == pytest.approx(budget)


def test_above_the_budget_only_what_reduces_the_risk_may_trade():
    sigma = np.array([[1.0, 0.9], [0.9, 1.0]])
    room = RiskRoom(2)
    room.measure(sigma)
    room.hold(0, 10.0)
    assert room.room(0, 1.0) == (0.0, pytest.approx(11.0))  # as far as one short: that is the budget
    # The other one hedges it: selling 9 of it is best, though the budget is out of reach; buying any of it is worse.
    assert room.room(1, 1.0) == (0.0, pytest.approx(9.0))
    room.working(0, 0.0, 10.0)  # which may be sold in the meantime: then selling the other helps no more
    assert room.room(1, 1.0) == (0.0, 0.0)


def test_orders_that_only_reduce_are_not_counted_as_risk():
    room = RiskRoom(2)
    room.measure([[1.0, 0.0], [0.0, 1.0]])
    room.hold(0, 10.0)
    room.working(0, 0.0, 5.0)
    assert room.worst() == pytest.approx(10.0)
    room.working(0, 1.0, 5.0)
    assert room.worst() == pytest.approx(11.0)
    room.working(0, 0.0, 25.0)  # beyond twice what is held it could end up worse
    assert room.worst() > 15.0


def test_what_does_not_move_is_not_bounded():
    room = RiskRoom(2)
    room.measure([[0.0, 0.0], [0.0, 1.0]])
    assert room.room(0, 1.0) == (math.inf, math.inf)


def test_a_matrix_that_is_no_covariance_is_refused():
    room = RiskRoom(2)
    with pytest.raises(ParameterError, match="shape"):
        room.measure([[1.0]])
    with pytest.raises(ParameterError, match="positive semi-definite"):
        room.measure([[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ParameterError, match="instruments"):
        RiskRoom(0)
