r"""Linear price impact: Kyle's lambda, and the slope of any move on any flow.

:math:`\Delta M = a + \lambda x + \varepsilon`, by least squares, for signed volume ``x`` per interval.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import numbers, same_length


class LinearImpact(Struct, frozen=True, gc=False):
    """A least-squares line of price moves on signed flow; ``None`` where the data do not determine a figure."""

    slope: float | None
    r"""Impact :math:`\lambda`, in price per base unit."""
    intercept: float | None
    """Drift per interval, in price units."""
    se: float | None
    """Standard error of the slope; assumes that errors are independent and equally spread."""
    r2: float | None
    """Share of the variance of the moves that the line explains."""
    observations: float
    """Observations that count: their number, or the effective one where they are weighted."""


def linear_impact(flow: Any, move: Any, half_life: float | None = None) -> LinearImpact:
    r"""Regress price moves on signed flow (Kyle 1985, or Cont-Kukanov-Stoikov with order-flow imbalance).

    :math:`\lambda = S_{xy}/S_{xx}`, :math:`se^2 = s^2/S_{xx}`, :math:`s^2 = RSS/(n-2)`. With a half-life the
    sums are weighted by :math:`2^{-age/h}` and ``n`` is :math:`(\sum w)^2/\sum w^2`; `RecursiveImpact` says how.

    Assumes that moves respond to flow at once, linearly, and that flow does not respond to moves inside the
    interval; it does on fast markets, where the slope is then too large.

    Parameters
    ----------
    flow : array-like or Arrow column
        Signed volume per interval, in base units; positive where takers bought.
    move : array-like or Arrow column
        Change of the mid over the interval, in price units.
    half_life : float or None
        Half-life of the weights in intervals; ``None`` weighs all alike.

    Raises
    ------
    ParameterError
        When the columns differ in length, hold a gap, or the half-life is not positive.

    """
    x, y = numbers(flow, "flow"), numbers(move, "move")
    same_length(flow=x, move=y)
    if not len(x):
        return _line(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    weights = _kept(half_life) ** np.arange(len(x) - 1, -1, -1.0)
    total = float(weights.sum())
    mean_x, mean_y = float(weights @ x) / total, float(weights @ y) / total
    dx, dy = x - mean_x, y - mean_y
    sxx, sxy, syy = (float(weights @ products) for products in (dx * dx, dx * dy, dy * dy))
    return _line(total, float(weights @ weights), mean_x, mean_y, sxx, sxy, syy)


class RecursiveImpact:
    r"""`linear_impact`, interval by interval, in seven numbers; O(1) an update.

    Means and centred sums are updated as Welford's are. With a half-life the past keeps
    :math:`2^{-1/h}` of its weight at each interval, so that the line follows a market that changes.

    Parameters
    ----------
    half_life : float or None
        In intervals; ``None`` forgets nothing.

    Raises
    ------
    ParameterError
        When it is not positive.

    """

    __slots__ = ("_kept", "_mean_x", "_mean_y", "_sxx", "_sxy", "_syy", "_weight", "_weight2")

    def __init__(self, half_life: float | None = None) -> None:
        self._kept = _kept(half_life)
        self._weight = self._weight2 = self._mean_x = self._mean_y = self._sxx = self._sxy = self._syy = 0.0

    def update(self, flow: float, move: float) -> None:
        """Take one interval: signed volume in base units, change of the mid in price units."""
        kept = self._kept
        past = kept * self._weight
        self._weight = weight = past + 1.0
        self._weight2 = kept * kept * self._weight2 + 1.0
        dx, dy = flow - self._mean_x, move - self._mean_y
        share = past / weight
        self._mean_x += dx / weight
        self._mean_y += dy / weight
        self._sxx = kept * self._sxx + share * dx * dx
        self._sxy = kept * self._sxy + share * dx * dy
        self._syy = kept * self._syy + share * dy * dy

    @property
    def value(self) -> LinearImpact | None:
        """The line so far, ``None`` while the data do not determine a slope."""
        line = _line(self._weight, self._weight2, self._mean_x, self._mean_y, self._sxx, self._sxy, self._syy)
        return None if line.slope is None else line

    def save(self) -> dict[str, float]:
        """Return the state as JSON-able values."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "_kept"}

    def load(self, state: dict[str, float]) -> None:
        """Restore what `save` returned."""
        for name in self.__slots__:
            if name != "_kept":
                setattr(self, name, float(state[name]))


def _kept(half_life: float | None) -> float:
    if half_life is None:
        return 1.0
    if not half_life > 0.0:
        raise ParameterError("half_life", half_life, "a number > 0")
    return math.exp2(-1.0 / half_life)


def _line(
    weight: float, weight2: float, mean_x: float, mean_y: float, sxx: float, sxy: float, syy: float
) -> LinearImpact:
    """Return the line of weighted means and centred sums; a spread within rounding of its mean is none."""
    observations = weight * weight / weight2 if weight2 else 0.0
    rounding = 1e-28 * weight
    if observations <= 1.0 or sxx <= rounding * mean_x * mean_x:
        return LinearImpact(None, None, None, None, observations)
    slope = sxy / sxx
    explained = slope * sxy
    moved = syy > rounding * mean_y * mean_y
    freedom = observations - 2.0
    se = None
    if freedom > 1e-9:
        residual = max(syy - explained, 0.0) / weight * observations / freedom
        se = math.sqrt(residual * weight2 / weight / sxx)
    return LinearImpact(slope, mean_y - slope * mean_x, se, min(explained / syy, 1.0) if moved else None, observations)
