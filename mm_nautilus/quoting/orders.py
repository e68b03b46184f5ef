"""Our resting orders as we know them: one record an order, one command in flight an order.

An order counts with its full remaining size from the moment it is sent until the venue says that it
is gone, whatever has been asked of it meanwhile. That is what makes the exposure a worst case.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from msgspec import Struct

from mm_nautilus.market import Side


class OrderStatus(Enum):
    """What is in flight for an order."""

    PENDING_SUBMIT = auto()
    WORKING = auto()
    PENDING_AMEND = auto()
    PENDING_CANCEL = auto()


class WorkingOrder(Struct, gc=False):
    """One order of ours that may still fill."""

    client_order_id: str
    side: Side
    level: int
    decision_id: int
    price_ticks: int
    """Last requested price."""
    total_lots: int
    """Size of the order, filled part included."""
    filled_lots: int = 0
    status: OrderStatus = OrderStatus.PENDING_SUBMIT
    acknowledged: bool = False
    """The venue has accepted it; a cancel that overtakes the submit is lost."""
    amends: int = 0
    amendable: bool = True
    """No amend of it has been refused; the reason may last, so the order is replaced instead."""
    resting_ticks: int = 0
    """Price at the venue, which an amend in flight has not changed yet."""
    resting_total_lots: int = 0
    quoted_ts_ns: int = 0

    @property
    def leaves_lots(self) -> int:
        """Size that may still fill; while an amend to a smaller size is in flight, the larger one."""
        return max(self.total_lots, self.resting_total_lots) - self.filled_lots


class OrderBookkeeper:
    """All working orders of one strategy on one instrument, with their exposure in lots.

    Every method takes what the venue or we ourselves have just done; orders it does not know are the
    caller's to report.
    """

    __slots__ = ("_orders", "open_buy_lots", "open_sell_lots")

    def __init__(self) -> None:
        self._orders: dict[str, WorkingOrder] = {}
        self.open_buy_lots = 0
        self.open_sell_lots = 0

    def __iter__(self) -> Iterator[WorkingOrder]:
        return iter(self._orders.values())

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, client_order_id: str) -> WorkingOrder | None:
        """Return the order, or ``None`` where it is not working."""
        return self._orders.get(client_order_id)

    def submitted(self, order: WorkingOrder) -> None:
        """Count an order from the moment we send it."""
        order.resting_ticks = order.price_ticks
        order.resting_total_lots = order.total_lots
        self._orders[order.client_order_id] = order
        self._count(order.side, order.total_lots - order.filled_lots)

    def accepted(self, order: WorkingOrder) -> None:
        """The venue has the order."""
        order.acknowledged = True
        if order.status is OrderStatus.PENDING_SUBMIT:
            order.status = OrderStatus.WORKING

    def amending(self, order: WorkingOrder, price_ticks: int, total_lots: int, ts_ns: int) -> None:
        """We asked for another price or a smaller size."""
        order.status = OrderStatus.PENDING_AMEND
        order.price_ticks = price_ticks
        order.total_lots = total_lots
        order.quoted_ts_ns = ts_ns
        order.amends += 1

    def amended(self, order: WorkingOrder, price_ticks: int, total_lots: int) -> None:
        """The venue has changed the order to these values, asked for by us or not."""
        before = order.leaves_lots
        order.price_ticks = order.resting_ticks = price_ticks
        order.total_lots = order.resting_total_lots = total_lots
        self._count(order.side, order.leaves_lots - before)
        if order.status is OrderStatus.PENDING_AMEND:
            order.status = OrderStatus.WORKING

    def amend_rejected(self, order: WorkingOrder) -> None:
        """The order rests as it was."""
        order.amendable = False
        order.price_ticks = order.resting_ticks
        order.total_lots = order.resting_total_lots
        if order.status is OrderStatus.PENDING_AMEND:
            order.status = OrderStatus.WORKING

    def cancelling(self, order: WorkingOrder) -> None:
        """We asked for its end."""
        order.status = OrderStatus.PENDING_CANCEL

    def cancel_rejected(self, order: WorkingOrder) -> None:
        """The order still rests as far as we know, or is still on its way to the venue.

        An amend that was not answered before the cancel counts as lost: only an update would say otherwise.
        """
        if order.status is OrderStatus.PENDING_CANCEL:
            order.price_ticks, order.total_lots = order.resting_ticks, order.resting_total_lots
            order.status = OrderStatus.WORKING if order.acknowledged else OrderStatus.PENDING_SUBMIT

    def filled(self, order: WorkingOrder, lots: int) -> None:
        """Part or all of the order traded; an order without rest is gone with every command in flight."""
        before = order.leaves_lots
        order.filled_lots += lots
        self._count(order.side, max(order.leaves_lots, 0) - before)
        if order.filled_lots >= order.resting_total_lots:
            self.closed(order)

    def closed(self, order: WorkingOrder) -> None:
        """The venue says that the order is gone."""
        if self._orders.pop(order.client_order_id, None) is not None:
            self._count(order.side, -max(order.leaves_lots, 0))

    def _count(self, side: Side, lots: int) -> None:
        if side is Side.BUY:
            self.open_buy_lots += lots
        else:
            self.open_sell_lots += lots
