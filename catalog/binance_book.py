"""From synchronised Binance book events to delta tables, each held until the trades it reflects are in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from operator import itemgetter

import numpy as np
import pyarrow as pa

from mm_nautilus.catalog.clean import Columns
from mm_nautilus.catalog.columns import F_LAST, F_SNAPSHOT, Action, BookSide, delta_table
from mm_nautilus.catalog.depth import BookEvent, BookEventKind, Synchroniser
from mm_nautilus.catalog.exact import IntColumn, mantissas, texts
from mm_nautilus.catalog.instruments import Definition
from mm_nautilus.catalog.reading import Reading
from mm_nautilus.catalog.spec import BinanceSpec
from mm_nautilus.catalog.stamps import utc_text
from mm_nautilus.errors import DataError

_EMPTY = np.empty(0, dtype=np.int64)


class BookBuilder:
    """The book of one symbol on its way to delta tables.

    Parameters
    ----------
    definition : Definition
        The instrument.
    spec : BinanceSpec
        Clocks and the window for late trades.
    reading : Reading
        Policies, and where defects are counted.

    """

    def __init__(self, definition: Definition, spec: BinanceSpec, reading: Reading) -> None:
        self._definition = definition
        self._reading = reading
        self._cleaner = reading.cleaner(definition, "deltas")
        self._exchange_clock = spec.ts_init == "exchange"
        self._window_ns = round(spec.trade_window_ms * 1e6)
        self._stop_at_gaps = reading.policies.sequence_gap == "error"
        self._synchroniser = Synchroniser()
        self._pending: list[BookEvent] = []
        self._trade_event, self._trade_arrival = _EMPTY, _EMPTY
        self._released_event_ns = -(2**62)
        self._released_arrival_ns = -(2**62)

    def update(self, update: BookEvent) -> None:
        """Take a diff-depth update."""
        events = self._synchroniser.update(update)
        self._pending += events
        if self._stop_at_gaps and events and events[0].kind is BookEventKind.CLEAR:
            raise DataError(
                f"{self._definition.id}: book updates are missing before update {update.first_id}..{update.last_id} at "
                f'{utc_text(update.event_ns)}; to clear the book there: policies.sequence_gap = "clear"'
            )

    def snapshot(self, snapshot: BookEvent) -> None:
        """Take a REST depth snapshot."""
        self._pending += self._synchroniser.snapshot(snapshot)

    @property
    def waiting(self) -> tuple[int, int] | None:
        """Update ids buffered while a snapshot is awaited."""
        return self._synchroniser.waiting

    def trades_seen(self, event_ns: IntColumn, arrival_ns: IntColumn) -> None:
        """Tell the book which trades arrived since the last flush."""
        late = int(np.count_nonzero(event_ns <= self._released_event_ns))
        self._note("trade later than the window allows", late, "kept, after the book update that reflects it")
        self._trade_event = np.concatenate([self._trade_event, event_ns])
        self._trade_arrival = np.concatenate([self._trade_arrival, arrival_ns])

    def flush(self, now_ns: int, *, final: bool) -> Iterator[pa.Table]:
        """Yield deltas of the events no trade can still overtake.

        Parameters
        ----------
        now_ns : int
            Latest arrival seen.
        final : bool
            Whether nothing more will come.

        """
        if not self._pending:
            return
        arrival = np.array([pending.arrival_ns for pending in self._pending], dtype=np.int64)
        ordered = np.maximum.accumulate(np.maximum(arrival, self._released_arrival_ns))
        ready = len(arrival) if final else int(np.searchsorted(ordered, now_ns - self._window_ns, side="right"))
        if not ready:
            return
        event = np.array([pending.event_ns for pending in self._pending], dtype=np.int64)
        back = np.diff(arrival[:ready], prepend=arrival[0]) < 0
        self._cleaner.apply(
            {"ts_event": event[:ready]}, "arrival time before its predecessor's", back, "backwards_time"
        )
        event = np.maximum.accumulate(np.maximum(event, self._released_event_ns))
        delayed = self._after_their_trades(event, ordered)[:ready]
        waited = int(np.count_nonzero(delayed > ordered[:ready]))
        self._note("book update before a trade it reflects", waited, "delayed to the trade's arrival")
        events, self._pending = self._pending[:ready], self._pending[ready:]
        self._released_event_ns, self._released_arrival_ns = int(event[ready - 1]), int(delayed[-1])
        recent = self._trade_event > self._released_event_ns
        self._trade_event, self._trade_arrival = self._trade_event[recent], self._trade_arrival[recent]
        yield self._deltas(events, event[:ready], delayed)

    def close(self) -> None:
        """Report what the rule did, once the capture is over."""
        synchroniser = self._synchroniser
        synchroniser.close()
        counts = synchroniser.counts
        when = utc_text(counts.first_gap_ns) if counts.gaps else ""
        self._note("sequence gap", counts.gaps, "book cleared until the next snapshot", when)
        self._note("update contained in the snapshot", counts.in_snapshot, "dropped, as the venue's rule says")
        self._note("update without a book to apply it to", counts.without_book, "dropped")
        self._note("snapshot that connects to no update", counts.unusable_snapshots, "ignored")
        self._note("snapshot of a book already in step", counts.spare_snapshots, "not needed")

    def _after_their_trades(self, event: IntColumn, arrival: IntColumn) -> IntColumn:
        """Return arrival times no earlier than those of the trades each update is the first to reflect."""
        delayed = arrival.copy()
        first = np.searchsorted(event, self._trade_event, side="left")
        inside = first < len(event)
        first, late = first[inside], self._trade_arrival[inside]
        wait = late - arrival[first]
        matters = (wait > 0) & (wait <= self._window_ns)
        np.maximum.at(delayed, first[matters], late[matters])
        latest: IntColumn = np.maximum.accumulate(delayed)
        return latest

    def _deltas(self, events: list[BookEvent], event_ns: IntColumn, arrival_ns: IntColumn) -> pa.Table:
        """Return the deltas of events: in each a CLEAR first, then what disappears, then what is there now."""
        levels = self._levels(events)
        opens = np.flatnonzero([event.kind is not BookEventKind.UPDATE for event in events])
        blank = np.zeros(len(opens), dtype=np.int64)
        index, side, price, size = (
            np.concatenate([clear, levels[name]])
            for name, clear in (("index", opens), ("side", blank), ("price", blank), ("size", blank))
        )
        snapshot = np.array([event.kind is BookEventKind.SNAPSHOT for event in events], dtype=np.bool_)[index]
        action = np.where(snapshot, int(Action.ADD), np.where(size == 0, int(Action.DELETE), int(Action.UPDATE)))
        action[: len(opens)] = int(Action.CLEAR)
        rank = np.select([action == Action.CLEAR, action == Action.DELETE], [0, 1], 2)
        order = np.lexsort((rank, index))
        index = index[order]
        last = np.diff(index, append=-1) != 0
        return delta_table(
            self._definition.id,
            *self._definition.precisions,
            action=action[order],
            side=side[order],
            price=price[order],
            size=size[order],
            order_id=np.zeros(len(index), dtype=np.uint64),
            flags=F_SNAPSHOT * snapshot[order] + F_LAST * last,
            sequence=np.array([event.last_id for event in events], dtype=np.uint64)[index],
            ts_event=np.array([event.event_ns for event in events], dtype=np.int64)[index],
            ts_init=(event_ns if self._exchange_clock else arrival_ns)[index],
        )

    def _levels(self, events: list[BookEvent]) -> Columns:
        """Return the levels of all events as columns: index of the event, side, price and size mantissas."""
        flat = list(chain.from_iterable(chain.from_iterable((event.bids, event.asks) for event in events)))
        shape = [count for event in events for count in (len(event.bids), len(event.asks))]
        sides = np.tile([int(BookSide.BUY), int(BookSide.SELL)], len(events))
        index = np.repeat(np.arange(len(events)), np.reshape(shape, (-1, 2)).sum(axis=1))
        price, no_price, cut_price = mantissas(texts(list(map(itemgetter(0), flat))), self._definition.precisions[0])
        size, no_size, cut_size = mantissas(texts(list(map(itemgetter(1), flat))), self._definition.precisions[1])
        columns: Columns = {
            "index": index,
            "side": np.repeat(sides, shape),
            "price": price,
            "size": size,
            "ts_event": np.array([event.event_ns for event in events], dtype=np.int64)[index],
            "unparsable": no_price | no_size,
            "inexact_price": cut_price,
            "inexact_size": cut_size,
        }
        return self._cleaner.parsed(columns)

    def _note(self, defect: str, count: int, action: str, first: str = "") -> None:
        self._reading.quality.note(self._definition.id, "deltas", defect, count, action, first)
