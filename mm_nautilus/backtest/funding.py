"""What the positions of a run would have paid for funding: beside its PnL, because no account was moved by it.

The engine of a backtest would settle funding if it were fed the rates, and would tell no component of it; a node that
replays the same data would not settle any. The books of a run are therefore kept without, and this is said beside them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import accumulate
from pathlib import Path

from mm_nautilus.analytics.facts import InstrumentFacts, RunFacts
from mm_nautilus.analytics.instrument_log import exact_mid
from mm_nautilus.analytics.jsonable import plain
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.catalog.funding import read_funding_rates, read_mark_prices
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.inventory.funding import FundingPayment, funding_payments
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact, MarkFact


@dataclass(frozen=True, slots=True)
class FundingSummary:
    """The funding of one perpetual, which is no part of its PnL.

    Parameters
    ----------
    currency : str
        What it is paid in.
    total : Decimal
        Sum of the payments: received above 0, paid below.
    payments : tuple of FundingPayment
        In order of time.
    rates : int
        Rates in the data that were known by the end of the run.
    undated : int
        Those that do not say when they are paid; they are in no payment.
    mark : str
        Where the prices come from.

    """

    currency: str
    total: Decimal
    payments: tuple[FundingPayment, ...]
    rates: int
    undated: int
    mark: str


def run_funding(root: Path, log: RunLog, facts: RunFacts) -> dict[str, FundingSummary]:
    """Return the funding of every instrument of a run whose rates the catalogue holds, by instrument id."""
    span_ns = facts.start_ns, facts.end_ns
    found = {one.instrument_id: funding_of(root, log, one, span_ns) for one in facts.instruments}
    return {name: funding for name, funding in found.items() if funding is not None}


def in_words(funding: FundingSummary) -> str:
    """Return what a caveat says of it."""
    count = len(funding.payments)
    said = "nothing was held at a funding time"
    if count:
        verb = "received" if funding.total > 0 else "paid"
        times = "one payment" if count == 1 else f"{count} payments"
        said = f"{plain(abs(funding.total))} {funding.currency} would have been {verb} in {times}"
    return f"{said}; {funding.undated} of {funding.rates} rates do not say when" if funding.undated else said


def funding_of(root: Path, log: RunLog, one: InstrumentFacts, span_ns: tuple[int, int]) -> FundingSummary | None:
    """Return the funding of an instrument, ``None`` where the catalogue holds no rates of it.

    Parameters
    ----------
    root : Path
        Catalogue that the run read.
    log : RunLog
        What was recorded.
    one : InstrumentFacts
        The instrument.
    span_ns : tuple of int
        First and last instant of the run, in nanoseconds since 1970.

    """
    rates = read_funding_rates(root, one.instrument_id, span_ns[1])
    if not rates:
        return None
    marks, source = read_mark_prices(root, one.instrument_id, span_ns[1]), "mark prices of the venue"
    if not marks:
        marks, source = _mids(log, one), "mids of the run's marks"
    payments = funding_payments(rates, span_ns, _position(log, one.instrument_id), _last_of(marks), one.contract)
    with localcontext(EXACT):
        total = sum((payment.amount for payment in payments), Decimal(0))
    undated = sum(rate.due_ns is None for rate in rates)
    return FundingSummary(one.contract.settlement_currency, total, payments, len(rates), undated, source)


def _mids(log: RunLog, one: InstrumentFacts) -> list[tuple[int, Decimal]]:
    return sorted(
        (mark.ts_ns, exact_mid(mark.bid, mark.ask, one.tick))
        for mark in log.messages(MarkFact)
        if mark.instrument_id == one.instrument_id and mark.bid is not None and mark.ask is not None
    )


def _position(log: RunLog, instrument_id: str) -> Callable[[int], Decimal]:
    mine = (fill for fill in log.messages(FillFact) if fill.instrument_id == instrument_id)
    fills = sorted(mine, key=lambda fill: fill.ts_ns)
    with localcontext(EXACT):
        held = [Decimal(0), *accumulate(fill.size * Side[fill.side] for fill in fills)]
    times = [fill.ts_ns for fill in fills]
    return lambda ts_ns: held[bisect_right(times, ts_ns)]


def _last_of(marks: list[tuple[int, Decimal]]) -> Callable[[int], Decimal | None]:
    times = [ts_ns for ts_ns, _ in marks]

    def mark_at(ts_ns: int) -> Decimal | None:
        place = bisect_right(times, ts_ns)
        return marks[place - 1][1] if place else None

    return mark_at
