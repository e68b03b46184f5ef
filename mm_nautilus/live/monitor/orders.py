"""Our working orders on one instrument as their messages tell of them, and how fast the venue answers."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

from mm_nautilus.adverse_selection.own_orders import OwnOrders
from mm_nautilus.analytics.order_life import COMMANDS
from mm_nautilus.analytics.resting_orders import CLOSING, RESTING
from mm_nautilus.market import Purpose, Side, TopOfBook
from mm_nautilus.messages import FillFact, OrderFact, QuoteDecision

_STATE: Final = {
    "SUBMIT": "SENT",
    "AMEND": "AMENDING",
    "CANCEL": "CANCELLING",
    "ACCEPTED": "RESTING",
    "UPDATED": "RESTING",
    "MODIFY_REJECTED": "RESTING",
    "CANCEL_REJECTED": "RESTING",
}
_ANSWER_TO: Final = {"ACCEPTED": "SUBMIT", "UPDATED": "AMEND", "CANCELED": "CANCEL"}
_QUOTE: Final = str(Purpose.QUOTE)
_REFUSALS: Final = frozenset({"REJECTED", "DENIED"})


class _Working:
    """One order: what was last said of it, where it rests, and the market that it joined."""

    __slots__ = ("commanded", "commanded_ns", "fact", "filled", "joined", "placed", "rests", "state")

    def __init__(self, fact: OrderFact) -> None:
        self.fact = fact
        self.rests: OrderFact | None = None
        self.joined: tuple[int, QuoteDecision | None] = fact.ts_ns, None
        self.placed = False
        self.state = "SENT"
        self.filled = 0.0
        self.commanded: str | None = None
        self.commanded_ns = 0


class WorkingOrders:
    """Orders from their submission to their end; memory for those that work.

    Parameters
    ----------
    tick : float
        Smallest price step, in price units.
    answered : callable
        Told of each answer of the venue: the kind of command and how many seconds it took.

    """

    __slots__ = ("_answered", "_orders", "_queue", "_tick", "rejects")

    def __init__(self, tick: float, answered: Callable[[str, float], None]) -> None:
        self._tick = tick
        self._orders: dict[str, _Working] = {}
        self._queue = OwnOrders(tick)
        self._answered = answered
        self.rejects = 0
        """Orders rejected or denied so far."""

    def ordered(self, fact: OrderFact, decision: QuoteDecision | None) -> None:
        """Take what happened to an order, with the last decision before it for the market that it met."""
        event = fact.event
        self.rejects += event in _REFUSALS
        order = self._orders.get(fact.client_order_id)
        if order is None:
            if event not in _STATE:
                return
            order = self._orders[fact.client_order_id] = _Working(fact)
        order.fact = fact
        if event in COMMANDS:
            order.commanded, order.commanded_ns = event, fact.ts_ns
        elif order.commanded is not None and _ANSWER_TO.get(event) == order.commanded:
            self._answered(order.commanded, (fact.ts_ns - order.commanded_ns) * 1e-9)
            order.commanded = None
        if event in CLOSING:
            self._forget(fact.client_order_id)
        elif event in RESTING:
            if order.rests is None or order.rests.price != fact.price:
                order.joined, order.placed = (fact.ts_ns, decision), False
            order.rests, order.state = fact, "RESTING"
        else:
            order.state = _STATE.get(event, order.state)

    def filled(self, fact: FillFact) -> None:
        """Take a fill; one that completes its order ends it."""
        order = self._orders.get(fact.client_order_id)
        if order is not None:
            order.filled += float(fact.size)
            if order.filled >= float((order.rests or order.fact).size) * (1.0 - 1e-9):
                self._forget(fact.client_order_id)

    def _forget(self, order_id: str) -> None:
        del self._orders[order_id]
        self._queue.gone(order_id)

    def rows(self, decision: QuoteDecision | None, now_ns: int) -> list[dict[str, Any]]:
        """Return the orders against the book, highest price first.

        ``distance_ticks`` counts from the best price of the same side: 0 joins it, above 0 stands behind it, below 0
        improves it. ``ahead`` is the most that can trade before the order, in base units, ``None`` where it joined out
        of sight; cancellations by others make it too large.
        """
        top = top_of(decision)
        rows = [self._row(order, top, now_ns) for order in self._orders.values()]
        rows.sort(key=itemgetter("price"), reverse=True)
        return rows

    def best(self) -> tuple[float | None, float | None]:
        """Return our best resting bid and ask."""
        bid = ask = None
        for order in self._orders.values():
            if order.rests is not None and order.fact.purpose == _QUOTE:
                price = float(order.rests.price)
                if order.fact.side == "BUY":
                    bid = price if bid is None or price > bid else bid
                else:
                    ask = price if ask is None or price < ask else ask
        return bid, ask

    def _row(self, order: _Working, top: TopOfBook | None, now_ns: int) -> dict[str, Any]:
        said, fact = order.rests or order.fact, order.fact
        price, side = float(said.price), Side[fact.side]
        distance: float | None = None
        bps: float | None = None
        ahead: float | None = None
        if top is not None:
            best = top.bid if side is Side.BUY else top.ask
            distance = round(side * (best - price) / self._tick, 2)
            bps = round(1e4 * side * (top.mid - price) / top.mid, 3) if top.mid else None
            ahead = self._ahead(order, side, price, top, distance)
        wanted = float(fact.price)
        return {
            "id": fact.client_order_id,
            "side": fact.side,
            "level": fact.level,
            "purpose": fact.purpose,
            "price": price,
            "size": float(said.size),
            "filled": order.filled,
            "state": order.state,
            "wanted_price": wanted if wanted != price else None,
            "rests_s": max(now_ns - order.joined[0], 0) * 1e-9 if order.rests is not None else None,
            "distance_ticks": distance,
            "distance_bps": bps,
            "ahead": ahead,
        }

    def _ahead(self, order: _Working, side: Side, price: float, top: TopOfBook, distance: float) -> float | None:
        """Return the most that can trade before an order; it takes its place in the queue when it is first shown."""
        if order.rests is None or order.fact.purpose != _QUOTE:
            return None
        order_id = order.fact.client_order_id
        if not order.placed:
            since_ns, joined = order.joined
            self._queue.rested(order_id, side, price, since_ns, top_of(joined))
            order.placed = True
        resting = self._queue.find(order_id)
        return (
            None if resting is None or (resting.ahead is None and distance < 0.0) else self._queue.ahead(resting, top)
        )


def top_of(decision: QuoteDecision | None) -> TopOfBook | None:
    """Return the market that a decision saw, ``None`` where a side was missing."""
    if decision is None or decision.bid is None or decision.ask is None:
        return None
    return TopOfBook(decision.bid, decision.ask, decision.bid_size or 0.0, decision.ask_size or 0.0)
