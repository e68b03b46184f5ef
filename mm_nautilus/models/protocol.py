"""What a quoting model is: parameters, and one pure question.

A model owns no state. It is asked with what the estimators say, the inventory and the time since
quoting began, and answers with a reservation price and two half-spreads.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from pydantic import Field

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.settings import Settings


class ModelParameters(Settings):
    """Parameters every model understands."""

    target_inventory: float = Field(
        default=0.0, description="Inventory the quotes are symmetric around, in base units."
    )
    maker_fee_rate: float = Field(
        default=0.0,
        gt=-0.1,
        lt=0.1,
        description="Fee per fill as a fraction of price that the quotes must earn back; negative for a rebate.",
    )


class QuotingModel(Protocol):
    """Anything that turns a market state and an inventory into a quote.

    A class of your own needs `name`, `parameters_type` (a `ModelParameters` subclass whose fields
    become keys of the ``[strategy]`` table), a constructor ``(parameters, order_size)`` and `quote`.
    """

    name: ClassVar[str]
    parameters_type: ClassVar[type[ModelParameters]]

    def __init__(self, parameters: ModelParameters, order_size: float) -> None: ...

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        """Return where to quote.

        Parameters
        ----------
        state : MarketState
            Fair value, volatility and intensities at this instant.
        inventory : float
            Signed position, in base units.
        elapsed_s : float
            Seconds since the strategy started quoting.

        """
        ...
