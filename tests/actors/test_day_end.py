"""The end of a day inside the engine: positions and balances are taken at every roll-over, and only then."""

from datetime import time
from decimal import Decimal

import pytest
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    Currency,
    CurrencyPair,
    InstrumentId,
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
from pydantic import ValidationError

from mm_nautilus.actors import DayEnd, DayEndConfig, Recorder, RecorderConfig
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.messages import AccountFact, PositionFact

BTCUSDT = InstrumentId.from_str("BTCUSDT.SIM")
HOUR = 3_600_000_000_000
D = Decimal


class Trader(Strategy):
    """Buys 0.3 at the first quote and sells 0.5 at the 30th: long over the first roll-overs, then short."""

    heard = 0

    def on_start(self):
        self.subscribe_quotes(BTCUSDT)

    def on_quote(self, _quote):
        self.heard += 1
        if self.heard in (1, 30):
            side, size = (OrderSide.BUY, "0.300") if self.heard == 1 else (OrderSide.SELL, "0.500")
            self.submit_order(self.order_factory.market(BTCUSDT, side, Quantity.from_str(size)))


def run(folder, rollover, hours=60):
    """Quote once an hour from one in the morning on."""
    recorder = Recorder(RecorderConfig(actor_id="Recorder-001", run_dir=folder))
    day_end = DayEnd(DayEndConfig(actor_id="DayEnd-001", instrument_ids=[str(BTCUSDT)], rollover_utc=rollover))
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggerConfig(bypass_logging=True), shutdown_on_error=True))
    money = [Money.from_str("1000 USDT"), Money.from_str("1 BTC")]
    fees = MakerTakerFeeModel(D(0), D(0))
    engine.add_venue(Venue("SIM"), OmsType.NETTING, AccountType.CASH, money, fee_model=fees)
    engine.add_instrument(
        CurrencyPair(
            instrument_id=BTCUSDT,
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
    )
    bid, ask, size = Price.from_str("100.0"), Price.from_str("100.5"), Quantity.from_str("1.000")
    engine.add_data([QuoteTick(BTCUSDT, bid, ask, size, size, k * HOUR, k * HOUR) for k in range(1, hours + 1)])
    engine.add_actor(recorder)
    engine.add_actor(day_end)
    engine.add_strategy(Trader())
    engine.run()
    recorder.close()
    engine.dispose()
    assert (recorder.fatal, day_end.fatal) == (None, None)
    return RunLog.open(folder)


@pytest.mark.parametrize(
    ("rollover", "held"),
    [
        (time(0), {24: "0.3", 48: "-0.2"}),
        (time(6, 30), {6.5: "0.3", 30.5: "-0.2", 54.5: "-0.2"}),
    ],
)
def test_books_are_taken_at_every_roll_over(tmp_path, rollover, held):
    log = run(tmp_path, rollover)
    facts = log.messages(PositionFact)
    assert [(fact.ts_ns / HOUR, fact.position) for fact in facts] == [(at, D(size)) for at, size in held.items()]
    balances = {(fact.ts_ns, fact.currency): fact.total for fact in log.messages(AccountFact)}
    assert len(balances) == 2 * len(held)
    for fact in facts:
        assert balances[fact.ts_ns, "BTC"] == 1 + fact.position
        paid = D("0.3") * D("100.5") - (D("0.5") * 100 if fact.position < 0 else 0)
        assert balances[fact.ts_ns, "USDT"] == 1000 - paid


def test_a_run_within_one_day_takes_nothing(tmp_path):
    assert run(tmp_path, time(0), hours=20).messages(PositionFact) == []


def test_the_instruments_must_be_named():
    with pytest.raises(ValidationError, match="instrument_ids"):
        DayEndConfig(instrument_ids=[])
