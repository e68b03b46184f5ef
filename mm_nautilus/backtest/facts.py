"""What the engine knows about a finished run and the run log does not."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from nautilus_trader.model import InstrumentId, Money, Venue

from mm_nautilus.analytics.facts import DEFAULT_BANDS, AccountFacts, BalanceFacts, InstrumentFacts, RunFacts
from mm_nautilus.analytics.realism_inputs import VenueSettings
from mm_nautilus.backtest.relations import stated_rates
from mm_nautilus.backtest.watching import roll_over
from mm_nautilus.config import VenueSection
from mm_nautilus.host.accounts import net_position
from mm_nautilus.host.instrument import contract_of
from mm_nautilus.host.loading import LoadedRun, arrival_of
from mm_nautilus.venues.trading_hours import roll_over_ns


def run_facts(loaded: LoadedRun, cache: Any, portfolio: Any, start_ns: int, end_ns: int) -> RunFacts:
    """Return instruments and accounts of a run that has ended and is not disposed of yet.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    cache, portfolio : Cache and Portfolio
        Of the node that it ran on.
    start_ns, end_ns : int
        First and last instant, in nanoseconds since 1970.

    """
    instruments: list[Any] = [cache.instrument(InstrumentId.from_str(name)) for name in loaded.instrument_ids]
    section = loaded.run_file.report
    return RunFacts(
        start_ns,
        end_ns,
        instrument_facts(loaded, instruments),
        tuple(_account(section, portfolio) for section in loaded.run_file.venues),
        {section.name: section.obligation for section in loaded.run_file.venues},
        {name: net_position(cache, InstrumentId.from_str(name)) for name in loaded.instrument_ids},
        roll_over_ns(roll_over(loaded.run_file)),
        rates=stated_rates(loaded),
        capital=section.capital,
        targets=section.targets,
        seed=loaded.run_file.run.seed,
    )


def instrument_facts(loaded: LoadedRun, instruments: Sequence[Any]) -> tuple[InstrumentFacts, ...]:
    """Return the facts of a run's instruments, each with the limit its strategy was told.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    instruments : sequence of nautilus instruments
        The quoted ones first.

    """
    settings = loaded.strategy_config.settings
    limits = position_limits(settings)
    adjust = getattr(settings, "adjust", None)
    bands = DEFAULT_BANDS if adjust is None else tuple(sorted({adjust.skew_above, adjust.aggressive_above} - {0.0}))
    return tuple(_instrument(instrument, limits.get(str(instrument.id)), bands) for instrument in instruments)


def position_limits(settings: Any) -> dict[str, Decimal | None]:
    """Return the position limits a strategy was told; one that trades several instruments says so itself."""
    said = getattr(settings, "position_limits", None)
    if callable(said):
        limits: dict[str, Decimal | None] = said()
        return limits
    return {settings.instrument_id: settings.limits.max_position}


def _instrument(instrument: Any, limit: Decimal | None, bands: tuple[float, ...]) -> InstrumentFacts:
    return InstrumentFacts(
        instrument_id=str(instrument.id),
        venue=str(instrument.venue),
        tick=instrument.price_increment.as_decimal(),
        lot=instrument.size_increment.as_decimal(),
        contract=contract_of(instrument),
        position_limit=limit,
        bands=bands,
    )


def _account(section: VenueSection, portfolio: Any) -> AccountFacts:
    account = portfolio.account(Venue(section.name))
    starting = {str(money.currency): money.as_decimal() for money in map(Money.from_str, section.starting_balances)}
    balances = [
        BalanceFacts(str(currency), currency.precision, starting.get(str(currency), Decimal(0)), total.as_decimal())
        for currency, total in account.balances_total().items()
    ]
    balances.sort(key=lambda balance: balance.currency)
    return AccountFacts(section.name, section.account == "MARGIN", tuple(balances))


def venue_settings(section: VenueSection) -> VenueSettings:
    """Return how a simulated venue treats orders, for the caveats and for print."""
    arrival, flat = arrival_of(section), section.fees.per_contract is None
    return VenueSettings(
        venue=section.name,
        queue_position=section.queue_position,
        liquidity_consumption=section.liquidity_consumption,
        insert_latency_ms=arrival.submit_ns / 1e6,
        amend_latency_ms=arrival.amend_ns / 1e6,
        cancel_latency_ms=arrival.cancel_ns / 1e6,
        fee_model="maker and taker rate" if flat else f"{section.fees.per_contract} per contract",
        maker_fee=section.fees.maker_rate if flat else None,
        taker_fee=section.fees.taker_rate if flat else None,
        fill_model="engine default",
        prob_fill_on_limit=section.fill.prob_fill_on_limit,
        prob_slippage=section.fill.prob_slippage,
    )
