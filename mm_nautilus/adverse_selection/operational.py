"""Time as a quoted side feels it: market orders expected while it stood in the market."""

from __future__ import annotations

import math

from mm_nautilus.market import Side


class OperationalTime:
    r"""Market orders expected while each side was quoted, :math:`\int \lambda(u)\,1\{\text{quoted}\}\,du`.

    The rate :math:`\lambda` of market orders, both sides together, is an average that fades with time. Where no trades
    are heard it stands at one a second, and operational time is time. It is taken anew whenever the time is asked for,
    and holds until then: who asks once a second is a second behind.

    Parameters
    ----------
    half_life_s : float
        Of the rate's memory, in seconds.

    """

    __slots__ = ("_elapsed", "_first_ns", "_orders", "_per_ns", "_quoting", "_rate", "_ts_ns", "_update_ns")

    def __init__(self, half_life_s: float) -> None:
        self._per_ns = -1e-9 * math.log(2.0) / half_life_s
        self._orders = 0.0
        self._ts_ns = 0
        self._first_ns: int | None = None
        self._elapsed = dict.fromkeys(Side, 0.0)
        self._quoting = dict.fromkeys(Side, False)
        self._update_ns = 0
        self._rate = 1.0

    def ordered(self, ts_ns: int) -> None:
        """A market order came."""
        if self._first_ns is None:
            self._first_ns = self._ts_ns = ts_ns
            return
        self._orders = self._orders * math.exp((ts_ns - self._ts_ns) * self._per_ns) + 1.0
        self._ts_ns = ts_ns

    def quoting(self, side: Side, ts_ns: int, quoted: bool) -> None:
        """A side is quoted from now on, or is not."""
        if quoted != self._quoting[side]:
            self._advance(ts_ns)
            self._quoting[side] = quoted

    def elapsed(self, side: Side, now_ns: int) -> float:
        """Operational time of a side, in market orders."""
        self._advance(now_ns)
        return self._elapsed[side]

    def rate(self, now_ns: int) -> float:
        """Market orders a second, over the memory or as long as there has been trade."""
        if self._first_ns is None or now_ns <= self._first_ns or not self._orders:
            return 1.0
        memory_s = (1.0 - math.exp((now_ns - self._first_ns) * self._per_ns)) / -self._per_ns * 1e-9
        return self._orders * math.exp((now_ns - self._ts_ns) * self._per_ns) / memory_s

    def _advance(self, now_ns: int) -> None:
        """Count the time since the last call at the rate that was known then."""
        if now_ns <= self._update_ns:
            return
        passed = (now_ns - self._update_ns) * 1e-9 * self._rate if self._update_ns else 0.0
        for side, quoting in self._quoting.items():
            if quoting:
                self._elapsed[side] += passed
        self._update_ns, self._rate = now_ns, self.rate(now_ns)
