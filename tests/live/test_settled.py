"""Fees of fills that a venue never told us of, and patience before it is asked."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.model import (
    Currency,
    CurrencyPair,
    InstrumentId,
    LiquiditySide,
    Money,
    Price,
    Quantity,
    Symbol,
)

from mm_nautilus.config import FeeSection
from mm_nautilus.live.settled import estimated_commission, settled
from mm_nautilus.strategies import MarketMaker

ID = InstrumentId.from_str("BTCUSDT.SIM")
FEES = FeeSection(maker_rate=Decimal("-0.0001"), taker_rate=Decimal("0.0005"))


def instrument() -> CurrencyPair:
    return CurrencyPair(
        instrument_id=ID,
        raw_symbol=Symbol("BTCUSDT"),
        base_currency=Currency.from_str("BTC"),
        quote_currency=Currency.from_str("USDT"),
        price_precision=1,
        size_precision=3,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str("0.001"),
        ts_event=0,
        ts_init=0,
    )


def fill(side: LiquiditySide, commission: Money | None = None) -> Any:
    size, price = Quantity.from_str("0.003"), Price.from_str("60000.1")
    return SimpleNamespace(
        instrument_id=ID,
        client_order_id="O-1",
        last_qty=size,
        last_px=price,
        liquidity_side=side,
        commission=commission,
    )


@pytest.mark.parametrize(
    ("side", "fees", "wanted"),
    [
        (LiquiditySide.MAKER, FEES, "-0.01800003 USDT"),
        (LiquiditySide.TAKER, FEES, "0.09000015 USDT"),
        (LiquiditySide.MAKER, FeeSection(per_contract="2.25 USD"), "0.01 USD"),
    ],
)
def test_a_fee_is_that_of_the_run_file(side: LiquiditySide, fees: FeeSection, wanted: str) -> None:
    assert estimated_commission(fill(side), instrument(), fees) == Money.from_str(wanted)


class Told(MarketMaker):
    """Keeps the fills it is told of."""

    def on_order_filled(self, event: Any) -> None:
        self.told = event


def heard(event: Any) -> Any:
    kind = settled(Told, {"SIM": FEES}, 1.0)
    part = SimpleNamespace(
        cache=SimpleNamespace(instrument=lambda _id: instrument()), log=SimpleNamespace(warning=print)
    )
    kind.on_order_filled(part, event)
    return part.told


def test_a_fill_without_a_fee_is_given_one_and_nothing_else() -> None:
    event = fill(LiquiditySide.MAKER)
    told = heard(event)
    assert told.commission == Money.from_str("-0.01800003 USDT")
    assert (told.last_qty, told.client_order_id) == (event.last_qty, "O-1")


def test_a_fee_that_the_venue_has_told_stands() -> None:
    event = fill(LiquiditySide.TAKER, Money.from_str("0 USDT"))
    assert heard(event) is event


def test_an_actor_is_left_as_it_is() -> None:
    assert settled(SimpleNamespace, {}, 1.0) is SimpleNamespace


def test_nobody_is_asked_for_an_order_that_was_answered_meanwhile() -> None:
    alerts: dict[str, tuple[int, Any]] = {}
    asked: list[Any] = []

    class Venue:
        def query_order(self, order: Any) -> None:
            asked.append(order)

    from mm_nautilus.live.settled import Patient

    class Part(Patient, Venue):
        patience_ns = 5
        orders = {"a": SimpleNamespace(is_closed=True), "b": SimpleNamespace(is_closed=False), "c": None}  # noqa: RUF012
        cache = SimpleNamespace(order=orders.get)
        clock = SimpleNamespace(
            timestamp_ns=lambda: 100,
            set_time_alert_ns=lambda name, at, callback: alerts.update({name: (at, callback)}),
        )

        def guard(self, callback: Any) -> Any:
            return callback

    part = Part()
    for name in "abc":
        part.query_order(SimpleNamespace(client_order_id=name))
    assert asked == []
    for at_ns, callback in alerts.values():
        assert at_ns == 105
        callback(None)
    assert asked == [Part.orders["b"]]
