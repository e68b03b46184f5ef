"""The doctor's checks, one fact at a time."""

from __future__ import annotations

from copy import replace
from decimal import Decimal

import pytest

from mm_nautilus.config import FeeSection
from mm_nautilus.live.doctor import checks
from mm_nautilus.live.doctor.facts import Holding, Listing, Rates, Reading, Terms
from mm_nautilus.live.doctor.findings import Finding, Level, problem, problems

OK, WARNING, PROBLEM = Level
LISTED = Listing(
    instrument_id="BTCUSDT-LINEAR.BYBIT",
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
    min_lots=1,
    min_notional=Decimal(5),
    multiplier=Decimal(1),
    inverse=False,
    base="BTC",
    quote="USDT",
    settlement="USDT",
    bid=Decimal(59_999),
    ask=Decimal(60_001),
)
TERMS = Terms(instrument_id=LISTED.instrument_id, order_size=Decimal("0.01"), max_position=Decimal("0.1"))


def test_a_finding_is_said_in_one_line() -> None:
    assert problem("disk", "1 MB", "2 MB", "make room").line == "disk: 1 MB, wanted 2 MB; make room"
    assert replace(problem("disk", "1 MB"), level=OK).line == "disk: 1 MB"
    assert problems([problem("a", "b"), Finding(WARNING, "c", "d")]) == [problem("a", "b")]


@pytest.mark.parametrize(
    ("python", "engine", "levels"),
    [
        ((3, 13), "2.0.0rc7", [OK, OK]),
        ((3, 14), "2.0.0rc7", [OK, OK]),
        ((3, 12), "2.0.0rc7", [PROBLEM, OK]),
        ((3, 15), "2.0.0rc6", [PROBLEM, PROBLEM]),
        ((3, 13), "", [OK, PROBLEM]),
    ],
)
def test_versions(python: tuple[int, int], engine: str, levels: list[Level]) -> None:
    found = checks.versions(python, ((3, 13), (3, 15)), engine, "2.0.0rc7")
    assert [one.level for one in found] == levels


@pytest.mark.parametrize(
    ("ahead_s", "uncertainty_s", "level"),
    [
        (0.05, 0.01, OK),
        (-0.05, 0.01, OK),
        (0.2, 0.01, WARNING),
        (-0.2, 0.01, WARNING),
        (0.51, 0.005, PROBLEM),
        (-1.0, 0.01, PROBLEM),
        (1.0, 0.01, PROBLEM),
        (0.6, 0.55, OK),  # a header of whole seconds cannot tell
        (1.6, 0.55, PROBLEM),
    ],
)
def test_a_clock_is_off_only_beyond_what_the_reading_can_tell(
    ahead_s: float, uncertainty_s: float, level: Level
) -> None:
    reading = Reading(ahead_s=ahead_s, uncertainty_s=uncertainty_s, source="time endpoint")
    found = checks.clock("BYBIT", reading, 0.5)
    assert found.level is level
    assert ("behind" if ahead_s > 0 else "ahead of") in found.found
    assert bool(found.remedy) == (level is not OK)


def test_a_venue_that_tells_no_time_leaves_it_to_the_operator() -> None:
    assert checks.clock("INTERACTIVE_BROKERS", None, 0.5).level is WARNING


@pytest.mark.parametrize(
    ("names", "missing", "needed", "level"),
    [
        (["K", "S"], [], True, OK),
        (["K", "S"], ["S"], True, PROBLEM),
        (["K", "S"], ["S"], False, OK),
        ([], [], True, OK),
    ],
)
def test_credentials(names: list[str], missing: list[str], needed: bool, level: Level) -> None:
    found = checks.credentials("BYBIT-001", names, missing, needed=needed)
    assert found.level is level
    assert all(name in found.found for name in missing)


def test_an_instrument_that_is_not_listed_is_told_what_is() -> None:
    found = checks.listing("BTCUSD-LINEAR.BYBIT", None, [LISTED.instrument_id])
    assert found.level is PROBLEM
    assert LISTED.instrument_id in found.remedy


def test_an_instrument_without_a_market_can_wait() -> None:
    assert checks.listing(LISTED.instrument_id, LISTED, ()).level is OK
    assert checks.listing(LISTED.instrument_id, LISTED.model_copy(update={"bid": None}), ()).level is WARNING


@pytest.mark.parametrize(
    ("terms", "listed", "level", "subject"),
    [
        ({}, {}, OK, "order_size"),
        ({"order_size": Decimal("0.001")}, {"min_notional": Decimal(100)}, PROBLEM, "order_size"),
        ({"smallest_share": 0.05}, {}, WARNING, "ladder"),
        ({"smallest_share": 0.5}, {"min_notional": Decimal(500)}, WARNING, "ladder"),
        (
            {"order_size": Decimal(1)},
            {"inverse": True, "lot": Decimal(1), "min_notional": Decimal(0)},
            OK,
            "order_size",
        ),
    ],
)
def test_sizes_against_what_the_venue_takes(
    terms: dict[str, object], listed: dict[str, object], level: Level, subject: str
) -> None:
    (found,) = checks.sizes(TERMS.model_copy(update=terms), LISTED.model_copy(update=listed), [])
    assert found.level is level
    assert subject in found.subject


def test_what_the_pipeline_complains_of_is_a_problem_each() -> None:
    found = checks.sizes(TERMS, LISTED, ["order_size: 0.0105 is not a multiple", "limits.max_notional: too small"])
    assert [one.level for one in found] == [PROBLEM, PROBLEM]


@pytest.mark.parametrize(("ticks", "half_spread_bps", "warned"), [(0, 0.0, False), (3, 0.0, True), (3, 1.0, False)])
def test_a_tolerance_may_not_undo_the_smallest_spread(ticks: int, half_spread_bps: float, warned: bool) -> None:
    terms = TERMS.model_copy(update={"tolerance_ticks": ticks, "min_half_spread_bps": half_spread_bps})
    found = checks.sizes(terms, LISTED, [])
    assert [one.level for one in found] == [OK, *([WARNING] if warned else [])]


def balances(terms: Terms = TERMS, *, cash: bool, leverage: int = 1, **money: tuple[str, str]) -> list[Level]:
    holdings = [Holding(currency=c, total=Decimal(total), free=Decimal(free)) for c, (total, free) in money.items()]
    found = checks.balances("BYBIT", terms, LISTED, holdings, cash=cash, leverage=Decimal(leverage))
    return [one.level for one in found]


def test_money_of_a_margin_account_is_counted_at_its_leverage() -> None:
    assert balances(cash=False, leverage=10, USDT=("1000", "1000")) == [OK]
    assert balances(cash=False, leverage=1, USDT=("1000", "1000")) == [WARNING]  # 6000 at the limit
    assert balances(cash=False, leverage=1, USDT=("500", "500")) == [PROBLEM]  # not even one order of 600
    assert balances(cash=False, leverage=1, USDT=("1000", "10")) == [WARNING]  # the rest is the margin of a position
    assert balances(cash=False) == [PROBLEM]


def test_money_of_a_cash_account_has_two_sides() -> None:
    assert balances(cash=True, USDT=("6000", "6000"), BTC=("1", "1")) == [OK, OK]
    assert balances(cash=True, USDT=("6000", "6000")) == [OK, WARNING]  # bids alone, until some are filled
    assert balances(cash=True, USDT=("10", "10"), BTC=("1", "1")) == [WARNING, OK]
    assert balances(cash=True, USDT=("10", "10"), BTC=("0.001", "0.001")) == [PROBLEM, PROBLEM]


def test_money_is_not_judged_without_a_price_or_a_limit() -> None:
    assert balances(TERMS.model_copy(update={"max_position": None}), cash=False) == []


@pytest.mark.parametrize(
    ("maker", "taker", "level", "word"),
    [
        ("0.0002", "0.00055", OK, "as stated"),
        ("0.0003", "0.00055", WARNING, "pays more"),
        ("-0.0001", "0.0006", WARNING, "pays more"),
        ("0.0001", "0.0005", WARNING, "inferred fills"),
    ],
)
def test_fees(maker: str, taker: str, level: Level, word: str) -> None:
    stated = FeeSection(maker_rate=Decimal("0.0002"), taker_rate=Decimal("0.00055"))
    found = checks.fees("X.Y", stated, Rates(maker=Decimal(maker), taker=Decimal(taker)))
    assert found.level is level
    assert word in found.line + found.wanted


def test_fees_that_cannot_be_asked_for_are_left_to_the_operator() -> None:
    assert checks.fees("X.Y", FeeSection(), None).level is WARNING
    assert checks.fees("X.Y", FeeSection(per_contract="2.25 USD"), None).level is WARNING


@pytest.mark.parametrize(("free_mb", "level"), [(10.0, PROBLEM), (600.0, WARNING), (5000.0, OK)])
def test_disk(free_mb: float, level: Level) -> None:
    assert checks.disk("runs", free_mb, 500).level is level


def test_what_is_missing_or_taken_is_a_problem() -> None:
    assert checks.extras({"live": "live.monitor"})[0].level is PROBLEM
    assert checks.extras({}) == []
    assert checks.port("live.monitor.port", "127.0.0.1:8080", "Address already in use").level is PROBLEM
    assert checks.port("live.monitor.port", "127.0.0.1:8080", "").level is OK
    assert checks.reached("BYBIT endpoint", "Connection refused", "is it up?").level is PROBLEM
    assert checks.reached("BYBIT endpoint", "", "is it up?").level is OK
