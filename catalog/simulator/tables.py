"""From the lists a simulated book wrote to the tables of the catalogue and of its ground truth."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mm_nautilus.catalog.columns import Aggressor, delta_table, quote_table, trade_table
from mm_nautilus.catalog.simulator.flow import BID, MarketOrders
from mm_nautilus.catalog.simulator.params import Venue
from mm_nautilus.catalog.simulator.tape import DELTA, ORDER, QUOTE, TRADE, Tape, columns, flags

type Ints = npt.NDArray[np.int64]

TIME: Final = pa.timestamp("ns", tz="UTC")

ORDERS: Final = pa.schema(
    [
        pa.field("ts_event", TIME, nullable=False),
        pa.field("instrument_id", pa.dictionary(pa.int16(), pa.string()), nullable=False),
        pa.field("aggressor_side", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("informed", pa.bool_(), nullable=False),
        pa.field("mid_ticks", pa.int64(), nullable=False),
        pa.field("depth_ticks", pa.int64(), nullable=False),
        pa.field("first_trade_id", pa.int64(), nullable=False),
        pa.field("trades", pa.int64(), nullable=False),
    ]
)
"""One row per market order: ``trades`` trades from ``first_trade_id`` on, the last at ``depth_ticks`` from the mid."""


class Tables:
    """Tables of one venue; sequence numbers and trade ids run on from one call to the next."""

    def __init__(self, venue: Venue) -> None:
        self._id = venue.instrument_id
        self._precisions = venue.precisions
        self._tick = int(venue.tick_price.scaleb(self._precisions[0]))
        self._lot = int(venue.lot_base.scaleb(self._precisions[1]))
        self._deltas = self._trades = 0

    def deltas(self, tape: Tape, event_ns: Ints, init_ns: Ints) -> pa.Table:
        """Return the book deltas, given the time of each event."""
        delta = columns(tape.deltas, DELTA)
        event = delta["event"]
        first = self._deltas
        self._deltas += len(event)
        return delta_table(
            self._id,
            *self._precisions,
            action=delta["action"],
            side=delta["side"],
            price=delta["price"] * self._tick,
            size=delta["size"] * self._lot,
            order_id=np.zeros(len(event), dtype=np.int64),
            flags=flags(event, delta["action"]),
            sequence=np.arange(first, self._deltas),
            ts_event=event_ns[event],
            ts_init=init_ns[event],
        )

    def trades(self, tape: Tape, event_ns: Ints, init_ns: Ints) -> pa.Table:
        """Return the trades, given the time of each event."""
        trade = columns(tape.trades, TRADE)
        event = trade["event"]
        first = self._trades + 1
        self._trades += len(event)
        return trade_table(
            self._id,
            *self._precisions,
            price=trade["price"] * self._tick,
            size=trade["size"] * self._lot,
            aggressor=_aggressors(trade["hit_side"]),
            trade_id=np.arange(first, first + len(event)),
            ts_event=event_ns[event],
            ts_init=init_ns[event],
        )

    def quotes(self, tape: Tape, event_ns: Ints, init_ns: Ints) -> pa.Table:
        """Return the tops of the book wherever they changed, given the time of each event."""
        quote = columns(tape.quotes, QUOTE)
        event = quote["event"]
        return quote_table(
            self._id,
            *self._precisions,
            bid_price=quote["bid"] * self._tick,
            ask_price=quote["ask"] * self._tick,
            bid_size=quote["bid_size"] * self._lot,
            ask_size=quote["ask_size"] * self._lot,
            ts_event=event_ns[event],
            ts_init=init_ns[event],
        )

    def orders(self, tape: Tape, orders: MarketOrders, event_ns: Ints) -> pa.Table:
        """Return the ground truth of the market orders whose trades come next, given the time of each order."""
        order = columns(tape.orders, ORDER)
        trades = order["trades"]
        names = [aggressor.name for aggressor in Aggressor]
        arrays = [
            pa.array(event_ns).view(TIME),
            pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(trades), dtype=np.int16)), [self._id]),
            pa.DictionaryArray.from_arrays(pa.array(_aggressors(orders.hit_sides).astype(np.int8)), names),
            pa.array(orders.informed),
            pa.array(order["mid"]),
            pa.array(order["depth"]),
            pa.array(self._trades + 1 + np.cumsum(trades) - trades),
            pa.array(trades),
        ]
        return pa.Table.from_arrays(arrays, schema=ORDERS)


def _aggressors(hit_sides: Ints) -> Ints:
    return np.where(hit_sides == BID, int(Aggressor.SELL), int(Aggressor.BUY))
