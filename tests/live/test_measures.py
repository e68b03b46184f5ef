"""What Prometheus is told, and who is told of alerts how often."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import orjson
import pytest

from mm_nautilus.live.beside.alerts import Repeats
from mm_nautilus.live.beside.exposition import exposed
from mm_nautilus.live.beside.measures import Histogram, Measures
from mm_nautilus.messages import AlertFact, FillFact, MarkFact, OrderFact, RiskState

X = "X.SIM"


def order(event: str, name: str = "O-1") -> OrderFact:
    one = Decimal(1)
    return OrderFact(0, "MM-001", X, name, 1, "BUY", 0, event, one, one, Decimal(0), "")


def told(measures: Measures, now_ns: int = 0) -> dict[str, Any]:
    families = measures.families(now_ns, {"dropped": 2, "starts": 1, "uptime_s": 5.0})
    orjson.dumps(families)
    return {family["name"]: family["samples"] for family in families}


@pytest.fixture
def measures() -> Measures:
    return Measures({X: Decimal(10)})


def test_a_round_trip_is_from_the_command_to_the_venues_answer(measures: Measures) -> None:
    for event, now_ns in (("SUBMIT", 0), ("ACCEPTED", 30_000_000), ("AMEND", 40_000_000), ("CANCEL", 50_000_000)):
        measures.ordered(order(event), now_ns)
    measures.ordered(order("CANCELED"), 250_000_000)
    measures.ordered(order("CANCELED", "O-2"), 260_000_000)  # one that was none of our commands
    trips = measures.round_trips
    assert (sum(trips["submit"].counts), trips["submit"].total) == (1, pytest.approx(0.03))
    assert (sum(trips["cancel"].counts), trips["cancel"].total) == (1, pytest.approx(0.2))
    assert sum(trips["amend"].counts) == 0


def test_what_is_never_answered_is_forgotten_in_the_end(measures: Measures) -> None:
    for number in range(25_000):
        measures.ordered(order("SUBMIT", f"O-{number}"), number)
    assert len(measures._sent) <= 10_000


def test_buckets_hold_what_is_at_most_their_end() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.take(value)
    assert histogram.counts == [2, 2, 1]


def test_every_number_is_there_for_prometheus(measures: Measures) -> None:
    size = Decimal("0.5")
    measures.filled(
        FillFact(0, "MM-001", X, "O-1", "V", "T", 1, "BUY", 0, Decimal(100), size, "MAKER", Decimal("-0.1"), "USD",
                 size, 99.0, 101.0, 0)
    )  # fmt: skip
    measures.marked(MarkFact(0, "MM-001", X, 99.0, 101.0, 0.1, size, Decimal(1), Decimal(2), 1_000_000_000))
    measures.restrained(RiskState(0, "HALT", "", 1.0, ("drawdown",), "lost"))
    measures.alerted(AlertFact(0, "", "", "server", "gone"))
    measures.venues["SIM"] = False
    found = told(measures, 4_000_000_000)
    assert found["mm_fees"] == [([X, "USD"], -0.1)]
    assert found["mm_market_silence_seconds"] == [([X], 3.0)]
    assert found["mm_risk_stage"] == [([""], 4)]
    assert found["mm_venue_up"] == [(["SIM"], 0.0)]
    text = exposed(orjson.dumps(measures.families(0, {"dropped": 2, "starts": 1, "uptime_s": 5.0}))).decode()
    for line in (
        f'mm_position{{instrument="{X}"}} 0.5',
        f'mm_filled_size_total{{instrument="{X}",side="BUY"}} 0.5',
        'mm_alerts_total{source="server"} 1.0',
        "mm_snapshots_dropped_total 2.0",
        'mm_tick_to_order_seconds_bucket{le="6e-05"} 0.0',
    ):
        assert line in text


def test_before_anything_happens_there_is_a_page_of_metrics(measures: Measures) -> None:
    assert told(measures)["mm_risk_stage"] == [([""], 0)]
    assert exposed(b"")
    assert exposed(b"[]", b"{}")


def test_taking_a_message_costs_next_to_nothing(measures: Measures) -> None:
    submit, accepted = order("SUBMIT"), order("ACCEPTED")
    best_s = min(_timed(measures, submit, accepted) for _ in range(5))
    assert best_s < 5e-6, "a tenth of it on a machine that does nothing else"


def _timed(measures: Measures, *facts: OrderFact) -> float:
    began = time.thread_time()
    for _ in range(2_000):
        for fact in facts:
            measures.ordered(fact, 1)
    return (time.thread_time() - began) / 4_000


def test_the_same_alert_is_told_once_in_a_while_and_counted() -> None:
    repeats = Repeats(60.0)
    admitted = [repeats.admitted("server", "gone", float(second)) for second in range(0, 130, 10)]
    assert admitted == [0, None, None, None, None, None, 5, None, None, None, None, None, 5]
    assert repeats.admitted("server", "another", 1.0) == 0
    assert Repeats(0.0).admitted("a", "b", 0.0) == 0


def test_alerts_by_the_thousand_are_not_all_remembered() -> None:
    repeats = Repeats(10.0)
    for number in range(5_000):
        repeats.admitted("x", str(number), float(number))
    assert len(repeats._said) <= 1_001
