"""Arbitrage of a run: what crossed, what was taken, why the rest was not, and what it came to.

A crossing is one *episode*, from one best price passing the other to their coming apart. It may be taken several times,
and be missed for several reasons; each reason counts once an episode.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Final

import numpy as np

from mm_nautilus.inventory.contract import COST, EXACT, PLACES
from mm_nautilus.messages import OpportunityFact

_ZERO: Final = Decimal(0)
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class PairSummary:
    """Crossings of one pair of instruments in one direction."""

    buy_instrument_id: str
    sell_instrument_id: str
    seen: int
    taken: int
    net_profit: Decimal


@dataclass(frozen=True, slots=True)
class OpportunitySummary:
    """All crossings of a run.

    Parameters
    ----------
    seen : int
        Episodes.
    episodes_taken : int
        Episodes of which something was taken.
    taken, done : int
        Times both legs were sent, and times both were over when the log ended.
    missed : mapping of verdict to int
        Episodes that a reason stood against, the most frequent first.
    results : mapping of result to int
        How the legs of what was taken ended.
    edge_bps, duration_s : mapping of quantile to float
        Of the episodes that are over: best bid over best ask where they crossed the most, before costs, and how long
        they crossed.
    planned_profit, net_profit : mapping of currency to Decimal
        After fees: what was sent for, and what the legs made, what one of them was filled for more valued at the price
        it was filled at: from there on it is the hedger's.
    cash : mapping of currency to Decimal
        Change in cash that the legs made: `net_profit` less the worth of those residuals.
    residual_legs : int
        Times one leg was filled for more than the other.
    imbalance_notional : mapping of currency to Decimal
        Largest worth of what one leg was ahead of the other.
    leg_gap_s_max : float | None
        Longest time between the last fills of two legs.
    pairs : tuple of PairSummary
        By pair and direction.

    """

    seen: int
    episodes_taken: int
    taken: int
    done: int
    missed: dict[str, int]
    results: dict[str, int]
    edge_bps: dict[str, float]
    duration_s: dict[str, float]
    planned_profit: dict[str, Decimal]
    net_profit: dict[str, Decimal]
    cash: dict[str, Decimal]
    residual_legs: int
    imbalance_notional: dict[str, Decimal]
    leg_gap_s_max: float | None
    pairs: tuple[PairSummary, ...]


def opportunity_summary(facts: Sequence[OpportunityFact], currency_of: Mapping[str, str]) -> OpportunitySummary | None:
    """Return the arbitrage of a run in numbers, ``None`` where nothing ever crossed.

    Parameters
    ----------
    facts : sequence of OpportunityFact
        In order of time.
    currency_of : mapping of instrument to str
        Quote currencies.

    """
    if not facts:
        return None
    of = {event: [fact for fact in facts if fact.event == event] for event in ("TAKEN", "MISSED", "DONE", "ENDED")}
    return OpportunitySummary(
        seen=len(set(map(_episode, facts))),
        episodes_taken=len(set(map(_episode, of["TAKEN"]))),
        taken=len(of["TAKEN"]),
        done=len(of["DONE"]),
        missed=dict(
            Counter(verdict for _, verdict in {(_episode(one), one.verdict) for one in of["MISSED"]}).most_common()
        ),
        results=dict(Counter(one.verdict for one in of["DONE"]).most_common()),
        edge_bps=_quantiles([one.gross_edge_bps for one in of["ENDED"]]),
        duration_s=_quantiles([one.elapsed_s for one in of["ENDED"]]),
        planned_profit=_by_currency(of["TAKEN"], currency_of, _cash),
        net_profit=_by_currency(of["DONE"], currency_of, _profit),
        cash=_by_currency(of["DONE"], currency_of, _cash),
        residual_legs=sum(one.residual != 0 for one in of["DONE"]),
        imbalance_notional=_largest(of["DONE"], currency_of),
        leg_gap_s_max=max((one.leg_gap_s for one in of["DONE"] if one.leg_gap_s is not None), default=None),
        pairs=_pairs(facts),
    )


type _Episode = tuple[str, int]


def _episode(fact: OpportunityFact) -> _Episode:
    return fact.strategy_id, fact.episode_id


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"{share:g}": float(value) for share, value in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)}


def _currency(fact: OpportunityFact, currency_of: Mapping[str, str]) -> str:
    return currency_of.get(fact.buy_instrument_id, fact.buy_instrument_id)


def _cash(fact: OpportunityFact) -> Decimal:
    return fact.net_profit


def _profit(fact: OpportunityFact) -> Decimal:
    """Return what both legs made, what one was filled for more valued at that leg's own mean price."""
    if not fact.residual:
        return fact.net_profit
    bought = fact.residual > 0
    filled = EXACT.add(fact.size, abs(fact.residual))
    price = COST.divide(fact.buy_notional if bought else fact.sell_notional, filled)
    return EXACT.add(fact.net_profit, COST.multiply(fact.residual, price).quantize(PLACES, ROUND_HALF_EVEN, COST))


def _by_currency(
    facts: Sequence[OpportunityFact], currency_of: Mapping[str, str], money: Callable[[OpportunityFact], Decimal]
) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for fact in facts:
        currency = _currency(fact, currency_of)
        sums[currency] = EXACT.add(sums.get(currency, _ZERO), money(fact))
    return sums


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext(EXACT):
        return sum(amounts, _ZERO)


def _largest(facts: Sequence[OpportunityFact], currency_of: Mapping[str, str]) -> dict[str, Decimal]:
    largest: dict[str, Decimal] = {}
    for fact in facts:
        currency = _currency(fact, currency_of)
        largest[currency] = max(largest.get(currency, _ZERO), fact.imbalance_notional)
    return largest


def _pairs(facts: Sequence[OpportunityFact]) -> tuple[PairSummary, ...]:
    by_pair: dict[tuple[str, str], list[OpportunityFact]] = {}
    for fact in facts:
        by_pair.setdefault((fact.buy_instrument_id, fact.sell_instrument_id), []).append(fact)
    return tuple(
        PairSummary(
            buy_instrument_id=buy,
            sell_instrument_id=sell,
            seen=len(set(map(_episode, told))),
            taken=sum(one.event == "TAKEN" for one in told),
            net_profit=_sum(_profit(one) for one in told if one.event == "DONE"),
        )
        for (buy, sell), told in sorted(by_pair.items())
    )
