"""One member of a portfolio as the quoting pipeline knows a model: asked about its own inventory, answered for all.

The quote is that of `mm_nautilus.models.multi_asset`, with what is held of all other members; see
`mm_nautilus.inventory.portfolio`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Final

from mm_nautilus.inventory.portfolio import Portfolio
from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.protocol import ModelParameters
from mm_nautilus.quoting.pipeline import ModelOf

PORTFOLIO_MODEL: Final = "mm_nautilus.inventory.portfolio_model:PortfolioModel"


class PortfolioModel(BoundedModel):
    """Quotes one member of a portfolio.

    Parameters
    ----------
    parameters : ModelParameters
        Target, cost of a fill and carry of this member.
    order_size, inventory_bound : float
        Base units.
    portfolio : Portfolio
        What it is a member of.
    index : int
        Its place there.

    """

    name: ClassVar[str] = "portfolio"
    parameters_type: ClassVar[type[ModelParameters]] = ModelParameters

    def __init__(
        self,
        parameters: ModelParameters,
        order_size: float,
        inventory_bound: float,
        portfolio: Portfolio | None = None,
        index: int = 0,
    ) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        if portfolio is None:
            raise ValueError(f"{self.name}: is the model of PortfolioMarketMaker's members, and of nothing else")
        self._portfolio = portfolio
        self._index = index

    @classmethod
    def of(cls, portfolio: Portfolio, index: int) -> ModelOf:
        """Return what makes the model of one member."""
        made: Any = partial(cls, portfolio=portfolio, index=index)
        return made  # type: ignore[no-any-return]

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:  # noqa: ARG002 - stationary
        """Return the quote for what is held of the others now.

        Raises
        ------
        ArithmeticError
            Before the portfolio has been priced.

        """
        quote = self._portfolio.quote(self._index, state.fair_value, inventory)
        if quote is None:
            raise ArithmeticError("the portfolio has not been priced")
        half = quote.bid_half_spread or 0.0
        return self.bounded(quote.reservation_price, half, half, inventory)


class MemberVolatility:
    """The volatility of one member as the portfolio measures it; nothing is quoted while there is none."""

    def __init__(self, portfolio: Portfolio, index: int) -> None:
        self._portfolio = portfolio
        self._index = index

    def sample(self, fair_value: float | None) -> None:
        """Do nothing: the portfolio samples all its members at once."""

    @property
    def value(self) -> float | None:
        """Price per square-root second, or ``None`` before the portfolio is priced."""
        return self._portfolio.sigma(self._index)

    def save(self) -> dict[str, Any]:
        """Return nothing: the portfolio keeps its samples itself."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Restore nothing."""
