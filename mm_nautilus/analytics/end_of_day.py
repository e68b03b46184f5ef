"""End of day: what is held and what it earned, and whether ledger, strategies, engine and accounts agree on it.

The ledger is the sum of the recorded fills. A position must be the same, to the last digit, in the ledger, as the
strategies counted it and in the engine's books; a balance must have moved by what the ledger says, to the rounding of
the engine's bookings. What does not agree is listed, not smoothed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Final

import pyarrow.compute as pc

from mm_nautilus.analytics.day_result import Books, DayBalance, DayEnd, DayPosition, Difference
from mm_nautilus.analytics.facts import RunFacts
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.inventory.accounting import Accounting
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.inventory.reconciliation import compare
from mm_nautilus.market import Side
from mm_nautilus.messages import AccountFact, PositionFact
from mm_nautilus.venues.trading_hours import DAY_NS, day_name, day_start

_ZERO: Final = Decimal(0)


def end_of_day(log: RunLog, logs: Sequence[InstrumentLog], facts: RunFacts) -> tuple[DayEnd, ...]:
    """Return the report of each day of a run, the last one until its end.

    Parameters
    ----------
    log : RunLog
        What was recorded.
    logs : sequence of InstrumentLog
        Every instrument's part of it.
    facts : RunFacts
        With the engine's positions and balances at the end.

    """
    statements = {one.facts.instrument_id: _statements(log, one) for one in logs}
    before: dict[str, Accounting | None] = {one.facts.instrument_id: None for one in logs}
    days = []
    for end_ns in _ends(facts):
        last = end_ns == facts.end_ns
        engine = dict(facts.engine_positions) if last else _engine_positions(log, end_ns)
        actual = _final_balances(facts) if last else _balances_at(log, end_ns)
        books = {one.facts.instrument_id: one.books if last else one.books_until(end_ns) for one in logs}
        positions = tuple(
            _position(one, books[name], before[name], end_ns, _counted(statements[name], end_ns), engine.get(name))
            for one in logs
            for name in (one.facts.instrument_id,)
        )
        balances, unexplained = _balances(logs, books, facts, actual)
        days.append(
            DayEnd(
                day=day_name(day_start(end_ns - 1, facts.roll_over_ns)),
                end_ns=end_ns,
                rolled_over=(end_ns - facts.roll_over_ns) % DAY_NS == 0,
                positions=positions,
                balances=balances,
                differences=(*_position_differences(positions), *unexplained),
            )
        )
        before = dict(books)
    return tuple(days)


def _ends(facts: RunFacts) -> Iterator[int]:
    end_ns = day_start(facts.start_ns, facts.roll_over_ns) + DAY_NS
    while end_ns < facts.end_ns:
        yield end_ns
        end_ns += DAY_NS
    yield facts.end_ns


def _position(
    one: InstrumentLog,
    books: Accounting,
    before: Accounting | None,
    end_ns: int,
    counted: Decimal | None,
    engine: Decimal | None,
) -> DayPosition:
    sums: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for fill in one.fills:
            if fill.ts_ns <= end_ns:
                sums[fill.purpose] = sums.get(fill.purpose, _ZERO) + fill.size * Side[fill.side]

        def of_day(name: str) -> Decimal:
            until: Decimal = getattr(books, name)
            return until if before is None else until - getattr(before, name)

        return DayPosition(
            instrument_id=one.facts.instrument_id,
            currency=one.facts.contract.settlement_currency,
            position=books.position,
            by_purpose=dict(sorted(sums.items())),
            average_price=books.average_price,
            mark=books.final_mark,
            unrealised=books.unrealised,
            realised=of_day("realised"),
            fees=of_day("fees"),
            rebates=of_day("rebates"),
            volume=of_day("volume"),
            turnover=of_day("turnover"),
            fills=books.fills - (0 if before is None else before.fills),
            counted=counted,
            engine=engine,
        )


type _Statement = tuple[int, str, Decimal]
"""``(ts_ns, strategy_id, position)``."""


def _statements(log: RunLog, one: InstrumentLog) -> list[_Statement]:
    """Return what each strategy said its position was, at marks and fills, in order of time."""
    table = log.table("marks", ("ts_ns", "strategy_id", "instrument_id", "position"))
    marks = table.filter(pc.equal(table["instrument_id"], one.facts.instrument_id))
    told: list[_Statement] = [(fill.ts_ns, fill.strategy_id, fill.position_after) for fill in one.fills]
    told += zip(*(marks[name].to_pylist() for name in ("ts_ns", "strategy_id", "position")), strict=True)
    told.sort(key=lambda statement: statement[0])  # a mark comes after the fills of its instant
    return told


def _counted(statements: Sequence[_Statement], end_ns: int) -> Decimal | None:
    """Return the sum over the strategies of the position each last counted, or ``None`` where none did."""
    last = {strategy: position for ts_ns, strategy, position in statements if ts_ns <= end_ns}
    return sum(last.values(), _ZERO) if last else None


def _engine_positions(log: RunLog, ts_ns: int) -> dict[str, Decimal]:
    return {fact.instrument_id: fact.position for fact in log.messages(PositionFact) if fact.ts_ns == ts_ns}


type _Balances = Mapping[tuple[str, str], Decimal]
"""Total by venue and currency."""


def _balances_at(log: RunLog, ts_ns: int) -> _Balances:
    return {(fact.venue, fact.currency): fact.total for fact in log.messages(AccountFact) if fact.ts_ns == ts_ns}


def _final_balances(facts: RunFacts) -> _Balances:
    return {(account.venue, held.currency): held.final for account in facts.accounts for held in account.balances}


def _balances(
    logs: Sequence[InstrumentLog], books: Mapping[str, Accounting], facts: RunFacts, actual: _Balances
) -> tuple[tuple[DayBalance, ...], list[Difference]]:
    balances, unexplained = [], []
    for account in facts.accounts:
        venue = account.venue
        traded = [books[one.facts.instrument_id] for one in logs if one.facts.venue == venue]
        for held in account.balances:
            total = actual.get((venue, held.currency))
            if total is None:
                continue
            change = EXACT.subtract(total, held.starting)
            line = compare(traded, change, held.currency, held.precision, margin=account.margin)
            balances.append(
                DayBalance(venue, held.currency, held.starting, total, line.expected, line.booking_rounding)
            )
            if not line.explained:
                ledger = EXACT.add(held.starting, line.expected)
                unexplained.append(Difference(Books.ACCOUNT, f"{venue} {held.currency}", ledger, total))
    return tuple(balances), unexplained


def _position_differences(positions: Sequence[DayPosition]) -> Iterator[Difference]:
    for one in positions:
        for books, theirs in ((Books.STRATEGY, one.counted), (Books.ENGINE, one.engine)):
            if theirs is not None and theirs != one.position:
                yield Difference(books, one.instrument_id, one.position, theirs)
