"""The ledger: every execution once, whatever the order; what is not hedged is never forgotten."""

from __future__ import annotations

import json
from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mm_nautilus.errors import DataError, ParameterError
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.ledger import Difference, Ledger, tradable
from mm_nautilus.inventory.ledger_line import Booking, Fill
from mm_nautilus.inventory.volume import DAY_NS, DailyVolume, trading_day
from mm_nautilus.market import Purpose, Side

SPOT, PERP = "BTCUSDT.BINANCE", "BTCUSD-PERP.BYBIT"
USDT = Contract("USDT", "BTC")
FACE_100 = Contract("USD", "BTC", Decimal(100), inverse=True)
UNITS = {PERP: Decimal("0.001")}  # a contract of 100 USD at 100,000
SIZES = st.integers(1, 500).map(lambda lots: lots * Decimal("0.001"))


def new_ledger(remembered: int = 4096) -> Ledger:
    ledger = Ledger(remembered=remembered)
    ledger.open(SPOT, asset="BTC", venue="BINANCE", contract=USDT)
    ledger.open(PERP, asset="BTC", venue="BYBIT", contract=FACE_100)
    return ledger


def fill(trade: int | str, size: str | Decimal, side: Side = Side.BUY, **changes: Any) -> Fill:
    fields: dict[str, Any] = {"ts_ns": 10**9, "instrument_id": SPOT, "client_order_id": "O-1", "purpose": Purpose.QUOTE}
    fields |= changes
    return Fill(trade_id=str(trade), side=side, size=Decimal(size), price=Decimal(100_000), **fields)


def restarted(ledger: Ledger) -> Ledger:
    """Return a ledger that knows only what went through JSON."""
    again = new_ledger()
    again.load(json.loads(json.dumps(ledger.save())))
    return again


# ------------------------------------------------------------------------------ single facts


def test_a_fill_counts_for_its_purpose() -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "3"))
    ledger.book(fill(2, "1", Side.SELL))
    ledger.book(fill(3, "0.5", Side.SELL, purpose=Purpose.HEDGE))
    ledger.book(fill(4, "0.25", Side.SELL, purpose=Purpose.LIQUIDATION))
    line = ledger.line(SPOT)
    assert (line.quoted, line.hedged, line.position) == (Decimal(2), Decimal("-0.75"), Decimal("1.25"))
    assert (line.volume, line.fills) == (Decimal("4.75"), 4)


def test_the_two_sides_of_one_trade_are_two_executions() -> None:
    ledger = new_ledger()
    assert ledger.book(fill("T", "1")) is Booking.NEW
    assert ledger.book(fill("T", "1", Side.SELL)) is Booking.NEW
    assert ledger.line(SPOT).position == 0


def test_the_same_trade_id_on_another_instrument_is_another_execution() -> None:
    ledger = new_ledger()
    assert ledger.book(fill("T", "1")) is Booking.NEW
    assert ledger.book(fill("T", "1", instrument_id=PERP)) is Booking.NEW


def test_exposure_nets_venues_and_counts_contracts_by_what_they_stand_for() -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "0.7"))
    ledger.book(fill(2, "400", Side.SELL, instrument_id=PERP, purpose=Purpose.HEDGE))
    assert ledger.exposure("BTC", UNITS) == Decimal("0.300")
    assert ledger.exposure("ETH", UNITS) == 0


def test_what_is_on_its_way_is_not_hedged_again() -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "0.7"))
    assert ledger.to_hedge("BTC", UNITS) == Decimal("0.7")
    ledger.sent("H-1", PERP, Decimal(-700))
    assert ledger.to_hedge("BTC", UNITS) == 0
    ledger.book(fill(2, "300", Side.SELL, instrument_id=PERP, client_order_id="H-1", purpose=Purpose.HEDGE))
    assert ledger.in_flight_size(PERP) == (0, Decimal(400))
    assert ledger.to_hedge("BTC", UNITS) == 0
    assert ledger.ended("H-1") == Decimal(-400)
    assert ledger.to_hedge("BTC", UNITS) == Decimal("0.4")


def test_a_fill_after_the_cancel_is_booked_and_ends_nothing_else() -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "0.4"))
    ledger.sent("H-1", SPOT, Decimal("-0.4"))
    ledger.ended("H-1")
    ledger.sent("H-2", SPOT, Decimal("-0.4"))
    ledger.book(fill(2, "0.4", Side.SELL, client_order_id="H-1", purpose=Purpose.HEDGE))
    assert ledger.to_hedge("BTC", {}) == Decimal("-0.4"), "both may fill: the worst case is known, and bought back"
    assert ledger.ended("H-2") == Decimal("-0.4")
    assert ledger.to_hedge("BTC", {}) == 0


def test_an_order_that_fills_more_than_was_sent_is_answered() -> None:
    ledger = new_ledger()
    ledger.sent("H-1", SPOT, Decimal("0.4"))
    ledger.book(fill(1, "0.5", client_order_id="H-1", purpose=Purpose.HEDGE))
    assert ledger.in_flight == ()
    assert ledger.ended("H-1") == 0


def test_a_target_and_positions_taken_over() -> None:
    ledger = Ledger()
    ledger.open(SPOT, asset="BTC", venue="BINANCE", contract=USDT, position=Decimal(2))
    ledger.book(fill(1, "0.5"))
    assert ledger.to_hedge("BTC", {}, target=Decimal(2)) == Decimal("0.5")
    assert ledger.unhedged("BTC", {}) == Decimal("0.5")
    assert ledger.to_hedge("BTC", {}) == Decimal("2.5")


@pytest.mark.parametrize(
    ("size", "step", "smallest", "order"),
    [
        ("0.0379", "0.01", "0.01", "0.03"),
        ("-0.0379", "0.01", "0.01", "-0.03"),
        ("0.0379", "0.01", "0.04", "0"),
        ("0.4", "0.1", "0.4", "0.4"),
        ("7", "5", "5", "5"),
    ],
)
def test_only_whole_steps_are_traded(size: str, step: str, smallest: str, order: str) -> None:
    assert tradable(Decimal(size), Decimal(step), Decimal(smallest)) == Decimal(order)


def test_a_fill_older_than_what_is_remembered_is_refused_and_shows() -> None:
    ledger = new_ledger(remembered=10)
    for trade in range(30):
        ledger.book(fill(trade, "1", ts_ns=trade))
    assert ledger.book(fill(25, "1", ts_ns=25)) is Booking.REPEATED
    assert ledger.book(fill(3, "1", ts_ns=3)) is Booking.TOO_OLD
    assert (ledger.line(SPOT).position, ledger.line(SPOT).refused) == (30, 1)
    assert ledger.differences({SPOT: Decimal(30)}) == ()
    assert ledger.differences({SPOT: Decimal(31)}) == (Difference(SPOT, Decimal(30), Decimal(31)),)


def test_a_difference_is_listed_adopted_once_and_stays_visible() -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "1"))
    (difference,) = ledger.differences({SPOT: Decimal("1.5")})
    ledger.adopt(difference, 2 * 10**9)
    assert ledger.line(SPOT).adopted == Decimal("0.5")
    assert ledger.differences({SPOT: Decimal("1.5")}) == ()
    assert ledger.to_hedge("BTC", {}) == Decimal("1.5")
    with pytest.raises(ParameterError, match="present position"):
        ledger.adopt(difference, 3 * 10**9)


def test_an_instrument_the_venue_does_not_name_is_flat_there() -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "1"))
    assert ledger.differences({}) == (Difference(SPOT, Decimal(1), Decimal(0)),)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda ledger: ledger.book(fill(1, "1", instrument_id="ETH.X")), "instrument_id must be one of"),
        (lambda ledger: ledger.book(fill(1, "0")), "size must be > 0"),
        (lambda ledger: ledger.sent("H", SPOT, Decimal(0)), "signed_size must be finite and not 0"),
        (lambda ledger: [ledger.sent("H", SPOT, Decimal(1)) for _ in "12"], "not sent before"),
        (lambda ledger: ledger.differences({"ETH.X": Decimal(1)}), "instrument_id must be one of"),
        (lambda ledger: ledger.open(SPOT, asset="ETH", venue="BINANCE", contract=USDT), "as it was opened"),
    ],
)
def test_mistakes_are_named(mistake: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        mistake(new_ledger())


# ------------------------------------------------------------------------------------- restart


def test_a_position_cannot_be_left_out_of_a_restart() -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "1"))
    state = ledger.save()
    empty = Ledger()
    with pytest.raises(ParameterError, match="instrument_id must be one of none"):
        empty.load(state)
    elsewhere = Ledger()
    elsewhere.open(SPOT, asset="BTC", venue="KRAKEN", contract=USDT)
    with pytest.raises(ParameterError, match="BTC on BINANCE, as it was saved"):
        elsewhere.load(state)
    only_spot = Ledger()
    only_spot.open(SPOT, asset="BTC", venue="BINANCE", contract=USDT)
    only_spot.load(state)  # nothing was ever traded on the other
    assert only_spot.line(SPOT).position == 1


@pytest.mark.parametrize(
    "state", [{}, {"volume": {}, "in_flight": [], "lines": {}}, {"volume": 3, "in_flight": [["a"]], "lines": {}}]
)
def test_a_foreign_state_changes_nothing(state: dict[str, Any]) -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "1"))
    before = ledger.save()
    with pytest.raises(DataError, match="not the state of a ledger"):
        ledger.load(state)
    assert ledger.save() == before


# --------------------------------------------------------------------------- whatever the order


@given(
    fills=st.lists(st.tuples(SIZES, st.sampled_from(Side), st.sampled_from(Purpose), st.integers(0, 50)), max_size=30),
    data=st.data(),
)
def test_repeated_fills_in_any_order_and_restarts_change_nothing(fills: list[Any], data: st.DataObject) -> None:
    executions = [
        fill(number, size, side, purpose=purpose, ts_ns=ts) for number, (size, side, purpose, ts) in enumerate(fills)
    ]
    told = data.draw(st.permutations(executions * 2))
    ledger = new_ledger()
    restart = data.draw(st.integers(0, len(told)))
    for number, execution in enumerate(told):
        if number == restart:
            ledger = restarted(ledger)
        ledger.book(execution)
    line = ledger.line(SPOT)
    assert line.position == sum((one.signed_size for one in executions), Decimal(0))
    assert line.position == line.quoted + line.hedged + line.adopted == line.lots.position
    assert line.volume == sum((one.size for one in executions), Decimal(0))
    assert line.fills == len(executions)
    assert restarted(ledger).save() == ledger.save()


@given(fills=st.lists(st.tuples(st.integers(1, 40), st.sampled_from(Side)), max_size=60))
def test_dust_is_carried_until_it_can_be_traded(fills: list[tuple[int, Side]]) -> None:
    """Fills in steps of 0.001 are hedged in steps of 0.01: what is left never reaches the smallest order."""
    ledger = new_ledger()
    step = Decimal("0.01")
    for number, (lots, side) in enumerate(fills):
        ledger.book(fill(f"q{number}", lots * Decimal("0.001"), side))
        hedge = -tradable(ledger.to_hedge("BTC", {}), step, step)
        if hedge:
            ledger.sent(f"H-{number}", SPOT, hedge)
            way = Side.BUY if hedge > 0 else Side.SELL
            ledger.book(fill(f"h{number}", abs(hedge), way, client_order_id=f"H-{number}", purpose=Purpose.HEDGE))
        assert abs(ledger.to_hedge("BTC", {})) < step
    quoted = sum((lots * int(side) * Decimal("0.001") for lots, side in fills), Decimal(0))
    assert quoted + ledger.line(SPOT).hedged == ledger.to_hedge("BTC", {})


class LedgerGame(RuleBasedStateMachine):
    """Quotes fill, hedges are sent, answered in parts, cancelled and filled after that; events repeat; we restart."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = new_ledger()
        self.position = Decimal(0)
        self.events: list[Fill] = []
        self.open: dict[str, Decimal] = {}
        self.late: dict[str, Decimal] = {}
        self.orders = 0

    def happen(self, size: Decimal, side: Side, purpose: Purpose, order: str, ts_ns: int) -> None:
        event = fill(len(self.events), size, side, purpose=purpose, client_order_id=order, ts_ns=ts_ns)
        self.events.append(event)
        self.position += event.signed_size
        assert self.ledger.book(event) is Booking.NEW

    @rule(size=SIZES, side=st.sampled_from(Side), ts_ns=st.integers(0, 100))
    def a_quote_fills(self, size: Decimal, side: Side, ts_ns: int) -> None:
        self.happen(size, side, Purpose.QUOTE, "Q", ts_ns)

    @rule()
    def hedge_what_is_left(self) -> None:
        size = -tradable(self.ledger.to_hedge("BTC", {}), Decimal("0.005"), Decimal("0.005"))
        if size:
            self.orders += 1
            self.open[f"H-{self.orders}"] = size
            self.ledger.sent(f"H-{self.orders}", SPOT, size)

    @precondition(lambda self: self.open)
    @rule(pick=st.randoms(use_true_random=False), whole=st.booleans())
    def a_hedge_fills(self, pick: Any, whole: bool) -> None:
        order = pick.choice(sorted(self.open))
        left = self.open[order]
        size = abs(left) if whole else Decimal("0.001") * pick.randint(1, int(abs(left) / Decimal("0.001")))
        way = Side.BUY if left > 0 else Side.SELL
        self.happen(size, way, Purpose.HEDGE, order, 50)
        self.open[order] = left - size * int(way)
        if not self.open[order]:
            del self.open[order]

    @precondition(lambda self: self.open)
    @rule(pick=st.randoms(use_true_random=False))
    def a_hedge_is_cancelled(self, pick: Any) -> None:
        order = pick.choice(sorted(self.open))
        self.late[order] = self.open.pop(order)
        assert self.ledger.ended(order) == self.late[order]

    @precondition(lambda self: self.late)
    @rule()
    def a_cancelled_hedge_has_filled(self) -> None:
        order, left = self.late.popitem()
        self.happen(abs(left), Side.BUY if left > 0 else Side.SELL, Purpose.HEDGE, order, 60)

    @precondition(lambda self: self.events)
    @rule(pick=st.randoms(use_true_random=False))
    def an_event_repeats(self, pick: Any) -> None:
        assert self.ledger.book(pick.choice(self.events)) is Booking.REPEATED

    @rule()
    def restart(self) -> None:
        self.ledger = restarted(self.ledger)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        in_flight = sum(self.open.values(), Decimal(0))
        assert self.ledger.exposure("BTC", {}) == self.position
        assert self.ledger.to_hedge("BTC", {}) == self.ledger.unhedged("BTC", {}) == self.position + in_flight
        assert {one.client_order_id: one.signed_size for one in self.ledger.in_flight} == self.open
        assert self.ledger.differences({SPOT: self.position}) == ()


LedgerGame.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestLedgerGame = LedgerGame.TestCase


# ------------------------------------------------------------------------------------- volume


def test_the_day_rolls_over_when_it_is_told() -> None:
    assert trading_day(DAY_NS - 1, time(0)) == 0
    assert trading_day(DAY_NS, time(0)) == 1
    assert trading_day(22 * 3600 * 10**9 - 1, time(22)) == -1
    assert trading_day(22 * 3600 * 10**9, time(22)) == 0


def test_volume_is_that_of_the_day_alone() -> None:
    volume = DailyVolume(time(22))
    evening = 22 * 3600 * 10**9
    volume.traded(evening - 5, Decimal(10))
    volume.traded(evening - 5, Decimal(1))
    assert volume.value(evening - 1) == 11
    assert volume.value(evening) == 0
    volume.traded(evening + 1, Decimal(2))
    volume.traded(evening - 1, Decimal(100))  # heard of late, and of the day before
    assert volume.value(evening + 1) == 2
    assert DailyVolume.restored(json.loads(json.dumps(volume.save())), time(22)).value(evening + 1) == 2


def test_an_inverse_contract_trades_its_face_value() -> None:
    ledger = new_ledger()
    ledger.book(fill(1, "7", instrument_id=PERP))
    ledger.book(fill(2, "0.5", Side.SELL))
    assert ledger.volume.value(10**9) == 700 + 50_000
