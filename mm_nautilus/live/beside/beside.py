"""All that runs beside one node, from the checks before the run to its end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from copy import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from nautilus_trader.live import LiveNode

from mm_nautilus.actors import RiskMonitor
from mm_nautilus.backtest.facts import position_limits
from mm_nautilus.errors import ConfigError, ParameterError
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.host.webhook import Webhook
from mm_nautilus.live.beside.address import Address, address_of, listening_socket
from mm_nautilus.live.beside.alerts import Alarm, AlarmConfig
from mm_nautilus.live.beside.measures import Measures
from mm_nautilus.live.beside.operator import Operator, OperatorConfig
from mm_nautilus.live.beside.process import ServerProcess
from mm_nautilus.live.beside.stopwatch import Stopwatch, timed
from mm_nautilus.live.beside.surface import NodeSurface
from mm_nautilus.live.beside.token import check_token, given_token, made_token
from mm_nautilus.live.components import Components
from mm_nautilus.live.monitor.board import Board
from mm_nautilus.live.monitor.of_run import board_of_run
from mm_nautilus.live.settings import LiveRun
from mm_nautilus.live_settings.beside import LogFileSettings
from mm_nautilus.risk.settings import BurstRule, LatencyRule, RejectRule, RiskSettings, Rule

LOGS: Final = "logs"
"""Folder of the log files in the run folder."""
# Carries the operator's orders out, and watches nothing.
_ORDERS_ALONE: Final = RiskSettings(
    stale_feed=Rule(enabled=False),
    unfit_book=Rule(enabled=False),
    latency=LatencyRule(enabled=False),
    rejects=RejectRule(enabled=False),
    cancel_rejects=BurstRule(enabled=False),
    hedge_alarms=BurstRule(enabled=False),
)


class Beside:
    """Server, operator and alarm of one run; each is there only where the run file asks for it.

    Parameters
    ----------
    run : LiveRun
        The run.
    mode : str
        ``replay``, ``paper`` or ``real``.

    Raises
    ------
    UserError
        Before anything is started: for a port in use, a missing extra, a host beyond loopback without a token, or an
        environment variable that is not set.

    """

    def __init__(self, run: LiveRun, mode: str) -> None:
        self._run, self._mode = run, mode
        self._settings = settings = run.live.monitor
        self._watch = Stopwatch()
        limits = position_limits(run.loaded.strategy_config.settings)
        self._measures = Measures({name: limit for name, limit in limits.items() if limit is not None})
        self._server: ServerProcess | None = None
        self._operator: Operator | None = None
        self._alarm: Alarm | None = None
        self._address: Address | None = None
        self._folder: Path | None = None
        self._secret: Path | None = None
        check_token(run.loaded.path, settings)
        self._token = given_token(settings) if settings.on else ""
        self._webhook = _webhook(run)
        self._listening: socket.socket | None = None
        if settings.on:
            try:
                self._listening = listening_socket(run.loaded.path, settings)
            except ConfigError:
                self._close_webhook()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def loaded(self) -> LoadedRun:
        """Return the run, with a risk monitor to carry the operator's orders out where it has none of its own."""
        loaded = self._run.loaded
        if not self._settings.control or loaded.run_file.risk is not None:
            return loaded
        return replace(loaded, run_file=loaded.run_file.model_copy(update={"risk": _ORDERS_ALONE}))

    def timed[T](self, kind: type[T]) -> type[T]:
        """Return a component's class with a stopwatch, where somebody reads it."""
        return timed(kind, self._watch) if self._settings.on else kind

    @property
    def url(self) -> str:
        """Return where the page is; empty where there is none."""
        return "" if self._address is None else self._address.url

    def begin(self, folder: Path, parts: Components, now_ns: Callable[[], int] | None = None) -> None:
        """Start the server and make the actors.

        Parameters
        ----------
        folder : Path
            The run folder.
        parts : Components
            What runs on the node.
        now_ns : callable or None
            The clock of the run, where it is not the node's own.

        """
        self._folder = folder
        run_file = self._run.loaded.run_file
        if self._listening is not None:
            self._begin_server(folder, self._listening, parts, now_ns)
        if self._webhook is not None:
            incidents = run_file.risk is None or run_file.risk.webhook is None
            repeat_s = self._run.live.alerts.repeat_after_s
            self._alarm = Alarm(AlarmConfig(self._webhook, run_file.run.name, repeat_s, incidents, self._undelivered))

    def _begin_server(
        self, folder: Path, listening: socket.socket, parts: Components, now_ns: Callable[[], int] | None
    ) -> None:
        settings = self._settings
        if settings.control and not self._token:
            self._token, self._secret = made_token(folder)
        self._address = address_of(settings, listening)
        self._address.write(folder)
        self._listening = None
        hello = self._hello(folder)
        logs = Path(hello["log"]["folder"])
        logs.mkdir(exist_ok=True)
        self._server = ServerProcess(listening, hello, logs / "server.err")
        self._server.start(time.monotonic())
        risk = next((one for one in parts.watchers if isinstance(one, RiskMonitor)), None)
        self._operator = Operator(
            OperatorConfig(
                self._server,
                NodeSurface(parts.strategy, risk),
                self._measures,
                self._watch,
                self._board,
                now_ns,
                settings.push_ms,
                tuple(self._venues()) if self._mode == "replay" else (),
            )
        )

    def join(self, node: LiveNode) -> None:
        """Add the actors to a node."""
        for actor in (self._operator, self._alarm):
            if actor is not None:
                node.add_actor(actor)

    @property
    def failure(self) -> BaseException | None:
        """Return what the first failed handler raised."""
        actors = (self._operator, self._alarm)
        return next((actor.fatal for actor in actors if actor is not None and actor.fatal is not None), None)

    def ending(self) -> None:
        """Say that the session is on its way out: the operator can no longer let it quote."""
        if self._operator is not None:
            self._operator.room.ending = True

    def close(self) -> None:
        """Let go of the server, and wait a little for alerts that are under way."""
        if self._server is not None:
            self._server.close()
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        if self._alarm is not None:
            self._alarm.close()
            self._webhook = None
        self._close_webhook()
        if self._folder is not None:
            Address.remove(self._folder)
        if self._secret is not None:
            with suppress(OSError):
                self._secret.unlink()

    def _close_webhook(self) -> None:
        if self._webhook is not None:
            self._webhook.close()
            self._webhook = None

    def _hello(self, folder: Path) -> dict[str, Any]:
        settings = self._settings
        return {
            "run": self._run.loaded.run_file.run.name,
            "mode": self._mode,
            "token": self._token,
            "control": settings.control,
            "loopback": settings.is_loopback,
            "commands_per_minute": settings.commands_per_minute,
            "answer_within_s": settings.answer_within_s,
            "push_ms": settings.push_ms,
            "log": _place(folder, self._run.live.log),
        }

    def _venues(self) -> list[str]:
        return [section.name for section in self._run.loaded.run_file.venues]

    def _board(self, cache: Any) -> Board:
        return board_of_run(self._run.loaded, self._mode, cache)

    def _undelivered(self, _delivery: Any) -> None:
        self._measures.errors["webhook"] += 1


def _place(folder: Path, settings: LogFileSettings) -> dict[str, Any]:
    return {
        "folder": str((folder / LOGS).resolve()),
        "max_bytes": settings.max_mb * 1_000_000,
        "backups": settings.backups,
    }


def _webhook(run: LiveRun) -> Webhook | None:
    settings = run.live.alerts.webhook
    if settings is None:
        return None
    try:
        return Webhook(settings)
    except ParameterError as error:
        field = "webhook_env" if error.field.endswith("url_env") else "token_env"
        words = f"live.alerts.{field}: {error.found!r} should be {error.allowed}"
        raise ConfigError(run.loaded.path, [words]) from None
