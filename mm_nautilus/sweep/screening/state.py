"""What a screened run consists of, as arrays that compiled code changes in place.

A record array of one row stands for an object: ``run.position`` is a column of ``state[0]``.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

NONE: Final = -(2**62)
"""A price in ticks that is not there."""
NEVER: Final = 2**62
"""An instant after every other, in nanoseconds."""

SUBMIT, AMEND, CANCEL, NOTHING = 1, 2, 3, 0
"""What is on its way to the venue for an order."""

SLOTS: Final = 256
"""Most orders that may be out at a time."""

_ORDER_FIELDS: Final = (
    "side",  # 1 buys, -1 sells
    "level",
    "price",  # last requested, in ticks
    "total",  # size with what is filled, in lots
    "filled",
    "done",  # filled as the venue knows it
    "status",  # value of an `OrderStatus`
    "acknowledged",
    "amends",
    "amendable",
    "resting",  # price at the venue
    "resting_total",
    "at_venue",
    "ahead",  # lots before us in the queue; `UNSEEN` where the level is not shown yet
    "sequence",  # of arrival at its price
    "excess",  # what the trade at hand leaves us, -1 where it says nothing
    "command",
    "due_ns",
    "number",  # of the command
    "to_price",
    "to_total",
    "tracked",  # orders of others ahead, by id
)
UNSEEN: Final = -1
ORDER: Final = np.dtype([(name, np.int64) for name in _ORDER_FIELDS])

STATE: Final = np.dtype(
    [
        # the venue
        *((name, np.int64) for name in (
            "book_bid", "book_ask", "bid_lots", "ask_lots", "core_bid", "core_ask", "core_last", "quote_bid",
            "quote_ask", "low", "width", "book", "low_bid", "high_bid", "low_ask", "high_ask", "trade_lots",
            "trade_used", "book_ns", "sequence", "number", "live", "next_due_ns",
        )),
        # what the maker knows
        *((name, np.int64) for name in (
            "top_bid", "top_ask", "has_top", "market_ns", "position", "open_buy", "open_sell", "dirty", "halted",
            "started_ns", "decided", "budget_ns", "samples", "ghosts",
        )),
        *((name, np.float64) for name in (
            "bid", "ask", "bid_size", "ask_size", "variance", "last_fair", "tokens", "base", "quote",
        )),
        # how much was written down
        *((name, np.int64) for name in ("fills", "marks", "quotes", "full", "submits", "amends", "cancels", "rejects")),
    ]
)  # fmt: skip

FILL: Final = np.dtype([(name, np.int64) for name in ("ts_ns", "side", "price", "lots", "level")])
MARK: Final = np.dtype([("ts_ns", np.int64), ("bid", np.float64), ("ask", np.float64)])
QUOTE: Final = np.dtype(
    [("ts_ns", np.int64), *((name, np.float64) for name in ("bid", "ask", "market_bid", "market_ask"))]
)


EVENT: Final = np.dtype(
    [
        (name, np.int64)
        for name in (
            "kind",  # `TRADE` or `BOOK`
            "ts_ns",  # when the engine says it happened
            "event_ns",  # when the exchange says so
            "price",  # of a trade, in ticks
            "lots",
            "aggressor",  # 1 for a buyer, -1 for a seller, 0 where it is hidden
            "bid",  # best prices after a book event, `NONE` where a side is empty
            "ask",
            "bid_lots",
            "ask_lots",
            "first",  # its changes
            "last",
            "snapshot",  # whether the book was stated anew
        )
    ]
)
CHANGE: Final = np.dtype([(name, np.int64) for name in ("action", "side", "at", "size", "order")])
"""One change of the book; the side is 0 for bids and 1 for asks, the order -1 but in a book by order."""
TRADE, BOOK = 0, 1
ADD, UPDATE, DELETE, CLEAR = 1, 2, 3, 4


class Columns(NamedTuple):
    """A market: events in the order in which the engine meets them, and the changes of the book.

    Parameters
    ----------
    events, changes : record array
        Of `EVENT` and `CHANGE`; the changes of a book event are ``first`` up to but without ``last``.
    low, width : int
        Prices that occur: from `low` ticks on, so many.
    orders, deepest : int
        Orders that occur, and the most that ever stood at one price; 0 but in a book by order.
    book : int
        1, 2 or 3: best prices, by price, by order.

    """

    events: NDArray[Any]
    changes: NDArray[Any]
    low: int
    width: int
    orders: int
    deepest: int
    book: int


LEVEL: Final = np.dtype([(name, np.int64) for name in ("size", "known", "taken", "head", "tail")])
"""One price: the size shown, the size when something was taken of it and how much, first and last order of others."""
OTHER: Final = np.dtype([(name, np.int64) for name in ("before", "after", "at", "lots", "side")])
"""An order of somebody else in a book by order, chained to its neighbours at its price."""
PAIR: Final = np.dtype([("key", np.int64), ("lots", np.int64)])


class Venue(NamedTuple):
    """The book beside ours and what has been taken of it."""

    levels: NDArray[Any]
    """Of `LEVEL`, by side (0 bids, 1 asks) and tick above `Columns.low`."""
    others: NDArray[Any]
    ahead: NDArray[Any]
    """By slot of ours: which orders of others are before it."""
    hits: NDArray[Any]
    """Executions of the event at hand: slot and lots."""
    matched: NDArray[np.int64]


class Run(NamedTuple):
    """Everything that changes in a screened run."""

    state: NDArray[Any]
    orders: NDArray[Any]
    live: NDArray[np.int64]
    """Slots of the orders that are out, oldest first."""
    wanted: NDArray[np.int64]
    """Prices and sizes last wanted: bid prices, bid sizes, ask prices, ask sizes; one row of 50 levels each."""
    wanted_levels: NDArray[np.int64]
    """How many, on each side."""
    ghosts: NDArray[np.int64]
    """When commands arrive whose order is over by then: they change nothing, but the venue matches anew at each."""
    scratch: NDArray[np.int64]
    """Room for the ladder that is wanted now."""
    fills: NDArray[Any]
    marks: NDArray[Any]
    quotes: NDArray[Any]


def new_venue(columns: Columns) -> Venue:
    """Return an empty venue."""
    by_order = columns.book == 3
    levels = np.zeros((2, columns.width), LEVEL)
    if by_order:
        levels["head"] = levels["tail"] = -1
    return Venue(
        levels,
        np.zeros(columns.orders, OTHER),
        np.zeros((SLOTS, columns.deepest if by_order else 0), PAIR),
        np.zeros(16 * SLOTS, PAIR),
        np.zeros(SLOTS, np.int64),
    )


def new_run(columns: Columns, base: float, quote: float, burst: float, marks: int, room: int) -> Run:
    """Return a run before its first event.

    Parameters
    ----------
    columns : Columns
        The market.
    base, quote : float
        Balances of a cash account.
    burst : float
        Messages that may be sent at once.
    marks, room : int
        How many marks, and how many fills and quotes, can be written down.

    """
    state = np.zeros(1, STATE)
    for name in ("book_bid", "book_ask", "core_bid", "core_ask", "core_last", "quote_bid", "quote_ask"):
        state[name] = NONE
    for name in ("top_bid", "top_ask"):
        state[name] = NONE
    state["trade_lots"] = -1
    state["low"], state["width"], state["book"] = columns.low, columns.width, columns.book
    state["low_bid"] = state["low_ask"] = columns.width
    state["high_bid"] = state["high_ask"] = -1
    state["next_due_ns"] = NEVER
    state["started_ns"] = -1
    state["last_fair"] = np.nan
    state["tokens"] = burst
    state["base"], state["quote"] = base, quote
    state["dirty"] = 1
    return Run(
        state,
        np.zeros(SLOTS, ORDER),
        np.zeros(SLOTS, np.int64),
        np.zeros((4, 50), np.int64),
        np.zeros(2, np.int64),
        np.full(SLOTS, NEVER, np.int64),
        np.zeros((4, 50), np.int64),
        np.zeros(room, FILL),
        np.zeros(marks, MARK),
        np.zeros(room, QUOTE),
    )
