"""Choose gamma: the risk aversion whose skew at the position limit is worth a stated number of half-spreads.

::

    skew(gamma) * Q = chi * c1(gamma)

with the skew of `glft` and the skew-free half-spread c1 = ln(1 + gamma Delta/k)/(gamma Delta). The left side
rises with gamma and the right side falls, so there is one solution. chi between 0.5 and 2 is what makes sense:
at the limit, the quote on the reducing side then stands about at the fair value.
"""

from __future__ import annotations

import math

from mm_nautilus.market import Intensity
from mm_nautilus.models.checks import check_positive
from mm_nautilus.models.fills import risk_premium
from mm_nautilus.models.glft import stationary_value


def gamma_from_skew_target(
    sigma: float,
    bid: Intensity,
    ask: Intensity,
    order_size: float,
    inventory_bound: float,
    chi: float = 1.0,
    cost: float = 0.0,
) -> float:
    """Solve ``skew(gamma) Q = chi c1(gamma)``, with the mean of both sides' ``c1``.

    Parameters
    ----------
    sigma : float
        Volatility, in price per square-root second.
    bid, ask : Intensity
        Fill intensity per side.
    order_size : float
        Base units.
    inventory_bound : float
        Largest |inventory|, in base units.
    chi : float
        Skew at the bound, in skew-free half-spreads.
    cost : float
        Cost of a fill per unit (fee and half the own impact), in price units.

    Returns
    -------
    float
        Absolute risk aversion, in 1/quote currency.

    Raises
    ------
    ParameterError
        For a value that is not above 0.

    """
    from scipy.optimize import brentq  # noqa: PLC0415 - a second of import time that few need

    check_positive(sigma=sigma, order_size=order_size, inventory_bound=inventory_bound, chi=chi)
    check_positive(bid_a_per_s=bid.a_per_s, bid_k_per_price=bid.k_per_price)
    check_positive(ask_a_per_s=ask.a_per_s, ask_k_per_price=ask.k_per_price)
    sides = (bid.a_per_s, bid.k_per_price, ask.a_per_s, ask.k_per_price)

    def excess(log_gamma: float) -> float:
        gamma = math.exp(log_gamma)
        x = gamma * order_size
        a, _ = stationary_value(gamma, sigma, order_size, x, cost, *sides)
        wanted = 0.5 * (risk_premium(x, bid.k_per_price) + risk_premium(x, ask.k_per_price))
        return math.log(2.0 * a * inventory_bound) - math.log(chi * wanted)

    low = high = -math.log(order_size * inventory_bound)
    while excess(low) > 0.0:
        low -= 2.0
    while excess(high) < 0.0:
        high += 2.0
    return math.exp(float(brentq(excess, low, high, xtol=1e-15, rtol=8.9e-16, maxiter=500)) if low < high else low)
