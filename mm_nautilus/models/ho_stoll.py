"""Ho and Stoll (1981): a dealer whose order flow falls linearly with the distance of the quote.

lambda(d) = alpha - beta d per side, in fills per second. With time tau left, the loss of value from one more
unit bought or sold is c and the quotes stand at::

    d    = alpha/(2 beta) + (c + kappa)/2,            never beyond alpha/beta, where nothing fills
    first order   c_bid = gamma sigma^2 tau (q - q* + Delta/2),   c_ask = -gamma sigma^2 tau (q - q* - Delta/2)
    exact         c_bid = a (2(q - q*) + Delta) + b,              c_ask = -a (2(q - q*) - Delta) - b

    B = beta_bid + beta_ask,   w = sqrt(gamma sigma^2 Delta B / 2),   a = w/(Delta B) * tanh(w tau)
    b = [alpha_bid - alpha_ask - kappa (beta_bid - beta_ask)]/B * (1 - sech(w tau))
        - w (beta_bid - beta_ask)/B^2 * (tanh(w tau) - arctan(sinh(w tau))/cosh(w tau))

The exact form solves the problem with a running quadratic penalty for every tau and any two sides; with equal
sides b = 0. The first-order form freezes the inventory, and is its limit for w tau << 1: beyond 0.3 take the
exact one. In both the spread does not depend on the inventory, and half of a fee is passed on.

alpha and beta are the tangent of the estimated A exp(-k d) at d = 1/k, where a maker without risk aversion
quotes: alpha = 2A/e, beta = kA/e, and alpha/(2 beta) = 1/k.

Fails far from that distance: the line hits zero at 2/k, where an exponential still has fills.

Source: Ho and Stoll, Journal of Financial Economics 9, 1981; the exact form is derived from its problem.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.protocol import ModelParameters, RiskAversion, Seconds


def tangent(a: float, k: float) -> tuple[float, float]:
    """Return ``(alpha, beta)`` of the line that touches ``a exp(-k d)`` at ``d = 1/k``.

    Parameters
    ----------
    a : float
        1/s.
    k : float
        1/price.

    Returns
    -------
    tuple of float
        1/s and 1/(s price).

    """
    return 2.0 * a / math.e, k * a / math.e


def first_order_value(gamma: float, sigma: float, tau_s: float) -> float:
    """Return ``a = gamma sigma^2 tau/2`` of a frozen inventory, in price per base unit."""
    return 0.5 * gamma * sigma * sigma * tau_s


def exact_value(
    gamma: float,
    sigma: float,
    tau_s: float,
    order_size: float,
    bid_alpha: float,
    bid_beta: float,
    ask_alpha: float,
    ask_beta: float,
    cost: float,
) -> tuple[float, float]:
    """Coefficients ``(a, b)`` of the value function ``-a (q - q*)^2 - b q``; see the module.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    sigma : float
        Volatility, in price per square-root second.
    tau_s : float
        Time left, in seconds; infinity for the stationary value.
    order_size : float
        Base units.
    bid_alpha, ask_alpha : float
        Intensity at zero distance per side, in 1/s.
    bid_beta, ask_beta : float
        Its slope per side, in 1/(s price).
    cost : float
        ``kappa``, in price units.

    Returns
    -------
    tuple of float
        ``a`` in price per base unit and ``b`` in price units.

    """
    both = bid_beta + ask_beta
    rate = math.sqrt(0.5 * gamma * sigma * sigma * order_size * both)
    x = rate * tau_s if rate > 0.0 else 0.0
    tanh = math.tanh(x)
    a = rate / (order_size * both) * tanh
    uneven = bid_beta - ask_beta
    flow = bid_alpha - ask_alpha - cost * uneven
    if uneven == 0.0 and flow == 0.0:
        return a, 0.0
    sech = 2.0 * math.exp(-x) / (1.0 + math.exp(-2.0 * x))
    gudermannian = 2.0 * math.atan(math.tanh(0.5 * x))
    return a, flow / both * (1.0 - sech) - rate * uneven / (both * both) * (tanh - gudermannian * sech)


def distance(alpha: float, beta: float, value_lost: float) -> float:
    """Return ``alpha/(2 beta) + c/2``, at most ``alpha/beta``: the distance that a linear intensity asks for.

    Parameters
    ----------
    alpha : float
        1/s.
    beta : float
        1/(s price).
    value_lost : float
        Value lost with a fill and its cost, per unit, in price units.

    Returns
    -------
    float
        Price units.

    """
    widest = alpha / beta
    return min(widest, 0.5 * (widest + value_lost))


class HoStollParameters(ModelParameters):
    """Parameters of `HoStoll`."""

    gamma: RiskAversion = Field(gt=0, description="Absolute risk aversion.")
    horizon_s: Seconds = Field(
        gt=0, description="Length of a session; the time left runs from here to 0, then a new session begins."
    )
    form: Literal["exact", "first_order"] = Field(
        default="exact", description="'exact' for every horizon; 'first_order' as published, for a short one."
    )


class HoStoll(BoundedModel):
    """Quotes of Ho and Stoll against a linear order flow."""

    name: ClassVar[str] = "ho_stoll"
    parameters_type: ClassVar[type[ModelParameters]] = HoStollParameters

    def __init__(self, parameters: HoStollParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._gamma = parameters.gamma
        self._horizon_s = parameters.horizon_s
        self._exact = parameters.form == "exact"

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        """Return the quote with the session's remaining time; see the module for the formula."""
        tau_s = self._horizon_s - elapsed_s % self._horizon_s
        fair, gamma, sigma, size = state.fair_value, self._gamma, state.sigma, self._order_size
        bid_alpha, bid_beta = tangent(state.bid_intensity.a_per_s, state.bid_intensity.k_per_price)
        ask_alpha, ask_beta = tangent(state.ask_intensity.a_per_s, state.ask_intensity.k_per_price)
        cost = self.fill_cost(fair)
        if self._exact:
            a, b = exact_value(gamma, sigma, tau_s, size, bid_alpha, bid_beta, ask_alpha, ask_beta, cost)
        else:
            a, b = first_order_value(gamma, sigma, tau_s), 0.0
        target = self.target(self.drift(fair), gamma * sigma * sigma) if self._carries else self._target
        skew, half = 2.0 * a * (inventory - target) + b, a * size + cost
        return self.bounded(
            fair,
            distance(bid_alpha, bid_beta, half + skew),
            distance(ask_alpha, ask_beta, half - skew),
            inventory,
        )
