"""Reading a run file for a live node."""

from __future__ import annotations

from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mm_nautilus.config import read_run_file
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.live_settings.table import LiveSettings


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run file as a live node takes it."""

    loaded: LoadedRun
    live: LiveSettings


def load_live(
    path: Path, overrides: Sequence[str] = (), seed: int | None = None, catalog: Path | None = None
) -> LiveRun:
    """Read, override and validate a run file; where it has no ``[live]`` table, the defaults hold.

    Parameters
    ----------
    path : Path
        TOML run file; the rest of it is that of a backtest.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    seed : int or None
        Replaces ``run.seed``.
    catalog : Path or None
        Catalogue that replaces that of the run file, and its simulation.

    Raises
    ------
    ConfigError
        With every mistake in the file and in the overrides.

    """
    raw, problems = read_run_file(path, overrides)
    if catalog is not None:
        data: dict[str, Any] = raw.setdefault("data", {})
        data.pop("simulation", None)
        data["catalog"] = str(catalog.resolve())
    loaded = load_tables(path, raw, seed, problems)
    live = loaded.run_file.live or LiveSettings()
    understood = loaded.run_file.model_copy(update={"live": live})
    return LiveRun(replace(loaded, run_file=understood), live)


def check_venues(run: LiveRun) -> None:
    """Refuse a run that trades where it has no connection to.

    Raises
    ------
    ConfigError
        With each venue that has no ``[[live.venues]]`` section.

    """
    there = [section.venue for section in run.live.venues]
    traded = dict.fromkeys(name.rpartition(".")[2] for name in run.loaded.instrument_ids)
    known = ", ".join(there) or "none"
    problems = [
        f"live.venues: {venue} is traded on and has no section ({known}); without it only --replay is possible"
        for venue in traded
        if venue not in there
    ]
    if problems:
        raise ConfigError(run.loaded.path, problems)
