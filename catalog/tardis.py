"""Tardis.dev CSV files through the engine's own streaming loaders.

``ts_event`` is the exchange's timestamp, ``ts_init`` Tardis's local one. Precisions come from the
instrument, so a value with more decimals is rounded by the loader: declare the venue's own tick and lot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from nautilus_trader.adapters.tardis import stream_tardis_deltas, stream_tardis_quotes, stream_tardis_trades
from nautilus_trader.model import InstrumentId

from mm_nautilus.catalog.engine_objects import DeltaStream, columns_of
from mm_nautilus.catalog.instruments import Definition
from mm_nautilus.catalog.reading import Reading, in_order, table_for
from mm_nautilus.catalog.spec import TardisSpec, TardisTable

CHUNK_ROWS: Final = 100_000
"""Rows decoded at a time."""

_LOADERS: Final[dict[str, Callable[..., Any]]] = {
    "deltas": stream_tardis_deltas,
    "trades": stream_tardis_trades,
    "quotes": stream_tardis_quotes,
}


class _Stream:
    """One kind of data of one instrument across its files."""

    def __init__(self, definition: Definition, table: TardisTable, spec: TardisSpec, reading: Reading) -> None:
        self._definition = definition
        self._kind = table.kind
        self._spec = spec
        self._reading = reading
        self._cleaner = reading.cleaner(definition, table.kind)
        self._deltas = DeltaStream(self._cleaner)
        self._end: tuple[int, Path] | None = None

    def read(self, source: Path) -> Iterator[pa.Table]:
        """Yield tables of one file."""
        for objects in self._chunks(source):
            columns = columns_of(self._kind, objects, self._definition.precisions)
            columns["ts_init"] = (
                columns["ts_event"] if self._spec.ts_init == "exchange" else columns["ts_init"] + self._spec.shift_ns
            )
            in_order(self._end, int(columns["ts_init"][0]), source, f"{self._kind} of {self._definition.id}")
            self._end = (int(columns["ts_init"][-1]), source)
            if self._kind == "deltas":
                yield self._deltas.add(columns)
            elif self._kind == "trades":
                yield self._cleaner.trades(columns)
            else:
                yield self._cleaner.quotes(columns)
        self._reading.advance(source.stat().st_size)

    def close(self) -> None:
        """Report what never ended."""
        self._deltas.close()

    def _chunks(self, source: Path) -> Iterator[list[Any]]:
        price_precision, size_precision = self._definition.precisions
        try:
            yield from _LOADERS[self._kind](
                str(source),
                chunk_size=CHUNK_ROWS,
                price_precision=price_precision,
                size_precision=size_precision,
                instrument_id=InstrumentId.from_str(self._definition.id),
            )
        except (RuntimeError, ValueError, OSError) as error:
            self._reading.damaged(f"{source.name}: the loader stopped ({error})")


def read(spec: TardisSpec, reading: Reading) -> Iterator[pa.Table]:
    """Yield tables of everything in the files, chunk by chunk.

    Parameters
    ----------
    spec : TardisSpec
        Which file is what.
    reading : Reading
        Sources (those of one table in order of time), policies, quality.

    Raises
    ------
    DataError
        A file that matches no table or is out of order, or a defect whose policy is "error".

    """
    streams = {id(table): _Stream(spec.definition(table.instrument), table, spec, reading) for table in spec.tables}
    for source in reading.sources:
        yield from streams[id(table_for(source, spec.tables))].read(source)
    for stream in streams.values():
        stream.close()
