"""Writes what strategies say about themselves to the run log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from nautilus_trader.common import TimeEvent
from pydantic import Field

from mm_nautilus.analytics.runlog import RunLogWriter
from mm_nautilus.host.config import TypedActorConfig
from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.messages import (
    TOPIC_ACCOUNT,
    TOPIC_ALERT,
    TOPIC_ASSESSMENT,
    TOPIC_CONTROL,
    TOPIC_DECISION,
    TOPIC_FILL,
    TOPIC_FILL_FEATURES,
    TOPIC_FILL_RISK,
    TOPIC_FUNDING,
    TOPIC_HEDGE,
    TOPIC_INCIDENT,
    TOPIC_MARK,
    TOPIC_MARKOUT,
    TOPIC_OPPORTUNITY,
    TOPIC_ORDER,
    TOPIC_POSITION,
    TOPIC_RISK,
    TOPIC_RISK_VALUE,
)
from mm_nautilus.risk.incidents import IncidentFiles
from mm_nautilus.settings import Settings

TOPICS: Final = (
    TOPIC_DECISION,
    TOPIC_ORDER,
    TOPIC_FILL,
    TOPIC_MARK,
    TOPIC_ACCOUNT,
    TOPIC_POSITION,
    TOPIC_HEDGE,
    TOPIC_RISK,
    TOPIC_RISK_VALUE,
    TOPIC_INCIDENT,
    TOPIC_MARKOUT,
    TOPIC_ASSESSMENT,
    TOPIC_FILL_FEATURES,
    TOPIC_FILL_RISK,
    TOPIC_ALERT,
    TOPIC_OPPORTUNITY,
    TOPIC_CONTROL,
    TOPIC_FUNDING,
)

# Timers of one instant fire in the order of their names: what the others publish then is flushed with it.
_FLUSH_TIMER: Final = "zz_recorder_flush"


class RecorderSettings(Settings):
    """Where and how often the run log is written."""

    run_dir: Path = Field(description="Folder of the run; the log goes to its sub-folder log, which must be empty.")
    flush_rows: int = Field(default=10_000, ge=1, description="Messages of one kind kept in memory before a write.")
    flush_interval_s: float | None = Field(
        default=None,
        gt=0,
        description="Also write every so many seconds of the engine's clock (live: how much a crash may cost).",
    )


class RecorderConfig(TypedActorConfig):
    """Config of `Recorder`: the engine's fields and `RecorderSettings`."""

    settings: RecorderSettings


class Recorder(GuardedActor):
    """Records every message of `mm_nautilus.messages` that is published, and each incident in a file of its own.

    ``incident-<n>.json`` is whole after every entry, so that it is there to be read when nothing else is.

    The engine stops actors before strategies, so what strategies say on their way out (their last
    cancels) comes after this actor's own stop. The log therefore stays open until `close`, which the
    run script calls when the run has returned; disposing of the node calls it too. A process that
    dies before leaves a log that is readable up to its last flush.

    Parameters
    ----------
    config : RecorderConfig
        Where and how often to write.

    """

    def __init__(self, config: RecorderConfig) -> None:
        super().__init__(config)
        self._settings = config.settings
        self._writer: RunLogWriter | None = None

    def on_start(self) -> None:
        """Open the log and subscribe to every topic of `mm_nautilus.messages`."""
        writer = self._writer = RunLogWriter(self._settings.run_dir, self._settings.flush_rows)
        append = self.guard(writer.append)
        for topic in TOPICS:
            self.subscribe_topic(topic, append)
        incidents: Callable[[Any], None] = IncidentFiles(self._settings.run_dir).append
        self.subscribe_topic(TOPIC_INCIDENT, self.guard(incidents))
        if self._settings.flush_interval_s is not None:
            interval_ns = round(self._settings.flush_interval_s * 1e9)
            self.clock.set_timer_ns(_FLUSH_TIMER, interval_ns, callback=self.guard(self._on_flush_timer))

    def on_stop(self) -> None:
        """Write what is in memory; the log stays open for what strategies say when they stop."""
        if _FLUSH_TIMER in self.clock.timer_names():
            self.clock.cancel_timer(_FLUSH_TIMER)
        if self._writer is not None:
            self._writer.flush()

    def on_dispose(self) -> None:
        """Close the log if the run script has not done so."""
        self.close()

    def close(self) -> None:
        """Write the rest and compact the log into one file per table; calling it again does nothing."""
        if self._writer is not None:
            self._writer.close()

    def _on_flush_timer(self, _event: TimeEvent) -> None:
        if self._writer is not None:
            self._writer.flush()
