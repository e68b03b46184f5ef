"""Where the PnL of a run came from: by instrument, by venue, and consolidated by asset.

By instrument the lines are in its settlement currency and sum to its PnL to the last digit. By venue and asset they
are in the asset's reference currency, the quote currency of the instrument that is quoted first. What settles in the
asset itself (inverse contracts) is converted at the consolidated mark; another quote currency at the stated rate, or at
that of the instrument that is stated instead, as it moves, and where none is stated at the ratio of the first mids, so
that what a peg moves shows up as basis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import replace
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from mm_nautilus.analytics.asset_marks import asset_paths, cuts_of, valued_marks
from mm_nautilus.analytics.asset_rates import Rate, asset_rates, scale_of
from mm_nautilus.analytics.attributed_fill import attributed_fill
from mm_nautilus.analytics.attribution import attribute
from mm_nautilus.analytics.attribution_lines import Attribution, Posting
from mm_nautilus.analytics.consolidated_marks import MarkPath, exact_price, seen_market
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.rate_path import RatePath
from mm_nautilus.inventory.contract import COST, PLACES

HORIZON_S: Final = 5.0
"""After this what the mark does to a fill is inventory, no longer adverse selection."""


@dataclass(frozen=True, slots=True)
class InstrumentAttribution:
    """One instrument; ``lines`` in its settlement currency, their total the instrument's PnL."""

    asset: str
    venue: str
    currency: str
    lines: Attribution


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
        known = asset_rates(group, seen, start_ns, rates or {}, rate_paths or {})
        scales = {
            one.facts.instrument_id: scale_of(one, group[0], known[one.facts.instrument_id], rate_paths or {})
            for one in group
        }
        paths = asset_paths(group, seen, start_ns, scales)
        converted: dict[str, Attribution] = {}
        for one in group:
            name, facts = one.facts.instrument_id, one.facts
            cuts = cuts_of(one, paths[name].ts_ns, roll_over_ns)
            marks, valuation = valued_marks(one, paths[name], asset, group[0], scales[name], horizon_ns, cuts)
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


def _asset(one: InstrumentLog) -> str:
    return one.facts.contract.base_currency or one.facts.instrument_id


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
