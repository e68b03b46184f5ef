"""Sums over the last so many values and statistics over the last so many changes of a price, updated one by one."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats

_FIRST_REFRESH = 8


class RollingSum:
    """Sum of the last `length` values, summed afresh once per length so that rounding cannot pile up.

    Raises
    ------
    ParameterError
        When `length` is below 1.

    """

    __slots__ = ("_until_fresh", "_values", "length", "total")

    def __init__(self, length: int) -> None:
        if length < 1:
            raise ParameterError("length", length, "an integer >= 1")
        self.length = length
        self.total = 0.0
        self._values: deque[float] = deque(maxlen=length)
        self._until_fresh = length

    @property
    def count(self) -> int:
        """Values summed."""
        return len(self._values)

    @property
    def full(self) -> bool:
        """Whether `length` values were seen."""
        return len(self._values) == self.length

    @property
    def oldest(self) -> float:
        """Value that leaves next; asked of a sum that is full."""
        return self._values[0]

    def add(self, value: float) -> None:
        """Take one more value; the oldest leaves when there is one too many."""
        values = self._values
        leaving = values[0] if len(values) == self.length else 0.0
        values.append(value)
        self._until_fresh -= 1
        if self._until_fresh == 0:
            self._until_fresh = self.length
            self.total = math.fsum(values)
        else:
            self.total += value - leaving

    def save(self) -> list[float]:
        """Return the values, oldest first."""
        return list(self._values)

    def load(self, values: list[float]) -> None:
        """Restore what `save` returned."""
        self._values = deque(map(float, values), maxlen=self.length)
        self.total = math.fsum(self._values)
        self._until_fresh = self.length


class RollingPrices:
    """A statistic of the last `window` changes of a price, in memory of two windows.

    A subclass adds the terms that end in the newest price and drops those that begin with the oldest one.
    Its sums are computed afresh from the prices whenever the sample has doubled, and once per window when it is
    full: rounding cannot pile up, and whatever is tuned to the data is tuned again. An update is therefore O(1)
    (or what the subclass says) on average, and one in `window` costs a pass over the window.

    Parameters
    ----------
    window : int
        Changes the statistic looks back on, at least 2.

    Raises
    ------
    ParameterError
        When the window is shorter.

    """

    def __init__(self, window: int) -> None:
        if window < 2:
            raise ParameterError("window", window, "an integer >= 2")
        self.window = window
        self.changes = 0
        """Changes in the window now."""
        self._levels: list[float] = []
        self._moves: list[float] = []
        self._shift = 0.0
        self._joined = False
        self._until_refresh = min(_FIRST_REFRESH, window)

    @property
    def value(self) -> float | None:
        """The statistic, or ``None`` while there are too few prices."""
        raise NotImplementedError

    @property
    def positive(self) -> float | None:
        """The statistic as a variance that is never negative."""
        return self.value

    def sample(self, price: float | None) -> None:
        """Take the price of this sampling instant, ``None`` where there is none; see `spliced` for what a gap does.

        Parameters
        ----------
        price : float or None
            In the scale whose diffusion is measured: price units, or the logarithm of a price.

        """
        if price is None or price != price:  # noqa: PLR0124 - NaN
            self._joined = False
            return
        levels = self._levels
        if not self._joined:
            self._open(price)
            return
        level = price + self._shift
        self._moves.append(level - levels[-1])
        levels.append(level)
        self._until_refresh -= 1
        if self._until_refresh == 0:
            self._restart()
            return
        self._add()
        if self.changes == self.window:
            self._drop(len(levels) - self.window - 2)
        else:
            self.changes += 1

    def prices(self) -> Floats:
        """Return the prices of the window, oldest first, gaps closed; shape (changes + 1,)."""
        return np.array(self._levels[-self.window - 1 :])

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"prices": self._levels[-self.window - 1 :]}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned; the next price opens a new stretch, because time has passed since."""
        self._levels = [float(price) for price in state["prices"]][-self.window - 1 :]
        self._shift, self._joined = 0.0, False
        self._moves = [0.0, *np.diff(self._levels).tolist()] if self._levels else []
        self._restart()

    def _open(self, price: float) -> None:
        """Begin a stretch of samples; the move since the last one is not counted."""
        self._joined = True
        if self._levels:
            self._shift = self._levels[-1] - price
        else:
            self._levels.append(price)
            self._moves.append(0.0)

    def _restart(self) -> None:
        """Forget what left the window and compute the sums from what is in it."""
        size = self.window + 1
        del self._levels[:-size], self._moves[:-size]
        self.changes = changes = max(len(self._levels) - 1, 0)
        self._until_refresh = (
            self.window if changes >= self.window else min(max(changes, _FIRST_REFRESH), self.window - changes)
        )
        self._refresh(np.array(self._levels))

    def _add(self) -> None:
        """Count the terms whose later end is the last of `_levels` and `_moves`."""
        raise NotImplementedError

    def _drop(self, oldest: int) -> None:
        """Take back the terms whose earlier end is the price at `oldest`, the change at ``oldest + 1``."""
        raise NotImplementedError

    def _refresh(self, prices: Floats) -> None:
        """Compute every sum from the prices of the window."""
        raise NotImplementedError
