"""Where two run logs part: the first row in which decisions, orders or fills are not the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.runlog import RunLog

STREAMS: Final = ("decisions", "orders", "fills")
INSTANTS: Final = frozenset({"ts_ns", "quoted_ts_ns"})
"""Columns that a live run, whose clock goes on while it thinks, never shares with a backtest to the nanosecond."""
_NUMBERED: Final = {"client_order_id"}
_DROPPED: Final = {"venue_order_id", "trade_id"}


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first row of a table that is not the same in two runs."""

    stream: str
    """``decisions``, ``orders`` or ``fills``."""
    row: int
    """Rows before it, all of them equal."""
    live: dict[str, Any] | None
    """The row of the live run; ``None`` where it has no more."""
    tested: dict[str, Any] | None
    """The row of the backtest."""
    apart_from: frozenset[str] = frozenset()
    """Columns that were not compared."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the columns that differ, in the order of the table; empty where one side has no row."""
        if self.live is None or self.tested is None:
            return ()
        names = [name for name in self.live if name not in self.apart_from]
        return tuple(name for name in names if self.live[name] != self.tested[name])

    @property
    def ts_ns(self) -> int:
        """Return the earlier of the two instants."""
        return min(int(row["ts_ns"]) for row in (self.live, self.tested) if row is not None)


def comparable(log: RunLog, until_ns: int | None = None) -> dict[str, pa.Table]:
    """Return the tables that are compared, with what differs by nature taken out.

    The engine makes order ids from the wall's clock and trade ids at random. An order is named by its place among the
    orders of its run instead; ids that only the venue gives are left out.

    Parameters
    ----------
    log : RunLog
        Of one run.
    until_ns : int or None
        Rows from this instant on are left out.

    """
    tables = {name: log.table(name) for name in STREAMS}
    ids = pc.unique(tables["orders"]["client_order_id"].cast(pa.string()))
    found = {name: _without_ids(table, ids) for name, table in tables.items()}
    if until_ns is None:
        return found
    return {name: table.filter(pc.less(table["ts_ns"], until_ns)) for name, table in found.items()}


def _without_ids(table: pa.Table, ids: pa.Array) -> pa.Table:
    table = table.drop_columns([name for name in table.column_names if name in _DROPPED])
    for name in _NUMBERED & set(table.column_names):
        numbers = pc.index_in(table[name].cast(pa.string()), ids)
        table = table.set_column(table.column_names.index(name), name, numbers)
    plain = [
        pa.field(field.name, pa.string()) if pa.types.is_dictionary(field.type) else field for field in table.schema
    ]
    return table.cast(pa.schema(plain))


def first_divergence(
    stream: str, live: pa.Table, tested: pa.Table, apart_from: frozenset[str] = frozenset()
) -> Divergence | None:
    """Return the first row in which two tables of one schema differ, ``None`` where they are the same.

    Parameters
    ----------
    stream : str
        Name of the table.
    live, tested : pyarrow.Table
        Of the two runs, as `comparable` gives them.
    apart_from : frozenset of str
        Columns that are not compared.

    """
    ignored = [name for name in live.column_names if name in apart_from]
    mine, theirs = live.drop_columns(ignored), tested.drop_columns(ignored)
    shared = min(live.num_rows, tested.num_rows)
    if live.num_rows == tested.num_rows and mine.equals(theirs):
        return None
    # Prefixes are equal up to the row that is looked for, and never after it.
    low, high = 0, shared
    while low < high:
        middle = (low + high) // 2
        if mine.slice(low, middle + 1 - low).equals(theirs.slice(low, middle + 1 - low)):
            low = middle + 1
        else:
            high = middle
    mine_there, theirs_there = (table.slice(low, 1).to_pylist() for table in (live, tested))
    return Divergence(
        stream,
        low,
        mine_there[0] if mine_there else None,
        theirs_there[0] if theirs_there else None,
        apart_from,
    )


def divergences(
    live: dict[str, pa.Table], tested: dict[str, pa.Table], apart_from: frozenset[str] = frozenset()
) -> list[Divergence]:
    """Return the first divergence of each stream, the earliest in time first.

    At one instant an order or a fill explains a decision, and not the other way round: fills stand before orders, and
    orders before decisions.
    """
    found = [first_divergence(name, live[name], tested[name], apart_from) for name in STREAMS]
    return sorted((one for one in found if one is not None), key=lambda one: (one.ts_ns, -STREAMS.index(one.stream)))


def lag_ms(live: pa.Table, tested: pa.Table, rows: int) -> float | None:
    """Return how much later the first `rows` rows were written live, median in milliseconds; ``None`` for no rows."""
    if not rows:
        return None
    apart = live["ts_ns"].slice(0, rows).to_numpy() - tested["ts_ns"].slice(0, rows).to_numpy()
    return float(np.median(apart)) / 1e6
