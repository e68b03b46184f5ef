"""The run log: everything that was decided and everything that happened, in Parquet.

While a run is under way each table grows by part files, ``log/<table>/part-000000.parquet``; closing
puts one ``log/<table>.parquet`` in their place, of which the row groups that are full are written by
then. Both forms are read alike, so a run that was killed can be analysed up to its last flush. A file
appears under its final name only when it is whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mm_nautilus.analytics.schema import TABLES, Message, arrow_schema, to_messages, to_table
from mm_nautilus.errors import DataError
from mm_nautilus.messages import QuoteDecision

LOG_FOLDER: Final = "log"
ROW_GROUP_ROWS: Final = 65_536
"""Rows per row group of a compacted table; up to so many of each table are in memory beside what is buffered."""

SMALL_PART_ROWS: Final = 1000
"""Parts of fewer rows are not kept in memory until a row group is full."""

_TEMPORARY: Final = ".tmp"


class RunLogWriter:
    """Writes messages to the run log in bounded memory.

    Messages are kept by reference until `flush_rows` of one kind are there and are taken apart into
    columns once per flush. A thread of the writer's own encodes and writes one part at a time, so that
    a slow disk does not hold up trading until the next part is due. What a large part holds stays in
    memory until a row group is full, so that closing need not read it again.

    Parameters
    ----------
    run_dir : Path
        Folder of the run; the log goes to ``<run_dir>/log``, which must not hold a log yet.
    flush_rows : int
        Messages of one kind held in memory before they are written.

    Raises
    ------
    DataError
        When the folder already holds a run log.

    """

    def __init__(self, run_dir: Path, flush_rows: int = 10_000) -> None:
        if flush_rows < 1:
            raise ValueError(f"flush_rows must be >= 1, found {flush_rows}")
        self._folder = run_dir / LOG_FOLDER
        if self._folder.exists() and any(self._folder.iterdir()):
            raise DataError(f"{self._folder}: there is a run log already; every run needs a folder of its own")
        self._flush_rows = flush_rows
        self._names = {kind: name for name, kind in TABLES.items()}
        self._buffers: dict[type[Message], list[Any]] = {kind: [] for kind in self._names}
        self._parts = dict.fromkeys(self._names, 0)
        self._whole = {kind: _Whole(self._folder, name, arrow_schema(kind)) for kind, name in self._names.items()}
        self._closed = False
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="run-log")
        self._writing: Future[None] | None = None
        for name in TABLES:
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def append(self, message: object) -> None:
        """Take one message; writes a part file when `flush_rows` of its kind have come together.

        Raises
        ------
        TypeError
            For anything that is not a message of `TABLES`.
        ValueError
            After `close`, when the message would be lost.
        OSError
            When an earlier part could not be written.

        """
        kind: type[Any] = type(message)
        buffer = self._buffers.get(kind)
        if buffer is None:
            if self._closed:
                raise ValueError(f"the run log {self._folder} is closed; a {kind.__name__} came too late")
            raise TypeError(f"the run log has no table for {kind.__name__}; it takes {', '.join(TABLES)}")
        buffer.append(message)
        if len(buffer) >= self._flush_rows:
            self._start_part(kind)

    def flush(self) -> None:
        """Write what is in memory; what was appended until here survives a crash of the process."""
        for kind in self._buffers:
            self._start_part(kind)
        self._finish_part()

    def close(self) -> None:
        """Flush and compact every table into one file; calling it again does nothing."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        self._buffers.clear()  # so that `append` need ask for nothing else
        self._disk.shutdown()
        for whole in self._whole.values():
            whole.close()

    def _start_part(self, kind: type[Message]) -> None:
        buffer = self._buffers[kind]
        if not buffer:
            return
        table = to_table(kind, buffer)
        self._finish_part()
        path = self._folder / self._names[kind] / f"part-{self._parts[kind]:06d}.parquet"
        self._writing = self._disk.submit(self._whole[kind].write_part, path, table)
        self._parts[kind] += 1
        buffer.clear()

    def _finish_part(self) -> None:
        """Wait for the part that is being written, and raise what went wrong with it."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()


@dataclass(frozen=True, slots=True)
class RunLog:
    """A run log on disk, closed in order or cut short by a crash.

    Parameters
    ----------
    run_dir : Path
        Folder of the run.
    complete : bool
        Whether every table was closed; otherwise the log ends at the last flush.
    until_ns : int | None
        Rows of later instants are left out; ``None`` leaves out nothing.
    damaged : tuple of Path
        Parts of a log that was cut short which cannot be read; their rows are missing.

    """

    run_dir: Path
    complete: bool
    until_ns: int | None = None
    damaged: tuple[Path, ...] = ()

    @classmethod
    def open(cls, run_dir: Path) -> Self:
        """Open the log of a run.

        Raises
        ------
        DataError
            When the folder holds no run log.

        """
        folder = run_dir / LOG_FOLDER
        if not folder.is_dir() or not any(_files(folder, name) or (folder / name).is_dir() for name in TABLES):
            raise DataError(f"{folder}: there is no run log here; expected tables such as log/fills.parquet")
        # Of a table that was added since there is nothing at all.
        begun = [name for name in TABLES if (folder / name).is_dir() or _files(folder, name)]
        complete = all(_compacted(folder, name).is_file() for name in begun)
        return cls(run_dir, complete, damaged=() if complete else tuple(_unreadable(folder)))

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one table, rows in the order they were written.

        Strings come dictionary-encoded: few of them differ from row to row.

        Parameters
        ----------
        name : str
            A key of `TABLES`.
        columns : sequence of str, optional
            The columns wanted; all when omitted.

        Raises
        ------
        DataError
            When a file of the table cannot be read.

        """
        schema = arrow_schema(TABLES[name])
        strings = [field.name for field in schema if pa.types.is_string(field.type)]
        wanted = list(columns) if columns is not None else schema.names
        tables = []
        until = None if self.until_ns is None else pc.field("ts_ns") <= self.until_ns
        for path in self._readable(name):
            try:
                table = pq.read_table(path, columns=wanted, read_dictionary=strings, partitioning=None, filters=until)
                tables.append(table)
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{path}: cannot be read as a table of the run log ({error})") from error
        if not tables:
            return schema.empty_table().select(wanted)
        return pa.concat_tables(tables).unify_dictionaries()

    def _readable(self, name: str) -> list[Path]:
        return [path for path in _files(self.run_dir / LOG_FOLDER, name) if path not in self.damaged]

    def messages[M: Message](self, kind: type[M]) -> list[M]:
        """Return one table as the messages it was written from."""
        (name,) = [name for name, held in TABLES.items() if held is kind]
        return list(to_messages(kind, self.table(name)))

    def rows[M: Message](self, kind: type[M], wanted: pc.Expression) -> list[M]:
        """Return the messages of one table that fit a condition on its columns; row groups that cannot fit stay unread.

        Raises
        ------
        DataError
            When a file of the table cannot be read.

        """
        (name,) = [name for name, held in TABLES.items() if held is kind]
        names = arrow_schema(TABLES[name]).names
        found: list[M] = []
        if self.until_ns is not None:
            wanted = wanted & (pc.field("ts_ns") <= self.until_ns)
        for path in self._readable(name):
            try:
                table = pq.read_table(path, columns=names, filters=wanted, partitioning=None)
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{path}: cannot be read as a table of the run log ({error})") from error
            found += to_messages(kind, table)
        return found

    def between[M: Message](self, kind: type[M], begin_ns: int, end_ns: int) -> list[M]:
        """Return the messages of one table from one instant to another, both included."""
        ts_ns = pc.field("ts_ns")
        return self.rows(kind, (ts_ns >= begin_ns) & (ts_ns <= end_ns))

    def decisions(self, numbers: Collection[int]) -> list[QuoteDecision]:
        """Return the quote decisions with these numbers, of every strategy."""
        table = self.table("decisions")
        wanted = pc.is_in(table["decision_id"], pa.array(sorted(numbers), pa.int64()))
        return list(to_messages(QuoteDecision, table.filter(wanted)))


def _compacted(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def _files(folder: Path, name: str) -> list[Path]:
    """Return the files that make up a table: the compacted one, or the parts in order."""
    whole = _compacted(folder, name)
    return [whole] if whole.is_file() else sorted((folder / name).glob("part-*.parquet"))


def _unreadable(folder: Path) -> Iterator[Path]:
    """Yield the parts that are not whole: a machine that lost power may leave a file under its name without its end."""
    for name in TABLES:
        if _compacted(folder, name).is_file():
            continue
        for path in _files(folder, name):
            try:
                pq.read_metadata(path)
            except (pa.ArrowException, OSError):
                yield path


class _Whole:
    """The one file that a table is compacted into, and the parts that stand for it until it is closed.

    It is cut into row groups of `ROW_GROUP_ROWS` wherever the parts were cut. Small parts, as a log that is flushed by
    the clock has thousands of, are read again when it is closed, and so is all that follows the first of them: what is
    too small to be kept in memory would be dear to read back while the run is under way.
    """

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self._path = _compacted(folder, name)
        self._folder = folder / name
        self._schema = schema
        self._parts = 0
        self._last_part = self._folder
        self._keeps = True
        self._pending: list[pa.Table | Path] = []
        self._pending_rows = 0
        self._writer: pq.ParquetWriter | None = None

    def write_part(self, path: Path, table: pa.Table) -> None:
        """Write rows to a part, and to the file what fills its row groups."""
        with _writer(path, self._schema) as writer:
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        _temporary(path).replace(path)
        self._parts += 1
        self._last_part = path
        self._keeps = self._keeps and table.num_rows >= SMALL_PART_ROWS
        self._pending.append(table if self._keeps else path)
        self._pending_rows += table.num_rows
        if self._keeps and self._pending_rows > ROW_GROUP_ROWS:
            *full, rest = _row_groups(self._pending, self._schema)
            self._write(full)
            self._pending, self._pending_rows = [rest], rest.num_rows

    def close(self) -> None:
        """Write the rest, let the file appear and remove the parts."""
        if self._parts == 1 and self._pending_rows <= ROW_GROUP_ROWS and self._writer is None:
            self._last_part.replace(self._path)  # the very bytes that writing it again would give
        else:
            self._write(_row_groups(self._pending, self._schema)).close()
            _temporary(self._path).replace(self._path)
        shutil.rmtree(self._folder)

    def _write(self, groups: Iterable[pa.Table]) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = _writer(self._path, self._schema)
        for group in groups:
            self._writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
        return self._writer


def _row_groups(parts: Iterable[pa.Table | Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows in groups of `ROW_GROUP_ROWS`, so that the file does not depend on where the parts were cut."""
    pending = schema.empty_table()
    for part in parts:
        table = pq.ParquetFile(part).read(use_threads=False) if isinstance(part, Path) else part
        pending = pa.concat_tables([pending, table])
        while pending.num_rows >= ROW_GROUP_ROWS:
            yield pending.slice(0, ROW_GROUP_ROWS).combine_chunks()
            pending = pending.slice(ROW_GROUP_ROWS)
    if pending.num_rows:
        yield pending.combine_chunks()


def _temporary(path: Path) -> Path:
    """Return where a file grows that is to be visible under its name only when it is whole."""
    return path.with_name(path.name + _TEMPORARY)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Strings repeat, numbers hardly ever: a dictionary of the latter doubles size and time.
    repeated = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(_temporary(path), schema, compression="zstd", use_dictionary=repeated)
