"""Where the PnL of a run came from: by instrument, by venue, and consolidated by asset.

By instrument the lines are in its settlement currency and sum to its PnL to the last digit. By venue and asset they
are in the asset's reference currency, the quote currency of the instrument that is quoted first. What settles in the
asset itself (inverse contracts) is converted at the consolidated mark; another quote currency at the stated rate, or at
that of the instrument that is stated instead, as it moves, and where none is stated at the ratio of the first mids, so
that what a peg moves shows up as basis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import numpy as np

from mm_nautilus.analytics.attribution import (
    AttributedFill,
    Attribution,
    FillKind,
    Mark,
    Posting,
    Valuation,
    attribute,
)
from mm_nautilus.analytics.consolidated_marks import (
    MarkPath,
    Seen,
    consolidated_paths,
    exact_price,
    own_path,
    rates_at,
    seen_market,
)
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.rate_path import RatePath, exact_rate
from mm_nautilus.inventory.contract import COST, PLACES
from mm_nautilus.market import Purpose, Side
from mm_nautilus.messages import FillFact
from mm_nautilus.venues.trading_hours import DAY_NS

HOUR_NS: Final = 3_600_000_000_000
HORIZON_S: Final = 5.0
"""After this what the mark does to a fill is inventory, no longer adverse selection."""
STATED: Final = "stated"
FIRST_MIDS: Final = "ratio of the first mids"
MARKS_OF: Final = "marks of"

_KINDS: Final = {
    Purpose.QUOTE: FillKind.MAKER,
    Purpose.HEDGE: FillKind.HEDGE,
    Purpose.LIQUIDATION: FillKind.HEDGE,
    Purpose.ARBITRAGE: FillKind.ARBITRAGE,
    Purpose.EXTERNAL: FillKind.HEDGE,  # it moved the position and was not the quotes' doing
}


@dataclass(frozen=True, slots=True)
class InstrumentAttribution:
    """One instrument; ``lines`` in its settlement currency, their total the instrument's PnL."""

    asset: str
    venue: str
    currency: str
    lines: Attribution


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a quote currency was taken for, and by whose word.

    Parameters
    ----------
    rate, last : Decimal
        At the start and at the end.
    source : str
        Who says so.

    """

    rate: Decimal
    source: str
    last: Decimal


@dataclass(frozen=True, slots=True)
class AssetAttribution:
    """One asset over all its venues, in one currency; positions in units of the asset.

    Parameters
    ----------
    currency : str
        Reference currency of every amount.
    rates : mapping of currency to Rate
        Other quote currencies; what settles in the asset itself is converted at its mark.
    instruments, venues : mapping of name to Attribution
        They sum to `total`, line by line.
    total : Attribution
        The asset.
    worth : tuple of Decimal
        Of one unit of the asset, at the start and at the end, in the reference currency.

    """

    currency: str
    rates: dict[str, Rate]
    instruments: dict[str, Attribution]
    venues: dict[str, Attribution]
    total: Attribution
    worth: tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class AttributionSummary:
    """Where the PnL of a run came from; commissions in other currencies than an instrument's own are in no line."""

    horizon_s: float
    instruments: dict[str, InstrumentAttribution]
    assets: dict[str, AssetAttribution]


def attribution_summary(
    logs: Sequence[InstrumentLog], start_ns: int, rates: Mapping[str, Decimal] | None = None
) -> AttributionSummary:
    """Attribute the PnL of every instrument of a run, and of every asset; see `attributed`."""
    return attributed(logs, start_ns, rates)[0]


def attributed(
    logs: Sequence[InstrumentLog],
    start_ns: int,
    rates: Mapping[str, Decimal] | None = None,
    roll_over_ns: int = 0,
    rate_paths: Mapping[str, RatePath] | None = None,
) -> tuple[AttributionSummary, dict[str, list[Posting]]]:
    """Attribute the PnL of every instrument of a run, and of every asset.

    Parameters
    ----------
    logs : sequence of InstrumentLog
        The instruments, the one that is quoted first in front.
    start_ns : int
        Start of the run.
    rates : mapping of currency to Decimal, optional
        Reference currency for one unit of each other quote currency, where it is known.
    roll_over_ns : int
        When a trading day ends, in nanoseconds after midnight UTC.
    rate_paths : mapping of currency to RatePath, optional
        The same as `rates` where an instrument says it.

    Returns
    -------
    summary : AttributionSummary
        The lines.
    postings : mapping of instrument to list of Posting
        The amounts they consist of, in settlement currency; none of them spans two hours, days or quote states.

    """
    postings: dict[str, list[Posting]] = {}
    horizon_ns = round(HORIZON_S * 1e9)
    groups: dict[str, list[InstrumentLog]] = {}
    for one in logs:
        if one.books.final_mark is not None:  # else it was never seen, and nothing happened on it
            groups.setdefault(_asset(one), []).append(one)
    instruments: dict[str, InstrumentAttribution] = {}
    assets: dict[str, AssetAttribution] = {}
    for asset, group in groups.items():
        seen = {one.facts.instrument_id: seen_market(one) for one in group}
        known = _rates(group, seen, start_ns, rates or {}, rate_paths or {})
        scales = {
            one.facts.instrument_id: _scale(one, group[0], known[one.facts.instrument_id], rate_paths or {})
            for one in group
        }
        paths = _paths(group, seen, start_ns, scales)
        converted: dict[str, Attribution] = {}
        for one in group:
            name, facts = one.facts.instrument_id, one.facts
            cuts = _cuts(one, paths[name].ts_ns, roll_over_ns)
            marks, valuation = _valued(one, paths[name], asset, group[0], scales[name], horizon_ns, cuts)
            ones = replace(valuation, rates=[Decimal(1)] * len(marks), worth=None)
            fills = [attributed_fill(fill, facts) for fill in one.fills]
            mine = postings[name] = []
            lines = attribute(fills, marks, facts.contract, horizon_ns, one.opening_position, (), ones, postings=mine)
            instruments[name] = InstrumentAttribution(asset, facts.venue, facts.contract.settlement_currency, lines)
            inside = attribute(fills, marks, facts.contract, horizon_ns, one.opening_position, (), valuation)
            converted[name] = replace(inside, position=_in_units(one, inside.position, marks[-1][1]))
        assets[asset] = AssetAttribution(
            currency=group[0].facts.contract.quote_currency,
            rates={
                one.facts.contract.quote_currency: known[one.facts.instrument_id]
                for one in group
                if one.facts.contract.quote_currency != group[0].facts.contract.quote_currency
            },
            instruments=converted,
            venues=_by_venue(group, converted),
            total=sum(converted.values(), Attribution()),
            worth=_worth(paths[group[0].facts.instrument_id], group[0].facts.tick),
        )
    return AttributionSummary(HORIZON_S, instruments, assets), postings


def _worth(path: MarkPath, tick: Decimal) -> tuple[Decimal, Decimal]:
    return exact_price(path.asset[0], tick), exact_price(path.asset[-1], tick)


def _cuts(one: InstrumentLog, instants: Sequence[int], roll_over_ns: int) -> list[int]:
    """Return the places of the last marks of each hour, day and quote state; a mark belongs to the time before it."""
    before = np.asarray(instants, dtype=np.int64) - 1
    state, _ = one.timeline.states_at(before)
    hour, day = before // HOUR_NS, (before - roll_over_ns) // DAY_NS
    changes = (np.diff(hour) != 0) | (np.diff(day) != 0) | (np.diff(state) != 0)
    return [int(place) for place in np.flatnonzero(changes)]


def _asset(one: InstrumentLog) -> str:
    return one.facts.contract.base_currency or one.facts.instrument_id


def _constant(rate: Decimal, source: str) -> Rate:
    return Rate(rate, source, rate)


def _rates(
    group: Sequence[InstrumentLog],
    seen: Mapping[str, Seen],
    start_ns: int,
    stated: Mapping[str, Decimal],
    moving: Mapping[str, RatePath],
) -> dict[str, Rate]:
    """Return what the quote currency of each instrument is worth in that of the first one."""
    reference = group[0]
    found: dict[str, Rate] = {}
    for one in group:
        name, currency = one.facts.instrument_id, one.facts.contract.quote_currency
        if currency == reference.facts.contract.quote_currency:
            found[name] = _constant(Decimal(1), STATED)
        elif currency in moving:
            path = moving[currency]
            found[name] = Rate(path.first, f"{MARKS_OF} {path.source}", path.last)
        elif currency in stated:
            found[name] = _constant(stated[currency], STATED)
        else:
            first, other = (own_path(seen[which.facts.instrument_id], start_ns) for which in (reference, one))
            ratio = 1.0 if first is None or other is None else first.worth[0] / other.worth[0]
            found[name] = _constant(exact_rate(ratio), FIRST_MIDS)
    return found


def _scale(
    one: InstrumentLog, reference: InstrumentLog, known: Rate, moving: Mapping[str, RatePath]
) -> Decimal | RatePath:
    """Return what the instrument's quote currency is worth in that of the first one, all along or over time."""
    currency = one.facts.contract.quote_currency
    same = currency == reference.facts.contract.quote_currency
    return known.rate if same else moving.get(currency, known.rate)


def _plain(rate: Decimal | RatePath) -> float | RatePath:
    return float(rate) if isinstance(rate, Decimal) else rate


def _paths(
    group: Sequence[InstrumentLog], seen: Mapping[str, Seen], start_ns: int, rates: Mapping[str, Decimal | RatePath]
) -> dict[str, MarkPath]:
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


def _valued(
    one: InstrumentLog,
    path: MarkPath,
    asset: str,
    reference: InstrumentLog,
    rate: Decimal | RatePath,
    horizon_ns: int,
    cuts: Iterable[int],
) -> tuple[list[Mark], Valuation]:
    """Return the marks that the fills need, and what else is known then: drifts add up over what lies between."""
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


def attributed_fill(fill: FillFact, facts: InstrumentFacts) -> AttributedFill:
    """Return a fill as it is attributed; a commission in another currency than the instrument's own is left out."""
    settled = facts.contract.settlement_currency
    return AttributedFill(
        ts_ns=fill.ts_ns,
        side=Side[fill.side],
        size=fill.size,
        price=fill.price,
        commission=fill.commission if fill.commission_currency == settled else Decimal(0),
        kind=kind_of(fill),
        venue=facts.venue,
    )


def kind_of(fill: FillFact) -> FillKind:
    """Return which line a fill belongs to; what works a position off is a hedge."""
    return _KINDS[Purpose(fill.purpose)]


def _in_units(one: InstrumentLog, position: Decimal, mark: Decimal) -> Decimal:
    """Return a position in units of the asset."""
    contract = one.facts.contract
    worth = position * contract.multiplier
    return COST.divide(worth, mark).quantize(PLACES, ROUND_HALF_EVEN, COST) if contract.inverse else worth


def _by_venue(group: Sequence[InstrumentLog], converted: Mapping[str, Attribution]) -> dict[str, Attribution]:
    venues: dict[str, Attribution] = {}
    for one in group:
        venue = one.facts.venue
        venues[venue] = venues.get(venue, Attribution()) + converted[one.facts.instrument_id]
    return venues
