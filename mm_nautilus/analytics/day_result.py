"""What the end of a day comes to: the frozen values that ``end_of_day`` in `result.json` holds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Books(StrEnum):
    """Whose figure the ledger is compared with."""

    STRATEGY = "STRATEGY"
    """The position the strategies counted."""
    ENGINE = "ENGINE"
    """The engine's net position."""
    ACCOUNT = "ACCOUNT"
    """The engine's balance."""


@dataclass(frozen=True, slots=True)
class DayPosition:
    """One instrument when a day ended; money in settlement currency.

    Parameters
    ----------
    instrument_id, currency : str
        Which, and what it settles in.
    position : Decimal
        Net, in base units (contracts): what was held at the start and the sum of the fills.
    by_purpose : mapping of purpose to Decimal
        Signed sizes filled since the start of the run, by what their orders were for.
    average_price, mark : Decimal | None
        Average entry price and what the position is valued at, in quote currency.
    unrealised : Decimal
        At the mark.
    realised, fees, rebates, volume, turnover : Decimal
        Of the day alone.
    fills : int
        Of the day alone.
    counted, engine : Decimal | None
        The position as the strategies counted it and as the engine has it; ``None`` where the log does not say.

    """

    instrument_id: str
    currency: str
    position: Decimal
    by_purpose: dict[str, Decimal]
    average_price: Decimal | None
    mark: Decimal | None
    unrealised: Decimal
    realised: Decimal
    fees: Decimal
    rebates: Decimal
    volume: Decimal
    turnover: Decimal
    fills: int
    counted: Decimal | None
    engine: Decimal | None


@dataclass(frozen=True, slots=True)
class DayBalance:
    """One balance when a day ended; ``starting + expected_change + booking_rounding == actual``.

    Parameters
    ----------
    venue, currency : str
        Whose balance.
    starting, actual : Decimal
        When the run began, and now.
    expected_change : Decimal
        What the ledger says it moved by since.
    booking_rounding : Decimal
        What is left; a difference where it is more than the rounding of bookings can explain.

    """

    venue: str
    currency: str
    starting: Decimal
    actual: Decimal
    expected_change: Decimal
    booking_rounding: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
    """Two books that do not agree.

    Parameters
    ----------
    books : Books
        Whose figure differs from the ledger's.
    subject : str
        Instrument, or venue and currency.
    ledger, theirs : Decimal
        The two figures.

    """

    books: Books
    subject: str
    ledger: Decimal
    theirs: Decimal


@dataclass(frozen=True, slots=True)
class DayEnd:
    """The report of one day.

    Parameters
    ----------
    day : str
        Date (UTC) on which the trading day began.
    end_ns : int
        Its roll-over, or the end of the run.
    rolled_over : bool
        Whether the day ended; the last one usually ends with the run.
    positions : tuple of DayPosition
        Every instrument.
    balances : tuple of DayBalance
        Every balance; empty where nobody took them then.
    differences : tuple of Difference
        What does not agree.

    """

    day: str
    end_ns: int
    rolled_over: bool
    positions: tuple[DayPosition, ...]
    balances: tuple[DayBalance, ...]
    differences: tuple[Difference, ...]
