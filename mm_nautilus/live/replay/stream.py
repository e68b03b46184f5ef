"""The records of a catalogue in the order the engine is to see them, read a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from heapq import merge
from pathlib import Path
from typing import Any, Final

from nautilus_trader.model import InstrumentId, OrderBookDeltas
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.host.loading import BookKind
from mm_nautilus.host.node import feeds

_LAST_OF_EVENT: Final = 128
_FIRST_PIECE_NS: Final = 60_000_000_000
_FEW, _MANY = 20_000, 80_000
"""Records of a piece: one query costs what thousands of records cost, and each record is an object in memory."""


def market_events(
    catalog: Path, books: Mapping[str, BookKind], kinds: set[str], start_ns: int, end_ns: int
) -> Iterator[Any]:
    """Yield trades and book events (or quotes) by arrival; at equal times trades first, as a backtest does.

    Parameters
    ----------
    catalog : Path
        Absolute path of the catalogue.
    books : mapping of instrument id to kind of book
        Instruments to read; ``L1`` for quotes, otherwise whole book events.
    kinds : set of str
        Kinds the catalogue holds, as `mm_nautilus.catalog.inspect.CatalogShape.kinds` says.
    start_ns, end_ns : int
        First and last instant, in nanoseconds since 1970.

    """
    reader = ParquetDataCatalog(str(catalog))
    sources: list[Iterator[Any]] = []
    for kind, names in feeds(books).items():
        if kind in kinds:
            # In one kind, records of equal time keep the order of the instruments' names, as the engine reads them.
            sources += [_pieces(reader, kind, name, start_ns, end_ns) for name in sorted(names)]
    yield from merge(*sources, key=lambda record: record.ts_init)


def _pieces(reader: ParquetDataCatalog, kind: str, instrument_id: str, start_ns: int, end_ns: int) -> Iterator[Any]:
    """Yield the records of one kind and instrument, deltas as whole book events."""
    queries: dict[str, Callable[..., list[Any]]] = {
        "TradeTick": reader.query_trade_ticks,
        "QuoteTick": reader.query_quote_ticks,
        "OrderBookDelta": reader.query_order_book_deltas,
    }
    query = queries[kind]
    identifier, event = InstrumentId.from_str(instrument_id), list[Any]()
    begin, length_ns = start_ns, _FIRST_PIECE_NS
    while begin <= end_ns:
        records = query([instrument_id], begin, min(begin + length_ns - 1, end_ns))
        begin += length_ns
        if len(records) < _FEW:
            length_ns *= 2
        elif len(records) > _MANY:
            length_ns = max(length_ns // 2, 1)
        if kind != "OrderBookDelta":
            yield from records
            continue
        for delta in records:
            event.append(delta)
            if delta.flags & _LAST_OF_EVENT:
                yield OrderBookDeltas(identifier, event)
                event = []
