"""The market data that a live node received, kept in the run folder, and made a catalogue of.

While a run is under way what came in is appended to one Arrow stream per kind and instrument, below ``tape/``, a new
one every hour. A tenth of a second of data is in memory; what was handed to the operating system before survives
a kill of the process (not a power cut). When the run has ended, or when somebody wants to see it after a crash,
`tape_catalog` writes ``tape/catalog`` with the bulk writer of every ingest: a catalogue as any other.

Each record keeps its two times: ``ts_event`` of the venue, and ``ts_init`` at which it reached us.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from nautilus_trader.model import InstrumentId
from nautilus_trader.serialization import (
    book_deltas_to_arrow_record_batch_bytes,
    quotes_to_arrow_record_batch_bytes,
    trades_to_arrow_record_batch_bytes,
)

from mm_nautilus.catalog.clean import Columns
from mm_nautilus.catalog.columns import Action, Aggressor, BookSide, delta_table, quote_table, trade_table
from mm_nautilus.catalog.exact import from_engine
from mm_nautilus.catalog.quality import codes
from mm_nautilus.catalog.store import CatalogWriter
from mm_nautilus.errors import DataError
from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.host.loading import BookKind
from mm_nautilus.live.listener import listen

TAPE: Final = "tape"
CATALOG: Final = "catalog"
_EVERY_NS: Final = 100_000_000
_HOUR_NS: Final = 3_600_000_000_000
_TIMER: Final = "zz_tape"
_INDEX: Final = "streams.json"

_ENCODERS: Final[dict[str, Callable[[Any], bytes]]] = {
    "deltas": book_deltas_to_arrow_record_batch_bytes,
    "trades": trades_to_arrow_record_batch_bytes,
    "quotes": quotes_to_arrow_record_batch_bytes,
}
_TABLES: Final[dict[str, Callable[..., pa.Table]]] = {
    "deltas": delta_table,
    "trades": trade_table,
    "quotes": quote_table,
}
_ENUMS: Final = {"action": Action, "side": BookSide, "aggressor_side": Aggressor}


@dataclass(slots=True)
class Reel:
    """One kind of data of one instrument on its way to disk."""

    kind: str
    folder: Path
    number: int
    waiting: list[Any] = field(default_factory=list)
    written: int = 0
    _file: Any = None
    _writer: Any = None
    _hour: int = -1

    def write(self) -> None:
        """Write what waits; a file per hour of arrival."""
        if not self.waiting:
            return
        records, self.waiting = self.waiting, []
        last = records[-1]
        if self.kind == "deltas":
            records = [delta for event in records for delta in event.deltas]
        table = pa.ipc.open_stream(_ENCODERS[self.kind](records)).read_all()
        table = table.drop_columns([name for name in ("identifier",) if name in table.column_names])
        # Dictionaries of a stream would have to agree from batch to batch.
        plain = {name: table[name].cast(pa.string()) for name in _ENUMS if name in table.column_names}
        for name, column in plain.items():
            table = table.set_column(table.column_names.index(name), name, column)
        hour = last.ts_init // _HOUR_NS
        if hour != self._hour:
            self.close()
            self._hour = hour
            path = self.folder / f"{self.kind}-{self.number:03d}-{hour}.arrows"
            self._file = path.open("ab", buffering=0)
            self._writer = pa.ipc.new_stream(
                self._file, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
            )
        self._writer.write_table(table)
        self.written += table.num_rows

    def close(self) -> None:
        """Write and close the file."""
        if self._writer is not None:
            self._writer.close()
            self._file.close()
            self._writer = None


@dataclass(frozen=True, slots=True)
class TapeConfig:
    """What to keep, and where."""

    books: Mapping[str, BookKind]
    """Kind of book by instrument."""
    run_dir: Path
    actor_id: str = "Tape-001"


class Tape(GuardedActor):
    """Keeps the market data of a run; also all that a simulated venue has to see.

    Parameters
    ----------
    config : TapeConfig
        What to keep, and where.

    """

    def __init__(self, config: TapeConfig) -> None:
        super().__init__(config)
        self._config = config
        self._folder = config.run_dir / TAPE
        self._reels = {
            (kind, name): Reel(kind, self._folder, number)
            for number, (name, book) in enumerate(config.books.items())
            for kind in ("trades", "quotes" if book == "L1" else "deltas")
        }

    def on_start(self) -> None:
        """Write down what is kept, and subscribe."""
        self._folder.mkdir(parents=True, exist_ok=True)
        index = [{"instrument_id": name, "number": number} for number, name in enumerate(self._config.books)]
        (self._folder / _INDEX).write_text(json.dumps(index))
        found = (self.cache.instrument(InstrumentId.from_str(name)) for name in self._config.books)
        with CatalogWriter(self._folder / CATALOG) as writer:
            for instrument in found:
                if instrument is not None:
                    writer.instrument(instrument)
        self.clock.set_timer_ns(_TIMER, _EVERY_NS, callback=self.guard(lambda _event: self._write()))
        listen(self, self._config.books)

    def on_trade(self, trade: Any) -> None:
        """Keep a trade."""
        self._keep("trades", trade)

    def on_quote(self, quote: Any) -> None:
        """Keep a quote."""
        self._keep("quotes", quote)

    def on_book_deltas(self, deltas: Any) -> None:
        """Keep a book event."""
        self._keep("deltas", deltas)

    def on_stop(self) -> None:
        """Write what is left."""
        self.clock.cancel_timer(_TIMER)
        self._write()
        for reel in self._reels.values():
            reel.close()

    def _keep(self, kind: str, record: Any) -> None:
        reel = self._reels.get((kind, str(record.instrument_id)))
        if reel is not None:
            reel.waiting.append(record)

    def _write(self) -> None:
        for reel in self._reels.values():
            reel.write()


def tape_catalog(run_dir: Path) -> Path:
    """Return the catalogue of a run's tape; it is made where it is not there yet.

    Parameters
    ----------
    run_dir : Path
        Folder of a paper or real run, ended in order or not.

    Raises
    ------
    DataError
        Where the run kept no tape, or nothing is on it.

    """
    folder = run_dir / TAPE
    index = folder / _INDEX
    if not index.exists():
        raise DataError(f"{run_dir}: the run kept no tape (live.tape = false, or it never started)")
    root = folder / CATALOG
    reels = [
        (kind, entry["instrument_id"], sorted(folder.glob(f"{kind}-{entry['number']:03d}-*.arrows")))
        for entry in json.loads(index.read_text())
        for kind in _TABLES
    ]
    if not any(files for _, _, files in reels):
        raise DataError(f"{folder}: nothing is on the tape: no market data reached the run")
    names = [f"{file.name} {file.stat().st_size}" for _, _, files in reels for file in files]
    with CatalogWriter(root, fingerprint="tape " + " ".join(names), replace=True) as writer:
        if not writer.already_ingested:
            for kind, instrument_id, files in reels:
                precisions = _precisions(root, instrument_id) if files else (0, 0)
                last_ns = 0
                for columns in _columns(files, precisions):
                    # Two clocks of one machine may disagree by a little; the order of arrival is what happened.
                    columns["ts_init"] = np.maximum.accumulate(np.maximum(columns["ts_init"], last_ns))
                    last_ns = int(columns["ts_init"][-1])
                    writer.append(_TABLES[kind](instrument_id, *precisions, **columns))
    return root


def _precisions(root: Path, instrument_id: str) -> tuple[int, int]:
    from nautilus_trader.persistence import ParquetDataCatalog  # noqa: PLC0415 - not in the node's way

    found = ParquetDataCatalog(str(root.resolve())).instruments(instrument_ids=[instrument_id])
    if not found:
        raise DataError(f"{root}: the tape has data of {instrument_id} and no definition of it")
    return found[0].price_precision, found[0].size_precision


def _columns(files: list[Path], precisions: tuple[int, int]) -> Iterator[Columns]:
    """Yield the batches of a reel up to where the last whole one ends."""
    for path in files:
        for batch in whole_batches(path):
            table, columns = pa.Table.from_batches([batch]), dict[str, Any]()
            for name in table.column_names:
                column = table[name]
                if pa.types.is_decimal(column.type):
                    columns[name] = from_engine(column, precisions[name.endswith("size")])
                elif name in _ENUMS:
                    named = "aggressor" if name == "aggressor_side" else name
                    columns[named] = codes(column.dictionary_encode(), _ENUMS[name])
                elif pa.types.is_timestamp(column.type):
                    columns[name] = column.cast(pa.int64()).to_numpy()
                elif name == "trade_id":
                    columns[name] = column.combine_chunks()
                else:
                    columns[name] = column.to_numpy()
            yield columns


def whole_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an Arrow stream; one that was being written when the process died is left out."""
    with path.open("rb") as file:
        try:
            reader = pa.ipc.open_stream(file)
            while True:
                yield reader.read_next_batch()
        except (StopIteration, pa.ArrowInvalid, OSError):
            return
