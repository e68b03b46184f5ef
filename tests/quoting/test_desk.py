"""What a desk does with single events."""

from __future__ import annotations

from typing import Any

import pytest
from desk_game import LOT, DeskGame, game_settings

from mm_nautilus.errors import ConfigError
from mm_nautilus.market import RiskStage, Side, TopOfBook
from mm_nautilus.quoting.adjust import Adjustment
from mm_nautilus.quoting.orders import OrderStatus


def quoting_game(**changes: Any) -> DeskGame:
    """Return a game with both sides resting at the venue."""
    game = DeskGame(game_settings(**changes))
    game.market(998, 1002)
    game.settle()
    assert {order.side for order in game.desk.orders} == {Side.BUY, Side.SELL}
    return game


def test_nothing_new_is_nothing_to_do() -> None:
    game = quoting_game()
    assert game.desk.requote("book", game.now_ns) is None
    decisions = game.desk.decisions
    game.market(998, 1002)
    assert game.desk.decisions == decisions


def test_other_sizes_at_the_same_prices_are_seen_by_whoever_asks() -> None:
    game = quoting_game()
    desk, before = game.desk, game.desk.top
    assert before is not None
    desk.resized(7.0, 3.0)
    desk.resized(8.0, 2.0)
    assert desk.top == TopOfBook(before.bid, before.ask, 8.0, 2.0)
    assert desk.top is desk.top, "made once"
    game.market(997, 1001)
    assert game.desk.top == game.top, "a market that moves says its own sizes"
    desk.resized(9.0, 1.0)
    desk.halt()
    requote = desk.requote("end", game.now_ns)
    assert requote is not None
    assert (requote.decision.bid_size, requote.decision.ask_size) == (9.0, 1.0)


def test_warming_up_is_said_once() -> None:
    game = DeskGame(game_settings(volatility={"warm_up_samples": 2}))
    game.market(998, 1002)
    assert game.seen["state WITHDRAWN"] == 1
    game.market(997, 1001)
    assert game.seen["state WITHDRAWN"] == 1
    for _ in range(3):
        game.wait(1.0)
    assert game.seen["submit"] == 2


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        (1000, 1000, "LOCKED_BOOK"),
        (1001, 999, "CROSSED_BOOK"),
        (None, 1000, "ONE_SIDED_BOOK"),
        (999, None, "ONE_SIDED"),
    ],
)
def test_an_unfit_book_takes_the_quotes_back(bid: int | None, ask: int | None, reason: str) -> None:
    game = quoting_game()
    game.market(bid, ask)
    game.settle()
    assert not list(game.desk.orders)
    last = game.desk.requote("again", game.now_ns)
    assert last is None, "and it is said once"
    assert any(fault.startswith(f"market {reason}") for fault in game.seen)
    game.market(998, 1002)
    game.settle()
    assert len(game.desk.orders) == 2


def test_a_silent_market_takes_the_quotes_back() -> None:
    game = quoting_game()
    game.wait(30.0)
    game.settle()
    assert len(game.desk.orders) == 2
    game.wait(0.1)
    game.settle()
    assert not list(game.desk.orders)


def test_a_book_wider_than_allowed_is_not_quoted() -> None:
    desk = quoting_game(guards={"max_book_spread_bps": 50.0}).desk
    desk.top = TopOfBook(499.0, 501.5, 1.0, 1.0)  # 2.5 of 500.25: 50 bps and a little less
    assert desk.fault(0) is None
    desk.top = TopOfBook(499.0, 501.6, 1.0, 1.0)
    assert desk.fault(0) == "WIDE_BOOK"


def test_samples_only_a_fit_market() -> None:
    game = quoting_game()
    top = TopOfBook(499.0, 501.0, 1.0, 1.0)
    game.desk.top = top
    assert game.desk.sample(game.now_ns) == top
    game.desk.top = TopOfBook(501.0, 499.0, 1.0, 1.0)
    assert game.desk.sample(game.now_ns) is None


def test_an_adjustment_takes_effect_at_the_next_pass() -> None:
    game = quoting_game()
    before = {order.side: order.price_ticks for order in game.desk.orders}
    game.desk.adjustment = Adjustment(bid_spread=3.0)
    game.think("adjust")
    game.settle()
    after = {order.side: order.price_ticks for order in game.desk.orders}
    assert after[Side.BUY] < before[Side.BUY]
    assert after[Side.SELL] == before[Side.SELL]


def test_a_fill_nobody_knows_moves_the_position_all_the_same() -> None:
    game = quoting_game()
    game.desk.filled(Side.BUY, 3, None)
    assert game.desk.position_lots == 3
    assert game.desk.dirty


def test_the_record_says_what_was_seen_and_wanted() -> None:
    game = DeskGame(game_settings(), start_position=2)
    game.top = TopOfBook(499.0, 501.0, 5.0, 5.0)
    game.desk.heard(0)
    game.desk.top = game.top
    requote = game.desk.requote("book", 7)
    assert requote is not None
    decision = requote.decision
    assert (decision.ts_ns, decision.trigger, decision.decision_id) == (7, "book", 1)
    assert (decision.bid, decision.ask, decision.fair_value) == (499.0, 501.0, 500.0)
    lot = float(LOT)
    assert (decision.position, decision.worst_long, decision.worst_short) == (2 * lot, 2 * lot, 2 * lot)
    assert decision.submits == len(decision.bid_prices) + len(decision.ask_prices) == 2
    assert decision.bid_prices[0] < decision.reservation_price < 500.0 < decision.ask_prices[0]


def test_buys_must_be_payable_at_the_dearest_of_ask_and_working_bids() -> None:
    game = quoting_game()
    bid = next(order for order in game.desk.orders if order.side is Side.BUY)
    assert game.desk.dearest_price() == 501.0
    game.desk.top = TopOfBook(400.0, 401.0, 1.0, 1.0)
    assert game.desk.dearest_price() == bid.price_ticks * 0.5


def test_a_halted_desk_stays_halted() -> None:
    game = quoting_game()
    game.halt(at_once=False)
    game.settle()
    game.market(990, 994)
    game.settle()
    assert not list(game.desk.orders)
    assert game.seen["submit"] == 2


def test_a_pause_takes_the_quotes_back_and_holds_beside_a_risk_stage() -> None:
    game = quoting_game()
    game.desk.pause(paused=True)
    game.market(990, 994)
    game.settle()
    assert not list(game.desk.orders)
    game.desk.restrain(RiskStage.REDUCE_ONLY)
    game.desk.restrain(RiskStage.NORMAL)
    game.market(991, 995)
    game.settle()
    assert not list(game.desk.orders), "the stage that came and went has not ended the pause"
    game.desk.pause(paused=False)
    game.market(992, 996)
    game.settle()
    assert {order.side for order in game.desk.orders} == {Side.BUY, Side.SELL}


def test_the_end_of_a_pause_does_not_end_a_halt() -> None:
    game = quoting_game()
    game.desk.pause(paused=True)
    game.halt(at_once=False)
    game.desk.pause(paused=False)
    game.market(990, 994)
    game.settle()
    assert not list(game.desk.orders)


def test_other_settings_hold_from_the_next_pass_on() -> None:
    game = quoting_game()
    before = game.desk.decisions
    game.desk.retune(game_settings(guards={"min_half_spread_bps": 200.0}))
    game.market(998, 1002)
    game.settle()
    assert game.desk.decisions > before
    prices = {order.side: order.price_ticks for order in game.desk.orders}
    assert prices[Side.BUY] <= 980
    assert prices[Side.SELL] >= 1020


def test_a_lower_limit_leaves_only_the_reducing_side() -> None:
    game = DeskGame(game_settings(), start_position=6)
    game.desk.retune(game_settings(limits={"max_position": 4 * LOT}))
    game.market(998, 1002)
    game.settle()
    assert {order.side for order in game.desk.orders} == {Side.SELL}


def test_settings_that_do_not_fit_change_nothing() -> None:
    game = quoting_game()
    decisions = game.desk.decisions
    with pytest.raises(ConfigError, match="not a multiple of the lot size"):
        game.desk.retune(game_settings(order_size="0.15", guards={"min_half_spread_bps": 200.0}))
    game.market(998, 1002)
    assert game.desk.decisions == decisions


def test_a_lost_cancel_leaves_the_order_on_its_way() -> None:
    game = DeskGame(game_settings())
    game.market(998, 1002)
    game.halt(at_once=True)
    game.arrive("cancel")
    game.hear()
    order = next(iter(game.desk.orders))
    assert order.status is OrderStatus.PENDING_SUBMIT, "it has not been accepted yet"
    game.arrive("submit")
    game.hear()
    assert order.status is OrderStatus.PENDING_CANCEL, "and is cancelled once it is"


def test_a_refused_cancel_after_an_amend_without_an_answer_leaves_what_rested() -> None:
    game = quoting_game(order_size=3 * LOT)
    bid = next(order for order in game.desk.orders if order.side is Side.BUY)
    rested, worst = bid.price_ticks, game.desk.open_lots(Side.BUY)
    game.desk.amending(bid, rested - 2, 1, game.now_ns)
    game.desk.cancelling(bid)
    game.desk.cancel_rejected(bid)
    assert (bid.status, bid.price_ticks, bid.total_lots) == (OrderStatus.WORKING, rested, 3)
    assert game.desk.open_lots(Side.BUY) == worst
    game.desk.amended(bid, rested - 2, 1)
    assert (bid.price_ticks, bid.resting_ticks, game.desk.open_lots(Side.BUY)) == (rested - 2, rested - 2, 1)


def test_a_shrink_that_meets_a_fill_ends_the_order() -> None:
    """Amended to what has filled meanwhile, it leaves nothing behind."""
    game = quoting_game(order_size=3 * LOT)
    bid = next(order for order in game.desk.orders if order.side is Side.BUY)
    game.desk.amending(bid, bid.price_ticks, 1, game.now_ns)
    game.put("amend", bid.client_order_id, Side.BUY, bid.price_ticks, 1)
    game.trade(list(game.orders).index(bid.client_order_id), 1)
    assert bid.leaves_lots == 3, "until the fill is heard"
    game.settle()
    assert game.seen["amend ends order"] == 1
    game.check()
