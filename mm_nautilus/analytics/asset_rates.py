"""What the quote currencies of an asset's instruments are taken for in that of the first one, and by whose word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mm_nautilus.analytics.consolidated_marks import Seen, own_path
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.rate_path import RatePath, exact_rate

STATED: Final = "stated"
FIRST_MIDS: Final = "ratio of the first mids"
MARKS_OF: Final = "marks of"


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a quote currency was taken for, and by whose word.

    Parameters
    ----------
    rate, last : Decimal
        At the start and at the end.
    source : str
        Who says so.

    """

    rate: Decimal
    source: str
    last: Decimal


def asset_rates(
    group: Sequence[InstrumentLog],
    seen: Mapping[str, Seen],
    start_ns: int,
    stated: Mapping[str, Decimal],
    moving: Mapping[str, RatePath],
) -> dict[str, Rate]:
    """Return what the quote currency of each instrument is worth in that of the first one.

    Parameters
    ----------
    group : sequence of InstrumentLog
        The instruments of one asset, the reference in front.
    seen : mapping of instrument to Seen
        Their markets.
    start_ns : int
        Start of the run.
    stated : mapping of currency to Decimal
        Where the run file says so.
    moving : mapping of currency to RatePath
        Where an instrument says so.

    """
    reference = group[0]
    found: dict[str, Rate] = {}
    for one in group:
        name, currency = one.facts.instrument_id, one.facts.contract.quote_currency
        if currency == reference.facts.contract.quote_currency:
            found[name] = _constant(Decimal(1), STATED)
        elif currency in moving:
            path = moving[currency]
            found[name] = Rate(path.first, f"{MARKS_OF} {path.source}", path.last)
        elif currency in stated:
            found[name] = _constant(stated[currency], STATED)
        else:
            first, other = (own_path(seen[which.facts.instrument_id], start_ns) for which in (reference, one))
            ratio = 1.0 if first is None or other is None else first.worth[0] / other.worth[0]
            found[name] = _constant(exact_rate(ratio), FIRST_MIDS)
    return found


def scale_of(
    one: InstrumentLog, reference: InstrumentLog, known: Rate, moving: Mapping[str, RatePath]
) -> Decimal | RatePath:
    """Return what the instrument's quote currency is worth in that of the first one, all along or over time."""
    currency = one.facts.contract.quote_currency
    same = currency == reference.facts.contract.quote_currency
    return known.rate if same else moving.get(currency, known.rate)


def _constant(rate: Decimal, source: str) -> Rate:
    return Rate(rate, source, rate)
