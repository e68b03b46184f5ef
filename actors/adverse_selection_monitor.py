"""Watches what our fills turn out to be worth, and says when a side is being picked off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from nautilus_trader.common import TimeEvent
from nautilus_trader.model import (
    AggressorSide,
    BookType,
    InstrumentId,
    OrderBook,
    OrderBookDeltas,
    OrderSide,
    Price,
    QuoteTick,
    TradeTick,
)
from pydantic import Field

from mm_nautilus.adverse_selection.assessor import Assessor
from mm_nautilus.adverse_selection.detector import Detector
from mm_nautilus.adverse_selection.resting import TELLING, Displayed
from mm_nautilus.adverse_selection.settings import AdverseSelectionSettings
from mm_nautilus.errors import CatalogError
from mm_nautilus.host.config import TypedActorConfig
from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.market import Side
from mm_nautilus.messages import (
    TOPIC_ASSESSMENT,
    TOPIC_FILL,
    TOPIC_MARKOUT,
    TOPIC_ORDER,
    FillFact,
    MarkoutFact,
    OrderFact,
)
from mm_nautilus.settings import Settings

_BOOK_TYPES: Final = {"L2": BookType.L2_MBP, "L3": BookType.L3_MBO}
_AGGRESSORS: Final = {AggressorSide.BUY: 1, AggressorSide.SELL: -1}
_TAKERS: Final = {Side.BUY: OrderSide.SELL, Side.SELL: OrderSide.BUY}
_SIDES: Final = {side.name: side for side in Side}
# After the strategies' samples and before what reacts to an assessment; timers of an instant fire in name order.
_TIMER: Final = "20_adverse_"


class WatchedInstrument(Settings):
    """One instrument and the market data that tells its mid."""

    instrument_id: str = Field(description="Instrument to watch, 'SYMBOL.VENUE'.")
    book: Literal["L1", "L2", "L3"] = Field(
        default="L2", description="Quotes (L1), book by price (L2) or by order (L3), as the strategy quotes on."
    )


class AdverseSelectionMonitorSettings(AdverseSelectionSettings):
    """What the monitor is told: `AdverseSelectionSettings`, and what to watch."""

    instruments: list[WatchedInstrument] = Field(min_length=1, description="Instruments to watch.")


class AdverseSelectionMonitorConfig(TypedActorConfig):
    """Config of `AdverseSelectionMonitor`: the engine's fields and `AdverseSelectionMonitorSettings`."""

    settings: AdverseSelectionMonitorSettings


class AdverseSelectionMonitor(GuardedActor):
    """Marks every fill of every strategy on its instruments, tests both sides, and publishes what it makes of them.

    A `MarkoutFact` for each fill and horizon at the first timer after it fell due, and an `AdverseSelectionAssessment`
    for each instrument when it asks for something new and once a report interval. Strategies run without it, and it
    runs without orders to watch; only messages sent from its own timer reach a strategy.

    Parameters
    ----------
    config : AdverseSelectionMonitorConfig
        What to watch, and how.

    """

    def __init__(self, config: AdverseSelectionMonitorConfig) -> None:
        super().__init__(config)
        self._settings = config.settings
        self._assessors: dict[str, Assessor] = {}
        self._detectors: dict[InstrumentId, Detector] = {}
        self._books: dict[InstrumentId, OrderBook] = {}
        self._timer = _TIMER

    def on_start(self) -> None:
        """Find the instruments and subscribe to their market and to what strategies say."""
        for watched in self._settings.instruments:
            instrument_id = InstrumentId.from_str(watched.instrument_id)
            instrument = self.cache.instrument(instrument_id)
            if instrument is None:
                raise CatalogError(f"{watched.instrument_id}: no such instrument in the run's data or venue")
            displayed = None
            if watched.book == "L1":
                self.subscribe_quotes(instrument_id)
            else:
                book_type = _BOOK_TYPES[watched.book]
                book = self._books[instrument_id] = OrderBook(instrument_id, book_type)
                self.subscribe_book_deltas(instrument_id, book_type)
                displayed = displayed_in(book, instrument)
            tick = instrument.price_increment.as_double()
            assessor = Assessor(watched.instrument_id, self._settings, tick, displayed)
            self._assessors[watched.instrument_id] = assessor
            self._detectors[instrument_id] = assessor.detector
            self.subscribe_trades(instrument_id)
        on_fill: Callable[[Any], None] = self._on_fill
        on_order: Callable[[Any], None] = self._on_order
        self.subscribe_topic(TOPIC_FILL, self.guard(on_fill))
        self.subscribe_topic(TOPIC_ORDER, self.guard(on_order))
        self._timer = f"{_TIMER}{self.actor_id}"
        self.clock.set_timer_ns(
            self._timer, round(self._settings.interval_s * 1e9), callback=self.guard(self._on_timer)
        )

    def on_stop(self) -> None:
        """Publish the markouts that have fallen due since the last timer; horizons beyond the end stay unknown."""
        if self._timer in self.clock.timer_names():
            self.clock.cancel_timer(self._timer)
            for assessor in self._assessors.values():
                assessor.detector.passed(self.clock.timestamp_ns())
                self._publish_markouts(assessor.detector)

    # ---------------------------------------------------------------- market

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the best prices of an L1 feed."""
        self._detectors[quote.instrument_id].topped(
            quote.ts_init,
            quote.bid_price.as_double(),
            quote.ask_price.as_double(),
            quote.bid_size.as_double(),
            quote.ask_size.as_double(),
        )

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Bring our own book up to date, and take its best prices."""
        instrument_id = deltas.instrument_id
        book, detector = self._books[instrument_id], self._detectors[instrument_id]
        detector.begin(deltas.ts_init)  # while the book is still that of the instant before
        book.apply_deltas(deltas)
        bid, bid_size = book.best_bid_price(), book.best_bid_size()
        ask, ask_size = book.best_ask_price(), book.best_ask_size()
        if bid is None or ask is None or bid_size is None or ask_size is None:
            detector.topped(deltas.ts_init, 0.0, 0.0, 0.0, 0.0)
            return
        detector.topped(deltas.ts_init, bid.as_double(), ask.as_double(), bid_size.as_double(), ask_size.as_double())

    def on_trade(self, trade: TradeTick) -> None:
        """Take a trade of the market."""
        self._detectors[trade.instrument_id].traded(
            trade.ts_init,
            trade.price.as_double(),
            trade.size.as_double(),
            _AGGRESSORS.get(trade.aggressor_side, 0),
        )

    # ------------------------------------------------------------------- ours

    def _on_fill(self, fill: FillFact) -> None:
        assessor = self._assessors.get(fill.instrument_id)
        if assessor is not None and fill.liquidity != "TAKER":
            assessor.detector.filled(
                fill.ts_ns, fill, _SIDES[fill.side], fill.client_order_id, float(fill.price), float(fill.size)
            )

    def _on_order(self, fact: OrderFact) -> None:
        assessor = self._assessors.get(fact.instrument_id)
        if assessor is not None and fact.event in TELLING:
            assessor.detector.ordered(
                fact.ts_ns, fact.client_order_id, _SIDES[fact.side], fact.event, float(fact.price), float(fact.size)
            )

    def _on_timer(self, event: TimeEvent) -> None:
        for assessor in self._assessors.values():
            assessment = assessor.assess(event.ts_event)
            self._publish_markouts(assessor.detector)
            if assessment is not None:
                self.publish_message(TOPIC_ASSESSMENT, assessment)

    def _publish_markouts(self, detector: Detector) -> None:
        for due in detector.due:
            fill: Any = due.fill_id
            self.publish_message(
                TOPIC_MARKOUT,
                MarkoutFact(
                    due.due_ns,
                    fill.strategy_id,
                    fill.instrument_id,
                    fill.client_order_id,
                    fill.trade_id,
                    fill.ts_ns,
                    fill.side,
                    fill.level,
                    fill.liquidity,
                    due.size,
                    float(fill.price),
                    due.horizon_s,
                    due.mid,
                    due.later_mid,
                    due.edge,
                    due.markout,
                    due.adverse_selection,
                ),
            )
        detector.due.clear()


def displayed_in(book: OrderBook, instrument: Any) -> Displayed:
    """Return what tells the size shown at a price of a side of `book`, as it is when asked."""
    price_precision, size_precision = instrument.price_precision, instrument.size_precision

    def displayed(side: Side, price: float) -> float:
        level = book.get_quantity_at_level(Price(price, price_precision), _TAKERS[side], size_precision)
        size: float = level.as_double()
        return size

    return displayed
