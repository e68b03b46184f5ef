"""Spread by components of cost: what processing, inventory and adverse selection cost per fill.

::

    half = (processing + inventory + adverse selection) / 1e4 * S + kappa,      kappa = fee + impact/2
    bid  = centre - half,   ask = centre + half

Every component is measured, not derived: adverse selection from markouts or from Kyle's lambda times the order
size, inventory from half the skew of `glft` times the order size, processing from what an order costs to run.

Fails as a strategy by itself: the inventory component is paid for and nothing brings the position back, unless
`skew_price_per_base` leans the centre against it.

Source: Stoll, Journal of Finance 44, 1989; Huang and Stoll, Review of Financial Studies 10, 1997. Often
misattributed to Ho and Stoll (1981), which has no adverse selection: see `ho_stoll`.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.lean import LeaningModel, LeaningParameters
from mm_nautilus.models.protocol import Bps, ModelParameters


def half_spread(
    fair_value: float, processing_bps: float, inventory_bps: float, adverse_selection_bps: float, cost: float
) -> float:
    """Sum of the components, in price units.

    Parameters
    ----------
    fair_value : float
        Price units.
    processing_bps, inventory_bps, adverse_selection_bps : float
        Cost per fill, in bps of the fair value.
    cost : float
        Fee and half the own impact per unit filled, in price units.

    """
    return (processing_bps + inventory_bps + adverse_selection_bps) * 1e-4 * fair_value + cost


def adverse_share(fair_value: float, adverse_selection_bps: float, half: float) -> float | None:
    """Share of a half-spread that pays for adverse selection; ``None`` for a half-spread of 0."""
    return None if half == 0.0 else adverse_selection_bps * 1e-4 * fair_value / half


class CostComponentParameters(LeaningParameters):
    """Parameters of `CostComponents`."""

    processing_bps: Bps = Field(default=0.0, ge=0, description="Cost of handling an order, per fill.")
    inventory_bps: Bps = Field(default=0.0, ge=0, description="Cost of carrying what a fill adds, per fill.")
    adverse_selection_bps: Bps = Field(
        default=0.0, ge=0, description="Move of the fair value against a fill until it is absorbed, on average."
    )


class CostComponents(LeaningModel):
    """The half-spread that covers what a fill costs."""

    name: ClassVar[str] = "cost_components"
    parameters_type: ClassVar[type[ModelParameters]] = CostComponentParameters

    def __init__(self, parameters: CostComponentParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._components = (parameters.processing_bps, parameters.inventory_bps, parameters.adverse_selection_bps)

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - stationary
        """Return the quote; see the module for the formula."""
        fair = state.fair_value
        half = half_spread(fair, *self._components, self.fill_cost(fair))
        return self.bounded(self.centre(fair, inventory), half, half, inventory)
