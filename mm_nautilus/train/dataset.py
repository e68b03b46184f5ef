"""From a run on disk to labelled fills."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mm_nautilus.adverse_selection.classifier.labels import Dataset, LabelSettings, labelled
from mm_nautilus.adverse_selection.classifier.model_file import TrainingData
from mm_nautilus.adverse_selection.feature_schema import FeatureSchema, feature_schema
from mm_nautilus.adverse_selection.fill_settings import FillWatchSettings
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest.data import prepared_catalog
from mm_nautilus.backtest.fill_model import watch_settings
from mm_nautilus.calibrate.window import lattice_of
from mm_nautilus.catalog.history import read_tops
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.errors import DataError
from mm_nautilus.estimators.columns import Floats, Times
from mm_nautilus.host.loading import LoadedRun, load_run
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFeatureFact


@dataclass(frozen=True, slots=True)
class RecordedFills:
    """Labelled fills of a run, and where they come from."""

    dataset: Dataset
    schema: FeatureSchema
    instrument_id: str
    tick: Decimal
    origin: TrainingData
    fills: int
    """Fills of the run, those without features or label included."""
    settings: FillWatchSettings


def recorded_fills(run_dir: Path, label: LabelSettings) -> RecordedFills:
    """Read a run's fills with their features, and label them by the market data it ran on.

    Parameters
    ----------
    run_dir : Path
        Folder of a run that recorded features.
    label : LabelSettings
        What is adverse.

    Raises
    ------
    UserError
        For a folder that holds no such run, data that have changed since, and fills nothing can be learnt from.

    """
    if not (run_dir / "run.toml").is_file():
        raise DataError(f"{run_dir}: is not the folder of a run: there is no run.toml in it")
    loaded = load_run(run_dir / "run.toml")
    settings = watch_settings(loaded)
    if settings is None:
        raise DataError(
            f"{run_dir}: the strategy of this run does not watch its fills; use mm_nautilus.strategies:MarketMaker"
        )
    root, shape = prepared_catalog(loaded)
    _check_same_data(run_dir, shape)
    log = RunLog.open(run_dir)
    (instrument_id,) = loaded.instrument_ids
    schema = feature_schema(settings.features)
    tick = lattice_of(root, instrument_id).grid.tick
    facts = [fact for fact in log.messages(FillFeatureFact) if fact.instrument_id == instrument_id]
    happened = log.table("fills", ["ts_ns"]).num_rows
    _check_recorded(run_dir, facts, happened, schema)
    mid_ts_ns, mid = mid_path(loaded, root, shape, tick)
    dataset = labelled(
        [fact.ts_ns for fact in facts],
        [int(Side[fact.side]) for fact in facts],
        [float(fact.price) for fact in facts],
        [fact.values for fact in facts],
        schema.names,
        mid_ts_ns,
        mid,
        label,
        shape.last_ns,
    )
    origin = TrainingData(
        fingerprint=shape.fingerprint,
        first_ns=int(dataset.ts_ns[0]),
        last_ns=int(dataset.known_ns[-1]),
        fills=len(dataset.adverse),
        adverse=int(dataset.adverse.sum()),
        simulated=loaded.run_file.data.simulation is not None,
    )
    return RecordedFills(dataset, schema, instrument_id, tick, origin, happened, settings)


def _check_same_data(run_dir: Path, shape: CatalogShape) -> None:
    try:
        result: Any = orjson.loads((run_dir / "result.json").read_bytes())
        then = result["provenance"]["data_fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{run_dir / 'result.json'}: cannot be read as the result of a run ({error!r})") from None
    if result.get("status") != "completed":
        raise DataError(f"{run_dir}: the run did not complete; its log ends early")
    if then != shape.fingerprint:
        raise DataError(
            f"{run_dir}: the catalogue {shape.root} holds other data than when this run was made; run it again"
        )


def _check_recorded(run_dir: Path, facts: list[FillFeatureFact], happened: int, schema: FeatureSchema) -> None:
    if not happened:
        raise DataError(f"{run_dir}: the run has no fills; nothing can be learnt from it")
    if not facts:
        raise DataError(
            f"{run_dir}: {happened:,} fills, none of them with features: record them with "
            "strategy.adverse_selection.record_features = true, and longer than they take to warm up (30 s)"
        )
    others = {fact.schema for fact in facts} - {schema.digest}
    if others:
        raise DataError(
            f"{run_dir}: the features were recorded by another version (schema {', '.join(sorted(others))}, here "
            f"{schema.digest}); run it again"
        )


def mid_path(loaded: LoadedRun, root: Path, shape: CatalogShape, tick: Decimal) -> tuple[Times, Floats]:
    """Return the exact mid of the catalogue after every change of the book, as the run saw it; in price units."""
    settings: Any = loaded.strategy_config.settings
    span = shape.first_ns, shape.last_ns
    tops = read_tops(root, settings.instrument_id, settings.book, tick, span)
    fit = tops.fit(settings.guards.max_book_spread_bps)
    return tops.ts_ns[fit], np.asarray(tops.mid_half_ticks[fit] * (0.5 * float(tick)), dtype=np.float64)
