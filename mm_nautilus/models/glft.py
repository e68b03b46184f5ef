r"""Guéant, Lehalle and Fernandez-Tapia: the closed-form approximation of the stationary quotes.

The value function is expanded to second order in inventory, :math:`\theta(q) = -aq^2 - bq`. With
:math:`x = \xi\Delta`, :math:`C(x) = (1 + x/k)^{-(1 + k/x)}`, the fee per unit :math:`\kappa` and, per side,
the curvature :math:`h = A k C(x) e^{-k\kappa}` and slope :math:`-h/k` of the fill Hamiltonian,

.. math::
    D = \Delta (h^b + h^a), \quad
    a = \tfrac12 \sigma \sqrt{\gamma / D}, \quad
    b = -\Bigl[\tfrac{\mu}{2a} + \Delta\bigl(\tfrac{h^a}{k^a} - \tfrac{h^b}{k^b}\bigr)
        + a\Delta^2 (h^b - h^a)\Bigr] / D

.. math::
    \delta^b = c_1^b + \kappa + a\Delta + 2aq + b, \qquad
    \delta^a = c_1^a + \kappa + a\Delta - 2aq - b, \qquad
    c_1 = \ln(1 + x/k)/x .

With equal sides :math:`2a` is the skew per unit of inventory of GLFT (2013) and :math:`b` only carries the
drift :math:`\mu`. :math:`\xi = \gamma` prices the risk of the fill itself (exponential utility);
:math:`\xi = 0` gives the running quadratic penalty, :math:`c_1 = 1/k`.

Fails where :math:`2a|q - q^*|` exceeds the half-spread: the slope is then over-estimated, so the
position must be bounded by a limit.

Source: Guéant, Lehalle and Fernandez-Tapia, Mathematics and Financial Economics 7, 2013, section 4;
Guéant, Applied Mathematical Finance 24(2), 2017, eq. 4.6-4.9; two different sides follow from the
same expansion.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.avellaneda_stoikov import risk_premium
from mm_nautilus.models.protocol import ModelParameters


def fill_discount(xi_size: float, k: float) -> float:
    r"""Return :math:`C(x) = (1 + x/k)^{-(1 + k/x)}`, whose limit for :math:`x \to 0` is :math:`e^{-1}`.

    Parameters
    ----------
    xi_size : float
        Fill risk aversion times order size, in 1/price; at least 0.
    k : float
        Decay of the fill intensity, in 1/price; above 0.

    """
    ratio = xi_size / k
    if ratio < 1e-8:
        return math.exp(-1.0 - 0.5 * ratio)
    return math.exp(-(1.0 + 1.0 / ratio) * math.log1p(ratio))


def curvature(a: float, k: float, xi_size: float, cost: float) -> float:
    r"""Second derivative of one side's fill Hamiltonian at zero, :math:`A k C(x) e^{-k\kappa}`.

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
    return a * k * fill_discount(xi_size, k) * math.exp(-k * cost)


def quadratic_value(
    gamma: float,
    sigma: float,
    order_size: float,
    bid_curvature: float,
    ask_curvature: float,
    bid_k: float,
    ask_k: float,
    drift: float,
) -> tuple[float, float]:
    """Coefficients ``(a, b)`` of the quadratic value function; see the module.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    sigma : float
        Volatility, in price per square-root second; 0 gives ``a = 0`` and needs ``drift = 0``.
    order_size : float
        Base units.
    bid_curvature, ask_curvature : float
        From `curvature`, in 1/(s price).
    bid_k, ask_k : float
        Decay per side, in 1/price.
    drift : float
        Drift of the fair value, in price per second.

    Returns
    -------
    tuple of float
        ``a`` in price per base unit and ``b`` in price units.

    """
    density = order_size * (bid_curvature + ask_curvature)
    a = 0.5 * sigma * math.sqrt(gamma / density)
    tilt = order_size * (ask_curvature / ask_k - bid_curvature / bid_k)
    tilt += a * order_size * order_size * (bid_curvature - ask_curvature)
    if drift != 0.0:
        tilt += drift / (2.0 * a)
    return a, -tilt / density


class GlftParameters(ModelParameters):
    """Parameters of `Glft`."""

    gamma: float = Field(gt=0, description="Absolute risk aversion, in 1/quote currency.")
    fill_risk: Literal["cara", "none"] = Field(
        default="cara",
        description="'cara': a fill's own risk is priced (xi = gamma); 'none': inventory alone (xi = 0).",
    )


class Glft:
    """Stationary closed-form quotes of Guéant, Lehalle and Fernandez-Tapia."""

    name: ClassVar[str] = "glft"
    parameters_type: ClassVar[type[ModelParameters]] = GlftParameters

    def __init__(self, parameters: GlftParameters, order_size: float) -> None:
        self._gamma = parameters.gamma
        self._xi_size = parameters.gamma * order_size if parameters.fill_risk == "cara" else 0.0
        self._target = parameters.target_inventory
        self._fee_rate = parameters.maker_fee_rate
        self._order_size = order_size

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - stationary
        """Return the stationary quote; see the module for the formula."""
        bid, ask = state.bid_intensity, state.ask_intensity
        xi_size, size = self._xi_size, self._order_size
        cost = self._fee_rate * state.fair_value
        a, b = quadratic_value(
            self._gamma,
            state.sigma,
            size,
            curvature(bid.a_per_s, bid.k_per_price, xi_size, cost),
            curvature(ask.a_per_s, ask.k_per_price, xi_size, cost),
            bid.k_per_price,
            ask.k_per_price,
            drift=0.0,
        )
        return Quote(
            state.fair_value - 2.0 * a * (inventory - self._target) - b,
            risk_premium(xi_size, bid.k_per_price) + cost + a * size,
            risk_premium(xi_size, ask.k_per_price) + cost + a * size,
        )
