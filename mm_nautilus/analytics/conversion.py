"""What a currency is worth in the reference currency of a run, at its start, at its end and in between.

In this order: the same currency; a rate that the run file states; a coin that a traded asset is, at that asset's mark;
another quote currency of an asset, at the ratio its attribution took. Where none of these is there the currency stays
by itself, and whoever adds up says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from mm_nautilus.analytics.asset_rates import MARKS_OF, STATED
from mm_nautilus.analytics.attribution_summary import AttributionSummary
from mm_nautilus.analytics.equity import Floats, Ints
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.rate_path import RatePath
from mm_nautilus.inventory.contract import EXACT

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Conversion:
    """Reference currency for one unit of a currency.

    Parameters
    ----------
    first, last : Decimal
        At the start and at the end of the run.
    at : callable
        At instants, as floats.
    source : str
        By whose word.

    """

    first: Decimal
    last: Decimal
    at: Callable[[Ints], Floats]
    source: str


def constant(rate: Decimal, source: str = STATED) -> Conversion:
    """Return a rate that holds all along."""
    return Conversion(rate, rate, lambda instants: np.full(len(instants), float(rate)), source)


IDENTITY: Final = constant(_ONE, "the same currency")


def conversions(
    logs: Sequence[InstrumentLog],
    attribution: AttributionSummary,
    stated: Mapping[str, Decimal],
    reference: str,
    moving: Mapping[str, RatePath] | None = None,
) -> dict[str, Conversion]:
    """Return the conversion of every currency that has one.

    Parameters
    ----------
    logs : sequence of InstrumentLog
        The instruments of the run.
    attribution : AttributionSummary
        Of the same.
    stated : mapping of currency to Decimal
        Reference currency for one unit, where the run file says so.
    reference : str
        Reference currency.
    moving : mapping of currency to RatePath, optional
        The same as `stated` where an instrument says it.

    """
    found = {reference: IDENTITY} | {name: constant(rate) for name, rate in stated.items() if name != reference}
    for name, path in (moving or {}).items():
        if name != reference:
            found[name] = Conversion(path.first, path.last, path.at, f"{MARKS_OF} {path.source}")
    for one in attribution.assets.values():
        if one.currency == reference:
            for name, rate in one.rates.items():
                found.setdefault(name, constant(rate.rate, rate.source))
    for name, one in attribution.assets.items():
        quote = found.get(one.currency)
        log = next((log for log in logs if log.facts.contract.base_currency == name and len(log.curve.ts_ns)), None)
        if name not in found and quote is not None and log is not None:
            found[name] = _coin(log, found.get(log.facts.contract.quote_currency, quote), quote, one.worth)
    return found


def _coin(log: InstrumentLog, own: Conversion, quote: Conversion, worth: tuple[Decimal, Decimal]) -> Conversion:
    curve = log.curve

    def at(instants: Ints) -> Floats:
        place = np.clip(np.searchsorted(curve.ts_ns, instants, side="right") - 1, 0, None)
        return np.asarray(curve.mid[place] * own.at(instants), dtype=np.float64)

    first, last = (EXACT.multiply(price, rate) for price, rate in zip(worth, (quote.first, quote.last), strict=True))
    return Conversion(first, last, at, f"marks of {log.facts.contract.base_currency}")
