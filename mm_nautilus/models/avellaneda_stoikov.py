r"""Avellaneda-Stoikov (2008) with a finite horizon.

A maker with exponential utility :math:`-e^{-\gamma x}` faces :math:`dS = \sigma\,dW` and fills that
arrive with intensity :math:`A e^{-k\delta}`. With time :math:`\tau` left and orders of size
:math:`\Delta`,

.. math::
    r = S - (q - q^*)\,\gamma\sigma^2\tau, \qquad
    \psi = \gamma\Delta\sigma^2\tau + \frac{2}{\gamma\Delta}\ln\Bigl(1 + \frac{\gamma\Delta}{k}\Bigr)

and the quotes are :math:`r \mp \psi/2`. Inventory moves the centre and never the width.

Fails where the horizon is long: the formula linearises the arrival of orders, and its skew at the
start of the session is several times that of the exact solution (`glft` is the one to trade).

Source: Avellaneda and Stoikov, Quantitative Finance 8(3), 2008, eq. 29-30, with the order size made
explicit.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.protocol import ModelParameters


def risk_premium(gamma_size: float, k: float) -> float:
    r"""Half-spread a maker asks for the chance of being filled, skew-free.

    :math:`\ln(1 + x/k)/x` with :math:`x = \gamma\Delta`, whose limit for :math:`x \to 0` is :math:`1/k`.

    Parameters
    ----------
    gamma_size : float
        Risk aversion times order size, in 1/price; at least 0.
    k : float
        Decay of the fill intensity, in 1/price; above 0.

    Returns
    -------
    float
        Price units.

    """
    ratio = gamma_size / k
    if ratio < 1e-8:
        return (1.0 - 0.5 * ratio) / k
    return math.log1p(ratio) / gamma_size


def half_spread(gamma: float, sigma: float, tau_s: float, k: float, order_size: float) -> float:
    r"""Half of :math:`\psi`: :math:`\tfrac12\gamma\Delta\sigma^2\tau + \ln(1+\gamma\Delta/k)/(\gamma\Delta)`.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    sigma : float
        Volatility, in price per square-root second.
    tau_s : float
        Time left, in seconds.
    k : float
        Decay of the fill intensity, in 1/price.
    order_size : float
        Base units.

    Returns
    -------
    float
        Price units.

    """
    return 0.5 * gamma * order_size * sigma * sigma * tau_s + risk_premium(gamma * order_size, k)


def reservation_price(fair_value: float, inventory: float, gamma: float, sigma: float, tau_s: float) -> float:
    r"""Price at which the maker is indifferent to holding `inventory`: :math:`S - q\gamma\sigma^2\tau`.

    Parameters
    ----------
    fair_value : float
        Price units.
    inventory : float
        Position beyond the target, in base units.
    gamma, sigma, tau_s : float
        As in `half_spread`.

    """
    return fair_value - inventory * gamma * sigma * sigma * tau_s


class AvellanedaStoikovParameters(ModelParameters):
    """Parameters of `AvellanedaStoikov`."""

    gamma: float = Field(gt=0, description="Absolute risk aversion, in 1/quote currency.")
    horizon_s: float = Field(
        gt=0,
        description="Length of a session in seconds; the time left runs from here to 0, then a new session begins.",
    )


class AvellanedaStoikov:
    """Reservation price and spread of Avellaneda and Stoikov, session after session."""

    name: ClassVar[str] = "avellaneda_stoikov"
    parameters_type: ClassVar[type[ModelParameters]] = AvellanedaStoikovParameters

    def __init__(self, parameters: AvellanedaStoikovParameters, order_size: float) -> None:
        self._gamma = parameters.gamma
        self._horizon_s = parameters.horizon_s
        self._target = parameters.target_inventory
        self._fee_rate = parameters.maker_fee_rate
        self._order_size = order_size

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        """Return the quote with the session's remaining time; see the module for the formula."""
        tau_s = self._horizon_s - elapsed_s % self._horizon_s
        fair, gamma, sigma, size = state.fair_value, self._gamma, state.sigma, self._order_size
        fee = self._fee_rate * fair
        return Quote(
            reservation_price(fair, inventory - self._target, gamma, sigma, tau_s),
            fee + half_spread(gamma, sigma, tau_s, state.bid_intensity.k_per_price, size),
            fee + half_spread(gamma, sigma, tau_s, state.ask_intensity.k_per_price, size),
        )
