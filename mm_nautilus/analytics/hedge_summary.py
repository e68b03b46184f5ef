"""Hedges of a run: how many, why, how large, what they cost and how long the risk stood open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import Final

from mm_nautilus.messages import HedgeFact

_ZERO: Final = Decimal(0)


class Outcome(StrEnum):
    """How a hedge decision ended."""

    DONE = "DONE"
    LATE = "LATE"
    """Done after at least one alarm."""
    ALARM = "ALARM"
    """Alarmed and not done when the log ends."""
    OPEN = "OPEN"
    """Neither done nor alarmed when the log ends."""


@dataclass(frozen=True, slots=True)
class Hedge:
    """One decision to hedge and what became of it.

    Parameters
    ----------
    ts_ns : int
        When it was needed.
    strategy_id, asset : str
        Whose, and of what.
    decision_id : int
        Number among the strategy's hedge decisions.
    cause : str
        Why.
    exposure, target : float
        Signed exposure then and the one wanted, in units of the asset.
    orders, refused, alarms : int
        Orders sent, orders that found nothing or were rejected, and deadlines missed.
    filled : mapping of instrument to Decimal
        Signed size bought or sold, in its base units (contracts).
    cost : mapping of currency to float
        Paid beyond the mid at the decision, commissions included, in settlement currency.
    outcome : Outcome
        How it ended.
    seconds : float | None
        From needed to done; ``None`` where it is not done.

    """

    ts_ns: int
    strategy_id: str
    asset: str
    decision_id: int
    cause: str
    exposure: float
    target: float
    orders: int
    refused: int
    alarms: int
    filled: dict[str, Decimal]
    cost: dict[str, float]
    outcome: Outcome
    seconds: float | None


@dataclass(frozen=True, slots=True)
class HedgeSummary:
    """All hedges of a run.

    Parameters
    ----------
    count, done, open : int
        Decisions, and how many of them were done or were not when the log ended.
    alarmed, alarms : int
        Decisions not done in time, and deadlines they missed.
    by_cause : mapping of cause to int
        Decisions, the most frequent cause first.
    orders, refused : int
        Orders sent, and those that found nothing or were rejected.
    volume : mapping of instrument to Decimal
        Size traded, in its base units (contracts).
    cost : mapping of currency to float
        Paid beyond the mid at the decision, commissions included, in settlement currency.
    seconds_median, seconds_max : float | None
        From needed to done, of those done.

    """

    count: int
    done: int
    open: int
    alarmed: int
    alarms: int
    by_cause: dict[str, int]
    orders: int
    refused: int
    volume: dict[str, Decimal]
    cost: dict[str, float]
    seconds_median: float | None
    seconds_max: float | None


def hedges(facts: Iterable[HedgeFact], currency_of: Mapping[str, str]) -> list[Hedge]:
    """Return the hedge decisions of a run in order of time.

    Parameters
    ----------
    facts : iterable of HedgeFact
        In order of time.
    currency_of : mapping of instrument to str
        Settlement currencies; an instrument that is not among them costs in its own name.

    """
    decisions: dict[tuple[str, str, int], list[HedgeFact]] = {}
    for fact in facts:
        decisions.setdefault((fact.strategy_id, fact.asset, fact.decision_id), []).append(fact)
    return sorted((_hedge(told, currency_of) for told in decisions.values()), key=lambda hedge: hedge.ts_ns)


def _hedge(told: Sequence[HedgeFact], currency_of: Mapping[str, str]) -> Hedge:
    first = next((fact for fact in told if fact.event == "NEEDED"), told[0])
    events = Counter(fact.event for fact in told)
    filled: dict[str, Decimal] = {}
    cost: dict[str, float] = {}
    for fact in told:
        if fact.event != "FILLED":
            continue
        name = fact.instrument_id
        filled[name] = filled.get(name, _ZERO) + (fact.size if fact.side == "BUY" else -fact.size)
        currency = currency_of.get(name, name)
        cost[currency] = cost.get(currency, 0.0) + fact.cost
    done = [fact.elapsed_s for fact in told if fact.event == "DONE"]
    return Hedge(
        ts_ns=first.ts_ns,
        strategy_id=first.strategy_id,
        asset=first.asset,
        decision_id=first.decision_id,
        cause=first.cause,
        exposure=first.exposure,
        target=first.target,
        orders=events["SENT"],
        refused=events["REFUSED"],
        alarms=events["ALARM"],
        filled=filled,
        cost=cost,
        outcome=_outcome(bool(done), bool(events["ALARM"])),
        seconds=done[-1] if done else None,
    )


def _outcome(done: bool, alarmed: bool) -> Outcome:
    if done:
        return Outcome.LATE if alarmed else Outcome.DONE
    return Outcome.ALARM if alarmed else Outcome.OPEN


def hedge_summary(facts: Sequence[HedgeFact], currency_of: Mapping[str, str]) -> HedgeSummary:
    """Return the hedges of a run in numbers; see `hedges`."""
    found = hedges(facts, currency_of)
    cost: dict[str, float] = {}
    for hedge in found:
        for currency, paid in hedge.cost.items():
            cost[currency] = cost.get(currency, 0.0) + paid
    volume: dict[str, Decimal] = {}
    for fact in facts:
        if fact.event == "FILLED":
            volume[fact.instrument_id] = volume.get(fact.instrument_id, _ZERO) + fact.size
    seconds = [hedge.seconds for hedge in found if hedge.seconds is not None]
    return HedgeSummary(
        count=len(found),
        done=len(seconds),
        open=len(found) - len(seconds),
        alarmed=sum(hedge.alarms > 0 for hedge in found),
        alarms=sum(hedge.alarms for hedge in found),
        by_cause=dict(Counter(hedge.cause for hedge in found).most_common()),
        orders=sum(hedge.orders for hedge in found),
        refused=sum(hedge.refused for hedge in found),
        volume=dict(sorted(volume.items())),
        cost=dict(sorted(cost.items())),
        seconds_median=median(seconds) if seconds else None,
        seconds_max=max(seconds, default=None),
    )
