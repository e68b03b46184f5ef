"""The monitor inside the engine: every fill marked, assessments from its own timer, no need of anybody else."""

from decimal import Decimal

import pytest
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig
from nautilus_trader.data import DataEngineConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    AggressorSide,
    BookAction,
    BookOrder,
    BookType,
    Currency,
    CurrencyPair,
    InstrumentId,
    Money,
    OmsType,
    OrderBookDelta,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    Symbol,
    TradeId,
    TradeTick,
    Venue,
)
from nautilus_trader.trading import Strategy
from pydantic import ValidationError

from mm_nautilus.actors import AdverseSelectionMonitor, AdverseSelectionMonitorConfig
from mm_nautilus.messages import (
    TOPIC_ASSESSMENT,
    TOPIC_FILL,
    TOPIC_MARKOUT,
    TOPIC_ORDER,
    AdverseSelectionAssessment,
    FillFact,
    MarkoutFact,
    OrderFact,
)

BTCUSDT = InstrumentId.from_str("BTCUSDT.SIM")
SECOND = 1_000_000_000
EAGER = {"min_fills": 5, "half_life_s": 60.0, "recent_gaps": 2, "base_gaps": 20}


def price(ticks):
    return Price(ticks / 10, 1)


def size(lots):
    return Quantity(lots / 1000, 3)


def quote(mid, ts_ns):
    return QuoteTick(BTCUSDT, price(mid - 1), price(mid + 1), size(3000), size(1000), ts_ns, ts_ns)


def book(last, mid, ts_ns):
    """Return the change from one two-sided book of a single level to the next."""

    def delta(action, side, ticks, lots, flags=0):
        order = BookOrder(side, price(ticks), size(lots), 0)
        return OrderBookDelta(BTCUSDT, action, order, flags, 0, ts_ns, ts_ns)

    gone = [] if last is None else [
        delta(BookAction.DELETE, OrderSide.BUY, last - 1, 0),
        delta(BookAction.DELETE, OrderSide.SELL, last + 1, 0),
    ]  # fmt: skip
    new = [
        delta(BookAction.ADD, OrderSide.BUY, mid - 1, 3000),
        delta(BookAction.ADD, OrderSide.SELL, mid + 1, 1000, flags=128),
    ]
    return OrderBookDeltas(BTCUSDT, gone + new)


def trade(mid, aggressor, ts_ns):
    at = mid + (1 if aggressor == AggressorSide.BUY else -1)
    return TradeTick(BTCUSDT, price(at), size(100), aggressor, TradeId(str(ts_ns)), ts_ns, ts_ns)


def falling_market(kind, seconds=200):
    """After every second buy of ours the mid falls by a tick, after every other sale it stays; returns data, mids."""
    data, mid, last = [], 10_000, None
    for second in range(1, seconds):
        ts_ns = second * SECOND
        data.append(quote(mid, ts_ns) if kind == "L1" else book(last, mid, ts_ns))
        last = mid
        aggressor = AggressorSide.SELL if second % 2 else AggressorSide.BUY
        data.append(trade(mid, aggressor, ts_ns + SECOND // 4))
        if second % 4 == 1:
            mid -= 1
        if second % 40 == 0:
            mid += 10
    return data


class PickedOff(Strategy):
    """Says that it was filled whenever somebody trades, and hears what is made of it."""

    def on_start(self):
        self.heard, self.number = [], 0
        self.subscribe_trades(BTCUSDT)
        for topic in (TOPIC_ASSESSMENT, TOPIC_MARKOUT):
            self.subscribe_topic(topic, lambda message: self.heard.append((self.clock.timestamp_ns(), message)))

    def on_trade(self, trade):
        self.number += 1
        side, order = ("BUY" if trade.aggressor_side == AggressorSide.SELL else "SELL"), f"O-{self.number}"
        at, much = trade.price.as_decimal(), trade.size.as_decimal()
        self.publish_message(
            TOPIC_ORDER,
            OrderFact(trade.ts_init, "S-001", str(trade.instrument_id), order, 1, side, 0, "ACCEPTED", at, 2 * much,
                      Decimal(0), ""),
        )  # fmt: skip
        self.publish_message(
            TOPIC_FILL,
            FillFact(trade.ts_init, "S-001", str(trade.instrument_id), order, "V", f"T-{self.number}", 1, side, 0, at,
                     much, "MAKER", Decimal(0), "USDT", Decimal(0), None, None, trade.ts_init),
        )  # fmt: skip

    def of(self, kind):
        return [message for _, message in self.heard if isinstance(message, kind)]


def monitor(kind="L1", **changes):
    fields = EAGER | {"instruments": [{"instrument_id": str(BTCUSDT), "book": kind}]} | changes
    return AdverseSelectionMonitor(AdverseSelectionMonitorConfig(actor_id="Monitor-001", **fields))


def run(actor, strategy, data, kind="L1"):
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggerConfig(bypass_logging=True),
            shutdown_on_error=True,
            data_engine=DataEngineConfig(buffer_deltas=True),
        )
    )
    engine.add_venue(
        Venue("SIM"), OmsType.NETTING, AccountType.CASH, [Money.from_str("1000 USDT")],
        book_type=BookType.L1_MBP if kind == "L1" else BookType.L2_MBP,
        fee_model=MakerTakerFeeModel(Decimal(0), Decimal(0)),
    )  # fmt: skip
    engine.add_instrument(
        CurrencyPair(
            instrument_id=BTCUSDT, raw_symbol=Symbol("BTCUSDT"), base_currency=Currency.from_str("BTC"),
            quote_currency=Currency.from_str("USDT"), price_precision=1, size_precision=3,
            price_increment=Price.from_str("0.1"), size_increment=Quantity.from_str("0.001"), ts_event=0, ts_init=0,
        )
    )  # fmt: skip
    engine.add_data(data)
    engine.add_actor(actor)
    if strategy is not None:
        engine.add_strategy(strategy)
    try:
        engine.run()
    finally:
        engine.dispose()


@pytest.fixture(scope="module", params=["L1", "L2"])
def heard(request):
    strategy, actor = PickedOff(), monitor(request.param)
    run(actor, strategy, falling_market(request.param), request.param)
    assert actor.fatal is None
    return strategy


def test_every_fill_is_marked_when_its_horizon_has_passed_and_no_earlier(heard) -> None:
    marked = heard.of(MarkoutFact)
    last = 199 * SECOND + SECOND // 4
    expected = sum(1 for second in range(1, 200) for horizon in (1, 5, 30)
                   if second * SECOND + SECOND // 4 + horizon * SECOND <= last)  # fmt: skip
    assert len(marked) == expected
    for now, message in heard.heard:
        if isinstance(message, MarkoutFact):
            assert message.ts_ns <= now < message.ts_ns + 2 * SECOND or now >= last
            assert message.ts_ns == message.fill_ts_ns + message.horizon_s * SECOND
            assert message.markout == pytest.approx(message.edge - message.adverse_selection)
    first = next(one for one in marked if one.trade_id == "T-1" and one.horizon_s == 1.0)
    assert (first.side, first.mid, first.later_mid) == ("BUY", 1000.0, pytest.approx(999.9))
    assert first.adverse_selection == pytest.approx(0.1)


def test_the_side_that_is_picked_off_is_the_one_that_is_widened(heard) -> None:
    found = heard.of(AdverseSelectionAssessment)
    assert any(one.bid_toxic for one in found)
    assert not any(one.ask_toxic for one in found)
    worst = max(found, key=lambda one: one.bid_t or 0.0)
    assert worst.bid_spread_multiplier > 1.0 > worst.bid_size_multiplier
    assert worst.ask_spread_multiplier == worst.ask_size_multiplier == 1.0
    assert worst.bid_immediate_score > 0.0
    assert "immediate" in worst.bid_tests
    assert worst.bid_filled_share == pytest.approx(0.5)
    assert worst.bid_queue_ahead == pytest.approx(3.0 / 0.2)
    assert worst.ask_queue_ahead == pytest.approx(1.0 / 0.2)
    assert worst.book_imbalance == pytest.approx(0.5)
    assert 0.0 < worst.adverse_ratio <= 1.0


def test_assessments_come_from_the_timer_on_whole_seconds(heard) -> None:
    assert {now % SECOND for now, message in heard.heard if isinstance(message, AdverseSelectionAssessment)} == {0}


def test_the_same_market_by_quotes_and_by_book_gives_the_same_markouts() -> None:
    heard = {}
    for kind in ("L1", "L2"):
        strategy = PickedOff()
        run(monitor(kind), strategy, falling_market(kind), kind)
        heard[kind] = strategy.of(MarkoutFact)
    assert heard["L1"] == heard["L2"]


def test_it_runs_without_any_strategy() -> None:
    actor = monitor()
    run(actor, None, falling_market("L1", 30))
    assert actor.fatal is None


def test_an_instrument_that_is_not_there_is_named() -> None:
    actor = monitor(instruments=[{"instrument_id": "ETHUSDT.SIM"}])
    with pytest.raises(RuntimeError, match=r"ETHUSDT\.SIM"):
        run(actor, None, falling_market("L1", 5))
    assert "ETHUSDT.SIM" in str(actor.fatal)


def test_fills_of_other_instruments_and_of_takers_are_none_of_its_business() -> None:
    class Elsewhere(PickedOff):
        def publish_message(self, topic, message):
            if isinstance(message, FillFact):
                other = {name: getattr(message, name) for name in FillFact.__struct_fields__}
                wrong = {"instrument_id": "ETHUSDT.SIM"} if self.number % 2 else {"liquidity": "TAKER"}
                message = FillFact(**(other | wrong))
            super().publish_message(topic, message)

    strategy = Elsewhere()
    run(monitor(), strategy, falling_market("L1"))
    assert strategy.of(MarkoutFact) == []
    assert strategy.of(AdverseSelectionAssessment)[-1].bid_fills == 0


@pytest.mark.parametrize(
    "wrong",
    [{"instruments": []}, {"interval_s": 0}, {"book": "L2"}, {"instruments": [{"instrument_id": "A.B", "x": 1}]}],
)
def test_config_mistakes_are_errors(wrong) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        monitor(**wrong)
