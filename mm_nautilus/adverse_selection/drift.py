r"""Tests 1 and 2, immediate and delayed impact: whether the mid goes against us after our fills.

Let :math:`Q(u)` be the size of our fills on the side during the last :math:`\tau`. The adverse selection of all fills
is what the mid did to that size, :math:`\sum_i q_i AS_i(\tau) = -s\int Q\,dM`, whether or not horizons overlap. What
the mid does all the time, fills or not, says nothing about them, so that the average :math:`\bar Q` so far is taken
off: :math:`-s\int (Q - \bar Q)\,dM` has the same mean where the mid has no drift of its own, and a much smaller
variance where fills are frequent. It is a yardstick, no accusation: while the fills themselves did well, whatever the
mid did at other times, the statistic is not above 0.

If nobody who trades with us knows more than the market, the mid is a martingale and :math:`Q` says nothing about where
it goes next. The increments of that integral are then martingale differences, and their self-normalised sum is the
test. Overlapping horizons, volatility in spells and fills in bursts need no correction, and a fill counts from the
first move after it, not only when its horizon has passed. Moves within one bin form one term, so that a mid that
bounces or trends within a bin does not bias the test.

Fails where the mid trends over longer times for reasons of its own and fills come more often in the trend: the test
says so, and rightly, but nobody need have known anything. A trend in which fills come as always goes unnoticed.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from mm_nautilus.adverse_selection.evidence import Score
from mm_nautilus.adverse_selection.self_normalised import SelfNormalised

_NEVER_NS: Final = 2**63 - 1


class Exposure:
    """Size of the fills within the horizon, and its average over time, the past fading.

    Parameters
    ----------
    horizon_s : float
        How long a fill counts, in seconds.
    half_life_s : float
        Of the average's memory, in seconds.

    """

    __slots__ = ("_fading", "_fills", "_horizon_ns", "_known", "_per_ns", "_since_ns", "area", "held", "next_end_ns")

    def __init__(self, horizon_s: float, half_life_s: float) -> None:
        self._horizon_ns = round(horizon_s * 1e9)
        self._per_ns = -1e-9 * math.log(2.0) / half_life_s
        self._fills: deque[tuple[int, float]] = deque()
        self._fading = self._known = 0.0
        self._since_ns = 0
        self.held = 0.0
        """In base units."""
        self.area = 0.0
        """Base units times horizons held; the caller takes it and sets it back."""
        self.next_end_ns = _NEVER_NS
        """When the horizon of the oldest fill ends."""

    @property
    def unusual(self) -> float:
        """Size held beyond the average, in base units."""
        return self.held - self._fading / self._known if self._known > 0.0 else 0.0

    def add(self, ts_ns: int, size: float) -> None:
        """Hold a fill from now on."""
        self.pass_to(ts_ns)
        self._fills.append((ts_ns + self._horizon_ns, size))
        self.next_end_ns = self._fills[0][0]
        self.held += size

    def pass_to(self, ts_ns: int) -> None:
        """Let time pass, and go of the fills whose horizon ended before this instant."""
        fills = self._fills
        while self.next_end_ns < ts_ns:
            end_ns, size = fills.popleft()
            self._wait(end_ns)
            self.held = self.held - size if fills else 0.0
            self.next_end_ns = fills[0][0] if fills else _NEVER_NS
        self._wait(ts_ns)

    def _wait(self, ts_ns: int) -> None:
        """Hold what is held until an instant."""
        elapsed = ts_ns - self._since_ns
        if elapsed <= 0:
            return
        if self._since_ns:
            lost = -math.expm1(elapsed * self._per_ns)
            self._fading += (self.held - self._fading) * lost
            self._known += (1.0 - self._known) * lost
            self.area += self.held * elapsed / self._horizon_ns
        self._since_ns = ts_ns


class Drift:
    """The drift after the fills of one side; O(1) a move and a fill, memory for the fills of one horizon.

    Parameters
    ----------
    horizon_s : float
        How long a fill counts, in seconds.
    half_life_s : float
        Memory of the test, in seconds.
    bin_s : float
        Length of a bin, in seconds.
    min_fills : float
        Fills within memory that it takes to speak.

    """

    __slots__ = ("_bin", "_bin_ns", "_exposure", "_min_fills", "_move", "_new", "_sum", "_unusual", "_unusual_move")

    def __init__(self, horizon_s: float, half_life_s: float, bin_s: float, min_fills: float) -> None:
        self._exposure = Exposure(horizon_s, half_life_s)
        self._bin_ns = round(bin_s * 1e9)
        self._min_fills = min_fills
        self._sum, self._unusual = SelfNormalised(half_life_s), SelfNormalised(half_life_s)
        self._move = self._unusual_move = 0.0
        self._new = self._bin = 0

    def filled(self, ts_ns: int, size: float) -> None:
        """Take a fill, once the move of its own instant has been taken; size in base units."""
        self._advance(ts_ns)
        self._exposure.add(ts_ns, size)
        self._new += 1

    def moved(self, ts_ns: int, against: float) -> None:
        """Take what the mid moved against the side at an instant, in price units; instants never go backwards.

        The average that is taken off is that of the beginning of the bin, or of a change within it.
        """
        exposure = self._exposure
        if exposure.next_end_ns < ts_ns or ts_ns // self._bin_ns != self._bin:
            self._advance(ts_ns)
        self._move += exposure.held * against
        self._unusual_move += exposure.unusual * against

    def score(self, now_ns: int) -> Score | None:
        """Adverse selection per unit over the horizon, in price units, up to the last whole bin.

        ``None`` before enough fills.
        """
        self._advance(now_ns)
        mean, t = self._sum.mean, self._unusual.t
        if mean is None or t is None or self._sum.count(now_ns) < self._min_fills:
            return None
        return Score(mean, t if mean > 0.0 else min(t, 0.0))

    def _advance(self, ts_ns: int) -> None:
        """Let go of fills whose horizon ended before this instant, and close the bin that ended."""
        exposure = self._exposure
        exposure.pass_to(ts_ns)
        index = ts_ns // self._bin_ns
        if index != self._bin:
            self._bin = index
            if self._move or exposure.area or self._new:
                self._sum.add(ts_ns, self._move, exposure.area, self._new)
                self._move, exposure.area, self._new = 0.0, 0.0, 0
            if self._unusual_move:
                self._unusual.add(ts_ns, self._unusual_move)
                self._unusual_move = 0.0
