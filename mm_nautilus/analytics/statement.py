"""The account's change, line by line, and by side, level, venue, instrument, hour and quote state."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

DIMENSIONS: Final = ("side", "level", "venue", "instrument", "hour", "state")
"""What a statement is broken down by."""
HELD: Final = "position"
"""Side and level of what no single fill earned: the inventory held beyond the horizon of adverse selection."""
ROUNDING: Final = "booking_rounding"


@dataclass(frozen=True, slots=True)
class Statement:
    """Lines that sum to a total, to the last digit.

    Parameters
    ----------
    lines : mapping of line to Decimal
        The seven lines, and ``funding``, ``basis`` and ``booking_rounding`` where they are not zero; signed as they
        enter the total.
    total : Decimal
        Their sum.

    """

    lines: dict[str, Decimal]
    total: Decimal


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """Everything that settles or was paid in one currency.

    Parameters
    ----------
    account : Statement
        Its total is that of the currency in ``total`` of `result.json`: the change of the balances and the worth of
        what is open.
    by : mapping of dimension to label to Statement
        Each of `DIMENSIONS`; the labels of one sum to `account`, line by line.

    """

    account: Statement
    by: dict[str, dict[str, Statement]]
