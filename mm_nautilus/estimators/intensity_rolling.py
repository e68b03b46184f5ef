"""Arrival intensity of both sides from the last minutes of trades, inside a strategy.

The window is kept as counts of market orders by depth in a fixed number of slices, so that a trade costs O(1), memory
does not grow, and a fit sees the same counts as the vectorised calibration of the same stretch. A fit that must not be
trusted is not used: the last good one stays, and `notes` says why.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from math import ceil, isfinite
from typing import Final

import numpy as np

from mm_nautilus.estimators.intensity import IntensitySettings
from mm_nautilus.estimators.intensity_judgement import JudgedFit, Verdict, half_spread_half_ticks, judged_fit
from mm_nautilus.market import Intensity, Side, TopOfBook

DEEPEST: Final = 4096
"""Half-ticks beyond which depths are not told apart."""
_FAR: Final = 2**62


@dataclass(slots=True)
class _Slice:
    """What happened in one part of the window."""

    orders: dict[Side, Counter[int]] = field(default_factory=lambda: {side: Counter() for side in Side})
    seconds: Counter[int] = field(default_factory=Counter)
    """Quoted seconds, by half-spread in half-ticks."""


@dataclass(slots=True)
class _Order:
    """The market order whose trades are coming in; a mid of 0 marks one that does not count."""

    ts_event: int
    mid_half_ticks: int
    farthest_ticks: int


class RollingIntensity:
    """Intensity of our bid and our ask, fitted anew every `refit_interval_s`.

    Parameters
    ----------
    settings : IntensitySettings
        With ``rolling_window_s``; the values stated hold until the first good fit.
    tick : float
        Tick size, in price units.

    """

    __slots__ = ("_current", "_first_half_ticks", "_next_ns", "_orders", "_refit_ns", "_seconds", "_shift", "_slices")
    __slots__ += ("_pending", "_tick", "asks", "bids", "fits", "notes")

    def __init__(self, settings: IntensitySettings, tick: float) -> None:
        if settings.rolling_window_s is None:
            raise ValueError("rolling_window_s is needed")
        self.bids, self.asks = settings.sides()
        self.notes: tuple[str, ...] = ()
        """Which side was not fitted, and why."""
        self.fits: dict[Side, JudgedFit] = {}
        """The last fit of each of our sides, trusted or not."""
        self._tick = tick
        self._shift = 2 if settings.fill_rule == "through" else 0
        first = settings.depth_from_price
        self._first_half_ticks = None if first is None else ceil(2.0 * first / tick - 1e-9)
        self._refit_ns = round(settings.refit_interval_s * 1e9)
        self._slices: deque[_Slice] = deque(maxlen=max(round(settings.rolling_window_s / settings.refit_interval_s), 1))
        self._current = _Slice()
        self._orders = {side: np.zeros(DEEPEST + 1, dtype=np.int64) for side in Side}
        self._seconds = np.zeros(DEEPEST + 1)
        self._pending: dict[Side, _Order | None] = dict.fromkeys(Side)
        self._next_ns: int | None = None

    def stood(self, top: TopOfBook, seconds: float) -> None:
        """A book fit to be quoted on stood for so long."""
        spread = round((top.ask - top.bid) / self._tick)
        self._current.seconds[min(spread, DEEPEST)] += seconds

    def traded(self, ts_event: int, price: float, aggressor: Side, top: TopOfBook | None) -> None:
        """Take a trade.

        Parameters
        ----------
        ts_event : int
            Exchange time in nanoseconds; trades of one side and time are one market order.
        price : float
            Price units.
        aggressor : Side
            Side of the order that took liquidity.
        top : TopOfBook or None
            The book before it; ``None`` where that was not fit to be quoted on, and the order does not count.

        """
        signed = int(aggressor) * round(price / self._tick)
        pending = self._pending[aggressor]
        if pending is not None and pending.ts_event == ts_event:
            pending.farthest_ticks = max(pending.farthest_ticks, signed)
            return
        self._flush(aggressor)
        if top is None:
            self._pending[aggressor] = _Order(ts_event, 0, -_FAR)
        else:
            mid = round(top.bid / self._tick) + round(top.ask / self._tick)
            self._pending[aggressor] = _Order(ts_event, mid, signed)

    def _flush(self, aggressor: Side) -> None:
        order = self._pending[aggressor]
        self._pending[aggressor] = None
        if order is None or order.mid_half_ticks == 0:
            return
        depth = 2 * order.farthest_ticks - int(aggressor) * order.mid_half_ticks - self._shift
        if depth >= 0:
            self._current.orders[aggressor][min(depth, DEEPEST)] += 1

    def due(self, now_ns: int) -> bool:
        """Fit anew when it is time to; return whether that was so."""
        if self._next_ns is None:
            self._next_ns = now_ns + self._refit_ns
        if now_ns < self._next_ns:
            return False
        while self._next_ns <= now_ns:
            self._next_ns += self._refit_ns
            self._turn()
        self._fit()
        return True

    def _turn(self) -> None:
        """Close the current slice and drop the oldest."""
        for side, pending in self._pending.items():
            self._flush(side)
            if pending is not None:  # trades of it that are still to come must not count as another order
                self._pending[side] = _Order(pending.ts_event, 0, -_FAR)
        if len(self._slices) == self._slices.maxlen:
            self._add(self._slices.popleft(), -1)
        self._add(self._current, 1)
        self._slices.append(self._current)
        self._current = _Slice()

    def _add(self, part: _Slice, sign: int) -> None:
        for side, orders in part.orders.items():
            for depth, count in orders.items():
                self._orders[side][depth] += sign * count
        for spread, seconds in part.seconds.items():
            self._seconds[spread] += sign * seconds

    def _fit(self) -> None:
        quoted_s = max(float(self._seconds.sum()), 0.0)
        first = self._first_half_ticks or half_spread_half_ticks(self._seconds.clip(min=0.0))
        notes = []
        for ours in Side:
            judged = judged_fit(self._orders[ours.opposite], quoted_s, first, self._tick)
            self.fits[ours] = judged
            name = "BID" if ours is Side.BUY else "ASK"
            fit = judged.fit
            if judged.usable and isfinite(fit.a_per_s) and fit.a_per_s > 0 and fit.decay > 0:
                value = Intensity(fit.a_per_s, fit.decay)
                self.bids, self.asks = (value, self.asks) if ours is Side.BUY else (self.bids, value)
            if judged.verdict is not Verdict.FITTED:
                done = "KEPT" if not judged.usable else "FALLBACK"
                notes.append(f"INTENSITY_{done}:{name}:{judged.refusal}")
        self.notes = tuple(notes)
