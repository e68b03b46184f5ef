r"""Volume-synchronised probability of informed trading (Easley, Lopez de Prado and O'Hara 2012).

Volume is poured into buckets of equal size; :math:`VPIN = \frac{1}{nV}\sum|V^B - V^S|` over the last ``n``
full ones. What overflows a bucket is split and keeps its share of buys; the open bucket does not count. Who
bought is taken from the venue's aggressor flag, or, where there is none, guessed bar by bar from the price
change (bulk volume classification). The level depends on bucket size and market: read the rank among past levels.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from typing import Any

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.bulk_classification import TrailingSigma, buy_fraction
from mm_nautilus.estimators.columns import Floats, numbers, same_length
from mm_nautilus.estimators.rolling import RollingSum

_SAME_LEVEL = 1e-9
"""Levels closer than this are one level."""
_FULL = 1e-12
"""A bucket that lacks this share of its size is full."""


def buckets(buy: Any, sell: Any, bucket_volume: float) -> tuple[Floats, Floats]:
    """Pour volume into buckets; return what was bought and sold in each full one, in base units.

    Parameters
    ----------
    buy, sell : array-like or Arrow column
        What takers bought and sold, trade by trade or bar by bar, in base units.
    bucket_volume : float
        Size of a bucket in base units; a fiftieth of the average daily volume is usual.

    Raises
    ------
    ParameterError
        When the bucket is not positive, a volume negative, or the columns do not fit.

    """
    _check_bucket(bucket_volume)
    bought, sold = numbers(buy, "buy"), numbers(sell, "sell")
    same_length(buy=bought, sell=sold)
    for name, column in (("buy", bought), ("sell", sold)):
        if (column < 0.0).any():
            raise ParameterError(name, float(column.min()), ">= 0")
    volume, buys = (np.concatenate(([0.0], np.cumsum(column))) for column in (bought + sold, bought))
    full = math.floor(volume[-1] / bucket_volume * (1.0 + _FULL))
    # Inside one trade or bar the share of buys is constant, so that buys are piecewise linear in volume.
    bucket_buy = np.diff(np.interp(bucket_volume * np.arange(full + 1), volume, buys))
    bucket_buy = np.clip(bucket_buy, 0.0, bucket_volume)
    return bucket_buy, bucket_volume - bucket_buy


def vpin(bucket_buy: Any, bucket_sell: Any, last: int | None = None) -> float | None:
    """VPIN of the last full buckets, from 0 to 1; ``None`` where there is none.

    Parameters
    ----------
    bucket_buy, bucket_sell : array-like or Arrow column
        From `buckets`.
    last : int or None
        Buckets to look back on (fewer where there are fewer); ``None`` takes all.

    Raises
    ------
    ParameterError
        When `last` is below 1 or the columns do not fit.

    """
    if last is not None and last < 1:
        raise ParameterError("last", last, "an integer >= 1")
    imbalance, volume = _imbalance_and_volume(bucket_buy, bucket_sell)
    reach = slice(None if last is None else -last, None)
    return float(imbalance[reach].sum() / volume[reach].sum()) if len(volume) else None


def vpin_levels(bucket_buy: Any, bucket_sell: Any, last: int = 50) -> Floats:
    """VPIN after each full bucket from the one numbered `last`; shape (max(n - last + 1, 0),).

    Arguments and errors are those of `vpin`.
    """
    if last < 1:
        raise ParameterError("last", last, "an integer >= 1")
    imbalance, volume = (np.cumsum(column) for column in _imbalance_and_volume(bucket_buy, bucket_sell))
    if len(volume) < last:
        return np.empty(0)
    before_imbalance, before_volume = (np.concatenate(([0.0], column[:-last])) for column in (imbalance, volume))
    levels: Floats = (imbalance[last - 1 :] - before_imbalance) / (volume[last - 1 :] - before_volume)
    return levels


def vpin_rank(levels: Any, history: int | None = None) -> float | None:
    """Share of the levels, the last one included, that are at or below the last; ``None`` without any.

    Parameters
    ----------
    levels : array-like or Arrow column
        From `vpin_levels`.
    history : int or None
        Levels to compare with; ``None`` takes all.

    """
    column = numbers(levels, "levels")[slice(None if history is None else -history, None)]
    return float(np.mean(column <= column[-1] + _SAME_LEVEL)) if len(column) else None


class Vpin:
    """VPIN by aggressor flag, trade by trade; O(log history) a bucket.

    Parameters
    ----------
    bucket_volume : float
        Size of a bucket in base units.
    last : int
        Full buckets looked back on.
    history : int
        Past levels kept for the rank.

    Raises
    ------
    ParameterError
        When an argument is not positive.

    """

    def __init__(self, bucket_volume: float, last: int = 50, history: int = 2_500) -> None:
        if history < 1:
            raise ParameterError("history", history, "an integer >= 1")
        self._volume = _check_bucket(bucket_volume)
        self._imbalances = RollingSum(last)
        self._levels: deque[float] = deque(maxlen=history)
        self._sorted: list[float] = []
        self._filled = self._bought = 0.0

    def update(self, aggressor: int, size: float) -> None:
        """Take a trade: +1 where the taker bought, -1 where the taker sold, 0 where unknown (not counted)."""
        if aggressor:
            self.add(size, 1.0 if aggressor > 0 else 0.0)

    def add(self, volume: float, share: float) -> None:
        """Pour volume of which takers bought `share`; costs O(buckets closed), at most those remembered."""
        room = self._volume - self._filled
        enough = room - _FULL * self._volume
        if volume < enough:
            self._filled += volume
            self._bought += share * volume
            return
        self._close(self._bought + share * room)
        rest = max(volume - room, 0.0)
        whole = math.floor(rest / self._volume * (1.0 + _FULL))
        for _ in range(min(whole, self._imbalances.length + (self._levels.maxlen or 0))):
            self._close(share * self._volume)
        self._filled = max(rest - whole * self._volume, 0.0)
        self._bought = share * self._filled

    @property
    def value(self) -> float | None:
        """VPIN from 0 to 1, ``None`` before there were enough full buckets."""
        return self._levels[-1] if self._levels else None

    @property
    def rank(self) -> float | None:
        """`vpin_rank` among the remembered levels, ``None`` before there is a level."""
        if not self._levels:
            return None
        return bisect_right(self._sorted, self._levels[-1] + _SAME_LEVEL) / len(self._sorted)

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {
            "imbalances": self._imbalances.save(),
            "levels": list(self._levels),
            "filled": self._filled,
            "bought": self._bought,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._imbalances.load(state["imbalances"])
        self._levels = deque(state["levels"], maxlen=self._levels.maxlen)
        self._sorted = sorted(self._levels)
        self._filled, self._bought = state["filled"], state["bought"]

    def _close(self, bought: float) -> None:
        volume, imbalances, levels = self._volume, self._imbalances, self._levels
        imbalances.add(abs(2.0 * bought - volume))
        if not imbalances.full:
            return
        if len(levels) == levels.maxlen:
            del self._sorted[bisect_left(self._sorted, levels[0])]
        level = imbalances.total / (imbalances.length * volume)
        levels.append(level)
        insort(self._sorted, level)


class BulkVpin:
    """VPIN by bulk volume classification, bar by bar, with the `trailing_sigma` of the bars so far.

    Parameters
    ----------
    bucket_volume : float
        Size of a bucket in base units.
    sigma_bars : int
        Bars over which the standard deviation of price changes is taken, at least 2.
    last, history : int
        As for `Vpin`.

    Raises
    ------
    ParameterError
        When an argument is out of range.

    """

    def __init__(self, bucket_volume: float, sigma_bars: int = 50, last: int = 50, history: int = 2_500) -> None:
        self._sigma = TrailingSigma(sigma_bars)
        self._flow = Vpin(bucket_volume, last, history)

    def update(self, change: float, volume: float) -> None:
        """Take a finished bar: change of the price in price units, volume in base units."""
        self._sigma.update(change)
        if (sigma := self._sigma.value) is not None:
            self._flow.add(volume, buy_fraction(change, sigma))

    @property
    def value(self) -> float | None:
        """VPIN from 0 to 1, ``None`` before there were enough full buckets."""
        return self._flow.value

    @property
    def rank(self) -> float | None:
        """`vpin_rank` among the remembered levels, ``None`` before there is a level."""
        return self._flow.rank

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"sigma": self._sigma.save(), "flow": self._flow.save()}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._sigma.load(state["sigma"])
        self._flow.load(state["flow"])


def _check_bucket(bucket_volume: float) -> float:
    if not (math.isfinite(bucket_volume) and bucket_volume > 0.0):
        raise ParameterError("bucket_volume", bucket_volume, "a finite number > 0")
    return bucket_volume


def _imbalance_and_volume(bucket_buy: Any, bucket_sell: Any) -> tuple[Floats, Floats]:
    bought, sold = numbers(bucket_buy, "bucket_buy"), numbers(bucket_sell, "bucket_sell")
    same_length(bucket_buy=bought, bucket_sell=sold)
    return np.abs(bought - sold), bought + sold
