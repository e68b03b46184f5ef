"""The ``[live]`` table of a run file, and reading a run file that has one."""

from __future__ import annotations

from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from mm_nautilus.config import problems_of, read_run_file
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.live.beside.settings import AlertSettings, LogFileSettings, MonitorSettings
from mm_nautilus.live.redis import RedisSettings
from mm_nautilus.live.venues import VenueSection
from mm_nautilus.settings import Settings


class ChecksSection(Settings):
    """How often what the engine believes is held against what the venue says."""

    inflight_after_ms: int = Field(
        default=2_000, ge=100, description="Age at which an unanswered command is asked for."
    )
    cancel_again_s: float = Field(
        default=0.5,
        gt=0,
        description="Seconds a command may go without an answer while quotes have to go; then everything is cancelled.",
    )
    patience_s: float = Field(
        default=1.0, gt=0, description="Seconds the private stream has before an order is asked for."
    )
    open_orders_every_s: float = Field(default=5.0, gt=0, description="Seconds between two looks at the open orders.")
    positions_every_s: float = Field(default=15.0, gt=0, description="Seconds between two looks at the positions.")
    clock_off_ms: float = Field(
        default=500.0, gt=0, description="Difference to a venue's clock at which trading does not start."
    )
    free_disk_mb: int = Field(default=500, ge=0, description="Free space without which trading does not start.")
    lookback_min: int = Field(default=60, ge=1, description="How far back orders and fills are asked for, in minutes.")


class LiveSettings(Settings):
    """How a node is run that is not a backtest."""

    trader: str = Field(default="MM-001", pattern=r"^[A-Z0-9]+-[A-Z0-9]+$", description="Trader id of the node.")
    connect_within_s: float = Field(default=30.0, gt=0, description="Seconds a venue has to connect.")
    withdraw_within_s: float = Field(default=10.0, gt=0, description="Seconds the quotes have to be gone by on a stop.")
    flush_every_s: float = Field(default=5.0, gt=0, description="Seconds between two writes of the run log.")
    state_dir: Path | None = Field(
        default=None,
        description="Folder of the state files and account locks; ~/.local/state/mm-nautilus where left out.",
    )
    unknown_orders: Literal["cancel", "claim", "refuse"] = Field(
        default="cancel",
        description="What is done with orders on our instruments that no strategy of ours sent: cancel them, quote "
        "with them as if they were ours, or do not start (and only report those that appear later).",
    )
    agree_within_s: float = Field(
        default=10.0, gt=0, description="Seconds until somebody is told that books and venue still disagree at a start."
    )
    operator: Literal["keep", "forget"] = Field(
        default="keep",
        description="Whether a pause, and values that were set, hold on in the next life.",
    )
    on_stop: Literal["withdraw", "flatten"] = Field(
        default="withdraw", description="Whether positions are kept on a stop, or worked off."
    )
    flatten_within_s: float = Field(
        default=30.0, gt=0, description="Seconds that working the positions off may take on a stop."
    )
    tape: bool = Field(default=True, description="Whether live market data are kept in the run folder, for parity.")
    redis: RedisSettings | None = None
    checks: ChecksSection = ChecksSection()
    monitor: MonitorSettings = MonitorSettings()
    alerts: AlertSettings = AlertSettings()
    log: LogFileSettings = LogFileSettings()
    venues: list[VenueSection] = Field(default_factory=list, description="Venues that data and orders go through.")

    @model_validator(mode="after")
    def _venues_differ(self) -> Self:
        names = [section.venue for section in self.venues]
        if len(set(names)) != len(names):
            raise ValueError(f"venues: each may stand once, found {', '.join(names)}")
        return self


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run file as a live node takes it."""

    loaded: LoadedRun
    live: LiveSettings


def load_live(
    path: Path, overrides: Sequence[str] = (), seed: int | None = None, catalog: Path | None = None
) -> LiveRun:
    """Read, override and validate a run file with its ``[live]`` table.

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
    table, live = raw.get("live", {}), LiveSettings()
    if isinstance(table, dict):  # anything else is a mistake in the run file's own schema
        try:
            live = LiveSettings.model_validate(table)
        except ValidationError as error:
            problems += problems_of(error, LiveSettings, ["live"])
    if catalog is not None:
        data: dict[str, Any] = raw.setdefault("data", {})
        data.pop("simulation", None)
        data["catalog"] = str(catalog.resolve())
    loaded = load_tables(path, raw, seed, problems)
    tables = live.model_dump(mode="json", exclude_none=True)
    understood = loaded.run_file.model_copy(update={"live": tables})
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
