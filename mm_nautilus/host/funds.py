"""What a cash account can still trade, kept up to date from fills instead of asking the account.

The engine's account object copies its whole history on each access; a maker that asked it on every
tick would slow down with every fill.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Self

from nautilus_trader.model import CashAccount, Venue

from mm_nautilus.market import Side
from mm_nautilus.quoting.pipeline import Funds

# Buys must be payable at the same few hundred prices over and over.
_KEPT: Final = 4096


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

    __slots__ = ("_balances", "_base", "_counted", "_held_lots", "_lot", "_payable", "_quote")

    def __init__(self, base: Decimal, quote: Decimal, lot: Decimal, fee_reserve: Decimal = Decimal(0)) -> None:
        self._balances = {"base": base, "quote": quote}
        self._base, self._quote = "base", "quote"
        self._lot = lot
        paid_lot = lot * (1 + fee_reserve)
        # A repr is exact on the lattice, a float is not.
        self._payable: Callable[[float], Decimal] = lru_cache(_KEPT)(lambda price: Decimal(repr(price)) * paid_lot)
        self._counted: Decimal | None = None
        self._held_lots = 0

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
        if fee_rate is None:
            payable = self._payable(price)
        else:
            payable = Decimal(repr(price)) * (self._lot * (1 + Decimal(repr(max(fee_rate, 0.0)))))
        base, quote = self._balances[self._base], self._balances[self._quote]
        if base is not self._counted:  # a fill puts another number in its place
            # A float quotient would lose the last lot of a base balance such as 0.3.
            self._counted, self._held_lots = base, int(base / self._lot)
        return Funds(int(quote / payable), self._held_lots)
