"""A run in numbers: per instrument, and in total per currency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from mm_nautilus.analytics.attribution_summary import attributed
from mm_nautilus.analytics.conversion import conversions
from mm_nautilus.analytics.drawdown import drawdown
from mm_nautilus.analytics.end_of_day import end_of_day
from mm_nautilus.analytics.equity import EquityCurve, pnl_by_fill
from mm_nautilus.analytics.facts import DEFAULT_BANDS, AccountFacts, InstrumentFacts, RunFacts
from mm_nautilus.analytics.flow_summary import fill_summary, order_summary
from mm_nautilus.analytics.hedge_summary import hedge_summary
from mm_nautilus.analytics.instrument_log import InstrumentLog, instrument_log
from mm_nautilus.analytics.inventory_summary import inventory_summary
from mm_nautilus.analytics.markout_summary import markout_report
from mm_nautilus.analytics.obligations import obligation_summaries
from mm_nautilus.analytics.opportunity_summary import opportunity_summary
from mm_nautilus.analytics.performance_summary import performance
from mm_nautilus.analytics.quoting_summary import quoting_summary
from mm_nautilus.analytics.result import BalanceSummary, InstrumentSummary, MoneySummary, RunSummary, TotalSummary
from mm_nautilus.analytics.risk_summary import risk_summary
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.scorecard import scorecard
from mm_nautilus.analytics.statement import entries, statements
from mm_nautilus.inventory.accounting import Accounting
from mm_nautilus.inventory.contract import EXACT, Contract
from mm_nautilus.inventory.reconciliation import Reconciliation, compare, reconcile
from mm_nautilus.messages import HedgeFact, OpportunityFact


def summarise(log: RunLog, facts: RunFacts, *, explained: bool = True) -> RunSummary:
    """Return a run in numbers.

    Parameters
    ----------
    log : RunLog
        What was recorded.
    facts : RunFacts
        What the log does not say.
    explained : bool
        Whether the fills have to explain by how much each balance moved. They cannot where the account is a real one:
        funding, transfers and trades by others move it too, and what they moved it by stands in ``booking_rounding``.

    Raises
    ------
    AccountingError
        When they have to and do not.

    """
    logs = [instrument_log(log, one, facts.start_ns, facts.end_ns) for one in facts.instruments]
    total = _totals(logs, facts.accounts, reconcile if explained else compare)
    attribution, postings = attributed(logs, facts.start_ns, facts.rates, facts.roll_over_ns, facts.rate_paths)
    made = {one.facts.instrument_id: entries(one, postings.get(one.facts.instrument_id, ())) for one in logs}
    rounding = _rounding(total)
    hedges = hedge_summary(log.messages(HedgeFact), settlement_currencies(facts.instruments))
    figures = performance(log, logs, facts, attribution, made, rounding)
    rates = conversions(logs, attribution, facts.rates, figures.currency, facts.rate_paths)
    return RunSummary(
        duration_s=(facts.end_ns - facts.start_ns) / 1e9,
        instruments={one.facts.instrument_id: _instrument(log, one, facts) for one in logs},
        total=total,
        attribution=attribution,
        hedges=hedges,
        opportunities=opportunity_summary(
            log.messages(OpportunityFact), {one.instrument_id: one.contract.quote_currency for one in facts.instruments}
        ),
        risk=risk_summary(log, facts),
        obligations=obligation_summaries(log, facts),
        end_of_day=end_of_day(log, logs, facts),
        statement=statements((entry for theirs in made.values() for entry in theirs), rounding),
        performance=figures,
        scorecard=scorecard(
            figures, attribution, {name: rate.last for name, rate in rates.items()}, hedges, facts.targets
        ),
    )


def _rounding(total: Mapping[str, TotalSummary]) -> dict[str, dict[str, Decimal]]:
    """Return what the rounding of bookings added, by currency and venue."""
    return {currency: {one.venue: one.booking_rounding for one in held.balances} for currency, held in total.items()}


def settlement_currencies(instruments: Iterable[InstrumentFacts]) -> dict[str, str]:
    """Return what each instrument settles in."""
    return {one.instrument_id: one.contract.settlement_currency for one in instruments}


def facts_in(instrument: Mapping[str, Any]) -> InstrumentFacts:
    """Return the instrument's facts from its summary in a ``result.json``."""
    held = instrument["inventory"]
    return InstrumentFacts(
        instrument_id=instrument["instrument_id"],
        venue=instrument["venue"],
        tick=Decimal(instrument["tick"]),
        lot=Decimal(instrument["lot"]),
        contract=Contract(
            instrument["quote_currency"],
            instrument["base_currency"],
            Decimal(instrument["multiplier"]),
            instrument["inverse"],
        ),
        position_limit=None if held["limit"] is None else Decimal(held["limit"]),
        bands=tuple(band["share_of_limit"] for band in held["bands"][:-1]) or DEFAULT_BANDS,
    )


def _instrument(log: RunLog, one: InstrumentLog, facts: RunFacts) -> InstrumentSummary:
    books, contract = one.books, one.facts.contract
    mark = float(books.final_mark) if books.final_mark is not None else np.nan
    pieces = pnl_by_fill(one.path, one.mid_at_fill, mark, contract)
    return InstrumentSummary(
        instrument_id=one.facts.instrument_id,
        venue=one.facts.venue,
        strategies=one.strategies,
        start_ns=facts.start_ns,
        end_ns=facts.end_ns,
        duration_s=(facts.end_ns - facts.start_ns) / 1e9,
        tick=one.facts.tick,
        lot=one.facts.lot,
        multiplier=contract.multiplier,
        inverse=contract.inverse,
        base_currency=contract.base_currency,
        quote_currency=contract.quote_currency,
        decisions=one.timeline.decisions,
        quoting=quoting_summary(one.timeline),
        orders=order_summary(one.orders, books.fills, books.volume),
        fills=fill_summary(one.fills, books.turnover, pieces, contract),
        inventory=inventory_summary(one.path, facts.start_ns, facts.end_ns, books.position, one.facts, one.worst_case),
        money=MoneySummary(
            currency=contract.settlement_currency,
            realised=books.realised,
            unrealised=books.unrealised,
            gross=books.gross,
            fees=books.fees,
            rebates=books.rebates,
            total=books.total,
            other_fees=dict(books.other_fees),
            average_price=books.average_price,
            final_mark=books.final_mark,
            final_mark_source=one.mark_source,
            max_drawdown=drawdown(one.curve.equity).amount,
        ),
        markouts=markout_report(log, one.fills, one.facts.venue),
    )


def _totals(
    logs: Sequence[InstrumentLog], accounts: Iterable[AccountFacts], judge: Callable[..., Reconciliation]
) -> dict[str, TotalSummary]:
    balances = _balances(logs, accounts, judge)
    settled = {one.facts.contract.settlement_currency for one in logs}
    paid = {currency for one in logs for currency, _ in one.books.other_fees}
    rounded = {currency for currency, held in balances.items() if any(one.booking_rounding for one in held)}
    return {
        currency: _total(currency, logs, balances.get(currency, [])) for currency in sorted(settled | paid | rounded)
    }


def _total(currency: str, logs: Sequence[InstrumentLog], balances: Sequence[BalanceSummary]) -> TotalSummary:
    mine = [one for one in logs if one.facts.contract.settlement_currency == currency]
    books = [one.books for one in mine]
    with localcontext(EXACT):
        elsewhere = [amount for one in logs for paid, amount in one.books.other_fees if paid == currency]
        gross = sum((one.gross for one in books), Decimal(0))
        fees = sum((one.fees for one in books), Decimal(0)) + sum((a for a in elsewhere if a > 0), Decimal(0))
        rebates = sum((one.rebates for one in books), Decimal(0)) - sum((a for a in elsewhere if a < 0), Decimal(0))
        rounding = sum((one.booking_rounding for one in balances), Decimal(0))
        return TotalSummary(
            realised=sum((one.realised for one in books), Decimal(0)),
            unrealised=sum((one.unrealised for one in books), Decimal(0)),
            gross=gross,
            fees=fees,
            rebates=rebates,
            booking_rounding=rounding,
            total=gross - fees + rebates + rounding,
            turnover=sum((one.turnover for one in books), Decimal(0)),
            fills=sum(one.fills for one in books),
            max_drawdown=_joint_drawdown([one.curve for one in mine]),
            balances=tuple(balances),
        )


def _balances(
    logs: Sequence[InstrumentLog], accounts: Iterable[AccountFacts], judge: Callable[..., Reconciliation]
) -> dict[str, list[BalanceSummary]]:
    """Reconcile every balance of every account, by currency."""
    balances: dict[str, list[BalanceSummary]] = {}
    for account in accounts:
        books: list[Accounting] = [one.books for one in logs if one.facts.venue == account.venue]
        for held in account.balances:
            change = EXACT.subtract(held.final, held.starting)
            line = judge(books, change, held.currency, held.precision, margin=account.margin)
            balances.setdefault(held.currency, []).append(
                BalanceSummary(account.venue, held.starting, held.final, line.expected, line.booking_rounding)
            )
    return balances


def _joint_drawdown(curves: Sequence[EquityCurve]) -> float:
    """Return the drawdown of the sum of several curves, each holding its value between its own marks."""
    times = np.unique(np.concatenate([curve.ts_ns for curve in curves])) if curves else np.empty(0)
    joint = np.zeros(len(times))
    for curve in curves:
        index = np.searchsorted(curve.ts_ns, times, side="right")
        joint += np.concatenate(([0.0], curve.equity))[index]
    return drawdown(joint).amount
