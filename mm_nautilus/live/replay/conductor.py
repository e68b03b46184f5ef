"""Goes through the market event by event, each only when all that followed from the one before is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nautilus_trader.common import DataActor
from nautilus_trader.model import ClientId, QuoteTick

from mm_nautilus.host.loading import BookKind
from mm_nautilus.live.listener import listen
from mm_nautilus.live.replay.client import BARRIER_ID, ReplayFeed
from mm_nautilus.live.replay.staging import Stage

_PATIENCE_S = 0.001
"""What is due within a millisecond is done now: the wall's timers are no finer."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a conductor plays."""

    stage: Stage
    """What the components share."""
    feed: ReplayFeed
    """Where records go in."""
    events: Iterator[Any]
    """The market, by arrival."""
    books: Mapping[str, BookKind]
    """What is replayed: kind of book by instrument."""
    speed: float | None
    """Seconds of the market per second of ours; ``None`` for as fast as it goes."""
    ended: Callable[[BaseException | None], None]
    """Called once, when the stream has ended or something failed; takes the failure."""
    actor_id: str = "Conductor-001"


class Conductor(DataActor):
    """Subscribes to everything, so that the venue sees all of it, and puts the stream into the node.

    One step at a barrier: deliver the record that the venue has worked off; then fire timers until the next record is
    due (a record at equal times), and put that in. A barrier is put behind it, or behind the first command that was
    sent on the way: a timer that sends nothing leaves nothing in the node to wait for.

    Parameters
    ----------
    score : Score
        What to play.

    """

    def __init__(self, score: Score) -> None:
        super().__init__(score)
        self._score = score
        self._stage = score.stage
        self._feed = score.feed
        self._ended = False
        self._next: Any = next(score.events, None)
        self._first_ns = 0 if self._next is None else self._next.ts_init
        self._stage.timeline.now_ns = self._first_ns  # components start at the first record
        self._began_s = 0.0
        self.records = 0
        """Records put into the node so far."""

    def on_start(self) -> None:
        """Subscribe to what is replayed, and to the barriers."""
        listen(self, self._score.books)
        self.subscribe_quotes(BARRIER_ID, client_id=ClientId(next(iter(self._score.books)).rpartition(".")[2]))

    def begin(self) -> None:
        """Start the stream, once the node runs."""
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._stage.running = True
        self._feed.put_barrier()

    def end(self, failure: BaseException | None = None) -> None:
        """Put nothing more into the node, and let commands pass at once from now on."""
        if not self._ended:
            self._ended = True
            self._stage.close()
            self._score.ended(failure)

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the next step when a barrier has come back."""
        if quote.instrument_id == BARRIER_ID and not self._ended:
            try:
                self._step()
            except BaseException as error:
                self.end(error)

    def _step(self) -> None:
        """Go on until something is in the node that has to be worked off first."""
        stage, timeline = self._stage, self._stage.timeline
        before = stage.commands
        stage.deliver()
        while stage.commands == before:  # what was sent arrives before anything else happens
            timer_ns, record = timeline.next_ns, self._next
            if record is None:
                self.end()
                return
            timer_first = timer_ns < record.ts_init
            if self._score.speed is not None:
                wait_s = self._ahead_s(self._score.speed, timer_ns if timer_first else record.ts_init)
                if wait_s > _PATIENCE_S:
                    self._loop.call_later(wait_s, self._feed.put_barrier)
                    return
            if timer_first:
                timeline.fire_next()
                continue
            timeline.now_ns = record.ts_init
            self._feed.put(record)
            self.records += 1
            self._next = next(self._score.events, None)
            break
        self._feed.put_barrier()

    def _ahead_s(self, speed: float, instant_ns: int) -> float:
        """Return how long an instant of the market still is away on the wall's clock."""
        due_s = self._began_s + (instant_ns - self._first_ns) / 1e9 / speed
        return due_s - self._loop.time()
