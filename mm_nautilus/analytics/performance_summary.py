"""A run in figures: by instrument, by currency, and as a whole in its reference currency."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext

from mm_nautilus.analytics.attribution_summary import AttributionSummary
from mm_nautilus.analytics.conversion import IDENTITY, Conversion, conversions
from mm_nautilus.analytics.facts import RunFacts
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.performance import Performance, Scope
from mm_nautilus.analytics.quote_figures import QUEUE_COLUMNS, queue_ahead
from mm_nautilus.analytics.quote_life import quote_lives
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.scope import Setting, scope_of
from mm_nautilus.analytics.statement import Entry
from mm_nautilus.analytics.trading import Part, trading_of
from mm_nautilus.inventory.contract import EXACT


def performance(
    log: RunLog,
    logs: Sequence[InstrumentLog],
    facts: RunFacts,
    attribution: AttributionSummary,
    made: Mapping[str, Sequence[Entry]],
    rounding: Mapping[str, Mapping[str, Decimal]],
) -> Performance:
    """Return the figures of a run.

    Parameters
    ----------
    log : RunLog
        What was recorded.
    logs : sequence of InstrumentLog
        The same by instrument, the one that is quoted first in front.
    facts : RunFacts
        What the log does not say.
    attribution : AttributionSummary
        Of the same.
    made : mapping of instrument to sequence of Entry
        Everything each instrument earned and paid.
    rounding : mapping of currency to venue to Decimal
        What the rounding of the engine's bookings added to the balances.

    """
    span = facts.start_ns, facts.end_ns
    setting = Setting(span, facts.roll_over_ns, facts.seed)
    lives = quote_lives(log, {one.facts.instrument_id: one.fills for one in logs})
    trading = {
        one.facts.instrument_id: trading_of(one, lives[one.facts.instrument_id], made[one.facts.instrument_id], span)
        for one in logs
    }
    decisions = log.table("decisions", QUEUE_COLUMNS)
    queues = {one.facts.instrument_id: queue_ahead(decisions, one.fills) for one in logs}
    del decisions
    reference = logs[0].facts.contract.quote_currency if logs else ""
    rates = conversions(logs, attribution, facts.rates, reference, facts.rate_paths)
    capital, unvalued = (facts.capital, []) if facts.capital is not None else _capital(facts, rates)

    everything = [entry for theirs in made.values() for entry in theirs]
    booked = [(paid, facts.end_ns, amount) for paid, by in rounding.items() for amount in by.values() if amount]
    settled = sorted({entry.currency for entry in everything} | {one.currency for one in trading.values()})

    def scope(
        currency: str,
        names: Sequence[str],
        known: Mapping[str, Conversion],
        entries: Sequence[Entry],
        rounded: Sequence[tuple[str, int, Decimal]] = (),
    ) -> Scope:
        parts = [
            Part(trading[name], known[trading[name].currency]) for name in names if trading[name].currency in known
        ]
        amounts = [(entry.currency, entry.ts_ns, entry.amount) for entry in entries]
        worth = capital / rates[currency].first if capital is not None and currency in rates else None
        shown = [queues[part.trading.name] for part in parts]
        return scope_of(currency, parts, _converted([*amounts, *rounded], known), shown, setting, worth)

    instruments = {
        name: scope(one.currency, [name], {one.currency: IDENTITY}, made[name]) for name, one in trading.items()
    }
    currencies = {}
    for currency in settled:
        names = [name for name, one in trading.items() if one.currency == currency]
        alone = len(names) == 1 and not booked and {entry.currency for entry in everything} <= {currency}
        # What is one instrument's and nothing else is not computed twice.
        currencies[currency] = (
            instruments[names[0]] if alone else scope(currency, names, {currency: IDENTITY}, everything, booked)
        )
    same = settled == [reference] and not any(amount for paid, _, amount in booked if paid != reference)
    overall = currencies[reference] if same else scope(reference, list(trading), rates, everything, booked)
    return Performance(
        reference,
        overall,
        instruments,
        currencies,
        capital,
        (*_of_log(log), *_notes(overall, settled, rates, unvalued, logs)),
    )


def _converted(
    amounts: Sequence[tuple[str, int, Decimal]], known: Mapping[str, Conversion]
) -> list[tuple[int, Decimal]]:
    with localcontext(EXACT):
        return [(ts_ns, amount * known[currency].last) for currency, ts_ns, amount in amounts if currency in known]


def _capital(facts: RunFacts, rates: Mapping[str, Conversion]) -> tuple[Decimal | None, list[str]]:
    """Return the starting balances at the first rates, and the currencies that have none."""
    capital, unvalued = Decimal(0), []
    with localcontext(EXACT):
        for account in facts.accounts:
            for held in account.balances:
                if held.currency in rates:
                    capital += held.starting * rates[held.currency].first
                elif held.starting:
                    unvalued.append(held.currency)
    return capital if capital > 0 else None, sorted(set(unvalued))


def _of_log(log: RunLog) -> list[str]:
    notes = []
    if not log.complete:
        notes.append(
            "The log was cut short: the run was killed or is still under way. The figures are of what was written; no "
            "balance was held against them."
        )
    if log.damaged:
        names = ", ".join(os.fspath(path.relative_to(log.run_dir)) for path in log.damaged)
        notes.append(f"Not whole and left out: {names}. What they held is missing from every figure.")
    return notes


def _notes(
    overall: Scope,
    settled: Sequence[str],
    rates: Mapping[str, Conversion],
    unvalued: Sequence[str],
    logs: Sequence[InstrumentLog],
) -> list[str]:
    reference, notes = overall.currency, []
    apart = [currency for currency in settled if currency not in rates]
    if apart:
        notes.append(
            f"No rate from {', '.join(apart)} to {reference}: the figures of the whole run leave them out, those by "
            f"currency and instrument are complete. State one, as in strategy.rates = {{ {apart[0]} = 1.0 }}."
        )
    if unvalued:
        notes.append(
            f"No rate from {', '.join(unvalued)} to {reference}: those starting balances are not in the capital. State "
            "one, or the capital itself: [report] capital."
        )
    if not sum(len(one.fills) for one in logs):
        notes.append("Nothing was filled: there is no PnL to explain, and every figure per fill is missing.")
    for name, table in (("day", overall.daily), ("week", overall.weekly), ("month", overall.monthly)):
        if table and not any(period.complete for period in table):
            hours = sum(period.end_ns - period.start_ns for period in table) / 3.6e12
            notes.append(
                f"No {name} is complete: the run covers {hours:.3g} h, and the figures by {name} are of that much."
            )
    return notes
