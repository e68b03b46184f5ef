"""Arrival intensity of both sides from the last minutes of trades, inside a strategy.

The window is kept as counts of market orders by depth in a fixed number of slices, so that a trade costs O(1), memory
does not grow, and a fit sees the same counts as the vectorised calibration of the same stretch. A fit that must not be
trusted is not used: the last good one stays, and `notes` says why.
"""

from __future__ import annotations

from collections import deque
from math import ceil, isfinite
from typing import Final, NamedTuple

import numpy as np

from mm_nautilus.estimators.intensity import IntensitySettings
from mm_nautilus.estimators.intensity_judgement import JudgedFit, Verdict, half_spread_half_ticks, judged_fit
from mm_nautilus.market import Intensity, Side, TopOfBook

DEEPEST: Final = 4096
"""Half-ticks beyond which depths are not told apart."""
_NO_ORDER: Final = -1


class _Flow:
    """Market orders of one aggressor side on their way into counts by depth, in half-ticks."""

    __slots__ = ("_event", "_farthest", "_mid", "_shift", "_sign", "counts", "total")

    def __init__(self, sign: int, shift: int) -> None:
        self._sign, self._shift = sign, shift
        self._event, self._mid, self._farthest = _NO_ORDER, 0, 0
        self.counts: dict[int, int] = {}
        """Of the present slice."""
        self.total = np.zeros(DEEPEST + 1, dtype=np.int64)
        """Of the slices in the window."""

    def traded(self, event: int, price_ticks: int, mid_half_ticks: int) -> None:
        """Take a trade; the mid is 0 where the book was not fit, and the order does not count."""
        signed = self._sign * price_ticks
        if event == self._event:
            self._farthest = max(self._farthest, signed)
            return
        self.close()
        self._event, self._mid, self._farthest = event, mid_half_ticks, signed

    def close(self) -> None:
        """Count the order whose trades were coming in; what still comes of it is no other order."""
        if self._mid:
            depth = 2 * self._farthest - self._sign * self._mid - self._shift
            if depth >= 0:
                depth = min(depth, DEEPEST)
                self.counts[depth] = self.counts.get(depth, 0) + 1
            self._mid = 0

    def add(self, counts: dict[int, int], sign: int) -> None:
        """Let counts enter or leave the window."""
        for depth, count in counts.items():
            self.total[depth] += sign * count


class _Slice(NamedTuple):
    """What happened in one part of the window."""

    sells: dict[int, int]
    buys: dict[int, int]
    seconds: dict[int, float]
    """Quoted seconds, by half-spread in half-ticks."""


class RollingIntensity:
    """Intensity of our bid and our ask, fitted anew every `refit_interval_s`.

    Parameters
    ----------
    settings : IntensitySettings
        With ``rolling_window_s``; the values stated hold until the first good fit.
    tick : float
        Tick size, in price units.

    """

    __slots__ = (
        "_buys",
        "_first_half_ticks",
        "_next_ns",
        "_now",
        "_refit_ns",
        "_seconds",
        "_sells",
        "_slices",
        "_tick",
        "asks",
        "bids",
        "fits",
        "notes",
    )

    def __init__(self, settings: IntensitySettings, tick: float) -> None:
        if settings.rolling_window_s is None:
            raise ValueError("rolling_window_s is needed")
        self.bids, self.asks = settings.sides()
        self.notes: tuple[str, ...] = ()
        """Which side was not fitted, and why."""
        self.fits: dict[Side, JudgedFit] = {}
        """The last fit of each of our sides, trusted or not."""
        self._tick = tick
        shift = 2 if settings.fill_rule == "through" else 0
        self._sells, self._buys = _Flow(-1, shift), _Flow(1, shift)
        first = settings.depth_from_price
        self._first_half_ticks = None if first is None else ceil(2.0 * first / tick - 1e-9)
        self._refit_ns = round(settings.refit_interval_s * 1e9)
        self._slices: deque[_Slice] = deque(maxlen=max(round(settings.rolling_window_s / settings.refit_interval_s), 1))
        self._now: dict[int, float] = {}
        self._seconds = np.zeros(DEEPEST + 1)
        self._next_ns: int | None = None

    def stood(self, top: TopOfBook, seconds: float) -> None:
        """A book fit to be quoted on stood for so long."""
        spread = min(round((top.ask - top.bid) / self._tick), DEEPEST)
        self._now[spread] = self._now.get(spread, 0.0) + seconds

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
        tick = self._tick
        mid = 0 if top is None else round(top.bid / tick) + round(top.ask / tick)
        flow = self._buys if aggressor is Side.BUY else self._sells
        flow.traded(ts_event, round(price / tick), mid)

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
        """Close the present slice and drop the oldest."""
        for flow in (self._sells, self._buys):
            flow.close()
        if len(self._slices) == self._slices.maxlen:
            self._add(self._slices.popleft(), -1)
        present = _Slice(self._sells.counts, self._buys.counts, self._now)
        self._add(present, 1)
        self._slices.append(present)
        self._sells.counts, self._buys.counts, self._now = {}, {}, {}

    def _add(self, part: _Slice, sign: int) -> None:
        self._sells.add(part.sells, sign)
        self._buys.add(part.buys, sign)
        for spread, seconds in part.seconds.items():
            self._seconds[spread] += sign * seconds

    def _fit(self) -> None:
        quoted_s = max(float(self._seconds.sum()), 0.0)
        first = self._first_half_ticks or half_spread_half_ticks(self._seconds.clip(min=0.0))
        notes = []
        for ours in Side:
            hit_by = self._sells if ours is Side.BUY else self._buys
            judged = judged_fit(hit_by.total, quoted_s, first, self._tick)
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
