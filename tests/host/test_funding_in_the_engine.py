"""What the engine does about funding: it settles in a backtest, and tells nobody who runs in it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    CryptoPerpetual,
    Currency,
    FundingRateUpdate,
    InstrumentId,
    MarkPriceUpdate,
    Money,
    OmsType,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    Symbol,
    Venue,
)
from nautilus_trader.trading import Strategy

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.funding import FundingRate, funding_payments

T0, SECOND = 1_700_000_000_000_000_000, 1_000_000_000
ID, USDT, BTC = InstrumentId.from_str("BTCUSDT-PERP.SIM"), Currency.from_str("USDT"), Currency.from_str("BTC")
PERPETUAL = CryptoPerpetual(
    instrument_id=ID,
    raw_symbol=Symbol("BTCUSDT"),
    base_currency=BTC,
    quote_currency=USDT,
    settlement_currency=USDT,
    is_inverse=False,
    price_precision=1,
    size_precision=3,
    price_increment=Price.from_str("0.1"),
    size_increment=Quantity.from_str("0.001"),
    margin_init=Decimal("0.05"),
    margin_maint=Decimal("0.025"),
    ts_event=0,
    ts_init=0,
)
CASH = Decimal(1_000_000)


class Trader(Strategy):
    """Trades at two instants, the second of which is when funding is due, and looks at its balance all the time."""

    def __init__(self, sides: tuple[OrderSide, OrderSide]) -> None:
        super().__init__()
        self.sides = sides
        self.balances: dict[int, Decimal] = {}
        self.heard: list[Any] = []

    def on_start(self) -> None:
        self.subscribe_quotes(ID)
        self.subscribe_funding_rates(ID)
        self.clock.set_time_alert_ns("due", T0 + 10 * SECOND, callback=lambda _event: self.note(-10))

    def note(self, second: int) -> None:
        account = self.portfolio.account(Venue("SIM"))
        self.balances[second] = account.balances_total()[USDT].as_decimal()

    def on_quote(self, quote: QuoteTick) -> None:
        second = (quote.ts_event - T0) // SECOND
        self.note(second)
        if second in (2, 10):
            side = self.sides[second == 10]
            self.submit_order(self.order_factory.market(ID, side, Quantity.from_str("1.000")))

    def on_event(self, event: Any) -> None:
        self.heard.append(event)


def rate(second: int, value: str, due: int | None) -> FundingRateUpdate:
    at_ns = T0 + second * SECOND
    due_ns = None if due is None else T0 + due * SECOND
    return FundingRateUpdate(ID, Decimal(value), at_ns, at_ns, interval=480, next_funding_ns=due_ns)


def traded(rates: list[FundingRateUpdate], sides: tuple[OrderSide, OrderSide], marks: list[Any]) -> Any:
    """Return the strategy, its final balance, and what the engine booked."""
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggerConfig(stdout_level=LogLevel.OFF), run_analysis=False))
    free = MakerTakerFeeModel(Decimal(0), Decimal(0))
    engine.add_venue(
        Venue("SIM"), OmsType.NETTING, AccountType.MARGIN, [Money.from_str(f"{CASH} USDT")], fee_model=free
    )
    engine.add_instrument(PERPETUAL)
    bid, ask, size = Price.from_str("59999.9"), Price.from_str("60000.3"), Quantity.from_str("5.000")
    times = [T0 + second * SECOND for second in range(1, 25)]
    engine.add_data([QuoteTick(ID, bid, ask, size, size, at_ns, at_ns) for at_ns in times], sort=False)
    for data in (rates, marks):
        if data:
            engine.add_data(data, sort=False)
    engine.sort_data()
    strategy = Trader(sides)
    engine.add_strategy(strategy)
    try:
        engine.run()
        balance = engine.portfolio.account(Venue("SIM")).balances_total()[USDT].as_decimal()
        (position,) = engine.cache.positions()
        booked = [one.pnl_change.as_decimal() for one in position.adjustments()]
        realised = position.realized_pnl.as_decimal()
        return strategy, balance, booked, realised
    finally:
        engine.dispose()


BUYS, SELLS = (OrderSide.BUY, OrderSide.BUY), (OrderSide.SELL, OrderSide.SELL)
MARK = Decimal("60012.3")


@pytest.mark.parametrize(("sides", "position"), [(BUYS, Decimal(2)), (SELLS, Decimal(-2))])
@pytest.mark.parametrize("marks", [False, True])
def test_our_payments_are_what_the_engine_books(sides: Any, position: Decimal, *, marks: bool) -> None:
    """Fills of the very instant count; the price is the venue's mark, or the mid, which the engine rounds to a tick."""
    rates = [rate(4, "0.00012345", 10), rate(8, "0.0003", 10), rate(10, "-0.0002", 20), rate(12, "0.9", None)]
    prices = [MarkPriceUpdate(ID, Price(float(MARK), 1), T0 + s * SECOND, T0 + s * SECOND) for s in range(1, 25)]
    strategy, balance, booked, realised = traded(rates, sides, prices if marks else [])
    known = [FundingRate(one.ts_init, one.rate, one.next_funding_ns) for one in rates]
    mark = MARK if marks else Decimal("60000.1")
    held: Callable[[int], Decimal] = lambda _: position  # noqa: E731
    ours = funding_payments(known, (T0, T0 + 24 * SECOND), held, lambda _: mark, Contract("USDT", "BTC"))
    assert [one.amount for one in ours] == booked
    assert balance - CASH == sum(booked, Decimal(0)) == realised
    assert strategy.balances[10] == strategy.balances[-10] == CASH, "it is settled after all that happens then"
    assert strategy.balances[11] == CASH + booked[0]
    assert not [event for event in strategy.heard if "Adjusted" in type(event).__name__], "and nobody is told"


def test_a_rate_that_comes_after_it_was_due_breaks_the_run() -> None:
    with pytest.raises(RuntimeError, match="Late funding boundary"):
        traded([rate(12, "0.0001", 10)], BUYS, [])
