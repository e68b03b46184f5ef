"""The results of a sweep on disk: a row a run in Parquet, there as soon as the run has ended.

Each row is first a file of its own, ``rows/IDENTITY.parquet``, which appears under its name only when it is whole;
when the sweep ends they become one ``results.parquet``. Both are read alike, so a sweep that was killed goes on where
it was.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mm_nautilus.analytics.schema import MONEY
from mm_nautilus.errors import DataError
from mm_nautilus.sweep.space import Point

RESULTS_FILE: Final = "results.parquet"
_ROWS: Final = "rows"
_TEMPORARY: Final = ".tmp"

ENGINE: Final = "engine"
SCREEN: Final = "screen"
"""What a row comes from: a run of the engine, or a screened one."""

COMPLETED: Final = "completed"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one run.

    Parameters
    ----------
    identity : str
        Of the run; see `mm_nautilus.sweep.plan.Task`.
    point : mapping
        What the sweep put into the run file.
    status : str
        ``completed`` or ``failed``.
    reason : str
        Why it failed; empty otherwise.
    attempts : int
        How often it was started.
    seconds : float
        How long it ran, by the clock on the wall; the only column that another sweep need not repeat.
    currency : str
        What money is in: the settlement currency of the instrument that is quoted.
    pnl, fees, rebates, turnover : Decimal
        In `currency`, over all instruments that settle in it; `pnl` is after fees and rebates.
    fills : int
        Of those instruments.
    max_drawdown : float
        Of their joint equity, in `currency`.
    inventory_max, inventory_std : float
        Largest absolute position and standard deviation over time of the quoted instrument, in base units (contracts).
    spread_bps : float or None
        Time-weighted spread quoted.
    two_sided : float
        Share of the time with both sides quoted.
    start_ns, end_ns : int
        First and last instant of the run.
    step_s : float
        Length of a step, in seconds.
    increments : tuple of float
        PnL of each whole step from the start, in `currency`.
    path : str
        ``engine``, or ``screen`` for a screened run.

    """

    identity: str
    point: Point
    status: str
    reason: str = ""
    attempts: int = 1
    seconds: float = 0.0
    currency: str = ""
    pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    rebates: Decimal = Decimal(0)
    turnover: Decimal = Decimal(0)
    fills: int = 0
    max_drawdown: float = 0.0
    inventory_max: float = 0.0
    inventory_std: float = 0.0
    spread_bps: float | None = None
    two_sided: float = 0.0
    start_ns: int = 0
    end_ns: int = 0
    step_s: float = 0.0
    increments: tuple[float, ...] = ()
    path: str = ENGINE

    @property
    def completed(self) -> bool:
        """Whether it ran to the end of its data."""
        return self.status == COMPLETED


_SCHEMA: Final = pa.schema(
    [
        pa.field("identity", pa.string(), nullable=False),
        pa.field("point", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("attempts", pa.int64(), nullable=False),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("pnl", MONEY, nullable=False),
        pa.field("fees", MONEY, nullable=False),
        pa.field("rebates", MONEY, nullable=False),
        pa.field("turnover", MONEY, nullable=False),
        pa.field("fills", pa.int64(), nullable=False),
        pa.field("max_drawdown", pa.float64(), nullable=False),
        pa.field("inventory_max", pa.float64(), nullable=False),
        pa.field("inventory_std", pa.float64(), nullable=False),
        pa.field("spread_bps", pa.float64()),
        pa.field("two_sided", pa.float64(), nullable=False),
        pa.field("start_ns", pa.int64(), nullable=False),
        pa.field("end_ns", pa.int64(), nullable=False),
        pa.field("step_s", pa.float64(), nullable=False),
        pa.field("increments", pa.list_(pa.field("item", pa.float64(), nullable=False)), nullable=False),
        pa.field("path", pa.string(), nullable=False),
    ]
)


class Store:
    """The rows in a sweep's folder.

    Parameters
    ----------
    folder : Path
        Of the sweep.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows = folder / _ROWS

    def append(self, row: Row) -> None:
        """Keep a row; it survives whatever happens to this process from here on."""
        self.extend([row])

    def extend(self, rows: Sequence[Row]) -> None:
        """Keep rows that came together, in one file; none for none."""
        if not rows:
            return
        self._rows.mkdir(exist_ok=True)
        name = rows[0].identity
        if len(rows) > 1:  # a name of their own: one of them may come again by itself
            name = hashlib.sha256("".join(row.identity for row in rows).encode()).hexdigest()
        _write(self._rows / f"{name}.parquet", _table(rows))

    def read(self) -> dict[str, Row]:
        """Return what is there, by identity.

        Raises
        ------
        DataError
            When a file cannot be read.

        """
        whole = self.folder / RESULTS_FILE
        files = [whole] if whole.is_file() else []
        # A row of its own is the later one: a failed run may have been tried again since.
        files += sorted(self._rows.glob("*.parquet"))
        found: dict[str, Row] = {}
        for path in files:
            try:
                there = set(pq.read_schema(path).names)  # sweeps before there was screening lack `path`
                names = [name for name in _SCHEMA.names if name in there or name != "path"]
                table = pq.read_table(path, columns=names, partitioning=None)
            except (pa.ArrowException, OSError) as error:
                raise DataError(
                    f"{path}: cannot be read as rows of a sweep ({error}); delete it to run them again"
                ) from error
            for row in map(_row, table.to_pylist()):
                before = found.get(row.identity)
                if before is None or row.completed or not before.completed:
                    found[row.identity] = row
        return found

    def compact(self, rows: Sequence[Row]) -> Path:
        """Write ``results.parquet``: these rows, in this order, then those there of other runs; return its path."""
        named = {row.identity for row in rows}
        kept = [row for name, row in self.read().items() if name not in named]
        path = self.folder / RESULTS_FILE
        _write(path, _table([*rows, *kept]))
        for part in self._rows.glob("*.parquet"):
            part.unlink()
        if self._rows.is_dir():
            self._rows.rmdir()
        return path


def _table(rows: Iterable[Row]) -> pa.Table:
    """Return rows as a table: the columns of `Row`, and one for each key of their points."""
    rows = list(rows)
    plain = [
        {name: getattr(row, name) for name in _SCHEMA.names} | {"point": orjson.dumps(row.point).decode()}
        for row in rows
    ]
    table = pa.Table.from_pylist(plain, schema=_SCHEMA)
    for key in dict.fromkeys(key for row in rows for key in row.point):
        values = [row.point.get(key) for row in rows]
        # A key that is a number here and a word there is a word throughout.
        kinds = {type(value) for value in values if value is not None}
        mixed = len(kinds) > 1 and kinds != {int, float}
        table = table.append_column(key, pa.array([_text(value) if mixed else value for value in values]))
    return table


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _row(columns: Mapping[str, Any]) -> Row:
    read = dict(columns)
    return Row(**read | {"point": orjson.loads(read["point"]), "increments": tuple(read["increments"])})


def _write(path: Path, table: pa.Table) -> None:
    """Write a file that is visible under its name only when it is whole, and on the disk."""
    temporary = path.with_name(path.name + _TEMPORARY)
    with temporary.open("wb") as stream:
        pq.write_table(table, stream, compression="zstd")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
