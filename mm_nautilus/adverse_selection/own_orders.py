"""Where our resting orders stand: price, since when, and how much is estimated to trade before them."""

from __future__ import annotations

from mm_nautilus.market import Side, TopOfBook


class RestingOrder:
    """One order as the venue has it."""

    __slots__ = ("ahead", "price", "side", "since_ns")

    def __init__(self, side: Side, price: float, since_ns: int, ahead: float | None) -> None:
        self.side, self.price, self.since_ns = side, price, since_ns
        self.ahead = ahead
        """Size before it in its level's queue, in base units; ``None`` where it joined out of our sight."""


class OwnOrders:
    """Our resting orders on one instrument; O(orders) a trade, O(1) anything else.

    An order that joins the best price stands behind all that is shown there; trades at its price use that up, and no
    more can be ahead than is shown now. One that improves the best price is first. Cancellations ahead of it that are
    made good by orders behind it go unnoticed, so that the estimate is an upper bound. Assumes that the size shown
    does not include our own order, as in a backtest; live it does, and the estimate is too large by our own size.

    Parameters
    ----------
    tick : float
        Smallest price step, in price units.

    """

    __slots__ = ("_half_tick", "_orders")

    def __init__(self, tick: float) -> None:
        self._half_tick = 0.5 * tick
        self._orders: dict[str, RestingOrder] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def rested(self, order_id: str, side: Side, price: float, now_ns: int, top: TopOfBook | None) -> None:
        """The venue accepted the order or changed it; at an unchanged price it keeps its place."""
        known = self._orders.get(order_id)
        if known is None or abs(known.price - price) > self._half_tick:
            self._orders[order_id] = RestingOrder(side, price, now_ns, self._shown(side, price, top))

    def gone(self, order_id: str) -> None:
        """The order is no more."""
        self._orders.pop(order_id, None)

    def traded(self, price: float, size: float, aggressor: Side | None) -> None:
        """Somebody traded: what stood before our orders at that price is less now."""
        for order in self._orders.values():
            if order.ahead and order.side is not aggressor and abs(order.price - price) <= self._half_tick:
                order.ahead = max(order.ahead - size, 0.0)

    def find(self, order_id: str | None) -> RestingOrder | None:
        """Return an order by its id."""
        return None if order_id is None else self._orders.get(order_id)

    def best(self, side: Side) -> RestingOrder | None:
        """Return our order of a side that would fill first, ``None`` where there is none."""
        mine = [order for order in self._orders.values() if order.side is side]
        return max(mine, key=lambda order: side * order.price, default=None)

    def ahead(self, order: RestingOrder, top: TopOfBook) -> float:
        """Return the size estimated to trade before an order, in base units.

        For an order behind the best price that is at least what is shown there.
        """
        best, shown = (top.bid, top.bid_size) if order.side is Side.BUY else (top.ask, top.ask_size)
        behind = order.side * (best - order.price)
        if behind > self._half_tick:
            return shown + (order.ahead or 0.0)
        if behind < -self._half_tick:
            return 0.0
        order.ahead = shown if order.ahead is None else min(order.ahead, shown)
        return order.ahead

    def _shown(self, side: Side, price: float, top: TopOfBook | None) -> float | None:
        if top is None:
            return None
        best, shown = (top.bid, top.bid_size) if side is Side.BUY else (top.ask, top.ask_size)
        behind = side * (best - price)
        if behind > self._half_tick:
            return None
        return 0.0 if behind < -self._half_tick else shown
