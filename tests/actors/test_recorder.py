"""The recorder inside the engine: nothing published is lost, and no failure goes unnoticed."""

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
    Price,
    Quantity,
    QuoteTick,
    Symbol,
    Venue,
)
from nautilus_trader.trading import Strategy
from pydantic import ValidationError

from mm_nautilus.actors import Recorder, RecorderConfig
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.messages import TOPIC_ACCOUNT, TOPIC_MARK, AccountFact, MarkFact

BTCUSDT = InstrumentId.from_str("BTCUSDT.SIM")
SECOND = 1_000_000_000


def mark(ts_ns):
    return MarkFact(ts_ns, "S-001", "BTCUSDT.SIM", 100.0, 100.5, None, Decimal("0.1"), Decimal(0), Decimal(0))


class Speaker(Strategy):
    """Publishes a mark a quote, and one more on its way out."""

    def on_start(self):
        self.subscribe_quotes(BTCUSDT)

    def on_quote(self, quote):
        self.publish_message(TOPIC_MARK, mark(quote.ts_event))

    def on_stop(self):
        self.publish_message(
            TOPIC_ACCOUNT, AccountFact(99, "SIM", "SIM-001", "USDT", Decimal(1), Decimal(1), Decimal(0))
        )


class Babbler(Speaker):
    """Publishes something that is no message at its third quote."""

    heard = 0

    def on_quote(self, quote):
        self.heard += 1
        self.publish_message(TOPIC_MARK, "not a mark" if self.heard == 3 else mark(quote.ts_event))


def quotes(count):
    price, size = Price.from_str, Quantity.from_str
    return [
        QuoteTick(BTCUSDT, price("100.0"), price("100.5"), size("1.000"), size("1.000"), k * SECOND, k * SECOND)
        for k in range(1, count + 1)
    ]


def backtest(recorder, strategy, count=20):
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggerConfig(bypass_logging=True), shutdown_on_error=True))
    zero_fees = MakerTakerFeeModel(Decimal(0), Decimal(0))
    engine.add_venue(
        Venue("SIM"), OmsType.NETTING, AccountType.CASH, [Money.from_str("1000 USDT")], fee_model=zero_fees
    )
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
    engine.add_data(quotes(count))
    engine.add_actor(recorder)
    engine.add_strategy(strategy)
    engine.run()
    return engine


def test_every_message_is_recorded_up_to_the_last_word_on_stop(tmp_path):
    recorder = Recorder(RecorderConfig(run_dir=tmp_path, flush_rows=7))
    engine = backtest(recorder, Speaker())
    recorder.close()
    log = RunLog.open(tmp_path)
    assert log.complete
    assert log.messages(MarkFact) == [mark(k * SECOND) for k in range(1, 21)]
    assert [fact.ts_ns for fact in log.messages(AccountFact)] == [99]
    engine.dispose()
    assert recorder.fatal is None


def test_disposing_of_the_node_closes_the_log(tmp_path):
    engine = backtest(Recorder(RecorderConfig(run_dir=tmp_path)), Speaker())
    assert not RunLog.open(tmp_path).complete
    engine.dispose()
    assert RunLog.open(tmp_path).complete


def test_the_flush_timer_bounds_what_a_crash_may_cost(tmp_path):
    recorder = Recorder(RecorderConfig(run_dir=tmp_path, flush_interval_s=5))
    engine = backtest(recorder, Speaker())
    parts = sorted((tmp_path / "log" / "marks").glob("part-*.parquet"))
    assert len(parts) == 4, "one part every five seconds of twenty"
    engine.dispose()


def test_a_message_that_cannot_be_recorded_stops_the_run(tmp_path):
    recorder = Recorder(RecorderConfig(run_dir=tmp_path))
    engine = backtest(recorder, Babbler())
    engine.dispose()
    assert isinstance(recorder.fatal, TypeError)
    assert len(RunLog.open(tmp_path).messages(MarkFact)) < 20


def test_a_failing_disk_stops_the_run(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mm_nautilus.analytics.runlog._writer", full)
    recorder = Recorder(RecorderConfig(run_dir=tmp_path, flush_rows=3))
    engine = backtest(recorder, Speaker())
    engine.dispose()
    assert isinstance(recorder.fatal, OSError)


@pytest.mark.parametrize("wrong", [{"flush_rows": 0}, {"flush_interval_s": 0}, {"flushrows": 3}])
def test_config_mistakes_are_errors(tmp_path, wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        RecorderConfig(run_dir=tmp_path, **wrong)
