"""The node's side of what runs beside it: feeds the page and the measures, and carries the operator's commands out.

It decides nothing. Its timers run on the node's own clock in every mode, also where a replay's components live on the
market's; what goes wrong in showing is counted and said, and trading goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from nautilus_trader.common import SocketState, SocketStateChanged, TimeEvent

from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.live.beside.commands import ControlRoom
from mm_nautilus.live.beside.frames import Kind
from mm_nautilus.live.beside.measures import Measures
from mm_nautilus.live.beside.process import ServerProcess, Told
from mm_nautilus.live.beside.stopwatch import Stopwatch
from mm_nautilus.live.beside.surface import NodeSurface
from mm_nautilus.live.monitor.board import Board
from mm_nautilus.messages import (
    TOPIC_ALERT,
    TOPIC_CONTROL,
    TOPIC_DECISION,
    TOPIC_FILL,
    TOPIC_INCIDENT,
    TOPIC_MARK,
    TOPIC_ORDER,
    TOPIC_RISK,
    TOPIC_RISK_VALUE,
    AlertFact,
    ControlFact,
    OrderFact,
)

_POLL_TIMER: Final = "90_operator_poll"
_PUSH_TIMER: Final = "91_operator_push"
_POLL_NS: Final = 100_000_000
_UNWATCHED_S: Final = 2.0
"""Nobody looks: a snapshot this often is enough for who comes next."""
_COMMANDED: Final = frozenset({"SUBMIT", "AMEND", "CANCEL"})


@dataclass(frozen=True, slots=True)
class OperatorConfig:
    """What an operator is given."""

    server: ServerProcess
    surface: NodeSurface
    measures: Measures
    watch: Stopwatch
    board_of: Callable[[Any], Board]
    """Makes the board from the engine's cache, once the instruments are known."""
    now_ns: Callable[[], int] | None
    """The clock of the run, where it is not the node's own."""
    push_ms: int
    connected: tuple[str, ...] = ()
    """Venues that are there without a socket: the simulated ones."""
    actor_id: str = "Operator-001"


@dataclass(slots=True)
class _Sockets:
    """Which sockets of which venue are connected."""

    states: dict[str, dict[str, bool]] = field(default_factory=dict)

    def take(self, venue: str, endpoint: str, *, up: bool) -> bool:
        """Note a socket's state; return whether all of the venue's are connected."""
        sockets = self.states.setdefault(venue, {})
        sockets[endpoint] = up
        return all(sockets.values())


class Operator(GuardedActor):
    """See the module.

    Parameters
    ----------
    config : OperatorConfig
        What it works with.

    """

    def __init__(self, config: OperatorConfig) -> None:
        super().__init__(config)
        self._parts = config
        self._server = config.server
        self._measures = config.measures
        self._watch = config.watch
        self._board: Board | None = None
        self.room = ControlRoom(config.surface, self._controlled)
        self._sockets = _Sockets()
        self._began_s = time.monotonic()
        self._pushed_s = 0.0
        self._watched = True
        self._refused: dict[str, int] = {}
        self._up: dict[str, bool] = {}

    def now_ns(self) -> int:
        """Return the instant on the clock of the run, in nanoseconds since 1970."""
        now_ns: int = self.clock.timestamp_ns() if self._parts.now_ns is None else self._parts.now_ns()
        return now_ns

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Subscribe to all that is said, and start to push and to poll."""
        measures = self._measures
        self._showing("board", lambda: setattr(self, "_board", self._parts.board_of(self.cache)))
        shown = {} if self._board is None else dict(self._board.handlers)
        measured: dict[str, Callable[[Any], None]] = {
            TOPIC_DECISION: measures.decided,
            TOPIC_ORDER: self._ordered,
            TOPIC_FILL: measures.filled,
            TOPIC_MARK: measures.marked,
            TOPIC_RISK: measures.restrained,
            TOPIC_RISK_VALUE: measures.measured,
            TOPIC_ALERT: measures.alerted,
            TOPIC_INCIDENT: measures.happened,
            TOPIC_CONTROL: measures.controlled,
        }
        for topic in dict.fromkeys((*shown, *measured)):
            self.subscribe_topic(topic, self._taken(shown.get(topic), measured.get(topic)))
        for venue in self._parts.connected:
            self._connection(venue, up=True)
        if not self._parts.connected:
            self.subscribe_socket_state()
        self.clock.set_timer_ns(_POLL_TIMER, _POLL_NS, callback=self.guard(self._on_poll))
        self.clock.set_timer_ns(_PUSH_TIMER, self._parts.push_ms * 1_000_000, callback=self.guard(self._on_push))

    def on_stop(self) -> None:
        """Push what holds at the end; nothing is polled from here on."""
        for name in {_POLL_TIMER, _PUSH_TIMER} & set(self.clock.timer_names()):
            self.clock.cancel_timer(name)
        self._push()

    # ----------------------------------------------------------------- hears

    def _taken(
        self, show: Callable[[Any], None] | None, measure: Callable[[Any], None] | None
    ) -> Callable[[Any], None]:
        """Return a handler of one topic that never raises: it is called in the middle of what others do."""

        def taken(message: Any) -> None:
            try:
                if measure is not None:
                    measure(message)
                if show is not None:
                    show(message)
            except Exception as error:
                self._troubled("board", error)

        return taken

    def _ordered(self, fact: OrderFact) -> None:
        self._measures.ordered(fact, self.now_ns())
        if fact.event in _COMMANDED and (elapsed_s := self._watch.elapsed_s()) is not None:
            self._measures.tick_to_order.take(elapsed_s)
            if self._board is not None:
                self._board.latency("tick to order", elapsed_s)

    def on_socket_state(self, event: SocketStateChanged) -> None:
        """Take that a connection came or went."""
        venue = str(event.venue or event.client_id)
        up = event.state == SocketState.CONNECTED
        self._connection(venue, up=self._sockets.take(venue, f"{event.client_id} {event.endpoint}", up=up))

    def _connection(self, venue: str, *, up: bool) -> None:
        before = self._up.get(venue)
        self._up[venue] = self._measures.venues[venue] = up
        if self._board is not None:
            self._board.connection(venue, up, time.time_ns())
        if before is not None and before is not up:
            self.alert("connection", f"{venue}: {'connected again' if up else 'connection lost'}")

    # ----------------------------------------------------------------- tells

    def alert(self, source: str, text: str) -> None:
        """Say something that a person should look at."""
        self.log.warning(f"{source}: {text}")
        self.publish_message(TOPIC_ALERT, AlertFact(self.now_ns(), "", "", source, text))

    def _controlled(self, fact: ControlFact) -> None:
        words = f"{fact.command} {fact.subject}".strip() + f" by {fact.who}: {fact.outcome} ({fact.answer})"
        (self.log.info if fact.command == "status" else self.log.warning)(f"control: {words}")
        self.publish_message(TOPIC_CONTROL, fact)

    def _on_poll(self, _event: TimeEvent) -> None:
        self._showing("operator", self._poll)

    def _poll(self) -> None:
        server = self._server
        told = server.look(time.monotonic())
        if told.trouble:
            self._measures.errors["server"] += 1
            self._refused = {}  # the next server counts from the start
            self.alert("server", f"{told.trouble}; it is started again, trading goes on")
        if told.watched is not None:
            self._watched = told.watched
        if told.looked_at is not None and self._board is not None:
            self._board.focus(told.looked_at)
        for words in told.commands:
            answer = self.room.take(words, self.now_ns(), time.time_ns())
            server.answer(answer | {"request": words["request"]})
        self._refusals(told)

    def _refusals(self, told: Told) -> None:
        if not told.refused or told.refused == self._refused:
            return
        more = {why: count - self._refused.get(why, 0) for why, count in told.refused.items()}
        self._refused = dict(told.refused)
        counted = dict(self._measures.refused)
        for why, count in more.items():
            counted[why] = counted.get(why, 0) + count
        self._measures.refused = counted
        said = ", ".join(f"{count} by {why}" for why, count in more.items() if count)
        if said:
            self.alert("control", f"attempts refused: {said}; the last from {told.last_refused}")

    def _on_push(self, _event: TimeEvent) -> None:
        now_s = time.monotonic()
        if self._watched or now_s - self._pushed_s >= _UNWATCHED_S:
            self._push()

    def _push(self) -> None:
        self._pushed_s = now_s = time.monotonic()
        server, board = self._server, self._board
        beside = {"dropped": server.dropped, "starts": server.starts, "uptime_s": now_s - self._began_s}

        def measured() -> None:
            server.offer(Kind.MEASURES, orjson.dumps(self._measures.families(self.now_ns(), beside)))

        self._showing("measures", measured)

        def shown() -> None:
            if board is not None:
                board.standing = self._parts.surface.standing
                server.offer(Kind.SNAPSHOT, board.snapshot(time.time_ns()))

        self._showing("board", shown)

    def _showing(self, source: str, act: Callable[[], Any]) -> None:
        try:
            act()
        except Exception as error:
            self._troubled(source, error)

    def _troubled(self, source: str, error: Exception) -> None:
        """Count what went wrong in showing, and say so the first time."""
        self._measures.errors[source] += 1
        if self._measures.errors[source] == 1:
            self.alert(source, f"{type(error).__name__}: {error}; what is shown may be incomplete, trading goes on")
