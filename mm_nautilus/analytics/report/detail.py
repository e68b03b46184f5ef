"""Every quote of a run inside its report: packed into segments that the page unpacks when a reader zooms in.

The lines drawn first are thinned (`thin`). Below them lies this: all instants at which any of the lines changed, cut
into segments, differences instead of values, sorted into byte planes and deflated. A quote takes some five bytes, a
day of a million of them about 6 MB; the page unpacks only the segments it shows.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.analytics.report.thin import Floats, Ints

ROWS: Final = 8_192
"""Rows of a segment: what is unpacked at once."""
CLOCK_NS: Final = 1_000
"""Resolution of the time kept; a day's plot is read to the microsecond at most."""

_LONGEST_GAP: Final = 2**31 - 1
"""In units of `CLOCK_NS`, between rows of one segment."""
_LARGEST_STEP: Final = 2**30
"""In units of the line's own, between rows of one segment."""
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Step:
    """A line that holds its value until its next point.

    Parameters
    ----------
    trace : int
        Which trace of the chart's figure it is.
    ts_ns : int array
        In order of time.
    values : float array
        Multiples of the unit it is packed in; NaN where there is nothing to draw.

    """

    trace: int
    ts_ns: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class Detail:
    """The lines of one chart in full.

    Parameters
    ----------
    traces : tuple of int
        The traces, one a column.
    unit : float
        What the packed numbers count, in units of the axis.
    segments : tuple of mapping
        ``at``, which one it is; ``start_ms``, ``end_ms``, ``rows``; ``first``, its first values in units; ``packed``.
    rows : int
        Rows packed.
    left_out : int
        Rows for which there was no room.

    """

    traces: tuple[int, ...]
    unit: float
    segments: tuple[Mapping[str, Any], ...]
    rows: int
    left_out: int

    def jsonable(self) -> dict[str, Any]:
        """Return what the page's script reads."""
        return {"traces": self.traces, "unit": self.unit, "segments": self.segments}


def pack(lines: Sequence[Step], unit: float, room_bytes: int, wanted_ns: Ints) -> Detail:
    """Pack step lines, as many segments as there is room for.

    Parameters
    ----------
    lines : sequence of Step
        Of one chart.
    unit : float
        Largest number that every value is a multiple of, up to float noise: the tick, or half of it for mids.
    room_bytes : int
        Size of the text that may be used. Where it does not do for all, segments in which something of `wanted_ns`
        happened come first, then those of the beginning.
    wanted_ns : int array
        Instants a reader will want to look at: fills.

    """
    ts_ns = _instants(lines)
    columns = [_held(line, ts_ns) for line in lines]
    kept = _changes(columns, len(ts_ns))
    ts_ns, columns = ts_ns[kept], [column[kept] for column in columns]
    there = np.array([np.isfinite(column) for column in columns]).reshape(len(columns), len(ts_ns))
    units = np.array([_filled(column / unit) for column in columns], dtype=np.int64).reshape(len(columns), len(ts_ns))
    ticks = ts_ns // CLOCK_NS
    bounds = list(pairwise(_bounds(ticks, units)))
    busy = np.searchsorted(np.sort(wanted_ns), [(ts_ns[a], ts_ns[b - 1]) for a, b in bounds]) if bounds else ()
    order = sorted(range(len(bounds)), key=lambda at: (busy[at][0] == busy[at][1], at))
    found: dict[int, dict[str, Any]] = {}
    used = 0
    for at in order:
        begin, end = bounds[at]
        segment = _segment(ticks[begin:end], units[:, begin:end], there[:, begin:end])
        used += len(segment["packed"])
        if used > room_bytes:
            break
        found[at] = {"at": at, **segment}
    rows = sum(segment["rows"] for segment in found.values())
    segments = tuple(found[at] for at in sorted(found))
    return Detail(tuple(line.trace for line in lines), unit, segments, rows, len(ts_ns) - rows)


def _instants(lines: Sequence[Step]) -> Ints:
    """Return every instant once, in order: `numpy.unique` hashes, which takes three times as long."""
    ts_ns = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *(line.ts_ns for line in lines)]))
    once: Ints = ts_ns[np.diff(ts_ns, prepend=ts_ns[:1] - 1) > 0]
    return once


def _held(line: Step, ts_ns: Ints) -> Floats:
    """Return the line at each instant: what it last was, NaN before its first point."""
    if not len(line.ts_ns):
        return np.full(len(ts_ns), np.nan)
    at = np.searchsorted(line.ts_ns, ts_ns, side="right") - 1
    held: Floats = np.where(at < 0, np.nan, line.values[at])
    return held


def _changes(columns: Sequence[Floats], count: int) -> NDArray[np.bool_]:
    """Return where any line differs from the row before; the first and the last row always do."""
    changed = np.zeros(count, dtype=bool)
    changed[:1] = changed[-1:] = True
    for column in columns:
        same = (column[1:] == column[:-1]) | (np.isnan(column[1:]) & np.isnan(column[:-1]))
        changed[1:] |= ~same
    return changed


def _filled(values: Floats) -> Ints:
    """Return whole numbers, gaps filled with the value before them so that they cost nothing."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values), dtype=np.int64)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    last[: int(np.argmax(known))] = int(np.argmax(known))
    whole: Ints = np.rint(values[last]).astype(np.int64)
    return whole


def _bounds(ticks: Ints, units: Ints) -> list[int]:
    """Return where segments begin, and the end: every `ROWS` rows, and wherever a difference would not fit."""
    if not len(ticks):
        return []
    wide = np.diff(ticks) > _LONGEST_GAP
    if len(units):
        wide |= (np.abs(np.diff(units, axis=1)) > _LARGEST_STEP).any(axis=0)
    cuts: Ints = np.flatnonzero(wide) + 1
    bounds = [0]
    for cut in [*cuts.tolist(), len(ticks)]:
        bounds += [*range(bounds[-1] + ROWS, cut, ROWS), cut]
    return bounds


def _segment(ticks: Ints, units: Ints, there: NDArray[np.bool_]) -> dict[str, Any]:
    planes = [_planes(np.diff(ticks, prepend=ticks[0]))]
    planes += [_planes(_zigzag(np.diff(column, prepend=column[0]))) for column in units]
    planes += [np.packbits(row, bitorder="little").tobytes() for row in there]
    return {
        "start_ms": float(ticks[0]) * CLOCK_NS / 1e6,
        "end_ms": float(ticks[-1]) * CLOCK_NS / 1e6,
        "rows": len(ticks),
        "first": [int(column[0]) for column in units],
        "packed": base64.b64encode(zlib.compress(b"".join(planes), _LEVEL)).decode(),
    }


def _zigzag(differences: Ints) -> Ints:
    """Return 0, -1, 1, -2, ... as 0, 1, 2, 3, ...: small steps of either sign leave the high bytes empty."""
    folded: Ints = (differences << 1) ^ (differences >> 63)
    return folded


def _planes(numbers: Ints) -> bytes:
    """Return the lowest bytes of all numbers, then the next lowest, and so on: equal bytes come together."""
    return np.ascontiguousarray(numbers.astype("<u4").view(np.uint8).reshape(-1, 4).T).tobytes()
