"""Avellaneda-Stoikov (2008) with an infinite horizon: utility of a frozen inventory, discounted at a rate.

The discount rate omega is the smallest under which every inventory within the bound Q can be held::

    omega = gamma^2 sigma^2 (Q + Delta)^2 / 2,      D = 2 omega - gamma^2 sigma^2 q^2
    r_bid = S + ln(1 - Delta (2q + Delta) gamma^2 sigma^2 / D) / (gamma Delta)
    r_ask = S - ln(1 + Delta (2q - Delta) gamma^2 sigma^2 / D) / (gamma Delta)
    bid   = r_bid - c1 - kappa,   ask = r_ask + c1 + kappa,   c1 = ln(1 + gamma Delta / k) / (gamma Delta)

The ask printed in the preprint, S + ln(1 + (1 - 2q) gamma^2 sigma^2 / D)/gamma, does not solve the paper's own
definition of an indifference price and agrees with this one to first order only. sigma cancels: omega carries
it, and the time scale 1/omega is set by the bound. Around a target q* the formula holds with q - q* for q and
Q + |q*| for Q, which a drift makes exact. At the bound the bid's logarithm is that of zero: no bid.

Fails as a description of time: nobody quotes with a discount rate that his position limit dictates. Use it
to compare with the paper, and `glft` to trade.

Source: Avellaneda and Stoikov, Quantitative Finance 8(3), 2008, section 2.3, with the order size made explicit.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.checks import check_finite, check_inventory, check_not_negative, check_positive
from mm_nautilus.models.fills import risk_premium
from mm_nautilus.models.protocol import ModelParameters, RiskAversion


def discount_rate(gamma: float, sigma: float, inventory_bound: float, order_size: float) -> float:
    """Return ``omega = gamma^2 sigma^2 (Q + Delta)^2 / 2``, in 1/s; arguments as in `indifference_prices`."""
    return 0.5 * (gamma * sigma * (inventory_bound + order_size)) ** 2


def indifference_shift(inventory: float, gamma: float, inventory_bound: float, order_size: float) -> float | None:
    """Distance of the bid's indifference price from the fair value, in price units; the ask's is ``-shift(-q)``.

    ``ln(1 - Delta (2q + Delta)/((Q + Delta)^2 - q^2))/(gamma Delta)``, ``None`` at the bound, where one more
    unit cannot be held at any price. Assumes an inventory within the bound; arguments as in `indifference_prices`.
    """
    reach = inventory_bound + order_size
    share = order_size * (2.0 * inventory + order_size) / (reach * reach - inventory * inventory)
    if share >= 1.0 - 1e-15:
        return None
    return math.log1p(-share) / (gamma * order_size)


def indifference_prices(
    fair_value: float, inventory: float, gamma: float, sigma: float, inventory_bound: float, order_size: float = 1.0
) -> tuple[float | None, float | None]:
    """Prices at which one more unit bought, or sold, leaves the utility as it is.

    Parameters
    ----------
    fair_value : float
        Price units.
    inventory : float
        Base units, within the bound.
    gamma : float
        Absolute risk aversion, in 1/quote currency.
    sigma : float
        Volatility, in price per square-root second; it cancels.
    inventory_bound : float
        ``Q``, in base units.
    order_size : float
        Base units.

    Returns
    -------
    tuple of float or None
        Bid's and ask's, in price units; ``None`` at the bound.

    Raises
    ------
    ParameterError
        For an inventory beyond the bound, or a parameter outside its range.

    """
    check_finite(fair_value=fair_value)
    check_positive(gamma=gamma, inventory_bound=inventory_bound, order_size=order_size)
    check_not_negative(sigma=sigma)
    check_inventory(inventory, inventory_bound)
    bid = indifference_shift(inventory, gamma, inventory_bound, order_size)
    ask = indifference_shift(-inventory, gamma, inventory_bound, order_size)
    return None if bid is None else fair_value + bid, None if ask is None else fair_value - ask


def printed_indifference_ask(fair_value: float, inventory: float, gamma: float, inventory_bound: float) -> float:
    """Ask's indifference price as the preprint prints it, for orders of one unit: right to first order only.

    ``S + ln(1 + (1 - 2q)/((Q + 1)^2 - q^2))/gamma``; compare `indifference_prices`, which takes the same arguments.
    """
    reach = inventory_bound + 1.0
    return fair_value + math.log1p((1.0 - 2.0 * inventory) / (reach * reach - inventory * inventory)) / gamma


class AvellanedaStoikovInfiniteParameters(ModelParameters):
    """Parameters of `AvellanedaStoikovInfinite`."""

    gamma: RiskAversion = Field(gt=0, description="Absolute risk aversion.")


class AvellanedaStoikovInfinite(BoundedModel):
    """Stationary quotes of Avellaneda and Stoikov, bounded by the position limit."""

    name: ClassVar[str] = "avellaneda_stoikov_infinite"
    parameters_type: ClassVar[type[ModelParameters]] = AvellanedaStoikovInfiniteParameters

    def __init__(
        self, parameters: AvellanedaStoikovInfiniteParameters, order_size: float, inventory_bound: float
    ) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._gamma = parameters.gamma

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - stationary
        """Return the stationary quote, centred between the two indifference prices."""
        fair, gamma, size = state.fair_value, self._gamma, self._order_size
        target = self._target
        if self._carries:
            target = self.target(self.drift(fair), gamma * state.sigma * state.sigma)
        beyond, bound = self.within(inventory) - target, self._bound + abs(target)
        down = indifference_shift(beyond, gamma, bound, size)
        up = indifference_shift(-beyond, gamma, bound, size)
        cost = self.fill_cost(fair)
        bid = cost + risk_premium(gamma * size, state.bid_intensity.k_per_price)
        ask = cost + risk_premium(gamma * size, state.ask_intensity.k_per_price)
        if down is None:
            return Quote(fair, None, ask - (up or 0.0))
        if up is None:
            return Quote(fair, bid - down, None)
        half = 0.5 * (down + up)
        return self.bounded(fair + 0.5 * (down - up), bid - half, ask - half, inventory)
