"""The tables ``[live.monitor]``, ``[live.alerts]`` and ``[live.log]`` of a run file."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, Self

from pydantic import Field, model_validator

from mm_nautilus.risk.settings import WebhookSettings
from mm_nautilus.settings import Settings

TOKEN_VARIABLE = "MM_NAUTILUS_TOKEN"


class MonitorSettings(Settings):
    """What is served beside the node, by a process of its own: page, snapshot, metrics, and on request control."""

    port: int | Literal["any"] = Field(
        default=0, description="TCP port; 0 for no server at all, 'any' for one that is free (see live.json)."
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen at. Beyond loopback everything needs the token, and a proxy for TLS.",
    )
    push_ms: int = Field(default=500, ge=50, le=60_000, description="Milliseconds between two snapshots.")
    control: bool = Field(default=False, description="Whether commands are taken, from whoever knows the token.")
    token_env: str = Field(
        default=TOKEN_VARIABLE,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the token; on loopback one is made where it is not set.",
    )
    commands_per_minute: int = Field(default=60, ge=1, le=6000, description="Commands beyond this are refused.")
    answer_within_s: float = Field(
        default=5.0, gt=0, le=60, description="Seconds a client waits for the node to carry a command out."
    )

    @model_validator(mode="after")
    def _port_exists(self) -> Self:
        if self.port != "any" and not 0 <= self.port <= 65_535:
            raise ValueError(f"port: should be 0 (off), 'any' or up to 65535 (found {self.port})")
        if self.control and not self.on:
            raise ValueError("control: needs a port; state live.monitor.port")
        return self

    @property
    def on(self) -> bool:
        """Return whether there is a server."""
        return self.port != 0

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine can reach the server; a name other than localhost counts as not."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class AlertSettings(Settings):
    """Who is told of alerts and incidents by an HTTP POST of JSON; trading never waits for it."""

    webhook_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the address; nobody is told where it is left out.",
    )
    token_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with a bearer token to send along.",
    )
    repeat_after_s: float = Field(
        default=300.0, ge=0, description="Seconds before the same alert is sent again; meanwhile it is counted."
    )

    @property
    def webhook(self) -> WebhookSettings | None:
        """Return where and how patiently to send, ``None`` where nobody is told."""
        if self.webhook_env is None:
            return None
        return WebhookSettings(url_env=self.webhook_env, token_env=self.token_env)


class LogFileSettings(Settings):
    """The engine's log as JSON lines in the run folder's ``logs``, beside what it prints."""

    level: Literal["OFF", "ERROR", "WARNING", "INFO", "DEBUG"] = Field(
        default="INFO", description="Lowest level written."
    )
    max_mb: int = Field(default=50, ge=1, le=10_000, description="Size at which a new file is begun, in megabytes.")
    backups: int = Field(default=10, ge=1, le=1000, description="Full files kept; the oldest is deleted.")
