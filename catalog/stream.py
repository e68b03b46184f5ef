"""One kind of data of one instrument on its way into one Parquet file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from mm_nautilus.catalog.layout import KINDS, folder_name

ROW_GROUP: Final = 131_072
"""Rows of one Parquet row group; fixed, so that how the input was cut into chunks never shows in the file."""


@dataclass(slots=True)
class Stream:
    """One kind of data of one instrument on its way to one file."""

    kind: str
    instrument_id: str
    schema: pa.Schema
    staged: Path
    writer: pq.ParquetWriter
    start_ns: int
    end_ns: int
    closes_event: bool = True
    pending: list[pa.Table] = field(default_factory=list)
    pending_rows: int = 0

    @property
    def folder(self) -> str:
        """Where the file will lie, relative to the catalogue."""
        return f"data/{KINDS[self.kind]}/{folder_name(self.instrument_id)}"

    def add(self, table: pa.Table) -> None:
        """Take a table; write as soon as a row group is full."""
        self.pending.append(table)
        self.pending_rows += table.num_rows
        if self.pending_rows >= ROW_GROUP:
            self._write(self.pending_rows // ROW_GROUP * ROW_GROUP)

    def close(self) -> None:
        """Write what is left and finish the file."""
        self._write(self.pending_rows)
        self.writer.close()

    def _write(self, rows: int) -> None:
        # One contiguous table: pages are cut where Arrow chunks end, and those must not show in the file.
        table = pa.concat_tables(self.pending).combine_chunks()
        for start in range(0, rows, ROW_GROUP):
            self.writer.write_table(table.slice(start, min(ROW_GROUP, rows - start)))
        rest = table.slice(rows)
        self.pending, self.pending_rows = ([rest], rest.num_rows) if rest.num_rows else ([], 0)
