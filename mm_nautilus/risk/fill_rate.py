r"""Surprise at the number of our fills, given the intensities we quote by.

Each level of side :math:`s` at distance :math:`\delta` from the fair value is hit at the rate
:math:`\lambda = A_s e^{-k_s \delta}`, as the last decision has it. Over the window the fills expected are

.. math::
    \Lambda = \int \sum_{\text{levels}} A_s e^{-k_s \delta}\, dt,

and of :math:`n` fills the two-sided chance is :math:`p = \min(1, 2 \min(P[N \le n], P[N \ge n]))` under a Poisson law.
The value is :math:`-\log_{10} p`: 3 is one chance in a thousand.

Assumes that fills are independent of each other. Trades cluster, so the tails are fatter than Poisson's and thresholds
belong far out; a quote that is still on its way, or behind a long queue, is expected to fill and will not yet.
"""

from __future__ import annotations

import math
from typing import Final

from scipy.special import gammainc, gammaincc

from mm_nautilus.messages import FillFact, QuoteDecision
from mm_nautilus.risk.settings import FillRateRule
from mm_nautilus.risk.windows import WindowSum

MOST_SURPRISING: Final = 300.0
"""What no float can hold is called this."""


def surprise(count: float, expected: float) -> float:
    """Return minus the decimal logarithm of the two-sided Poisson tail; see the module.

    Parameters
    ----------
    count : float
        Events seen, a whole number >= 0.
    expected : float
        Events expected, > 0.

    """
    if count == 0:
        tail = math.exp(-expected)
    else:
        tail = float(gammainc(count, expected) if count > expected else gammaincc(count + 1.0, expected))
    chance = min(1.0, 2.0 * tail)
    return min(-math.log10(chance), MOST_SURPRISING) if chance > 0.0 else MOST_SURPRISING


class FillRate:
    """Surprise at the fills of our quotes within the window.

    One execution that comes in several trades of an instant is one fill.

    Parameters
    ----------
    rule : FillRateRule
        Window, and what must be expected before anything is said.

    """

    __slots__ = ("_count", "_expected", "_last_fill", "_last_ns", "_lowest", "_rates", "_rule")

    def __init__(self, rule: FillRateRule) -> None:
        self._rule = rule
        self._lowest = min((threshold for threshold, _ in rule.levels), default=math.inf) * rule.recover_share
        self._count, self._expected = WindowSum(rule.window_s), WindowSum(rule.window_s)
        self._rates: dict[str, float] = {}
        self._last_ns = 0
        self._last_fill: tuple[str, int] = ("", 0)

    def decided(self, fact: QuoteDecision) -> None:
        """Take what a strategy wants to rest from now on."""
        self._integrate(fact.ts_ns)
        self._rates[fact.strategy_id] = rate_of(fact)

    def filled(self, fact: FillFact) -> None:
        """Take a fill; only those of quotes count."""
        this = (fact.client_order_id, fact.ts_ns)
        if fact.purpose == "QUOTE" and this != self._last_fill:
            self._last_fill = this
            self._count.add(fact.ts_ns)

    def value(self, now_ns: int) -> float | None:
        """Return the surprise, ``None`` while too few fills were expected to tell."""
        self._integrate(now_ns)
        expected = self._expected.at(now_ns)
        return surprise(self._count.at(now_ns), expected) if expected >= self._rule.min_expected else None

    def quick(self, now_ns: int) -> float | None:
        """Return a bound above the surprise where that is below every threshold, else the surprise; cheaper mostly.

        A tail is at least as likely as its first number.
        """
        self._integrate(now_ns)
        expected, count = self._expected.at(now_ns), self._count.at(now_ns)
        if expected < self._rule.min_expected:
            return None
        chance = math.exp(count * math.log(expected) - expected - math.lgamma(count + 1.0))
        bound = -math.log10(2.0 * chance) if chance > 0.0 else math.inf
        return max(bound, 0.0) if bound < self._lowest else surprise(count, expected)

    def reason(self, now_ns: int) -> str:
        """Say what was expected, what came, and how likely that was."""
        value = self.value(now_ns)
        count, expected = self._count.at(now_ns), self._expected.at(now_ns)
        seen = f"{count:.0f} fills in {self._rule.window_s:g} s where {expected:.3g} were expected"
        if value is None:
            return f"{seen}, which are too few to tell"
        return f"{seen}: too {'many' if count > expected else 'few'} with a chance of {10.0**-value:.2g}"

    def restart(self, now_ns: int) -> None:
        """Forget fills and expectations so far."""
        self._integrate(now_ns)
        self._count.clear()
        self._expected.clear()

    def _integrate(self, now_ns: int) -> None:
        rate = sum(self._rates.values())
        if rate and now_ns > self._last_ns:
            self._expected.add(now_ns, rate * (now_ns - self._last_ns) * 1e-9)
        self._last_ns = max(now_ns, self._last_ns)


def rate_of(decision: QuoteDecision) -> float:
    """Return the fills per second that the quotes of a decision are expected to have; 0 where nothing is quoted."""
    fair_value = decision.fair_value
    if fair_value is None:
        return 0.0
    rate = 0.0
    if decision.bid_a_per_s is not None and decision.bid_k_per_price is not None:
        a_per_s, k_per_price = decision.bid_a_per_s, decision.bid_k_per_price
        rate += sum(a_per_s * math.exp(-k_per_price * (fair_value - price)) for price in decision.bid_prices)
    if decision.ask_a_per_s is not None and decision.ask_k_per_price is not None:
        a_per_s, k_per_price = decision.ask_a_per_s, decision.ask_k_per_price
        rate += sum(a_per_s * math.exp(-k_per_price * (price - fair_value)) for price in decision.ask_prices)
    return rate
