"""How the venues' rules for our quotes were kept in a run, from its log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.facts import InstrumentFacts, RunFacts
from mm_nautilus.analytics.resting_orders import FILL_COLUMNS, ORDER_COLUMNS, Resting, resting_orders
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.quoting.guards import Reason
from mm_nautilus.venues.obligation import ObligationSettings
from mm_nautilus.venues.obligation_tracker import ObligationRecord, ObligationTracker

_BOOK: Final = ("bid", "ask", "bid_size", "ask_size")
_NO_MARKET: Final = frozenset({Reason.NO_BOOK, Reason.ONE_SIDED_BOOK, Reason.CROSSED_BOOK})

type _Market = tuple[int, float | None, float | None, bool]
"""``(ts_ns, bid, ask, stale)``."""


@dataclass(frozen=True, slots=True)
class ObligationSummary:
    """One rule of a venue on one instrument, what it demands and how it was kept."""

    venue: str
    instrument_id: str
    rule: ObligationSettings
    record: ObligationRecord


def obligation_summaries(log: RunLog, facts: RunFacts) -> tuple[ObligationSummary, ...]:
    """Return how each rule was kept on each instrument it holds for.

    Orders of all strategies on an instrument count together: the venue sees one firm. The market is known at
    decisions and at marks only, so that an excuse or a stressed market may be seen up to one mark late.

    Parameters
    ----------
    log : RunLog
        What was recorded.
    facts : RunFacts
        With the rules of each venue.

    """
    found = []
    for one in facts.instruments:
        name = one.instrument_id
        rules = [
            rule
            for rule in facts.obligations.get(one.venue, ())
            if name in rule.instruments or (not rule.instruments and one.position_limit is not None)
        ]
        if rules:
            records = _records(log, one, rules, facts)
            found += [
                ObligationSummary(one.venue, name, rule, record) for rule, record in zip(rules, records, strict=True)
            ]
    return tuple(found)


def _records(
    log: RunLog, one: InstrumentFacts, rules: list[ObligationSettings], facts: RunFacts
) -> list[ObligationRecord]:
    def worth(size: Decimal, price: Decimal) -> Decimal:
        return abs(one.contract.value(size, price))

    trackers = [ObligationTracker(rule, worth, facts.start_ns, facts.roll_over_ns) for rule in rules]
    orders = _of(log.table("orders", ORDER_COLUMNS), one)
    fills = _of(log.table("fills", FILL_COLUMNS), one)
    for event in _merged(_market(log, one), resting_orders(orders, fills)):
        if (event.ts_ns if isinstance(event, Resting) else event[0]) > facts.end_ns:
            break
        for tracker in trackers:
            if isinstance(event, Resting):
                tracker.rests(event.ts_ns, event.order_id, event.side, event.price, event.size)
            else:
                ts_ns, bid, ask, stale = event
                tracker.market(ts_ns, bid, ask, stale=stale)
    return [tracker.record(facts.end_ns) for tracker in trackers]


def _merged(market: list[_Market], resting: Iterator[Resting]) -> list[_Market | Resting]:
    events: list[_Market | Resting] = [*market, *resting]
    events.sort(key=lambda event: event.ts_ns if isinstance(event, Resting) else event[0])
    return events


def _market(log: RunLog, one: InstrumentFacts) -> list[_Market]:
    """Return the best prices at decisions and at marks, in order of time.

    A mark shows no prices of a book that we did not want to quote on; where that is our judgement (a wide or locked
    book) or our feed's silence, the market is as it was last seen.
    """
    decisions = _of(log.table("decisions", ("ts_ns", "instrument_id", *_BOOK)), one)
    marks = _of(log.table("marks", ("ts_ns", "instrument_id", "bid", "ask", "fault")), one)
    seen: list[tuple[int, float | None, float | None, str]] = [
        (ts_ns, bid if bid_size else None, ask if ask_size else None, "")
        for ts_ns, bid, ask, bid_size, ask_size in _rows(decisions, ("ts_ns", *_BOOK))
    ]
    seen += _rows(marks, ("ts_ns", "bid", "ask", "fault"))
    seen.sort(key=itemgetter(0))
    market: list[_Market] = []
    last: tuple[float | None, float | None] = (None, None)
    for ts_ns, bid, ask, fault in seen:
        if not fault or fault in _NO_MARKET:
            last = (bid or None, ask or None)  # an empty side is told as no price or as 0
        market.append((ts_ns, *last, fault == Reason.STALE_BOOK))
    return market


def _rows(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _of(table: pa.Table, one: InstrumentFacts) -> pa.Table:
    return table.filter(pc.equal(table["instrument_id"], one.instrument_id))
