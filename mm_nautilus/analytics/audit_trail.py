"""What happened to one order, or because of one decision, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mm_nautilus.analytics.order_life import COMMANDS
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.errors import DataError
from mm_nautilus.market import Purpose
from mm_nautilus.messages import FillFact, HedgeFact, OpportunityFact, OrderFact, QuoteDecision

type Step = QuoteDecision | HedgeFact | OpportunityFact | OrderFact | FillFact


@dataclass(frozen=True, slots=True)
class Trail:
    """Everything that belongs to one order or one decision, in order of time.

    Parameters
    ----------
    subject : str
        What was asked for.
    steps : tuple of messages
        Decisions first where several things happened at one instant.

    """

    subject: str
    steps: tuple[Step, ...]


def order_trail(log: RunLog, order_id: str) -> Trail:
    """Return an order's events and fills, and every decision that commanded it.

    Raises
    ------
    DataError
        When the log holds no such order.

    """
    events = [event for event in log.messages(OrderFact) if event.client_order_id == order_id]
    fills = [fill for fill in log.messages(FillFact) if fill.client_order_id == order_id]
    if not events and not fills:
        raise DataError(f"{log.run_dir}: there is no order {order_id!r} in the log")
    commanded = [event for event in events if event.event in COMMANDS]
    quoted = {(event.strategy_id, event.decision_id) for event in commanded if event.purpose == Purpose.QUOTE}
    not_hedges = {Purpose.QUOTE, Purpose.ARBITRAGE}
    hedged = {(event.strategy_id, event.decision_id) for event in commanded if event.purpose not in not_hedges}
    arbitrage = any(event.purpose == Purpose.ARBITRAGE for event in commanded)
    decisions = _quote_decisions(log, quoted) if quoted else []
    hedges = [
        hedge
        for hedge in (log.messages(HedgeFact) if hedged else ())
        if (hedge.strategy_id, hedge.decision_id) in hedged and hedge.client_order_id in {"", order_id}
    ]
    taken = [
        one
        for one in (log.messages(OpportunityFact) if arbitrage else ())
        if order_id in {one.buy_order_id, one.sell_order_id}
    ]
    return _trail(f"order {order_id}", decisions, taken, hedges, events, fills)


def decision_trail(log: RunLog, number: int, strategy_id: str | None = None) -> Trail:
    """Return a quote, hedge or arbitrage decision, every command it gave and what became of each order it sent.

    Parameters
    ----------
    log : RunLog
        The run's log.
    number : int
        Of the decision; quote decisions, hedge decisions and opportunities taken are counted apart, and all of that
        number are returned.
    strategy_id : str or None
        Whose decision; needed where several strategies have one of that number.

    Raises
    ------
    DataError
        When the log holds no such decision, or those of several strategies.

    """
    table = log.table("decisions", ("strategy_id", "decision_id"))
    keys = set(zip(table["strategy_id"].to_pylist(), table["decision_id"].to_pylist(), strict=True))
    hedges = [hedge for hedge in log.messages(HedgeFact) if hedge.decision_id == number]
    taken = [one for one in log.messages(OpportunityFact) if number and one.opportunity_id == number]
    caused: list[HedgeFact | OpportunityFact] = [*hedges, *taken]
    owners = {owner for owner, found in keys if found == number} | {one.strategy_id for one in caused}
    if strategy_id is not None:
        owners &= {strategy_id}
    if not owners:
        whose = "" if strategy_id is None else f" of {strategy_id}"
        raise DataError(f"{log.run_dir}: there is no decision {number}{whose} in the log")
    if len(owners) > 1:
        raise DataError(f"{log.run_dir}: decision {number} is there for {', '.join(sorted(owners))}; name one of them")
    (owner,) = owners
    events = log.messages(OrderFact)
    theirs = {event.client_order_id for event in events if (event.strategy_id, event.decision_id) == (owner, number)}
    sent = {
        event.client_order_id
        for event in events
        if event.event == "SUBMIT" and (event.strategy_id, event.decision_id) == (owner, number)
    }
    told = [
        event
        for event in events
        if event.client_order_id in sent or (event.client_order_id in theirs and event.decision_id == number)
    ]
    fills = [fill for fill in log.messages(FillFact) if fill.client_order_id in sent]
    decisions = _quote_decisions(log, {(owner, number)}) if (owner, number) in keys else []
    of_owner = [one for one in caused if one.strategy_id == owner]
    return _trail(f"decision {number} of {owner}", decisions, of_owner, told, fills)


def _quote_decisions(log: RunLog, wanted: set[tuple[str, int]]) -> list[QuoteDecision]:
    numbers = {number for _, number in wanted}
    return [decision for decision in log.decisions(numbers) if (decision.strategy_id, decision.decision_id) in wanted]


def _trail(subject: str, *kinds: Iterable[Step]) -> Trail:
    steps: Sequence[Step] = [step for kind in kinds for step in kind]
    return Trail(subject, tuple(sorted(steps, key=lambda step: step.ts_ns)))
