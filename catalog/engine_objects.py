"""From the engine's own loaders (lists of its objects) to tables, through its own Arrow encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from nautilus_trader.serialization import (
    book_deltas_to_arrow_record_batch_bytes,
    quotes_to_arrow_record_batch_bytes,
    trades_to_arrow_record_batch_bytes,
)

from mm_nautilus.catalog.clean import MASKS, Cleaner, Columns
from mm_nautilus.catalog.columns import F_LAST, F_SNAPSHOT, Action, Aggressor, BookSide, delta_table
from mm_nautilus.catalog.exact import IntColumn, from_engine
from mm_nautilus.catalog.quality import codes

_ENCODERS: Final[dict[str, Callable[[Any], bytes]]] = {
    "deltas": book_deltas_to_arrow_record_batch_bytes,
    "trades": trades_to_arrow_record_batch_bytes,
    "quotes": quotes_to_arrow_record_batch_bytes,
}


def columns_of(kind: str, objects: Sequence[Any], precisions: tuple[int, int]) -> Columns:
    """Return the raw columns of engine objects, as the arguments of `columns.delta_table` and its like.

    Parameters
    ----------
    kind : str
        ``deltas``, ``trades`` or ``quotes``.
    objects : sequence
        Non-empty; all of one instrument.
    precisions : (int, int)
        Decimal places of the instrument's prices and sizes.

    """
    table = pa.ipc.open_stream(_ENCODERS[kind](objects)).read_all()
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table[name]
        if name == "identifier":
            continue
        if pa.types.is_decimal(column.type):
            columns[name] = from_engine(column, precisions[name.endswith("size")])
        elif pa.types.is_dictionary(column.type):
            names = {"action": Action, "side": BookSide, "aggressor_side": Aggressor}[name]
            columns["aggressor" if names is Aggressor else name] = codes(column, names)
        elif pa.types.is_timestamp(column.type):
            columns[name] = column.cast(pa.int64()).to_numpy()
        else:
            columns[name] = column.to_numpy()
    if kind != "deltas":
        columns |= {mask: np.zeros(table.num_rows, dtype=np.bool_) for mask in MASKS}
    return columns


class DeltaStream:
    """Make a vendor's deltas what a replay needs: snapshots that start empty and end, no unfinished event.

    A snapshot without a CLEAR would pile up on the book before it, and one that does not end would be
    delivered together with the first event after it. An event that never ends would fail the run, so the
    rows after the last F_LAST wait for more and are dropped when there is none.
    """

    def __init__(self, cleaner: Cleaner) -> None:
        self._cleaner = cleaner
        self._tail: Columns | None = None
        self._in_snapshot = False

    def add(self, columns: Columns, *, more: bool = True) -> pa.Table:
        """Return the table of all complete events so far; ``more`` says whether the file goes on."""
        columns = self._joined(self._snapshots_closed(columns, more=more))
        ends = np.flatnonzero(columns["flags"] & F_LAST)
        cut = int(ends[-1]) + 1 if len(ends) else 0
        self._tail = {name: column[cut:] for name, column in columns.items()}
        done = self._cleaner.ordered({name: column[:cut] for name, column in columns.items()})
        return delta_table(
            self._cleaner.instrument_id, self._cleaner.precisions[0], self._cleaner.precisions[1], **done
        )

    def close(self) -> None:
        """Count and forget the rows of an event that never ended."""
        tail, self._tail = self._tail, None
        if tail is not None:
            self._cleaner.note("last event without an end", len(tail["flags"]), "its rows dropped")

    def _joined(self, columns: Columns) -> Columns:
        tail = self._tail
        return columns if tail is None else {name: np.concatenate([tail[name], columns[name]]) for name in columns}

    def _snapshots_closed(self, columns: Columns, *, more: bool) -> Columns:
        flags = columns["flags"].astype(np.int64)
        snapshot = (flags & F_SNAPSHOT) != 0
        before = np.concatenate([[self._in_snapshot], snapshot[:-1]])
        after = np.concatenate([snapshot[1:], [more]])
        # A CLEAR that alone says it is a snapshot (Tardis) goes on with the rows after it.
        closing = snapshot & ~after & (columns["action"] != Action.CLEAR)
        flags[closing] |= F_LAST
        starts: IntColumn = np.flatnonzero(snapshot & ~before & (columns["action"] != Action.CLEAR))
        self._in_snapshot = bool(snapshot[-1]) and more
        columns = columns | {"flags": flags}
        if len(starts):
            self._cleaner.note("snapshot that does not start with a clear", len(starts), "a clear added")
        blank = {"action": int(Action.CLEAR), "side": 0, "price": 0, "size": 0, "order_id": 0, "flags": F_SNAPSHOT}
        return {
            name: np.insert(column, starts, blank[name] if name in blank else column[starts])
            for name, column in columns.items()
        }
