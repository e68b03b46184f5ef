"""A position at average cost: what is open, what it cost, what was realised."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from mm_nautilus.inventory.contract import COST, EXACT, Contract

_ZERO: Final = Decimal(0)
_DISPLAY: Final = Context(prec=12)


@dataclass(frozen=True, slots=True)
class Holding:
    """A position with what was paid for it, at average cost.

    Parameters
    ----------
    position : Decimal
        Signed position, in base units (contracts).
    cash : Decimal
        Minus the value of everything traded so far, in settlement currency, exact.
    open_value : Decimal
        Value at which the open position was entered, in settlement currency.

    """

    position: Decimal = _ZERO
    cash: Decimal = _ZERO
    open_value: Decimal = _ZERO

    @property
    def realised(self) -> Decimal:
        """PnL of what was closed, before fees: what was taken in beyond the cost of what is open."""
        return COST.add(self.cash, self.open_value)

    def after(self, signed_size: Decimal, price: Decimal, contract: Contract) -> Holding:
        """Return the holding after a trade.

        Adding to a position adds to its cost, reducing it releases cost pro rata, and going through
        zero leaves the rest at the trade price.
        """
        traded = contract.value(signed_size, price)
        position = EXACT.add(self.position, signed_size)
        if self.position * signed_size >= 0:
            open_value = COST.add(self.open_value, traded)
        elif position * self.position > 0:
            open_value = COST.divide(COST.multiply(self.open_value, position), self.position)
        else:
            open_value = contract.value(position, price)
        return Holding(position, EXACT.subtract(self.cash, traded), open_value)

    def average_price(self, contract: Contract) -> Decimal | None:
        """Average entry price of the open position to 12 digits, or ``None`` when flat.

        Weighted by value: the arithmetic mean for linear, the harmonic mean for inverse contracts.
        """
        if not self.position:
            return None
        size = COST.multiply(self.position, contract.multiplier)
        ratio = (
            COST.divide(COST.minus(size), self.open_value) if contract.inverse else COST.divide(self.open_value, size)
        )
        return _DISPLAY.plus(ratio)


@dataclass(slots=True)
class ArithmeticAverage:
    """Realised PnL of an account that keeps the arithmetic mean of entry prices, as the engine does.

    For a linear contract this is `Holding.realised`. For an inverse contract it is not: one bought at
    p and one at p' cost as much as two at the harmonic mean, and the books keep the difference.
    """

    position: Decimal
    price: Decimal
    realised: Decimal = _ZERO

    def trade(self, signed: Decimal, price: Decimal, contract: Contract) -> None:
        """Book one trade of a signed size."""
        before, self.position = self.position, EXACT.add(self.position, signed)
        if before * signed >= 0:
            entered = COST.add(COST.multiply(before, self.price), COST.multiply(signed, price))
            self.price = COST.divide(entered, self.position)
            return
        closed = max(-abs(before), -abs(signed)) * (1 if before > 0 else -1)
        gain = EXACT.subtract(contract.value(closed, self.price), contract.value(closed, price))
        self.realised = EXACT.add(self.realised, gain)
        if self.position * before < 0:
            self.price = price
