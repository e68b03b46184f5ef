"""Short markets and a low-level engine to run one `MarketMaker` on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.data import DataEngineConfig
from nautilus_trader.execution import MakerTakerFeeModel, StaticLatencyModel
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
from nautilus_trader.risk import RiskEngineConfig

from mm_nautilus.messages import AccountFact, FillFact, HedgeFact, MarkFact, OrderFact, QuoteDecision
from mm_nautilus.strategies import MarketMaker, MarketMakerConfig

MS = 1_000_000
T0 = 1_700_000_000_000_000_000
VENUE = Venue("SIM")
INSTRUMENT = InstrumentId.from_str("BTCUSDT.SIM")
TICK, LOT = Decimal("0.1"), Decimal("0.001")
F_LAST = 128
TAKER_FEE = "0.0005"
UNLIMITED = "1000000/00:00:01"


def spot(
    min_quantity: str | None = None, instrument_id: InstrumentId = INSTRUMENT, base: str = "BTC", money: str = "USDT"
) -> CurrencyPair:
    """Return BTCUSDT spot, or another pair, with a tick of 0.1 and a lot of 0.001."""
    return CurrencyPair(
        instrument_id=instrument_id,
        raw_symbol=Symbol(base + money),
        base_currency=Currency.from_str(base),
        quote_currency=Currency.from_str(money),
        price_precision=1,
        size_precision=3,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str("0.001"),
        min_quantity=None if min_quantity is None else Quantity.from_str(min_quantity),
        ts_event=0,
        ts_init=0,
    )


def price(ticks: int) -> Price:
    return Price(float(ticks * TICK), 1)


def size(lots: int) -> Quantity:
    return Quantity(float(lots * LOT), 3)


def quote(bid: int, ask: int, ts_ns: int, lots: int = 50, instrument_id: InstrumentId = INSTRUMENT) -> QuoteTick:
    """Return an L1 quote, in ticks."""
    return QuoteTick(instrument_id, price(bid), price(ask), size(lots), size(lots), ts_ns, ts_ns)


def trade(ticks: int, lots: int, aggressor: AggressorSide, ts_ns: int, number: int) -> TradeTick:
    """Return a trade, in ticks and lots."""
    return TradeTick(INSTRUMENT, price(ticks), size(lots), aggressor, TradeId(str(number)), ts_ns, ts_ns)


class BookFeed:
    """Builds the deltas that lead from one small book to the next, by price (L2) or by order (L3)."""

    def __init__(self, by_order: bool, instrument_id: InstrumentId = INSTRUMENT) -> None:
        self._instrument_id = instrument_id
        self._by_order = by_order
        self._resting: dict[tuple[OrderSide, int], tuple[int, int]] = {}
        self._next_id = 1

    def to(self, bids: dict[int, int], asks: dict[int, int], ts_ns: int) -> OrderBookDeltas | None:
        """Return the event that makes the book these lots by price in ticks; ``None`` where it is so already."""
        wanted = {(OrderSide.BUY, p): s for p, s in bids.items()} | {(OrderSide.SELL, p): s for p, s in asks.items()}
        changes: list[tuple[BookAction, tuple[OrderSide, int], int, int]] = []
        for key in [key for key in self._resting if key not in wanted]:
            order_id, lots = self._resting.pop(key)
            changes.append((BookAction.DELETE, key, lots, order_id))
        for key, lots in wanted.items():
            if key not in self._resting:
                order_id = self._next_id if self._by_order else 0
                self._next_id += 1
                changes.append((BookAction.ADD, key, lots, order_id))
            elif self._resting[key][1] != lots:
                order_id = self._resting[key][0]
                changes.append((BookAction.UPDATE, key, lots, order_id))
            else:
                continue
            self._resting[key] = (order_id, lots)
        if not changes:
            return None
        last = len(changes) - 1
        return OrderBookDeltas(
            self._instrument_id,
            [
                OrderBookDelta(
                    self._instrument_id,
                    action,
                    BookOrder(key[0], price(key[1]), size(lots), order_id),
                    F_LAST if index == last else 0,
                    0,
                    ts_ns,
                    ts_ns,
                )
                for index, (action, key, lots, order_id) in enumerate(changes)
            ],
        )


class Watched(MarketMaker):
    """Keeps everything it publishes."""

    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        self.decisions: list[QuoteDecision] = []
        self.order_facts: list[OrderFact] = []
        self.fills: list[FillFact] = []
        self.marks: list[MarkFact] = []
        self.hedges: list[HedgeFact] = []
        self.accounts: list[AccountFact] = []

    def publish_message(self, topic: str, message: Any) -> None:
        kept: dict[type, list[Any]] = {
            QuoteDecision: self.decisions,
            OrderFact: self.order_facts,
            FillFact: self.fills,
            MarkFact: self.marks,
            HedgeFact: self.hedges,
            AccountFact: self.accounts,
        }
        kept.get(type(message), []).append(message)
        super().publish_message(topic, message)


def maker_fields(**changes: Any) -> dict[str, Any]:
    """Return the fields of a config that quotes two ticks from the mid, leaning with inventory."""
    fields: dict[str, Any] = {
        "strategy_id": "MM-001",
        "instrument_id": str(INSTRUMENT),
        "book": "L1",
        "model": "glft",
        "gamma": 20.0,
        "order_size": "0.010",
        "intensity": {"a_per_s": 1.0, "k_per_price": 8.0},
        "volatility": {"fixed_price_per_sqrt_s": 0.5, "sample_interval_s": 0.5},
        "limits": {"max_position": "0.030"},
        "log_rejected_due_post_only_as_warning": False,
    }
    return fields | changes


@dataclass(frozen=True)
class Latency:
    """One-way latency of each kind of command, in milliseconds."""

    submit: int = 0
    amend: int = 0
    cancel: int = 0

    def fields(self) -> dict[str, int]:
        """Return the strategy's ``arrival`` settings."""
        return {"submit_ns": self.submit * MS, "amend_ns": self.amend * MS, "cancel_ns": self.cancel * MS}

    def model(self) -> StaticLatencyModel:
        return StaticLatencyModel(
            base_latency_nanos=0,
            insert_latency_nanos=self.submit * MS,
            update_latency_nanos=self.amend * MS,
            cancel_latency_nanos=self.cancel * MS,
        )


class Held:
    """An engine that is let go of at the end of its test.

    A failing test keeps its frames and all they hold, and a process can hold 255 engines at most.
    """

    def __init__(self, engine: BacktestEngine) -> None:
        self._engine: BacktestEngine | None = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def drop(self) -> None:
        """Dispose of the engine."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None


@contextmanager
def engine_with(
    strategy: Any,
    data: Sequence[Any],
    *,
    book: str = "L1",
    account: str = "MARGIN",
    balances: Sequence[str] = ("100000 USDT", "1 BTC"),
    latency: Latency | None = None,
    maker_fee: str = "0",
    taker_fee: str = TAKER_FEE,
    instrument: Any = None,
    queue_position: bool = True,
    others: Sequence[Any] = (),
    actors: Sequence[Any] = (),
) -> Iterator[Held]:
    """Yield an engine that holds the market and the strategy and has not run yet."""
    config = BacktestEngineConfig(
        logging=LoggerConfig(stdout_level=LogLevel.OFF),
        run_analysis=False,
        shutdown_on_error=True,
        data_engine=DataEngineConfig(buffer_deltas=True),
        risk_engine=RiskEngineConfig(max_order_submit_rate=UNLIMITED, max_order_modify_rate=UNLIMITED),
    )
    engine = Held(BacktestEngine(config))
    try:
        instruments = [instrument or spot(), *others]
        for venue in dict.fromkeys(str(one.venue) for one in instruments):
            engine.add_venue(
                Venue(venue),
                OmsType.NETTING,
                AccountType.CASH if account == "CASH" else AccountType.MARGIN,
                [Money.from_str(balance) for balance in balances],
                book_type={"L1": BookType.L1_MBP, "L2": BookType.L2_MBP, "L3": BookType.L3_MBO}[book],
                queue_position=queue_position,
                liquidity_consumption=True,
                fee_model=MakerTakerFeeModel(Decimal(maker_fee), Decimal(taker_fee)),
                latency_model=None if latency is None else latency.model(),
            )
        for one in instruments:
            engine.add_instrument(one)
        for actor in actors:
            engine.add_actor(actor)
        engine.add_data(list(data))
        engine.add_strategy(strategy)
        yield engine
    finally:
        engine.drop()
