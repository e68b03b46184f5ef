"""Quotes for a fill intensity that need not be exponential: stationary, with a quadratic value of inventory.

With H the fill Hamiltonian of the stated shape (exponential, linear or shifted power law), taken at the cost of a
fill kappa = fee + impact/2::

    D      = Delta * (H''_bid + H''_ask),     a = sigma/2 * sqrt(gamma / D)
    b      = -(Delta * (|H'_ask| - |H'_bid|) + a Delta^2 (H''_bid - H''_ask)) / D
    p_bid  = kappa + a * Delta + 2a (q - q*) + b,     p_ask = kappa + a * Delta - 2a (q - q*) - b
    d      = the distance that is worth most at p:  d - ln(1 - x lambda/lambda') / x = p,   x = xi * Delta
    bid    = S - d(p_bid),   ask = S + d(p_ask),      q* = target + mu / (gamma sigma^2)

For the exponential shape it is `glft`. A comes from the estimated intensity; the linear shape is the tangent of
the estimated exponential at 1/k; the power law A (1 + d/d0)^-alpha takes alpha and d0 from the run file. Under a
power law the quotes lean more than one to one: the farther a quote stands, the less it loses by standing farther.

Fails, as `glft` does, where the skew exceeds the half-spread. Under a power law a fill that is worth more than d0
has no optimal distance, for fills then arrive infinitely fast: the quote stands at that pole, d0 beyond the fair
value.

Source: Bergault, Evangelista, Guéant and Vieira, Applied Mathematical Finance 28(2), 2021; Guéant (2017).
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from mm_nautilus.market import Intensity, MarketState, Quote
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.fills import quadratic_value
from mm_nautilus.models.glft import GlftParameters
from mm_nautilus.models.ho_stoll import tangent
from mm_nautilus.models.intensities import (
    Exponential,
    FillIntensity,
    Linear,
    ShiftedPower,
    best_distance,
    hamiltonian_derivatives,
)
from mm_nautilus.models.lattice import load_solvers
from mm_nautilus.models.protocol import ModelParameters, Number, Price


class GenericIntensityParameters(GlftParameters):
    """Parameters of `GenericIntensity`."""

    shape: Literal["exponential", "linear", "shifted_power"] = Field(
        default="exponential", description="How fills thin out with distance: 'exponential', 'linear', 'shifted_power'."
    )
    power_alpha: Number | None = Field(
        default=None, gt=1, description="Exponent of the power law; needed by 'shifted_power' alone."
    )
    power_d0_price: Price | None = Field(
        default=None, gt=0, description="Distance where the power law begins to fall; needed by 'shifted_power' alone."
    )

    @model_validator(mode="after")
    def _power_law_is_whole(self) -> Self:
        given = (self.power_alpha is not None, self.power_d0_price is not None)
        if self.shape == "shifted_power" and not all(given):
            raise ValueError("shape 'shifted_power' needs power_alpha and power_d0_price")
        if self.shape != "shifted_power" and any(given):
            raise ValueError(f"power_alpha and power_d0_price have no effect on shape {self.shape!r}")
        return self


class GenericIntensity(BoundedModel):
    """Stationary quotes for any of three shapes of the fill intensity."""

    name: ClassVar[str] = "generic_intensity"
    parameters_type: ClassVar[type[ModelParameters]] = GenericIntensityParameters

    def __init__(self, parameters: GenericIntensityParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        load_solvers()
        self._gamma = parameters.gamma
        self._xi_size = parameters.fill_risk_aversion() * order_size
        self._shape = parameters.shape
        self._power = (parameters.power_alpha or 0.0, parameters.power_d0_price or 0.0)
        self._seen: tuple[Intensity, Intensity, float] | None = None

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - stationary
        """Return the stationary quote; see the module for the formula."""
        fair, sigma, gamma, size = state.fair_value, state.sigma, self._gamma, self._order_size
        cost = self.fill_cost(fair)
        seen = (state.bid_intensity, state.ask_intensity, cost)
        if seen != self._seen:  # the shapes change with the estimates and the fee, a quote with every tick
            self._bid, bid_slopes = self._shaped(state.bid_intensity, cost)
            self._ask, ask_slopes = self._shaped(state.ask_intensity, cost)
            self._slopes = (*bid_slopes, *ask_slopes)
            self._seen = seen
        bid, ask = self._bid, self._ask
        a, b = quadratic_value(gamma, sigma, size, *self._slopes)
        target = self.target(self.drift(fair), gamma * sigma * sigma) if self._carries else self._target
        skew, level = 2.0 * a * (inventory - target) + b, cost + a * size
        return self.bounded(
            fair,
            best_distance(bid, level + skew, self._xi_size),
            best_distance(ask, level - skew, self._xi_size),
            inventory,
        )

    def _shaped(self, estimate: Intensity, cost: float) -> tuple[FillIntensity, tuple[float, float]]:
        side: FillIntensity
        match self._shape:
            case "exponential":
                side = Exponential(estimate.a_per_s, estimate.k_per_price)
            case "linear":
                side = Linear(*tangent(estimate.a_per_s, estimate.k_per_price))
            case "shifted_power":
                side = ShiftedPower(estimate.a_per_s, *self._power)
        return side, hamiltonian_derivatives(side, cost, self._xi_size)
