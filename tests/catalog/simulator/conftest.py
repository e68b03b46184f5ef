"""Simulated markets and readers of what was written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mm_nautilus.catalog.simulator import PRESETS, SimulationParams, SimulationTruth, simulate


@pytest.fixture(scope="session")
def calm(tmp_path_factory) -> tuple[Path, SimulationTruth]:
    """One hour of ``calm`` and its catalogue."""
    catalog = tmp_path_factory.mktemp("calm")
    return catalog, simulate(PRESETS["calm"], catalog)


@pytest.fixture
def run(tmp_path) -> Callable[..., tuple[Path, SimulationTruth]]:
    """Simulate parameters into a fresh folder."""

    def _run(params: SimulationParams, folder: str = "catalog") -> tuple[Path, SimulationTruth]:
        return tmp_path / folder, simulate(params, tmp_path / folder)

    return _run


@pytest.fixture(scope="session")
def read() -> Callable[[Path, str, str], pa.Table]:
    """Read one kind of data of one instrument straight from its files."""

    def _read(catalog: Path, kind: str, instrument_id: str = "SOLUSDT.SIM") -> pa.Table:
        return pa.concat_tables(
            pq.read_table(path) for path in sorted((catalog / "data" / kind / instrument_id).iterdir())
        )

    return _read


@pytest.fixture(scope="session")
def ticks() -> Callable[..., np.ndarray]:
    """Return a decimal column in whole increments, exactly."""

    def _ticks(column: pa.ChunkedArray, increment: float = 0.01) -> np.ndarray:
        values = column.cast(pa.float64()).to_numpy() / increment
        assert np.allclose(values, np.rint(values), atol=1e-6)
        return np.rint(values).astype(np.int64)

    return _ticks


@pytest.fixture(scope="session")
def nanoseconds() -> Callable[[pa.ChunkedArray], np.ndarray]:
    """Return a time column in nanoseconds."""
    return lambda column: column.cast(pa.int64()).to_numpy()
