"""The exchange that live tests trade on: it has to be right before it may misbehave."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bybit_exchange.contract import Contract
from bybit_exchange.faults import KINDS, LASTING, RateLimit, schedule
from bybit_exchange.matching import Matcher, Order, Status
from bybit_exchange.venue import Venue
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.market import Side

BID, ASK = 1000, 1002


def book(bid_lots: int = 10, ask_lots: int = 10) -> Matcher:
    matcher = Matcher()
    for depth in range(3):
        matcher.set_level(Side.BUY, BID - depth, bid_lots)
        matcher.set_level(Side.SELL, ASK + depth, ask_lots)
    return matcher


def order(side: Side, price: int | None, lots: int, force: str = "GTC", name: str = "o") -> Order:
    return Order(name, name, side, price, lots, force)


def fills(found: list) -> list[tuple[str, int, int, bool]]:
    return [(one.order.order_id, one.price, one.lots, one.maker) for one in found]


def test_an_order_waits_behind_the_size_that_was_there() -> None:
    matcher, ours = book(), order(Side.BUY, BID, 4)
    assert matcher.place(ours) == []
    assert fills(matcher.trade(BID, 7, Side.SELL)) == []
    assert fills(matcher.trade(BID, 5, Side.SELL)) == [("o", BID, 2, True)]
    assert ours.status is Status.PARTIALLY_FILLED
    assert fills(matcher.trade(BID, 9, Side.SELL)) == [("o", BID, 2, True)]
    assert ours.status is Status.FILLED
    assert matcher.resting == []


def test_two_orders_at_one_price_fill_in_the_order_of_their_arrival() -> None:
    matcher = book()
    first, second = order(Side.SELL, ASK, 3, name="first"), order(Side.SELL, ASK, 3, name="second")
    matcher.place(first)
    matcher.set_level(Side.SELL, ASK, 12)  # two more lots came between the two
    matcher.place(second)
    assert fills(matcher.trade(ASK, 11, Side.BUY)) == [("first", ASK, 1, True)]
    assert fills(matcher.trade(ASK, 2, Side.BUY)) == [("first", ASK, 2, True)]
    assert fills(matcher.trade(ASK, 3, Side.BUY)) == [("second", ASK, 1, True)]  # two of the market were first


def test_a_better_price_is_met_first_whatever_its_age() -> None:
    matcher = book()
    matcher.place(order(Side.BUY, BID, 2, name="older"))
    matcher.place(order(Side.BUY, BID + 1, 2, name="better"))
    assert fills(matcher.trade(BID, 13, Side.SELL)) == [("better", BID + 1, 2, True), ("older", BID, 1, True)]


def test_a_trade_of_the_same_side_moves_nobody() -> None:
    matcher, ours = book(), order(Side.BUY, BID, 2)
    matcher.place(ours)
    assert matcher.trade(ASK, 100, Side.BUY) == []
    assert ours.ahead == 10


def test_what_leaves_the_level_was_ahead_of_us_at_most() -> None:
    matcher, ours = book(), order(Side.BUY, BID, 2)
    matcher.place(ours)
    matcher.set_level(Side.BUY, BID, 4)
    assert ours.ahead == 4
    matcher.set_level(Side.BUY, BID, 50)
    assert ours.ahead == 4


def test_a_book_that_moves_through_us_fills_us_at_our_price() -> None:
    matcher, ours = book(), order(Side.BUY, BID + 1, 5)
    matcher.place(ours)
    matcher.set_level(Side.SELL, BID, 3)
    assert fills(matcher.uncross()) == [("o", BID + 1, 3, True)]
    assert matcher.uncross() == []  # those three are gone


def test_what_was_taken_is_gone_until_the_level_changes() -> None:
    matcher = book()
    assert fills(matcher.place(order(Side.BUY, ASK, 8, "IOC", "a"))) == [("a", ASK, 8, False)]
    late = order(Side.BUY, ASK, 8, "IOC", "b")
    assert fills(matcher.place(late)) == [("b", ASK, 2, False)]
    assert late.status is Status.CANCELLED
    matcher.set_level(Side.SELL, ASK, 9)
    assert fills(matcher.place(order(Side.BUY, ASK, 8, "IOC", "c"))) == [("c", ASK, 8, False)]


def test_a_market_order_walks_the_book() -> None:
    assert fills(book().place(order(Side.SELL, None, 14, "IOC"))) == [("o", BID, 10, False), ("o", BID - 1, 4, False)]


@pytest.mark.parametrize(
    ("force", "reason"), [("PostOnly", "EC_PostOnlyWillTakeLiquidity"), ("FOK", "EC_NoImmediateQtyToFill")]
)
def test_an_order_that_may_not_take_or_not_wait_is_cancelled_whole(force: str, reason: str) -> None:
    matcher, ours = book(), order(Side.BUY, ASK, 11, force)
    assert matcher.place(ours) == []
    assert (ours.status, ours.reason, ours.filled) == (Status.CANCELLED, reason, 0)


def test_only_a_smaller_size_keeps_the_place_in_the_queue() -> None:
    matcher, ours = book(), order(Side.BUY, BID, 6)
    matcher.place(ours)
    matcher.trade(BID, 8, Side.SELL)
    matcher.amend(ours, BID, 3)
    assert ours.ahead == 2
    matcher.amend(ours, BID, 5)
    assert ours.ahead == 10


class Seen:
    """Takes what the venue tells."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, topic: str, rows: list[dict[str, Any]]) -> None:
        self.told += [(topic, row) for row in rows]


def venue(**contract: Any) -> tuple[Venue, Seen]:
    seen = Seen()
    made = Venue(Contract(**contract), seen)
    for depth in range(3):
        made.change_level(Side.BUY, 600_000 - depth, 10)
        made.change_level(Side.SELL, 600_001 + depth, 10)
    return made, seen


def command(side: str, price: str, size: str, force: str = "GTC", link: str = "a") -> dict[str, Any]:
    limit = {"orderType": "Limit", "price": price, "timeInForce": force}
    return {"symbol": "BTCUSDT", "side": side, "qty": size, "orderLinkId": link} | limit


def test_a_round_trip_leaves_its_profit_less_its_fees() -> None:
    made, _ = venue()
    made.command("create", command("Buy", "60000.1", "0.004", link="in"))
    for depth in range(3):
        made.change_level(Side.BUY, 600_100 - depth, 10)
    made.command("create", command("Sell", "60010.0", "0.004", "IOC", "out"))
    taken = (Decimal("60000.1") + Decimal(60010)) * Decimal("0.004")
    assert made.ledger.position == 0
    assert made.ledger.fees == taken * Decimal("0.00055")
    assert made.ledger.wallet == 100_000 + Decimal("9.9") * Decimal("0.004") - made.ledger.fees


def test_a_position_that_turns_starts_anew_at_the_price_it_turned_at() -> None:
    made, _ = venue()
    made.command("create", command("Buy", "60000.1", "0.004", link="in"))
    made.command("create", command("Sell", "60000.0", "0.010", link="turn"))
    assert made.ledger.position == -6
    assert made.ledger.average == Decimal("60000.0")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (command("Buy", "60000.05", "0.004"), 10001),
        (command("Buy", "60000.0", "0.0004"), 10001),
        (command("Buy", "100.0", "0.004"), 110094),
        (command("Buy", "60000.0", "30.000"), 110007),
        (command("Buy", "60000.0", "0.004") | {"reduceOnly": True}, 110017),
        (command("Buy", "60000.0", "0.004") | {"symbol": "ETHUSDT"}, 10001),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused(fields: dict[str, Any], code: int) -> None:
    made, seen = venue()
    assert made.command("create", fields).code == code
    assert made.orders == {}
    assert seen.told == []


def test_no_two_orders_carry_one_link() -> None:
    made, _ = venue()
    assert made.command("create", command("Buy", "59999.0", "0.004")).code == 0
    assert made.command("create", command("Buy", "59999.0", "0.004")).code == 110072


def test_a_fill_may_win_the_race_against_a_cancel() -> None:
    made, seen = venue()
    made.faults.fill_before_cancel = 1.0
    answers = []
    for number in range(20):
        made.command("create", command("Buy", "59999.0", "0.004", link=str(number)))
        answers.append(made.command("cancel", {"orderLinkId": str(number)}).code)
    assert set(answers) == {0, 110001}
    assert made.ledger.position == sum(one.lots for one in made.ledger.executions) > 0
    assert made.open_orders == []
    assert len([row for topic, row in seen.told if topic == "execution"]) == 20


def test_too_many_commands_are_turned_away_for_a_second() -> None:
    limit = RateLimit()
    assert [limit.passes(0.1 * at, 2) for at in range(4)] == [True, True, False, False]
    assert limit.passes(1.05, 2)


@given(seed=st.integers(0, 1000), length_s=st.floats(5, 100), count=st.integers(0, 30))
def test_a_schedule_is_its_seed_and_ends_in_time(seed: int, length_s: float, count: int) -> None:
    found = schedule(seed, length_s, count)
    assert found == schedule(seed, length_s, count)
    assert len(found) == count
    assert all(one.at_s + one.for_s <= length_s + 1e-2 for one in found)
    assert all((one.for_s > 0) == (one.kind in LASTING) and one.kind in KINDS for one in found)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["create", "cancel", "amend", "level", "trade"]),
        st.sampled_from(list(Side)),
        st.integers(-4, 4),
        st.integers(1, 30),
        st.sampled_from(["GTC", "PostOnly", "IOC", "FOK"]),
    ),
    max_size=60,
)


@given(actions=ACTIONS, seed=st.integers(0, 99))
def test_orders_fills_and_position_always_add_up(actions: list, seed: int) -> None:
    made, seen = venue()
    made.draw.seed(seed)
    made.faults.fill_before_cancel = 0.3
    for number, (action, side, offset, lots, force) in enumerate(actions):
        price = str(made.contract.price(600_000 + offset))
        named = {"orderId": f"ex-{1 + lots % max(len(made.orders), 1)}"}
        size = str(made.contract.size(lots))
        if action == "create":
            made.command("create", command("Buy" if side is Side.BUY else "Sell", price, size, force, str(number)))
        elif action == "cancel":
            made.command("cancel", named)
        elif action == "amend":
            made.command("amend", named | {"price": price, "qty": size})
        elif action == "level":
            made.change_level(side, 600_000 + offset, lots - 1)
            made.settle()
        else:
            made.trade(600_000 + offset, lots, side)
    executions = made.ledger.executions
    assert made.ledger.position == sum(one.lots * one.order.side for one in executions)
    for one in made.orders.values():
        mine = [e for e in executions if e.order is one]
        assert sum(e.lots for e in mine) == one.filled <= one.lots
        assert (one.filled == one.lots) == (one.status is Status.FILLED) or one.status is Status.CANCELLED
        assert (one in made.matcher.resting) == one.is_open
    told = [row for topic, row in seen.told if topic == "execution"]
    assert [row["execId"] for row in told] == [one.execution_id for one in executions]
    last = {row["orderId"]: row["orderStatus"] for topic, row in seen.told if topic == "order"}
    assert last == {one.order_id: str(one.status) for one in made.orders.values()}
