"""The contestants of the stack benchmark, each on a fresh engine."""

from __future__ import annotations

import tempfile
import time
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import market
from nautilus_trader.backtest import BacktestEngine
from nautilus_trader.model import (
    BookType,
    ClientOrderId,
    OrderBookDeltas,
    OrderSide,
    OrderStatus,
    Price,
    Quantity,
    QuoteTick,
)
from nautilus_trader.trading import GridMarketMakerConfig, Strategy, StrategyConfig

from mm_nautilus.actors import (
    AdverseSelectionMonitor,
    AdverseSelectionMonitorConfig,
    DayEnd,
    DayEndConfig,
    Recorder,
    RecorderConfig,
    RiskMonitor,
    RiskMonitorConfig,
)
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.host.collector import rare_collections
from mm_nautilus.strategies import MarketMaker, MarketMakerConfig

HALF_SPREAD_TICKS: Final = 3
ORDER_SIZE: Final = "20.000"
"""More than trades take from an order before it is moved: ours refills a filled level and the grid maker does not."""


@dataclass(frozen=True)
class Outcome:
    """One run: seconds in the engine, and what the maker sent."""

    seconds: float
    cpu_seconds: float
    """Of all threads: what a busy machine adds to the wall clock is not in it."""
    submits: int = 0
    amends: int = 0
    cancelled: int = 0
    filled: int = 0
    decisions: int = 0

    @property
    def orders(self) -> int:
        """Prices put into the market: new orders and amends alike."""
        return self.submits + self.amends


class Idle(Strategy):
    """Receives everything a maker receives and does nothing."""

    book = "L1"

    def on_start(self) -> None:
        if self.book == "L1":
            self.subscribe_quotes(market.INSTRUMENT_ID)
        else:
            self.subscribe_book_deltas(market.INSTRUMENT_ID, BookType.L2_MBP)

    def on_quote(self, quote: QuoteTick) -> None: ...

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None: ...


class Bare(Strategy):
    """Sends the commands of a maker of one level and does nothing else: what the engine asks of one written in Python.

    It keeps no position, no limit and no record, and hears of no answer.
    """

    threshold_ticks = 1

    def on_start(self) -> None:
        self._quoted: int | None = None
        self._working: list[ClientOrderId] = []
        self._size = Quantity.from_str(ORDER_SIZE)
        self._step = 10**14  # a tick, as the engine stores it
        self.subscribe_quotes(market.INSTRUMENT_ID)

    def on_quote(self, quote: QuoteTick) -> None:
        mid = (quote.bid_price.raw + quote.ask_price.raw) // (2 * self._step)
        if self._quoted is not None and abs(mid - self._quoted) < self.threshold_ticks:
            return
        self._quoted = mid
        if self._working:
            self.cancel_orders(self._working)
        self._working = []
        for side, ticks in ((OrderSide.BUY, mid - HALF_SPREAD_TICKS), (OrderSide.SELL, mid + HALF_SPREAD_TICKS)):
            price = Price.from_raw(ticks * self._step, 2)
            order = self.order_factory.limit(market.INSTRUMENT_ID, side, self._size, price, post_only=True)
            self.submit_order(order)
            self._working.append(order.client_order_id)


@dataclass(frozen=True)
class Scenario:
    """The same market and the same requote rule for every contestant."""

    data: list[list[Any]]
    book: str
    threshold_ticks: int
    """A maker moves its quotes when the mid has moved by this many ticks."""


def scenario(book: str, threshold_ticks: int, events: int, seed: int) -> Scenario:
    """Return a market in which the mid moves by the threshold on about one event in twenty."""
    path = market.path(events, events * 7 // 30, seed, move_probability=0.05 * threshold_ticks**2)
    feed = [market.quotes(path)] if book == "L1" else [market.books(path), market.quotes_of_moves(path)]
    return Scenario([market.trades(path), *feed], book, threshold_ticks)


def calm(book: str, events: int, seed: int) -> Scenario:
    """Return a market whose sizes change with every event and whose best prices never move."""
    path = market.path(events, 1, seed, move_probability=0.0)
    return Scenario([market.quotes(path) if book == "L1" else market.books(path)], book, 1)


def maker_fields(book: str, *, amend: bool, threshold_ticks: int = 1, **changes: Any) -> dict[str, Any]:
    """Return the strategy table of our maker: everything on, quoting at the distance of the grid maker."""
    # Between two ticks, and rounded away from the market to the one the grid maker quotes at: on the tick itself the
    # slightest skew of a position would turn over an order that the grid maker leaves alone.
    half_spread = (HALF_SPREAD_TICKS - 0.25) * float(market.TICK)
    fields = {
        "strategy_id": "MarketMaker-001",
        "instrument_id": str(market.INSTRUMENT_ID),
        "book": book,
        "model": "glft",
        # Closed form with the risk of a fill priced at nothing: 1/k is the half-spread, inventory skews it a little.
        "gamma": 1e-6,
        "fill_risk": "none",
        "order_size": ORDER_SIZE,
        "intensity": {"a_per_s": 1.0, "k_per_price": 1.0 / half_spread},
        "volatility": {"warm_up_samples": 1},
        "limits": {"max_position": "100000"},
        "requote": {
            "tolerance_ticks": threshold_ticks - 1,
            "size_tolerance": 0.99,  # the grid maker does not refill a level either
            "amend": amend,
            "messages_per_s": 1e6,
            "message_burst": 1_000_000,
        },
    }
    return fields | changes


def run_engine(scenario: Scenario) -> Outcome:
    """Run the engine without a strategy."""
    return timed(market.engine(scenario.data, scenario.book))


def run_idle(scenario: Scenario) -> Outcome:
    """Run a strategy that does nothing."""
    engine, idle = market.engine(scenario.data, scenario.book), Idle(StrategyConfig())
    idle.book = scenario.book
    engine.add_strategy(idle)
    return timed(engine)


def run_bare(scenario: Scenario) -> Outcome:
    """Run a strategy that sends a maker's commands and does nothing else."""
    engine, bare = market.engine(scenario.data, scenario.book), Bare(StrategyConfig())
    bare.threshold_ticks = scenario.threshold_ticks
    engine.add_strategy(bare)
    return timed(engine)


def run_grid(scenario: Scenario, levels: int = 1) -> Outcome:
    """Run the engine's own maker, written in Rust."""
    engine = market.engine(scenario.data, scenario.book)
    engine.add_builtin_strategy(
        "GridMarketMaker",
        GridMarketMakerConfig(
            market.INSTRUMENT_ID,
            Quantity.from_str("100000.000"),
            trade_size=Quantity.from_str(ORDER_SIZE),
            num_levels=levels,
            grid_step_bps=HALF_SPREAD_TICKS,  # a tick is about one basis point of the price
            requote_threshold_bps=scenario.threshold_ticks,
        ),
    )
    return timed(engine)


def run_quiet(scenario: Scenario) -> Outcome:
    """Run our maker where nothing but the ticks themselves calls for anything: no sample, no record."""
    engine = market.engine(scenario.data, scenario.book)
    volatility = {"fixed_price_per_sqrt_s": 0.01, "sample_interval_s": 3_600.0}
    engine.add_strategy(
        MarketMaker(MarketMakerConfig(**maker_fields(scenario.book, amend=True, volatility=volatility)))
    )
    return timed(engine)


def run_stack(
    scenario: Scenario,
    *,
    amend: bool,
    levels: int = 1,
    record: bool = True,
    watch: bool = False,
    maker: type[MarketMaker] = MarketMaker,
) -> Outcome:
    """Run our maker and the recorder; what the recorder writes when it closes counts."""
    engine = market.engine(scenario.data, scenario.book)
    ladder = {"levels": levels, "spacing_ticks": float(HALF_SPREAD_TICKS)}
    fields = maker_fields(scenario.book, amend=amend, threshold_ticks=scenario.threshold_ticks, ladder=ladder)
    engine.add_strategy(maker(MarketMakerConfig(**fields)))
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(RecorderConfig(run_dir=folder, flush_rows=50_000)) if record else None
        for actor in [*([recorder] if recorder else []), *(watchers(scenario.book) if watch else [])]:
            engine.add_actor(actor)
        outcome = timed(engine, recorder)
        decisions = RunLog.open(Path(folder)).table("decisions", ["ts_ns"]).num_rows if record else 0
    return replace(outcome, decisions=decisions)


def watchers(book: str) -> list[Any]:
    """Return every actor that a run has beside the recorder."""
    watched = [{"instrument_id": str(market.INSTRUMENT_ID), "book": book}]
    monitor = AdverseSelectionMonitorConfig(actor_id="AdverseSelectionMonitor-001", instruments=watched)
    risk = RiskMonitorConfig(actor_id="RiskMonitor-001", report_notifications="at_stop")
    day_end = DayEndConfig(actor_id="DayEnd-001", instrument_ids=[str(market.INSTRUMENT_ID)])
    return [AdverseSelectionMonitor(monitor), RiskMonitor(risk), DayEnd(day_end)]


def timed(engine: BacktestEngine, recorder: Recorder | None = None) -> Outcome:
    """Run what is ready, and count what was sent."""
    with rare_collections():  # as in every run
        started, cpu_started = time.perf_counter(), time.process_time()
        engine.run()
        if recorder is not None:
            recorder.close()
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    orders = engine.cache.orders()
    outcome = Outcome(
        seconds,
        cpu_seconds,
        submits=len(orders),
        amends=sum(type(event).__name__ == "OrderUpdated" for order in orders for event in order.events()),
        cancelled=sum(order.status == OrderStatus.CANCELED for order in orders),
        filled=sum(order.filled_qty.as_double() > 0 for order in orders),
    )
    engine.dispose()
    return outcome
