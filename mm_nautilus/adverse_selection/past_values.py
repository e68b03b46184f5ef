"""What two running values were a while ago."""

from __future__ import annotations

from typing import Final

_SLICES_PER_S: Final = 10
_SLICE_NS: Final = 1_000_000_000 // _SLICES_PER_S


class PastValues:
    """Two running values as they were up to `longest_s` seconds ago, on slices of a tenth of a second; fixed memory.

    ``ago(h)`` is the last value of the slice ``h`` before the running one: it held between ``h`` and a slice less ago.
    O(1) a value, and once a slice that has passed.

    Parameters
    ----------
    longest_s : int
        Longest look back, in seconds.

    """

    __slots__ = ("_first", "_index", "_length", "_ring")

    def __init__(self, longest_s: int) -> None:
        self._length = longest_s * _SLICES_PER_S + 1
        self._ring = [(0.0, 0.0)] * self._length
        self._first: int | None = None
        self._index = 0

    def moved(self, now_ns: int, values: tuple[float, float]) -> None:
        """Take new values."""
        index = now_ns // _SLICE_NS
        if self._first is None:
            self._first = self._index = index
        elif index > self._index:
            self._advance(index)
        self._ring[self._index % self._length] = values

    def ago(self, now_ns: int, horizon_s: int) -> tuple[float, float] | None:
        """Return the values that held, ``None`` where the past does not reach back that far."""
        if self._first is None:
            return None
        index = now_ns // _SLICE_NS
        if index > self._index:
            self._advance(index)
        slices = horizon_s * _SLICES_PER_S
        return self._ring[(self._index - slices) % self._length] if self._index - self._first >= slices else None

    def _advance(self, index: int) -> None:
        ring, length = self._ring, self._length
        last = ring[self._index % length]
        for passed in range(max(self._index + 1, index - length + 1), index + 1):
            ring[passed % length] = last
        self._index = index
