"""What runs on a node beside the engine: the strategy, who watches it, and the recorder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nautilus_trader.live import LiveNode

from mm_nautilus.actors import Recorder, RecorderConfig
from mm_nautilus.backtest.watching import watchers
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.host.guard import Guarded, GuardedActor, GuardedStrategy
from mm_nautilus.host.loading import LoadedRun

type AsRun = Callable[[type[Any]], type[Any]]
"""Turns a component's class into the one that is run."""


@dataclass(frozen=True, slots=True)
class Components:
    """The components of one run."""

    strategy: GuardedStrategy
    watchers: tuple[GuardedActor, ...]
    recorder: Recorder

    @classmethod
    def of(
        cls,
        loaded: LoadedRun,
        config: TypedStrategyConfig,
        run_dir: Path,
        flush_every_s: float | None,
        as_run: AsRun = lambda kind: kind,
    ) -> Components:
        """Return the components of a run.

        Parameters
        ----------
        loaded : LoadedRun
            The run.
        config : TypedStrategyConfig
            The strategy's.
        run_dir : Path
            Where the log goes.
        flush_every_s : float or None
            Seconds between two writes of the log.
        as_run : callable
            Turns a component's class into the one that is run.

        """
        recording = RecorderConfig(
            actor_id="Recorder-001",
            run_dir=str(run_dir),
            flush_rows=loaded.run_file.recorder.flush_rows,
            flush_interval_s=flush_every_s,
        )
        told = "at_stop" if flush_every_s is None else "as_they_come"  # a replay's clock knows nothing of the network's
        watching = tuple(as_run(type(watcher))(watcher.config) for watcher in watchers(loaded, told))
        return cls(as_run(loaded.strategy_type)(config), watching, as_run(Recorder)(recording))

    def join(self, node: LiveNode) -> None:
        """Add them to a node."""
        for actor in (self.recorder, *self.watchers):
            node.add_actor(actor)
        node.add_strategy(self.strategy)

    @property
    def failure(self) -> BaseException | None:
        """Return what the first failed handler raised."""
        parts: tuple[Guarded, ...] = (self.strategy, *self.watchers, self.recorder)
        return next((part.fatal for part in parts if part.fatal is not None), None)
