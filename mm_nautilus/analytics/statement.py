"""The account's change, line by line, and by side, level, venue, instrument, hour and quote state.

Everything that settles or was paid in one currency is one statement. A fill's spread, adverse selection and commission
belong to its side and level, to the hour and to the quote state just before it. What inventory earned beyond adverse
selection is no single fill's: by side and level it stands apart (`HELD`), by hour and state where it arose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

import numpy as np

from mm_nautilus.analytics.attribution_lines import HELD as NO_FILL
from mm_nautilus.analytics.attribution_lines import LINES, Posting
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.market import Purpose
from mm_nautilus.messages import FillFact

DIMENSIONS: Final = ("side", "level", "venue", "instrument", "hour", "state")
"""What a statement is broken down by."""
SEVEN: Final = ("spread_capture", "adverse_selection", "inventory", "hedging", "arbitrage", "fees", "rebates")
"""Lines that a statement always has."""
ROUNDING: Final = "booking_rounding"
HELD: Final = "position"
"""Side and level of what no single fill earned."""
ACCOUNT: Final = "account"
"""Label of what the rounding of bookings added, except by venue."""

_ORDER: Final = (*SEVEN, *(line for line in LINES if line not in SEVEN), ROUNDING)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Statement:
    """Lines that sum to a total, to the last digit.

    Parameters
    ----------
    lines : mapping of line to Decimal
        `SEVEN`, and ``funding``, ``basis`` and ``booking_rounding`` where they are not zero; signed as they enter the
        total.
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One amount of a statement and everything it is broken down by.

    Parameters
    ----------
    currency, line : str
        What it is an amount of.
    amount : Decimal
        Signed.
    ts_ns : int
        When it arose.
    fill : int
        Place of the fill among the instrument's; -1 where no single fill made it.
    labels : tuple of str
        One for each of `DIMENSIONS`.

    """

    currency: str
    line: str
    amount: Decimal
    ts_ns: int
    fill: int
    labels: tuple[str, ...]


def entries(one: InstrumentLog, postings: Sequence[Posting]) -> list[Entry]:
    """Return everything that one instrument earned and paid, in whatever currency.

    Parameters
    ----------
    one : InstrumentLog
        The instrument.
    postings : sequence of Posting
        Its own, from `mm_nautilus.analytics.attribution_summary.attributed`.

    """
    settled = one.facts.contract.settlement_currency
    fills = sorted(one.fills, key=lambda fill: fill.ts_ns)
    booked = [(settled, posting) for posting in postings]
    for number, fill in enumerate(fills):
        if fill.commission and fill.commission_currency != settled:
            line = "fees" if fill.commission > 0 else "rebates"
            booked.append((fill.commission_currency, Posting(line, -fill.commission, fill.ts_ns, number)))
    instants = np.fromiter((posting.ts_ns for _, posting in booked), dtype=np.int64, count=len(booked)) - 1
    codes, names = one.timeline.states_at(instants)
    hours = [f"{hour:02d}h" for hour in (instants // 3_600_000_000_000 % 24).tolist()]
    sides = [(fill.side, level_of(fill)) for fill in fills]
    place = (one.facts.venue, one.facts.instrument_id)
    return [
        Entry(
            currency,
            posting.line,
            posting.amount,
            posting.ts_ns,
            posting.fill,
            (*((HELD, HELD) if posting.fill == NO_FILL else sides[posting.fill]), *place, hour, names[code]),
        )
        for (currency, posting), hour, code in zip(booked, hours, codes.tolist(), strict=True)
    ]


def level_of(fill: FillFact) -> str:
    """Return the level of a quote's fill, and of any other fill what it was for."""
    if fill.purpose != Purpose.QUOTE:
        return fill.purpose.lower()
    return str(fill.level) if fill.level >= 0 else "unknown"


def statements(made: Iterable[Entry], rounding: Mapping[str, Mapping[str, Decimal]]) -> dict[str, AccountStatement]:
    """Return the statement of every currency.

    Parameters
    ----------
    made : iterable of Entry
        Of all instruments.
    rounding : mapping of currency to venue to Decimal
        What the rounding of the engine's bookings added to the balances; every currency here has a statement.

    """
    places: dict[str, list[Entry]] = {currency: [] for currency in rounding}
    for entry in made:
        places.setdefault(entry.currency, []).append(entry)
    return {
        currency: _statement([*mine, *_rounded(currency, rounding.get(currency, {}))])
        for currency, mine in sorted(places.items())
    }


def _rounded(currency: str, by_venue: Mapping[str, Decimal]) -> Iterator[Entry]:
    for venue, amount in by_venue.items():
        if amount:
            labels = tuple(venue if dimension == "venue" else ACCOUNT for dimension in DIMENSIONS)
            yield Entry(currency, ROUNDING, amount, 0, NO_FILL, labels)


def _statement(mine: Sequence[Entry]) -> AccountStatement:
    sums: list[dict[str, dict[str, Decimal]]] = [{} for _ in DIMENSIONS]
    whole: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for entry in mine:
            whole[entry.line] = whole.get(entry.line, _ZERO) + entry.amount
            for by, label in zip(sums, entry.labels, strict=True):
                lines = by.setdefault(label, {})
                lines[entry.line] = lines.get(entry.line, _ZERO) + entry.amount
        return AccountStatement(
            statement(whole),
            {
                dimension: {label: statement(by[label]) for label in sorted(by)}
                for dimension, by in zip(DIMENSIONS, sums, strict=True)
            },
        )


def statement(amounts: Mapping[str, Decimal]) -> Statement:
    """Return amounts by line as a statement."""
    with localcontext(EXACT):
        lines = {line: amounts.get(line, _ZERO) for line in _ORDER if line in SEVEN or amounts.get(line)}
        return Statement(lines, sum(lines.values(), _ZERO))
