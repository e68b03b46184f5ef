"""The window that is measured: a run file that may lack what is to be found, its book and its trades."""

from __future__ import annotations

from collections.abc import Sequence
from copy import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog.history import Trades, read_tops, read_trades
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import CatalogError, DataError
from mm_nautilus.estimators.intensity_orders import Tops
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.host.node import unix_ns
from mm_nautilus.models import find_model
from mm_nautilus.quoting.settings import QuotingSettings

_FOREVER: Final = 2**62


def load_for_calibration(path: Path, overrides: Sequence[str]) -> LoadedRun:
    """Load a run file as if what a calibration is made to find were in it."""
    raw, problems = read_run_file(path, overrides)
    table = raw.get("strategy")
    if isinstance(table, dict):
        stated = table.get("intensity", {})
        table = table | {
            "intensity": {"a_per_s": 1.0, "k_per_price": 1.0} | (stated if isinstance(stated, dict) else {})
        }
        table.pop("calibration", None)
        if table.get("fair_value") == "micro_price" and "micro_price" not in table:
            table["fair_value"] = "mid"
        if _has_gamma(str(table.get("model", QuotingSettings.model_fields["model"].default))):
            table.setdefault("gamma", 1.0)
        raw["strategy"] = table
    return load_tables(path, raw, None, problems)


def _has_gamma(model: str) -> bool:
    try:
        return "gamma" in find_model(model).parameters_type.model_fields
    except ValueError:
        return False  # the settings themselves will say so


def quoting_settings(loaded: LoadedRun) -> QuotingSettings:
    """Return the settings of the strategy, which must be a quoting one."""
    settings = loaded.strategy_config.settings
    if not isinstance(settings, QuotingSettings):
        raise DataError(f"{loaded.path}: strategy.path: {type(settings).__name__} is not a quoting strategy's")
    return settings


def lattice_of(root: Path, instrument_id: str) -> InstrumentLattice:
    """Return ticks and lots of an instrument of the catalogue."""
    (instrument,) = ParquetDataCatalog(str(root)).instruments(instrument_ids=[instrument_id])
    return InstrumentLattice(instrument)


def read_window(
    loaded: LoadedRun,
    root: Path,
    shape: CatalogShape,
    lattice: InstrumentLattice,
    start: datetime | None,
    end: datetime | None,
) -> tuple[Tops, Trades]:
    """Read what lies in the window; the book is replayed from the start of the run's own window."""
    section, quoting = loaded.run_file.data, quoting_settings(loaded)
    read = unix_ns(section.start) or -_FOREVER, min(unix_ns(section.end) or _FOREVER, unix_ns(end) or _FOREVER)
    tops = read_tops(root, quoting.instrument_id, quoting.book, lattice.grid.tick, read)
    begin = unix_ns(start) or read[0]
    tops = _from(tops, begin)
    where = f"{root}: {quoting.instrument_id}"
    if len(tops.ts_ns) < 2:
        there = " to ".join(datetime.fromtimestamp(ns / 1e9, UTC).isoformat() for ns in (shape.first_ns, shape.last_ns))
        raise CatalogError(f"{where}: no book in the window asked for (--start, --end); the data span {there}")
    trades = read_trades(root, quoting.instrument_id, lattice.grid.tick, (begin, read[1]))
    if not len(trades.ts_ns):
        raise CatalogError(f"{where}: no trades in the window; fills cannot be calibrated from a book alone")
    return tops, trades


def _from(tops: Tops, begin_ns: int) -> Tops:
    """Drop what lies before an instant, but for the top that stands then."""
    first = int(np.searchsorted(tops.ts_ns, begin_ns, side="right")) - 1
    if first < 0:
        return tops
    kept = Tops(*(getattr(tops, name)[first:] for name in ("ts_ns", "bid_ticks", "ask_ticks", "bid_size", "ask_size")))
    ts_ns = kept.ts_ns.copy()
    ts_ns[0] = max(int(ts_ns[0]), begin_ns)
    return replace(kept, ts_ns=ts_ns)
