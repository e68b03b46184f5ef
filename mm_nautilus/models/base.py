"""What all models of this library share: the cost of a fill, the carry, and the inventory bound."""

from __future__ import annotations

from typing import ClassVar

from mm_nautilus.market import Quote
from mm_nautilus.models.carry import clipped_target
from mm_nautilus.models.checks import check_positive
from mm_nautilus.models.protocol import ModelParameters


def fill_cost(fair_value: float, fee_rate: float, half_impact: float) -> float:
    """Return ``kappa = fee + impact/2``: what a fill costs per unit, in price units.

    Parameters
    ----------
    fair_value : float
        Price units.
    fee_rate : float
        Fraction of the price; negative for a rebate.
    half_impact : float
        Half the jump of the fair value with each of our own fills, in price units.

    """
    return fee_rate * fair_value + half_impact


class BoundedModel:
    """Base of a quoting model: holds the common parameters and never quotes a side at its bound.

    Parameters
    ----------
    parameters : ModelParameters
        An instance of the model's `parameters_type`.
    order_size : float
        Base units.
    inventory_bound : float
        Largest |inventory| that may be held, in base units.

    Raises
    ------
    ParameterError
        For an order size or a bound that is not above 0.

    """

    name: ClassVar[str]
    parameters_type: ClassVar[type[ModelParameters]] = ModelParameters
    reads_activity: ClassVar[bool] = False
    """Whether the quote depends on `MarketState.volume_ratio`, which is measured only then."""

    def __init__(self, parameters: ModelParameters, order_size: float, inventory_bound: float) -> None:
        check_positive(order_size=order_size, inventory_bound=inventory_bound)
        self._order_size = order_size
        self._bound = inventory_bound
        self._target = parameters.target_inventory
        self._fee_rate = parameters.maker_fee_rate
        self._half_impact = 0.5 * parameters.own_impact_price
        self._costs = self._fee_rate != 0.0 or self._half_impact != 0.0
        # mu = drift + theta m - (funding + theta) S is a straight line in S, whatever it consists of.
        reversion = parameters.mean_reversion_per_s
        self._drift_at_zero = parameters.drift_price_per_s + reversion * (parameters.mean_price or 0.0)
        self._drift_per_price = parameters.funding_rate_per_s + reversion
        self._carries = self._drift_at_zero != 0.0 or self._drift_per_price != 0.0

    def fill_cost(self, fair_value: float) -> float:
        """Return ``kappa = fee + impact/2``: what a fill costs per unit, in price units."""
        return fill_cost(fair_value, self._fee_rate, self._half_impact) if self._costs else 0.0

    def drift(self, fair_value: float) -> float:
        """Return ``mu = drift - funding S + theta (m - S)``, in price per second."""
        return self._drift_at_zero - self._drift_per_price * fair_value

    def target(self, move: float, risk: float) -> float:
        """Return the inventory that the skew is around: the stated one and what the carry is worth, in base units.

        `move` and `risk` as in `mm_nautilus.models.carry.clipped_target`.
        """
        return self.within(self._target + clipped_target(move, risk, self._bound))

    def bounded(self, centre: float, bid_half: float, ask_half: float, inventory: float) -> Quote:
        """Return the quote without the side that would add to an inventory at or beyond the bound."""
        bound = self._bound
        return Quote(centre, bid_half if inventory < bound else None, ask_half if inventory > -bound else None)

    def within(self, inventory: float) -> float:
        """Return the inventory clipped to the bound, for formulas that do not exist beyond it."""
        return max(-self._bound, min(self._bound, inventory))
