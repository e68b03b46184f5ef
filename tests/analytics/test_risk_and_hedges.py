"""Hedges, stages, bands, purposes and obligations of a made-up run, by hand; and what rested, against brute force."""

from decimal import Decimal
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_risk import PERP, RULE, SIM, STRICT, at, risky_run, state
from synthetic_run import SECOND, synthetic_run

from mm_nautilus.analytics.hedge_summary import Outcome, hedges
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.resting_orders import FILL_COLUMNS, ORDER_COLUMNS, resting_orders
from mm_nautilus.analytics.risk_summary import stage_spans
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.schema import to_table
from mm_nautilus.analytics.summary import facts_in, summarise
from mm_nautilus.market import RiskStage, Side
from mm_nautilus.messages import FillFact, HedgeFact, MarkFact, OrderFact, QuoteDecision

D = Decimal


@pytest.fixture(scope="module")
def run():
    return risky_run()


@pytest.fixture(scope="module")
def summary(run, tmp_path_factory):
    return summarise(RunLog.open(run.write(tmp_path_factory.mktemp("risky"))), run.facts)


def test_hedges_by_hand(run, summary):
    found = summary.hedges
    assert (found.count, found.done, found.open, found.alarmed, found.alarms) == (3, 2, 1, 2, 3)
    assert (found.orders, found.refused) == (3, 1)
    assert found.by_cause == {"BAND": 2, "FLATTEN": 1}
    assert found.volume == {PERP: D("0.15")}
    assert found.cost == {"USDT": pytest.approx(0.72 + 0.72 + 1.15)}
    assert (found.seconds_median, found.seconds_max) == (32.0, 62.0)
    first, second, third = hedges(run.of(HedgeFact), {PERP: "USDT"})
    assert (first.outcome, second.outcome, third.outcome) == (Outcome.DONE, Outcome.LATE, Outcome.ALARM)
    assert (first.filled, second.filled, third.filled) == ({PERP: D("-0.10")}, {PERP: D("0.05")}, {})
    assert (first.cause, first.exposure, first.target, first.seconds) == ("BAND", 0.16, 0.06, 2.0)
    assert third.seconds is None


def test_an_instrument_only_hedged_on_is_accounted_for(summary):
    one = summary.instruments[PERP]
    money = one.money
    # Sold 0.06 at 59998 and 0.04 at 59997, bought 0.05 back at 60011, 0.05 short at 59990.
    assert (
        money.realised + money.unrealised
        == D("0.06") * 59998 + D("0.04") * 59997 - D("0.05") * 60011 - D("0.05") * 59990
    )
    assert money.fees == D("1.8")
    assert (one.fills.taker, one.fills.by_purpose["HEDGE"].count) == (3, 3)
    assert one.fills.by_purpose["HEDGE"].sell_volume == D("0.1")
    assert one.fills.by_purpose["HEDGE"].commissions == {"USDT": D("1.8")}
    assert (one.inventory.limit, one.inventory.bands, one.inventory.worst_case_share_of_limit) == (None, (), None)
    assert one.inventory.final == D("-0.05")
    assert facts_in(orjson.loads(orjson.dumps(jsonable(summary)))["instruments"][PERP]).position_limit is None


def test_fills_by_purpose_are_all_fills(run, summary):
    fills = summary.instruments[SIM].fills
    assert list(fills.by_purpose) == ["QUOTE"]
    quoted = fills.by_purpose["QUOTE"]
    assert (quoted.count, quoted.turnover) == (fills.count, fills.turnover)
    assert (quoted.buy_volume, quoted.sell_volume) == (fills.buy_volume, fills.sell_volume)


def test_bands_and_the_worst_case_match_brute_force(run, summary):
    held = summary.instruments[SIM].inventory
    fills = [fill for fill in run.of(FillFact) if fill.instrument_id == SIM]
    edges = [run.facts.start_ns, *(fill.ts_ns for fill in fills), run.facts.end_ns]
    positions = [D(0), *(fill.position_after for fill in fills)]
    for band in held.bands:
        wanted = sum(
            (after - before) / 1e9
            for (before, after), position in zip(pairwise(edges), positions, strict=True)
            if abs(position) >= D(str(band.share_of_limit)) * held.limit
        )
        assert band.time.seconds == pytest.approx(wanted)
    assert [band.share_of_limit for band in held.bands] == [0.3, 0.7, 1.0]
    assert held.bands[0].time.seconds > held.bands[1].time.seconds > 0
    worst = [max(one.worst_long, -one.worst_short) for one in run.of(QuoteDecision)]
    worst += [
        float(max(one.position + one.open_buy, one.open_sell - one.position))
        for one in run.of(MarkFact) if one.instrument_id == SIM
    ]  # fmt: skip
    assert held.worst_case == pytest.approx(max(*worst, float(max(map(abs, positions)))))
    assert held.worst_case_share_of_limit == pytest.approx(held.worst_case / 0.2)


def test_risk_by_hand(run, summary):
    risk = summary.risk
    seconds = {scope: {stage: time.seconds for stage, time in mine.items()} for scope, mine in risk.stages.items()}
    span = (run.facts.end_ns - run.facts.start_ns) / 1e9
    assert seconds["all"] == {"NORMAL": span - 160 - 100, "WIDEN": 160, "HALT": 100}
    assert seconds[SIM] == {"NORMAL": span - 160 - 300, "WIDEN": 160, "REDUCE_ONLY": 200, "HALT": 100}
    assert list(seconds[SIM]) == ["NORMAL", "WIDEN", "REDUCE_ONLY", "HALT"]
    assert sum(time.share for time in risk.stages["all"].values()) == pytest.approx(1)
    assert [(change.before, change.stage) for change in risk.changes if not change.scope] == [
        ("NORMAL", "WIDEN"), ("WIDEN", "NORMAL"), ("NORMAL", "HALT"), ("HALT", "NORMAL"),
    ]  # fmt: skip
    assert all(change.reason and change.rules for change in risk.changes)
    drawdown, stale = risk.values
    assert (drawdown.rule, drawdown.value, drawdown.stage, drawdown.gravest) == ("drawdown", 80.0, "NORMAL", "WIDEN")
    assert (stale.scope, stale.value) == (SIM, None)
    (incident,) = risk.incidents
    assert (incident.source, incident.stage, incident.resumed) == ("operator", "HALT", True)
    assert [step.event for step in incident.steps] == ["RAISED", "NOTIFIED", "FLAT", "RESUMED"]
    assert (risk.ended, risk.ended_halted) == ({"all": "NORMAL", SIM: "NORMAL"}, False)


def test_a_run_nobody_watched_has_no_risk(tmp_path):
    run = synthetic_run(steps=20)
    summary = summarise(RunLog.open(run.write(tmp_path)), run.facts)
    assert summary.risk is None
    assert summary.hedges.count == 0
    assert summary.obligations == ()


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(list(RiskStage)), st.sampled_from(["", "A", "B"]))))
def test_stages_are_what_looking_every_half_second_finds(changes):
    states = [state(second, stage.name, scope) for second, stage, scope in sorted(changes, key=lambda one: one[0])]
    spans = stage_spans(states, at(0), at(41))
    for scope in {"", *(one.instrument_id for one in states)}:
        mine = [span for span in spans if span.scope == scope]
        assert mine[0].start_ns == at(0)
        assert mine[-1].end_ns == at(41)
        assert all(a.end_ns == b.start_ns and a.stage != b.stage for a, b in pairwise(mine))
        for second in range(41):
            middle = at(second) + SECOND // 2
            (found,) = [span.stage for span in mine if span.start_ns <= middle < span.end_ns]
            last = {one.instrument_id: RiskStage[one.stage] for one in states if one.ts_ns <= middle}
            assert RiskStage[found] == max(last.get(scope, 0), last.get("", 0))


def test_obligations_are_about_what_rested(run, summary):
    easy, strict = summary.obligations
    assert (easy.venue, easy.instrument_id, easy.rule, strict.rule) == ("SIM", SIM, RULE, STRICT)
    decisions = run.of(QuoteDecision)
    quoted = [
        decision for decision in decisions
        if len(decision.bid_prices) == len(decision.ask_prices) == 3
    ]  # fmt: skip
    # Two levels make up 0.03: every two-sided quote keeps the rule, two seconds long, in a market with two sides.
    assert easy.record.kept_s == pytest.approx(2 * len(quoted), abs=0.1 * len(decisions))
    assert easy.record.met
    assert strict.record.kept_s < easy.record.kept_s
    assert strict.record.shortfalls["TOO_WIDE"] > 0
    assert not strict.record.met
    assert easy.record.excused.keys() == {"NO_MARKET"}
    whole = (run.facts.end_ns - run.facts.start_ns) / 1e9
    assert easy.record.demanded_s + sum(easy.record.excused.values()) == pytest.approx(whole)


EVENTS = ["SUBMIT", "ACCEPTED", "AMEND", "UPDATED", "MODIFY_REJECTED", "CANCEL", "CANCEL_REJECTED", "CANCELED", "FILL"]


@st.composite
def lives(draw):
    """Orders of any life, legal or not, with fills told twice."""
    orders, fills = [], []
    for number in range(draw(st.integers(1, 3))):
        side = draw(st.sampled_from(["BUY", "SELL"]))
        for step in range(draw(st.integers(0, 6))):
            ts, name = draw(st.integers(0, 20)), draw(st.sampled_from(EVENTS))
            size = D(draw(st.integers(1, 4)))
            if name == "FILL":
                trade = f"T{draw(st.integers(0, 2))}"
                fills.append(
                    FillFact(ts, "S", "I", f"O{number}", "V", trade, 0, side, 0, D(9), size, "M", D(0), "U", D(0), 1.0,
                             2.0, 0)
                )  # fmt: skip
            else:
                price = D(100 + step)
                orders.append(OrderFact(ts, "S", "I", f"O{number}", 0, side, 0, name, price, size, D(0), ""))
    return sorted(orders, key=lambda one: one.ts_ns), sorted(fills, key=lambda one: one.ts_ns)


@given(lives())
@settings(max_examples=200)
def test_what_rests_is_what_each_orders_own_history_says(life):
    orders, fills = life
    tables = to_table(OrderFact, orders).select(ORDER_COLUMNS), to_table(FillFact, fills).select(FILL_COLUMNS)
    changes = list(resting_orders(*tables))
    assert [change.ts_ns for change in changes] == sorted(change.ts_ns for change in changes)
    for instant in range(21):
        told = {change.order_id: change for change in changes if change.ts_ns <= instant}
        for name in {order.client_order_id for order in orders}:
            past = [one for one in orders if one.client_order_id == name and one.ts_ns <= instant]
            stated = [one for one in past if one.event in {"ACCEPTED", "UPDATED"}]
            done = any(one.event == "CANCELED" for one in past)
            traded = {}
            for fill in fills:
                if fill.client_order_id == name and fill.ts_ns <= instant:
                    traded.setdefault(fill.trade_id, fill.size)
            left = max(stated[-1].size - sum(traded.values()), D(0)) if stated and not done else D(0)
            found = told.get(name)
            assert (found.size if found else 0) == left
            if left:
                assert (found.price, found.side) == (stated[-1].price, Side[stated[-1].side])
