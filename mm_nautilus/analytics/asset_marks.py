"""The marks that an asset's instruments are attributed by: their paths, and which of their instants are needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from mm_nautilus.analytics.consolidated_marks import (
    MarkPath,
    Seen,
    consolidated_paths,
    exact_price,
    own_path,
    rates_at,
)
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.rate_path import RatePath, exact_rate
from mm_nautilus.analytics.valuation import Mark, Valuation
from mm_nautilus.venues.trading_hours import DAY_NS

HOUR_NS: Final = 3_600_000_000_000


def asset_paths(
    group: Sequence[InstrumentLog], seen: Mapping[str, Seen], start_ns: int, rates: Mapping[str, Decimal | RatePath]
) -> dict[str, MarkPath]:
    """Return the marks of every instrument of one asset, consolidated where several were seen.

    Parameters
    ----------
    group : sequence of InstrumentLog
        The instruments, the reference in front.
    seen : mapping of instrument to Seen
        Their markets.
    start_ns : int
        Start of the run.
    rates : mapping of instrument to Decimal or RatePath
        Reference currency for one unit of each quote currency.

    """
    alone = {name: own_path(one, start_ns) for name, one in seen.items()}
    shown = {name: seen[name] for name, path in alone.items() if path is not None}
    paths = {}
    if len(shown) > 1:
        paths = consolidated_paths(shown, start_ns, {name: _plain(rates[name]) for name in shown})
    for one in group:
        name = one.facts.instrument_id
        if name not in paths:
            # Never seen two-sided: the price of its last fill is all that is known.
            mark = float(one.books.final_mark or 0)
            paths[name] = alone[name] or MarkPath([start_ns], [mark], [mark])
    return paths


def valued_marks(
    one: InstrumentLog,
    path: MarkPath,
    asset: str,
    reference: InstrumentLog,
    rate: Decimal | RatePath,
    horizon_ns: int,
    cuts: Iterable[int],
) -> tuple[list[Mark], Valuation]:
    """Return the marks that the fills need, and what else is known then: drifts add up over what lies between.

    Parameters
    ----------
    one : InstrumentLog
        The instrument.
    path : MarkPath
        All of its marks.
    asset : str
        What it trades.
    reference : InstrumentLog
        The asset's instrument whose quote currency is the reference.
    rate : Decimal or RatePath
        Reference currency for one unit of the instrument's quote currency.
    horizon_ns : int
        Markout horizon, in nanoseconds.
    cuts : iterable of int
        Places of marks that are needed besides.

    """
    contract, tick = one.facts.contract, one.facts.tick
    needed = {0, len(path.ts_ns) - 1, *cuts}
    for fill in one.fills:
        needed |= {path.at(fill.ts_ns - 1), path.at(fill.ts_ns + horizon_ns)}
    kept = sorted(needed)
    marks = [(path.ts_ns[at], exact_price(path.worth[at], tick)) for at in kept]
    scale = rates_at(_plain(rate), np.array([path.ts_ns[at] for at in kept], dtype=np.int64)).tolist()
    converted = [rate] * len(kept) if isinstance(rate, Decimal) else [*map(exact_rate, scale[:-1]), rate.last]
    worth = [exact_price(path.asset[at], reference.facts.tick) for at in kept]
    settled = contract.settlement_currency
    final = one.books.final_mark
    if final is None:
        raise ValueError(f"{one.facts.instrument_id} was never seen")
    return marks, Valuation(
        asset=[exact_price(path.asset[at] / by, tick) for at, by in zip(kept, scale, strict=True)],
        own_first=one.opening_mark if one.opening_mark is not None else marks[0][1],
        own_last=final,
        rates=worth if settled == asset else converted,
        worth=worth if isinstance(rate, RatePath) and settled != asset else None,
    )


def cuts_of(one: InstrumentLog, instants: Sequence[int], roll_over_ns: int) -> list[int]:
    """Return the places of the last marks of each hour, day and quote state; a mark belongs to the time before it."""
    before = np.asarray(instants, dtype=np.int64) - 1
    state, _ = one.timeline.states_at(before)
    hour, day = before // HOUR_NS, (before - roll_over_ns) // DAY_NS
    changes = (np.diff(hour) != 0) | (np.diff(day) != 0) | (np.diff(state) != 0)
    return [int(place) for place in np.flatnonzero(changes)]


def _plain(rate: Decimal | RatePath) -> float | RatePath:
    return float(rate) if isinstance(rate, Decimal) else rate
