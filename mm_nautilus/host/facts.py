"""What happened, as the run log takes it: one place where a strategy's events become messages."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from nautilus_trader.model import OrderFilled

from mm_nautilus.market import Grid, Purpose, Side, TopOfBook
from mm_nautilus.messages import FillFact, MarkFact, OrderFact
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.orders import WorkingOrder

# An enum looks its name up in Python each time.
_SIDE_NAMES: Final = {side: side.name for side in Side}
_QUOTE: Final = str(Purpose.QUOTE)


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

    __slots__ = ("_instrument_id", "_lot", "_strategy_id", "_tick")

    def __init__(self, strategy_id: str, instrument_id: str, grid: Grid) -> None:
        self._strategy_id = strategy_id
        self._instrument_id = instrument_id
        self._tick, self._lot = grid.tick, grid.lot

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
            order.price_ticks * self._tick,
            order.total_lots * self._lot,
            order.filled_lots * self._lot,
            reason,
            _QUOTE,
        )

    def fill(self, event: OrderFilled, side: Side, order: WorkingOrder | None, desk: Desk) -> FillFact:
        """Return an execution; `order` is ``None`` where it is no longer, or never was, among the desk's."""
        top = desk.top
        return FillFact(
            event.ts_event,
            self._strategy_id,
            self._instrument_id,
            str(event.client_order_id),
            str(event.venue_order_id),
            str(event.trade_id),
            -1 if order is None else order.decision_id,
            _SIDE_NAMES[side],
            -1 if order is None else order.level,
            event.last_px.as_decimal(),
            event.last_qty.as_decimal(),
            event.liquidity_side.name,
            commission_of(event),
            str(event.currency if event.commission is None else event.commission.currency),
            desk.position_lots * self._lot,
            None if top is None else top.bid,
            None if top is None else top.ask,
            event.ts_event if order is None else order.quoted_ts_ns,
            _QUOTE,
        )

    def mark(self, ts_ns: int, top: TopOfBook | None, desk: Desk) -> MarkFact:
        """Return the market and the position now; `top` is ``None`` where the market is not fit to be marked at."""
        return MarkFact(
            ts_ns,
            self._strategy_id,
            self._instrument_id,
            None if top is None else top.bid,
            None if top is None else top.ask,
            desk.volatility.value,
            desk.position_lots * self._lot,
            desk.orders.open_buy_lots * self._lot,
            desk.orders.open_sell_lots * self._lot,
            desk.market_ns,
            desk.fault(ts_ns) or "",
        )
