"""A stated lean on inventory and drift, for models that know no risk aversion.

::

    centre = S + mu * quote_lifetime - skew * (q - target)

The middle term is the fair value expected when a quote that rests for its lifetime meets its fill. Both terms
are off by default; a target or a drift that could then have no effect is refused rather than ignored.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.protocol import ModelParameters, Seconds, Unit


def leaning_centre(fair_value: float, shift: float, skew: float, beyond: float) -> float:
    """Return ``S + shift - skew (q - target)``, in price units.

    Parameters
    ----------
    fair_value, shift : float
        Price units.
    skew : float
        Price per base unit.
    beyond : float
        Inventory beyond the target, in base units.

    """
    return fair_value + shift - skew * beyond


class LeaningParameters(ModelParameters):
    """Parameters of models without a risk aversion."""

    quote_lifetime_s: Seconds = Field(
        default=0.0, ge=0, description="Time a quote rests until its fill; the centre moves by the drift over it."
    )
    skew_price_per_base: Annotated[float, Unit("price/base")] = Field(
        default=0.0, ge=0, description="Shift of both quotes against each unit of inventory beyond the target."
    )

    @model_validator(mode="after")
    def _everything_given_has_an_effect(self) -> Self:
        if self.target_inventory != 0.0 and self.skew_price_per_base == 0.0:
            raise ValueError("target_inventory has no effect without skew_price_per_base")
        carry = (self.drift_price_per_s, self.funding_rate_per_s, self.mean_reversion_per_s)
        if any(carry) and self.quote_lifetime_s == 0.0:
            raise ValueError(
                "drift_price_per_s, funding_rate_per_s and mean_reversion_per_s have no effect without quote_lifetime_s"
            )
        return self


class LeaningModel(BoundedModel):
    """Base of the models without a risk aversion; see the module."""

    def __init__(self, parameters: LeaningParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._lifetime_s = parameters.quote_lifetime_s
        self._skew = parameters.skew_price_per_base

    def centre(self, fair_value: float, inventory: float) -> float:
        """Return the fair value with the lean, in price units."""
        shift = self._lifetime_s * self.drift(fair_value) if self._carries else 0.0
        return leaning_centre(fair_value, shift, self._skew, inventory - self._target)
