"""What happened, as the run log takes it: one place where a strategy's events become messages."""

from __future__ import annotations

from typing import Final

from mm_nautilus.host.execution import Execution
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.inventory.hedge_market import HedgeMarket, HedgeOrder
from mm_nautilus.market import Side, TopOfBook
from mm_nautilus.messages import FillFact, MarkFact, OrderFact
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.orders import WorkingOrder

# An enum looks its name up in Python each time.
_SIDE_NAMES: Final = {side: side.name for side in Side}


class FactWriter:
    """Writes the facts of one strategy on one instrument.

    Parameters
    ----------
    strategy_id, instrument_id : str
        Whose facts they are.
    lattice : InstrumentLattice
        To turn ticks and lots into exact prices and sizes.

    """

    __slots__ = ("_instrument_id", "_price", "_size", "_strategy_id")

    def __init__(self, strategy_id: str, instrument_id: str, lattice: InstrumentLattice) -> None:
        self._strategy_id = strategy_id
        self._instrument_id = instrument_id
        self._price, self._size = lattice.valued, lattice.sized

    def order(self, order: WorkingOrder, event: str, ts_ns: int, reason: str = "") -> OrderFact:
        """Return what happened to a quote, as it is known after it."""
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
        execution: Execution,
        order: WorkingOrder | HedgeOrder | None,
        position_lots: int,
        top: TopOfBook | None,
    ) -> FillFact:
        """Return an execution.

        Parameters
        ----------
        execution : Execution
            As the books have it.
        order : WorkingOrder, HedgeOrder or None
            ``None`` where it is no longer, or never was, among ours.
        position_lots : int
            Position after it.
        top : TopOfBook or None
            Best prices when it arrived.

        """
        fill = execution.fill
        decision_id, quoted_ns, level = -1, fill.ts_ns, -1
        if isinstance(order, HedgeOrder):
            decision_id, quoted_ns = order.decision_id, order.sent_ns
        elif order is not None:
            decision_id, quoted_ns, level = order.decision_id, order.quoted_ts_ns, order.level
        return FillFact(
            fill.ts_ns,
            self._strategy_id,
            self._instrument_id,
            fill.client_order_id,
            execution.venue_order_id,
            fill.trade_id,
            decision_id,
            _SIDE_NAMES[fill.side],
            level,
            fill.price,
            fill.size,
            execution.liquidity,
            execution.commission,
            execution.commission_currency,
            self._size(position_lots),
            None if top is None else top.bid,
            None if top is None else top.ask,
            quoted_ns,
            str(fill.purpose),
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
