r"""Tests 1 and 2, immediate and delayed impact: whether the mid goes against us after our fills.

Let :math:`Q(u)` be the size of our fills on the side during the last :math:`\tau`. The adverse selection of all fills
is what the mid did to that size, :math:`\sum_i q_i AS_i(\tau) = -s\int Q\,dM`, whether or not horizons overlap. If
nobody who trades with us knows more than the market, the mid is a martingale and :math:`Q` says nothing about where it
goes next, so that the increments of that integral are martingale differences: their self-normalised sum is the test.
Overlapping horizons, volatility in spells and fills in bursts need no correction, and a fill counts from the first
move after it, not only when its horizon has passed.

Moves within one bin form one term, so that a mid that bounces or trends within a bin does not bias the test. Fails
where the mid trends over longer times for reasons of its own: who is filled on one side of a trend is run over, and
the test says so.
"""

from __future__ import annotations

from collections import deque

from mm_nautilus.adverse_selection.evidence import Score
from mm_nautilus.adverse_selection.self_normalised import SelfNormalised


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

    __slots__ = ("_bin", "_bin_ns", "_fills", "_held", "_horizon_ns", "_min_fills", "_move", "_new", "_since", "_sum",
                 "_worn")  # fmt: skip

    def __init__(self, horizon_s: float, half_life_s: float, bin_s: float, min_fills: float) -> None:
        self._horizon_ns, self._bin_ns = round(horizon_s * 1e9), round(bin_s * 1e9)
        self._min_fills = min_fills
        self._sum = SelfNormalised(half_life_s)
        self._fills: deque[tuple[int, float]] = deque()
        self._held = self._move = self._worn = 0.0
        self._new = self._bin = self._since = 0

    def filled(self, ts_ns: int, size: float) -> None:
        """Take a fill, once the move of its own instant has been taken; size in base units."""
        self._advance(ts_ns)
        self._hold(ts_ns, size)
        self._fills.append((ts_ns + self._horizon_ns, size))
        self._new += 1

    def moved(self, ts_ns: int, against: float) -> None:
        """Take what the mid moved against the side at an instant, in price units; instants never go backwards."""
        self._advance(ts_ns)
        self._move += self._held * against

    def score(self, now_ns: int) -> Score | None:
        """Adverse selection per unit over the horizon, in price units, up to the last whole bin.

        ``None`` before enough fills.
        """
        self._advance(now_ns)
        mean, t = self._sum.mean, self._sum.t
        if mean is None or t is None or self._sum.count(now_ns) < self._min_fills:
            return None
        return Score(mean, t)

    def _advance(self, ts_ns: int) -> None:
        """Let go of fills whose horizon ended before this instant, and close the bin that ended."""
        fills = self._fills
        while fills and fills[0][0] < ts_ns:
            end_ns, size = fills.popleft()
            if end_ns // self._bin_ns != self._bin:
                self._close(end_ns)
            self._hold(end_ns, -size)
        if ts_ns // self._bin_ns != self._bin:
            self._close(ts_ns)

    def _hold(self, ts_ns: int, size: float) -> None:
        self._worn += self._held * (ts_ns - self._since)
        self._since = ts_ns
        self._held = self._held + size if self._fills or size > 0.0 else 0.0

    def _close(self, ts_ns: int) -> None:
        self._hold(ts_ns, 0.0)
        self._bin = ts_ns // self._bin_ns
        if self._worn or self._new:
            self._sum.add(ts_ns, self._move, self._worn / self._horizon_ns, self._new)
            self._move, self._worn, self._new = 0.0, 0.0, 0
