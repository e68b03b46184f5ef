"""One moment of a run: what was in force, what was working, what came of it; and how a person names an instant."""

import io
from copy import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from synthetic_risk import at, risky_run
from synthetic_run import SECOND, START_NS, synthetic_run

from mm_nautilus.analytics.moment import instant, known_until, moment, span
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.cli.moment_view import moment_view
from mm_nautilus.errors import DataError, ParameterError
from mm_nautilus.messages import FillFact, FundingFact, MarkoutFact, OrderFact, QuoteDecision

DAY_NS = 86_400 * SECOND
SIM = "BTCUSDT.SIM"


@pytest.fixture(scope="module")
def run():
    return risky_run(steps=600)


@pytest.fixture(scope="module")
def log(run, tmp_path_factory):
    fill = run.of(FillFact)[0]
    marks = [
        MarkoutFact(
            fill.ts_ns + SECOND, fill.strategy_id, fill.instrument_id, fill.client_order_id, fill.trade_id, fill.ts_ns,
            fill.side, 0, "MAKER", 0.02, float(fill.price), horizon, 1.0, 1.0, 0.5, 0.25, 0.25,
        )
        for horizon in (5.0, 1.0)
    ]  # fmt: skip
    return RunLog.open(replace(run, messages=[*run.messages, *marks]).write(tmp_path_factory.mktemp("moment")))


def test_the_decision_in_force_is_the_last_one_of_each_instrument(run, log):
    ts = at(601) + 1
    (found,) = moment(log, ts, 0, 0, SIM).decisions
    assert found == max((one for one in run.of(QuoteDecision) if one.ts_ns <= ts), key=lambda one: one.ts_ns)


def test_the_orders_that_rest_are_those_of_the_decision_in_force(log):
    found = moment(log, at(601), 0, 0, SIM)
    (decision,) = found.decisions
    quotes = [one for one in found.orders if one.last.client_order_id.startswith("R-")]
    resting = {(one.last.side, round(float(one.price), 6)) for one in quotes}
    sides = ("BUY", decision.bid_prices), ("SELL", decision.ask_prices)
    assert resting == {(side, round(price, 6)) for side, prices in sides for price in prices}
    assert all(one.state == "resting" for one in quotes)


def test_an_order_knows_its_last_place_and_what_is_on_its_way(tmp_path):
    def fact(second, event, price="100", order="A"):
        return OrderFact(
            START_NS + second * SECOND, "S", SIM, order, 1, "BUY", 0, event, Decimal(price), Decimal(2), Decimal(0), ""
        )

    fill = synthetic_run(steps=200).of(FillFact)[0]
    part = replace(fill, ts_ns=START_NS + 4 * SECOND, client_order_id="A", size=Decimal("0.5"))
    messages = [
        fact(1, "SUBMIT"), fact(2, "ACCEPTED"), fact(3, "AMEND", "99"), part, fact(5, "UPDATED", "99"),
        fact(6, "CANCEL", "99"), fact(7, "CANCELED", "99"), fact(1, "SUBMIT", order="B"),
        fact(8, "REJECTED", order="B"),
    ]  # fmt: skip
    writer = RunLogWriter(tmp_path)
    for message in messages:
        writer.append(message)
    writer.close()
    log = RunLog.open(tmp_path)

    def told(second):
        (one,) = [
            one for one in moment(log, START_NS + second * SECOND, 0, 0).orders if one.last.client_order_id == "A"
        ]
        return one.state, str(one.price), str(one.filled.normalize())

    assert [told(second) for second in (1, 2, 3, 5, 6)] == [
        ("sent", "100.0000000000000000", "0"),
        ("resting", "100.0000000000000000", "0"),
        ("amendment on its way", "100.0000000000000000", "0"),
        ("resting", "99.0000000000000000", "0.5"),
        ("cancel on its way", "99.0000000000000000", "0.5"),
    ]
    assert moment(log, START_NS + 8 * SECOND, 0, 0).orders == ()


def test_what_came_next_ends_with_what_the_fills_were_worth(run, log):
    fill = run.of(FillFact)[0]
    found = moment(log, fill.ts_ns - 1, SECOND, 2)
    assert [one.fill for one in found.outcomes] == [fill]
    assert [mark.horizon_s for mark in found.outcomes[0].markouts] == [1.0, 5.0]
    assert fill in found.after
    assert all(fill.ts_ns - 1 - SECOND <= one.ts_ns <= fill.ts_ns - 1 for one in found.before)
    assert fill in moment(log, fill.ts_ns, 0, 0).before


def test_the_stages_in_force(log):
    assert {(one.instrument_id, one.stage) for one in moment(log, at(650), 0, 0).risk} == {
        ("", "HALT"),
        (SIM, "REDUCE_ONLY"),
    }
    assert moment(log, at(200), 0, 0).risk == ()


def test_an_instant_outside_the_run_and_an_instrument_that_is_not_there(log):
    first, last = span(log)
    with pytest.raises(ParameterError, match="which the log covers"):
        moment(log, last + 1, 0, 0)
    with pytest.raises(DataError, match=r"nothing of X\.Y before that; the log has BTCUSDT-PERP\.HDG, BTCUSDT\.SIM"):
        moment(log, last, 0, 0, "X.Y")
    assert moment(log, first, 0, 0).ts_ns == first


@given(st.integers(0, 5 * 86_400), st.integers(0, 999_999_999))
def test_a_time_is_read_to_the_nanosecond(second, ns):
    start, end = START_NS, START_NS + 10 * DAY_NS
    wanted = start + second * SECOND + ns
    day, of_day = divmod(second, 86_400)
    clock = f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}.{ns:09d}"
    assert instant(f"+{second}.{ns:09d}", start, end) == wanted
    assert instant(f"2024-08-{8 + day:02d}T{clock}", start, end) == wanted
    assert instant(f"2024-08-{8 + day:02d} {clock}Z", start, end) == wanted
    assert instant(clock, start, end) == wanted - day * DAY_NS


def test_a_time_of_day_before_the_start_is_the_next_day_if_the_run_goes_there():
    start = START_NS + 22 * 3600 * SECOND
    assert instant("01:30", start, start + 6 * 3600 * SECOND) == START_NS + DAY_NS + 5400 * SECOND
    assert instant("01:30", start, start + 3600 * SECOND) == START_NS + 5400 * SECOND  # outside, and said to be


def test_another_time_zone():
    assert instant("2024-08-08T02:00:00.25+02:00", 0, 1) == START_NS + SECOND // 4


@pytest.mark.parametrize("text", ["", "noon", "25:00", "12:61", "-5", "+-5", "2024-13-01T00:00:00", "1723075200"])
def test_other_words_are_refused_with_the_forms_there_are(text):
    with pytest.raises(ParameterError, match="ISO time"):
        instant(text, START_NS, START_NS + DAY_NS)


def test_a_log_that_was_cut_short_is_known_until_its_first_table_ends(tmp_path):
    run = synthetic_run(seed=3, steps=600)
    writer = RunLogWriter(tmp_path, flush_rows=40)
    for message in run.messages:
        writer.append(message)
    # no flush: what is in memory is lost, as in a kill
    writer._finish_part()
    log = RunLog.open(tmp_path)
    ends = [log.table(name, ["ts_ns"])["ts_ns"].to_pylist()[-1] for name in ("decisions", "fills", "marks", "orders")]
    assert known_until(log) == min(ends) < span(log)[1]


def test_without_a_fill_flushed_the_position_tells_how_far_the_log_is_known(tmp_path):
    run = synthetic_run(seed=3, steps=600)
    writer = RunLogWriter(tmp_path, flush_rows=10)
    for message in run.messages:
        if not isinstance(message, FillFact):
            writer.append(message)
    writer.flush()
    held = next(one.ts_ns for one in run.messages if getattr(one, "position", 0))
    assert known_until(RunLog.open(tmp_path)) == held - 1


def test_an_empty_log_says_so(tmp_path):
    RunLogWriter(tmp_path).close()
    with pytest.raises(DataError, match="ended before its first flush"):
        span(RunLog.open(tmp_path))


def test_what_is_paid_next_is_the_last_thing_that_was_said(run, tmp_path):
    due_ns = START_NS + 8 * 3600 * SECOND
    said = [
        FundingFact(START_NS + 10 * SECOND, SIM, Decimal("0.0001"), due_ns),
        FundingFact(START_NS + 90 * SECOND, SIM, Decimal("-0.00025"), due_ns),
        FundingFact(START_NS + 95 * SECOND, "ETHUSDT.SIM", Decimal("0.0005"), None),
    ]
    log = RunLog.open(replace(run, messages=[*run.messages, *said]).write(tmp_path))
    assert moment(log, START_NS + 5 * SECOND, 0, 0, SIM).funding == ()
    assert moment(log, START_NS + 60 * SECOND, 0, 0, SIM).funding == (said[0],)
    found = moment(log, START_NS + 100 * SECOND, 0, 0)
    assert found.funding == (said[1], said[2])
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(moment_view(found, complete=True))
    shown = console.export_text()
    assert f"Funding of {SIM}: a long position pays -0.0250 % at " in shown
    assert "UTC, in " in shown
    assert "Funding of ETHUSDT.SIM: a long position pays +0.0500 % at a time that the venue does not say" in shown
