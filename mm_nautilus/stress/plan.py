"""Which runs a stress run is made of, each as the tables of a run file that can be run again alone."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from mm_nautilus.catalog.simulator import PRESETS, STRESS_SCENARIOS, SimulationParams
from mm_nautilus.errors import UserError
from mm_nautilus.settings import UtcDatetime
from mm_nautilus.stress.scenarios import scenario_market

SIMULATED: Final = "simulated"
"""Folder beside a recorded catalogue that the simulated ones are kept in."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the run's own data."""

    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """As it is called in results and folders."""
        return f"window-{self.start:%Y%m%dT%H%M%S}-{self.end:%Y%m%dT%H%M%S}"


@dataclass(frozen=True, slots=True)
class Case:
    """One run: a scenario under a seed, or a window of the run's own data.

    Parameters
    ----------
    scenario : str
        Name of the scenario or of the window.
    seed : int or None
        Of the simulated market; None for a window.
    tables : mapping
        Of the run file.

    """

    scenario: str
    seed: int | None
    tables: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Name of its run folder."""
        return self.scenario if self.seed is None else f"{self.scenario}-seed-{self.seed}"


def parse_window(text: str) -> Window:
    """Read ``START..END``, both as in ISO 8601; a time without a zone is UTC.

    Raises
    ------
    UserError
        For anything else, or an end that is not after the start.

    """
    start, dots, end = text.partition("..")
    try:
        found = [_instant(part.strip()) for part in (start, end)] if dots else []
    except ValueError:
        found = []
    if len(found) != 2:
        raise UserError(f"--window {text}: expected START..END, as in 2024-08-08T12:00:00..2024-08-08T12:30:00")
    if found[1] <= found[0]:
        raise UserError(f"--window {text}: the end is not after the start")
    return Window(*found)


def _instant(text: str) -> datetime:
    return TypeAdapter(UtcDatetime).validate_python(text)


def check_scenarios(names: Sequence[str]) -> tuple[str, ...]:
    """Return the scenarios asked for, all five for none, in the order in which they are known.

    Raises
    ------
    UserError
        For a name that is none of them.

    """
    unknown = [name for name in names if name not in STRESS_SCENARIOS]
    if unknown:
        raise UserError(f"--scenario {unknown[0]}: no such scenario; there are {', '.join(STRESS_SCENARIOS)}")
    return tuple(name for name in STRESS_SCENARIOS if not names or name in names)


def check_duration(scenarios: Sequence[str], duration_s: float | None) -> None:
    """Refuse a length that ends before everything a scenario does has begun.

    Raises
    ------
    UserError
        For such a length.

    """
    for name in scenarios:
        last_s = max(episode.start_s for asset in PRESETS[name].assets for episode in asset.episodes)
        if duration_s is not None and duration_s <= last_s:
            raise UserError(f"--duration-s {duration_s:g}: {name} needs more than {last_s:g} s for all of it to begin")


def scenario_cases(
    raw: Mapping[str, Any],
    market: SimulationParams,
    scenarios: Sequence[str],
    seeds: Sequence[int],
    duration_s: float | None = None,
) -> list[Case]:
    """Return a case for every scenario and seed.

    The run file is the user's with its data replaced by a simulated market, and with these changes: a book by order
    (L3) becomes one by price, since the simulator has no single orders; actions scheduled under ``[[operator]]`` are
    left out, since they are about the run's own data, and a scenario must be survived without one; nobody is notified.

    Parameters
    ----------
    raw : mapping
        Tables of the run file, overrides applied.
    market : SimulationParams
        What the scenarios happen to.
    scenarios : sequence of str
        Their names.
    seeds : sequence of int
        Of the market; every one makes another.
    duration_s : float or None
        Length in seconds; the preset's own by default.

    """
    return [
        Case(name, seed, _stressed(raw, scenario_market(market, name, duration_s), name, seed))
        for name in scenarios
        for seed in seeds
    ]


def _stressed(raw: Mapping[str, Any], market: SimulationParams, scenario: str, seed: int) -> dict[str, Any]:
    tables = _unnoticed(raw)
    data = tables["data"]
    catalog = data["catalog"] if "simulation" in data else str(Path(data["catalog"]).parent / SIMULATED)
    kept = {key: data[key] for key in ("chunk_size",) if key in data}
    simulation = {
        "preset": scenario,
        "seed": seed,
        "duration_s": market.duration_s,
        "set": _assignments(market, scenario),
    }
    tables["data"] = {"catalog": catalog, "simulation": simulation} | kept
    tables.pop("operator", None)
    if tables["strategy"].get("book") == "L3":
        tables["strategy"]["book"] = "L2"
    tables["run"]["name"] = f"{tables['run']['name']}-{scenario}-seed-{seed}"
    return tables


def _unnoticed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a run file's tables without the webhook: nobody is to be woken by incidents that are none."""
    tables = copy.deepcopy(dict(raw))
    if isinstance(tables.get("risk"), dict):
        tables["risk"].pop("webhook", None)
    return tables


def _assignments(market: SimulationParams, scenario: str) -> list[str]:
    """Return what makes the preset the market, in the words of ``data.simulation.set``."""
    preset, wanted = (params.model_dump(mode="json") for params in (PRESETS[scenario], market))
    return [
        f"{name}={orjson.dumps(wanted[name]).decode()}"
        for name in ("start", "assets", "correlation", "venues")
        if wanted[name] != preset[name]
    ]


def window_cases(raw: Mapping[str, Any], windows: Sequence[Window]) -> list[Case]:
    """Return a case for every window of the run's own data."""
    cases = []
    for window in windows:
        tables = _unnoticed(raw)
        tables["data"] |= {"start": window.start, "end": window.end}
        tables["run"]["name"] = f"{tables['run']['name']}-{window.name}"
        cases.append(Case(window.name, None, tables))
    return cases
