"""A market maker on one instrument, any quoting model, any depth of book.

The class translates: engine event to value, library call, engine command. What to quote is decided
in `mm_nautilus.quoting`; nothing here knows a formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from nautilus_trader.common import TimeEvent
from nautilus_trader.model import (
    BookType,
    ClientOrderId,
    InstrumentId,
    OrderAccepted,
    OrderBook,
    OrderBookDeltas,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderSide,
    OrderUpdated,
    Price,
    QuoteTick,
)
from pydantic import BaseModel, Field

from mm_nautilus.errors import CatalogError
from mm_nautilus.estimators.fair_value import FAIR_VALUES
from mm_nautilus.estimators.volatility import EwmaVolatility
from mm_nautilus.host.arrival import ArrivalAlerts, ArrivalSettings
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.host.funds import CashFunds
from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.market import Level, MarketState, Side, TopOfBook
from mm_nautilus.messages import TOPIC_DECISION, TOPIC_FILL, TOPIC_MARK, TOPIC_ORDER, FillFact, MarkFact, OrderFact
from mm_nautilus.quoting.budget import MessageBudget
from mm_nautilus.quoting.guards import Reason, book_fault
from mm_nautilus.quoting.orders import OrderBookkeeper, OrderStatus, WorkingOrder
from mm_nautilus.quoting.pipeline import Quoter, Wanted, withdrawn
from mm_nautilus.quoting.reconcile import Exposure, Plan, reconcile
from mm_nautilus.quoting.record import quote_decision
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model

_BOOK_TYPES = {"L2": BookType.L2_MBP, "L3": BookType.L3_MBO}
_ORDER_SIDES = {Side.BUY: OrderSide.BUY, Side.SELL: OrderSide.SELL}
_SAMPLE_TIMER = "10_sample"


class MarketMakerSettings(QuotingSettings):
    """What a `MarketMaker` is told."""

    arrival: ArrivalSettings = Field(
        default=ArrivalSettings(), description="Command latencies of the simulated venue; filled in by the backtest."
    )


class MarketMakerConfig(TypedStrategyConfig):
    """The engine's fields, `MarketMakerSettings` and the parameters of the chosen model, in one flat table."""

    settings: MarketMakerSettings

    @classmethod
    def settings_type(cls, fields: Mapping[str, Any]) -> type[BaseModel]:
        """Return the settings joined with the parameters of the model that `fields` names."""
        default = MarketMakerSettings.model_fields["model"].default
        return settings_with_model(MarketMakerSettings, str(fields.get("model", default)))


class MarketMaker(GuardedStrategy):
    """Quotes both sides of one instrument.

    Publishes every `QuoteDecision`, `OrderFact`, `FillFact` and, once a sampling interval, a `MarkFact`.

    Parameters
    ----------
    config : MarketMakerConfig
        What to quote and how.

    """

    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        settings = config.settings
        self._settings = settings
        self._instrument_id = InstrumentId.from_str(settings.instrument_id)
        self._fair_value_of = FAIR_VALUES[settings.fair_value]
        self._sizes_matter = settings.fair_value != "mid"
        self._volatility = EwmaVolatility(settings.volatility)
        self._bid_intensity, self._ask_intensity = settings.intensity.sides()
        self._budget = MessageBudget(settings.requote.messages_per_s, settings.requote.message_burst)
        self._orders = OrderBookkeeper()
        self._stale_after_ns = int(settings.guards.stale_after_s * 1e9)
        self._quoter: Quoter | None = None
        self._book: OrderBook | None = None
        self._top: TopOfBook | None = None
        self._bid: Price | None = None
        self._ask: Price | None = None
        self._market_ns = 0
        self._start_ns = 0
        self._position_lots = 0
        self._mismatches = 0
        self._decisions = 0
        self._wanted: Wanted | None = None
        self._dirty = True
        self._stopped = False

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Find the instrument, take over the position and subscribe."""
        instrument = self.cache.instrument(self._instrument_id)
        if instrument is None:
            raise CatalogError(f"{self._settings.instrument_id}: no such instrument in the run's data or venue")
        self._clock = self.clock
        self._portfolio = self.portfolio
        self._order_factory = self.order_factory
        self._strategy = str(self.strategy_id)
        self._lattice = InstrumentLattice(instrument)
        self._tick, self._lot = self._lattice.grid.tick, self._lattice.grid.lot
        self._float_tick, self._float_lot = float(self._tick), float(self._lot)
        self._position_lots = self._engine_position_lots()
        self._funds = CashFunds.of(self._portfolio, instrument)
        self._arrivals = ArrivalAlerts(self._clock, f"zz_{self._strategy}_")
        if self._settings.book == "L1":
            self.subscribe_quotes(self._instrument_id)
        else:
            book_type = _BOOK_TYPES[self._settings.book]
            self._book = OrderBook(self._instrument_id, book_type)
            self.subscribe_book_deltas(self._instrument_id, book_type)
        interval_ns = int(self._settings.volatility.sample_interval_s * 1e9)
        self._clock.set_timer_ns(_SAMPLE_TIMER, interval_ns, callback=self.guard(self._on_sample))

    def on_stop(self) -> None:
        """Cancel every order; the position stays."""
        self._stopped = True
        self._clock.cancel_timer(_SAMPLE_TIMER)
        self.withdraw()

    def withdraw(self) -> None:
        """Cancel every order, in flight or resting, that is not being cancelled already."""
        live = [order for order in self._orders if order.status is not OrderStatus.PENDING_CANCEL]
        self._cancel(live, self._clock.timestamp_ns())

    def on_save(self) -> dict[str, bytes]:
        """Return what a restart needs: the position counted from fills and the volatility."""
        state = {"position_lots": self._position_lots, "volatility": self._volatility.save()}
        return {"market_maker": orjson.dumps(state)}

    def on_load(self, state: dict[str, bytes]) -> None:
        """Restore what `on_save` returned; the position itself is taken from the engine on start."""
        self._volatility.load(orjson.loads(state["market_maker"])["volatility"])

    # ---------------------------------------------------------------- market

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the best prices of an L1 feed."""
        top = TopOfBook(
            quote.bid_price.as_double(),
            quote.ask_price.as_double(),
            quote.bid_size.as_double(),
            quote.ask_size.as_double(),
        )
        self._market_ns = quote.ts_init
        if self._dirty or top != self._top:
            self._top = top
            self._requote("quote", quote.ts_init)

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Bring our own book up to date, and think only when its top has moved."""
        book = self._book
        if book is None:
            return
        book.apply_deltas(deltas)
        self._market_ns = deltas.ts_init
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if bid == self._bid and ask == self._ask and not (self._dirty or self._sizes_matter):
            return
        self._bid, self._ask = bid, ask
        self._top = TopOfBook(
            0.0 if bid is None else bid.as_double(),
            0.0 if ask is None else ask.as_double(),
            0.0 if bid is None else book.best_bid_size().as_double(),
            0.0 if ask is None else book.best_ask_size().as_double(),
        )
        self._requote("book", deltas.ts_init)

    def _on_sample(self, event: TimeEvent) -> None:
        """Sample the fair value, check the position, mark, and let time-dependent quotes move."""
        now_ns = event.ts_event
        fault = self._fault(now_ns)
        top = self._top if fault is None else None
        self._volatility.sample(None if top is None else self._fair_value_of(top))
        if self._settings.limits.check_position:
            self._check_position()
        self._requote("sample", now_ns)
        self.publish_message(TOPIC_MARK, self._mark(now_ns, top))

    def _fault(self, now_ns: int) -> Reason | None:
        if self._top is not None and now_ns - self._market_ns > self._stale_after_ns:
            return Reason.STALE_BOOK
        return book_fault(self._top, self._settings.guards.max_book_spread_bps)

    def _check_position(self) -> None:
        engine_lots = self._engine_position_lots()
        self._mismatches = 0 if engine_lots == self._position_lots else self._mismatches + 1
        if self._mismatches >= 2:  # once may be a fill on its way to us
            raise RuntimeError(
                f"{self._settings.instrument_id}: position counted from fills is {self._position_lots * self._lot}, "
                f"the engine's is {engine_lots * self._lot}"
            )

    def _engine_position_lots(self) -> int:
        return int(self._portfolio.net_position(self._instrument_id) / self._lot)

    # --------------------------------------------------------------- quoting

    def _requote(self, trigger: str, now_ns: int) -> None:
        """Run the pipeline once; leave a record when anything about our quotes changes."""
        if self._stopped:
            return
        state, wanted = self._decide(now_ns)
        last = self._wanted
        same = (
            last is not None
            and wanted.ladder == last.ladder
            and wanted.reasons == last.reasons
            and wanted.quote_state is last.quote_state
        )
        if same and not self._dirty:
            return
        exposure = self._exposure()
        plan = reconcile(
            wanted.ladder,
            self._orders,
            exposure,
            self._lattice.grid.min_lots,
            self._settings.requote,
            self._budget.available(now_ns),
        )
        self._wanted = wanted
        self._dirty = plan.deferred > 0
        if same and plan.messages == 0:
            return
        self._decisions += 1
        self.publish_message(
            TOPIC_DECISION,
            quote_decision(
                now_ns,
                self._strategy,
                self._settings.instrument_id,
                self._decisions,
                trigger,
                self._top,
                state,
                exposure,
                wanted,
                plan,
                self._float_tick,
                self._float_lot,
            ),
        )
        self._execute(plan, now_ns)

    def _decide(self, now_ns: int) -> tuple[MarketState | None, Wanted]:
        fault = self._fault(now_ns)
        top, sigma = self._top, self._volatility.value
        if fault is not None or top is None:
            return None, withdrawn(fault or Reason.NO_BOOK)
        if sigma is None:
            return None, withdrawn(Reason.WARMING_UP)
        fair_value = self._fair_value_of(top)
        state = MarketState(now_ns, top, fair_value, sigma, self._bid_intensity, self._ask_intensity)
        if self._quoter is None:
            self._quoter = Quoter(self._settings, self._lattice.grid, self._lattice.base_per_lot(fair_value))
            self._start_ns = now_ns
        funds = None if self._funds is None else self._funds.at(fair_value)
        elapsed_s = (now_ns - self._start_ns) * 1e-9
        return state, self._quoter.decide(state, self._position_lots, elapsed_s, funds=funds)

    def _exposure(self) -> Exposure:
        orders, quoter = self._orders, self._quoter
        funds = None if self._funds is None or self._top is None else self._funds.at(self._top.ask)
        return Exposure(
            self._position_lots,
            orders.open_buy_lots,
            orders.open_sell_lots,
            0 if quoter is None else quoter.limit_lots,
            None if funds is None else funds.buy_lots,
            None if funds is None else funds.sell_lots,
        )

    # -------------------------------------------------------------- commands

    def _execute(self, plan: Plan, now_ns: int) -> None:
        self._cancel(plan.cancels, now_ns)
        for amend in plan.amends:
            self._amend(amend.order, amend.price_ticks, amend.total_lots, now_ns)
        for level in plan.submits:
            self._submit(level, now_ns)
        self._budget.spend(plan.messages)

    def _submit(self, level: Level, now_ns: int) -> None:
        order = self._order_factory.limit(
            self._instrument_id,
            _ORDER_SIDES[level.side],
            self._lattice.quantity(level.size_lots),
            self._lattice.price(level.price_ticks),
            post_only=True,
        )
        working = WorkingOrder(
            str(order.client_order_id),
            level.side,
            level.index,
            self._decisions,
            level.price_ticks,
            level.size_lots,
            quoted_ts_ns=now_ns,
        )
        self._orders.submitted(working)
        self._publish_order(working, "SUBMIT", now_ns)
        self.submit_order(order)
        self._arrivals.expect(now_ns, self._settings.arrival.submit_ns)

    def _amend(self, order: WorkingOrder, price_ticks: int, total_lots: int, now_ns: int) -> None:
        quantity = None if total_lots == order.total_lots else self._lattice.quantity(total_lots)
        price = None if price_ticks == order.price_ticks else self._lattice.price(price_ticks)
        order.decision_id = self._decisions
        self._orders.amending(order, price_ticks, total_lots, now_ns)
        self._publish_order(order, "AMEND", now_ns)
        self.modify_order(ClientOrderId(order.client_order_id), quantity, price)
        self._arrivals.expect(now_ns, self._settings.arrival.amend_ns)

    def _cancel(self, orders: Sequence[WorkingOrder], now_ns: int) -> None:
        if not orders:
            return
        for order in orders:
            order.decision_id = self._decisions
            self._orders.cancelling(order)
            self._publish_order(order, "CANCEL", now_ns)
        ids = [ClientOrderId(order.client_order_id) for order in orders]
        if len(ids) == 1:
            self.cancel_order(ids[0])
        else:
            self.cancel_orders(ids)
        self._arrivals.expect(now_ns, self._settings.arrival.cancel_ns)

    # ---------------------------------------------------------------- orders

    def on_order_accepted(self, event: OrderAccepted) -> None:
        """Let an order that was in flight be moved."""
        order = self._find(event)
        if order is not None:
            self._orders.accepted(order)
            self._answered(order, "ACCEPTED", event.ts_event)

    def on_order_updated(self, event: OrderUpdated) -> None:
        """Take over the price and size the venue reports."""
        order = self._find(event)
        if order is not None:
            price_ticks = order.price_ticks if event.price is None else self._lattice.ticks(event.price)
            self._orders.amended(order, price_ticks, self._lattice.lots(event.quantity))
            self._answered(order, "UPDATED", event.ts_event)

    def on_order_modify_rejected(self, event: OrderModifyRejected) -> None:
        """Keep what rests; the next market event decides anew."""
        order = self._find(event)
        if order is not None:
            self._orders.amend_rejected(order)
            self._dirty = True
            self._publish_order(order, "MODIFY_REJECTED", event.ts_event, event.reason)

    def on_order_cancel_rejected(self, event: OrderCancelRejected) -> None:
        """Count the order as resting, and ask the venue what has become of it."""
        order = self._find(event)
        if order is not None:
            self._orders.cancel_rejected(order)
            self._dirty = True
            self._publish_order(order, "CANCEL_REJECTED", event.ts_event, event.reason)
            self.query_order(self.cache.order(event.client_order_id))

    def on_order_canceled(self, event: OrderCanceled) -> None:
        """Free the order's exposure."""
        self._closed(event, "CANCELED")

    def on_order_expired(self, event: OrderExpired) -> None:
        """Free the order's exposure."""
        self._closed(event, "EXPIRED")

    def on_order_rejected(self, event: OrderRejected) -> None:
        """Free the order's exposure; the next market event decides anew."""
        self._closed(event, "REJECTED", event.reason)

    def on_order_denied(self, event: OrderDenied) -> None:
        """Free the order's exposure; the next market event decides anew."""
        self._closed(event, "DENIED", event.reason)

    def on_order_filled(self, event: OrderFilled) -> None:
        """Move the position, tell everyone, and quote anew."""
        side = Side.BUY if event.order_side == OrderSide.BUY else Side.SELL
        lots = self._lattice.lots(event.last_qty)
        self._position_lots += int(side) * lots
        order = self._find(event)
        if order is not None:
            self._orders.filled(order, lots)
        if self._funds is not None:
            size, price = event.last_qty.as_decimal(), event.last_px.as_decimal()
            self._funds.filled(side, size, price, event.commission.as_decimal())
        self.publish_message(TOPIC_FILL, self._fill(event, side, order))
        self._dirty = True
        self._requote("fill", event.ts_event)

    def _find(self, event: Any) -> WorkingOrder | None:
        return self._orders.get(str(event.client_order_id))

    def _answered(self, order: WorkingOrder, name: str, ts_ns: int) -> None:
        self._publish_order(order, name, ts_ns)
        if self._dirty:
            self._requote("order", ts_ns)

    def _closed(self, event: Any, name: str, reason: str = "") -> None:
        order = self._find(event)
        if order is None:
            return
        asked_for = order.status is OrderStatus.PENDING_CANCEL
        self._orders.closed(order)
        self._publish_order(order, name, event.ts_event, reason)
        if asked_for and self._dirty:
            self._requote("order", event.ts_event)
        elif not asked_for:
            self._dirty = True

    # ----------------------------------------------------------------- facts

    def _publish_order(self, order: WorkingOrder, event: str, ts_ns: int, reason: str = "") -> None:
        self.publish_message(
            TOPIC_ORDER,
            OrderFact(
                ts_ns,
                self._strategy,
                self._settings.instrument_id,
                order.client_order_id,
                order.decision_id,
                order.side.name,
                order.level,
                event,
                order.price_ticks * self._tick,
                order.total_lots * self._lot,
                order.filled_lots * self._lot,
                reason,
            ),
        )

    def _fill(self, event: OrderFilled, side: Side, order: WorkingOrder | None) -> FillFact:
        top = self._top
        return FillFact(
            event.ts_event,
            self._strategy,
            self._settings.instrument_id,
            str(event.client_order_id),
            str(event.venue_order_id),
            str(event.trade_id),
            -1 if order is None else order.decision_id,
            side.name,
            -1 if order is None else order.level,
            event.last_px.as_decimal(),
            event.last_qty.as_decimal(),
            event.liquidity_side.name,
            event.commission.as_decimal(),
            str(event.commission.currency),
            self._position_lots * self._lot,
            None if top is None else top.bid,
            None if top is None else top.ask,
            event.ts_event if order is None else order.quoted_ts_ns,
        )

    def _mark(self, now_ns: int, top: TopOfBook | None) -> MarkFact:
        return MarkFact(
            now_ns,
            self._strategy,
            self._settings.instrument_id,
            None if top is None else top.bid,
            None if top is None else top.ask,
            self._volatility.value,
            self._position_lots * self._lot,
            self._orders.open_buy_lots * self._lot,
            self._orders.open_sell_lots * self._lot,
        )
