"""Fixed symmetric quotes: the control every other model has to beat.

Both sides stand a constant half-spread h, and the cost of a fill, from the fair value, whatever the inventory.
In continuous time with lambda = A exp(-k h) per side, orders of size Delta and a diffusing mid::

    E[PnL]   = 2 lambda T h Delta
    Var q    = 2 lambda T Delta^2
    Var[PnL] = 2 lambda T (h Delta)^2 + sigma^2 lambda T^2 Delta^2

which is how a fill simulator is validated before any strategy is.

Fails as a strategy wherever inventory costs anything: nothing pulls the position back, unless
`skew_price_per_base` leans the centre against it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from mm_nautilus.market import Intensity, MarketState, Quote
from mm_nautilus.models.checks import check_finite, check_not_negative, check_positive
from mm_nautilus.models.lean import LeaningModel, LeaningParameters
from mm_nautilus.models.protocol import ModelParameters, Price


@dataclass(frozen=True, slots=True)
class SymmetricMoments:
    """What fixed symmetric quotes earn in a horizon, in closed form."""

    fill_rate_per_side: float
    """Fills per second on one side."""
    mean_fills: float
    """Both sides together."""
    mean_pnl: float
    """Quote currency."""
    var_inventory: float
    """Base units squared."""
    var_pnl: float
    """Quote currency squared."""


def symmetric_moments(
    intensity: Intensity, half_spread: float, sigma: float, horizon_s: float, order_size: float
) -> SymmetricMoments:
    """Moments of fixed symmetric quotes that rest all the time; see the module for the formulas.

    Parameters
    ----------
    intensity : Intensity
        Same on both sides.
    half_spread : float
        Distance of each quote from the mid, in price units.
    sigma : float
        Volatility of the mid, in price per square-root second.
    horizon_s : float
        Seconds.
    order_size : float
        Base units.

    Raises
    ------
    ParameterError
        For a negative volatility or horizon, or an intensity or size that is not above 0.

    """
    check_positive(a_per_s=intensity.a_per_s, k_per_price=intensity.k_per_price, order_size=order_size)
    check_not_negative(sigma=sigma, horizon_s=horizon_s)
    check_finite(half_spread=half_spread)
    rate = intensity.a_per_s * math.exp(-intensity.k_per_price * half_spread)
    fills = 2.0 * rate * horizon_s
    return SymmetricMoments(
        fill_rate_per_side=rate,
        mean_fills=fills,
        mean_pnl=fills * half_spread * order_size,
        var_inventory=fills * order_size**2,
        var_pnl=fills * (half_spread * order_size) ** 2 + sigma**2 * rate * horizon_s**2 * order_size**2,
    )


class SymmetricParameters(LeaningParameters):
    """Parameters of `Symmetric`."""

    half_spread: Price = Field(gt=0, description="Distance of each side from the fair value, before costs.")


class Symmetric(LeaningModel):
    """Constant half-spread around the fair value."""

    name: ClassVar[str] = "symmetric"
    parameters_type: ClassVar[type[ModelParameters]] = SymmetricParameters

    def __init__(self, parameters: SymmetricParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._half_spread = parameters.half_spread

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - it is fixed
        """Return the fair value with the constant half-spread and the cost of a fill on both sides."""
        fair = state.fair_value
        half = self._half_spread + self.fill_cost(fair)
        return self.bounded(self.centre(fair, inventory), half, half, inventory)
