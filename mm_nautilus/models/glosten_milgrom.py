"""Glosten and Milgrom (1985): the spread that pays for trading with the better informed, and the belief it leaves.

The value is v_low or v_high; theta is the probability of v_high; a share m of the orders knows which. A
competitive maker quotes the value that each side of the market would reveal::

    theta after a buy   = theta (1 + m) / (theta (1 + m) + (1 - theta)(1 - m))
    theta after a sell  = theta (1 - m) / (theta (1 - m) + (1 - theta)(1 + m))
    ask = E[v | buy],   bid = E[v | sell],   both moved out by kappa = fee + impact/2

At theta = 1/2 the spread is m (v_high - v_low). `Belief` is the filter: updated with every trade, its `value` is
a fair value. As a quoting model, v is the fair value plus or minus `jump_price`, and theta is read from the
book at every quote: the share of the bid in the size at the touch, or 1/2 where `belief` says so. What a
trade reveals is then in the fair value the model is handed, not in a memory of the model.

Fails where inventory matters: the maker is risk-neutral and holds whatever comes, unless
`skew_price_per_base` leans the centre against it.

Source: Glosten and Milgrom, Journal of Financial Economics 14, 1985.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from pydantic import Field

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import MarketState, Quote, Side
from mm_nautilus.models.checks import check_finite, check_share
from mm_nautilus.models.lean import LeaningModel, LeaningParameters
from mm_nautilus.models.protocol import Fraction, ModelParameters, Price


def belief_after(probability_high: float, informed_share: float) -> float:
    """Probability of the high value after a buy; with ``-informed_share``, after a sell.

    Parameters
    ----------
    probability_high : float
        Before the trade, in [0, 1].
    informed_share : float
        Share of orders that know the value, in [-1, 1]. A trade that was impossible (a sell of the informed
        alone at a certain high value) leaves the belief as it is.

    """
    high = probability_high * (1.0 + informed_share)
    total = high + (1.0 - probability_high) * (1.0 - informed_share)
    return high / total if total > 0.0 else probability_high


@dataclass(frozen=True, slots=True)
class Belief:
    """What a maker believes between two trades.

    Parameters
    ----------
    v_low, v_high : float
        The two values, in price units; the low one not above the high one.
    probability_high : float
        In [0, 1].
    informed_share : float
        Share of orders that know the value, in [0, 1].

    Raises
    ------
    ParameterError
        For a value outside its range.

    """

    v_low: float
    v_high: float
    probability_high: float
    informed_share: float

    def __post_init__(self) -> None:
        check_finite(v_low=self.v_low, v_high=self.v_high)
        check_share(probability_high=self.probability_high, informed_share=self.informed_share)
        if self.v_low > self.v_high:
            raise ParameterError("v_low", self.v_low, f"at most v_high ({self.v_high:g})")

    @property
    def value(self) -> float:
        """Expected value, in price units: the fair value of the filter."""
        return self._value(self.probability_high)

    @property
    def ask(self) -> float:
        """Expected value given that the next order buys, in price units."""
        return self._value(belief_after(self.probability_high, self.informed_share))

    @property
    def bid(self) -> float:
        """Expected value given that the next order sells, in price units."""
        return self._value(belief_after(self.probability_high, -self.informed_share))

    def after(self, aggressor: Side) -> Self:
        """Return the belief after a trade whose aggressor bought or sold."""
        informed = self.informed_share * int(aggressor)
        updated = belief_after(self.probability_high, informed)
        return type(self)(self.v_low, self.v_high, updated, self.informed_share)

    def _value(self, probability_high: float) -> float:
        return self.v_low + probability_high * (self.v_high - self.v_low)


class GlostenMilgromParameters(LeaningParameters):
    """Parameters of `GlostenMilgrom`."""

    jump_price: Price = Field(gt=0, description="Distance of the high and of the low value from the fair value.")
    informed_share: Fraction = Field(ge=0, le=1, description="Share of orders that know the value.")
    belief: Literal["even", "queue_imbalance"] = Field(
        default="even", description="Probability of the high value: 1/2, or the bid's share of the size at the touch."
    )


class GlostenMilgrom(LeaningModel):
    """Regret-free quotes against informed orders."""

    name: ClassVar[str] = "glosten_milgrom"
    parameters_type: ClassVar[type[ModelParameters]] = GlostenMilgromParameters

    def __init__(self, parameters: GlostenMilgromParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._jump = parameters.jump_price
        self._informed = parameters.informed_share
        self._reads_book = parameters.belief == "queue_imbalance"

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - stationary
        """Return the quote; see the module for the formula."""
        high = 0.5
        if self._reads_book:
            size = state.top.bid_size + state.top.ask_size
            high = state.top.bid_size / size if size > 0.0 else 0.5
        fair, jump, informed = state.fair_value, self._jump, self._informed
        up = belief_after(high, informed) - high
        down = high - belief_after(high, -informed)
        cost = self.fill_cost(fair)
        centre = self.centre(fair, inventory) + (2.0 * high - 1.0) * jump
        return self.bounded(centre, 2.0 * jump * down + cost, 2.0 * jump * up + cost, inventory)
