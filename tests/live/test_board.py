"""What the board shows is what was said: by hand for one order, and against the result of a whole run."""

from copy import replace
from decimal import Decimal
from itertools import pairwise
from random import Random

import orjson
import pytest
from board_kit import TAKES, board_of, seen, tell
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import SOL, THREE_VENUES, Recorded, recorded, recorded_on_three_venues

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.live.monitor.board import Board
from mm_nautilus.live.monitor.cell import DECISIONS, FILLS, POINTS
from mm_nautilus.live.monitor.turns import DETAILS, TURNS
from mm_nautilus.messages import (
    AlertFact,
    ControlFact,
    FillFact,
    FundingFact,
    HedgeFact,
    IncidentFact,
    MarkFact,
    MarkoutFact,
    OrderFact,
    PositionFact,
    QuoteDecision,
    RiskFact,
    RiskState,
)

D = Decimal
S, MS = 10**9, 10**6
NAME = SOL.instrument_id


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("board"))


def decision(ts=10 * S, number=1, bid=100.0, ask=100.1, position=0.0, name=NAME, **changed):
    fields = {
        "ts_ns": ts, "strategy_id": "MM-001", "instrument_id": name, "decision_id": number, "trigger": "book",
        "bid": bid, "ask": ask, "bid_size": 3.0, "ask_size": 4.0, "position": position, "worst_long": position + 2,
        "worst_short": position - 1, "fair_value": 100.05, "sigma": 0.01, "bid_a_per_s": 1.0, "bid_k_per_price": 50.0,
        "ask_a_per_s": 1.0, "ask_k_per_price": 50.0, "reservation_price": 100.04, "bid_half_spread": 0.02,
        "ask_half_spread": 0.02, "bid_spread_multiplier": 1.0, "ask_spread_multiplier": 1.0, "bid_size_multiplier": 1.0,
        "ask_size_multiplier": 1.0, "fair_value_shift": 0.0, "bid_prices": (100.0,), "bid_sizes": (1.0,),
        "ask_prices": (100.1,), "ask_sizes": (1.0,), "quote_state": "ACTIVE", "reasons": (), "caps": (), "submits": 2,
        "amends": 0, "cancels": 0, "keeps": 0, "deferred": 0,
    }  # fmt: skip
    return QuoteDecision(**(fields | changed))


def order(event, ts, price="99.98", side="BUY", name="O-1", size="1.000", reason=""):
    return OrderFact(ts, "MM-001", NAME, name, 1, side, 0, event, D(price), D(size), D(0), reason)


def fill(ts, price="99.98", size="0.4", side="BUY", after="0.4", name="O-1", trade="T-1"):
    return FillFact(
        ts, "MM-001", NAME, name, "V-1", trade, 1, side, 0, D(price), D(size), "MAKER", D("-0.002"), "USDT", D(after),
        100.0, 100.1, ts - S,
    )  # fmt: skip


def mark(ts, bid=100.0, ask=100.1, position="0", fault="", heard=None):
    return MarkFact(
        ts, "MM-001", NAME, bid, ask, 0.01, D(position), D(1), D(1), ts - 20 * MS if heard is None else heard, fault
    )


def only(board: Board, now_ns: int = 0):
    snapshot = seen(board, now_ns)
    return snapshot, snapshot["instruments"][0], snapshot["details"][NAME]


def test_an_empty_board_says_that_nothing_is_known() -> None:
    snapshot, row, detail = only(board_of(SOL), 5 * S)
    assert (row["state"], row["position"], row["pnl"], row["use"]) == (None, None, None, None)
    assert (snapshot["money"], snapshot["latencies"], detail["orders"], detail["path"]) == ([], [], [], [])
    assert snapshot["risk"]["said"] is False
    assert snapshot["connections"] == [{"venue": "SIM", "up": None, "since_ns": None, "losses": 0}]


def test_an_order_is_followed_from_its_submission_to_its_end() -> None:
    board = board_of(SOL)
    tell(board, [decision(), order("SUBMIT", 10 * S)])
    (row,) = only(board)[2]["orders"]
    assert (row["state"], row["rests_s"], row["ahead"]) == ("SENT", None, None)
    tell(board, [order("ACCEPTED", 10 * S + 5 * MS), mark(12 * S)])
    (row,) = only(board)[2]["orders"]
    assert (row["state"], row["price"], row["size"], row["filled"]) == ("RESTING", 99.98, 1.0, 0.0)
    assert (row["distance_ticks"], row["distance_bps"]) == (2.0, pytest.approx(6.997, abs=1e-3))
    assert row["rests_s"] == pytest.approx(1.995)
    assert row["ahead"] == 3.0  # at least what is shown at the best price stands before it
    tell(board, [fill(13 * S)])
    assert only(board)[2]["orders"][0]["filled"] == 0.4
    tell(board, [order("AMEND", 14 * S, "100.00")])
    (row,) = only(board)[2]["orders"]
    assert (row["state"], row["price"], row["wanted_price"]) == ("AMENDING", 99.98, 100.0)
    tell(board, [order("UPDATED", 14 * S + 7 * MS, "100.00")])
    snapshot, overview, detail = only(board)
    (row,) = detail["orders"]
    assert (row["state"], row["price"], row["wanted_price"], row["distance_ticks"]) == ("RESTING", 100.0, None, 0.0)
    assert (overview["own_bid"], overview["bid_ticks"], overview["own_ask"]) == (100.0, 0.0, None)
    assert {one["name"]: one["median_ms"] for one in snapshot["latencies"]} == {
        "submit to answer": pytest.approx(5.0), "amend to answer": pytest.approx(7.0),
    }  # fmt: skip
    tell(board, [fill(15 * S, "100.00", "0.6", after="1.0", trade="T-2")])
    assert only(board)[2]["orders"] == []


@pytest.mark.parametrize("event", ["CANCELED", "EXPIRED", "REJECTED", "DENIED"])
def test_an_order_that_ended_is_not_shown(event: str) -> None:
    board = board_of(SOL)
    tell(board, [decision(), order("SUBMIT", 10 * S), order(event, 11 * S, reason="why")])
    detail = only(board)[2]
    assert detail["orders"] == []
    assert detail["rejects"] == (event in {"REJECTED", "DENIED"})


def test_an_event_of_an_unknown_order_is_that_order() -> None:
    board = board_of(SOL)
    tell(board, [decision(), order("ACCEPTED", 10 * S, "100.10", "SELL")])  # left by an earlier life
    (row,) = only(board)[2]["orders"]
    assert (row["state"], row["side"], row["distance_ticks"]) == ("RESTING", "SELL", 0.0)
    tell(
        board, [order("CANCELED", 11 * S), order("CANCELED", 12 * S, name="O-7"), order("REJECTED", 13 * S, name="O-8")]
    )
    assert only(board)[2]["orders"] == []
    assert only(board)[2]["rejects"] == 1


def test_position_limit_and_worst_case() -> None:
    board = board_of(SOL)
    tell(board, [mark(9 * S, position="2.5")])
    row = only(board)[1]
    assert (row["position"], row["worst_long"], row["worst_short"]) == ("2.5", 3.5, 1.5)  # from what works at the mark
    assert (row["use"], row["worst_use"]) == (0.25, 0.35)
    tell(board, [decision(position=2.5)])
    row = only(board)[1]
    assert (row["worst_long"], row["worst_short"], row["worst_use"]) == (4.5, 1.5, 0.45)
    tell(board, [fill(11 * S, after="-3", side="SELL")])
    assert only(board)[1]["position"] == "-3"
    tell(board, [PositionFact(12 * S, NAME, D("-2.9"))])
    assert only(board)[2]["engine_position"] == "-2.9"


def test_a_position_without_a_limit_has_no_share_of_it() -> None:
    board = board_of(replace(SOL, position_limit=None))
    tell(board, [mark(9 * S, position="2.5")])
    row = only(board)[1]
    assert (row["limit"], row["use"], row["worst_use"], row["position"]) == (None, None, None, "2.5")


def test_a_fill_carries_its_edge_and_the_markouts_known_so_far() -> None:
    board = board_of(SOL)
    tell(board, [fill(10 * S), fill(11 * S, "100.12", side="SELL", trade="T-2", after="0")])
    worth = MarkoutFact(
        11 * S,
        "MM-001",
        NAME,
        "O-1",
        "T-1",
        10 * S,
        "BUY",
        0,
        "MAKER",
        0.4,
        99.98,
        1.0,
        100.05,
        100.0,
        0.07,
        0.02,
        0.05,
    )
    latest, first = only(board)[2]["fills"]
    assert (first["markouts"], first["edge"]) == ({}, pytest.approx(0.07))
    tell(board, [worth, replace(worth, horizon_s=5.0, markout=-0.01)])
    latest, first = only(board)[2]["fills"]
    assert (latest["trade_id"], latest["edge"], latest["markouts"]) == ("T-2", pytest.approx(0.07), {})
    assert first["markouts"] == {"1": 0.02, "5": -0.01}
    assert (first["price"], first["commission"]) == ("99.98", "-0.002")


def test_the_path_has_one_point_a_second_at_most_and_a_bounded_length() -> None:
    board = board_of(SOL)
    for tenth in range(10 * (POINTS + 50)):
        tell(board, [decision(ts=S + tenth * S // 10)])
        board.snapshot(0)
    path = only(board)[2]["path"]
    assert len(path) == POINTS
    assert {later[0] - earlier[0] for earlier, later in pairwise(path)} == {1000}
    assert path[-1][1:4] == [100.0, 100.1, None]


def test_risk_is_told_with_its_reasons_and_the_rules_that_fired() -> None:
    board = board_of(SOL)
    calm = RiskFact(9 * S, "drawdown", "", 0.2, "NORMAL", "0.2 below the peak")
    tell(board, [calm, replace(calm, ts_ns=10 * S, value=7.0, stage="HALT", reason="7 below the peak")])
    tell(board, [RiskState(10 * S, "HALT", "", 2.0, ("drawdown",), "7 below the peak")])
    tell(
        board,
        [
            RiskState(10 * S, "WIDEN", NAME, 2.0, ("latency",), "slow"),
            IncidentFact(10 * S, 1, "RAISED", "drawdown", "HALT", "7 below", "{}"),
        ],
    )
    tell(board, [AlertFact(11 * S, "MM-001", NAME, "age", "held too long")])
    snapshot, row, _ = only(board)
    risk = snapshot["risk"]
    assert (risk["stage"], risk["state"]["rules"], risk["state"]["reason"]) == (
        "HALT",
        ["drawdown"],
        "7 below the peak",
    )
    assert [(rule["rule"], rule["stage"], rule["value"]) for rule in risk["rules"]] == [("drawdown", "HALT", 7.0)]
    assert [one["reason"] for one in risk["restrained"]] == ["slow"]
    assert row["stage"] == "WIDEN"
    assert [one["event"] for one in risk["incidents"]] == ["RAISED"]
    assert [one["text"] for one in snapshot["alerts"]] == ["held too long"]


def test_what_an_operator_commanded_is_told_and_what_he_asked_is_not() -> None:
    board = board_of(SOL)
    halt = ControlFact(S, 2 * S, "c-1", "halt", "ann 127.0.0.1", "test", "", "NORMAL", "HALT", "DONE", "halted")
    tell(board, [halt, replace(halt, command="status")])
    assert [one["command"] for one in only(board)[0]["controls"]] == ["halt"]


def test_what_is_paid_next_on_a_perpetual_is_told() -> None:
    board = board_of(SOL)
    assert only(board)[2]["funding"] is None
    tell(board, [FundingFact(5 * S, NAME, D("0.00010000"), 90 * S), FundingFact(6 * S, NAME, D("-0.0002"), None)])
    tell(board, [FundingFact(7 * S, "ELSE.SIM", D("0.5"), 90 * S)])
    said = {"ts_ns": 6 * S, "instrument_id": NAME, "rate": "-0.0002", "due_ns": None}
    assert only(board)[2]["funding"] == said


def test_connections_count_their_losses_and_keep_since_when() -> None:
    board = board_of(SOL)
    for up, at in ((True, 1), (True, 2), (False, 3), (False, 4), (True, 5)):
        board.connection("SIM", up, at * S)
    board.connection("OTHER", False, 9 * S)
    assert only(board)[0]["connections"] == [
        {"venue": "SIM", "up": True, "since_ns": 5 * S, "losses": 1},
        {"venue": "OTHER", "up": False, "since_ns": 9 * S, "losses": 0},
    ]


def test_latencies_measured_elsewhere_are_quantiles_in_milliseconds() -> None:
    board = board_of(SOL)
    for us in range(1, 101):
        board.latency("tick to order", us * 1e-6)
    (one,) = only(board)[0]["latencies"]
    assert one == {"name": "tick to order", "count": 100, "median_ms": pytest.approx(0.051, abs=1e-3),
                   "p99_ms": pytest.approx(0.099, abs=1e-3), "max_ms": pytest.approx(0.1)}  # fmt: skip


def test_silence_is_counted_on_the_clock_of_the_reader() -> None:
    board = board_of(SOL)
    tell(board, [mark(1_000 * S)])
    assert seen(board, 50 * S)["silent_s"] == 0.0
    assert seen(board, 53 * S)["silent_s"] == 3.0
    tell(board, [mark(1_001 * S, fault="STALE_BOOK", heard=995 * S)])
    snapshot, row, _ = only(board, 54 * S)
    assert (snapshot["silent_s"], snapshot["clock_ns"]) == (0.0, 1_001 * S)
    assert (row["fault"], row["market_s"]) == ("STALE_BOOK", 6.0)


def test_an_asset_that_cannot_be_attributed_is_said_and_the_rest_is_shown() -> None:
    other = replace(SOL, instrument_id="ETHUSDT.SIM", contract=Contract("USDT", "ETH"))
    board = board_of(SOL, other)
    for ts in (1, 2):
        tell(board, [mark(ts * S), replace(mark(ts * S), instrument_id="ETHUSDT.SIM")])
    assert all(row["pnl"] == "0" for row in seen(board)["instruments"])
    tell(board, [replace(fill(3 * S), price=D("NaN")), mark(4 * S), replace(mark(4 * S), instrument_id="ETHUSDT.SIM")])
    for _ in range(2):
        snapshot = seen(board)
        assert list(snapshot["unattributed"]) == ["SOL"]
        assert "price" in snapshot["unattributed"]["SOL"]
        assert [row["pnl"] for row in snapshot["instruments"]] == [None, "0"]
        tell(board, [mark(5 * S), fill(6 * S, trade="T-9")])


def test_messages_of_other_instruments_are_no_error() -> None:
    board = board_of(SOL)
    tell(
        board,
        [
            decision(name="ELSE.SIM"),
            replace(mark(S), instrument_id="ELSE.SIM"),
            replace(fill(S), instrument_id="ELSE.SIM"),
        ],
    )
    assert only(board)[1]["fills"] == 0


def test_lists_are_bounded_and_the_latest_comes_first() -> None:
    board = board_of(SOL)
    for number in range(100):
        hedge = HedgeFact(
            number, "MM-001", "SOL", number, "SENT", "BAND", 1.0, 0.0, NAME, "H", "SELL", D(1), D(1), 1.0, 0.0, 0.0, ""
        )
        tell(board, [decision(ts=number, number=number), fill(number, trade=f"T-{number}"), hedge])
        if number % 3 == 0:
            board.snapshot(0)
    snapshot, _, detail = only(board)
    assert [one["decision_id"] for one in detail["decisions"]] == list(range(99, 99 - DECISIONS, -1))
    assert [one["trade_id"] for one in detail["fills"]] == [f"T-{number}" for number in range(99, 99 - FILLS, -1)]
    assert [one["decision_id"] for one in snapshot["hedges"]][:2] == [99, 98]
    assert detail["decided"] == 100


def test_of_many_instruments_each_gets_its_details_in_turn() -> None:
    many = [
        InstrumentFacts(f"C{number}USDT.SIM", "SIM", D("0.01"), D("0.001"), Contract("USDT", f"C{number}"), D(10))
        for number in range(50)
    ]
    board = board_of(*many)
    tell(board, [decision(name=one.instrument_id) for one in many])
    tell(board, [replace(mark(11 * S), instrument_id=one.instrument_id) for one in many])
    tell(
        board,
        [replace(mark(12 * S, bid=101.0, ask=101.1, position="1"), instrument_id=one.instrument_id) for one in many],
    )
    told, rounds = set(), 0
    while len(told) < 50:
        snapshot = seen(board)
        assert len(snapshot["instruments"]) == 50
        assert len(snapshot["details"]) == TURNS
        told |= snapshot["details"].keys()
        rounds += 1
    assert rounds == -(-50 // TURNS)
    assert all(row["pnl"] is not None for row in seen(board)["instruments"])


def test_what_is_looked_at_is_told_every_time() -> None:
    many = [replace(SOL, instrument_id=f"C{number}USDT.SIM") for number in range(50)]
    board = board_of(*many)
    board.focus(["C49USDT.SIM", "C49USDT.SIM", "ELSE.SIM", *(f"C{number}USDT.SIM" for number in range(30, 40))])
    for _ in range(20):
        told = seen(board)["details"]
        assert "C49USDT.SIM" in told
        assert TURNS <= len(told) <= DETAILS
    board.focus([])
    assert len(seen(board)["details"]) == TURNS


def test_currencies_are_not_added_up() -> None:
    coin = InstrumentFacts(
        "SOLUSD_PERP.SIM", "SIM", D("0.01"), D(1), Contract("USD", "SOL", D(10), inverse=True), D(100)
    )
    board = board_of(SOL, coin)
    for ts in (1, 2):
        tell(board, [mark(ts * S), replace(mark(ts * S), instrument_id=coin.instrument_id)])
    assert [one["currency"] for one in seen(board)["money"]] == ["USDT", "SOL"]


def test_the_assets_net_exposure_is_counted_over_venues() -> None:
    other = replace(SOL, instrument_id="SOLUSDT.ELSE", venue="ELSE")
    board = board_of(SOL, other)
    tell(board, [mark(S, position="2.5"), replace(mark(S, position="-1"), instrument_id="SOLUSDT.ELSE")])
    assert seen(board)["assets"] == [{"asset": "SOL", "position": "1.5", "limit": None, "instruments": 2}]


# ------------------------------------------------------------------ a whole run


def test_at_the_end_the_board_says_what_the_result_of_the_run_says(run: Recorded) -> None:
    board = board_of(SOL)
    for number, message in enumerate(run.messages):
        tell(board, [message])
        if number % 50 == 0:
            board.snapshot(message.ts_ns)
    snapshot, row, detail = only(board)
    attribution = run.result["attribution"]["instruments"][NAME]["lines"]
    assert snapshot["money"] == [{"currency": "USDT", "lines": detail["lines"], "total": row["pnl"]}]
    assert {name: D(value) for name, value in detail["lines"].items()} == {
        name: D(attribution[name]) for name in detail["lines"]
    }
    assert D(row["pnl"]) == D(attribution["total"])
    assert D(row["position"]) == D(attribution["position"])
    assert row["fills"] == len([one for one in run.messages if isinstance(one, FillFact)]) > 20
    assert detail["orders"] == []  # the run took every order back
    assert {one["median_ms"] for one in snapshot["latencies"]} == {5.0}
    assert {"drawdown", "value_at_risk"} <= {rule["rule"] for rule in snapshot["risk"]["rules"]}
    assert detail["assessment"]["instrument_id"] == NAME


def test_on_several_venues_the_board_says_what_the_result_says(tmp_path) -> None:
    run, board = recorded_on_three_venues(tmp_path), board_of(*THREE_VENUES)
    for number, message in enumerate(run.messages):
        tell(board, [message])
        if number % 100 == 0:
            board.snapshot(message.ts_ns)
    snapshot = seen(board)
    for name, detail in snapshot["details"].items():
        expected = run.result["attribution"]["instruments"][name]["lines"]
        assert {line: D(value) for line, value in detail["lines"].items()} == {
            line: D(expected[line]) for line in detail["lines"]
        }
    assert len(snapshot["details"]) == 3
    assert all(D(detail["lines"]["hedging"]) and D(detail["lines"]["basis"]) for detail in snapshot["details"].values())
    assert snapshot["hedges"]


def test_our_orders_are_never_more_than_the_run_says_work(run: Recorded) -> None:
    """At every mark the open sizes on the board are those that the strategy counts itself."""
    board, checked = board_of(SOL), 0
    for message in run.messages:
        tell(board, [message])
        if isinstance(message, MarkFact) and checked < 60:
            open_size = {"BUY": 0.0, "SELL": 0.0}
            for one in only(board)[2]["orders"]:
                open_size[one["side"]] += one["size"] - one["filled"]
            assert open_size["BUY"] <= float(message.open_buy) + 1e-9
            assert open_size["SELL"] <= float(message.open_sell) + 1e-9
            checked += 1
    assert checked == 60


def test_when_the_board_is_looked_at_changes_nothing_that_it_says(run: Recorded) -> None:
    said = []
    for pause in (7, 500):
        board = board_of(SOL)
        for number, message in enumerate(run.messages):
            tell(board, [message])
            if number % pause == 0:
                board.snapshot(number)
        snapshot = seen(board, 1)
        for changing in ("sequence", "silent_s", "now_ns"):
            del snapshot[changing]
        snapshot["details"][NAME].pop("path")
        said.append(snapshot)
    assert said[0] == said[1]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), cut=st.integers(1, 400))
def test_no_order_of_messages_breaks_it(run: Recorded, seed: int, cut: int) -> None:
    """Whatever comes twice, not at all, or in another order: a snapshot is JSON, and finite."""
    draw, board = Random(seed), board_of(SOL)
    some = [draw.choice(run.messages) for _ in range(cut)]
    for number, message in enumerate(some):
        TAKES[type(message)](board, message)
        if number % 97 == 0:
            board.snapshot(number)
    snapshot = orjson.loads(board.snapshot(1))
    assert set(snapshot["details"]) == {NAME}
    assert snapshot["messages"] <= cut
