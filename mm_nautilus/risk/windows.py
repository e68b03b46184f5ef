"""What happened within the last so many seconds, in memory that does not grow."""

from __future__ import annotations

import bisect
import math
from collections import deque
from typing import Final

_BUCKETS: Final = 60


class WindowSum:
    """Sum of what happened in a rolling window of time, kept in 60 buckets.

    The window reaches back `window_s` and up to one sixtieth of it more.

    Parameters
    ----------
    window_s : float
        Length, in seconds.

    """

    __slots__ = ("_bucket_ns", "_head", "_ring", "total")

    def __init__(self, window_s: float) -> None:
        self._bucket_ns = max(round(window_s * 1e9) // _BUCKETS, 1)
        self._ring = [0.0] * (_BUCKETS + 1)
        self._head = -1
        self.total = 0.0
        """As of the last `add` or `at`."""

    def add(self, now_ns: int, amount: float = 1.0) -> None:
        """Add `amount` now."""
        self.at(now_ns)
        self._ring[self._head % (_BUCKETS + 1)] += amount
        self.total += amount

    def at(self, now_ns: int) -> float:
        """Return the sum of the window that ends now."""
        index = now_ns // self._bucket_ns
        if index <= self._head:
            return self.total
        ring = self._ring
        if self.total:
            for step in range(self._head + 1, min(index, self._head + _BUCKETS + 1) + 1):
                ring[step % (_BUCKETS + 1)] = 0.0
            self.total = math.fsum(ring)
        self._head = index
        return self.total

    def clear(self) -> None:
        """Forget everything."""
        self._ring = [0.0] * (_BUCKETS + 1)
        self.total = 0.0


class WindowQuantile:
    """A quantile of the latest values: at most `samples`, none older than `window_s`.

    Parameters
    ----------
    window_s : float
        Length, in seconds.
    samples : int
        Most values held.
    quantile : float
        In (0, 1); the smallest value that at least this share of the values do not exceed.

    """

    __slots__ = ("_arrivals", "_quantile", "_samples", "_sorted", "_window_ns")

    def __init__(self, window_s: float, samples: int, quantile: float) -> None:
        self._window_ns, self._samples, self._quantile = round(window_s * 1e9), samples, quantile
        self._arrivals: deque[tuple[int, float]] = deque()
        self._sorted: list[float] = []

    def add(self, now_ns: int, value: float) -> None:
        """Take one more value."""
        if len(self._sorted) == self._samples:
            self._drop()
        self._arrivals.append((now_ns, value))
        bisect.insort(self._sorted, value)

    def at(self, now_ns: int) -> float | None:
        """Return the quantile of the window that ends now, ``None`` where it is empty."""
        arrivals, oldest_ns = self._arrivals, now_ns - self._window_ns
        while arrivals and arrivals[0][0] < oldest_ns:
            self._drop()
        count = len(self._sorted)
        return self._sorted[math.ceil(self._quantile * count) - 1] if count else None

    @property
    def count(self) -> int:
        """Values held."""
        return len(self._sorted)

    def clear(self) -> None:
        """Forget everything."""
        self._arrivals.clear()
        self._sorted.clear()

    def _drop(self) -> None:
        _, value = self._arrivals.popleft()
        del self._sorted[bisect.bisect_left(self._sorted, value)]


class WindowStart[T]:
    """The value at the start of a rolling window, to one sixtieth of its length.

    Parameters
    ----------
    window_s : float
        Length, in seconds.

    """

    __slots__ = ("_slot_ns", "_values", "_window_ns")

    def __init__(self, window_s: float) -> None:
        self._window_ns = round(window_s * 1e9)
        self._slot_ns = max(self._window_ns // _BUCKETS, 1)
        self._values: deque[tuple[int, T]] = deque()

    def take(self, now_ns: int, value: T) -> T:
        """Take the value now and return the oldest one within the window."""
        values = self._values
        if not values or now_ns - values[-1][0] >= self._slot_ns:
            values.append((now_ns, value))
        while now_ns - values[0][0] > self._window_ns:
            values.popleft()
            if not values:
                values.append((now_ns, value))
        return values[0][1]

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()


class DecayedMean:
    """Mean with weights that halve every `half_life_s`, unbiased from the start.

    Parameters
    ----------
    half_life_s : float
        In seconds.

    """

    __slots__ = ("_half_life_s", "_sum", "_weight")

    def __init__(self, half_life_s: float) -> None:
        self._half_life_s = half_life_s
        self._sum = self._weight = 0.0

    def add(self, value: float, elapsed_s: float) -> float:
        """Take a value that held for `elapsed_s` > 0, up to now; return the mean."""
        kept = math.exp2(-elapsed_s / self._half_life_s)
        self._sum = kept * self._sum + (1.0 - kept) * value
        self._weight = kept * self._weight + (1.0 - kept)
        return self._sum / self._weight
