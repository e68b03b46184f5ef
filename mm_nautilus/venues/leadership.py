"""Weights of venues by who leads whom, measured anew on a slow clock from the prices of the last while."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.lead_lag import DEFAULT_LAGS_S, lead_lag, lead_lag_weights

_KEPT: Final = 4000
"""Price changes kept of one venue."""


class PriceLeadership:
    """Remembers the price changes of several venues; O(1) a tick, all the work in `weights`.

    Times are those of receipt: what counts is whose news reaches us first.

    Parameters
    ----------
    venues : int
        Number of venues; at least 1.
    window_s : float
        How far back is looked, in seconds; above 0.
    floor : float
        Least weight of a venue, in (0, 1/venues].
    min_changes : int
        Price changes of a venue below which nothing is said; at least 2.
    lags_s : sequence of float
        See `mm_nautilus.estimators.lead_lag.lead_lag`.

    Raises
    ------
    ParameterError
        For a value outside its range.

    """

    def __init__(
        self,
        venues: int,
        window_s: float,
        floor: float,
        min_changes: int = 100,
        lags_s: Sequence[float] = DEFAULT_LAGS_S,
    ) -> None:
        if not window_s > 0.0:
            raise ParameterError("window_s", window_s, "> 0")
        if not 0.0 < floor <= 1.0 / venues:
            raise ParameterError("floor", floor, f"above 0 and at most 1/{venues}")
        self._window_ns = int(window_s * 1e9)
        self._floor, self._min_changes, self._lags_s = floor, min_changes, tuple(lags_s)
        self._ticks: list[deque[tuple[int, float]]] = [deque(maxlen=_KEPT) for _ in range(venues)]

    def observe(self, venue: int, mid: float, now_ns: int) -> None:
        """Take the mid of a venue; one that repeats the last is no change."""
        ticks = self._ticks[venue]
        if not ticks or ticks[-1][1] != mid:
            ticks.append((now_ns, mid))

    def weights(self, now_ns: int) -> tuple[float, ...] | None:
        """Return the weights, or ``None`` while a venue has not moved often enough.

        Of a pair whose lead does not stand out from chance neither is taken to lead.
        """
        since = now_ns - self._window_ns
        series = [[tick for tick in ticks if tick[0] >= since] for ticks in self._ticks]
        if min(len(ticks) for ticks in series) <= self._min_changes:
            return None
        times = [np.array([ts for ts, _ in ticks], dtype=np.int64) for ticks in series]
        prices = [np.array([mid for _, mid in ticks]) for ticks in series]
        shares = np.full((len(series), len(series)), 0.5)
        for first in range(len(series)):
            for second in range(first):
                found = lead_lag(times[first], prices[first], times[second], prices[second], self._lags_s)
                if found is not None and found.clear:
                    shares[first, second] = found.first_share
                    shares[second, first] = 1.0 - found.first_share
        return tuple(float(weight) for weight in lead_lag_weights(shares, floor=self._floor))
