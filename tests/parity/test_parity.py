"""Two runs held against each other: where they part, why, how often they were filled, how long answers took."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from copy import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.analytics.schema import to_table
from mm_nautilus.config import LatencySection
from mm_nautilus.messages import FillFact, OrderFact, QuoteDecision
from mm_nautilus.parity.agreement import agreements
from mm_nautilus.parity.explain import STEPS, differing_step, explanation
from mm_nautilus.parity.fills import FillRate, fill_rates, wilson
from mm_nautilus.parity.latency import Latency, fragment, overrides, round_trips, settings
from mm_nautilus.parity.run import compared
from mm_nautilus.parity.sequence import INSTANTS, STREAMS, comparable, divergences, first_divergence
from mm_nautilus.parity.tables import rows_of, verdict

SECOND = 10**9
INSTRUMENT = "SOLUSDT.SIM"


def decision(number: int, **changes: Any) -> QuoteDecision:
    plain: dict[str, Any] = dict.fromkeys(QuoteDecision.__struct_fields__)
    plain |= {
        "ts_ns": number * SECOND,
        "strategy_id": "MM-001",
        "instrument_id": INSTRUMENT,
        "decision_id": number,
        "trigger": "book",
        "bid": 99.99,
        "ask": 100.01,
        "position": 0.0,
        "worst_long": 1.0,
        "worst_short": -1.0,
        "bid_prices": (99.9 - number / 100,),
        "ask_prices": (100.1 + number / 100,),
        "bid_sizes": (1.0,),
        "ask_sizes": (1.0,),
        "quote_state": "ACTIVE",
        "reasons": (),
        "caps": (),
        "bid_hedge_venue": "",
        "ask_hedge_venue": "",
        "hedge_refusals": (),
    }
    plain |= dict.fromkeys(("submits", "amends", "cancels", "keeps", "deferred"), 0)
    plain |= dict.fromkeys([name for name in plain if name.endswith("_multiplier")], 1.0) | {"fair_value_shift": 0.0}
    return QuoteDecision(**plain | changes)


def order(at_ms: int, name: str, event: str, level: int = 0, side: str = "BUY") -> OrderFact:
    one, none = Decimal("1.0"), Decimal(0)
    ts_ns = at_ms * 10**6
    return OrderFact(ts_ns, "MM-001", INSTRUMENT, name, 1, side, level, event, Decimal("99.9"), one, none, "")


def fill(at_ms: int, name: str, trade: str = "T", level: int = 0) -> FillFact:
    price, one, none = Decimal("99.9"), Decimal("1.0"), Decimal(0)
    who = (at_ms * 10**6, "MM-001", INSTRUMENT, name, f"V-{name}", trade, 1)
    return FillFact(*who, "BUY", level, price, one, "MAKER", none, "USDT", one, 99.9, 100.1, 0)


def written(folder: Path, messages: Sequence[object]) -> RunLog:
    folder.mkdir()
    writer = RunLogWriter(folder)
    for message in messages:
        writer.append(message)
    writer.close()
    return RunLog.open(folder)


def a_run(prefix: str, trade: str = "T") -> list[Any]:
    names = [f"{prefix}-{number}" for number in range(3)]
    return [
        *(decision(number) for number in range(5)),
        *(order(1000 + number, name, "SUBMIT", number % 2) for number, name in enumerate(names)),
        *(order(1005 + number, name, "ACCEPTED", number % 2) for number, name in enumerate(names)),
        fill(2000, names[0], f"{trade}-1"),
        fill(2500, names[1], f"{trade}-2", 1),
    ]


def changed(messages: list[Any], place: int, **changes: Any) -> list[Any]:
    return [replace(one, **changes) if number == place else one for number, one in enumerate(messages)]


# ------------------------------------------------------------------ sequences


def test_a_run_has_no_divergence_from_itself_nor_from_one_with_other_ids(tmp_path: Path) -> None:
    one, other = written(tmp_path / "a", a_run("O-1", "T")), written(tmp_path / "b", a_run("O-2", "U"))
    for result in (compared(one, one), compared(one, other)):
        assert result["divergences"] == []
        assert {name: row["same"] for name, row in result["streams"].items()} == {
            "decisions": 5,
            "orders": 6,
            "fills": 2,
        }


def test_ids_that_change_places_are_a_divergence(tmp_path: Path) -> None:
    messages = a_run("O")
    swapped = changed(messages, len(messages) - 2, client_order_id="O-2")
    (found,) = divergences(comparable(written(tmp_path / "a", messages)), comparable(written(tmp_path / "b", swapped)))
    assert (found.stream, found.row, found.fields) == ("fills", 0, ("client_order_id",))


@given(data=st.data(), rows=st.integers(1, 40))
def test_an_edited_row_is_found_wherever_it_is(data: st.DataObject, rows: int) -> None:
    table = to_table(QuoteDecision, [decision(number) for number in range(rows)])
    place = data.draw(st.integers(0, rows - 1))
    name = data.draw(st.sampled_from(["bid", "position", "sigma", "quote_state", "bid_prices", "submits"]))
    value = {"quote_state": "OFF", "bid_prices": [1.0], "submits": 7}.get(name, 0.5)
    column = table[name].to_pylist()
    column[place] = value
    field = table.schema.field(name)
    edited = table.set_column(table.column_names.index(name), field, pa.array(column, field.type))
    found = first_divergence("decisions", table, edited)
    assert found is not None
    assert (found.row, found.fields) == (place, (name,))
    assert first_divergence("decisions", table, table) is None
    assert first_divergence("decisions", edited, edited) is None


@given(rows=st.integers(0, 30), more=st.integers(1, 5))
def test_rows_that_only_one_run_has_are_found(rows: int, more: int) -> None:
    long = to_table(QuoteDecision, [decision(number) for number in range(rows + more)])
    found = first_divergence("decisions", long.slice(0, rows), long)
    assert found is not None
    assert (found.row, found.live, found.fields) == (rows, None, ())
    assert found.tested is not None
    assert "only the backtest has" in explanation(found)


# ------------------------------------------------------------------ words


def test_every_field_of_a_decision_belongs_to_one_step() -> None:
    named = [name for _, names in STEPS for name in names]
    assert sorted(named) == sorted(QuoteDecision.__struct_fields__)


@pytest.mark.parametrize(
    ("stream", "place", "changes", "words"),
    [
        ("decisions", 2, {"bid": 99.98, "reservation_price": 1.0}, "the market it saw: bid 99.98 live, 99.99 in the"),
        ("decisions", 2, {"sigma": 0.2, "bid_prices": (1.0,)}, "its estimates (step 1): sigma 0.2 live, None in"),
        ("decisions", 2, {"caps": ("POST_ONLY",)}, "the ladder and its guards (steps 4 and 5): caps"),
        (
            "decisions",
            2,
            {"ts_ns": 2 * SECOND + 4_000_000},
            "4.000 ms later than in the backtest, on book against book",
        ),
        ("orders", 8, {"ts_ns": 1_008_500_000}, "is another, 3.500 ms later than in the backtest"),
        ("orders", 5, {"ts_ns": 1_000_500_000}, "sent 0.500 ms later than in the backtest"),
        ("orders", 8, {"event": "REJECTED", "reason": "WOULD_TAKE"}, "in the backtest ACCEPTED of order 0"),
        ("fills", 11, {"size": Decimal("0.4")}, "size 0.4 live, 1 in the backtest"),
        ("fills", 11, {"ts_ns": 2_100_000_000}, "100.000 ms later than in the backtest"),
    ],
)
def test_what_differs_is_said(tmp_path: Path, stream: str, place: int, changes: dict[str, Any], words: str) -> None:
    messages = a_run("O")
    live = written(tmp_path / "live", changed(messages, place, **changes))
    found = divergences(comparable(live), comparable(written(tmp_path / "tested", messages)))
    assert [one.stream for one in found] == [stream]
    assert words in explanation(found[0])


def test_a_live_clock_is_no_divergence_and_its_lag_is_said(tmp_path: Path) -> None:
    messages = a_run("O")
    late = [replace(one, ts_ns=one.ts_ns + 750_000) for one in messages]
    live, tested = written(tmp_path / "live", late), written(tmp_path / "tested", messages)
    assert [one["row"] for one in compared(live, tested)["divergences"]] == [0, 0, 0]
    result = compared(live, tested, INSTANTS)
    assert result["divergences"] == []
    assert {name: one["live_later_ms"] for name, one in result["streams"].items()} == dict.fromkeys(STREAMS, 0.75)
    (found,) = compared(written(tmp_path / "edited", changed(late, 2, bid=99.98)), tested, INSTANTS)["divergences"]
    assert (found["row"], found["fields"]) == (2, ["bid"])


def test_a_fill_that_the_simulator_did_not_have(tmp_path: Path) -> None:
    messages = a_run("O")
    live, tested = written(tmp_path / "live", messages), written(tmp_path / "t", messages[:-2] + messages[-1:])
    (found,) = divergences(comparable(live), comparable(tested))
    assert "the simulator did not fill it" in explanation(found)
    (found,) = divergences(comparable(tested), comparable(live))
    assert "the simulator filled it and the venue did not" in explanation(found)


def test_the_step_that_comes_first_is_the_cause() -> None:
    for number, (step, names) in enumerate(STEPS):
        differing = {name for _, later in STEPS[number:] for name in later}
        assert differing_step(differing) == (step, names)
    with pytest.raises(ValueError, match="the same"):
        differing_step(())


def test_what_is_shown_says_all_of_it(tmp_path: Path) -> None:
    log = written(tmp_path / "a", a_run("O"))
    measured = {"SIM": {"submit": {"count": 3, "quantiles_ms": dict.fromkeys(("50", "90", "99", "100"), 5.0)}}}
    result = compared(log, log) | {"latency": {"measured": measured}, "feed": {}}
    assert verdict(result) == "The live run and the backtest of its data are the same: 5 decisions, 6 orders, 2 fills."
    assert [one.title.split(",")[0] for one in rows_of(result)] == [
        "Sequences",
        "Wanted prices",
        "Orders filled",
        "Command to answer",
    ]


# ------------------------------------------------------------------ fills


def test_wilson_against_a_published_value() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I: 81 of 263, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_the_difference_of_shares_against_a_published_value() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), 873-890, table II: 56/70 - 48/80, method 10.
    rate = FillRate(0, live_orders=80, live_filled=48, tested_orders=70, tested_filled=56)
    assert rate.error == pytest.approx(0.2)
    assert rate.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_fills_count_once_an_order(tmp_path: Path) -> None:
    messages = a_run("O")
    live = comparable(written(tmp_path / "live", [*messages, fill(2100, "O-0", "T-3")]))
    tested = comparable(written(tmp_path / "tested", messages[:-1]))
    assert fill_rates(live, tested) == [FillRate(0, 2, 1, 2, 1), FillRate(1, 1, 1, 1, 0)]


# ------------------------------------------------------------------ latency


def test_each_answer_belongs_to_its_command() -> None:
    facts = [
        order(0, "a", "SUBMIT"),
        order(1, "b", "SUBMIT"),
        order(7, "b", "REJECTED"),
        order(9, "a", "ACCEPTED"),
        order(10, "a", "AMEND"),
        order(14, "a", "UPDATED"),
        order(15, "a", "UPDATED"),  # nobody asked
        order(20, "a", "CANCEL"),
        order(50, "a", "CANCELED"),
        order(60, "c", "CANCEL"),  # filled before it arrived
    ]
    found = round_trips(to_table(OrderFact, facts))
    assert {kind: delays.tolist() for kind, delays in found["SIM"].items()} == {
        "submit": [6.0, 9.0],
        "amend": [4.0],
        "cancel": [30.0],
    }


def test_the_measured_latency_is_a_run_file_s() -> None:
    submits, cancels = (Latency.of(np.array(delays)) for delays in ([4.0, 5.0, 9.0], [30.0]))
    assert submits is not None
    assert cancels is not None
    rows = settings({"SIM": {"submit": submits, "cancel": cancels}})
    latency = {"base_ms": 0.0, "submit_ms": 5.0, "amend_ms": 30.0, "cancel_ms": 30.0}
    assert tomllib.loads(fragment(rows)) == {"venues": [{"name": "SIM", "latency": latency}]}
    assert LatencySection(**latency).submit_ms == 5.0
    (line,) = overrides(rows, ["OTHER", "SIM"])
    where, _, value = line.partition("=")
    assert where == "venues.1.latency"
    assert tomllib.loads(f"value = {value}")["value"] == latency
    assert Latency.of(np.array([])) is None


# ------------------------------------------------------------------ quotes over time


def test_prices_are_compared_second_by_second() -> None:
    live = to_table(QuoteDecision, [decision(number) for number in range(5)])
    later = [
        decision(number, bid_prices=() if number == 3 else (99.9 - number / 100 - 0.02 * (number > 3),))
        for number in range(5)
    ]
    buy, sell = agreements(live, to_table(QuoteDecision, later))
    assert (sell.samples, sell.both, sell.same, sell.mean_difference) == (5, 1.0, 1.0, 0.0)
    assert (buy.samples, buy.both, buy.same) == (5, 0.8, 0.75)
    assert buy.mean_difference == pytest.approx(0.02 / 4)
