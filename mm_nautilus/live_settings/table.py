"""The ``[live]`` table of a run file: how a node is run that is not a backtest."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from mm_nautilus.live_settings.beside import AlertSettings, LogFileSettings, MonitorSettings
from mm_nautilus.live_settings.venues import VenueSection
from mm_nautilus.settings import Settings


class RedisSettings(Settings):
    """Where the engine's cache is kept between two lives of a node; used by real runs."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=6379, ge=1, le=65_535)
    url_env: str | None = Field(
        default=None,
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="Environment variable with redis[s]://user:password@host:port, in place of host and port.",
    )


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
