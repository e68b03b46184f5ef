"""Avellaneda-Stoikov (2008) with a finite horizon, session after session.

A maker with utility -exp(-gamma x) faces dS = sigma dW and fills that arrive with intensity A exp(-k d).
With time tau left and orders of size Delta::

    r    = S - (q - q*) * gamma * sigma^2 * tau
    psi  = gamma * Delta * sigma^2 * tau + 2/(gamma * Delta) * ln(1 + gamma * Delta / k)
    bid  = r - psi/2 - kappa,   ask = r + psi/2 + kappa

    kappa = fee + impact/2;     q* = target + E[move of S over tau] / (gamma * Var[S over tau])

Inventory moves the centre and never the width. A does not enter. Under mean reversion sigma^2 * tau is the
variance of the Ornstein-Uhlenbeck price over tau.

Fails where the horizon is long: the formula linearises the arrival of orders, and its skew at the start of
the session is several times that of the exact solution (7.7 times in the paper's own example; `glft` is the
one to trade).

Source: Avellaneda and Stoikov, Quantitative Finance 8(3), 2008, eq. 29-30, with the order size made explicit.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.carry import expected_move, reversion_variance
from mm_nautilus.models.fills import risk_premium
from mm_nautilus.models.protocol import ModelParameters, RiskAversion, Seconds


def half_spread(gamma: float, variance: float, k: float, order_size: float) -> float:
    """Half of ``psi``: ``gamma Delta Var/2 + ln(1 + gamma Delta/k)/(gamma Delta)``.

    Parameters
    ----------
    gamma : float
        Absolute risk aversion, in 1/quote currency; 0 gives the limit ``1/k``.
    variance : float
        Of the fair value over the time left (``sigma^2 tau``), in price squared.
    k : float
        Decay of the fill intensity, in 1/price.
    order_size : float
        Base units.

    Returns
    -------
    float
        Price units.

    """
    return 0.5 * gamma * order_size * variance + risk_premium(gamma * order_size, k)


def reservation_price(fair_value: float, inventory: float, gamma: float, variance: float) -> float:
    """Price at which the maker is indifferent to holding `inventory`: ``S - q gamma Var``.

    Parameters
    ----------
    fair_value : float
        Price units.
    inventory : float
        Position beyond the target, in base units.
    gamma, variance : float
        As in `half_spread`.

    """
    return fair_value - inventory * gamma * variance


def indifference_prices(
    fair_value: float, inventory: float, gamma: float, variance: float, order_size: float
) -> tuple[float, float]:
    """Prices at which one more unit bought, or sold, leaves the utility as it is; arguments as above.

    ``S - (2q + Delta) gamma Var/2`` and ``S - (2q - Delta) gamma Var/2``.
    """
    half = 0.5 * order_size
    return (
        reservation_price(fair_value, inventory + half, gamma, variance),
        reservation_price(fair_value, inventory - half, gamma, variance),
    )


def time_left(elapsed_s: float, horizon_s: float) -> float:
    """Return the seconds left of the session that `elapsed_s` is in; a session begins where another ends."""
    return horizon_s - elapsed_s % horizon_s


class AvellanedaStoikovParameters(ModelParameters):
    """Parameters of `AvellanedaStoikov`."""

    gamma: RiskAversion = Field(gt=0, description="Absolute risk aversion.")
    horizon_s: Seconds = Field(
        gt=0, description="Length of a session; the time left runs from here to 0, then a new session begins."
    )


class AvellanedaStoikov(BoundedModel):
    """Reservation price and spread of Avellaneda and Stoikov, session after session."""

    name: ClassVar[str] = "avellaneda_stoikov"
    parameters_type: ClassVar[type[ModelParameters]] = AvellanedaStoikovParameters

    def __init__(self, parameters: AvellanedaStoikovParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._gamma = parameters.gamma
        self._horizon_s = parameters.horizon_s

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        """Return the quote with the session's remaining time; see the module for the formula."""
        tau_s = time_left(elapsed_s, self._horizon_s)
        fair, gamma, size = state.fair_value, self._gamma, self._order_size
        target, variance = self._target, state.sigma * state.sigma * tau_s
        if self._carries:
            variance = reversion_variance(state.sigma, self._drift_per_price, tau_s)
            move = expected_move(self.drift(fair), self._drift_per_price, tau_s)
            target = self.target(move, gamma * variance)
        cost = self.fill_cost(fair)
        return self.bounded(
            reservation_price(fair, inventory - target, gamma, variance),
            cost + half_spread(gamma, variance, state.bid_intensity.k_per_price, size),
            cost + half_spread(gamma, variance, state.ask_intensity.k_per_price, size),
            inventory,
        )
