r"""Recent over long-run level of the market's volatility and of its spread.

.. math::
    \frac{\sigma_f}{\sigma_s} = \sqrt{\frac{\bar v_f}{\bar v_s}}, \qquad v_i = \frac{(m_i - m_{i-1})^2}{t_i - t_{i-1}}

with means :math:`\bar v` over time whose weights halve every fast and every slow half-life, and the spread likewise
without the root. Both means are unbiased from the start; early on they are alike, and so is their ratio to 1.

Assumes that there is a long-run level: across a session's open the ratio says only that it opened.
"""

from __future__ import annotations

import math

from mm_nautilus.messages import MarkFact
from mm_nautilus.risk.settings import RegimeRule
from mm_nautilus.risk.windows import DecayedMean


class VolatilityRegime:
    """Ratio of recent to long-run volatility of the mid.

    Parameters
    ----------
    rule : RegimeRule
        Half-lives.

    """

    __slots__ = ("_fast", "_last", "_last_ns", "_ratio", "_slow")

    def __init__(self, rule: RegimeRule) -> None:
        self._fast, self._slow = DecayedMean(rule.fast_half_life_s), DecayedMean(rule.slow_half_life_s)
        self._last: float | None = None
        self._ratio: float | None = None
        self._last_ns = 0

    def marked(self, fact: MarkFact) -> None:
        """Take a mark; a move across a time without a fit market is not counted."""
        if fact.bid is None or fact.ask is None:
            self._last = None
            return
        mid, elapsed_s = 0.5 * (fact.bid + fact.ask), (fact.ts_ns - self._last_ns) * 1e-9
        if self._last is not None and elapsed_s > 0.0:
            variance_per_s = (mid - self._last) ** 2 / elapsed_s
            fast = self._fast.add(variance_per_s, elapsed_s)
            slow = self._slow.add(variance_per_s, elapsed_s)
            self._ratio = math.sqrt(fast / slow) if slow else None
        self._last, self._last_ns = mid, fact.ts_ns

    def value(self, now_ns: int) -> float | None:  # noqa: ARG002 - the level of the last mark stands
        """Return the ratio; ``None`` before the price has moved."""
        return self._ratio

    def reason(self, now_ns: int) -> str:
        """Say how many times."""
        ratio = self.value(now_ns)
        return "no move of the price yet" if ratio is None else f"volatility {ratio:.3g} times its long-run level"

    def restart(self, now_ns: int) -> None:
        """Forget nothing: the market is as it is."""


class SpreadRegime:
    """Ratio of recent to long-run spread of the market.

    Parameters
    ----------
    rule : RegimeRule
        Half-lives.

    """

    __slots__ = ("_fast", "_last_ns", "_ratio", "_slow")

    def __init__(self, rule: RegimeRule) -> None:
        self._fast, self._slow = DecayedMean(rule.fast_half_life_s), DecayedMean(rule.slow_half_life_s)
        self._last_ns: int | None = None
        self._ratio: float | None = None

    def marked(self, fact: MarkFact) -> None:
        """Take a mark; a time without a fit market is not counted."""
        if fact.bid is None or fact.ask is None:
            self._last_ns = None
            return
        if self._last_ns is not None and fact.ts_ns > self._last_ns:
            elapsed_s = (fact.ts_ns - self._last_ns) * 1e-9
            fast = self._fast.add(fact.ask - fact.bid, elapsed_s)
            slow = self._slow.add(fact.ask - fact.bid, elapsed_s)
            self._ratio = fast / slow if slow else None
        self._last_ns = fact.ts_ns

    def value(self, now_ns: int) -> float | None:  # noqa: ARG002 - the level of the last mark stands
        """Return the ratio; ``None`` before two marks in a row."""
        return self._ratio

    def reason(self, now_ns: int) -> str:
        """Say how many times."""
        ratio = self.value(now_ns)
        return "no spread seen yet" if ratio is None else f"spread {ratio:.3g} times its long-run level"

    def restart(self, now_ns: int) -> None:
        """Forget nothing: the market is as it is."""
