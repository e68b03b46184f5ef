"""The data of a run: simulated if need be, inspected before anything runs, described beside the result."""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.analytics.realism import BookData, DataShape
from mm_nautilus.backtest.funding import FundingSummary, in_words
from mm_nautilus.catalog.funding import is_perpetual
from mm_nautilus.catalog.inspect import CatalogShape, InstrumentShape, KindShape, inspect_catalog
from mm_nautilus.catalog.simulator import PRESETS, SimulationParams, override, simulate
from mm_nautilus.catalog.simulator.run import fingerprint
from mm_nautilus.errors import CatalogError, ConfigError
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.host.node import unix_ns
from mm_nautilus.quoting.pipeline import size_problems
from mm_nautilus.quoting.settings import QuotingSettings

_KIND_NAMES = {"L1": "quotes", "L2": "deltas", "L3": "deltas"}
# A feed whose updates are at least this far apart at the median is a sampled one.
_BATCHED_MS = 50.0


def prepared_catalog(loaded: LoadedRun) -> tuple[Path, CatalogShape]:
    """Return the catalogue of a run and what it holds in the run's range.

    A simulated market is made first, once, in a folder named after what it is made from.

    Raises
    ------
    ConfigError
        When the run asks for a preset that is not there, or for data that the catalogue lacks.
    CatalogError
        When the catalogue, an instrument or the range is not there.

    """
    section = loaded.run_file.data
    root = loaded.catalog
    params = simulation_of(loaded)
    if params is not None:
        root = root / f"{params.name}-{fingerprint(params)[:12]}"
        simulate(params, root)
    shape = inspect_catalog(root, loaded.instrument_ids, unix_ns(section.start), unix_ns(section.end))
    for instrument in shape.instruments.values():
        _check_book(loaded, root, instrument)
    _check_sizes(loaded, root)
    return root, shape


def simulation_of(loaded: LoadedRun) -> SimulationParams | None:
    """Return what a run's market is simulated from, ``None`` where its data were recorded.

    Raises
    ------
    ConfigError
        When the run asks for a preset that is not there.

    """
    section = loaded.run_file.data.simulation
    if section is None:
        return None
    if section.preset not in PRESETS:
        problem = f"data.simulation.preset: no preset {section.preset!r}; allowed are {', '.join(PRESETS)}"
        raise ConfigError(loaded.path, [problem])
    changes = [f"seed={section.seed}", *section.set]
    if section.duration_s is not None:
        changes.append(f"duration_s={section.duration_s}")
    return override(PRESETS[section.preset], changes)


def _check_book(loaded: LoadedRun, root: Path, shape: InstrumentShape) -> None:
    """Refuse data that the kind of book that is wanted of an instrument cannot be built from."""
    book = loaded.books[shape.instrument_id]
    there = [name for name in ("deltas", "trades", "quotes") if getattr(shape, name) is not None]
    field, problem = "book", None
    if _KIND_NAMES[book] not in there:
        needs: str = book
        if shape.instrument_id in loaded.rate_instruments:
            field, needs = "rates", "an instrument that tells a rate"
        problem = f"{needs} needs {_KIND_NAMES[book]}; the catalogue has {', '.join(there)} in this range"
    elif book == "L3" and shape.deltas is not None and not shape.deltas.order_ids:
        problem = "L3 needs a book by order; the catalogue's deltas carry no order ids, so use L2"
    if problem is not None:
        raise ConfigError(loaded.path, [f"strategy.{field}: {problem} ({shape.instrument_id} in {root})"])
    deltas = shape.deltas
    if book == "L1" or deltas is None:
        return
    if deltas.needs_earlier_snapshot:
        raise CatalogError(
            f"{root}: {shape.instrument_id}: the book at data.start is not known, because its last full snapshot is "
            "earlier; start at a snapshot, or leave data.start out"
        )
    if not deltas.ends_event:
        raise CatalogError(
            f"{root}: {shape.instrument_id}: data.end cuts a book update in two; move data.end by a millisecond"
        )


def _check_sizes(loaded: LoadedRun, root: Path) -> None:
    """Refuse sizes that the instrument cannot be traded in."""
    settings = loaded.strategy_config.settings
    if not isinstance(settings, QuotingSettings):
        return
    catalog = ParquetDataCatalog(str(root))
    for instrument in catalog.instruments(instrument_ids=[settings.instrument_id]):
        problems = size_problems(settings, InstrumentLattice(instrument).grid)
        if problems:
            raise ConfigError(loaded.path, [f"strategy.{problem}" for problem in problems])


def end_of_data(loaded: LoadedRun, shape: CatalogShape) -> int:
    """Return the instant of the last record the engine is fed, in nanoseconds since 1970."""
    kinds: list[KindShape | None] = [
        getattr(shape.instruments[name], kind)
        for name, book in loaded.books.items()
        for kind in ("trades", _KIND_NAMES[book])
    ]
    return max(kind.last_ns for kind in kinds if kind is not None)


def data_shapes(
    loaded: LoadedRun, shape: CatalogShape, funding: Mapping[str, FundingSummary] | None = None
) -> list[DataShape]:
    """Return what the caveats are drawn from: nothing is simulated on an instrument that only tells a rate.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    shape : CatalogShape
        What the catalogue holds of the run's instruments.
    funding : mapping of instrument id to FundingSummary, optional
        What the run would have paid, where the catalogue holds rates.

    """
    simulated, books, told = loaded.run_file.data.simulation is not None, loaded.books, funding or {}
    return [
        replace(
            _data_shape(found, BookData(books[name]), simulated),
            perpetual=is_perpetual(shape.root, name),
            funding="" if name not in told else in_words(told[name]),
        )
        for name, found in shape.instruments.items()
        if name not in loaded.rate_instruments
    ]


def _data_shape(shape: InstrumentShape, book: BookData, simulated: bool) -> DataShape:
    source = shape.quotes if book is BookData.L1 else shape.deltas
    interval_ms = 0.0 if source is None else source.median_interval_s * 1e3
    deltas = shape.deltas
    return DataShape(
        instrument_id=shape.instrument_id,
        venue=shape.instrument_id.rpartition(".")[2],
        book=book,
        trades=shape.trades is not None,
        update_interval_ms=interval_ms if interval_ms >= _BATCHED_MS and not simulated else None,
        snapshots=deltas is not None and book is not BookData.L1 and deltas.snapshots > max(1, deltas.events // 2),
        simulated=simulated,
    )


def described(shape: CatalogShape) -> dict[str, Any]:
    """Return what the result says about its data: span and rows of each kind."""
    return {
        "catalog": str(shape.root),
        "first": _iso(shape.first_ns),
        "last": _iso(shape.last_ns),
        "instruments": {
            name: {
                kind: {"rows": found.rows, "median_interval_s": found.median_interval_s}
                for kind in ("deltas", "trades", "quotes")
                if (found := getattr(instrument, kind)) is not None
            }
            for name, instrument in shape.instruments.items()
        },
    }


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat()
