"""The worst case at every instant, counted anew from what the run log says happened to each order.

The strategy keeps its own books (`mm_nautilus.quoting.orders`) and bounds what it sends by them. This is the check
that does not trust them: nothing here is shared with the code that is being checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.analytics.runlog import RunLog

_GONE: Final = frozenset({"CANCELED", "EXPIRED", "REJECTED", "DENIED"})
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One row of the orders table: what was asked of an order, or what the venue answered."""

    ts_ns: int
    client_order_id: str
    side: str
    event: str
    size: Decimal
    """Total size of the order then, filled part included."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One row of the fills table."""

    ts_ns: int
    client_order_id: str
    side: str
    size: Decimal


@dataclass(frozen=True, slots=True)
class WorstCasePath:
    """Position and everything that may still change it, after the last event of every instant; arrays are aligned.

    Parameters
    ----------
    ts_ns : int array, shape (n,)
        Every instant at which an order was sent, changed, answered or filled, in nanoseconds since 1970.
    position, open_buy, open_sell : object array of Decimal, shape (n,)
        Signed position, and the size that working and in-flight orders of a side may still fill, in base units
        (contracts).

    """

    ts_ns: NDArray[np.int64]
    position: NDArray[np.object_]
    open_buy: NDArray[np.object_]
    open_sell: NDArray[np.object_]

    @property
    def largest(self) -> NDArray[np.object_]:
        """Largest |position| that fills of one side alone could lead to from each instant, in base units."""
        found: NDArray[np.object_] = np.maximum(self.position + self.open_buy, self.open_sell - self.position)
        return found

    def before(self, ts_ns: int) -> tuple[Decimal, Decimal, Decimal]:
        """Return position, open buys and open sells after the last event that came before an instant."""
        return self._row(int(np.searchsorted(self.ts_ns, ts_ns, side="left")) - 1)

    def at(self, ts_ns: int) -> tuple[Decimal, Decimal, Decimal]:
        """Return them after the last event of an instant."""
        return self._row(int(np.searchsorted(self.ts_ns, ts_ns, side="right")) - 1)

    def _row(self, row: int) -> tuple[Decimal, Decimal, Decimal]:
        if row < 0:
            return (self.position[0] if len(self.position) else _NOTHING), _NOTHING, _NOTHING
        return self.position[row], self.open_buy[row], self.open_sell[row]


@dataclass(slots=True)
class _Order:
    side: str
    wanted: Decimal
    """Total size last asked for."""
    resting: Decimal
    """Total size at the venue, as far as it has answered."""
    filled: Decimal = _NOTHING
    gone: bool = False

    @property
    def open(self) -> Decimal:
        """Size that may still fill: the larger one while an amend is in flight."""
        if self.gone or self.filled >= self.resting:
            return _NOTHING
        return max(self.wanted, self.resting) - self.filled


def worst_case_path(
    orders: Iterable[OrderEvent], fills: Iterable[Execution], opening: Decimal = _NOTHING
) -> WorstCasePath:
    """Return the worst case after every instant of a run.

    An order counts with its whole remaining size from the moment it is sent until the venue says that it is gone; an
    amend to a smaller size frees nothing before it is confirmed. The log keeps orders and fills in two tables, so the
    order of an order's event and another order's fill *within* one nanosecond is not known: an instant is judged by
    what it leaves behind. A fill leaves the worst case of its own side where it was and shrinks the other one's.

    Parameters
    ----------
    orders : iterable of OrderEvent
        Of one instrument, in the order they were logged.
    fills : iterable of Execution
        Of the same instrument, in the order they were logged; those of an order that is gone move the position all
        the same.
    opening : Decimal
        Signed position before the first of them, in base units (contracts).

    """
    rows: list[tuple[int, Decimal, Decimal, Decimal]] = []
    known: dict[str, _Order] = {}
    position, open_size = opening, {"BUY": _NOTHING, "SELL": _NOTHING}
    events: list[OrderEvent | Execution] = [*orders, *fills]
    events.sort(key=lambda event: event.ts_ns)  # stable: of one instant, order events first
    for ts_ns, together in groupby(events, key=lambda event: event.ts_ns):
        for event in together:
            order = known.get(event.client_order_id)
            before = _NOTHING if order is None else order.open
            if isinstance(event, Execution):
                position += event.size if event.side == "BUY" else -event.size
                if order is not None:
                    order.filled += event.size
            elif order is None:
                order = known[event.client_order_id] = _Order(event.side, event.size, event.size)
                order.gone = event.event in _GONE
            else:
                _take(order, event)
            if order is not None:
                open_size[event.side] += order.open - before
                if order.gone:
                    del known[event.client_order_id]
        rows.append((ts_ns, position, open_size["BUY"], open_size["SELL"]))
    columns = list(zip(*rows, strict=True)) or [()] * 4
    exact = (np.array(column, dtype=np.object_) for column in columns[1:])
    return WorstCasePath(np.array(columns[0], dtype=np.int64), *exact)


def _take(order: _Order, event: OrderEvent) -> None:
    match event.event:
        case "AMEND":
            order.wanted = event.size
        case "UPDATED":
            order.wanted = order.resting = event.size
        case "MODIFY_REJECTED":
            order.wanted = order.resting
        case name if name in _GONE:
            order.gone = True


def logged_path(log: RunLog, instrument_id: str, opening: Decimal = _NOTHING) -> WorstCasePath:
    """Return `worst_case_path` of one instrument of a run log."""
    orders = log.table("orders", ["instrument_id", "ts_ns", "client_order_id", "side", "event", "size"]).to_pylist()
    fills = log.table("fills", ["instrument_id", "ts_ns", "client_order_id", "side", "size"]).to_pylist()
    return worst_case_path(
        (OrderEvent(**row) for row in orders if row.pop("instrument_id") == instrument_id),
        (Execution(**row) for row in fills if row.pop("instrument_id") == instrument_id),
        opening,
    )
