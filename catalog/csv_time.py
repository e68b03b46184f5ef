"""Time columns of text files: numbers since 1970 or since midnight somewhere, and ISO 8601 text."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.catalog.csv_spec import CsvTime
from mm_nautilus.catalog.exact import IntColumn, Mask, mantissas
from mm_nautilus.errors import DataError

_DIGITS: Final = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_OFFSET: Final = r"(?:Z|[+-]\d{2}:?\d{2})$"
_DAY_NS: Final = 86_400 * 10**9


class Clock(Protocol):
    """Reads a column of times."""

    def read(self, column: pa.Array) -> tuple[IntColumn, Mask]:
        """Return nanoseconds since 1970 UTC, and where the text is no time."""
        ...

    def within(self, ns: IntColumn, start: time, end: time) -> Mask:
        """Return which instants are from ``start`` (inclusive) to ``end`` (exclusive) in the clock's zone."""
        ...


class DayClock:
    """The clock of one column of one file.

    Parameters
    ----------
    rule : CsvTime
        Unit, zone and where the base date is.
    source : Path
        The file; its path holds the base date where ``rule.date_pattern`` says so.

    Raises
    ------
    DataError
        The path does not hold the date that the pattern looks for.

    """

    def __init__(self, rule: CsvTime, source: Path) -> None:
        self._rule = rule
        self._zone = ZoneInfo(rule.zone)
        self._midnight = _base_date(rule.date_pattern, source) if rule.date_pattern else None

    def read(self, column: pa.Array) -> tuple[IntColumn, Mask]:
        """Return nanoseconds since 1970 UTC, and where the text is no time."""
        ns, bad = self._read_iso(column) if self._rule.unit == "iso" else self._read_number(column)
        return ns + round(self._rule.offset_ms * 1e6), bad

    def within(self, ns: IntColumn, start: time, end: time) -> Mask:
        """Return which instants are from ``start`` (inclusive) to ``end`` (exclusive) in the clock's zone."""
        instants = pa.array(ns).cast(pa.timestamp("ns")).cast(pa.timestamp("ns", tz="UTC"))
        wall = pc.local_timestamp(instants.cast(pa.timestamp("ns", tz=self._rule.zone))).cast(pa.int64()).to_numpy()
        since_midnight = wall % _DAY_NS
        inside: Mask = (since_midnight >= _nanoseconds(start)) & (since_midnight < _nanoseconds(end))
        return inside

    def _read_number(self, column: pa.Array) -> tuple[IntColumn, Mask]:
        # A time is cut to whole nanoseconds; digits beyond that are noise, not an error.
        ns, bad, _ = mantissas(column, _DIGITS[self._rule.unit])
        if self._midnight is not None:
            wall = np.datetime64(self._midnight, "ns").astype(np.int64) + ns
            ns = self._utc(pa.array(wall).cast(pa.timestamp("ns")))
        return ns, bad

    def _read_iso(self, column: pa.Array) -> tuple[IntColumn, Mask]:
        text = pc.utf8_trim_whitespace(column)
        offset = pc.match_substring_regex(text, _OFFSET)
        if pc.any(offset).as_py():
            instants, bad = _timestamps(text, pa.timestamp("ns", tz="UTC"))
            return instants.cast(pa.int64()).to_numpy(), bad
        wall, bad = _timestamps(text, pa.timestamp("ns"))
        return self._utc(wall), bad

    def _utc(self, wall: pa.Array) -> IntColumn:
        # The hour that exists twice in autumn is taken as the first, the one that does not exist as the later.
        instants = pc.assume_timezone(wall, self._rule.zone, ambiguous="earliest", nonexistent="latest")
        ns: IntColumn = instants.cast(pa.int64()).to_numpy()
        return ns


def _timestamps(text: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    try:
        return text.cast(kind), np.zeros(len(text), dtype=np.bool_)
    except pa.ArrowInvalid:
        pass
    values, bad = [], np.zeros(len(text), dtype=np.bool_)
    for index, value in enumerate(text.to_pylist()):
        try:
            values.append(pa.scalar(value, pa.string()).cast(kind))
        except pa.ArrowInvalid:
            bad[index] = True
            values.append(pa.scalar(0, pa.int64()).cast(kind))
    return pa.array([value.value for value in values], pa.int64()).cast(kind), bad


def _nanoseconds(clock: time) -> int:
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 10**9 + clock.microsecond * 1000


def _base_date(pattern: str, source: Path) -> date:
    found = re.search(pattern, source.absolute().as_posix())
    try:
        return datetime.strptime(found.group(1) if found else "", "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise DataError(
            f"{source}: the path holds no date YYYYMMDD where date_pattern {pattern!r} looks for it"
        ) from None
