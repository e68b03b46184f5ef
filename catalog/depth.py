"""Binance's rule for a local order book, as a state machine over update ids.

Source: Binance API documentation, "How to manage a local order book correctly" (spot: update ids of one
symbol are contiguous, ``U == previous u + 1``; futures: ids are shared by all symbols and every update
names its predecessor, ``pu == previous u``). Updates that arrive before the snapshot are buffered; those the
snapshot already contains are dropped; the first one applied must cover the snapshot's id. Applying the
snapshot without the buffer, or the buffer without dropping, leaves a crossed book.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

type Levels = list[list[str]]

BUFFER: Final = 20_000
"""Updates kept while there is no snapshot; older ones are older than any snapshot still to come."""


class BookEventKind(Enum):
    """What a book event asks for."""

    UPDATE = "update"
    SNAPSHOT = "snapshot"
    CLEAR = "clear"


class BookEvent(NamedTuple):
    """One thing to do to the book, in the order and at the time it can be known.

    ``first_id`` and ``last_id`` are ``U`` and ``u`` (both ``lastUpdateId`` for a snapshot),
    ``previous_id`` is ``pu``, None on spot. Times are nanoseconds since 1970 UTC.
    """

    kind: BookEventKind
    first_id: int
    last_id: int
    previous_id: int | None
    event_ns: int
    arrival_ns: int
    bids: Levels
    asks: Levels

    def follows(self, last_id: int) -> bool:
        """Return whether nothing is missing between ``last_id`` and this update."""
        return (self.first_id - 1 if self.previous_id is None else self.previous_id) == last_id

    def covers(self, snapshot_id: int) -> bool:
        """Return whether this can be the first update on top of a snapshot."""
        before = self.first_id - 1 if self.previous_id is None else self.previous_id
        return before <= snapshot_id <= self.last_id


@dataclass(slots=True)
class Counts:
    """What the rule did to the updates of one book."""

    in_snapshot: int = 0
    """Dropped because the snapshot contains them."""
    without_book: int = 0
    """Dropped because no snapshot ever made sense of them."""
    gaps: int = 0
    first_gap_ns: int = 0
    unusable_snapshots: int = 0
    """Snapshots that no update in the buffer connects to."""
    spare_snapshots: int = 0
    """Snapshots of a book that was in step already."""


class Synchroniser:
    """Turn raw updates and snapshots into the events that rebuild the book."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._last_id: int | None = None
        self._fresh = False
        self._buffer: deque[BookEvent] = deque()

    @property
    def in_step(self) -> bool:
        """Whether there is a book and no update of it is missing."""
        return self._last_id is not None

    @property
    def waiting(self) -> tuple[int, int] | None:
        """Ids the buffer spans while a snapshot is awaited."""
        return None if self.in_step or not self._buffer else (self._buffer[0].first_id, self._buffer[-1].last_id)

    def update(self, update: BookEvent) -> list[BookEvent]:
        """Take an update; return what becomes applicable."""
        last_id = self._last_id
        if last_id is None:
            self._hold(update)
            return []
        if self._fresh and self._contained(update, last_id):
            self.counts.in_snapshot += 1
            return []
        if not (update.covers(last_id) if self._fresh else update.follows(last_id)):
            return self._lose(update)
        self._fresh = False
        self._last_id = update.last_id
        return [update]

    def snapshot(self, snapshot: BookEvent) -> list[BookEvent]:
        """Take a snapshot; return it and the buffered updates on top of it, all knowable only now."""
        if self.in_step:
            self.counts.spare_snapshots += 1
            return []
        later = [update for update in self._buffer if not self._contained(update, snapshot.last_id)]
        if later and not later[0].covers(snapshot.last_id):
            self.counts.unusable_snapshots += 1
            return []
        self.counts.in_snapshot += len(self._buffer) - len(later)
        self._buffer.clear()
        self._last_id, self._fresh = snapshot.last_id, True
        if later:  # it carries no exchange time, but cannot be younger than the first update on top of it
            snapshot = snapshot._replace(event_ns=min(snapshot.event_ns, later[0].event_ns))
        events = [snapshot]
        for update in later:
            events += self.update(update._replace(arrival_ns=snapshot.arrival_ns))
        return events

    def close(self) -> None:
        """Account for what is still in the buffer when the capture ends."""
        self.counts.without_book += len(self._buffer)
        self._buffer.clear()

    @staticmethod
    def _contained(update: BookEvent, snapshot_id: int) -> bool:
        # Futures keep an update that ends exactly at the snapshot: its successor names it as predecessor.
        return update.last_id < snapshot_id + (update.previous_id is None)

    def _hold(self, update: BookEvent) -> None:
        if self._buffer and not update.follows(self._buffer[-1].last_id):
            # A snapshot could only connect to what follows the hole.
            self.counts.gaps += 1
            self.counts.first_gap_ns = self.counts.first_gap_ns or update.event_ns
            self.close()
        if len(self._buffer) == BUFFER:
            self._buffer.popleft()
            self.counts.without_book += 1
        self._buffer.append(update)

    def _lose(self, update: BookEvent) -> list[BookEvent]:
        self.counts.gaps += 1
        self.counts.first_gap_ns = self.counts.first_gap_ns or update.event_ns
        self._last_id = None
        self._buffer.append(update)
        return [update._replace(kind=BookEventKind.CLEAR, bids=[], asks=[])]
