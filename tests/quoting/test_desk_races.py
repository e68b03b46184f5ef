"""No interleaving of commands, answers, fills and market moves breaks the desk's promises.

The promises are `DeskGame.check`: worst-case exposure, funds, own crosses, orphans, position. The same
game is played three ways: by hypothesis, which shrinks what it finds; from seeds, to show that every
race worth the name is reached; and with one part of the library broken, to show that each promise
would be seen to break.
"""

from __future__ import annotations

from collections import Counter

import pytest
from desk_game import COMMANDS, DeskGame
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from random_play import HALF_SPREADS, MOVES, VERDICTS, WAITS_S, deal, play

from mm_nautilus.market import Side
from mm_nautilus.quoting import desk as desk_module
from mm_nautilus.quoting import reconcile as reconcile_module
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.orders import OrderBookkeeper, OrderStatus, WorkingOrder
from mm_nautilus.quoting.reconcile import Exposure


class DeskMachine(RuleBasedStateMachine):
    """Hypothesis decides what happens next."""

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        self.game = deal(lambda options: data.draw(st.sampled_from(options)))

    @rule(ticks=st.sampled_from(MOVES), half_spread=st.sampled_from(HALF_SPREADS))
    def drift(self, ticks: int, half_spread: int) -> None:
        self.game.drift(ticks, half_spread)

    @rule(ticks=st.sampled_from((-12, 12)))
    def jump(self, ticks: int) -> None:
        self.game.jump(ticks)

    @rule(kind=st.sampled_from(("locked", "crossed", "no bid", "no ask")))
    def unfit_market(self, kind: str) -> None:
        self.game.unfit_market(kind)

    @rule(seconds=st.sampled_from(WAITS_S))
    def wait(self, seconds: float) -> None:
        self.game.wait(seconds)

    @rule(kind=st.sampled_from(COMMANDS), verdict=st.sampled_from(VERDICTS))
    def arrive(self, kind: str, verdict: str) -> None:
        self.game.arrive(kind, verdict)

    @rule()
    def accept(self) -> None:
        self.game.arrive("submit")
        self.game.hear()

    @rule()
    def hear(self) -> None:
        self.game.hear()

    @rule(pick=st.integers(0, 7), lots=st.integers(1, 3))
    def trade(self, pick: int, lots: int) -> None:
        self.game.trade(pick, lots)

    @rule(pick=st.integers(0, 7))
    def cancel_unasked(self, pick: int) -> None:
        self.game.cancel_unasked(pick)

    @invariant()
    def promises(self) -> None:
        self.game.check()

    def teardown(self) -> None:
        self.game.finish(at_once=len(self.game.orders) % 2 == 0)
        for what in self.game.seen:
            event(what)


DeskMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestDeskRaces = DeskMachine.TestCase


def test_every_race_is_reached() -> None:
    seen: Counter[str] = Counter()
    for seed in range(300):
        seen += play(seed)
    expected = {
        *(f"market {fault}" for fault in ("CROSSED_BOOK", "LOCKED_BOOK", "ONE_SIDED_BOOK", "STALE_BOOK", "fit")),
        *(f"state {state}" for state in ("ACTIVE", "PASSIVE", "INVENTORY_LIMIT", "WITHDRAWN")),
        *(f"venue {answer}" for answer in ("accepted", "rejected", "amended", "amend_rejected", "cancel_rejected")),
        *("cancel overtakes submit", "cancel overtakes amend", "cancel lost", "post-only submit", "deferred"),
        *("fill before amend", "fill before cancel", "partial fill", "full fill", "unsolicited cancel"),
        *("amend price", "amend size", "amend meets closed order", "cancel meets closed order"),
        *("late amend_rejected", "late cancel_rejected"),
    }
    rare = {what: seen[what] for what in expected if seen[what] < 5}
    assert not rare, f"hardly ever happens: {rare}"


# ------------------------------------------------------------------ each promise can be seen to break


def breaks(seeds: range, message: str) -> None:
    """Assert that some game fails with a promise that says `message`."""
    said: Counter[str] = Counter()
    for seed in seeds:
        try:
            play(seed)
        except AssertionError as error:
            if message in str(error):
                return
            said[str(error)] += 1
    pytest.fail(f"no game broke with {message!r}; said instead: {said.most_common(3)}")


SEEDS = range(300)


def test_forgetting_what_is_in_flight_breaks_the_exposure(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_cancelling(self: Desk, limit_lots: int, *_others: object) -> Exposure:
        going = [o for o in self.orders if o.status is OrderStatus.PENDING_CANCEL]
        buys = sum(o.leaves_lots for o in going if o.side is Side.BUY)
        sells = sum(o.leaves_lots for o in going if o.side is Side.SELL)
        book = self.orders
        return Exposure(self.position_lots, book.open_buy_lots - buys, book.open_sell_lots - sells, limit_lots)

    monkeypatch.setattr(Desk, "exposure", without_cancelling)
    breaks(SEEDS, "worst case")


def test_trusting_an_amend_before_it_is_answered_breaks_the_exposure(monkeypatch: pytest.MonkeyPatch) -> None:
    amending = OrderBookkeeper.amending

    def trusting(self: OrderBookkeeper, order: WorkingOrder, price_ticks: int, total_lots: int, ts_ns: int) -> None:
        before = order.leaves_lots
        amending(self, order, price_ticks, total_lots, ts_ns)
        order.resting_total_lots = total_lots
        self._count(order.side, order.leaves_lots - before)

    monkeypatch.setattr(OrderBookkeeper, "amending", trusting)
    breaks(SEEDS, "the desk believes in less")


def test_looking_only_at_wanted_prices_crosses_our_own_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile_module, "_nearest_own", lambda _side, _orders: None)
    breaks(SEEDS, "meets own ask")


def test_looking_only_at_where_orders_are_going_crosses_our_own_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    def going(side: Side, orders: list[WorkingOrder]) -> int | None:
        prices = [order.price_ticks for order in orders if order.status is not OrderStatus.PENDING_CANCEL]
        return (max(prices) if side is Side.BUY else min(prices)) if prices else None

    monkeypatch.setattr(reconcile_module, "_nearest_own", going)
    breaks(SEEDS, "meets own ask")


def test_taking_a_cancel_for_done_leaves_an_orphan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "cancelling", lambda self, order: self.orders.closed(order))
    breaks(SEEDS, "the desk believes in less")


def test_forgetting_a_lost_cancel_leaves_an_order_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "cancel_rejected", lambda self, order: None)
    breaks(SEEDS, "an order rests after the end")


def test_ignoring_a_closed_order_leaves_a_ghost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "closed", lambda self, order: None)
    breaks(SEEDS, "we believe in")


def test_quoting_on_any_book_crosses_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "book_fault", lambda _top, _width: None)
    breaks(SEEDS, "crossed or locked book")


def test_ignoring_the_budget_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module.MessageBudget, "available", lambda self, now_ns: 1000)
    breaks(SEEDS, "more messages than the budget allows")


def test_ignoring_the_funds_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeskGame, "funds_now", lambda self: None)
    breaks(SEEDS, "more than the account")
