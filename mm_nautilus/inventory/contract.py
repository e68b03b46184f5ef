"""How size and price of an instrument turn into money, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from typing import Final

EXACT: Final = Context(prec=150, traps=[Inexact, InvalidOperation])
"""Arithmetic that raises rather than rounds."""
COST: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Arithmetic for what needs division: 60 digits."""
PLACES: Final = Decimal("1e-16")
"""Resolution of a divided amount once it is booked: that of the run log and of the engine."""


@dataclass(frozen=True, slots=True)
class Contract:
    """How size and price of an instrument turn into money.

    Parameters
    ----------
    quote_currency : str
        Currency of the price.
    base_currency : str | None
        Currency of the size; an inverse contract settles in it. ``None`` for futures and shares.
    multiplier : Decimal
        Money per price unit and contract (ES: 50), or for an inverse contract its face value in
        quote currency.
    inverse : bool
        Whether the contract is a fixed amount of quote currency settled in base currency.

    """

    quote_currency: str
    base_currency: str | None = None
    multiplier: Decimal = Decimal(1)
    inverse: bool = False

    def __post_init__(self) -> None:
        if self.multiplier <= 0:
            raise ValueError(f"multiplier must be > 0, found {self.multiplier}")
        if self.inverse and self.base_currency is None:
            raise ValueError("an inverse contract needs base_currency: it settles in it")

    @property
    def settlement_currency(self) -> str:
        """Currency of PnL."""
        return self.base_currency if self.inverse and self.base_currency is not None else self.quote_currency

    def value(self, position: Decimal, price: Decimal) -> Decimal:
        """Return what a signed position is worth at a price, in settlement currency.

        Linear: ``x p m``, exact. Inverse: ``-x m / p``, rounded half-even to 16 places, that is
        8 digits finer than any coin is booked; a long position gains as the value rises toward zero.
        PnL of a trade is the value at the mark minus the value at the trade.
        """
        if not self.inverse:
            return EXACT.multiply(EXACT.multiply(position, price), self.multiplier)
        worth = COST.divide(EXACT.multiply(position, self.multiplier), price)
        return COST.minus(worth.quantize(PLACES, ROUND_HALF_EVEN, COST))

    def notional(self, size: Decimal, price: Decimal) -> Decimal:
        """Return what a size is worth in quote currency, exactly and with its sign: ``x p m``, inverse ``x m``."""
        worth = EXACT.multiply(size, self.multiplier)
        return worth if self.inverse else EXACT.multiply(worth, price)
