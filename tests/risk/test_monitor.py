"""Operator, halts, incidents and restarts: nothing goes unsaid, and a halt stays until somebody resumes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from risk_kit import BTC, SECOND, entries, fill, hedge, mark, monitor_of, only, order, said, stages

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import RiskStage
from mm_nautilus.messages import IncidentFact, RiskFact, RiskState
from mm_nautilus.risk.incidents import IncidentFiles
from mm_nautilus.risk.monitor import Monitor

ETH = "ETHUSDT.SIM"


def losing(monitor: Monitor, now_ns: int, price: float) -> None:
    """Ten are held from 100 on, and this is what they are worth now."""
    if not monitor.books.lines:
        monitor.filled(fill(now_ns, "BUY", "10", "100", after="10"), now_ns)
    monitor.marked(mark(now_ns, price - 1.0, price + 1.0))
    monitor.evaluate(now_ns)


# ---------------------------------------------------------------- operator


def test_an_operator_halt_stands_until_resumed() -> None:
    monitor = monitor_of(only())
    assert monitor.order("halt", "drill", SECOND)
    for second in range(2, 100):
        monitor.evaluate(second * SECOND)
    assert monitor.stage is RiskStage.HALT
    assert not monitor.order("widen", "less please", 100 * SECOND), "nothing short of a resume ends a halt"
    assert monitor.resume("over", 101 * SECOND)
    assert stages(monitor) == ["HALT", "NORMAL"]
    assert [state.reason for state in said(monitor, RiskState)] == ["operator: drill", "operator: over"]
    assert entries(monitor) == ["RAISED", "QUOTES_GONE", "FLAT", "ACTION", "QUOTES_GONE", "FLAT", "RESUMED"]


def test_a_milder_order_replaces_a_stricter_one_and_instruments_are_apart() -> None:
    monitor = monitor_of(only())
    monitor.order("flatten", "news", 1, BTC)
    monitor.order("widen", "calmer", 2, BTC)
    monitor.order("reduce_only", "all", 3)
    states = [(state.stage, state.instrument_id, state.spread_multiplier) for state in said(monitor, RiskState)]
    assert states == [("FLATTEN", BTC, 2.0), ("WIDEN", BTC, 2.0), ("REDUCE_ONLY", "", 2.0)]
    monitor.resume("fine", 4)
    assert [(state.stage, state.instrument_id) for state in said(monitor, RiskState)[3:]] == [
        ("NORMAL", BTC),
        ("NORMAL", ""),
    ]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda monitor: monitor.order("stop", "x", 1), "action"),
        (lambda monitor: monitor.order("halt", " ", 1), "reason"),
        (lambda monitor: monitor.order("halt", "x", 1, BTC), "instrument_id"),
        (lambda monitor: monitor.resume("", 1), "reason"),
    ],
)
def test_orders_that_make_no_sense(call: Any, field: str) -> None:
    monitor = monitor_of(only())
    with pytest.raises(ParameterError, match=f"^{field} must be"):
        call(monitor)
    assert monitor.outbox == []


# ------------------------------------------------------------------- halts


def test_a_halt_rule_halts_everything_and_says_how_things_stood() -> None:
    monitor = monitor_of(only(drawdown={"widen": 10.0, "halt": 40.0, "hold_s": 0.0}))
    monitor.ordered(order(1, "SUBMIT", "O-7"), 1)
    losing(monitor, SECOND, 98.0)
    losing(monitor, 2 * SECOND, 95.0)
    losing(monitor, 3 * SECOND, 120.0)
    assert stages(monitor) == ["WIDEN", "HALT"], "the recovery of the price does not end it"
    (raised, *_) = said(monitor, IncidentFact)
    assert (raised.event, raised.source, raised.stage) == ("RAISED", "drawdown", "HALT")
    standing = json.loads(raised.details)
    assert standing["equity"] == "-50.00"
    assert standing["positions"] == {BTC: "10"}
    assert standing["exposures"] == {"BTC": 950.0}
    assert [resting["client_order_id"] for resting in standing["orders"]] == ["O-7"]


def test_a_halt_of_one_instrument_s_rule_is_for_all() -> None:
    monitor = monitor_of(only(stale_feed={"reduce_only": 5.0, "halt": 20.0}))
    for second in (1, 2, 10, 30):
        monitor.marked(mark(second * SECOND, market_ns=SECOND))
        monitor.evaluate(second * SECOND)
    states = [(state.stage, state.instrument_id, state.rules) for state in said(monitor, RiskState)]
    assert states == [
        ("REDUCE_ONLY", BTC, ("stale_feed",)),
        ("HALT", "", ("stale_feed",)),
        ("NORMAL", BTC, ()),
    ], "the halt is said before the instrument's own state, or quotes would stand for a moment"


def test_resuming_accepts_the_loss_so_far_and_not_the_next() -> None:
    monitor = monitor_of(only(drawdown={"halt": 40.0}, hour_loss={"halt": 40.0}, day_loss={"halt": 40.0}))
    losing(monitor, SECOND, 95.0)
    assert monitor.resume("seen and accepted", 2 * SECOND)
    losing(monitor, 3 * SECOND, 95.0)
    assert monitor.stage is RiskStage.NORMAL
    losing(monitor, 4 * SECOND, 90.0)
    assert monitor.stage is RiskStage.HALT
    assert entries(monitor).count("RAISED") == 2


def test_a_venue_that_still_does_not_answer_halts_again_at_once() -> None:
    monitor = monitor_of(only(latency={"halt": 5.0}))
    monitor.ordered(order(SECOND, "SUBMIT"), SECOND)
    monitor.evaluate(7 * SECOND)
    assert not monitor.resume("try", 8 * SECOND)
    assert monitor.stage is RiskStage.HALT
    assert stages(monitor) == ["HALT"], "no strategy was let go in between"
    assert entries(monitor)[-1] == "RESUME_REFUSED"
    assert "latency: oldest command unanswered for 7 s" in said(monitor, IncidentFact)[-1].reason
    monitor.ordered(order(9 * SECOND, "ACCEPTED"), 9 * SECOND)
    assert monitor.resume("it answers", 70 * SECOND)
    assert entries(monitor)[-1] == "RESUMED"


def test_hedges_quotes_gone_and_flat_are_entered_while_quoting_is_stopped() -> None:
    monitor = monitor_of(only())
    monitor.filled(fill(1, "BUY", "5", "100", after="5"), 1)
    monitor.ordered(order(2, "SUBMIT", "O-2"), 2)
    monitor.ordered(order(2, "SUBMIT", "H-1", purpose="LIQUIDATION"), 2)
    monitor.order("flatten", "news", 3)
    monitor.hedged(hedge(4, "SENT"), 4)
    monitor.ordered(order(5, "CANCELED", "O-2"), 5)
    monitor.filled(fill(6, "SELL", "5", "100", name="H-1", purpose="LIQUIDATION"), 6)
    monitor.hedged(hedge(7, "DONE"), 7)
    monitor.resume("over", 8)
    assert entries(monitor) == ["RAISED", "HEDGE_SENT", "QUOTES_GONE", "FLAT", "HEDGE_DONE", "RESUMED"]
    monitor.hedged(hedge(9, "DONE"), 9)
    assert entries(monitor)[-1] == "RESUMED", "what happens afterwards is no part of it"


def test_values_are_said_once_an_interval() -> None:
    monitor = monitor_of(only(drawdown={"halt": 40.0}, stale_feed={}))
    for second in range(1, 181):
        losing(monitor, second * SECOND, 101.0)
    for name in ("equity", "drawdown", "stale_feed"):
        times = [fact.ts_ns // SECOND for fact in said(monitor, RiskFact) if fact.rule == name]
        assert times == [1, 60, 120, 180]
    assert said(monitor, RiskFact)[-3].value == 10.0


# ------------------------------------------------------------------ restart


def test_a_restart_keeps_halt_loss_and_incident() -> None:
    settings = only(drawdown={"widen": 10.0, "halt": 40.0}, stale_feed={"reduce_only": 5.0}, day_loss={"halt": 500.0})
    before = monitor_of(settings)
    losing(before, SECOND, 103.0)
    before.marked(mark(2 * SECOND, market_ns=SECOND))
    losing(before, 20 * SECOND, 95.0)
    before.marked(mark(30 * SECOND, 94.0, 96.0, market_ns=20 * SECOND))
    before.evaluate(30 * SECOND)
    after = monitor_of(settings)
    after.load(json.loads(json.dumps(before.save())))
    after.started(40 * SECOND)
    assert {(state.instrument_id, state.stage) for state in said(after, RiskState)} == {
        ("", "HALT"),
        (BTC, "REDUCE_ONLY"),
    }
    assert after.books.equity() == -50
    assert after.save()["losses"]["drawdown"] == ["30.00"]
    assert after.resume("restarted", 41 * SECOND)
    assert [fact.incident_id for fact in said(after, IncidentFact)] == [1]
    after.order("halt", "again", 42 * SECOND)
    assert said(after, IncidentFact)[-3].incident_id == 2


def test_who_starts_late_is_told_what_holds() -> None:
    monitor = monitor_of(only())
    monitor.order("reduce_only", "drill", 1)
    monitor.outbox.clear()
    monitor.started(2)
    assert stages(monitor) == ["REDUCE_ONLY"]


# ------------------------------------------------------------- any sequence


class AnySequence(RuleBasedStateMachine):
    """Whatever is measured and ordered, what was said is what holds, and a halt ends by a resume alone."""

    def __init__(self) -> None:
        super().__init__()
        self.monitor = monitor_of(
            only(
                drawdown={"widen": 20.0, "reduce_only": 40.0, "flatten": 60.0, "halt": 90.0, "hold_s": 2.0},
                stale_feed={"reduce_only": 3.0, "flatten": 6.0, "halt": 12.0, "hold_s": 1.0},
                rejects={"widen": 2.0, "halt": 9.0, "hold_s": 1.0, "window_s": 5.0},
            )
        )
        self.second = 1
        self.market_s = 1
        self.heard: dict[str, str] = {}
        self.halted = False
        losing(self.monitor, SECOND, 100.0)

    def listen(self, *, resumed: bool = False) -> None:
        for state in said(self.monitor, RiskState):
            assert (self.heard.get(state.instrument_id, "NORMAL"), state.rules) != (state.stage, ()), "nothing new"
            assert state.reason
            self.heard[state.instrument_id] = state.stage
            assert (state.stage == "NORMAL") == (state.rules == ())
        if self.halted and not resumed:
            assert self.heard[""] == "HALT"
        self.halted = self.heard.get("") == "HALT"
        self.monitor.outbox.clear()

    @rule(move=st.integers(-3, 3), heard=st.booleans())
    def second_passes(self, move: int, heard: bool) -> None:
        self.second += 1
        if heard:
            self.market_s = self.second
        price = 100.0 + move * 3
        self.monitor.marked(mark(self.second * SECOND, price - 1, price + 1, market_ns=self.market_s * SECOND))
        self.monitor.evaluate(self.second * SECOND)
        self.listen()

    @rule(name=st.sampled_from(["SUBMIT", "REJECTED", "CANCEL", "CANCELED"]), number=st.integers(1, 3))
    def order_event(self, name: str, number: int) -> None:
        self.monitor.ordered(order(self.second * SECOND, name, f"O-{number}"), self.second * SECOND)
        self.listen()

    @rule(action=st.sampled_from(["widen", "reduce_only", "flatten", "halt"]), scope=st.sampled_from(["", BTC, ETH]))
    def operator(self, action: str, scope: str) -> None:
        self.monitor.order(action, "drill", self.second * SECOND, "" if action == "halt" else scope)
        self.listen()

    @rule()
    def resume(self) -> None:
        if self.monitor.resume("over", self.second * SECOND):
            self.listen(resumed=True)
            assert self.heard.get("") != "HALT"
        else:
            self.listen()
            assert self.heard[""] == "HALT"

    @invariant()
    def what_was_said_is_what_holds(self) -> None:
        rules = self.monitor._rules
        asked = [rule.machine.stage for rule in rules if rule.scope == "" or rule.machine.stage is RiskStage.HALT]
        asked += [stage for scope, (stage, _) in self.monitor._board.orders.items() if scope == ""]
        assert self.heard.get("", "NORMAL") == max(asked, default=RiskStage.NORMAL).name
        assert self.monitor.stage.name == self.heard.get("", "NORMAL")


TestAnySequence = AnySequence.TestCase


# ------------------------------------------------------------------- files


def test_an_incident_has_a_file_that_is_whole_after_every_entry(tmp_path: Path) -> None:
    files = IncidentFiles(tmp_path)
    path = tmp_path / "incident-3.json"
    files.append(
        IncidentFact(1_700_000_000_000_000_001, 3, "RAISED", "operator", "HALT", "drill", '{"equity": "1.50"}')
    )
    record = json.loads(path.read_bytes())
    assert record["raised"] == "2023-11-14T22:13:20.000000001Z"
    assert record["resumed"] is None
    assert record["entries"][0]["details"] == {"equity": "1.50"}
    for number in range(1_200):
        files.append(IncidentFact(1_700_000_001_000_000_000 + number, 3, "HEDGE_SENT", "EMERGENCY", "HALT", "", ""))
    files.append(IncidentFact(1_700_000_002_000_000_000, 3, "RESUMED", "operator", "NORMAL", "over", ""))
    IncidentFiles(tmp_path).append(IncidentFact(1_700_000_003_000_000_000, 3, "NOTIFIED", "webhook", "NORMAL", "", ""))
    record = json.loads(path.read_bytes())
    assert record["resumed"] == "2023-11-14T22:13:22.000000000Z"
    assert record["entries_left_out"] > 0
    assert len(record["entries"]) == 1_001
    assert list(tmp_path.iterdir()) == [path]


@given(st.lists(st.sampled_from(["halt", "widen", "resume"]), max_size=12))
def test_incidents_are_numbered_by_raises(actions: list[str]) -> None:
    monitor = monitor_of(only())
    for number, action in enumerate(actions):
        if action == "resume":
            monitor.resume("over", number)
        else:
            monitor.order(action, "drill", number)
    facts = said(monitor, IncidentFact)
    raised = [fact.incident_id for fact in facts if fact.event == "RAISED"]
    assert raised == list(range(1, len(raised) + 1))
    assert [fact.incident_id for fact in facts if fact.event == "RESUMED"] == raised[
        : entries(monitor).count("RESUMED")
    ]
