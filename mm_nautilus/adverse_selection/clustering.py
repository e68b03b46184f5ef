r"""Test 5, clustering: whether fills of one side come in a burst.

If fills come as a Poisson process, the gaps between them are exponential, and the mean of the last :math:`k` over the
mean of the :math:`m` before them follows an F distribution with :math:`2k` and :math:`2m` degrees of freedom; a small
ratio is a burst. Three things are allowed for:

* gaps are measured in market orders expected, not in seconds, and stand still while the side is not quoted, so that a
  busy market or a pause of ours is no burst;
* gaps that vary more than exponential ones (their squared coefficient of variation :math:`\phi` is above 1) make the
  ratio as much more uncertain: degrees of freedom are divided by :math:`\phi`;
* the gap since the last fill counts, so that a burst that is over fades.

The ratio is brought to a standard normal statistic by the cube roots of Wilson and Hilferty (1931), as Paulson (1942)
did for F.

Fails where our own quotes change distance often and far: they are hit more often when they stand closer.
"""

from __future__ import annotations

import math
from typing import Final

from mm_nautilus.adverse_selection.evidence import Score
from mm_nautilus.estimators.rolling import RollingSum

_FEWEST_BASE: Final = 20
_SMALLEST: Final = 1e-12


class Clustering:
    """Gaps between the fills of one side; O(1) a fill and a score.

    Parameters
    ----------
    recent : int
        Gaps ``k`` that may be a burst.
    base : int
        Gaps ``m`` before them, at most.

    """

    __slots__ = ("_base", "_last", "_recent", "_squares")

    def __init__(self, recent: int, base: int) -> None:
        self._recent = RollingSum(recent)
        self._base, self._squares = RollingSum(base), RollingSum(base)
        self._last: float | None = None

    def filled(self, elapsed: float) -> None:
        """Take a fill, or several of one instant, at an operational time that never goes backwards."""
        if self._last is not None:
            recent = self._recent
            if recent.full:
                oldest = recent.oldest
                self._base.add(oldest)
                self._squares.add(oldest * oldest)
            recent.add(elapsed - self._last)
        self._last = elapsed

    def score(self, elapsed: float) -> Score | None:
        """Logarithm of usual over recent mean gap; ``None`` before enough gaps."""
        m, k = self._base.count, self._recent.length
        if m < _FEWEST_BASE or self._last is None:
            return None
        usual = self._base.total / m
        if usual <= _SMALLEST:
            return None
        dispersion = (self._squares.total - m * usual * usual) / ((m - 1) * usual * usual)
        recent = (self._recent.total + max(elapsed - self._last, 0.0)) / k
        ratio = max(recent / usual, _SMALLEST)
        overdispersion = max(dispersion, 1.0)
        return Score(-math.log(ratio), -normal_of_f(ratio, 2.0 * k / overdispersion, 2.0 * m / overdispersion))


def normal_of_f(ratio: float, above: float, below: float) -> float:
    r"""Return a statistic that is nearly standard normal when `ratio` follows an F distribution.

    .. math:: z = \frac{(1 - b) F^{1/3} - (1 - a)}{\sqrt{b F^{2/3} + a}}, \quad a = \frac{2}{9 \nu_1},
        b = \frac{2}{9 \nu_2}

    Parameters
    ----------
    ratio : float
        Above 0.
    above, below : float
        Degrees of freedom of numerator and denominator; `below` at least 3.

    """
    a, b, root = 2.0 / (9.0 * above), 2.0 / (9.0 * below), math.cbrt(ratio)
    return ((1.0 - b) * root - (1.0 - a)) / math.sqrt(b * root * root + a)
