"""Our books beside the engine's: what every balance should have moved by, and what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from mm_nautilus.inventory.accounting import Accounting
from mm_nautilus.inventory.contract import EXACT

_ZERO: Final = Decimal(0)


class AccountingError(RuntimeError):
    """Our books and the engine's differ by more than the rounding of its bookings."""


def balance_changes(accounting: Accounting, *, margin: bool) -> Mapping[str, Decimal]:
    """Return by how much each balance of the account should have moved because of one instrument.

    A cash account exchanges base for quote currency; a margin account moves by realised PnL alone
    (the position's worth is not in the balance). Both move by commissions, in their currencies.

    Parameters
    ----------
    accounting : Accounting
        The instrument's books.
    margin : bool
        Whether the account is a margin account.

    Returns
    -------
    mapping of currency to Decimal
        Unrounded: the engine's bookings differ by their rounding (`reconcile`).

    """
    contract = accounting.contract
    with localcontext(EXACT):
        settled = accounting.account_realised if margin else accounting.cash_flow
        changes = {contract.settlement_currency: settled - accounting.fees + accounting.rebates}
        if not margin and contract.base_currency is not None:
            bought = accounting.position - accounting.opening_position
            changes[contract.base_currency] = changes.get(contract.base_currency, _ZERO) + bought
        for currency, amount in accounting.other_fees:
            changes[currency] = changes.get(currency, _ZERO) - amount
    return changes


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Our figure beside the engine's for one balance; ``expected + booking_rounding == actual``.

    Parameters
    ----------
    currency : str
        Currency of the balance.
    expected : Decimal
        What our books say the balance moved by.
    actual : Decimal
        What it moved by.
    booking_rounding : Decimal
        The difference: the engine rounds every booking to the currency's smallest unit.
    allowed : Decimal
        Largest absolute difference that rounding can explain.

    """

    currency: str
    expected: Decimal
    actual: Decimal
    booking_rounding: Decimal
    allowed: Decimal

    @property
    def explained(self) -> bool:
        """Whether rounding explains the difference."""
        return abs(self.booking_rounding) <= self.allowed


def reconcile(
    accountings: Iterable[Accounting],
    account_change: Decimal,
    currency: str,
    currency_precision: int,
    *,
    margin: bool,
) -> Reconciliation:
    """Return `compare`, and insist that rounding explains the difference.

    Raises
    ------
    AccountingError
        When it does not: then something else moved the balance (funding, a transfer, a fill that was not recorded).

    """
    books = list(accountings)
    line = compare(books, account_change, currency, currency_precision, margin=margin)
    if not line.explained:
        raise AccountingError(
            f"the {currency} balance moved by {account_change}, but {sum(one.fills for one in books)} fills and their "
            f"commissions explain {line.expected}; {line.booking_rounding} is left, more than rounding can explain "
            f"({line.allowed})"
        )
    return line


def compare(
    accountings: Iterable[Accounting],
    account_change: Decimal,
    currency: str,
    currency_precision: int,
    *,
    margin: bool,
) -> Reconciliation:
    """Compare what one balance of an account moved by with the books of all instruments traded on it.

    Rounding explains half the smallest unit per fill, plus one booking.

    Parameters
    ----------
    accountings : iterable of Accounting
        Every instrument traded on the account.
    account_change : Decimal
        Final minus starting balance.
    currency : str
        Currency of the balance.
    currency_precision : int
        Digits after the point to which the engine books the currency.
    margin : bool
        Whether the account is a margin account.

    """
    books = list(accountings)
    bookings = 1 + sum(one.fills for one in books)
    with localcontext(EXACT):
        expected = sum((balance_changes(one, margin=margin).get(currency, _ZERO) for one in books), _ZERO)
        difference = account_change - expected
        allowed = bookings * Decimal(5).scaleb(-currency_precision - 1)
    return Reconciliation(currency, expected, account_change, difference, allowed)
