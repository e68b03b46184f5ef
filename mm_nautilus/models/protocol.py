"""What a quoting model is: parameters, and one pure question.

A model is asked with what the estimators say, the inventory and the time since quoting began, and answers
with a reservation price and two half-spreads. It owns no state that its answer depends on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol, Self

from pydantic import Field, model_validator

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.settings import Settings


@dataclass(frozen=True, slots=True)
class Unit:
    """Unit of a parameter, in words; ``mm-nautilus models NAME`` prints it."""

    name: str


Price = Annotated[float, Unit("price")]
PriceRate = Annotated[float, Unit("price/s")]
Base = Annotated[float, Unit("base")]
Seconds = Annotated[float, Unit("s")]
Rate = Annotated[float, Unit("1/s")]
RiskAversion = Annotated[float, Unit("1/quote currency")]
Fraction = Annotated[float, Unit("fraction")]
Bps = Annotated[float, Unit("bps of the fair value")]
Number = Annotated[float, Unit("-")]


class ModelParameters(Settings):
    """Parameters every model understands."""

    target_inventory: Base = Field(default=0.0, description="Inventory the quotes are symmetric around, before carry.")
    maker_fee_rate: Fraction = Field(
        default=0.0,
        gt=-0.1,
        lt=0.1,
        description="Fee per fill as a fraction of price that the quotes must earn back; negative for a rebate.",
    )
    own_impact_price: Price = Field(
        default=0.0, ge=0, description="Jump of the fair value against us with each of our own fills; half is priced."
    )
    drift_price_per_s: PriceRate = Field(default=0.0, description="Drift of the fair value that we believe in.")
    funding_rate_per_s: Rate = Field(
        default=0.0, description="Funding a long position pays, as a fraction of price per second; shorts receive it."
    )
    mean_reversion_per_s: Rate = Field(
        default=0.0, ge=0, description="Speed at which the fair value returns to mean_price; 0 for none."
    )
    mean_price: Price | None = Field(
        default=None, description="Price the fair value returns to; needed with mean_reversion_per_s."
    )

    @model_validator(mode="after")
    def _mean_reversion_is_whole(self) -> Self:
        if (self.mean_price is None) != (self.mean_reversion_per_s == 0.0):
            raise ValueError(
                f"mean_reversion_per_s ({self.mean_reversion_per_s}) and mean_price ({self.mean_price}) need each other"
            )
        return self


class QuotingModel(Protocol):
    """Anything that turns a market state and an inventory into a quote.

    A class of your own needs `name`, `parameters_type` (a `ModelParameters` subclass whose fields
    become keys of the ``[strategy]`` table), a constructor ``(parameters, order_size, inventory_bound)``
    and `quote`. `mm_nautilus.models.base.BoundedModel` brings the constructor and what is common to all.
    """

    name: ClassVar[str]
    parameters_type: ClassVar[type[ModelParameters]]

    def __init__(self, parameters: ModelParameters, order_size: float, inventory_bound: float) -> None:
        """Take what stays the same for a run.

        Parameters
        ----------
        parameters : ModelParameters
            An instance of `parameters_type`.
        order_size : float
            Base units.
        inventory_bound : float
            Largest |inventory| that may be held, in base units.

        """
        ...

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        """Return where to quote.

        Parameters
        ----------
        state : MarketState
            Fair value, volatility and intensities at this instant.
        inventory : float
            Signed position, in base units; beyond the bound a model quotes the reducing side alone.
        elapsed_s : float
            Seconds since the strategy started quoting.

        """
        ...
