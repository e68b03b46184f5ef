"""Spread as a multiple of volatility over the life of a quote, wider when fills are toxic, tighter when trade is brisk.

::

    base     = 2 c sigma sqrt(T)                     T: lifetime of a quote; c = 1 is one standard deviation a side
    activity = clip((long-run volume rate / recent volume rate)^b, min, max)
    spread   = clip(base (1 + w * adverse ratio) * activity + 2 kappa, min bps, max bps)
    shift    = -lean * clip((q - target)/Q, -1, 1) * spread/2 + mu T
    bid      = S + shift - spread/2,   ask = S + shift + spread/2

c = sqrt(2/pi) = 0.798 stands for the mean absolute move. The adverse ratio is the share of recent fills whose
markout was negative. Both ratios come with the market state, and are neutral (1 and 0) where nothing feeds them.

Fails as an optimum: it is a rule of thumb with sound dimensions. Nothing in it knows how often a quote is hit,
so it is too wide in a market with many small orders and too tight in one with few large ones.
"""

from __future__ import annotations

import math
from typing import ClassVar, Self

from pydantic import Field, model_validator

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.protocol import Bps, ModelParameters, Number, Seconds


def base_spread(sigma: float, quote_lifetime_s: float, multiple: float) -> float:
    """Return ``2 c sigma sqrt(T)``, in price units.

    Parameters
    ----------
    sigma : float
        Volatility, in price per square-root second.
    quote_lifetime_s : float
        Seconds.
    multiple : float
        ``c``: standard deviations a side.

    """
    return 2.0 * multiple * sigma * math.sqrt(quote_lifetime_s)


def activity_factor(recent_rate: float, long_run_rate: float, exponent: float, lowest: float, highest: float) -> float:
    """Return ``clip((long_run/recent)^b, lowest, highest)``; the highest when nothing trades, 1 when nothing ever did.

    Parameters
    ----------
    recent_rate, long_run_rate : float
        Volume rates in the same unit.
    exponent : float
        ``b``; 0 leaves the spread.
    lowest, highest : float
        Bounds of the factor.

    """
    if recent_rate <= 0.0:
        return highest if long_run_rate > 0.0 and exponent > 0.0 else min(highest, max(lowest, 1.0))
    return min(highest, max(lowest, math.pow(long_run_rate / recent_rate, exponent)))


def spread_before_bounds(
    base: float, adverse_ratio: float, adverse_weight: float, activity: float, cost: float
) -> float:
    """Return ``base (1 + w a) activity + 2 kappa``, in price units.

    Parameters
    ----------
    base : float
        From `base_spread`.
    adverse_ratio, adverse_weight : float
        Share of toxic fills in [0, 1], and what it weighs.
    activity : float
        From `activity_factor`.
    cost : float
        ``kappa``, in price units.

    """
    return base * (1.0 + adverse_weight * adverse_ratio) * activity + 2.0 * cost


def bounded_spread(spread: float, fair_value: float, min_bps: float, max_bps: float) -> float:
    """Return the spread within its bounds in bps of the fair value; all in price units."""
    unit = 1e-4 * fair_value
    return min(max_bps * unit, max(min_bps * unit, spread))


def inventory_shift(inventory: float, inventory_bound: float, lean: float, spread: float) -> float:
    """Return ``-lean clip(q/Q, -1, 1) spread/2``, in price units; inventory counts from the target."""
    share = max(-1.0, min(1.0, inventory / inventory_bound))
    return -lean * share * 0.5 * spread


class DynamicVolatilityParameters(ModelParameters):
    """Parameters of `DynamicVolatility`."""

    quote_lifetime_s: Seconds = Field(gt=0, description="Mean time a quote rests until it is replaced or filled.")
    volatility_multiple: Number = Field(default=1.0, gt=0, description="Standard deviations a side.")
    adverse_weight: Number = Field(default=1.0, ge=0, description="Widening when every recent fill was toxic.")
    activity_exponent: Number = Field(default=0.5, ge=0, description="How strongly brisk trade tightens; 0 for not.")
    min_activity: Number = Field(default=0.5, gt=0, le=1, description="Smallest factor of brisk trade.")
    max_activity: Number = Field(default=2.0, ge=1, description="Largest factor of slow trade.")
    min_spread_bps: Bps = Field(default=0.0, ge=0, description="Narrowest spread, costs included.")
    max_spread_bps: Bps = Field(default=1_000.0, gt=0, le=10_000, description="Widest spread, costs included.")
    inventory_lean: Number = Field(
        default=0.5, ge=0, description="Shift of the centre at the inventory bound, in half-spreads."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_spread_bps < self.min_spread_bps:
            raise ValueError(f"max_spread_bps ({self.max_spread_bps}) is below min_spread_bps ({self.min_spread_bps})")
        return self


class DynamicVolatility(BoundedModel):
    """A spread that breathes with volatility, toxicity and volume."""

    name: ClassVar[str] = "dynamic_volatility"
    parameters_type: ClassVar[type[ModelParameters]] = DynamicVolatilityParameters
    reads_activity: ClassVar[bool] = True

    def __init__(self, parameters: DynamicVolatilityParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._lifetime_s = parameters.quote_lifetime_s
        self._multiple = parameters.volatility_multiple
        self._adverse_weight = parameters.adverse_weight
        self._activity = (parameters.activity_exponent, parameters.min_activity, parameters.max_activity)
        self._bounds_bps = (parameters.min_spread_bps, parameters.max_spread_bps)
        self._lean = parameters.inventory_lean

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - stationary
        """Return the quote; see the module for the formula."""
        fair = state.fair_value
        activity = activity_factor(state.volume_ratio, 1.0, *self._activity)
        base = base_spread(state.sigma, self._lifetime_s, self._multiple)
        raw = spread_before_bounds(base, state.adverse_ratio, self._adverse_weight, activity, self.fill_cost(fair))
        spread = bounded_spread(raw, fair, *self._bounds_bps)
        shift = inventory_shift(inventory - self._target, self._bound, self._lean, spread)
        if self._carries:
            shift += self.drift(fair) * self._lifetime_s
        return self.bounded(fair + shift, 0.5 * spread, 0.5 * spread, inventory)
