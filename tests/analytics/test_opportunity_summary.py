"""Opportunities of a run in numbers, and on the page."""

from decimal import Decimal

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.opportunity_summary import opportunity_summary
from mm_nautilus.analytics.report.venue_sections import opportunity_section
from mm_nautilus.messages import OpportunityFact

D = Decimal
NS = 1_000_000_000
CURRENCY = {"X.A": "USDT", "X.B": "USDT"}


def fact(event, verdict, episode, *, profit="0", elapsed=0.0, ask=100.0, bid=100.1, residual="0", gap=None, worth="0"):
    return OpportunityFact(
        episode * NS, "ARB-001", "X", episode, 1 if event in {"TAKEN", "DONE"} else 0, event, verdict, "X.A", "X.B",
        ask, bid, D(1), D(100), D(101), D(0), D(profit), D(residual), D(worth), D(worth), gap, elapsed, "", "",
        f"{verdict} because of the arithmetic",
    )  # fmt: skip


FACTS = [
    fact("MISSED", "FEES", 1),
    fact("MISSED", "MIN_EDGE", 1),
    fact("ENDED", "MIN_EDGE", 1, elapsed=2.0, bid=100.2),
    fact("MISSED", "FEES", 2),
    fact("TAKEN", "TAKEN", 2, profit="1.5"),
    fact("TAKEN", "TAKEN", 2, profit="0.5"),
    fact("DONE", "BOTH", 2, profit="1.25", gap=0.01),
    fact("DONE", "ONE", 2, profit="-99", residual="1", gap=None, worth="100"),
    fact("ENDED", "TAKEN", 2, elapsed=0.5, bid=100.4),
    fact("MISSED", "FEES", 3),
]


def test_every_crossing_counts_once_and_every_reason_once_a_crossing():
    found = opportunity_summary(FACTS, CURRENCY)
    assert (found.seen, found.episodes_taken, found.taken, found.done) == (3, 1, 2, 2)
    assert found.missed == {"FEES": 3, "MIN_EDGE": 1}
    assert found.results == {"BOTH": 1, "ONE": 1}
    assert found.planned_profit == {"USDT": D("2.0")}
    # Bought 2 for 100 and sold 1: what was bought for more counts for the 50 that it cost.
    assert found.cash == {"USDT": D("-97.75")}
    assert found.net_profit == {"USDT": D("-47.75")}
    assert (found.residual_legs, found.imbalance_notional, found.leg_gap_s_max) == (1, {"USDT": D(100)}, 0.01)
    assert (found.duration_s["0.5"], found.duration_s["1"]) == (1.25, 2.0)
    assert round(found.edge_bps["1"], 6) == 40.0
    (pair,) = found.pairs
    assert (pair.seen, pair.taken, pair.net_profit) == (3, 2, D("-47.75"))


def test_a_run_without_crossings_has_none():
    assert opportunity_summary([], CURRENCY) is None


def test_the_section_tells_numbers_reasons_and_arithmetic():
    section = opportunity_section(jsonable(opportunity_summary(FACTS, CURRENCY)), FACTS)
    page = "".join(section.tables)
    for words in ("Crossings seen", "Fees", "Min edge", "because of the arithmetic", "97.75 USDT", "X.A to X.B"):
        assert words in page
    (chart,) = section.charts
    taken = next(trace for trace in chart.figure.data if trace.name == "Taken")
    assert len(taken.x) == 1
