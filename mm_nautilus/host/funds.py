"""What a cash account can still trade, kept up to date from fills instead of asking the account.

The engine's account object copies its whole history on each access; a maker that asked it on every
tick would slow down with every fill.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

from nautilus_trader.model import CashAccount, Venue

from mm_nautilus.market import Side
from mm_nautilus.quoting.pipeline import Funds


class CashFunds:
    """Base and quote balance of a spot instrument's cash account.

    Assumes that nobody else trades on the account while the strategy runs.

    Parameters
    ----------
    base, quote : Decimal
        Balances, in their currencies.
    lot : Decimal
        Lot size, in base units.
    fee_reserve : Decimal
        Fee of a buy that must still be payable, as a fraction of its price.

    """

    __slots__ = ("_base", "_lot", "_paid_lot", "_quote")

    def __init__(self, base: Decimal, quote: Decimal, lot: Decimal, fee_reserve: Decimal = Decimal(0)) -> None:
        self._base = base
        self._quote = quote
        self._lot = lot
        self._paid_lot = lot * (1 + fee_reserve)

    @classmethod
    def of(cls, portfolio: Any, instrument: Any, fee_reserve: float) -> Self | None:
        """Return the funds of the instrument's account, or ``None`` where it is not a cash account."""
        account = portfolio.account(Venue(str(instrument.venue)))
        if not isinstance(account, CashAccount) or getattr(instrument, "base_currency", None) is None:
            return None
        totals = {str(currency): money.as_decimal() for currency, money in account.balances_total().items()}
        return cls(
            totals.get(str(instrument.base_currency), Decimal(0)),
            totals.get(str(instrument.quote_currency), Decimal(0)),
            instrument.size_increment.as_decimal(),
            Decimal(repr(fee_reserve)),
        )

    def filled(self, side: Side, size: Decimal, price: Decimal, commission: Decimal) -> None:
        """Book one fill; the commission is in quote currency."""
        self._base += int(side) * size
        self._quote -= int(side) * size * price + commission

    def at(self, price: float) -> Funds:
        """Return the lots that can be bought and sold at `price`."""
        # A float quotient would lose the last lot of a base balance such as 0.3, and a repr is exact on the lattice.
        return Funds(int(self._quote / (Decimal(repr(price)) * self._paid_lot)), int(self._base / self._lot))
