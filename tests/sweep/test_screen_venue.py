"""The screening's queue on markets drawn at random: what no order of ours may ever gain."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.sweep.screening.state import (
    ADD,
    BOOK,
    CHANGE,
    DELETE,
    EVENT,
    NONE,
    TRADE,
    UNSEEN,
    UPDATE,
    Columns,
    new_run,
    new_venue,
)
from mm_nautilus.sweep.screening.venue import enter_queue, is_matched, on_book, on_trade

LOW, WIDTH, OTHERS = 100, 20, 64
TICKS = st.integers(LOW, LOW + WIDTH - 1)
LOTS = st.integers(1, 9)
SIDES = st.sampled_from([1, -1])


@dataclass
class Played:
    """A venue with orders of ours on it, and beside it the book as a dictionary would have it."""

    book: int
    others: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """Side, price and lots of every order of somebody else, oldest first; of a level in a book by price."""
    now_ns: int = 0
    ids: int = 0

    def __post_init__(self) -> None:
        deepest = OTHERS if self.book == 3 else 0
        columns = Columns(np.zeros(0, EVENT), np.zeros(0, CHANGE), LOW, WIDTH, OTHERS, deepest, self.book)
        self.venue, self.it = new_venue(columns), new_run(columns, 0.0, 0.0, 1.0, 1, 1)
        self.run = self.it.state[0]

    def size(self, side: int, price: int) -> int:
        return sum(lots for where, at, lots in self.others.values() if (where, at) == (side, price))

    def best(self, side: int) -> int:
        prices = [price * side for where, price, _ in self.others.values() if where == side]
        return max(prices) * side if prices else NONE

    def event(self, **fields: int) -> np.void:
        self.now_ns += 1
        event = np.zeros(1, EVENT)
        for name, value in {"ts_ns": self.now_ns, "event_ns": self.now_ns, **fields}.items():
            event[name] = value
        return event[0]

    def told(self, hits: int) -> dict[int, int]:
        """Return the lots that each slot was filled by."""
        found: dict[int, int] = {}
        for hit in self.venue.hits[:hits]:
            found[int(hit["key"])] = found.get(int(hit["key"]), 0) + int(hit["lots"])
        for slot in [slot for slot in found if self.order(slot)["done"] >= self.order(slot)["resting_total"]]:
            self.leave(slot)
        return found

    def order(self, slot: int) -> np.void:
        return self.it.orders[slot]

    def slots(self) -> list[int]:
        return self.it.live[: self.run["live"]].tolist()

    def ahead(self) -> dict[int, int]:
        return {slot: int(self.order(slot)["ahead"]) for slot in self.slots()}

    def enter(self, side: int, price: int, lots: int) -> int | None:
        if is_matched(self.run, side, price) or len(self.slots()) > 8:
            return None
        slot = next(slot for slot in range(64) if slot not in self.slots())
        order = self.order(slot)
        for name, value in {
            "side": side, "resting": price, "resting_total": lots, "done": 0, "at_venue": 1, "excess": -1,
        }.items():  # fmt: skip
            order[name] = value
        self.it.live[self.run["live"]] = slot
        self.run["live"] += 1
        enter_queue(self.venue, self.run, order, slot)
        return slot

    def leave(self, slot: int) -> None:
        left = [one for one in self.slots() if one != slot]
        self.order(slot)["at_venue"] = 0
        self.it.live[: len(left)] = left
        self.run["live"] = len(left)

    def change(self, action: int, key: int, side: int, price: int, lots: int) -> dict[int, int]:
        """Apply one change of the book, and return what it filled."""
        self.others.pop(key, None) if action == DELETE else self.others.update({key: (side, price, lots)})
        changes = np.zeros(1, CHANGE)
        changes["action"], changes["side"], changes["at"], changes["size"] = action, int(side < 0), price, lots
        changes["order"] = key if self.book == 3 else -1
        bid, ask = self.best(1), self.best(-1)
        tops = {
            "bid": bid, "ask": ask, "bid_lots": 0 if bid == NONE else self.size(1, bid),
            "ask_lots": 0 if ask == NONE else self.size(-1, ask),
        }  # fmt: skip
        event = self.event(kind=BOOK, first=0, last=1, **tops)
        return self.told(on_book(changes, event, self.venue, self.run, self.it.orders, self.it.live))

    def put(self, side: int, price: int, lots: int) -> dict[int, int]:
        """Put lots of others at a price: a new order, or the whole level where a book has no orders."""
        opposite = self.best(-side)
        if (opposite != NONE and (price - opposite) * side >= 0) or self.ids >= OTHERS:
            return {}
        if self.book == 3:
            self.ids += 1
            return self.change(ADD, self.ids - 1, side, price, lots)
        key = side * price
        return self.change(UPDATE if key in self.others else ADD, key, side, price, lots)

    def cut(self, place: int, lots: int) -> dict[int, int]:
        """Make an order of others smaller, or take it away."""
        if not self.others:
            return {}
        key = list(self.others)[place % len(self.others)]
        side, price, before = self.others[key]
        if lots >= before:
            return self.change(DELETE, key, side, price, 0)
        return self.change(UPDATE, key, side, price, before - lots)

    def trade(self, price: int, lots: int, aggressor: int) -> dict[int, int]:
        event = self.event(kind=TRADE, price=price, lots=lots, aggressor=aggressor)
        return self.told(on_trade(event, self.venue, self.run, self.it.orders, self.it.live))


ACTIONS = st.one_of(
    st.tuples(st.just("put"), SIDES, TICKS, LOTS),
    st.tuples(st.just("cut"), st.integers(0, 99), LOTS),
    st.tuples(st.just("trade"), TICKS, LOTS, st.sampled_from([1, -1, 0])),
    st.tuples(st.just("enter"), SIDES, TICKS, LOTS),
    st.tuples(st.just("leave"), st.integers(0, 99)),
    st.tuples(st.just("amend"), st.integers(0, 99), TICKS),
)


def check_fills(played: Played, before: dict[int, int], filled: dict[int, int], orders: dict[int, tuple]) -> None:
    for slot, lots in filled.items():
        _, _, leaves = orders[slot]
        assert 0 < lots <= leaves, "more than was left of the order"
        assert before[slot] == UNSEEN or played.order(slot)["ahead"] == 0, "filled before those ahead of it"


@pytest.mark.parametrize("book", [2, 3])
@settings(max_examples=250, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=40))
def test_no_order_gains_what_the_market_does_not_give(book: int, actions: list[tuple]) -> None:
    played = Played(book)
    for what, *words in actions:
        before = played.ahead()
        orders = {
            slot: (int(one["side"]), int(one["resting"]), int(one["resting_total"] - one["done"]))
            for slot in played.slots()
            for one in [played.order(slot)]
        }
        if what == "put":
            side, price, lots = words
            filled = played.put(side, price, lots)
            against = sum(lots for slot, lots in filled.items() if orders[slot][0] != side)
            assert sum(filled.values()) == against, "filled by its own side"
            assert against <= sum(lots for where, _, lots in played.others.values() if where == side)
        elif what == "cut":
            filled = played.cut(*words)
            assert not filled, "what is taken away fills nobody"
        elif what == "trade":
            price, lots, aggressor = words
            filled = played.trade(price, lots, aggressor)
            assert sum(filled.values()) <= lots, "more than traded"
            for slot, mine in filled.items():
                assert mine <= lots - max(before[slot], 0), "what was before it went first"
        elif what == "enter":
            slot = played.enter(*words)
            if slot is not None:
                assert played.order(slot)["ahead"] == played.size(words[0], words[1]), "behind all that is shown"
            continue
        elif not played.slots():
            continue
        elif what == "leave":
            played.leave(played.slots()[words[0] % len(played.slots())])
            assert {slot: before[slot] for slot in played.slots()} == played.ahead()
            continue
        else:
            slot = played.slots()[words[0] % len(played.slots())]
            order, price = played.order(slot), words[1]
            if not is_matched(played.run, int(order["side"]), price):
                order["resting"] = price
                enter_queue(played.venue, played.run, order, slot)
                assert order["ahead"] == played.size(int(order["side"]), price), "an amended price is a new place"
                assert order["sequence"] == max(played.order(one)["sequence"] for one in played.slots())
            continue
        check_fills(played, before, filled, orders)
        for slot, ahead in played.ahead().items():
            assert ahead <= before[slot], "nobody comes in before an order that waits"
            assert ahead >= 0
            if book == 3:
                tracked = int(played.order(slot)["tracked"])
                assert ahead == played.venue.ahead[slot, :tracked]["lots"].sum(), "place and those ahead disagree"


@pytest.mark.parametrize("book", [2, 3])
def test_the_levels_are_those_of_a_plain_book(book: int) -> None:
    rng, played = np.random.default_rng(1), Played(book)
    for _ in range(60):
        played.put(int(rng.choice([1, -1])), int(rng.integers(LOW, LOW + WIDTH)), int(rng.integers(1, 9)))
        played.cut(int(rng.integers(0, 99)), int(rng.integers(1, 9)))
    for across, side in enumerate((1, -1)):
        expected = [played.size(side, LOW + place) for place in range(WIDTH)]
        assert played.venue.levels[across]["size"].tolist() == expected


def test_who_cancels_behind_an_order_does_not_move_it_and_who_cancels_before_it_does() -> None:
    played = Played(3)
    played.put(-1, 110, 5)
    played.put(1, 105, 4)
    slot = played.enter(1, 105, 2)
    played.put(1, 105, 6)
    assert played.order(slot)["ahead"] == 4
    played.cut(2, 6)
    assert played.order(slot)["ahead"] == 4
    played.cut(1, 3)
    assert played.order(slot)["ahead"] == 1


def test_in_a_book_by_price_a_level_that_shrinks_below_the_place_of_an_order_moves_it() -> None:
    played = Played(2)
    played.put(-1, 110, 5)
    played.put(1, 105, 9)
    slot = played.enter(1, 105, 2)
    played.put(1, 105, 30)
    assert played.order(slot)["ahead"] == 9, "what comes later stands behind"
    played.put(1, 105, 10)
    assert played.order(slot)["ahead"] == 9, "as far as is known the later ones have gone"
    played.put(1, 105, 3)
    assert played.order(slot)["ahead"] == 3


@pytest.mark.parametrize("book", [2, 3])
def test_a_trade_takes_what_is_before_an_order_and_then_the_order(book: int) -> None:
    played = Played(book)
    played.put(-1, 110, 5)
    played.put(1, 105, 4)
    slot = played.enter(1, 105, 3)
    assert played.trade(105, 3, -1) == {}
    assert played.order(slot)["ahead"] == 1
    assert played.trade(105, 2, 1) == {}, "a buyer at its price does not reach a bid"
    assert played.order(slot)["ahead"] == 1
    assert played.trade(105, 3, -1) == {slot: 2}
    assert played.trade(105, 9, -1) == {slot: 1}


@pytest.mark.parametrize("book", [2, 3])
def test_orders_of_ours_at_one_price_share_a_trade_in_the_order_they_came(book: int) -> None:
    played = Played(book)
    played.put(-1, 110, 5)
    played.put(1, 104, 5)
    first, second = played.enter(1, 105, 3), played.enter(1, 105, 3)
    assert played.trade(105, 4, -1) == {first: 3, second: 1}


def test_on_best_prices_alone_an_order_waits_until_its_level_is_shown() -> None:
    played = Played(1)

    def quote(bid: int, bid_lots: int, ask: int, ask_lots: int) -> dict[int, int]:
        event = played.event(kind=BOOK, bid=bid, ask=ask, bid_lots=bid_lots, ask_lots=ask_lots)
        hits = on_book(np.zeros(0, CHANGE), event, played.venue, played.run, played.it.orders, played.it.live)
        return played.told(hits)

    quote(105, 4, 110, 5)
    at_best, behind, between = played.enter(1, 105, 2), played.enter(1, 103, 2), played.enter(1, 107, 2)
    assert [played.order(slot)["ahead"] for slot in (at_best, behind, between)] == [4, UNSEEN, 0]
    quote(103, 6, 110, 5)
    assert played.order(behind)["ahead"] == 6
    assert played.order(at_best)["ahead"] == 0, "the best price has gone through it"
    quote(103, 9, 110, 5)
    assert played.order(behind)["ahead"] == 6, "nobody comes in before it"
    quote(103, 5, 110, 5)
    assert played.order(behind)["ahead"] == 5, "those before it have left"
    assert played.trade(103, 4, -1) == {at_best: 2, between: 2}, "better prices go first"
    assert played.order(behind)["ahead"] == 1
    assert played.trade(103, 2, -1) == {behind: 1}


def test_on_best_prices_alone_a_second_trade_of_the_same_size_fills_as_the_first() -> None:
    played = Played(1)
    event = played.event(kind=BOOK, bid=105, ask=115, bid_lots=9, ask_lots=9)
    on_book(np.zeros(0, CHANGE), event, played.venue, played.run, played.it.orders, played.it.live)
    slot = played.enter(-1, 110, 5)
    assert played.trade(113, 2, 1) == {slot: 2}
    assert played.trade(113, 2, 1) == {slot: 2}
    assert played.trade(113, 2, 1) == {slot: 1}
