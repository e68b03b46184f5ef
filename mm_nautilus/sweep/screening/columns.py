"""A catalogue as columns: what the engine would be fed, in the order in which it would be, read once for all runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numba import njit
from numpy.typing import NDArray

from mm_nautilus.catalog.columns import F_LAST, F_SNAPSHOT
from mm_nautilus.catalog.exact import from_engine
from mm_nautilus.catalog.inspect import FOLDERS
from mm_nautilus.catalog.layout import folder_name
from mm_nautilus.errors import DataError
from mm_nautilus.sweep.screening import kernels  # noqa: F401 - says where compiled code is kept
from mm_nautilus.sweep.screening.state import ADD, BOOK, CHANGE, CLEAR, DELETE, EVENT, NONE, TRADE, UPDATE, Columns

type Ints = NDArray[np.int64]

WIDEST: Final = 1 << 21
"""Most ticks between the lowest and the highest price of a market; a book that reaches further is cut."""
_ACTIONS: Final = {"ADD": ADD, "UPDATE": UPDATE, "DELETE": DELETE, "CLEAR": CLEAR}
_SIDES: Final = {"BUY": 0, "SELL": 1, "NO_ORDER_SIDE": 0}
_AGGRESSORS: Final = {"BUY": 1, "BUYER": 1, "SELL": -1, "SELLER": -1, "NO_AGGRESSOR": 0}


def read_columns(
    root: Path,
    instrument_id: str,
    book: str,
    tick_units: int,
    lot_units: int,
    precisions: tuple[int, int],
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Columns:
    """Return a market of a catalogue.

    Parameters
    ----------
    root : Path
        Catalogue folder.
    instrument_id : str
        Engine instrument id.
    book : str
        ``L1``, ``L2`` or ``L3``.
    tick_units, lot_units : int
        A tick and a lot in units of the last decimal place of prices and sizes.
    precisions : tuple of int
        Decimal places of prices and sizes.
    start_ns, end_ns : int or None
        First and last ``ts_init``, inclusive; open where None.

    Raises
    ------
    DataError
        Where a price is no multiple of the tick.

    """
    steps = tick_units, lot_units
    trades = _table(root, "trades", instrument_id, start_ns, end_ns)
    if book == "L1":
        return _of_quotes(_table(root, "quotes", instrument_id, start_ns, end_ns), trades, steps, precisions)
    deltas = _table(root, "deltas", instrument_id, start_ns, end_ns)
    return _of_deltas(deltas, trades, steps, precisions, int(book[1]))


def _table(root: Path, kind: str, instrument_id: str, start_ns: int | None, end_ns: int | None) -> pa.Table | None:
    files = sorted((root / "data" / FOLDERS[kind] / folder_name(instrument_id)).glob("*.parquet"))
    if not files:
        return None
    table = ds.dataset(files, format="parquet").to_table()
    ts = table["ts_init"].cast(pa.int64())
    low = np.iinfo(np.int64).min if start_ns is None else start_ns
    high = np.iinfo(np.int64).max if end_ns is None else end_ns
    return table.filter(pc.and_(pc.greater_equal(ts, low), pc.less_equal(ts, high)))


def _ns(table: pa.Table, name: str) -> Ints:
    return np.ascontiguousarray(table[name].cast(pa.int64()).to_numpy(), dtype=np.int64)


def _whole(table: pa.Table, name: str, precision: int, step: int) -> Ints:
    """Return a column in steps; a missing value is zero."""
    units = from_engine(pc.fill_null(table[name], pa.scalar(0).cast(table[name].type)), precision)
    whole = units // step
    if (whole * step != units).any():
        raise DataError(f"{name}: a value is no multiple of the instrument's step, so it cannot be screened")
    return whole


def _codes(column: pa.ChunkedArray, codes: dict[str, int]) -> Ints:
    array = column.combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    table = np.array([codes[name] for name in array.dictionary.to_pylist()], dtype=np.int64)
    return table[array.indices.to_numpy(zero_copy_only=False)] if len(table) else np.zeros(0, np.int64)


def _trades(table: pa.Table | None, steps: tuple[int, int], precisions: tuple[int, int]) -> tuple[Ints, ...]:
    if table is None or not len(table):
        return tuple(np.zeros(0, np.int64) for _ in range(5))
    return (
        _ns(table, "ts_init"),
        _ns(table, "ts_event"),
        _whole(table, "price", precisions[0], steps[0]),
        _whole(table, "size", precisions[1], steps[1]),
        _codes(table["aggressor_side"], _AGGRESSORS),
    )


def _columns(trades: tuple[Ints, ...], books: dict[str, Ints], changes: NDArray[Any], **other: int) -> Columns:
    """Return trades and book events in one order: by time, trades first at an instant."""
    count = len(trades[0])
    every = np.zeros(count + len(books["ts_ns"]), EVENT)
    for name, column in zip(("ts_ns", "event_ns", "price", "lots", "aggressor"), trades, strict=True):
        every[name][:count] = column
    for name, column in books.items():
        every[name][count:] = column
    every["kind"][:count], every["kind"][count:] = TRADE, BOOK
    return Columns(every[np.argsort(every["ts_ns"], kind="stable")], changes, **other)


def _of_quotes(
    table: pa.Table | None, trade_table: pa.Table | None, steps: tuple[int, int], precisions: tuple[int, int]
) -> Columns:
    if table is None or not len(table):
        raise DataError("no quotes in this range")
    trades = _trades(trade_table, steps, precisions)
    bid, ask = (_whole(table, name, precisions[0], steps[0]) for name in ("bid_price", "ask_price"))
    bid_lots, ask_lots = (_whole(table, name, precisions[1], steps[1]) for name in ("bid_size", "ask_size"))
    prices = np.concatenate((bid, ask, trades[2]))
    low = int(prices.min())
    books = {
        "ts_ns": _ns(table, "ts_init"),
        "event_ns": _ns(table, "ts_event"),
        "bid": bid,
        "ask": ask,
        "bid_lots": bid_lots,
        "ask_lots": ask_lots,
    }
    return _columns(
        trades,
        books,
        np.zeros(0, CHANGE),
        low=low,
        width=int(prices.max()) - low + 1,
        orders=0,
        deepest=0,
        book=1,
    )


def _of_deltas(
    table: pa.Table | None,
    trade_table: pa.Table | None,
    steps: tuple[int, int],
    precisions: tuple[int, int],
    book: int,
) -> Columns:
    if table is None or not len(table):
        raise DataError("no book in this range")
    trades = _trades(trade_table, steps, precisions)
    action = _codes(table["action"], _ACTIONS)
    side = _codes(table["side"], _SIDES)
    price = _whole(table, "price", precisions[0], steps[0])
    size = _whole(table, "size", precisions[1], steps[1])
    flags = table["flags"].to_numpy()
    ids = table["order_id"].to_numpy()
    order = np.unique(ids, return_inverse=True)[1].astype(np.int64) if book == 3 else np.full(len(ids), -1, np.int64)
    last = np.flatnonzero(flags & F_LAST) + 1
    first = np.concatenate(([0], last[:-1]))
    if not len(last) or last[-1] != len(action):
        raise DataError("the last book event is not closed")
    stated = (action == CLEAR) | ((flags & F_SNAPSHOT) != 0)
    snapshot = (np.add.reduceat(stated.astype(np.int64), first) > 0).astype(np.int64)
    clear = action == CLEAR
    low, high = _range(price[~clear & (size > 0)], trades[2])
    kept = clear | ((price >= low) & (price <= high))
    if not kept.all():  # far from any price that could trade
        before = np.concatenate(([0], np.cumsum(kept)))
        first, last = before[first], before[last]
        action, side, price, size, order = (column[kept] for column in (action, side, price, size, order))
    closes = np.flatnonzero(flags & F_LAST)
    changes = np.zeros(len(action), CHANGE)
    for name, column in zip(("action", "side", "at", "size", "order"), (action, side, price, size, order), strict=True):
        changes[name] = column
    count = int(order.max()) + 1 if book == 3 and len(order) else 0
    tops = np.zeros((4, len(last)), np.int64)
    deepest = _tops(changes, first, last, low, high - low + 1, count, book, tops)
    books = {
        "ts_ns": _ns(table, "ts_init")[closes],
        "event_ns": _ns(table, "ts_event")[closes],
        **dict(zip(("bid", "ask", "bid_lots", "ask_lots"), tops, strict=True)),
        "first": first,
        "last": last,
        "snapshot": snapshot,
    }
    return _columns(
        trades,
        books,
        changes,
        low=low,
        width=high - low + 1,
        orders=count,
        deepest=int(deepest),
        book=book,
    )


def _range(prices: Ints, traded: Ints) -> tuple[int, int]:
    """Return the lowest and highest price in ticks that a book is kept of."""
    every = np.concatenate((prices, traded))
    low, high = int(every.min()), int(every.max())
    if high - low < WIDEST:
        return low, high
    middle = int(np.median(traded if len(traded) else prices))
    return max(low, middle - WIDEST // 2), min(high, middle + WIDEST // 2 - 1)


@njit  # type: ignore[untyped-decorator]
def _best(sizes: Any, across: int, start: int, width: int) -> int:
    """Return the place of the best price at or behind a place, -1 where there is none."""
    step = -1 if across == 0 else 1
    place = start
    while 0 <= place < width:
        if sizes[across, place] > 0:
            return place
        place += step
    return -1


@njit(cache=True)  # type: ignore[untyped-decorator]
def _tops(changes: Any, first: Any, last: Any, low: int, width: int, orders: int, book: int, tops: Any) -> int:
    """Write best prices and sizes after each event; return the most orders that ever stood at one price."""
    sizes = np.zeros((2, width), np.int64)
    counts = np.zeros((2, width if book == 3 else 0), np.int64)
    lots_of = np.zeros(orders, np.int64)
    place_of = np.zeros(orders, np.int64)
    side_of = np.zeros(orders, np.int64)
    best = np.array([-1, -1])
    deepest = 1
    for event in range(len(first)):
        for index in range(first[event], last[event]):
            change = changes[index]
            if change.action == CLEAR:
                sizes[:] = 0
                counts[:] = 0
                lots_of[:] = 0
                best[:] = -1
                continue
            across, place, lots = change.side, change.at - low, change.size
            gone = change.action == DELETE or lots == 0
            if book == 3:
                one = change.order
                if lots_of[one] > 0:
                    sizes[side_of[one], place_of[one]] -= lots_of[one]
                    counts[side_of[one], place_of[one]] -= 1
                    if best[side_of[one]] == place_of[one]:
                        best[side_of[one]] = _best(sizes, side_of[one], place_of[one], width)
                    lots_of[one] = 0
                if gone:
                    continue
                lots_of[one], place_of[one], side_of[one] = lots, place, across
                sizes[across, place] += lots
                counts[across, place] += 1
                deepest = max(deepest, counts[across, place])
            else:
                sizes[across, place] = 0 if gone else lots
            if sizes[across, place] > 0:
                if best[across] < 0 or (place - best[across]) * (1 if across == 0 else -1) > 0:
                    best[across] = place
            elif best[across] == place:
                best[across] = _best(sizes, across, place, width)
        for across in range(2):
            place = best[across]
            tops[across, event] = NONE if place < 0 else place + low
            tops[2 + across, event] = 0 if place < 0 else sizes[across, place]
    return deepest
