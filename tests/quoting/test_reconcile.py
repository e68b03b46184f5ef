"""The order diff, command by command."""

from __future__ import annotations

from typing import Any

import pytest

from mm_nautilus.market import Ladder, Level, Side
from mm_nautilus.quoting.guards import Bounds, Reason
from mm_nautilus.quoting.orders import OrderStatus, WorkingOrder
from mm_nautilus.quoting.reconcile import Exposure, Plan, reconcile
from mm_nautilus.quoting.settings import RequoteSettings


def resting(name: str, price: int, lots: int = 2, side: Side = Side.BUY, **changes: Any) -> WorkingOrder:
    """Return an order that rests at the venue."""
    fields: dict[str, Any] = {"status": OrderStatus.WORKING, "acknowledged": True, "resting_ticks": price}
    fields |= {"resting_total_lots": lots} | changes
    return WorkingOrder(name, side, 0, 1, price, lots, **fields)


def bids(*levels: tuple[int, int]) -> Ladder:
    return Ladder(bids=tuple(Level(Side.BUY, index, price, lots) for index, (price, lots) in enumerate(levels)))


def plan(
    wanted: Ladder,
    *orders: WorkingOrder,
    position: int = 0,
    limit: int = 100,
    min_lots: int = 1,
    budget: int = 100,
    **settings: Any,
) -> Plan:
    """Return the plan; exposure is what the orders add up to."""
    buys = sum(order.leaves_lots for order in orders if order.side is Side.BUY)
    sells = sum(order.leaves_lots for order in orders if order.side is Side.SELL)
    exposure = Exposure(position, buys, sells, limit)
    return reconcile(wanted, orders, exposure, min_lots, RequoteSettings(**settings), budget)


def said(found: Plan) -> tuple[list[str], list[tuple[str, int, int]], list[tuple[int, int]]]:
    """Return cancels, amends and submits in short."""
    return (
        [order.client_order_id for order in found.cancels],
        [(amend.order.client_order_id, amend.price_ticks, amend.total_lots) for amend in found.amends],
        [(level.price_ticks, level.size_lots) for level in found.submits],
    )


def test_an_unchanged_price_keeps_its_order() -> None:
    found = plan(bids((100, 2), (99, 2)), resting("A", 100), resting("B", 99))
    assert said(found) == ([], [], [])
    assert (found.keeps, found.deferred) == (2, 0)


def test_bounds_hold_what_works_already() -> None:
    bounds = Bounds(5, None, Reason.ASSET_LIMIT)
    assert Exposure(0, 3, 9, 100, bounds=bounds).room_lots(Side.BUY) == 2
    assert Exposure(0, 3, 9, 100, bounds=bounds).room_lots(Side.SELL) == 91
    assert Exposure(98, 0, 0, 100, bounds=bounds).room_lots(Side.BUY) == 2
    exposure = Exposure(0, 2, 0, 100, bounds=Bounds(3, 0))
    found = reconcile(bids((100, 2), (99, 2)), [resting("A", 100)], exposure, 1, RequoteSettings(), 100)
    assert said(found) == ([], [], [(99, 1)])


def test_a_bound_that_falls_cuts_what_rests_whatever_the_tolerance_and_the_budget() -> None:
    exposure = Exposure(0, 4, 0, 100, bounds=Bounds(3, 0))
    found = reconcile(bids((100, 3)), [resting("A", 100, 4)], exposure, 1, RequoteSettings(size_tolerance=0.9), 0)
    assert said(found)[0] == ["A"]


def test_a_moved_price_amends_or_replaces() -> None:
    assert said(plan(bids((101, 2)), resting("A", 100))) == ([], [("A", 101, 2)], [])
    assert said(plan(bids((101, 2)), resting("A", 100), amend=False)) == (["A"], [], [(101, 2)])
    assert said(plan(bids((101, 2)), resting("A", 100, amends=20))) == (["A"], [], [(101, 2)])
    assert said(plan(bids((101, 2)), resting("A", 100, amendable=False))) == (["A"], [], [(101, 2)])


def test_when_the_ladder_shifts_only_the_odd_one_moves() -> None:
    found = plan(bids((101, 2), (100, 2), (99, 2)), resting("A", 100), resting("B", 99), resting("C", 98))
    assert said(found) == ([], [("C", 101, 2)], [])
    assert found.keeps == 2


def test_an_order_at_a_wanted_price_does_not_lose_it_to_a_neighbour() -> None:
    found = plan(bids((100, 2), (90, 2)), resting("near", 99), resting("exact", 100), tolerance_ticks=1)
    assert said(found) == ([], [("near", 90, 2)], [])
    assert found.keeps == 1


def test_tolerance_holds_the_queue_place() -> None:
    assert plan(bids((102, 2)), resting("A", 100), tolerance_ticks=2).messages == 0
    assert plan(bids((103, 2)), resting("A", 100), tolerance_ticks=2).messages == 1


def test_a_partial_fill_is_kept_or_amended_by_its_total() -> None:
    half = resting("A", 100, 4, filled_lots=2)
    assert plan(bids((100, 4)), half).messages == 0, "within the size tolerance"
    assert said(plan(bids((101, 2)), half)) == ([], [("A", 101, 4)], [])
    assert said(plan(bids((101, 1)), half)) == ([], [("A", 101, 3)], [])


def test_size_shrinks_in_place_and_grows_as_a_new_order() -> None:
    assert said(plan(bids((100, 1)), resting("A", 100, 4))) == ([], [("A", 100, 1)], [])
    assert said(plan(bids((100, 5)), resting("A", 100, 1))) == (["A"], [], [(100, 5)])


@pytest.mark.parametrize("status", [OrderStatus.PENDING_SUBMIT, OrderStatus.PENDING_AMEND])
def test_a_command_in_flight_is_waited_for(status: OrderStatus) -> None:
    found = plan(bids((101, 2)), resting("A", 100, status=status))
    assert said(found) == ([], [], [])
    assert found.deferred == 1


def test_a_cancel_in_flight_holds_its_exposure_and_not_its_level() -> None:
    going = resting("A", 100, 2, status=OrderStatus.PENDING_CANCEL)
    assert said(plan(bids((101, 2)), going))[2] == [(101, 2)]
    whole = said(plan(bids((101, 2)), going, limit=3, size_tolerance=0.0))
    assert whole[2] == [], "half of it now would be replaced by the whole"
    assert said(plan(bids((101, 2)), going, limit=3, size_tolerance=0.5))[2] == [(101, 1)]
    assert said(plan(bids((101, 2)), going, limit=2))[2] == []


def test_stumps_do_not_chase_each_other() -> None:
    """Two orders of two lots are to become three each: nothing is sent until the cancels have freed the room."""
    first = plan(bids((100, 3), (99, 3)), resting("A", 100), resting("B", 99), limit=6, size_tolerance=0.0)
    assert said(first) == (["A", "B"], [], [])
    assert first.deferred == 2
    going = [resting(name, price, status=OrderStatus.PENDING_CANCEL) for name, price in (("A", 100), ("B", 99))]
    assert said(plan(bids((100, 3), (99, 3)), *going, limit=6, size_tolerance=0.0))[2] == []
    assert said(plan(bids((100, 3), (99, 3)), limit=6, size_tolerance=0.0))[2] == [(100, 3), (99, 3)]


def test_a_level_whose_room_is_taken_for_good_is_not_waited_for() -> None:
    found = plan(bids((100, 2), (99, 2)), resting("A", 100, 3), limit=4, min_lots=2)
    assert (found.messages, found.deferred) == (0, 0)


def test_submits_stay_within_the_worst_case() -> None:
    assert said(plan(bids((100, 3), (99, 3)), position=6, limit=10))[2] == [(100, 3), (99, 1)]
    assert said(plan(bids((100, 3)), position=10, limit=10))[2] == []
    assert said(plan(bids((100, 3)), position=-15, limit=10))[2] == [(100, 3)], "a reducing order passes"


def test_beyond_the_limit_sizes_are_cut_without_tolerance_or_budget() -> None:
    order = resting("A", 100, 4)
    assert said(plan(bids((100, 3)), order, limit=3)) == ([], [("A", 100, 3)], [])
    assert said(plan(bids((100, 3)), order, limit=3, budget=0)) == (["A"], [], [])
    assert plan(bids((100, 3)), order, limit=4, budget=0).messages == 0


def test_with_the_budget_spent_only_cancels_pass() -> None:
    orders = resting("A", 100), resting("B", 99), resting("gone", 90)
    found = plan(bids((101, 2), (99, 5)), *orders, budget=0)
    assert said(found) == (["gone"], [], [])
    assert found.deferred == 2
    closer = plan(bids((95, 2)), resting("A", 100), budget=0)
    assert said(closer) == (["A"], [], []), "it stands closer to the market than we want"


def test_replacing_takes_budget_for_both_messages() -> None:
    assert plan(bids((100, 5)), resting("A", 100, 1), budget=1).messages == 0
    assert plan(bids((100, 5)), resting("A", 100, 1), budget=2).messages == 2


@pytest.mark.parametrize(
    "changes",
    [{}, {"status": OrderStatus.PENDING_CANCEL}, {"status": OrderStatus.PENDING_AMEND, "resting_ticks": 110}],
)
def test_nothing_meets_an_ask_of_ours_wherever_it_stands_or_goes(changes: dict[str, Any]) -> None:
    ask = resting("ask", 105, side=Side.SELL, **changes)
    for price, allowed in ((104, True), (105, False), (106, False)):
        assert bool(said(plan(bids((price, 2)), ask))[2]) is allowed
        amends = said(plan(bids((price, 2)), ask, resting("bid", 90)))[1]
        assert bool(amends) is allowed


def test_cancels_come_first_and_the_reducing_side_before_the_other() -> None:
    wanted = Ladder((Level(Side.BUY, 0, 100, 2),), (Level(Side.SELL, 0, 105, 2),))
    for position, first in ((5, Side.SELL), (-5, Side.BUY), (0, Side.BUY)):
        assert [level.side for level in plan(wanted, position=position).submits] == [first, first.opposite]
        assert [level.side for level in plan(wanted, position=position, budget=1).submits] == [first]


def test_funds_bound_what_is_sent() -> None:
    exposure = Exposure(0, 2, 0, 100, buy_funds_lots=5, sell_funds_lots=1)
    assert (exposure.room_lots(Side.BUY), exposure.room_lots(Side.SELL)) == (3, 1)


def test_a_plan_counts_every_command() -> None:
    assert plan(bids((101, 2)), resting("A", 100), amend=False).messages == 2
