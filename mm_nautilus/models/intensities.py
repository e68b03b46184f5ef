"""Shapes of the fill intensity, and the quote that is optimal under each.

::

    exponential     lambda(d) = A exp(-k d)
    linear          lambda(d) = alpha - beta d,                 0 beyond alpha/beta
    shifted power   lambda(d) = A (1 + d/d0)^-a,                a > 1, d > -d0

Given what a unit costs, p, the optimal distance solves, with x = xi * Delta::

    d - ln(1 - x lambda/lambda') / x = p          x = 0:   d + lambda/lambda' = p

which is a maximum where g'(d) > 0 of the left side g. Exponential: d = p + c1; linear, x = 0: d = (alpha/beta +
p)/2; power, x = 0: d = (a p + d0)/(a - 1). The rest is solved by Brent's method.

Source: Avellaneda and Stoikov (2008), eq. 18-19, with the order size; Guéant (2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from mm_nautilus.errors import ParameterError
from mm_nautilus.models.checks import check_finite, check_not_negative, check_positive


class FillIntensity(Protocol):
    """A decreasing function of the distance from the fair value, by what the optimum needs to know of it."""

    def rate(self, distance: float) -> float:
        """Return ``lambda``, in 1/s."""
        ...

    def inverse_decay(self, distance: float) -> float:
        """Return ``-lambda/lambda'``, in price units; above 0."""
        ...

    def inverse_decay_slope(self) -> float:
        """Return the derivative of `inverse_decay`, the same at every distance for the shapes here."""
        ...

    def bracket(self, cost: float) -> tuple[float, float]:
        """Return two distances between which the optimum for a risk-neutral or averse maker lies."""
        ...


@dataclass(frozen=True, slots=True)
class Exponential:
    """``A exp(-k d)``: `a` in 1/s, `k` in 1/price."""

    a: float
    k: float

    def __post_init__(self) -> None:
        check_positive(a=self.a, k=self.k)

    def rate(self, distance: float) -> float:
        """Return ``lambda``, in 1/s."""
        return self.a * math.exp(-self.k * distance)

    def inverse_decay(self, distance: float) -> float:  # noqa: ARG002 - the same everywhere
        """Return ``1/k``."""
        return 1.0 / self.k

    def inverse_decay_slope(self) -> float:
        """Return 0."""
        return 0.0

    def bracket(self, cost: float) -> tuple[float, float]:
        """Return the cost and the risk-neutral optimum."""
        return cost, cost + 1.0 / self.k


@dataclass(frozen=True, slots=True)
class Linear:
    """``alpha - beta d``: `alpha` in 1/s, `beta` in 1/(s price)."""

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        check_positive(alpha=self.alpha, beta=self.beta)

    def rate(self, distance: float) -> float:
        """Return ``lambda``, in 1/s; 0 beyond ``alpha/beta``."""
        return max(0.0, self.alpha - self.beta * distance)

    def inverse_decay(self, distance: float) -> float:
        """Return ``alpha/beta - d``."""
        return self.alpha / self.beta - distance

    def inverse_decay_slope(self) -> float:
        """Return -1."""
        return -1.0

    def bracket(self, cost: float) -> tuple[float, float]:
        """Return the cost and the risk-neutral optimum; where the cost is beyond every fill, the last distance."""
        last = self.alpha / self.beta
        return (cost, 0.5 * (last + cost)) if cost < last else (last, last)


@dataclass(frozen=True, slots=True)
class ShiftedPower:
    """``A (1 + d/d0)^-alpha``: `a` in 1/s, `alpha` above 1, `d0` in price units."""

    a: float
    alpha: float
    d0: float

    def __post_init__(self) -> None:
        check_positive(a=self.a, d0=self.d0)
        if not self.alpha > 1.0:
            raise ParameterError("alpha", self.alpha, "above 1: the optimal distance is infinite otherwise")

    def rate(self, distance: float) -> float:
        """Return ``lambda``, in 1/s; infinite at the pole ``-d0`` and beyond."""
        if distance <= -self.d0:
            return math.inf
        return self.a * math.pow(1.0 + distance / self.d0, -self.alpha)

    def inverse_decay(self, distance: float) -> float:
        """Return ``(d0 + d)/alpha``."""
        return (self.d0 + distance) / self.alpha

    def inverse_decay_slope(self) -> float:
        """Return ``1/alpha``."""
        return 1.0 / self.alpha

    def bracket(self, cost: float) -> tuple[float, float]:
        """Return the cost and the risk-neutral optimum; the pole where a fill is worth more than ``d0``."""
        if cost <= -self.d0:
            return -self.d0, -self.d0
        return cost, (self.alpha * cost + self.d0) / (self.alpha - 1.0)


def optimal_distance(intensity: FillIntensity, cost: float, xi_size: float) -> float:
    """Distance that is worth most when a unit costs `cost`; see the module.

    Parameters
    ----------
    intensity : FillIntensity
        Shape of the fill intensity.
    cost : float
        ``p``: marginal cost of inventory and of the fill, in price units.
    xi_size : float
        ``x``: fill risk aversion times order size, in 1/price; 0 for none.

    Returns
    -------
    float
        Price units.

    Raises
    ------
    ParameterError
        For values outside their range, or where the solution is no maximum.

    """
    check_finite(cost=cost)
    check_not_negative(xi_size=xi_size)
    low, high = intensity.bracket(cost)
    distance = best_distance(intensity, cost, xi_size)
    if low < high and curvature_ratio(intensity, distance, xi_size) <= 0.0:
        raise ParameterError("intensity", intensity, "log-concave enough that the optimum is a maximum")
    return distance


def best_distance(intensity: FillIntensity, cost: float, xi_size: float) -> float:
    """Return `optimal_distance` without checking its arguments and that it is a maximum, which of our shapes it is."""
    low, high = intensity.bracket(cost)
    if xi_size == 0.0 or low >= high:
        return high
    if intensity.inverse_decay_slope() == 0.0:
        return cost + _premium(intensity, low, xi_size)
    from scipy.optimize import brentq  # noqa: PLC0415 - a second of import time that few need

    def excess(distance: float) -> float:
        return distance - _premium(intensity, distance, xi_size) - cost

    return float(brentq(excess, low, high, xtol=1e-15 * max(abs(low), abs(high)), rtol=8.9e-16, maxiter=200))


def _premium(intensity: FillIntensity, distance: float, xi_size: float) -> float:
    return math.log1p(xi_size * intensity.inverse_decay(distance)) / xi_size


def curvature_ratio(intensity: FillIntensity, distance: float, xi_size: float) -> float:
    """Return ``g'(d) = 1 - r'/(1 + x r)`` with ``r = -lambda/lambda'``; above 0 at a maximum."""
    return 1.0 - intensity.inverse_decay_slope() / (1.0 + xi_size * intensity.inverse_decay(distance))


def hamiltonian_derivatives(intensity: FillIntensity, cost: float, xi_size: float) -> tuple[float, float]:
    """Slope ``|H'|`` and curvature ``H''`` of the fill Hamiltonian; arguments as in `optimal_distance`.

    ::

        |H'| = lambda / (1 + x r),      r = -lambda/lambda' at the optimal distance
        H''  = |H'| (1/r + x r'/(1 + x r)) / g'

    Returns
    -------
    tuple of float
        1/s and 1/(s price).

    """
    distance = optimal_distance(intensity, cost, xi_size)
    r, slope = intensity.inverse_decay(distance), intensity.inverse_decay_slope()
    first = intensity.rate(distance) / (1.0 + xi_size * r)
    if r <= 0.0:
        return first, 0.0
    second = first * (1.0 / r + xi_size * slope / (1.0 + xi_size * r))
    return first, second / curvature_ratio(intensity, distance, xi_size)
