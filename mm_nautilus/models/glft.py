"""Guéant, Lehalle and Fernandez-Tapia: the closed-form approximation of the stationary quotes.

The value function is expanded to second order in inventory, theta(q) = -a q^2 - b q. With x = xi * Delta,
C(x) = (1 + x/k)^-(1 + k/x), the cost of a fill kappa = fee + impact/2 and, per side, eta = A C(x) exp(-k kappa)::

    D    = Delta * (k_bid * eta_bid + k_ask * eta_ask)
    a    = sigma/2 * sqrt(gamma / D)                                        skew = 2a per unit of inventory
    b    = -(Delta * (eta_ask - eta_bid) + a * Delta^2 * (k_bid * eta_bid - k_ask * eta_ask)) / D
    bid  = S - (c1_bid + kappa + a * Delta + 2a * (q - q*) + b)
    ask  = S + (c1_ask + kappa + a * Delta - 2a * (q - q*) - b),            c1 = ln(1 + x/k) / x
    q*   = target + mu / (gamma * sigma^2)

With equal sides b = 0 and 2a = sigma * sqrt(gamma / (2 A Delta k C(x))) * exp(k kappa / 2), the skew of GLFT
(2013). xi = gamma prices the risk of the fill itself (exponential utility); xi = 0 gives the running quadratic
penalty, with c1 = 1/k and C = 1/e.

Fails where 2a |q - q*| exceeds the half-spread: the slope is then over-estimated, so the position must be
bounded by a limit. `glft_exact` has no such error.

Source: Guéant, Lehalle and Fernandez-Tapia, Mathematics and Financial Economics 7, 2013, section 4; Guéant,
Applied Mathematical Finance 24(2), 2017, eq. 4.6-4.9; two different sides follow from the same expansion.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mm_nautilus.market import Intensity, MarketState, Quote
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.fills import cost_discount, optimal_fill_rate, quadratic_value, risk_premium
from mm_nautilus.models.protocol import ModelParameters, RiskAversion


def stationary_value(
    gamma: float,
    sigma: float,
    order_size: float,
    xi_size: float,
    cost: float,
    bid_a: float,
    bid_k: float,
    ask_a: float,
    ask_k: float,
) -> tuple[float, float]:
    """Coefficients ``(a, b)`` of the value function for exponential intensities; see the module.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    sigma : float
        Volatility, in price per square-root second.
    order_size : float
        Base units.
    xi_size : float
        Fill risk aversion times order size, in 1/price.
    cost : float
        ``kappa``, in price units.
    bid_a, ask_a : float
        Intensity at zero distance per side, in 1/s.
    bid_k, ask_k : float
        Decay per side, in 1/price.

    Returns
    -------
    tuple of float
        ``a`` in price per base unit (half the skew) and ``b`` in price units.

    """
    bid_eta = optimal_fill_rate(bid_a, bid_k, xi_size, cost)
    ask_eta = optimal_fill_rate(ask_a, ask_k, xi_size, cost)
    return quadratic_value(gamma, sigma, order_size, bid_eta, bid_k * bid_eta, ask_eta, ask_k * ask_eta)


def stationary_quote(
    fair_value: float,
    sigma: float,
    beyond: float,
    gamma: float,
    order_size: float,
    cost: float,
    bid_k: float,
    bid_eta: float,
    bid_premium: float,
    ask_k: float,
    ask_eta: float,
    ask_premium: float,
) -> tuple[float, float, float]:
    """Centre, bid half-spread and ask half-spread, in price units; see the module.

    Parameters
    ----------
    fair_value, sigma : float
        Price units, and price per square-root second.
    beyond : float
        Inventory beyond the target, ``q - q*``, in base units.
    gamma, order_size, cost, bid_k, ask_k : float
        As in `stationary_value`.
    bid_eta, ask_eta : float
        `optimal_fill_rate` per side at no cost, in 1/s.
    bid_premium, ask_premium : float
        `risk_premium` per side, in price units.

    """
    if cost != 0.0:
        bid_eta *= cost_discount(bid_k, cost)
        ask_eta *= cost_discount(ask_k, cost)
    a, b = quadratic_value(gamma, sigma, order_size, bid_eta, bid_k * bid_eta, ask_eta, ask_k * ask_eta)
    half = cost + a * order_size
    return fair_value - 2.0 * a * beyond - b, half + bid_premium, half + ask_premium


class GlftParameters(ModelParameters):
    """Parameters of `Glft`."""

    gamma: RiskAversion = Field(gt=0, description="Absolute risk aversion.")
    fill_risk: Literal["cara", "none"] = Field(
        default="cara",
        description="'cara': a fill's own risk is priced (xi = gamma); 'none': inventory alone (xi = 0).",
    )

    def fill_risk_aversion(self) -> float:
        """Return ``xi``, in 1/quote currency."""
        return self.gamma if self.fill_risk == "cara" else 0.0


class Glft(BoundedModel):
    """Stationary closed-form quotes of Guéant, Lehalle and Fernandez-Tapia."""

    name: ClassVar[str] = "glft"
    parameters_type: ClassVar[type[ModelParameters]] = GlftParameters

    def __init__(self, parameters: GlftParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._gamma = parameters.gamma
        self._xi_size = parameters.fill_risk_aversion() * order_size
        self._bid_seen: Intensity | None = None
        self._ask_seen: Intensity | None = None

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - stationary
        """Return the stationary quote; see the module for the formula."""
        fair, sigma, gamma, size = state.fair_value, state.sigma, self._gamma, self._order_size
        bid_seen, ask_seen = state.bid_intensity, state.ask_intensity
        if bid_seen is not self._bid_seen or ask_seen is not self._ask_seen:
            # Estimates change now and then, a quote with every tick.
            self._bid, self._ask = self._side(bid_seen), self._side(ask_seen)
            self._bid_seen, self._ask_seen = bid_seen, ask_seen
        (bid_k, bid_eta, bid_premium), (ask_k, ask_eta, ask_premium) = self._bid, self._ask
        target = self.target(self.drift(fair), gamma * sigma * sigma) if self._carries else self._target
        cost = self.fill_cost(fair)
        centre, bid, ask = stationary_quote(
            fair, sigma, inventory - target, gamma, size, cost, bid_k, bid_eta, bid_premium, ask_k, ask_eta, ask_premium
        )
        return self.bounded(centre, bid, ask, inventory)

    def _side(self, estimate: Intensity) -> tuple[float, float, float]:
        k = estimate.k_per_price
        return k, optimal_fill_rate(estimate.a_per_s, k, self._xi_size, 0.0), risk_premium(self._xi_size, k)
