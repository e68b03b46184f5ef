"""What came in, what was wrong with it, and what was done about it.

`Quality` watches every table on its way into the catalogue and takes the readers' notes of what never got
that far. Its report is a JSON document stored beside the data, one per instrument, and a table on screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.catalog.columns import F_LAST, F_SNAPSHOT, Action, BookSide
from mm_nautilus.catalog.exact import IntColumn, Mask, from_engine
from mm_nautilus.catalog.replay import ReplayedBook
from mm_nautilus.catalog.stamps import utc_text

KIND_OF: Final = {"OrderBookDelta": "deltas", "TradeTick": "trades", "QuoteTick": "quotes"}
SOURCES: Final = ""
"""Stands for an instrument id in notes about files rather than instruments."""

_MAX_SPANS: Final = 1000
"""Crossed spans kept per instrument; a book that crosses more often is not a book."""


@dataclass(slots=True)
class Finding:
    """One defect: how often, what was done, and where it was first seen."""

    count: int
    action: str
    first: str


@dataclass(slots=True)
class Kind:
    """Running totals of one kind of data of one instrument, times in nanoseconds since 1970 UTC."""

    rows: int = 0
    events: int = 0
    snapshots: int = 0
    first_ns: int = 0
    last_ns: int = 0
    last_event_ns: int = 0
    longest_gap_ns: int = 0
    shortest_delay_ns: int = 2**62
    longest_delay_ns: int = -(2**62)


@dataclass(slots=True)
class _Book:
    """Replays the deltas of one instrument and merges consecutive crossed events into spans."""

    book: ReplayedBook = field(default_factory=ReplayedBook)
    spans: list[list[int]] = field(default_factory=list)
    """Crossed from, and uncrossed again at (or the last event of the data), nanoseconds since 1970 UTC."""
    crossed_now: bool = False
    not_listed: int = 0

    def end_span(self, at_ns: int) -> None:
        """Say when the span that is open ends, if it is listed."""
        if not self.not_listed:
            self.spans[-1][1] = at_ns


@dataclass(slots=True)
class Instrument:
    """Everything known about one instrument's data."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    book: _Book = field(default_factory=_Book)


class Quality:
    """Accumulate data quality over one ingest.

    Parameters
    ----------
    time_gap_s : float
        Silence longer than this, in seconds between two arrivals of one kind, is reported as a gap.

    """

    def __init__(self, time_gap_s: float) -> None:
        self._gap_ns = round(time_gap_s * 1e9)
        self.instruments: dict[str, Instrument] = {}

    def note(self, instrument_id: str, kind: str, defect: str, count: int, action: str, first: str = "") -> None:
        """Add ``count`` occurrences of a defect; ``first`` says where the first one is."""
        if count:
            findings = self.instruments.setdefault(instrument_id, Instrument()).findings
            finding = findings.setdefault((kind, defect), Finding(0, action, first))
            finding.count += int(count)

    def observe(self, table: pa.Table) -> None:
        """Take stock of a table that goes into the catalogue."""
        if table.num_rows == 0:
            return
        metadata = table.schema.metadata
        instrument_id, kind = metadata[b"instrument_id"].decode(), KIND_OF[metadata[b"type_name"].decode()]
        seen = self.instruments.setdefault(instrument_id, Instrument())
        totals = seen.kinds.setdefault(kind, Kind())
        arrival = table["ts_init"].cast(pa.int64()).to_numpy()
        exchange = table["ts_event"].cast(pa.int64()).to_numpy()
        if kind == "deltas":
            closes = self._observe_book(instrument_id, seen, table, arrival)
            totals.snapshots += snapshot_events(table)
            arrival, exchange = arrival[closes], exchange[closes]
        elif kind == "quotes":
            self._observe_quotes(instrument_id, table, arrival)
        else:
            unknown = pc.equal(table["aggressor_side"].cast(pa.string()), "NO_AGGRESSOR").to_numpy()
            self._flag(instrument_id, kind, "no aggressor", unknown, arrival)
        totals.rows += table.num_rows
        if len(arrival):
            self._observe_times(instrument_id, kind, totals, arrival, exchange)

    def _observe_times(
        self, instrument_id: str, kind: str, totals: Kind, arrival: IntColumn, exchange: IntColumn
    ) -> None:
        started = totals.events > 0
        before = totals.last_ns if started else arrival[0]
        silence = np.diff(arrival, prepend=before)
        self._flag(instrument_id, kind, f"time gap over {self._gap_ns / 1e9:g} s", silence > self._gap_ns, arrival)
        same = silence == 0
        same[0] &= started
        self._flag(instrument_id, kind, "same arrival time as the event before", same, arrival)
        back = np.diff(exchange, prepend=totals.last_event_ns if started else exchange[0]) < 0
        self._flag(instrument_id, kind, "exchange time before its predecessor's", back, arrival)
        delay = arrival - exchange
        self._flag(instrument_id, kind, "arrival before the exchange's own time", delay < 0, arrival)
        totals.first_ns = totals.first_ns if started else int(arrival[0])
        totals.last_ns, totals.last_event_ns = int(arrival[-1]), int(exchange[-1])
        totals.longest_gap_ns = max(totals.longest_gap_ns, int(silence.max()))
        totals.shortest_delay_ns = min(totals.shortest_delay_ns, int(delay.min()))
        totals.longest_delay_ns = max(totals.longest_delay_ns, int(delay.max()))
        totals.events += len(arrival)

    def _observe_quotes(self, instrument_id: str, table: pa.Table, arrival: IntColumn) -> None:
        bid, ask = table["bid_price"], table["ask_price"]
        self._flag(instrument_id, "quotes", "crossed", pc.greater(bid, ask).to_numpy(), arrival)
        self._flag(instrument_id, "quotes", "locked", pc.equal(bid, ask).to_numpy(), arrival)
        zero = pa.scalar(0, pa.decimal128(1, 0)).cast(bid.type)
        empty = pc.or_(pc.equal(table["bid_size"], zero), pc.equal(table["ask_size"], zero))
        self._flag(instrument_id, "quotes", "zero size", empty.to_numpy(), arrival)

    def _observe_book(self, instrument_id: str, seen: Instrument, table: pa.Table, arrival: IntColumn) -> Mask:
        """Replay the deltas, record crossed and locked states, and return which deltas close an event."""
        precision = {name: int(table.schema.metadata[f"{name}_precision".encode()]) for name in ("price", "size")}
        closes: Mask = (table["flags"].to_numpy() & F_LAST) != 0
        spreads = seen.book.book.apply(
            codes(table["action"], Action).tolist(),
            codes(table["side"], BookSide).tolist(),
            from_engine(table["price"], precision["price"]).tolist(),
            from_engine(table["size"], precision["size"]).tolist(),
            table["order_id"].to_numpy().tolist(),
            closes.tolist(),
        )
        found = np.array([1 if spread is None else (spread > 0) - (spread < 0) for spread in spreads], dtype=np.int8)
        times = arrival[closes]
        self._flag(instrument_id, "deltas", "crossed", found < 0, times)
        self._flag(instrument_id, "deltas", "locked", found == 0, times)
        one_sided = np.array([spread is None for spread in spreads], dtype=np.bool_)
        self._flag(instrument_id, "deltas", "one-sided or empty book", one_sided, times)
        self._merge_spans(seen.book, found < 0, times)
        return closes

    @staticmethod
    def _merge_spans(book: _Book, crossed: Mask, times: IntColumn) -> None:
        for index in np.flatnonzero(np.diff(np.concatenate([[book.crossed_now], crossed]).astype(np.int8))):
            at = int(times[index])
            if not crossed[index]:
                book.end_span(at)
            elif len(book.spans) < _MAX_SPANS:
                book.spans.append([at, at])
            else:
                book.not_listed += 1
        if len(crossed):
            book.crossed_now = bool(crossed[-1])
            if book.crossed_now:
                book.end_span(int(times[-1]))

    def _flag(self, instrument_id: str, kind: str, defect: str, where: Mask, times: IntColumn) -> None:
        count = int(np.count_nonzero(where))
        if count:
            self.note(instrument_id, kind, defect, count, "kept", utc_text(int(times[int(np.argmax(where))])))

    def words(self) -> list[str]:
        """Return every finding as a line of text."""
        return [
            f"  - {instrument_id or 'files'}, {kind}: {defect}, {found.count} times, {found.action}; {found.first}"
            for instrument_id, seen in sorted(self.instruments.items())
            for (kind, defect), found in sorted(seen.findings.items())
        ]

    def documents(self, header: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return one JSON-able report per instrument.

        Parameters
        ----------
        header : dict
            Facts about the ingest that every report repeats: format, sources, policies.

        """
        about_files = _findings(self.instruments.get(SOURCES, Instrument()))
        return {
            name: {**header, "instrument_id": name, "source_findings": about_files, **_report(seen)}
            for name, seen in sorted(self.instruments.items())
            if name != SOURCES
        }


def _findings(seen: Instrument) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "defect": defect, "count": found.count, "action": found.action, "first": found.first}
        for (kind, defect), found in sorted(seen.findings.items())
    ]


def _report(seen: Instrument) -> dict[str, Any]:
    kinds = {}
    for name, totals in sorted(seen.kinds.items()):
        if not totals.events:
            continue
        kinds[name] = {
            "rows": totals.rows,
            "events": totals.events,
            "first_ns": totals.first_ns,
            "last_ns": totals.last_ns,
            "longest_gap_s": totals.longest_gap_ns / 1e9,
            "delay_ms": {"shortest": totals.shortest_delay_ns / 1e6, "longest": totals.longest_delay_ns / 1e6},
        }
        if name == "deltas":
            kinds[name]["snapshots"] = totals.snapshots
    report: dict[str, Any] = {"kinds": kinds, "findings": _findings(seen)}
    if seen.book.spans:
        report["crossed_spans_ns"] = seen.book.spans
        report["crossed_spans_not_listed"] = seen.book.not_listed
    return report


def snapshot_events(table: pa.Table) -> int:
    """Return how many of a table's events restate the book from scratch."""
    clears = pc.equal(table["action"].cast(pa.string()), "CLEAR").to_numpy()
    return int(np.count_nonzero(clears & ((table["flags"].to_numpy() & F_SNAPSHOT) != 0)))


def codes(column: pa.ChunkedArray, names: type[IntEnum]) -> IntColumn:
    """Return enumeration codes whatever the order of the column's own dictionary."""
    parts = []
    for chunk in column.chunks:
        codes = np.array([names[name].value for name in chunk.dictionary.to_pylist()], dtype=np.int64)
        parts.append(codes[chunk.indices.to_numpy()])
    return np.concatenate(parts)
