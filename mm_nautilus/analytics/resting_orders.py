"""What rested at the venue and when, from the order events and fills of a run log.

An order rests from the venue's acceptance until it is filled, cancelled, expired or refused; an amend counts from the
venue's answer, not from our command. What was merely wanted is `mm_nautilus.analytics.quoting_time`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.market import Purpose, Side

CLOSING: Final = frozenset({"CANCELED", "EXPIRED", "REJECTED", "DENIED"})
"""Events after which an order is gone."""
RESTING: Final = frozenset({"ACCEPTED", "UPDATED"})
"""Events with which the venue says at which price and size an order rests."""

ORDER_COLUMNS: Final = ("ts_ns", "instrument_id", "client_order_id", "side", "event", "price", "size", "purpose")
FILL_COLUMNS: Final = ("ts_ns", "instrument_id", "client_order_id", "trade_id", "size")


@dataclass(frozen=True, slots=True)
class Resting:
    """What rests of one order from an instant on.

    Parameters
    ----------
    ts_ns : int
        When.
    order_id : str
        Client order id.
    side : Side
        Ours.
    price, size : Decimal
        Quote currency; what is open of it, in base units (contracts), 0 where the order is gone.

    """

    ts_ns: int
    order_id: str
    side: Side
    price: Decimal
    size: Decimal


def resting_orders(orders: pa.Table, fills: pa.Table) -> Iterator[Resting]:
    """Yield every change of what rests of our quotes on one instrument, in order of time.

    Parameters
    ----------
    orders, fills : pyarrow.Table
        Of one instrument, with `ORDER_COLUMNS` and `FILL_COLUMNS`. A trade id seen before on an order is the same
        execution told twice.

    """
    told = pa.array(sorted(CLOSING | RESTING))
    kept = pc.and_(
        pc.is_in(orders["event"].cast(pa.string()), told), pc.equal(orders["purpose"].cast(pa.string()), Purpose.QUOTE)
    )
    events = [(row["ts_ns"], 0, row) for row in orders.filter(kept).to_pylist()]
    events += [(row["ts_ns"], 1, row) for row in fills.to_pylist()]
    events.sort(key=lambda event: event[:2])
    known: dict[str, tuple[Side, Decimal, Decimal]] = {}
    filled: dict[str, Decimal] = {}
    closed: set[str] = set()
    trades: set[tuple[str, str]] = set()
    for ts_ns, is_fill, row in events:
        order_id = row["client_order_id"]
        if is_fill:
            trade = (order_id, row["trade_id"])
            if trade in trades:
                continue
            trades.add(trade)
            filled[order_id] = filled.get(order_id, Decimal(0)) + row["size"]
        elif row["event"] in RESTING:
            known[order_id] = (Side[row["side"]], row["price"], row["size"])
        else:
            closed.add(order_id)
        if order_id in known:
            side, price, size = known[order_id]
            left = Decimal(0) if order_id in closed else size - filled.get(order_id, Decimal(0))
            yield Resting(ts_ns, order_id, side, price, max(left, Decimal(0)))
