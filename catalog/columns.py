"""NumPy columns to Arrow tables in the engine's own Parquet schema, without one Python object per event.

The engine (NautilusTrader 2.0, high-precision build) stores prices and sizes as ``decimal128(38, 16)``,
times as nanosecond UTC timestamps and enumerations as dictionaries of their names, with the instrument
and its precisions in the schema's metadata. Files written from these tables equal the engine's own
column by column; `tests/catalog/test_columns.py` holds that.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

type Ints = npt.NDArray[np.integer]

ENGINE_SCALE: Final = 16
"""Decimal places the engine stores every price and size with."""

F_LAST: Final = 128
"""Flag of the last delta of one book event."""
F_SNAPSHOT: Final = 32
"""Flag of deltas that restate the book from scratch."""


class Action(IntEnum):
    """What a delta does to the book; the values are the engine's."""

    ADD = 1
    UPDATE = 2
    DELETE = 3
    CLEAR = 4


class BookSide(IntEnum):
    """Side of a book delta; a CLEAR has none."""

    NO_ORDER_SIDE = 0
    BUY = 1
    SELL = 2


class Aggressor(IntEnum):
    """Side of the order that took liquidity."""

    NO_AGGRESSOR = 0
    BUY = 1
    SELL = 2


_DECIMAL: Final = pa.decimal128(38, ENGINE_SCALE)
_TIME: Final = pa.timestamp("ns", tz="UTC")
_NAMES: Final = pa.dictionary(pa.int8(), pa.string())

_DELTA_FIELDS: Final = [
    pa.field("action", _NAMES, nullable=False),
    pa.field("side", _NAMES, nullable=False),
    pa.field("price", _DECIMAL),
    pa.field("size", _DECIMAL),
    pa.field("order_id", pa.uint64(), nullable=False),
    pa.field("flags", pa.uint8(), nullable=False),
    pa.field("sequence", pa.uint64(), nullable=False),
    pa.field("ts_event", _TIME, nullable=False),
    pa.field("ts_init", _TIME, nullable=False),
]
_TRADE_FIELDS: Final = [
    pa.field("price", _DECIMAL, nullable=False),
    pa.field("size", _DECIMAL, nullable=False),
    pa.field("aggressor_side", _NAMES, nullable=False),
    pa.field("trade_id", pa.string(), nullable=False),
    pa.field("ts_event", _TIME, nullable=False),
    pa.field("ts_init", _TIME, nullable=False),
]
_QUOTE_FIELDS: Final = [
    pa.field("bid_price", _DECIMAL, nullable=False),
    pa.field("ask_price", _DECIMAL, nullable=False),
    pa.field("bid_size", _DECIMAL, nullable=False),
    pa.field("ask_size", _DECIMAL, nullable=False),
    pa.field("ts_event", _TIME, nullable=False),
    pa.field("ts_init", _TIME, nullable=False),
]


def decimals(mantissas: Ints, precision: int) -> pa.Array:
    """Return ``mantissas / 10**precision`` as the engine's decimals, exactly.

    Parameters
    ----------
    mantissas : integer array, shape (n,)
        Values in units of ``10**-precision``.
    precision : int
        Decimal places of the mantissas, 0 to 16.

    Raises
    ------
    pyarrow.ArrowInvalid
        A value does not fit 38 digits at 16 decimal places.

    """
    if not 0 <= precision <= ENGINE_SCALE:
        raise ValueError(f"precision must be 0..{ENGINE_SCALE}, found {precision}")
    low = np.ascontiguousarray(mantissas, dtype=np.int64)
    # Two's complement in 128 bits: the upper word of an int64 is its sign, repeated.
    words = np.stack([low, low >> 63], axis=1)
    unscaled = pa.Array.from_buffers(pa.decimal128(38, precision), len(low), [None, pa.py_buffer(words)])
    return unscaled.cast(_DECIMAL)


def _times(ns: Ints) -> pa.Array:
    return pa.array(np.ascontiguousarray(ns, dtype=np.int64)).view(_TIME)


def _names(codes: Ints, names: type[IntEnum]) -> pa.Array:
    first = min(names)
    indices = np.asarray(codes, dtype=np.int64) - int(first)
    if len(indices) and not 0 <= indices.min() <= indices.max() < len(names):
        raise ValueError(f"{names.__name__} codes must be {[int(member) for member in names]}")
    dictionary = pa.array([member.name for member in names])
    return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int8)), dictionary)


def _table(
    kind: str,
    fields: list[pa.Field],
    arrays: list[pa.Array],
    instrument_id: str,
    price_precision: int,
    size_precision: int,
) -> pa.Table:
    metadata = {
        "type_name": kind,
        "instrument_id": instrument_id,
        "price_precision": str(price_precision),
        "size_precision": str(size_precision),
    }
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata))


def delta_table(
    instrument_id: str,
    price_precision: int,
    size_precision: int,
    *,
    action: Ints,
    side: Ints,
    price: Ints,
    size: Ints,
    order_id: Ints,
    flags: Ints,
    sequence: Ints,
    ts_event: Ints,
    ts_init: Ints,
) -> pa.Table:
    """Return order book deltas as the engine stores them; every argument has shape (n,).

    Parameters
    ----------
    instrument_id : str
        Engine instrument id, for example ``"BTCUSDT.BINANCE"``.
    price_precision, size_precision : int
        Decimal places of the instrument.
    action, side : integer array
        `Action` and `BookSide` codes; a CLEAR has side 0, price 0 and size 0.
    price, size : integer array
        Mantissas: value = mantissa / 10**precision.
    order_id : integer array
        Venue order id on a market-by-order feed, zero on a market-by-price feed.
    flags : integer array
        `F_LAST` on the last delta of every event (the engine fails a run that ends without it),
        `F_SNAPSHOT` on deltas that restate the book.
    sequence : integer array
        The venue's update id.
    ts_event, ts_init : integer array
        Exchange time, and the time the event reached us, in nanoseconds since 1970 UTC.

    """
    arrays = [
        _names(action, Action),
        _names(side, BookSide),
        decimals(price, price_precision),
        decimals(size, size_precision),
        pa.array(np.asarray(order_id, dtype=np.uint64)),
        pa.array(np.asarray(flags, dtype=np.uint8)),
        pa.array(np.asarray(sequence, dtype=np.uint64)),
        _times(ts_event),
        _times(ts_init),
    ]
    return _table("OrderBookDelta", _DELTA_FIELDS, arrays, instrument_id, price_precision, size_precision)


def trade_table(
    instrument_id: str,
    price_precision: int,
    size_precision: int,
    *,
    price: Ints,
    size: Ints,
    aggressor: Ints,
    trade_id: Ints | list[str] | pa.Array,
    ts_event: Ints,
    ts_init: Ints,
) -> pa.Table:
    """Return trades as the engine stores them; every argument has shape (n,).

    Parameters
    ----------
    instrument_id : str
        Engine instrument id.
    price_precision, size_precision : int
        Decimal places of the instrument.
    price, size : integer array
        Mantissas: value = mantissa / 10**precision. The engine refuses a zero size.
    aggressor : integer array
        `Aggressor` codes.
    trade_id : integer array, or strings of at most 36 characters
        The venue's id of the trade.
    ts_event, ts_init : integer array
        Exchange time, and the time the event reached us, in nanoseconds since 1970 UTC.

    """
    arrays = [
        decimals(price, price_precision),
        decimals(size, size_precision),
        _names(aggressor, Aggressor),
        pa.array(trade_id).cast(pa.string()) if not isinstance(trade_id, pa.Array) else trade_id.cast(pa.string()),
        _times(ts_event),
        _times(ts_init),
    ]
    return _table("TradeTick", _TRADE_FIELDS, arrays, instrument_id, price_precision, size_precision)


def quote_table(
    instrument_id: str,
    price_precision: int,
    size_precision: int,
    *,
    bid_price: Ints,
    ask_price: Ints,
    bid_size: Ints,
    ask_size: Ints,
    ts_event: Ints,
    ts_init: Ints,
) -> pa.Table:
    """Return best bids and offers as the engine stores them; every argument has shape (n,).

    Parameters
    ----------
    instrument_id : str
        Engine instrument id.
    price_precision, size_precision : int
        Decimal places of the instrument.
    bid_price, ask_price, bid_size, ask_size : integer array
        Mantissas: value = mantissa / 10**precision.
    ts_event, ts_init : integer array
        Exchange time, and the time the event reached us, in nanoseconds since 1970 UTC.

    """
    arrays = [
        decimals(bid_price, price_precision),
        decimals(ask_price, price_precision),
        decimals(bid_size, size_precision),
        decimals(ask_size, size_precision),
        _times(ts_event),
        _times(ts_init),
    ]
    return _table("QuoteTick", _QUOTE_FIELDS, arrays, instrument_id, price_precision, size_precision)
