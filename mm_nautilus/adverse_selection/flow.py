r"""Test 3, flow imbalance: whether takers press on one of our sides.

Our bids are hit by takers who sell. Net taker volume is gathered into bins; while takers buy as much as they sell, and
do so independently from bin to bin, the net volumes :math:`x_b` are a self-normalised sum with
:math:`T = \sum (S_b - B_b) / \sqrt{\sum x_b^2}` for the bid and its negative for the ask.

Fails where the signs of trades are dependent for longer than a bin (large orders split up): the flow is then one-sided
for its own reasons more often than the level says, which is why the test weighs less than those of the price.
"""

from __future__ import annotations

from typing import Final

from mm_nautilus.adverse_selection.evidence import Score
from mm_nautilus.adverse_selection.self_normalised import SelfNormalised
from mm_nautilus.market import Side

_FEWEST_BINS: Final = 6


class FlowImbalance:
    """Taker volume against each side; O(1) a trade.

    Parameters
    ----------
    half_life_s : float
        Memory of the test, in seconds.
    bin_s : float
        Length of a bin, in seconds.

    """

    __slots__ = ("_bin", "_bin_ns", "_bins_kept", "_net", "_sum", "_volume")

    def __init__(self, half_life_s: float, bin_s: float) -> None:
        self._bin_ns = round(bin_s * 1e9)
        self._sum = SelfNormalised(half_life_s)
        self._net = self._volume = 0.0
        self._bin = 0

    def traded(self, ts_ns: int, aggressor: int, size: float) -> None:
        """Take a trade: +1 where the taker bought, -1 where the taker sold; size in base units."""
        self._advance(ts_ns)
        self._net -= aggressor * size
        self._volume += size

    def score(self, side: Side, now_ns: int) -> Score | None:
        """Imbalance against the side, from -1 to 1, up to the last whole bin; ``None`` before enough bins."""
        self._advance(now_ns)
        mean, t = self._sum.mean, self._sum.t
        if mean is None or t is None or self._sum.count(now_ns) < _FEWEST_BINS:
            return None
        return Score(side * mean, side * t)

    def imbalance(self, now_ns: int) -> float | None:
        """Taker volume bought less sold over all of it, from -1 to 1; ``None`` before enough bins."""
        against_bids = self.score(Side.BUY, now_ns)
        return None if against_bids is None else -against_bids.score

    def _advance(self, ts_ns: int) -> None:
        index = ts_ns // self._bin_ns
        if index != self._bin:
            self._bin = index
            if self._volume:
                self._sum.add(ts_ns, self._net, self._volume)
                self._net = self._volume = 0.0
