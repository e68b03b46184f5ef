"""What a currency was worth over a run, where an instrument says so; kept in the run folder for its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mm_nautilus.analytics.equity import Floats, Ints
from mm_nautilus.errors import DataError

RATES_FILE: Final = "rates.parquet"

_PLACES: Final = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class RatePath:
    """Reference currency for one unit of another, as an instrument's mid told it.

    Parameters
    ----------
    source : str
        The instrument.
    ts_ns : int array, shape (n,)
        Instants in order of time, none after the end of the run; at least one.
    rate : float array, shape (n,)
        From each instant on; the first also before.

    """

    source: str
    ts_ns: Ints
    rate: Floats

    def at(self, instants: Ints) -> Floats:
        """Return the rates at instants."""
        place = np.searchsorted(self.ts_ns, instants, side="right") - 1
        return np.asarray(self.rate[np.maximum(place, 0)], dtype=np.float64)

    @property
    def first(self) -> Decimal:
        """Rate at the start, to eight places."""
        return exact_rate(float(self.rate[0]))

    @property
    def last(self) -> Decimal:
        """Rate at the end, to eight places."""
        return exact_rate(float(self.rate[-1]))


def exact_rate(rate: float) -> Decimal:
    """Return a rate to eight places."""
    return Decimal(rate).quantize(_PLACES)


def write_rate_paths(run_dir: Path, paths: Mapping[str, RatePath]) -> None:
    """Write the paths of a run into its folder, nothing where there are none.

    Parameters
    ----------
    run_dir : Path
        The folder.
    paths : mapping of currency to RatePath
        As they were added up with.

    """
    if not paths:
        return
    rows = [
        pa.table(
            {
                "currency": pa.array([currency] * len(path.ts_ns), pa.string()),
                "source": pa.array([path.source] * len(path.ts_ns), pa.string()),
                "ts_ns": pa.array(path.ts_ns, pa.int64()),
                "rate": pa.array(path.rate, pa.float64()),
            }
        )
        for currency, path in paths.items()
    ]
    pq.write_table(pa.concat_tables(rows), run_dir / RATES_FILE, compression="zstd")


def read_rate_paths(run_dir: Path) -> dict[str, RatePath]:
    """Return the paths that a run folder holds, by currency.

    Raises
    ------
    DataError
        Where the file is there and cannot be read.

    """
    path = run_dir / RATES_FILE
    if not path.is_file():
        return {}
    try:
        table = pq.read_table(path, columns=["currency", "source", "ts_ns", "rate"])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as rates over time ({error})") from error
    found = {}
    for currency in table["currency"].unique().to_pylist():
        mine = table.filter(pc.equal(table["currency"], currency))
        found[currency] = RatePath(mine["source"][0].as_py(), mine["ts_ns"].to_numpy(), mine["rate"].to_numpy())
    return found
