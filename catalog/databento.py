"""Databento DBN files through the engine's own loader.

The loader takes a market-by-order file for its book only: executions (action ``T``) are decoded from the
same records here, which needs `databento-dbn` (the ``[databento]`` extra). It also stamps every delta with
the capture time; the exchange's own time is put back where the records allow it. One file is in memory at
a time. Crossed books are what an auction looks like before the open: they are kept, counted, and listed as
spans in the quality report, so that a run can start after the last of them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from nautilus_trader.adapters.databento import DatabentoDataLoader
from nautilus_trader.model import InstrumentId

from mm_nautilus.catalog.clean import MASKS, Cleaner, Columns
from mm_nautilus.catalog.columns import Aggressor
from mm_nautilus.catalog.engine_objects import DeltaStream, columns_of
from mm_nautilus.catalog.exact import IntColumn
from mm_nautilus.catalog.instruments import Definition
from mm_nautilus.catalog.reading import Reading, in_order
from mm_nautilus.catalog.spec import DatabentoSpec
from mm_nautilus.errors import DataError, UserError

PUBLISHERS: Final = ({"publisher_id": 1, "dataset": "GLBX.MDP3", "venue": "GLBX", "description": "CME Globex MDP 3.0"},)
"""What the loader must know of publishers; the instrument is ours, so only that the list is not empty matters."""

_LOADERS: Final = {
    "mbo": {"deltas": "load_order_book_deltas"},
    "mbp-1": {"quotes": "load_quotes"},
    "trades": {"trades": "load_trades"},
    "tbbo": {"trades": "load_tbbo_trades"},
}
_PRICE_UNIT: Final = 10**9
_EXECUTION: Final = b"T"
_FILL: Final = b"F"


def read(spec: DatabentoSpec, reading: Reading) -> Iterator[pa.Table]:
    """Yield tables of every file, one file at a time.

    Parameters
    ----------
    spec : DatabentoSpec
        The instrument the files are of.
    reading : Reading
        Sources in order of time, policies, quality.

    Raises
    ------
    DataError
        A file that is no DBN of a schema we read, of another instrument, or out of order.
    UserError
        `databento-dbn` is not installed.

    """
    (definition,) = spec.definitions
    loader = _loader()
    cleaners = {kind: reading.cleaner(definition, kind) for kind in ("deltas", "trades", "quotes")}
    deltas = DeltaStream(cleaners["deltas"])
    end: tuple[int, Path] | None = None
    for source in reading.sources:
        schema = _schema(loader, source)
        records = _records(source, definition, reading) if schema == "mbo" else None
        for kind, method in _LOADERS[schema].items():
            objects = _load(loader, method, source, definition)
            if not objects:
                continue
            columns = columns_of(kind, objects, definition.precisions)
            del objects
            in_order(end, int(columns["ts_init"][0]), source, "events")
            end = (int(columns["ts_init"][-1]), source)
            if kind == "deltas":
                if records is not None:
                    _restore_exchange_time(columns, records)
                    yield from _executions(records, cleaners["trades"])
                yield deltas.add(columns, more=False)
            else:
                yield cleaners[kind].trades(columns) if kind == "trades" else cleaners[kind].quotes(columns)
        reading.advance(source.stat().st_size)
    deltas.close()


def _loader() -> DatabentoDataLoader:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as publishers:
        json.dump(PUBLISHERS, publishers)
        publishers.flush()
        return DatabentoDataLoader(publishers.name)


def _schema(loader: DatabentoDataLoader, source: Path) -> str:
    try:
        schema = loader.schema_for_file(str(source))
    except (RuntimeError, ValueError, OSError) as error:
        raise DataError(f"{source}: no Databento DBN file ({error})") from error
    if schema not in _LOADERS:
        raise DataError(f"{source}: schema {schema!r} is not read; there are {', '.join(_LOADERS)}")
    return str(schema)


def _load(loader: DatabentoDataLoader, method: str, source: Path, definition: Definition) -> list[Any]:
    precision = definition.precisions[0]
    try:
        found = getattr(loader, method)(
            str(source), instrument_id=InstrumentId.from_str(definition.id), price_precision=precision
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise DataError(f"{source}: cannot be decoded ({error})") from error
    return list(found)


def _records(source: Path, definition: Definition, reading: Reading) -> npt.NDArray[Any]:
    """Return the market-by-order records of a file as they lie there."""
    try:
        import databento_dbn  # noqa: PLC0415 - an optional extra
        import zstandard  # noqa: F401, PLC0415
    except ImportError as error:
        raise UserError(
            f"{source}: the trades in a market-by-order file need databento-dbn; install mm-nautilus[databento]"
        ) from error
    content, whole = _content(source)
    if not content.startswith(b"DBN"):
        raise DataError(f"{source}: no Databento DBN file")
    start = 8 + int.from_bytes(content[4:8], "little")
    symbols = databento_dbn.Metadata.decode(content).symbols
    if definition.symbol not in symbols or len(symbols) > 1:
        raise DataError(f"{source}: holds {', '.join(symbols)}; exactly the declared {definition.symbol} is wanted")
    kind = np.dtype(databento_dbn.MBOMsg._dtypes)  # noqa: SLF001 - the layout has no public name
    count, rest = divmod(len(content) - start, kind.itemsize)
    if rest or not whole:
        # The loader says nothing about it and hands over what precedes the damage.
        reading.damaged(f"{source.name}: ends early, after {count} whole records")
    return np.frombuffer(content, dtype=kind, count=count, offset=start)


def _content(source: Path) -> tuple[bytes, bool]:
    """Return the unpacked file as far as it can be read, and whether that is all of it."""
    import zstandard  # noqa: PLC0415 - an optional extra

    packed = source.read_bytes()
    if packed[:3] == b"DBN":
        return packed, True
    parts: list[bytes] = []
    whole = True
    while packed:
        frame = zstandard.ZstdDecompressor().decompressobj()
        parts.append(frame.decompress(packed))
        packed, whole = frame.unused_data, frame.eof
    return b"".join(parts), whole


def _executions(records: npt.NDArray[Any], cleaner: Cleaner) -> Iterator[pa.Table]:
    """Yield the trades: one per execution, its id the sequence number and the place among those of that number."""
    trades = records[records["action"] == _EXECUTION]
    if not len(trades):
        return
    unit = _PRICE_UNIT // 10 ** cleaner.precisions[0]
    sequence = trades["sequence"].astype(np.int64)
    first = np.flatnonzero(np.diff(sequence, prepend=-1) != 0)
    place = np.arange(len(sequence)) - np.repeat(first, np.diff(np.append(first, len(sequence))))
    columns: Columns = {
        "price": trades["price"] // unit,
        "size": trades["size"].astype(np.int64) * 10 ** cleaner.precisions[1],
        "aggressor": np.select(
            [trades["side"] == b"B", trades["side"] == b"A"], [int(Aggressor.BUY), int(Aggressor.SELL)], 0
        ),
        "trade_id": np.array(
            [f"{number}-{index}" for number, index in zip(sequence, place, strict=True)], dtype=object
        ),
        "ts_event": trades["ts_event"].astype(np.int64),
        "ts_init": trades["ts_recv"].astype(np.int64),
    }
    columns |= {mask: np.zeros(len(trades), dtype=np.bool_) for mask in MASKS}
    columns["inexact_price"] = trades["price"] % unit != 0
    yield cleaner.trades(columns)


def _restore_exchange_time(columns: Columns, records: npt.NDArray[Any]) -> None:
    book = records[(records["action"] != _EXECUTION) & (records["action"] != _FILL)]
    captured: IntColumn = book["ts_recv"].astype(np.int64)
    if np.array_equal(captured, columns["ts_init"]):
        columns["ts_event"] = book["ts_event"].astype(np.int64)
