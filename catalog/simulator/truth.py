"""What is known about a simulated market and nobody in it: its parameters and what they came to."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from mm_nautilus.catalog.journal import read_json
from mm_nautilus.catalog.simulator.params import SimulationParams
from mm_nautilus.catalog.simulator.tables import ORDERS, TIME
from mm_nautilus.errors import CatalogError
from mm_nautilus.settings import Settings

PRICES: Final = pa.schema(
    [
        pa.field("ts_event", TIME, nullable=False),
        pa.field("series", pa.dictionary(pa.int16(), pa.string()), nullable=False),
        pa.field("price", pa.float64(), nullable=False),
    ]
)
"""Prices before rounding, one row per second: the series is an asset (efficient price) or an instrument id."""


_ROW_GROUP: Final = 65_536


class VenueTruth(Settings):
    """Realised counts of one venue."""

    instrument_id: str
    book_events: int
    deltas: int
    trades: int
    quotes: int
    bid_market_orders: int
    """Market sells."""
    ask_market_orders: int
    """Market buys."""
    informed_market_orders: int
    mid_moves: int
    realised_variance_price2_per_s: float
    """Sum of squared moves of the mid over the duration; ``sigma**2`` where there are no jumps, basis or episodes."""


class SimulationTruth(Settings):
    """Parameters and realised ground truth of a simulated market; stored as a document of the catalogue."""

    params: SimulationParams
    venues: tuple[VenueTruth, ...]

    @staticmethod
    def document(name: str) -> str:
        """Return the name of the document that holds it."""
        return f"simulation_{name}"

    @staticmethod
    def load(catalog: Path, name: str) -> SimulationTruth:
        """Read the ground truth of the simulation ``name`` from a catalogue.

        Raises
        ------
        CatalogError
            There is no such simulation in the catalogue.

        """
        path = catalog / "documents" / f"{SimulationTruth.document(name)}.json"
        if not path.exists():
            known = sorted(p.stem.removeprefix("simulation_") for p in path.parent.glob("simulation_*.json"))
            raise CatalogError(f"{catalog}: no simulation named {name!r}, found {known or 'none'}")
        return SimulationTruth.model_validate(read_json(path))

    def orders(self, catalog: Path) -> pa.Table:
        """Return every market order with its informed flag, of schema `tables.ORDERS`."""
        return pq.read_table(_folder(catalog, self.params.name) / "orders.parquet")

    def prices(self, catalog: Path) -> pa.Table:
        """Return the prices before rounding, of schema `PRICES`."""
        return pq.read_table(_folder(catalog, self.params.name) / "prices.parquet")


def _folder(catalog: Path, name: str) -> Path:
    return catalog / "simulations" / name


class TruthTables:
    """Write the long tables of the ground truth beside the data; they appear when the ``with`` block ends cleanly."""

    def __init__(self, catalog: Path, name: str) -> None:
        self._folder = _folder(catalog, name)
        self._schemas = {"orders": ORDERS, "prices": PRICES}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._pending: dict[str, list[pa.Table]] = {}

    @property
    def exist(self) -> bool:
        """Whether an earlier run left both tables."""
        return all((self._folder / f"{table}.parquet").exists() for table in self._schemas)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for table, writer in self._writers.items():
            if table in self._pending:
                self._flush(table)
            writer.close()
            draft = self._draft(table)
            if kind is None:
                draft.replace(self._folder / f"{table}.parquet")
            else:
                draft.unlink()
        if kind is not None and self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def append(self, table: str, rows: pa.Table) -> None:
        """Add rows to ``orders`` or ``prices``."""
        if table not in self._writers:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._writers[table] = pq.ParquetWriter(self._draft(table), self._schemas[table], compression="zstd")
        pending = self._pending.setdefault(table, [])
        pending.append(rows)
        if sum(waiting.num_rows for waiting in pending) >= _ROW_GROUP:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows = pa.concat_tables(self._pending.pop(table)).unify_dictionaries().combine_chunks()
        self._writers[table].write_table(rows)

    def append_prices(self, series: str, times_ns: npt.NDArray[np.int64], prices: npt.NDArray[np.float64]) -> None:
        """Add a stretch of one price series."""
        names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(prices), dtype=np.int16)), [series])
        rows = [pa.array(times_ns).cast(TIME), names, pa.array(prices)]
        self.append("prices", pa.Table.from_arrays(rows, schema=PRICES))

    def _draft(self, table: str) -> Path:
        return self._folder / f".{table}.parquet"
