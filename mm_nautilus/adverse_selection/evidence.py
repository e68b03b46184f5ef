r"""What the tests of one side found, and what that comes to.

Every test is one-sided: its statistic is large where something goes against the side, and standard normal at most
where nothing does. `combined_t` is the method of Stouffer with weights and an allowance for dependence,

.. math:: Z = \frac{\sum w_i t_i}{\sqrt{(1-\rho)\sum w_i^2 + \rho(\sum w_i)^2}},

which is standard normal if the statistics are normal with correlation :math:`\rho` between any two, and less
dispersed where they depend less on each other. Tests that cannot speak yet are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Final

from msgspec import Struct

_NORMAL: Final = NormalDist()


class Score(Struct, frozen=True, gc=False):
    """How large an effect is, in the test's own unit, and how many standard errors; positive is against the side."""

    score: float
    t: float


class Evidence(Struct, frozen=True, gc=False):
    """Everything that is known about one side; ``None`` where there is not enough to go by."""

    immediate: Score | None
    """Adverse selection over the immediate horizon, per unit, in price units."""
    delayed: Score | None
    """The same over the delayed horizon."""
    flow: Score | None
    """Taker volume against the side less that for it, over all of it."""
    sweep: Score | None
    """Share of the market orders that filled us and went on beyond our price, less the share expected."""
    clustering: Score | None
    """Logarithm of how much faster than usual fills come."""
    fills: int = 0
    """Fills of the side so far."""
    adverse_selection: float | None = None
    """Average over the last fills at the delayed horizon, per unit, in price units."""
    filled_share: float | None = None
    """Average share of what was open of an order that one execution took."""
    queue_ahead: float | None = None
    """Average size displayed at the order's price when it joined there, over its own size."""

    @property
    def tests(self) -> dict[str, Score | None]:
        """The five tests by name."""
        return {name: getattr(self, name) for name in TESTS}


TESTS: Final = ("immediate", "delayed", "flow", "sweep", "clustering")
"""Names of the tests, in the order in which they are shown."""
PRICE_TESTS: Final = ("immediate", "delayed")
"""Those that say that the side costs money, not only that somebody is at work."""


def combined_t(evidence: Evidence, weights: Mapping[str, float], correlation: float) -> float | None:
    """Return the combined statistic of one side, ``None`` where no test can speak.

    Parameters
    ----------
    evidence : Evidence
        Of the side.
    weights : mapping of test to float
        What each test counts for.
    correlation : float
        Allowed for between any two tests, in [0, 1).

    """
    total = weight = square = 0.0
    for name in TESTS:
        score: Score | None = getattr(evidence, name)
        if score is not None:
            w = weights[name]
            total += w * score.t
            weight += w
            square += w * w
    if not weight > 0.0:
        return None
    return total / math.sqrt((1.0 - correlation) * square + correlation * weight * weight)


def confidence(t: float) -> float:
    """Return one minus the one-sided p-value of a standard normal statistic."""
    return _NORMAL.cdf(t)


def critical_t(level: float) -> float:
    """Return the value that a standard normal statistic exceeds with probability `level`; infinite for 0."""
    return _NORMAL.inv_cdf(1.0 - level) if level > 0.0 else math.inf
