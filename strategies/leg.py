"""One instrument that a strategy quotes: its market, its desk, its orders and what is written down about them.

The leg translates: engine event to value, library call, engine command. What to quote is decided in
`mm_nautilus.quoting`. When to quote, what is hedged and what the rest of the portfolio leaves is the business of the
strategy (`mm_nautilus.strategies.quoting_strategy`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nautilus_trader.model import (
    AggressorSide,
    BookType,
    ClientOrderId,
    OrderBook,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    TradeTick,
)

from mm_nautilus.adverse_selection.fill_watch import FillWatch
from mm_nautilus.host.arrival import ArrivalAlerts, ArrivalSettings
from mm_nautilus.host.execution import Execution
from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.traded import Traded, is_ours, open_orders
from mm_nautilus.inventory.hedge_market import HedgeOrder
from mm_nautilus.inventory.ledger_line import Fill
from mm_nautilus.inventory.limits import Held, Holding
from mm_nautilus.market import Level, Purpose, Side, TopOfBook
from mm_nautilus.messages import (
    TOPIC_ALERT,
    TOPIC_DECISION,
    TOPIC_FILL,
    TOPIC_FILL_FEATURES,
    TOPIC_FILL_RISK,
    TOPIC_MARK,
    TOPIC_ORDER,
    AdverseSelectionAssessment,
)
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment, combined, of_assessment
from mm_nautilus.quoting.anchor import Anchor
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.guards import Bounds
from mm_nautilus.quoting.orders import OrderStatus, WorkingOrder
from mm_nautilus.quoting.pipeline import ModelOf
from mm_nautilus.quoting.settings import QuotingSettings

BOOK_TYPES = {"L2": BookType.L2_MBP, "L3": BookType.L3_MBO}
_ORDER_SIDES = {Side.BUY: OrderSide.BUY, Side.SELL: OrderSide.SELL}
_AGGRESSORS = {AggressorSide.BUY: Side.BUY, AggressorSide.SELL: Side.SELL}


class QuotingLeg:
    """See the module.

    Parameters
    ----------
    strategy : GuardedStrategy
        Whose orders they are.
    settings : QuotingSettings
        With the parameters of the chosen model.
    traded : Traded
        The instrument.
    position_lots : int
        Position taken over at the start.
    arrival : ArrivalSettings
        Command latencies of the simulated venue.
    watch : FillWatch or None
        Watches the fills; ``None`` where nothing does.
    inventory_limit : float or None
        Largest |inventory| that the model leans with, in base units; the position limit where left out.
    model_of : callable or None
        Makes the model, where it is not the one that the settings name; see `Quoter`.

    """

    def __init__(
        self,
        strategy: GuardedStrategy,
        settings: QuotingSettings,
        traded: Traded,
        position_lots: int,
        arrival: ArrivalSettings,
        watch: FillWatch | None = None,
        inventory_limit: float | None = None,
        model_of: ModelOf | None = None,
    ) -> None:
        self._strategy = strategy
        self._order_factory = strategy.order_factory
        self._publish = strategy.publish_message
        self.settings = settings
        self.traded = traded
        self.lattice = traded.lattice
        strategy_id, lattice = str(strategy.strategy_id), traded.lattice
        self.desk = Desk(
            settings, lattice.grid, strategy_id, lattice.base_per_lot, position_lots, inventory_limit, model_of
        )
        self._heard, self._resized = self.desk.heard, self.desk.resized
        self.watch = watch
        self.bounds: Callable[[TopOfBook], Bounds | None] | None = None
        """What others than the instrument leave to quote; ``None`` where nothing does."""
        self.anchor: Callable[[int], Anchor | None] | None = None
        """What other markets of the asset say about a quote, at an instant; ``None`` where it stands alone."""
        self._held = Held(traded.asset, traded.venue, lattice.base_per_lot)
        self._order_fact, self._fill_fact, self._mark_fact = traded.facts.order, traded.facts.fill, traded.facts.mark
        self._funds = traded.funds
        self._arrival = arrival
        self._arrivals = ArrivalAlerts(strategy.clock, f"zz_{strategy.strategy_id}_{traded.name}_")
        self._assessed: Adjustment = NEUTRAL
        self._sizes_matter = settings.fair_value != "mid"
        self._max_position = settings.limits.max_position
        # Whether a quote at the same prices, with some size on both sides, is nothing to think about.
        self._may_resize = False
        self._last_bid = self._last_ask = 0.0
        self._now_ns = 0
        self._bid: Price | None = None
        self._ask: Price | None = None

    @property
    def name(self) -> str:
        """Instrument id."""
        return self.traded.name

    # ---------------------------------------------------------------- market

    def subscribe(self) -> None:
        """Ask for the market, and for its trades where anything listens to them."""
        strategy, book = self._strategy, self.settings.book
        if book == "L1":
            strategy.subscribe_quotes(self.traded.id)
        else:
            self.traded.book = OrderBook(self.traded.id, BOOK_TYPES[book])
            strategy.subscribe_book_deltas(self.traded.id, BOOK_TYPES[book])
        if self.desk.listens_to_trades or self.watch is not None:
            strategy.subscribe_trades(self.traded.id)

    def on_quote(self, quote: QuoteTick) -> bool:
        """Take the best prices of an L1 feed; return whether there is anything to think about."""
        bid, ask = quote.bid_price.as_double(), quote.ask_price.as_double()
        bid_size, ask_size = quote.bid_size.as_double(), quote.ask_size.as_double()
        desk, now_ns = self.desk, quote.ts_init
        self._heard(now_ns)
        if self._may_resize and bid == self._last_bid and ask == self._last_ask and bid_size and ask_size:
            self._resized(bid_size, ask_size)
            return desk.dirty
        top = TopOfBook(bid, ask, bid_size, ask_size)
        moved = self._may_resize  # what may be resized was just seen not to be
        if not moved:
            last = desk.top
            moved = last is None or self._moved(last, top)
        desk.top = top
        if self.watch is None and not self._sizes_matter:
            self._may_resize = bool(bid_size and ask_size)
            self._last_bid, self._last_ask = bid, ask
        elif self.watch is not None:
            self.watch.features.moved(now_ns, top)
        return moved or desk.dirty

    def _moved(self, last: TopOfBook, top: TopOfBook) -> bool:
        """Return whether the prices moved, or the sizes where they count; a side of no size is no side."""
        if top.bid != last.bid or top.ask != last.ask:
            return True
        sizes_count = self._sizes_matter or not (top.bid_size and top.ask_size and last.bid_size and last.ask_size)
        return sizes_count and top != last

    def on_book_deltas(self, deltas: OrderBookDeltas) -> bool:
        """Bring our own book up to date; return whether there is anything to think about."""
        book = self.traded.book
        if book is None:
            return False
        book.apply_deltas(deltas)
        desk = self.desk
        desk.heard(deltas.ts_init)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if self.watch is not None:
            self.watch.features.moved(deltas.ts_init, _top(book, bid, ask))
        if bid == self._bid and ask == self._ask and not (desk.dirty or self._sizes_matter):
            return False
        self._bid, self._ask = bid, ask
        desk.top = _top(book, bid, ask)
        return True

    def on_trade(self, trade: TradeTick) -> None:
        """Tell the desk what traded, where it measures that."""
        aggressor = _AGGRESSORS.get(trade.aggressor_side)
        price, size = trade.price.as_double(), trade.size.as_double()
        self.desk.traded(trade.ts_event, price, size, aggressor, trade.ts_init)
        if self.watch is not None:
            self.watch.features.traded(trade.ts_init, price, size, aggressor)

    def mark(self, now_ns: int, top: TopOfBook | None) -> None:
        """Write the market and the position down; `top` is ``None`` where the market is not fit to be marked at."""
        self._publish(TOPIC_MARK, self._mark_fact(now_ns, top, self.desk))

    # --------------------------------------------------------------- quoting

    def requote(self, trigger: str, now_ns: int) -> None:
        """Ask the desk and do what it says."""
        now_ns = self._now_ns = max(now_ns, self._now_ns)  # what two connections bring is heard in either order
        desk = self.desk
        top = desk.top
        if top is None:
            return
        funds = None if self._funds is None or top.ask <= 0 else self._funds.at(desk.dearest_price())
        bounds = None if self.bounds is None else self.bounds(top)
        anchor = None if self.anchor is None else self.anchor(now_ns)
        requote = desk.requote(trigger, now_ns, funds, bounds, anchor)
        if requote is None:
            return
        self._publish(TOPIC_DECISION, requote.decision)
        plan = requote.plan
        if plan.cancels:
            self.cancel(plan.cancels, now_ns)
        for amend in plan.amends:
            self._amend(amend.order, amend.price_ticks, amend.total_lots, now_ns)
        for level in plan.submits:
            self._submit(level, now_ns)

    def predict(self, now_ns: int) -> None:
        """Predict what a fill now would turn out to be, and let the quotes follow."""
        desk, watch = self.desk, self.watch
        if watch is None or not watch.acts:
            return
        self._publish(TOPIC_FILL_RISK, watch.assess(now_ns, desk.volatility.value, self.inventory_share()))
        if watch.alert is not None:
            self._strategy.log.warning(watch.alert.text)
            self._publish(TOPIC_ALERT, watch.alert)
        desk.adjustment = combined(self._assessed, watch.adjustment)

    def assessed(self, assessment: AdverseSelectionAssessment) -> None:
        """Do what the adverse-selection monitor asks for."""
        desk, self._assessed = self.desk, of_assessment(assessment)
        desk.adjustment = self._assessed if self.watch is None else combined(self._assessed, self.watch.adjustment)
        desk.adverse_ratio = assessment.adverse_ratio

    def inventory_share(self) -> float:
        """Return the position as a share of its limit."""
        return float(self.desk.position_lots * self.lattice.grid.lot / self._max_position)

    def holding(self) -> Holding | None:
        """Return the position and everything that works, as the limits of others see it; ``None`` without a price."""
        return self._held.of(self.desk)

    # -------------------------------------------------------------- commands

    def _submit(self, level: Level, now_ns: int) -> None:
        order = self._order_factory.limit(
            self.traded.id,
            _ORDER_SIDES[level.side],
            self.lattice.quantity(level.size_lots),
            self.lattice.price(level.price_ticks),
            post_only=True,
        )
        working = self.desk.submitting(level, str(order.client_order_id), now_ns)
        self._publish(TOPIC_ORDER, self._order_fact(working, "SUBMIT", now_ns))
        self._strategy.submit_order(order)
        if self._arrival.submit_ns:
            self._arrivals.expect(now_ns, self._arrival.submit_ns)

    def _amend(self, order: WorkingOrder, price_ticks: int, total_lots: int, now_ns: int) -> None:
        quantity = None if total_lots == order.total_lots else self.lattice.quantity(total_lots)
        price = None if price_ticks == order.price_ticks else self.lattice.price(price_ticks)
        self.desk.amending(order, price_ticks, total_lots, now_ns)
        self._publish(TOPIC_ORDER, self._order_fact(order, "AMEND", now_ns))
        self._strategy.modify_order(ClientOrderId(order.client_order_id), quantity, price)
        if self._arrival.amend_ns:
            self._arrivals.expect(now_ns, self._arrival.amend_ns)

    def cancel(self, orders: Sequence[WorkingOrder], now_ns: int) -> None:
        """Ask for the end of these orders."""
        if not orders:
            return
        for order in orders:
            self.desk.cancelling(order)
            self._publish(TOPIC_ORDER, self._order_fact(order, "CANCEL", now_ns))
        ids = [ClientOrderId(order.client_order_id) for order in orders]
        if len(ids) == 1:
            self._strategy.cancel_order(ids[0])
        else:
            self._strategy.cancel_orders(ids)
        if self._arrival.cancel_ns:
            self._arrivals.expect(now_ns, self._arrival.cancel_ns)

    def retune(self, settings: QuotingSettings) -> None:
        """Quote by other settings from the next pass on; see `Desk.retune`."""
        self.desk.retune(settings)
        self.settings = settings
        self._max_position = settings.limits.max_position

    def withdraw(self, now_ns: int) -> None:
        """Quote no more, and cancel every order that is not being cancelled already."""
        self.desk.halt()
        self.cancel(self.desk.live_orders(), max(now_ns, self._now_ns))

    # ---------------------------------------------------------------- orders

    def find(self, event: Any) -> WorkingOrder | None:
        """Return the quote that an order event is about, or ``None`` where it is none of ours."""
        return self.desk.orders.get(str(event.client_order_id))

    def adopt_orders(self) -> None:
        """Take over quotes of an earlier life that may still fill, so that none is forgotten."""
        for order in open_orders(self._strategy, self.traded.id):
            if order.is_post_only and is_ours(str(order.client_order_id)):
                self.adopt_order(order)

    def adopt_order(self, order: Any) -> None:
        """Take over a limit order of the engine's; the next pass keeps, moves or cancels it."""
        working = WorkingOrder(
            str(order.client_order_id),
            Side.BUY if order.side == OrderSide.BUY else Side.SELL,
            0,
            0,
            self.lattice.ticks(order.price),
            self.lattice.lots(order.quantity),
            self.lattice.lots(order.filled_qty),
        )
        self.desk.adopt(working)
        if order.venue_order_id is not None:
            self.desk.accepted(working)

    def forget_closed(self) -> None:
        """Take the engine's word for orders that were over before we were told."""
        for order in list(self.desk.orders):
            known = self._strategy.cache.order(ClientOrderId(order.client_order_id))
            if known is None or known.is_closed:
                self.desk.closed(order)

    def accepted(self, order: WorkingOrder, event: Any) -> None:
        """Let an order that was in flight be moved."""
        told = order.acknowledged
        self.desk.accepted(order)
        if not told:  # a look at the venue's orders may say it once more
            self._answered(order, "ACCEPTED", event)

    def updated(self, order: WorkingOrder, event: Any) -> None:
        """Take over the price and size the venue reports."""
        price_ticks = order.price_ticks if event.price is None else self.lattice.ticks(event.price)
        self.desk.amended(order, price_ticks, self.lattice.lots(event.quantity))
        self._answered(order, "UPDATED", event)

    def amend_rejected(self, order: WorkingOrder, event: Any) -> None:
        """Keep what rests; the next market event decides anew."""
        self.desk.amend_rejected(order)
        self._publish(TOPIC_ORDER, self._order_fact(order, "MODIFY_REJECTED", event.ts_event, event.reason))

    def cancel_rejected(self, order: WorkingOrder, event: Any) -> None:
        """Count the order as resting, and ask the venue what has become of it."""
        self.desk.cancel_rejected(order)
        self._publish(TOPIC_ORDER, self._order_fact(order, "CANCEL_REJECTED", event.ts_event, event.reason))
        self._strategy.query_order(self._strategy.cache.order(event.client_order_id))

    def closed(self, order: WorkingOrder, name: str, ts_ns: int, reason: str) -> bool:
        """Free the order's exposure; return whether another pass waited for that."""
        waited_for = order.status is OrderStatus.PENDING_CANCEL and self.desk.dirty
        self.desk.closed(order)
        if self.watch is not None:
            self.watch.features.gone(order.client_order_id, ts_ns)
        self._publish(TOPIC_ORDER, self._order_fact(order, name, ts_ns, reason))
        return waited_for

    def filled(self, execution: Execution, hedge: HedgeOrder | None) -> None:
        """Move the position by an execution on our account here, and tell everyone of one that is no hedge's."""
        desk, watch, fill = self.desk, self.watch, execution.fill
        order = desk.orders.get(fill.client_order_id)
        if watch is not None and fill.purpose is Purpose.QUOTE:
            self._publish_features(watch, fill)
        desk.filled(fill.side, execution.lots, order)
        if hedge is not None:
            return
        if watch is not None and desk.orders.get(fill.client_order_id) is None:
            watch.features.gone(fill.client_order_id, fill.ts_ns)
        self._publish(TOPIC_FILL, self._fill_fact(execution, order, desk.position_lots, desk.top))

    def _answered(self, order: WorkingOrder, name: str, event: Any) -> None:
        ts_ns = event.ts_event
        self._publish(TOPIC_ORDER, self._order_fact(order, name, ts_ns))
        if self.watch is not None:
            price = order.resting_ticks * float(self.lattice.grid.tick)
            self.watch.features.rested(order.client_order_id, order.side, price, ts_ns)
        if self.desk.dirty:
            self.requote("order", event.ts_init)

    def _publish_features(self, watch: FillWatch, fill: Fill) -> None:
        """Record what was known before the fill."""
        order_id, sigma = fill.client_order_id, self.desk.volatility.value
        share = self.inventory_share()
        fact = watch.filled(fill.ts_ns, fill.side, order_id, fill.trade_id, fill.price, fill.size, sigma, share)
        if fact is not None:
            self._publish(TOPIC_FILL_FEATURES, fact)


def _top(book: OrderBook, bid: Price | None, ask: Price | None) -> TopOfBook:
    return TopOfBook(_double(bid), _double(ask), _double(book.best_bid_size()), _double(book.best_ask_size()))


def _double(value: Price | Quantity | None) -> float:
    """Return a price or size of the book, 0 where that side is empty."""
    return 0.0 if value is None else value.as_double()
