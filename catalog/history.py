"""Top of the book and trades of one instrument over a window, as arrays: what estimators are trained on.

Files are read row group by row group, so that memory holds the arrays and little else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mm_nautilus.catalog.columns import F_LAST, Action, Aggressor, BookSide
from mm_nautilus.catalog.exact import IntColumn, from_engine
from mm_nautilus.catalog.layout import KINDS, folder_name, interval
from mm_nautilus.catalog.replay import ReplayedBook
from mm_nautilus.errors import CatalogError
from mm_nautilus.estimators.intensity_orders import Tops

type Span = tuple[int, int]

_SIGN = np.array([0, 1, -1], dtype=np.int64)
"""Sign of each `Aggressor`, by its code."""


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in the order in which they were known, one entry per trade and array.

    Parameters
    ----------
    ts_event, ts_ns : int array
        Exchange time, and when it was known, in nanoseconds since 1970.
    price_ticks : int array
        Price in ticks.
    aggressor : int array
        +1 for a buyer, -1 for a seller, 0 where it is not known.

    """

    ts_event: IntColumn
    ts_ns: IntColumn
    price_ticks: IntColumn
    aggressor: IntColumn


def read_tops(root: Path, instrument_id: str, book: Literal["L1", "L2", "L3"], tick: Decimal, span: Span) -> Tops:
    """Read the top of the book after each event.

    Parameters
    ----------
    root : Path
        Catalogue folder.
    instrument_id : str
        Engine instrument id.
    book : str
        ``L1`` reads quotes, the others replay book deltas from the start of the window.
    tick : Decimal
        Tick size, in quote currency.
    span : tuple of int
        First and last ``ts_init``, inclusive, in nanoseconds since 1970.

    Raises
    ------
    CatalogError
        For prices that are no multiples of the tick.

    """
    parts = list(_quotes(root, instrument_id, span) if book == "L1" else _replayed(root, instrument_id, span))
    if not parts:
        empty, sizes = np.zeros(0, dtype=np.int64), np.zeros(0)
        return Tops(empty, empty, empty, sizes, sizes)
    ts_ns, bid, ask, bid_size, ask_size = (np.concatenate(column) for column in zip(*parts, strict=True))
    unit = _tick_mantissa(root, "quotes" if book == "L1" else "order_book_deltas", instrument_id, tick)
    return Tops(
        ts_ns,
        _in_ticks(bid, unit, instrument_id),
        _in_ticks(ask, unit, instrument_id),
        bid_size.astype(np.float64),
        ask_size.astype(np.float64),
    )


def read_trades(root: Path, instrument_id: str, tick: Decimal, span: Span) -> Trades:
    """Read the trades; the arguments are those of `read_tops`."""
    columns = ["price", "aggressor_side", "ts_event", "ts_init"]
    parts = []
    for table, precision, _ in _tables(root, "trades", instrument_id, columns, span):
        sign = _SIGN[_codes(table["aggressor_side"], Aggressor)]
        parts.append((_ns(table["ts_event"]), _ns(table["ts_init"]), from_engine(table["price"], precision), sign))
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return Trades(empty, empty, empty, empty)
    ts_event, ts_ns, price, aggressor = (np.concatenate(column) for column in zip(*parts, strict=True))
    unit = _tick_mantissa(root, "trades", instrument_id, tick)
    return Trades(ts_event, ts_ns, _in_ticks(price, unit, instrument_id), aggressor)


def read_trade_sizes(root: Path, instrument_id: str, span: Span) -> IntColumn:
    """Read the size of each trade of `read_trades`, in units of the instrument's last decimal place of sizes."""
    parts = [
        from_engine(table["size"], precision)
        for table, _, precision in _tables(root, "trades", instrument_id, ["size", "ts_init"], span)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


type _Part = tuple[IntColumn, IntColumn, IntColumn, IntColumn, IntColumn]


def _quotes(root: Path, instrument_id: str, span: Span) -> Iterator[_Part]:
    columns = ["bid_price", "ask_price", "bid_size", "ask_size", "ts_init"]
    for table, price, size in _tables(root, "quotes", instrument_id, columns, span):
        yield (
            _ns(table["ts_init"]),
            from_engine(table["bid_price"], price),
            from_engine(table["ask_price"], price),
            from_engine(table["bid_size"], size),
            from_engine(table["ask_size"], size),
        )


def _replayed(root: Path, instrument_id: str, span: Span) -> Iterator[_Part]:
    columns = ["action", "side", "price", "size", "order_id", "flags", "ts_init"]
    book = ReplayedBook()
    for table, price, size in _tables(root, "order_book_deltas", instrument_id, columns, span):
        closes = (table["flags"].to_numpy() & F_LAST) != 0
        tops: list[tuple[int, int, int, int]] = []
        book.apply(
            _codes(table["action"], Action).tolist(),
            _codes(table["side"], BookSide).tolist(),
            from_engine(table["price"], price).tolist(),
            from_engine(table["size"], size).tolist(),
            table["order_id"].to_numpy().tolist(),
            closes.tolist(),
            tops,
        )
        seen = np.array(tops, dtype=np.int64).reshape(-1, 4)
        yield _ns(table["ts_init"])[closes], seen[:, 0], seen[:, 1], seen[:, 2], seen[:, 3]


def _files(root: Path, folder: str, instrument_id: str) -> list[Path]:
    return sorted((root / "data" / folder / folder_name(instrument_id)).glob("*.parquet"))


def _tables(
    root: Path, folder: str, instrument_id: str, columns: list[str], span: Span
) -> Iterator[tuple[pa.Table, int, int]]:
    """Yield the row groups inside the span with the precisions of price and size."""
    if folder not in KINDS.values():
        raise ValueError(f"folder must be one of {sorted(KINDS.values())}, found {folder!r}")
    for path in _files(root, folder, instrument_id):
        first, last = interval(path.name)
        if first > span[1] or last < span[0]:
            continue
        with pq.ParquetFile(path) as file:
            metadata = file.schema_arrow.metadata
            precisions = int(metadata[b"price_precision"]), int(metadata[b"size_precision"])
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=columns)
                times = _ns(table["ts_init"])
                inside = slice(
                    int(np.searchsorted(times, span[0], side="left")),
                    int(np.searchsorted(times, span[1], side="right")),
                )
                if inside.start < inside.stop:
                    yield table.slice(inside.start, inside.stop - inside.start), *precisions


def _ns(column: pa.ChunkedArray) -> IntColumn:
    times: IntColumn = column.cast(pa.int64()).to_numpy()
    return times


def _codes(column: pa.ChunkedArray, names: type[Action | Aggressor | BookSide]) -> IntColumn:
    known = pa.array([member.name for member in names])
    found: npt.NDArray[np.int64] = pc.index_in(column.cast(pa.string()), known).to_numpy().astype(np.int64)
    return found + int(min(names))


def _tick_mantissa(root: Path, folder: str, instrument_id: str, tick: Decimal) -> int:
    precision = int(pq.read_schema(_files(root, folder, instrument_id)[0]).metadata[b"price_precision"])
    return int(tick.scaleb(precision))


def _in_ticks(prices: IntColumn, unit: int, instrument_id: str) -> IntColumn:
    ticks, rest = np.divmod(prices, unit)
    if rest.any():
        raise CatalogError(f"{instrument_id}: a price is no multiple of the tick size; the instrument is defined wrong")
    return ticks
