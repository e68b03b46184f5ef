"""From a run file to the rules of its screened run, or why it cannot be screened."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.config import VenueSection
from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.estimators.volatility import ewma_decay
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.host.loading import LoadedRun, arrival_of
from mm_nautilus.models.fills import optimal_fill_rate, risk_premium
from mm_nautilus.strategies import MarketMaker
from mm_nautilus.sweep.screening.rules import MODELS, Rules

NOT_MODELLED: Final = (
    "the risk monitor: its stages never widen, reduce or halt a screened run",
    "what the adverse-selection monitor and a fill model would change in the quotes",
    "the liquidation of what was held too long (strategy.age)",
    "margin and balance checks of the venue beyond what the maker itself keeps of its funds",
)
"""What no screened run has; each is second order for the ranking as long as it is rare in the engine."""


def problems_of(loaded: LoadedRun) -> list[str]:
    """Return why a run cannot be screened, one line per field; empty where it can."""
    settings: Any = loaded.strategy_config.settings
    if not issubclass(loaded.strategy_type, MarketMaker) or loaded.strategy_type.__name__ != MarketMaker.__name__:
        return [f"strategy.path: screening plays mm_nautilus.strategies:MarketMaker, found {loaded.strategy_type!r}"]
    limits, section = settings.limits, venue_of(loaded)
    beyond = ("max_asset_position", "max_venue_gross_notional", "max_daily_volume", "max_portfolio_share")
    carries = ("drift_price_per_s", "funding_rate_per_s", "mean_reversion_per_s")
    wrong: list[tuple[str, Any, str]] = [
        ("strategy.model", settings.model, f"one of {', '.join(MODELS)}") if settings.model not in MODELS else _FINE,
        ("strategy.fair_value", "micro_price", "mid or weighted_mid")
        if settings.fair_value == "micro_price"
        else _FINE,
        ("strategy.volatility.estimator", settings.volatility.estimator, "ewma")
        if settings.volatility.estimator != "ewma"
        else _FINE,
        ("strategy.intensity.rolling_window_s", settings.intensity.rolling_window_s, "left out")
        if settings.intensity.rolling_window_s is not None
        else _FINE,
        ("strategy.hedge", "a table", "left out") if settings.hedge is not None else _FINE,
        ("strategy.adverse_selection.act", True, "false") if settings.adverse_selection.act else _FINE,
        ("strategy.adverse_selection.model", settings.adverse_selection.model, "left out")
        if settings.adverse_selection.model is not None
        else _FINE,
        ("operator", f"{len(loaded.run_file.operator)} actions", "left out") if loaded.run_file.operator else _FINE,
        ("venues.queue_position", False, "true") if not section.queue_position else _FINE,
        ("venues.liquidity_consumption", False, "true") if not section.liquidity_consumption else _FINE,
        ("venues.fill.prob_fill_on_limit", section.fill.prob_fill_on_limit, "1")
        if section.fill.prob_fill_on_limit != 1.0
        else _FINE,
        ("venues.fill.prob_slippage", section.fill.prob_slippage, "0") if section.fill.prob_slippage else _FINE,
    ]
    wrong += [
        (f"strategy.limits.{name}", getattr(limits, name), "left out") for name in beyond if getattr(limits, name)
    ]
    wrong += [(f"strategy.{name}", getattr(settings, name), "0") for name in carries if getattr(settings, name)]
    return [f"{field}: cannot be screened at {found}; allowed is {allowed}" for field, found, allowed in wrong if field]


_FINE: Final = ("", None, "")


def caveats_of(loaded: LoadedRun) -> list[str]:
    """Return what the run file asks for and a screened run does not have, each as a sentence."""
    found = []
    if loaded.run_file.risk is not None:
        found.append("[risk] is not in the screened runs: a point that it would halt ranks as if it went on.")
    settings: Any = loaded.strategy_config.settings
    if settings.age.liquidate:
        hours = settings.age.liquidate_after_s / 3600.0
        found.append(f"Positions older than {hours:g} h are liquidated by the engine and kept by the screening.")
    return found


def venue_of(loaded: LoadedRun) -> VenueSection:
    """Return the venue that is quoted on."""
    name = loaded.strategy_config.settings.instrument_id.rpartition(".")[2]  # type: ignore[attr-defined]
    return next(section for section in loaded.run_file.venues if section.name == name)


def instrument_of(root: Path, instrument_id: str) -> Any:
    """Return an instrument of a catalogue."""
    return ParquetDataCatalog(str(root)).instruments(instrument_ids=[instrument_id])[0]


def balances_of(section: VenueSection, instrument: Any) -> tuple[float, float]:
    """Return the starting balances of a spot instrument's currencies, base and quote."""
    held = {money.split()[1]: float(money.split()[0]) for money in section.starting_balances}
    base = getattr(instrument, "base_currency", None)
    return held.get(str(base), 0.0), held.get(str(instrument.quote_currency), 0.0)


def rules_of(loaded: LoadedRun, instrument: Any, end_ns: int) -> Rules:
    """Return the rules of a screened run.

    Parameters
    ----------
    loaded : LoadedRun
        A run in which `problems_of` found none.
    instrument : Instrument
        The engine's.
    end_ns : int
        Instant of the last data, in nanoseconds since 1970.

    Raises
    ------
    ConfigError
        For an inverse contract.

    """
    settings: Any = loaded.strategy_config.settings
    section, lattice = venue_of(loaded), InstrumentLattice(instrument)
    if lattice.inverse:
        problem = f"strategy.instrument_id: {settings.instrument_id} is an inverse contract, which cannot be screened"
        raise ConfigError(loaded.path, [problem])
    grid, arrival = lattice.grid, arrival_of(section)
    ladder, adjust, guards, requote, vol = (
        settings.ladder, settings.adjust, settings.guards, settings.requote, settings.volatility,
    )  # fmt: skip
    base_per_lot = lattice.base_per_lot(1.0)
    order_lots, limit_lots = int(settings.order_size / grid.lot), int(settings.limits.max_position / grid.lot)
    order_size, bound = order_lots * base_per_lot, limit_lots * base_per_lot
    bid, ask = settings.intensity.sides()
    xi_size = settings.fill_risk_aversion() * order_size if settings.model == "glft" else 0.0
    gamma = float(getattr(settings, "gamma", 0.0) or 0.0)
    sides = {}
    for name, side in (("bid", bid), ("ask", ask)):
        sides[f"{name}_k"] = side.k_per_price
        sides[f"{name}_eta"] = optimal_fill_rate(side.a_per_s, side.k_per_price, xi_size, 0.0)
        sides[f"{name}_premium"] = risk_premium(xi_size, side.k_per_price)
    tick, lot = float(grid.tick), float(grid.lot)
    target = float(settings.target_inventory)
    cash = section.account == "CASH" and getattr(instrument, "base_currency", None) is not None
    flat = section.fees.per_contract is None
    last_quote_ns = arrival.model_copy(update={"end_ns": end_ns}).last_quote_ns
    return Rules(
        model=MODELS[settings.model],
        gamma=gamma,
        horizon_s=float(getattr(settings, "horizon_s", math.nan)),
        half_spread=float(getattr(settings, "half_spread", math.nan)),
        skew=float(getattr(settings, "skew_price_per_base", 0.0)),
        fee_rate=settings.maker_fee_rate,
        half_impact=0.5 * settings.own_impact_price,
        target=target,
        banded_target=max(-bound, min(bound, target)),
        **sides,
        tick=tick,
        lot=lot,
        tick_units=int(grid.tick.scaleb(instrument.price_precision)),
        price_units=10.0**instrument.price_precision,
        lot_units=int(grid.lot.scaleb(instrument.size_precision)),
        size_units=10.0**instrument.size_precision,
        base_per_lot=base_per_lot,
        order_size=order_size,
        bound=bound,
        order_lots=order_lots,
        limit_lots=limit_lots,
        min_lots=grid.min_lots,
        min_notional=float(grid.min_notional),
        max_notional=_or_nan(settings.limits.max_notional),
        max_order_notional=_or_nan(settings.limits.max_order_notional),
        min_price=_or_nan(guards.min_price),
        max_price=_or_nan(guards.max_price),
        levels=ladder.levels,
        spacing=ladder.spacing_ticks * tick,
        size_decay=ladder.size_decay,
        size_skew=ladder.size_skew,
        widen=ladder.widen_inventory_side,
        skew_above=adjust.skew_above,
        skew_size=adjust.skew_size,
        skew_spread=adjust.skew_spread,
        aggressive_above=adjust.aggressive_above,
        aggressive_spread=adjust.aggressive_spread_multiplier,
        min_half_spread_bps=guards.min_half_spread_bps,
        max_half_spread_bps=_or_nan(guards.max_half_spread_bps),
        max_book_spread_bps=math.inf if guards.max_book_spread_bps is None else guards.max_book_spread_bps,
        stale_after_ns=int(guards.stale_after_s * 1e9),
        weighted=settings.fair_value == "weighted_mid",
        sample_ns=int(vol.sample_interval_s * 1e9),
        sample_s=vol.sample_interval_s,
        decay=ewma_decay(vol.sample_interval_s, vol.half_life_s),
        warm_up=vol.warm_up_samples,
        sigma_floor=vol.floor_price_per_sqrt_s,
        sigma_fixed=_or_nan(vol.fixed_price_per_sqrt_s),
        tolerance_ticks=requote.tolerance_ticks,
        size_tolerance=requote.size_tolerance,
        max_amends=requote.max_amends_per_order if requote.amend else 0,
        messages_per_ns=requote.messages_per_s * 1e-9,
        burst=float(requote.message_burst),
        submit_ns=arrival.submit_ns,
        amend_ns=arrival.amend_ns,
        cancel_ns=arrival.cancel_ns,
        last_quote_ns=end_ns if last_quote_ns is None else last_quote_ns,
        end_ns=end_ns,
        cash=cash,
        paid_lot=lot * (1.0 + settings.maker_fee_reserve),
        maker_rate=float(section.fees.maker_rate) if flat else 0.0,
        book=int(settings.book[1]),
    )


def _or_nan(value: Decimal | float | None) -> float:
    return math.nan if value is None else float(value)


def check(loaded: LoadedRun) -> None:
    """Refuse a run that cannot be screened.

    Raises
    ------
    UserError
        Naming every field that stands in the way.

    """
    if problems := problems_of(loaded):
        raise UserError("; ".join(problems))
