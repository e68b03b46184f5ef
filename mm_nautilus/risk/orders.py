"""Our orders as far as their messages tell: what is open, and which commands have not been answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mm_nautilus.messages import FillFact, OrderFact

COMMANDS: Final = frozenset({"SUBMIT", "AMEND", "CANCEL"})
_ANSWERS: Final = {
    "ACCEPTED": "SUBMIT",
    "REJECTED": "SUBMIT",
    "DENIED": "SUBMIT",
    "CANCELED": "CANCEL",
    "CANCEL_REJECTED": "CANCEL",
}
_CLOSES: Final = frozenset({"REJECTED", "DENIED", "CANCELED", "EXPIRED"})
_MOST_ORDERS: Final = 10_000


@dataclass(slots=True)
class OpenOrder:
    """One order that is not known to be over, in price and base units."""

    client_order_id: str
    instrument_id: str
    side: str
    price: Decimal
    remaining: Decimal
    purpose: str


class OpenOrders:
    """The open orders of one instrument, oldest first.

    At most ten thousand are kept: an order whose end was never reported is let go of when so many newer ones are open.
    """

    __slots__ = ("_orders", "_unanswered")

    def __init__(self) -> None:
        self._orders: dict[str, OpenOrder] = {}
        self._unanswered: dict[tuple[str, str], int] = {}

    def __iter__(self) -> Iterator[OpenOrder]:
        return iter(self._orders.values())

    def __len__(self) -> int:
        return len(self._orders)

    def happened(self, fact: OrderFact, now_ns: int) -> int | None:
        """Take what happened to an order.

        Returns
        -------
        int or None
            When the submit or cancel that this answers was sent; of a command repeated before it was answered, the
            first time.

        """
        name, event = fact.client_order_id, fact.event
        if event == "SUBMIT":
            if len(self._orders) >= _MOST_ORDERS:
                self._close(next(iter(self._orders)))
            remaining = fact.size - fact.filled
            self._orders[name] = OpenOrder(name, fact.instrument_id, fact.side, fact.price, remaining, fact.purpose)
            self._unanswered[name, "SUBMIT"] = now_ns
            return None
        order = self._orders.get(name)
        if order is None:
            return None
        if event == "CANCEL":
            self._unanswered.setdefault((name, "CANCEL"), now_ns)
            return None
        sent_ns = self._unanswered.pop((name, _ANSWERS[event]), None) if event in _ANSWERS else None
        if event in _CLOSES:
            self._close(name)
        elif event == "UPDATED":
            order.price, order.remaining = fact.price, fact.size - fact.filled
        return sent_ns

    def filled(self, fact: FillFact) -> int | None:
        """Take a fill; return when the submit was sent that this answers. An order that is filled whole is over."""
        order = self._orders.get(fact.client_order_id)
        if order is None:
            return None
        sent_ns = self._unanswered.pop((fact.client_order_id, "SUBMIT"), None)
        order.remaining -= fact.size
        if order.remaining <= 0:
            self._close(fact.client_order_id)
        return sent_ns

    def oldest_unanswered_ns(self) -> int | None:
        """Return when the oldest submit or cancel without an answer was sent."""
        return next(iter(self._unanswered.values()), None)

    def _close(self, name: str) -> None:
        del self._orders[name]
        self._unanswered.pop((name, "SUBMIT"), None)
        self._unanswered.pop((name, "CANCEL"), None)
