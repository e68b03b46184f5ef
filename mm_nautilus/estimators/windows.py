"""What "the last minute" and "the last hundred events" mean, online and over columns.

A window has two forms that agree: `add` one value after another and ask for `total`, or hand `totals` whole
columns. Memory is fixed when the window is made.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Protocol, Self

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, numbers, same_length, times
from mm_nautilus.estimators.rolling import RollingSum


class Window(Protocol):
    """How far back a sum over a flow of events reaches."""

    def empty(self) -> Self:
        """Return a window of the same reach with nothing in it."""
        ...

    def add(self, ts_ns: int, value: float) -> None:
        """Take an event."""
        ...

    def total(self, now_ns: int) -> float | None:
        """Return the sum over the window that ends now, ``None`` before one has passed."""
        ...

    def totals(self, ts_ns: Any, values: Any) -> Floats:
        """Return what `total` would say right after each event, NaN for ``None``."""
        ...

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        ...


class EventWindow:
    """The last `events` events, however long they took; O(1) an event.

    Raises
    ------
    ParameterError
        When `events` is below 1.

    """

    __slots__ = ("_sum",)

    def __init__(self, events: int) -> None:
        if events < 1:
            raise ParameterError("events", events, "an integer >= 1")
        self._sum = RollingSum(events)

    def empty(self) -> EventWindow:
        """Return a window of the same reach with nothing in it."""
        return EventWindow(self._sum.length)

    def add(self, ts_ns: int, value: float) -> None:  # noqa: ARG002 - counts events, not time
        """Take an event."""
        self._sum.add(value)

    def total(self, now_ns: int) -> float | None:  # noqa: ARG002 - counts events, not time
        """Return the sum over the last events, ``None`` before there were enough."""
        return self._sum.total if self._sum.full else None

    def totals(self, ts_ns: Any, values: Any) -> Floats:
        """Return the sum right after each event, NaN before there were enough; shape (n,)."""
        column = numbers(values, "values")
        same_length(ts_ns=times(ts_ns), values=column)
        running = np.concatenate(([0.0], np.cumsum(column)))
        sums = np.full(len(column), np.nan)
        sums[self._sum.length - 1 :] = running[self._sum.length :] - running[: -self._sum.length]
        return sums

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"values": self._sum.save()}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._sum.load(state["values"])


class ClockWindow:
    """The events of the last `span_s` seconds of the engine's clock; O(1) an event, O(slices) a slice.

    Time is cut into slices of ``span_s / slices``, aligned to the epoch; the window is the running slice and
    the ``slices - 1`` before it. That bounds the memory at one number a slice, whatever the market does, and
    makes the window up to one slice shorter than `span_s`. The slice in which the first event fell is never
    whole, so that a total exists from the moment it has left.

    Parameters
    ----------
    span_s : float
        Seconds.
    slices : int
        At least 1.

    Raises
    ------
    ParameterError
        When `slices` is below 1 or a slice shorter than a nanosecond.

    """

    __slots__ = ("_closed", "_first", "_index", "_open", "_past", "_slice_ns", "_slices", "_span_s")

    def __init__(self, span_s: float, slices: int = 100) -> None:
        if slices < 1:
            raise ParameterError("slices", slices, "an integer >= 1")
        if not (math.isfinite(span_s) and span_s * 1e9 >= slices):
            raise ParameterError("span_s", span_s, "a finite number, at least a nanosecond for each slice")
        self._span_s, self._slices = span_s, slices
        self._slice_ns = round(span_s * 1e9 / slices)
        self._first: int | None = None
        self._index = 0
        self._past: deque[float] = deque(maxlen=max(slices - 1, 0))
        self._closed = self._open = 0.0

    def empty(self) -> ClockWindow:
        """Return a window of the same reach with nothing in it."""
        return ClockWindow(self._span_s, self._slices)

    def add(self, ts_ns: int, value: float) -> None:
        """Take an event; one that arrives late counts in the running slice."""
        index = ts_ns // self._slice_ns
        if self._first is None:
            self._first = self._index = index
        elif index > self._index:
            self._advance(index)
        self._open += value

    def total(self, now_ns: int) -> float | None:
        """Return the sum over the window that ends now, ``None`` before one has passed."""
        if self._first is None:
            return None
        index = now_ns // self._slice_ns
        if index > self._index:
            self._advance(index)
        return self._closed + self._open if self._index - self._first >= self._slices else None

    def totals(self, ts_ns: Any, values: Any) -> Floats:
        """Return the sum right after each event, NaN before a window has passed; shape (n,)."""
        column, instants = numbers(values, "values"), times(ts_ns)
        same_length(ts_ns=instants, values=column)
        if not len(column):
            return column
        index = instants // self._slice_ns
        ends = np.arange(1, len(column) + 1)
        starts = np.searchsorted(index, index - self._slices, side="right")
        running = np.concatenate(([0.0], np.cumsum(column)))
        return np.where(index - index[0] >= self._slices, running[ends] - running[starts], np.nan)

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"first": self._first, "index": self._index, "past": list(self._past), "open": self._open}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._first, self._index, self._open = state["first"], state["index"], state["open"]
        self._past = deque(state["past"], maxlen=self._past.maxlen)
        self._closed = math.fsum(self._past)

    def _advance(self, index: int) -> None:
        """Close the running slice and the silent ones after it."""
        past = self._past
        past.append(self._open)
        past.extend([0.0] * min(index - self._index - 1, self._slices))
        self._index, self._open = index, 0.0
        self._closed = math.fsum(past)


def decayed_sums(ts_ns: Any, values: Any, half_life_s: float) -> Floats:
    r"""Return :math:`\sum_{j\le i} v_j\,2^{-(t_i-t_j)/h}` right after each event; shape (n,).

    Parameters
    ----------
    ts_ns : array-like or Arrow column
        Instants, never backwards.
    values : array-like or Arrow column
        One number an event.
    half_life_s : float
        Half-life ``h`` in seconds.

    Raises
    ------
    ParameterError
        When `half_life_s` is not positive or the columns do not fit.

    """
    if not half_life_s > 0.0:
        raise ParameterError("half_life_s", half_life_s, "a number > 0")
    column, instants = numbers(values, "values"), times(ts_ns)
    same_length(ts_ns=instants, values=column)
    return decayed_by_age((instants - instants[:1]).astype(np.float64) * (1e-9 / half_life_s), column)


def decayed_by_age(age: Floats, column: Floats) -> Floats:
    r"""Return :math:`\sum_{j\le i} v_j\,2^{-(a_i-a_j)}` for events at instants `age`, in half-lives from 0 on."""
    if not len(column):
        return column
    sums = np.empty(len(column))
    # Undoing the decay overflows over a long time, so that it is undone over stretches of 32 half-lives only.
    bounds = np.flatnonzero(np.diff(np.floor(age / 32.0), prepend=-1.0)).tolist()
    carried, carried_age = 0.0, 0.0
    for start, end in zip(bounds, [*bounds[1:], len(column)], strict=True):
        grown = np.exp2(age[start:end] - age[start])
        sums[start:end] = (np.cumsum(column[start:end] * grown) + carried * 2.0 ** (carried_age - age[start])) / grown
        carried, carried_age = float(sums[end - 1]), float(age[end - 1])
    return sums
