"""An account's lines sum to its change to the last digit, however they are broken down; each line can be had alone."""

from collections import Counter
from decimal import Decimal

import pytest
from random_markets import MARKETS, NS, decision, facts_of, fill, random_messages, written

from mm_nautilus.analytics import statement as room
from mm_nautilus.analytics.attributed_fill import AttributedFill, FillKind
from mm_nautilus.analytics.attribution import attribute
from mm_nautilus.analytics.attribution_summary import attributed
from mm_nautilus.analytics.facts import AccountFacts, BalanceFacts, InstrumentFacts, RunFacts
from mm_nautilus.analytics.instrument_log import instrument_log
from mm_nautilus.analytics.statement import ACCOUNT, DIMENSIONS, HELD, ROUNDING, SEVEN, entries, statements
from mm_nautilus.analytics.summary import summarise
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.market import Side
from mm_nautilus.messages import MarkFact

D = Decimal
SPOT, LINEAR, INVERSE = MARKETS


def taken_apart(folder, messages, names, end_ns, rates=None, roll_over_ns=0):
    log = written(folder, messages)
    logs = [instrument_log(log, facts_of(name), 0, end_ns) for name in names]
    summary, postings = attributed(logs, 0, rates, roll_over_ns)
    made = [entry for one in logs for entry in entries(one, postings.get(one.facts.instrument_id, ()))]
    return logs, summary, made


def sums(parts):
    """Add statements line by line."""
    total = Counter()
    for part in parts:
        for line, amount in part.lines.items():
            total[line] += amount
    return total


@pytest.mark.parametrize("seed", range(200))
def test_every_breakdown_of_random_fills_is_the_account(tmp_path, seed):
    step_ns = 900 * NS if seed % 4 == 0 else NS  # every fourth over hours and the end of a day
    logs, _, made = taken_apart(tmp_path, random_messages(seed, step_ns=step_ns), MARKETS, 60 * step_ns)
    rounding = {"USDT": {"SPOT": D("0.0000000001"), "LINEAR": D(seed).scaleb(-9)}}
    found = statements(made, rounding)
    expected = Counter()
    for one in logs:
        expected[one.books.contract.settlement_currency] += one.books.total
        for currency, amount in one.books.other_fees:
            expected[currency] -= amount
    expected["USDT"] += sum(rounding["USDT"].values())
    for currency, amount in expected.items():
        account = found[currency].account
        assert account.total == amount == sum(account.lines.values())
        assert tuple(account.lines)[:7] == SEVEN
        for dimension in DIMENSIONS:
            labels = found[currency].by[dimension]
            assert all(part.total == sum(part.lines.values()) for part in labels.values())
            assert sums(labels.values()) == Counter(account.lines), dimension
            assert sum(part.total for part in labels.values()) == account.total


def test_a_lost_posting_is_seen(tmp_path, monkeypatch):
    """The test above can fail."""
    whole = room._statement
    monkeypatch.setattr(room, "_statement", lambda mine: whole(mine[1:]))
    with pytest.raises(AssertionError):
        test_every_breakdown_of_random_fills_is_the_account(tmp_path, 1)


def marked(mids, position="0"):
    return [
        MarkFact(step * NS, "S-001", name, mid - 1, mid + 1, 1.0, D(position), D(0), D(0))
        for name, path in mids.items()
        for step, mid in enumerate(path)
    ]


def only(line, amount):
    return dict.fromkeys(SEVEN, D(0)) | {line: D(amount)}


FLAT = [1000.0] * 30
LATER = [1000.0] * 20 + [1010.0] * 10

SCENARIOS = {
    # bought below the mid and sold above it, the mid never moves
    "spread_capture": (FLAT, [("BUY", "999", "QUOTE", 2), ("SELL", "1001", "QUOTE", 3)], 2),
    # bought and sold at the mid before a fall of 5 within the horizon; sold again at the mid there
    "adverse_selection": (
        [1000.0] * 10 + [995.0] * 20,
        [("BUY", "1000", "QUOTE", 9), ("SELL", "995", "QUOTE", 14)],
        -5,
    ),
    # bought at the mid; the mid moves after the horizon
    "inventory": (LATER, [("BUY", "1000", "QUOTE", 2)], 10),
    # taken above the mid and sold below it
    "hedging": (FLAT, [("BUY", "1001", "HEDGE", 2), ("SELL", "998", "LIQUIDATION", 3)], -3),
    "arbitrage": (FLAT, [("BUY", "998", "ARBITRAGE", 2), ("SELL", "1001", "ARBITRAGE", 3)], 3),
}


@pytest.mark.parametrize("line", SCENARIOS)
def test_a_line_alone(tmp_path, line):
    path, trades, amount = SCENARIOS[line]
    held, made = D(0), []
    for side, price, purpose, second in trades:
        held += 1 if side == "BUY" else -1
        made.append(fill(second * NS + 1, SPOT, side, price, "1", held, purpose=purpose))
    _, _, booked = taken_apart(tmp_path, [*made, *marked({SPOT: path})], [SPOT], 30 * NS)
    account = statements(booked, {})["USDT"].account
    assert account.lines == only(line, amount)
    assert account.total == amount


@pytest.mark.parametrize(("line", "commission"), [("fees", "0.25"), ("rebates", "-0.25")])
@pytest.mark.parametrize("currency", ["USDT", "BNB"])
def test_commissions_alone_in_whatever_currency(tmp_path, line, commission, currency):
    made = [fill(2 * NS, SPOT, "BUY", "1000", "1", "1", commission, currency)]
    _, _, booked = taken_apart(tmp_path, [*made, *marked({SPOT: FLAT})], [SPOT], 30 * NS)
    found = statements(booked, {})
    assert found[currency].account.lines == only(line, -D(commission))
    assert set(found) == {currency}


def test_basis_alone(tmp_path):
    mids = {SPOT: [1000.0] * 10 + [1002.0] * 10, LINEAR: [960.0] * 10 + [958.0] * 10}
    made = [
        fill(2 * NS, SPOT, "BUY", "1000", "1", "1"),
        fill(2 * NS, LINEAR, "SELL", "960", "1", "-1", purpose="HEDGE"),
    ]
    _, _, booked = taken_apart(tmp_path, [*made, *marked(mids)], [SPOT, LINEAR], 20 * NS)
    found = statements(booked, {})["USDT"]
    assert found.account.lines == dict.fromkeys(SEVEN, D(0)) | {"basis": D(4)}
    assert found.by["side"] == {HELD: found.account}
    assert {name: one.total for name, one in found.by["venue"].items()} == {"SPOT": 2, "LINEAR": 2}


def test_conversion_alone(tmp_path):
    """A coin earned at once and sold for nothing: what it gains is conversion in the reference currency."""
    mids = {SPOT: [1000.0] * 10 + [1100.0] * 10, INVERSE: [1000.0] * 10 + [1100.0] * 10}
    made = [
        fill(2 * NS, INVERSE, "BUY", "1000", "10", "10", "-1"),
        fill(3 * NS, INVERSE, "SELL", "1000", "10", "0", "1"),
    ]
    _, summary, booked = taken_apart(tmp_path, [*made, *marked(mids)], [SPOT, INVERSE], 20 * NS, {"USD": D(1)})
    lines = summary.assets["BTC"].total.lines
    assert {name: amount for name, amount in lines.items() if amount} == {"fees": -1000, "rebates": 1000}
    kept = [fill(2 * NS, INVERSE, "BUY", "1000", "10", "10", "-1"), fill(3 * NS, INVERSE, "SELL", "1000", "10", "0")]
    _, summary, booked = taken_apart(tmp_path / "b", [*kept, *marked(mids)], [SPOT, INVERSE], 20 * NS, {"USD": D(1)})
    lines = summary.assets["BTC"].total.lines
    assert {name: amount for name, amount in lines.items() if amount} == {"rebates": 1000, "conversion": 100}
    assert statements(booked, {})["BTC"].account.lines == only("rebates", 1), "in the coin itself there is none"


def test_funding_alone():
    flows = [(5, D("-0.6")), (9, D("0.1"))]
    booked = []
    held = attribute([], [(0, D(100)), (10, D(100))], MARKETS[LINEAR][1], 5, D(3), flows, postings=booked)
    assert {name: amount for name, amount in held.lines.items() if amount} == {"funding": D("-0.5")}
    assert [(one.line, one.amount, one.ts_ns) for one in booked] == [("funding", *flow[::-1]) for flow in flows]


def test_booking_rounding_alone(tmp_path):
    contract = Contract("USD", multiplier=D(50))
    account = AccountFacts("SIM", True, (BalanceFacts("USD", 2, D(1000), D("1000")),))
    instrument = InstrumentFacts("X.SIM", "SIM", D("0.25"), D(1), contract, D(4))
    facts = RunFacts(0, 30 * NS, (instrument,), (account,))
    assert summarise(written(tmp_path, marked({"X.SIM": FLAT})), facts).statement["USD"].account.total == 0
    found = statements([], {"USD": {"SIM": D("-0.004")}})["USD"]
    assert found.account.lines == dict.fromkeys(SEVEN, D(0)) | {ROUNDING: D("-0.004")}
    assert list(found.by["venue"]) == ["SIM"]
    assert list(found.by["hour"]) == [ACCOUNT]


def test_what_a_state_and_an_hour_made_is_what_happened_in_them(tmp_path):
    """A move belongs to the hour and the state before the mark that shows it, a fill to those just before it."""
    hour = 3600 * NS
    mids = [(0, 1000.0), (hour // 2, 1001.0), (hour, 1003.0), (hour + 1, 1003.0), (2 * hour - 1, 1010.0)]
    messages = [
        decision(1, SPOT, "ACTIVE", (999.0, 1001.0)),
        decision(hour // 2, SPOT, "PASSIVE", (1000.0, 1002.0)),
        fill(2, SPOT, "BUY", "999", "1", "1"),
        fill(hour, SPOT, "BUY", "1000", "1", "2", level=1),
        *(MarkFact(ts, "S-001", SPOT, mid - 1, mid + 1, 1.0, D(0), D(0), D(0)) for ts, mid in mids),
    ]
    _, _, made = taken_apart(tmp_path, messages, [SPOT], 2 * hour)
    by = statements(made, {})["USDT"].by
    # One gains 1 until half past; two, the second bought just before one o'clock, gain 4 there and 14 after.
    assert {label: one.lines["inventory"] for label, one in by["state"].items()} == {"ACTIVE": 1, "PASSIVE": 4 - 2 + 14}
    assert {label: one.lines["adverse_selection"] for label, one in by["state"].items()} == {"ACTIVE": 0, "PASSIVE": 2}
    assert {label: one.lines["inventory"] for label, one in by["hour"].items()} == {"00h": 1 + 4 - 2, "01h": 14}
    assert {label: one.lines["spread_capture"] for label, one in by["level"].items()} == {"0": 1, "1": 1, HELD: 0}


def test_postings_are_the_lines_whatever_the_marks_between():
    fills = [AttributedFill(5, Side.BUY, D(2), D(99), D("0.1"), FillKind.MAKER)]
    path = [(0, D(100)), (7, D(101)), (9, D(98)), (30, D(102))]
    booked = []
    found = attribute(fills, path, MARKETS[SPOT][1], 3, D(1), postings=booked)
    lines = Counter()
    for one in booked:
        lines[one.line] += one.amount
    assert lines == Counter({name: amount for name, amount in found.lines.items() if amount})
    assert found == attribute(fills, path, MARKETS[SPOT][1], 3, D(1))
