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

    __slots__ = ("_balances", "_base", "_lot", "_paid_lot", "_quote")

    def __init__(self, base: Decimal, quote: Decimal, lot: Decimal, fee_reserve: Decimal = Decimal(0)) -> None:
        self._balances = {"base": base, "quote": quote}
        self._base, self._quote = "base", "quote"
        self._lot = lot
        self._paid_lot = lot * (1 + fee_reserve)

    @classmethod
    def of(
        cls, portfolio: Any, instrument: Any, fee_reserve: float, balances: dict[str, Decimal] | None = None
    ) -> Self | None:
        """Return the funds of the instrument's account, or ``None`` where it is not a cash account.

        Parameters
        ----------
        portfolio, instrument
            The engine's.
        fee_reserve : float
            Fee of a buy that must still be payable, as a fraction of its price.
        balances : dict of currency to Decimal, or None
            Of the same account, as other instruments traded on it share them; filled where it is empty.

        """
        account = portfolio.account(Venue(str(instrument.venue)))
        if not isinstance(account, CashAccount) or getattr(instrument, "base_currency", None) is None:
            return None
        balances = {} if balances is None else balances
        if not balances:
            balances |= {str(currency): money.as_decimal() for currency, money in account.balances_total().items()}
        funds = cls(Decimal(0), Decimal(0), instrument.size_increment.as_decimal(), Decimal(repr(fee_reserve)))
        funds._balances = balances
        funds._base, funds._quote = str(instrument.base_currency), str(instrument.quote_currency)
        for currency in (funds._base, funds._quote):
            balances.setdefault(currency, Decimal(0))
        return funds

    def filled(self, side: Side, size: Decimal, price: Decimal, commission: Decimal) -> None:
        """Book one fill; the commission is in quote currency."""
        self._balances[self._base] += int(side) * size
        self._balances[self._quote] -= int(side) * size * price + commission

    def at(self, price: float, fee_rate: float | None = None) -> Funds:
        """Return the lots that can be bought and sold at `price`.

        Parameters
        ----------
        price : float
            Price units.
        fee_rate : float or None
            Fee of the buy in place of the reserve, as a fraction of the price.

        """
        paid_lot = self._paid_lot if fee_rate is None else self._lot * (1 + Decimal(repr(max(fee_rate, 0.0))))
        base, quote = self._balances[self._base], self._balances[self._quote]
        # A float quotient would lose the last lot of a base balance such as 0.3, and a repr is exact on the lattice.
        return Funds(int(quote / (Decimal(repr(price)) * paid_lot)), int(base / self._lot))
