"""Exponential fill intensity and what follows from it for every model that uses it.

::

    lambda(d) = A * exp(-k * d)                     fills per second at distance d from the fair value
    H(p)      = sup over d of lambda(d) * (1 - exp(-x * (d - p))) / x,     x = xi * Delta
              = A * C(x) / k * exp(-k * p)          C(x) = (1 + x/k)^-(1 + k/x),  C(0) = 1/e
    d*(p)     = p + c1                              c1   = ln(1 + x/k) / x,       c1(0) = 1/k

p is what one more unit costs: the fee and the loss of value from the changed inventory. xi is the risk
aversion to the fill itself: gamma under exponential utility, 0 under a running penalty on inventory alone.

Fails where fills do not thin out exponentially; `generic_intensity` takes other shapes.

Source: Guéant, Applied Mathematical Finance 24(2), 2017, section 4.
"""

from __future__ import annotations

import math


def risk_premium(xi_size: float, k: float) -> float:
    """Half-spread a maker asks for the chance of being filled: ``c1 = ln(1 + x/k)/x``.

    Parameters
    ----------
    xi_size : float
        ``x``: fill risk aversion times order size, in 1/price; at least 0.
    k : float
        Decay of the fill intensity, in 1/price; above 0.

    Returns
    -------
    float
        Price units.

    """
    ratio = xi_size / k
    if ratio < 1e-8:
        return (1.0 - 0.5 * ratio) / k
    return math.log1p(ratio) / xi_size


def fill_discount(xi_size: float, k: float) -> float:
    """Return ``C(x) = (1 + x/k)^-(1 + k/x)``, whose limit for ``x -> 0`` is ``1/e``; arguments as in `risk_premium`."""
    ratio = xi_size / k
    if ratio < 1e-8:
        return math.exp(-1.0 - 0.5 * ratio)
    return math.exp(-(1.0 + 1.0 / ratio) * math.log1p(ratio))


def optimal_fill_rate(a: float, k: float, xi_size: float, cost: float) -> float:
    """Return ``eta = A C(x) exp(-k cost) = k H(cost) = -H'(cost)``, in 1/s.

    Parameters
    ----------
    a : float
        Intensity at zero distance, in 1/s.
    k : float
        Decay, in 1/price.
    xi_size : float
        Fill risk aversion times order size, in 1/price.
    cost : float
        Cost per unit filled, in price units; negative for a rebate.

    """
    return a * fill_discount(xi_size, k) * cost_discount(k, cost)


def cost_discount(k: float, cost: float) -> float:
    """Return ``exp(-k cost)``: the share of fills that is left when a cost has moved the quote out."""
    return math.exp(-k * cost)


def quadratic_value(
    gamma: float,
    sigma: float,
    order_size: float,
    bid_slope: float,
    bid_curvature: float,
    ask_slope: float,
    ask_curvature: float,
) -> tuple[float, float]:
    """Second-order expansion ``theta(q) = -a q^2 - b q`` of the stationary value function.

    ::

        D = Delta * (H''b + H''a)
        a = sigma/2 * sqrt(gamma / D)
        b = -(Delta * (|H'a| - |H'b|) + a * Delta^2 * (H''b - H''a)) / D

    With equal sides ``b = 0``.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    sigma : float
        Volatility, in price per square-root second.
    order_size : float
        Base units.
    bid_slope, ask_slope : float
        ``|H'|`` per side at the cost of a fill, in 1/s.
    bid_curvature, ask_curvature : float
        ``H''`` per side there, in 1/(s price).

    Returns
    -------
    tuple of float
        ``a`` in price per base unit and ``b`` in price units.

    """
    density = order_size * (bid_curvature + ask_curvature)
    a = 0.5 * sigma * math.sqrt(gamma / density)
    tilt = order_size * (ask_slope - bid_slope + a * order_size * (bid_curvature - ask_curvature))
    return a, -tilt / density
