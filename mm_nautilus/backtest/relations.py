"""How the instruments of a run moved together, from the data it was fed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import numpy as np

from mm_nautilus.analytics.facts import InstrumentFacts, RunFacts
from mm_nautilus.analytics.hedged_edge import Fees, Ticks
from mm_nautilus.analytics.rate_path import RatePath
from mm_nautilus.analytics.relations import PutIn, Relations, relations
from mm_nautilus.backtest.data import simulation_of
from mm_nautilus.catalog.history import read_tops
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.host.node import unix_ns

_FOREVER: Final = 2**62
_SECOND_NS: Final = 1_000_000_000


def run_relations(loaded: LoadedRun, root: Path, shape: CatalogShape, facts: RunFacts) -> Relations | None:
    """Return leads, bases and correlations of the run's instruments, ``None`` where it has only one.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    root : Path
        Catalogue it read.
    shape : CatalogShape
        What the catalogue holds of the run's instruments.
    facts : RunFacts
        Its instruments.

    """
    if len(facts.instruments) < 2:
        return None
    section = loaded.run_file.data
    span = unix_ns(section.start) or -_FOREVER, unix_ns(section.end) or _FOREVER
    ticks = {one.instrument_id: _ticks(root, one, shape, span) for one in facts.instruments}
    assets = {one.instrument_id: one.contract.base_currency or one.instrument_id for one in facts.instruments}
    charged = {
        section.name: Fees(float(section.fees.maker_rate), float(section.fees.taker_rate))
        for section in loaded.run_file.venues
    }
    fees = {one.instrument_id: charged[one.venue] for one in facts.instruments}
    return relations(ticks, assets, fees, _put_in(loaded))


def stated_rates(loaded: LoadedRun) -> dict[str, Decimal]:
    """Return the worth of quote currencies that the run file states as numbers."""
    rates = getattr(loaded.strategy_config.settings, "rates", {})
    return {currency: Decimal(str(rate)) for currency, rate in rates.items() if not isinstance(rate, str)}


def rate_paths(loaded: LoadedRun, root: Path, shape: CatalogShape, facts: RunFacts) -> dict[str, RatePath]:
    """Return the worth of quote currencies for which the run file names an instrument, once a second.

    Parameters
    ----------
    loaded, root, shape, facts
        As for `run_relations`.

    """
    rates = getattr(loaded.strategy_config.settings, "rates", {})
    known = {one.instrument_id: one for one in facts.instruments}
    found = {}
    for currency, name in rates.items():
        if isinstance(name, str):
            ticks = _ticks(root, known[name], shape, (facts.start_ns, facts.end_ns))
            mid = 0.5 * (ticks.bid + ticks.ask)
            use = np.flatnonzero(np.isfinite(mid) & (ticks.ts_ns <= facts.end_ns))
            second = ticks.ts_ns[use] // _SECOND_NS
            use = use[np.append(np.diff(second) != 0, True)] if len(use) else use
            if len(use):
                worth = mid[use] if known[name].contract.base_currency == currency else 1.0 / mid[use]
                found[currency] = RatePath(name, ticks.ts_ns[use], worth)
    return found


def _ticks(root: Path, one: InstrumentFacts, shape: CatalogShape, span: tuple[int, int]) -> Ticks:
    """Return the changes of an instrument's best prices, from quotes where there are any: they come at once."""
    name = one.instrument_id
    book: Literal["L1", "L2"] = "L2" if shape.instruments[name].quotes is None else "L1"
    tops = read_tops(root, name, book, one.tick, span)
    tick = float(one.tick)
    bid, ask = (
        np.where(size > 0, prices * tick, np.nan)
        for prices, size in ((tops.bid_ticks, tops.bid_size), (tops.ask_ticks, tops.ask_size))
    )
    return Ticks.of(tops.ts_ns, bid, ask)


def _put_in(loaded: LoadedRun) -> dict[str, PutIn]:
    """Return lag and basis of each market, where the market was simulated."""
    params = simulation_of(loaded)
    if params is None:
        return {}
    return {venue.instrument_id: PutIn(venue.lag_s, venue.basis.mean_price) for venue in params.venues}
