"""Where an order goes: the money it would pay decides, the explanation adds up, and no split beats ours."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side
from mm_nautilus.venues.router import Outlet, fill_probability, rank_resting, rank_taking
from mm_nautilus.venues.split import split
from mm_nautilus.venues.venue import Health

PROPERTY = settings(max_examples=150, deadline=None)
SIGMA, Z = 0.4, 1.5


def book(side, steps, start=100.0):
    levels, price = [], start
    for step, size in steps:
        price += side * step
        levels.append((price, size))
    return levels


def outlets(side, lots=False):
    sizes = st.integers(0, 3).map(float) if lots else st.floats(0, 3)
    return st.lists(
        st.builds(
            lambda steps, fee, latency, markout, fx, capacity: Outlet(
                "", book(side, steps, 100.0 / fx), fee, fx=fx, latency_s=latency, taker_markout=markout,
                lot=1.0 if lots else 0.0, capacity=capacity,
            ),
            st.lists(st.tuples(st.floats(0, 0.3), sizes), min_size=1, max_size=4),
            st.floats(-0.0002, 0.002),
            st.floats(0, 0.2),
            st.floats(-0.05, 0.1),
            st.sampled_from([1.0, 1.25]),
            st.sampled_from([math.inf, math.inf, 4.0, 1.0, 0.0]),
        ),
        min_size=1,
        max_size=3,
    )  # fmt: skip


def cost_of(side, outlet, size):
    """Money out (of a sell: money in, with a minus) of taking `size` there, with every charge; None without depth."""
    left, money = size, 0.0
    if size > outlet.capacity:
        return None
    for price, shown in outlet.levels:
        part = min(left, shown)
        worth = part * price * outlet.fx
        charge = Z * SIGMA * math.sqrt(outlet.latency_s) + outlet.taker_markout
        money += side * worth + worth * outlet.taker_fee + part * charge
        left -= part
    return money if left <= 1e-9 else None


@pytest.mark.parametrize("side", list(Side))
def test_venues_rank_by_the_money_an_order_costs(side):
    @PROPERTY
    @given(outlets(side), st.floats(0.1, 6))
    def ranked(venues, size):
        named = [renamed(outlet, str(index)) for index, outlet in enumerate(venues)]
        routes = rank_taking(side, size, named, SIGMA, Z)
        assert sorted(route.venue for route in routes) == [outlet.name for outlet in named]
        costs = []
        for route in routes:
            cost = cost_of(side, named[int(route.venue)], size)
            assert (cost is None) is bool(route.refused)
            if cost is not None:
                assert side * route.net_price * size == pytest.approx(cost)
                assert route.net_price == pytest.approx(route.price + side * route.costs.total)
                costs.append(cost)
        assert costs == sorted(costs)
        assert all(route.refused for route in routes[len(costs) :])

    ranked()


def renamed(outlet, name):
    return Outlet(name, *(getattr(outlet, field) for field in Outlet.__slots__[1:]))


@pytest.mark.parametrize("side", list(Side))
def test_no_split_in_whole_lots_pays_less(side):
    @PROPERTY
    @given(outlets(side, lots=True), st.integers(1, 7))
    def cheapest(venues, size):
        named = [renamed(outlet, str(index)) for index, outlet in enumerate(venues)]
        found = split(side, float(size), named, SIGMA, Z)
        depth = sum(min(outlet.capacity, sum(shown for _, shown in outlet.levels)) for outlet in named)
        placed = min(size, int(depth))
        assert found.residual == pytest.approx(size - placed)
        assert sum(part for _, part in found.parts) == pytest.approx(placed)
        best = min(
            sum(costs)
            for parts in itertools.product(range(placed + 1), repeat=len(named))
            if sum(parts) == placed
            and None not in (costs := [cost_of(side, one, part) for one, part in zip(named, parts, strict=True)])
        )
        paid = sum(cost_of(side, named[int(name)], part) for name, part in found.parts)
        assert paid == pytest.approx(best, abs=1e-9)
        if placed:
            assert side * found.net_price * placed == pytest.approx(paid)

    cheapest()


@pytest.mark.parametrize("side", list(Side))
def test_a_split_is_never_dearer_than_the_best_single_venue(side):
    @PROPERTY
    @given(outlets(side), st.floats(0.1, 6))
    def never_dearer(venues, size):
        best = rank_taking(side, size, venues, SIGMA, Z)[0]
        if not best.refused:
            found = split(side, size, venues, SIGMA, Z)
            assert found.residual == 0.0
            assert side * found.net_price <= side * best.net_price + 1e-9

    never_dearer()


def test_lots_and_smallest_orders_are_kept_and_the_rest_is_said():
    coarse = Outlet("coarse", [(100.0, 10.0)], 0.0, lot=1.0)
    fine = Outlet("fine", [(100.5, 10.0)], 0.0, lot=0.1, min_size=0.5)
    found = split(Side.BUY, 2.75, [coarse, fine])
    assert dict(found.parts) == pytest.approx({"coarse": 2.0, "fine": 0.7})
    assert found.residual == pytest.approx(0.05)
    assert found.net_price == pytest.approx((2 * 100.0 + 0.7 * 100.5) / 2.7)
    found = split(Side.BUY, 2.3, [coarse, fine])
    assert dict(found.parts) == pytest.approx({"coarse": 2.0}), "0.3 is below the smallest order"
    assert found.residual == pytest.approx(0.3)
    nothing = split(Side.SELL, 0.3, [Outlet("dead", [(1.0, 1.0)], 0.0, health=Health.HALTED)])
    assert nothing.parts == ()
    assert math.isnan(nothing.net_price)
    assert nothing.residual == 0.3


def test_a_small_part_gives_way_to_one_that_can_be_placed():
    dear = Outlet("dear", [(101.0, 5.0)], 0.0)
    cheap = Outlet("cheap", [(100.0, 0.4)], 0.0, min_size=0.5)
    assert dict(split(Side.BUY, 1.0, [cheap, dear]).parts) == {"dear": 1.0}


def test_the_explanation_says_what_the_numbers_are():
    venues = [
        Outlet("near", [(100.0, 1.0), (99.0, 1.0)], 0.001, latency_s=0.04, taker_markout=0.02),
        Outlet("far", [(99.9, 5.0)], 0.0, fx=1.0, latency_s=0.25),
        Outlet("thin", [(101.0, 0.5)], 0.0),
        Outlet("halted", [(101.0, 5.0)], 0.0, health=Health.HALTED),
        Outlet("big", [(101.0, 50.0)], 0.0, min_size=10.0),
        Outlet("poor", [(101.0, 50.0)], 0.0, capacity=1.5),
    ]
    routes = rank_taking(Side.SELL, 2.0, venues, sigma=0.5, z=1.0)
    assert [route.venue for route in routes] == ["far", "near", "big", "halted", "poor", "thin"]
    near = routes[1]
    assert near.costs.depth == pytest.approx(0.5)
    assert near.costs.fee == pytest.approx(0.0995)
    assert near.costs.latency == pytest.approx(0.1)
    assert near.net_price == pytest.approx(100.0 - 0.5 - 0.0995 - 0.1 - 0.02)
    assert near.explanation == (
        "near: sell at 99.2805 net = 100 with depth +0.5, fee +0.0995, latency +0.1, markout +0.02 a unit"
    )
    assert routes[5].explanation == "thin: cannot sell there: shows 0.5 of 2"
    assert routes[3].explanation == "halted: cannot sell there: HALTED"
    assert routes[4].explanation == "poor: cannot sell there: balance and limits leave 1.5 of 2"
    assert routes[2].explanation == "big: cannot sell there: below its smallest order of 10"


def test_a_fill_is_the_chance_that_enough_trades_come():
    # Three whole trades of Poisson mean 2: 1 - e^-2 (1 + 2 + 2).
    assert fill_probability(3.0, 0.5, 1.0, 4.0) == pytest.approx(1 - math.exp(-2) * 5)
    assert fill_probability(0.0, 0.0, 0.0, 4.0) == 1.0
    assert fill_probability(1.0, 0.0, 1.0, 4.0) == 0.0
    chances = [fill_probability(queue, 0.5, 1.0, 4.0) for queue in (0.5, 1, 2, 4, 8)]
    assert chances == sorted(chances, reverse=True)


def resting(name, **changes):
    common = {"best": 100.0, "maker_fee": -0.0001, "queue_ahead": 2.0, "trades_per_s": 0.5, "mean_trade": 1.0}
    return Outlet(name, [], 0.0005, **(common | changes))


def test_resting_is_worth_what_a_fill_and_a_miss_are_worth():
    routes = rank_resting(Side.BUY, 1.0, [resting("A", maker_markout=0.03)], 4.0, fallback=100.2, waiting_cost=0.1)
    chance = 1 - math.exp(-2) * 5
    filled = 100.0 - 0.01 + 0.03
    assert routes[0].fill_probability == pytest.approx(chance)
    assert routes[0].net_price == pytest.approx(chance * filled + (1 - chance) * (100.2 + 0.1))
    sold = rank_resting(Side.SELL, 1.0, [resting("A", maker_markout=0.03)], 4.0, fallback=99.8, waiting_cost=0.1)
    assert sold[0].net_price == pytest.approx(chance * (100.0 + 0.01 - 0.03) + (1 - chance) * (99.8 - 0.1))
    assert "filled with probability 0.323" in sold[0].explanation


def test_a_shorter_queue_a_better_fee_and_gentler_flow_come_first():
    base = resting("base")
    better = {
        "queue": resting("queue", queue_ahead=0.5),
        "fee": resting("fee", maker_fee=-0.0003),
        "flow": resting("flow", maker_markout=-0.05),
        "price": resting("price", best=99.9),
        "busy": resting("busy", trades_per_s=1.5),
    }
    for name, other in better.items():
        routes = rank_resting(Side.BUY, 1.0, [base, other], 4.0, fallback=100.5)
        assert [route.venue for route in routes] == [name, "base"]
    refused = rank_resting(
        Side.BUY, 1.0, [resting("void", best=None), resting("tiny", min_size=5.0), base], 4.0, fallback=100.5
    )
    assert [route.venue for route in refused] == ["base", "tiny", "void"]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: Outlet("A", [], 2.0), "A: taker_fee"),
        (lambda: Outlet("A", [], 0.0, fx=0.0), "A: fx"),
        (lambda: Outlet("A", [], 0.0, latency_s=-1.0), "A: latency_s"),
        (lambda: Outlet("A", [], 0.0, capacity=math.nan), "A: capacity"),
        (lambda: Outlet("A", [], 0.0, taker_markout=math.nan), "A: taker_markout"),
        (lambda: rank_taking(Side.BUY, 1.0, [Outlet("A", [(0.0, 1.0)], 0.0)]), "levels"),
        (lambda: rank_taking(Side.BUY, 0.0, [Outlet("A", [(1.0, 1.0)], 0.0)]), "size"),
        (lambda: rank_taking(Side.BUY, 1.0, [], sigma=-1.0), "sigma"),
        (lambda: split(Side.BUY, 0.0, []), "size"),
        (lambda: split(Side.BUY, 1.0, [], z=-1.0), "z"),
        (lambda: rank_resting(Side.BUY, 1.0, [], 0.0, 1.0), "patience_s"),
        (lambda: rank_resting(Side.BUY, 1.0, [], 1.0, math.nan), "fallback"),
        (lambda: rank_resting(Side.BUY, 1.0, [], 1.0, 1.0, -1.0), "waiting_cost"),
    ],
)
def test_bad_input_is_named(call, field):
    with pytest.raises(ParameterError) as caught:
        call()
    assert caught.value.field == field


def test_of_two_parts_that_are_too_small_the_smaller_gives_way():
    one = Outlet("one", [(100.0, 0.4), (102.0, 5.0)], 0.0, min_size=0.5)
    two = Outlet("two", [(101.0, 0.3)], 0.0, min_size=0.5)
    assert dict(split(Side.BUY, 0.7, [one, two]).parts) == pytest.approx({"one": 0.7})
