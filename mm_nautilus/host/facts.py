"""What happened, as the run log takes it: one place where a strategy's events become messages."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Final

from nautilus_trader.model import OrderFilled

from mm_nautilus.inventory.hedge_market import HedgeMarket, HedgeOrder
from mm_nautilus.market import Grid, Purpose, Side, TopOfBook
from mm_nautilus.messages import FillFact, MarkFact, OrderFact
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.orders import WorkingOrder

# An enum looks its name up in Python each time.
_SIDE_NAMES: Final = {side: side.name for side in Side}
_QUOTE: Final = str(Purpose.QUOTE)
# Orders come at the same few hundred prices and sizes over and over; a product is dearer than looking it up.
_KEPT: Final = 4096


def commission_of(event: OrderFilled) -> Decimal:
    """Return what the fill cost; a venue that reports nothing charged nothing."""
    return Decimal(0) if event.commission is None else event.commission.as_decimal()


class FactWriter:
    """Writes the facts of one strategy on one instrument.

    Parameters
    ----------
    strategy_id, instrument_id : str
        Whose facts they are.
    grid : Grid
        To turn ticks and lots into exact prices and sizes.

    """

    __slots__ = ("_instrument_id", "_price", "_size", "_strategy_id")

    def __init__(self, strategy_id: str, instrument_id: str, grid: Grid) -> None:
        self._strategy_id = strategy_id
        self._instrument_id = instrument_id
        self._price = lru_cache(_KEPT)(grid.tick.__mul__)
        self._size = lru_cache(_KEPT)(grid.lot.__mul__)

    def order(self, order: WorkingOrder, event: str, ts_ns: int, reason: str) -> OrderFact:
        """Return what happened to an order, as it is known after it."""
        return OrderFact(
            ts_ns,
            self._strategy_id,
            self._instrument_id,
            order.client_order_id,
            order.decision_id,
            _SIDE_NAMES[order.side],
            order.level,
            event,
            self._price(order.price_ticks),
            self._size(order.total_lots),
            self._size(order.filled_lots),
            reason,
            _QUOTE,
        )

    def hedge(self, order: HedgeOrder, event: str, ts_ns: int, reason: str = "") -> OrderFact:
        """Return what happened to a hedge, as it is known after it."""
        return OrderFact(
            ts_ns,
            self._strategy_id,
            self._instrument_id,
            order.client_order_id,
            order.decision_id,
            _SIDE_NAMES[order.side],
            -1,
            event,
            self._price(order.limit_ticks),
            self._size(order.lots),
            self._size(order.filled_lots),
            reason,
            str(order.cause.purpose),
        )

    def fill(
        self,
        event: OrderFilled,
        side: Side,
        order: WorkingOrder | HedgeOrder | None,
        position_lots: int,
        top: TopOfBook | None,
    ) -> FillFact:
        """Return an execution.

        Parameters
        ----------
        event : OrderFilled
            The engine's.
        side : Side
            Of our order.
        order : WorkingOrder, HedgeOrder or None
            ``None`` where it is no longer, or never was, among ours.
        position_lots : int
            Position after it.
        top : TopOfBook or None
            Best prices when it arrived.

        """
        quoted_ns = event.ts_event
        level, purpose = -1, _QUOTE
        if isinstance(order, HedgeOrder):
            quoted_ns, purpose = order.sent_ns, str(order.cause.purpose)
        elif order is not None:
            quoted_ns, level = order.quoted_ts_ns, order.level
        return FillFact(
            event.ts_event,
            self._strategy_id,
            self._instrument_id,
            str(event.client_order_id),
            str(event.venue_order_id),
            str(event.trade_id),
            -1 if order is None else order.decision_id,
            _SIDE_NAMES[side],
            level,
            event.last_px.as_decimal(),
            event.last_qty.as_decimal(),
            event.liquidity_side.name,
            commission_of(event),
            str(event.currency if event.commission is None else event.commission.currency),
            self._size(position_lots),
            None if top is None else top.bid,
            None if top is None else top.ask,
            quoted_ns,
            purpose,
        )

    def mark(self, ts_ns: int, top: TopOfBook | None, desk: Desk) -> MarkFact:
        """Return the market and the position now; `top` is ``None`` where the market is not fit to be marked at."""
        buying, selling = desk.working_lots
        return MarkFact(
            ts_ns,
            self._strategy_id,
            self._instrument_id,
            None if top is None else top.bid,
            None if top is None else top.ask,
            desk.volatility.value,
            self._size(desk.position_lots),
            self._size(buying),
            self._size(selling),
            desk.market_ns,
            desk.fault(ts_ns) or "",
        )

    def hedge_mark(self, ts_ns: int, market: HedgeMarket) -> MarkFact:
        """Return the market and the position of an instrument that is only hedged on."""
        top, order = market.fit_top(ts_ns), market.order
        out = 0 if order is None else order.leaves_lots
        buying = order is not None and order.side is Side.BUY
        return MarkFact(
            ts_ns,
            self._strategy_id,
            self._instrument_id,
            None if top is None else top.bid,
            None if top is None else top.ask,
            None,
            self._size(market.position_lots),
            self._size(out if buying else 0),
            self._size(0 if buying else out),
            market.heard_ns,
            market.fault(ts_ns) or "",
        )
