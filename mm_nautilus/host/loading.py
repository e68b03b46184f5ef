"""From a run file on disk to a validated run, its strategy's config included."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mm_nautilus.config import RunFile, VenueSection, problems_of, read_run_file
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.host.config import TypedStrategyConfig


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run that has been checked as far as files go; the data has not been looked at."""

    path: Path
    """The run file."""
    run_file: RunFile
    """With the strategy's table as it will be written beside the result, defaults filled in."""
    strategy_type: type
    strategy_config: TypedStrategyConfig

    @property
    def catalog(self) -> Path:
        """Absolute path of the catalogue."""
        return (self.path.parent / self.run_file.data.catalog).resolve()

    @property
    def instrument_ids(self) -> list[str]:
        """Instruments the strategy trades."""
        return [self.strategy_config.settings.instrument_id]  # type: ignore[attr-defined]


def load_run(path: Path, overrides: Sequence[str] = (), seed: int | None = None) -> LoadedRun:
    """Read, override and validate a run file.

    Parameters
    ----------
    path : Path
        TOML run file.
    overrides : sequence of str
        ``table.key=value``, the value in TOML; a list entry by its index (``venues.0.account=...``).
    seed : int or None
        Replaces ``run.seed``.

    Raises
    ------
    ConfigError
        With every mistake in the file and in the overrides.

    """
    raw, problems = read_run_file(path, overrides)
    if seed is not None:
        raw.setdefault("run", {})["seed"] = seed
    run_file: RunFile | None = None
    try:
        run_file = RunFile.model_validate(raw)
    except ValidationError as error:
        problems += problems_of(error, RunFile)
    table = raw.get("strategy", {})
    strategy = _strategy(table, run_file, problems) if isinstance(table, dict) else None
    if run_file is None or strategy is None or problems:
        raise ConfigError(path, problems)
    strategy_type, config = strategy
    resolved = {"path": table["path"], **config.settings.model_dump(mode="json", exclude={"arrival"}, exclude_none=True)}
    return LoadedRun(path.resolve(), run_file.model_copy(update={"strategy": resolved}), strategy_type, config)


def _strategy(
    table: dict[str, Any], run_file: RunFile | None, problems: list[str]
) -> tuple[type, TypedStrategyConfig] | None:
    """Import the strategy and its config class, and validate the rest of the table with that."""
    fields = dict(table)
    location = fields.pop("path", None)
    if not isinstance(location, str):
        problems.append("strategy.path: is required, as 'package.module:Class'")
        return None
    config_location = fields.pop("config_path", f"{location}Config")
    strategy_type, config_type = _imported("strategy.path", location, problems), None
    if strategy_type is not None:
        config_type = _imported("strategy.config_path", config_location, problems)
    if strategy_type is None or config_type is None:
        return None
    fields.setdefault("strategy_id", f"{strategy_type.__name__}-001")
    settings_type = config_type.settings_type(fields)
    if "arrival" in settings_type.model_fields:
        fields = _arrival(fields.get("instrument_id"), run_file) | fields
    try:
        config: TypedStrategyConfig = config_type(**fields)
    except ValidationError as error:
        problems.extend(problems_of(error, settings_type, ["strategy"]))
        return None
    venue = str(table.get("instrument_id")).rpartition(".")[2]
    if run_file is not None and venue not in [section.name for section in run_file.venues]:
        names = ", ".join(section.name for section in run_file.venues)
        problems.append(f"strategy.instrument_id: venue {venue!r} is not among the run's venues ({names})")
    return strategy_type, config


def _imported(field: str, location: str, problems: list[str]) -> Any:
    module_name, _, class_name = location.partition(":")
    try:
        return getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        problems.append(f"{field}: cannot import {location!r} ({error}); expected 'package.module:Class'")
        return None


def _arrival(instrument_id: object, run_file: RunFile | None) -> dict[str, Any]:
    """Return the command latencies of the strategy's venue, so that its commands arrive exactly then."""
    venue = str(instrument_id).rpartition(".")[2]
    sections = [] if run_file is None else [section for section in run_file.venues if section.name == venue]
    return {"arrival": arrival_of(sections[0]).model_dump()} if sections else {}


def arrival_of(venue: VenueSection) -> ArrivalSettings:
    """Return the latency of each kind of command at a venue."""
    latency = venue.latency
    return ArrivalSettings(
        submit_ns=_nanoseconds(latency.base_ms) + _nanoseconds(latency.submit_ms),
        amend_ns=_nanoseconds(latency.base_ms) + _nanoseconds(latency.amend_ms),
        cancel_ns=_nanoseconds(latency.base_ms) + _nanoseconds(latency.cancel_ms),
    )


def _nanoseconds(milliseconds: float) -> int:
    return round(milliseconds * 1e6)
