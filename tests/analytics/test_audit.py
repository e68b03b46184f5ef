"""The audit trail: a real run traces to the last order, and whatever its log lacks or has too much of is found."""

import json
from collections import Counter
from copy import replace
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mm_nautilus.analytics.audit import Fault, Note, audit
from mm_nautilus.analytics.audit_trail import decision_trail, order_trail
from mm_nautilus.analytics.order_life import life_faults
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.analytics.schema import TABLES
from mm_nautilus.backtest import run_backtest
from mm_nautilus.cli import app
from mm_nautilus.errors import DataError
from mm_nautilus.messages import FillFact, HedgeFact, OpportunityFact, OrderFact, QuoteDecision

QUICKSTART = Path(__file__).resolve().parents[2] / "configs" / "quickstart.toml"
D = Decimal
DRILL = (
    'after_s = 100\naction = "halt"\nreason = "drill"',
    'after_s = 110\naction = "resume"\nreason = "drill over"',
)
HEDGE = 2_000_000_000_000_000_000


def hedge_fact(event, order_id="", side="SELL", size="1", number=1):
    return HedgeFact(
        HEDGE, "MM-H", "SOL", number, event, "BAND", 3.0, 2.0, "SOLUSDT.SIM", order_id, side, D(size), D(10), 10.0,
        0.01, 0.5, "",
    )  # fmt: skip


def hedge_order(event, after_ns=0, size="1", filled="0"):
    return OrderFact(
        HEDGE + after_ns, "MM-H", "SOLUSDT.SIM", "H-1", 1, "SELL", -1, event, D(10), D(size), D(filled), "", "HEDGE"
    )


HEDGED = [
    hedge_fact("NEEDED"),
    hedge_fact("SENT", "H-1"),
    hedge_order("SUBMIT"),
    hedge_order("ACCEPTED", 5),
    FillFact(
        HEDGE + 6, "MM-H", "SOLUSDT.SIM", "H-1", "V", "T-H", 1, "SELL", -1, D("10.1"), D("0.4"), "TAKER", D("0.01"),
        "USDT", D(0), 10.0, 10.2, HEDGE, "HEDGE",
    ),
    hedge_order("CANCELED", 7, filled="0.4"),
    hedge_fact("DONE"),
]  # fmt: skip


def leg(side, event="SUBMIT", **changes):
    order_id = f"A-{side}"
    order = OrderFact(
        HEDGE, "ARB", f"SOLUSDT.{side}", order_id, 1, side, -1, event, D(10), D(1), D(0), "", "ARBITRAGE"
    )  # fmt: skip
    return replace(order, **changes)


def opportunity(event, number=1):
    return OpportunityFact(
        HEDGE, "ARB", "SOL", 1, number, event, "TAKEN", "SOLUSDT.BUY", "SOLUSDT.SELL", 10.0, 10.1, D(1), D(10),
        D("10.1"), D(0), D("0.1"), D(0), D(0), D(0), None, 0.0, "A-BUY", "A-SELL", "buy 1, sell 1",
    )  # fmt: skip


ARBITRAGE = [
    opportunity("TAKEN"),
    leg("BUY"),
    leg("SELL"),
    leg("BUY", "CANCELED"),
    leg("SELL", "CANCELED"),
    opportunity("DONE"),
]


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited")
    path = folder / "run.toml"
    path.write_text(QUICKSTART.read_text().replace("../catalogs/simulated", str(folder / "catalogs")))
    overrides = ["data.simulation.duration_s=90", "strategy.requote.max_amends_per_order=3"]
    return RunLog.open(run_backtest(path, overrides, output=folder / "runs").run_dir)


@pytest.fixture(scope="module")
def messages(real):
    return [message for kind in TABLES.values() for message in real.messages(kind)] + HEDGED + ARBITRAGE


def audited(folder, messages):
    writer = RunLogWriter(folder)
    for message in messages:
        writer.append(message)
    writer.close()
    return audit(RunLog.open(folder))


def first(messages, kind, **fields):
    return next(
        one for one in messages if isinstance(one, kind) and all(getattr(one, k) == v for k, v in fields.items())
    )


def swapped(messages, old, *new):
    return [piece for one in messages for piece in (new if one is old else (one,))]


def test_everything_in_a_real_run_traces(real):
    found = audit(real)
    assert found.findings == ()
    assert found.complete
    assert found.notes == {}
    assert found.orders > 50
    assert found.fills > 5
    events = Counter(order.event for order in real.messages(OrderFact))
    assert min(events["SUBMIT"], events["AMEND"], events["CANCEL"]) > 5, "every kind of command has been traced"
    assert found.commands == events["SUBMIT"] + events["AMEND"] + events["CANCEL"]


def test_a_hedge_traces_to_its_decision(messages, tmp_path):
    found = audited(tmp_path, messages)
    assert found.findings == ()
    assert found.hedge_decisions == 1
    assert found.opportunities == 1


def test_the_legs_of_an_arbitrage_have_a_trail(messages, tmp_path):
    audited(tmp_path, messages)
    log = RunLog.open(tmp_path)
    assert [type(step) for step in order_trail(log, "A-BUY").steps].count(OpportunityFact) == 2
    steps = decision_trail(log, 1, "ARB").steps
    assert {step.client_order_id for step in steps if isinstance(step, OrderFact)} == {"A-BUY", "A-SELL"}
    shown = run(tmp_path, "--order", "A-SELL").output
    assert "OPPORTUNITY TAKEN" in shown
    assert "0.1, residual" in shown


def test_a_real_run_with_hedges_and_a_halt_traces_and_its_hedges_cost_what_their_fills_say(tmp_path):
    text = (QUICKSTART.parent / "stress.toml").read_text().replace("../catalogs/simulated", str(tmp_path / "catalogs"))
    path = tmp_path / "run.toml"
    path.write_text(text + "".join(f"[[operator]]\n{action}\n" for action in DRILL))
    overrides = [
        "data.simulation.duration_s=150",
        "strategy.hedge.consider_above=0.1",
        "strategy.hedge.inventory_share=0.15",
    ]
    outcome = run_backtest(path, overrides, output=tmp_path / "runs")
    log = RunLog.open(outcome.run_dir)
    found = audit(log)
    assert found.findings == ()
    summary = outcome.result["hedges"]
    taken = [fill for fill in log.messages(FillFact) if fill.purpose != "QUOTE"]
    assert found.hedge_decisions == summary["count"] == summary["done"] > 2
    assert D(summary["volume"]["SOLUSDT.SIM"]) == sum(fill.size for fill in taken)
    # Cost is against the mid at the decision, which the book at the fill, a round trip later, is near to.
    edge = [
        (1 if fill.side == "BUY" else -1) * (float(fill.price) - 0.5 * (fill.bid + fill.ask)) * float(fill.size)
        for fill in taken
    ]
    paid = float(sum(fill.commission for fill in taken))
    volume = float(sum(fill.size for fill in taken))
    assert summary["cost"]["USDT"] == pytest.approx(paid + sum(edge), abs=0.03 * volume)
    assert summary["cost"]["USDT"] > paid > 0
    purposes = outcome.result["instruments"]["SOLUSDT.SIM"]["fills"]["by_purpose"]
    assert sum(one["count"] for name, one in purposes.items() if name != "QUOTE") == len(taken)
    risk = outcome.result["risk"]
    assert 9 < risk["stages"]["all"]["HALT"]["seconds"] < 11
    assert [one["resumed"] for one in risk["incidents"]] == [True]
    assert not risk["ended_halted"]
    (day,) = outcome.result["end_of_day"]
    assert day["differences"] == []


def sell_for_buy(messages):
    fill = first(messages, FillFact)
    return swapped(messages, fill, replace(fill, side="SELL" if fill.side == "BUY" else "BUY"))


def without_decision(messages):
    submit = first(messages, OrderFact, event="SUBMIT", purpose="QUOTE")
    decision = first(messages, QuoteDecision, decision_id=submit.decision_id)
    return swapped(messages, decision)


def moved(messages, event):
    order = first(messages, OrderFact, event=event, purpose="QUOTE")
    return swapped(messages, order, replace(order, ts_ns=order.ts_ns + 1))


def lone(messages, event, new):
    order = first(messages, OrderFact, event=event, purpose="QUOTE")
    return swapped(messages, order, order, replace(order, event=new))


def without_order(messages):
    order_id = first(messages, FillFact).client_order_id
    return [one for one in messages if not (isinstance(one, OrderFact) and one.client_order_id == order_id)]


def with_fill(messages, **fields):
    fill = first(messages, FillFact)
    return swapped(messages, fill, fill, replace(fill, **fields))


@pytest.mark.parametrize(
    ("change", "fault", "words"),
    [
        (without_decision, Fault.ORDER_WITHOUT_DECISION, "there is no decision"),
        (without_decision, Fault.DECISION_GAP, "follows"),
        (lambda all_: moved(all_, "SUBMIT"), Fault.ORDER_WITHOUT_DECISION, "SUBMIT at"),
        (lambda all_: moved(all_, "AMEND"), Fault.COMMAND_WITHOUT_DECISION, "AMEND at"),
        (lambda all_: moved(all_, "CANCEL"), Fault.DECISION_WITHOUT_COMMAND, "cancels, the log has"),
        (without_order, Fault.FILL_WITHOUT_ORDER, "fill "),
        (without_order, Fault.DECISION_WITHOUT_COMMAND, "submits, the log has"),
        (sell_for_buy, Fault.FILL, "the order's is"),
        (with_fill, Fault.FILL, "told twice"),
        (lambda all_: with_fill(all_, trade_id="X", size=D(1000)), Fault.FILL, "of at most"),
        (lambda all_: with_fill(all_, trade_id="X", decision_id=10**9), Fault.FILL, "never touched"),
        (lambda all_: with_fill(all_, trade_id="X", ts_ns=1), Fault.FILL, "earlier than its order"),
        (lambda all_: lone(all_, "CANCELED", "CANCELED"), Fault.LIFE_CYCLE, "CANCELED after CANCELED"),
        (lambda all_: lone(all_, "ACCEPTED", "ACCEPTED"), Fault.LIFE_CYCLE, "ACCEPTED twice"),
        (lambda all_: lone(all_, "ACCEPTED", "DENIED"), Fault.LIFE_CYCLE, "DENIED after ACCEPTED"),
        (lambda all_: lone(all_, "SUBMIT", "CANCEL_REJECTED"), Fault.LIFE_CYCLE, "without CANCEL before it"),
        (lambda all_: lone(all_, "SUBMIT", "UPDATED"), Fault.LIFE_CYCLE, "UPDATED without ACCEPTED"),
        (lambda all_: lone(all_, "SUBMIT", "VANISHED"), Fault.LIFE_CYCLE, "no event of an order"),
        (lambda all_: swapped(all_, HEDGED[0]), Fault.ORDER_WITHOUT_DECISION, "no hedge decision 1"),
        (lambda all_: swapped(all_, HEDGED[1]), Fault.ORDER_WITHOUT_DECISION, "did not send it"),
        (
            lambda all_: swapped(all_, HEDGED[1], hedge_fact("SENT", "H-1", size="2")),
            Fault.ORDER_WITHOUT_DECISION,
            "its hedge says 2",
        ),
        (
            lambda all_: [one for one in all_ if not (isinstance(one, OrderFact) and one.client_order_id == "H-1")],
            Fault.HEDGE_WITHOUT_ORDER,
            "no such order",
        ),
        (
            lambda all_: swapped(all_, ARBITRAGE[0]),
            Fault.ORDER_WITHOUT_DECISION,
            "opportunity 1 did not send it",
        ),
        (
            lambda all_: swapped(all_, ARBITRAGE[1], leg("BUY", instrument_id="SOLUSDT.SELL")),
            Fault.ORDER_WITHOUT_DECISION,
            "its opportunity says",
        ),
        (
            lambda all_: [one for one in all_ if not (isinstance(one, OrderFact) and one.client_order_id == "A-SELL")],
            Fault.OPPORTUNITY_WITHOUT_ORDER,
            "sent it to sell",
        ),
        (lambda all_: swapped(all_, ARBITRAGE[5]), Fault.OPPORTUNITY_WITHOUT_END, "nothing says"),
        (
            lambda all_: swapped(all_, HEDGED[4], replace(HEDGED[4], price=D("9.9"))),
            Fault.FILL,
            "beyond every price asked for",
        ),
    ],
)
def test_whatever_does_not_trace_is_found(messages, tmp_path, change, fault, words):
    found = audited(tmp_path, change(messages))
    assert not found.traces
    assert any(one.fault is fault and words in one.message for one in found.findings), found.findings


def test_a_venue_may_take_an_order_in_and_refuse_it_afterwards(messages):
    order = first(messages, OrderFact, event="SUBMIT", purpose="QUOTE")

    def faults(*names, simulated=False):
        return list(life_faults([replace(order, event=name) for name in names], simulated=simulated))

    assert faults("SUBMIT", "ACCEPTED", "REJECTED") == []
    assert faults("SUBMIT", "ACCEPTED", "PARTIALLY_FILLED", "REJECTED") == ["REJECTED after PARTIALLY_FILLED"]
    assert faults("SUBMIT", "REJECTED", "ACCEPTED") == ["ACCEPTED after REJECTED"]
    assert faults("SUBMIT", "ACCEPTED", "REJECTED", simulated=True) == ["REJECTED after ACCEPTED"]


@pytest.mark.parametrize(
    ("said", "traces"),
    [(None, True), ({}, False), ({"live": {"mode": "paper"}}, False), ({"live": {"mode": "real"}}, True)],
    ids=["cut short", "backtest", "paper", "real"],
)
def test_only_a_real_venue_refuses_what_it_has_accepted(messages, tmp_path, said, traces):
    if said is not None:
        (tmp_path / "result.json").write_text(json.dumps(said))
    ended = first(messages, OrderFact, event="CANCELED", purpose="QUOTE")
    found = audited(tmp_path, swapped(messages, ended, replace(ended, event="REJECTED")))
    assert any("REJECTED after ACCEPTED" in one.message for one in found.findings) is not traces


def test_what_traces_but_is_worth_knowing(messages, tmp_path):
    late = replace(HEDGED[4], ts_ns=HEDGE + 10)
    assert audited(tmp_path / "late", swapped(messages, HEDGED[4], late)).notes == {Note.LATE_FILL: 1}
    found = audited(tmp_path / "open", swapped(messages, HEDGED[5]))
    assert (found.notes, found.traces) == ({Note.OPEN_AT_END: 1}, True)
    cancel = [one for one in messages if isinstance(one, OrderFact) and one.event == "CANCEL"][-1]
    decision = first(messages, QuoteDecision, decision_id=cancel.decision_id)
    last = max(one.ts_ns for one in messages if isinstance(one, QuoteDecision))
    stopped = swapped(messages, cancel, replace(cancel, ts_ns=last + 1))
    stopped = swapped(stopped, decision, replace(decision, cancels=decision.cancels - 1))
    found = audited(tmp_path / "stop", stopped)
    assert (found.notes, found.traces) == ({Note.WITHDRAWN_AT_STOP: 1}, True)
    final = max((one for one in messages if isinstance(one, QuoteDecision)), key=lambda one: one.decision_id)
    number = {"ts_ns": last + 2, "decision_id": final.decision_id + 1}
    watching = replace(final, **number, submits=0, amends=0, cancels=0)
    assert audited(tmp_path / "watching", [*stopped, watching]).traces
    quoting = replace(final, **number, submits=0, amends=1, cancels=0)
    assert not audited(tmp_path / "quoting", [*stopped, quoting]).traces


def test_the_trail_of_an_order_and_of_its_decision(real):
    fill = real.messages(FillFact)[0]
    trail = order_trail(real, fill.client_order_id)
    kinds = Counter(type(step) for step in trail.steps)
    assert kinds[QuoteDecision] >= 1
    assert fill in trail.steps
    assert [step.ts_ns for step in trail.steps] == sorted(step.ts_ns for step in trail.steps)
    assert isinstance(trail.steps[0], QuoteDecision)
    sent = next(step for step in trail.steps if isinstance(step, OrderFact))
    assert sent.event == "SUBMIT"
    caused = decision_trail(real, sent.decision_id)
    decision = caused.steps[0]
    assert isinstance(decision, QuoteDecision)
    submits = [step for step in caused.steps if isinstance(step, OrderFact) and step.event == "SUBMIT"]
    assert len(submits) == decision.submits
    assert fill in caused.steps


def test_what_is_not_there_is_named(real):
    with pytest.raises(DataError, match="no order 'O-none'"):
        order_trail(real, "O-none")
    with pytest.raises(DataError, match="no decision 987654"):
        decision_trail(real, 987_654)


def test_a_number_that_two_strategies_have_needs_a_name(messages, tmp_path):
    decision = first(messages, QuoteDecision)
    twin = replace(decision, strategy_id="MM-2", submits=0, amends=0, cancels=0)
    audited(tmp_path, [*messages, twin])
    log = RunLog.open(tmp_path)
    with pytest.raises(DataError, match="name one of them"):
        decision_trail(log, decision.decision_id)
    assert decision_trail(log, decision.decision_id, "MM-2").steps == (twin,)


def run(*words):
    return CliRunner().invoke(app, ["audit", *map(str, words)], terminal_width=200)


def test_the_command_says_so_and_how(real, messages, tmp_path):
    good = run(real.run_dir)
    assert good.exit_code == 0
    assert "everything traces" in good.output
    audited(tmp_path, without_decision(messages))
    bad = run(tmp_path)
    assert bad.exit_code == 1
    assert "order without decision" in bad.output
    fill = real.messages(FillFact)[0]
    shown = run(real.run_dir, "--order", fill.client_order_id).output
    for word in ("DECISION", "SUBMIT", "ACCEPTED", "FILL"):
        assert word in shown
    assert "Trail of decision 1" in run(real.run_dir, "--decision", 1).output
    assert isinstance(run(real.run_dir, "--decision", 1, "--order", "O").exception, Exception)
