r"""Fixed symmetric quotes: the control every other model has to beat.

Both sides stand a constant half-spread from the fair value, whatever the inventory. In continuous
time with :math:`\lambda = A e^{-kh}` per side, orders of size :math:`\Delta` and a diffusing mid,

.. math::
    E[\text{PnL}] = 2\lambda T h\Delta, \quad
    \operatorname{Var} q = 2\lambda T\Delta^2, \quad
    \operatorname{Var}[\text{PnL}] = 2\lambda T (h\Delta)^2 + \sigma^2\lambda T^2\Delta^2 ,

which is how a fill simulator is validated before any strategy is.

Fails as a strategy wherever inventory costs anything: nothing pulls the position back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from mm_nautilus.market import Intensity, MarketState, Quote
from mm_nautilus.models.protocol import ModelParameters


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

    """
    rate = intensity.a_per_s * math.exp(-intensity.k_per_price * half_spread)
    fills = 2.0 * rate * horizon_s
    return SymmetricMoments(
        fill_rate_per_side=rate,
        mean_fills=fills,
        mean_pnl=fills * half_spread * order_size,
        var_inventory=fills * order_size**2,
        var_pnl=fills * (half_spread * order_size) ** 2 + sigma**2 * rate * horizon_s**2 * order_size**2,
    )


class SymmetricParameters(ModelParameters):
    """Parameters of `Symmetric`."""

    half_spread: float = Field(gt=0, description="Distance of each side from the fair value, in price units.")


class Symmetric:
    """Constant half-spread around the fair value."""

    name: ClassVar[str] = "symmetric"
    parameters_type: ClassVar[type[ModelParameters]] = SymmetricParameters

    def __init__(self, parameters: SymmetricParameters, order_size: float) -> None:  # noqa: ARG002 - protocol
        self._half_spread = parameters.half_spread
        self._fee_rate = parameters.maker_fee_rate

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - it is fixed
        """Return the fair value with the constant half-spread and the fee on both sides."""
        distance = self._half_spread + self._fee_rate * state.fair_value
        return Quote(state.fair_value, distance, distance)
