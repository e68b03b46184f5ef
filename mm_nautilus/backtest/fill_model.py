"""The trained fill model of a run: pinned in its run file, and kept away from the data it was trained on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mm_nautilus.adverse_selection.classifier.model_file import fingerprint, read_metadata
from mm_nautilus.adverse_selection.fill_settings import FillWatchSettings
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import LoadedRun


def watch_settings(loaded: LoadedRun) -> FillWatchSettings | None:
    """Return what the strategy is told about its fills, ``None`` for a strategy that does not watch them."""
    settings = getattr(loaded.strategy_config.settings, "adverse_selection", None)
    return settings if isinstance(settings, FillWatchSettings) else None


def check_out_of_sample(loaded: LoadedRun, shape: CatalogShape) -> None:
    """Refuse a run on data that its model was trained on: what it shows would be memory.

    Raises
    ------
    DataError
        When the model file is missing or damaged.
    ConfigError
        When the data overlap with those of the training, unless the run file allows it.

    """
    settings = watch_settings(loaded)
    if settings is None or settings.model is None:
        return
    trained = read_metadata(settings.model).data
    simulated = loaded.run_file.data.simulation is not None
    if settings.allow_in_sample or not trained.overlaps(
        shape.fingerprint, shape.first_ns, shape.last_ns, simulated=simulated
    ):
        return
    problem = (
        f"strategy.adverse_selection.model: {settings.model} was trained on these very data "
        f"(fingerprint {trained.fingerprint[:16]}, {trained.fills:,} fills); choose another data.start and data.end, "
        "or set allow_in_sample = true, knowing that the result says nothing"
    )
    raise ConfigError(loaded.path, [problem])


def pin_model(tables: dict[str, Any], run_dir: Path) -> None:
    """Write the model's path from the run's folder, and its fingerprint, into the resolved run file."""
    table = tables["strategy"].get("adverse_selection", {})
    if table.get("model"):
        table["model_fingerprint"] = fingerprint(Path(table["model"]))
        table["model"] = os.path.relpath(table["model"], run_dir.resolve())


def without_model_path(tables: dict[str, Any]) -> None:
    """Leave the model's path out of what identifies the run; its fingerprint stays."""
    tables["strategy"].get("adverse_selection", {}).pop("model", None)
