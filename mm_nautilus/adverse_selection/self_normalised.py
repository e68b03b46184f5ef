r"""Sums that are their own yardstick: :math:`T = \sum x / \sqrt{\sum x^2}` of terms that average 0.

If the terms are martingale differences (nobody can tell the sign of the next one), `T` is standard normal in the
limit whatever their variances do, so that neither a volatility nor a correlation has to be estimated. With few or
skewless terms its tails are lighter than normal (Efron 1969), and a one-sided test holds its level.

Fails where neighbouring terms depend on each other: gather them into one term first.

References
----------
Efron, JASA 64, 1969; de la Pena, Lai and Shao, Self-Normalized Processes, Springer 2009.

"""

from __future__ import annotations

import math


class SelfNormalised:
    """A self-normalised sum whose past fades with time; O(1) a term.

    Parameters
    ----------
    half_life_s : float
        After which a term counts half, in seconds.

    """

    __slots__ = ("_count", "_per_ns", "_squares", "_total", "_ts_ns", "_weight")

    def __init__(self, half_life_s: float) -> None:
        self._per_ns = -1e-9 / half_life_s
        self._ts_ns = 0
        self._total = self._squares = self._weight = self._count = 0.0

    def add(
        self, ts_ns: int, value: float, weight: float = 1.0, count: float = 1.0, variance: float | None = None
    ) -> None:
        """Take one term.

        Parameters
        ----------
        ts_ns : int
            When; not before the last one.
        value : float
            Averages 0 under the null hypothesis.
        weight : float
            What its mean is taken over.
        count : float
            Observations in it.
        variance : float or None
            Where the null hypothesis says it; ``None`` takes the square of the value.

        """
        kept = 2.0 ** ((ts_ns - self._ts_ns) * self._per_ns)
        self._ts_ns = ts_ns
        self._total = self._total * kept + value
        self._squares = self._squares * kept * kept + (value * value if variance is None else variance)
        self._weight = self._weight * kept + weight
        self._count = self._count * kept + count

    def count(self, now_ns: int) -> float:
        """Observations that still count."""
        return float(self._count * 2.0 ** (max(now_ns - self._ts_ns, 0) * self._per_ns))

    @property
    def mean(self) -> float | None:
        """Sum of the values over sum of the weights, ``None`` without any."""
        return self._total / self._weight if self._weight > 0.0 else None

    @property
    def t(self) -> float | None:
        """The statistic, ``None`` while all terms were 0."""
        return self._total / math.sqrt(self._squares) if self._squares > 0.0 else None
