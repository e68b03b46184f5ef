"""The audit trail: every order traced to the decision that caused it, from the run log alone.

A quote order's commands (submit, amend, cancel) carry the number of the strategy's `QuoteDecision` made at the same
instant; the orders of a hedge carry that of its `HedgeFact`, the legs of an arbitrage that of their `OpportunityFact`.
The decisions say in turn how many commands they gave, or which orders, so that neither an order without a decision nor
a decision whose order is missing from the log goes unnoticed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
import orjson

from mm_nautilus.analytics.order_life import COMMANDS, fill_faults, is_late, is_open, life_faults
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.market import Purpose
from mm_nautilus.messages import FillFact, HedgeFact, OpportunityFact, OrderFact

_COUNTS: Final = {"SUBMIT": "submits", "AMEND": "amends", "CANCEL": "cancels"}
_DECISION_COLUMNS: Final = ("ts_ns", "strategy_id", "instrument_id", "decision_id", *_COUNTS.values())

type DecisionKey = tuple[str, int]
"""``(strategy_id, decision_id)``."""


class Fault(StrEnum):
    """Something in the log that does not trace."""

    ORDER_WITHOUT_DECISION = "ORDER_WITHOUT_DECISION"
    COMMAND_WITHOUT_DECISION = "COMMAND_WITHOUT_DECISION"
    DECISION_WITHOUT_COMMAND = "DECISION_WITHOUT_COMMAND"
    DECISION_GAP = "DECISION_GAP"
    HEDGE_WITHOUT_ORDER = "HEDGE_WITHOUT_ORDER"
    OPPORTUNITY_WITHOUT_ORDER = "OPPORTUNITY_WITHOUT_ORDER"
    OPPORTUNITY_WITHOUT_END = "OPPORTUNITY_WITHOUT_END"
    FILL_WITHOUT_ORDER = "FILL_WITHOUT_ORDER"
    FILL = "FILL"
    LIFE_CYCLE = "LIFE_CYCLE"


class Note(StrEnum):
    """Something that traces and is still worth knowing."""

    WITHDRAWN_AT_STOP = "WITHDRAWN_AT_STOP"
    """Cancels that a stopping strategy sent after its last decision that asked for anything: a live one goes on seeing
    the market, and deciding not to quote, until the venue has said that they are gone."""
    LATE_FILL = "LATE_FILL"
    """Fills heard of after their order's end."""
    OPEN_AT_END = "OPEN_AT_END"
    """Orders whose end the log does not know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not trace.

    Parameters
    ----------
    fault : Fault
        What kind.
    subject : str
        The order, fill or decision it is about.
    message : str
        What was found, in one line.

    """

    fault: Fault
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit of a run log came to.

    Parameters
    ----------
    complete : bool
        Whether the log was closed in order; one that was cut short lacks its last rows, table by table.
    decisions, hedge_decisions, opportunities, orders, commands, fills : int
        How many of each the log holds; of opportunities, those taken.
    findings : tuple of Finding
        What does not trace.
    notes : mapping of Note to int
        What does and is worth knowing.

    """

    complete: bool
    decisions: int
    hedge_decisions: int
    opportunities: int
    orders: int
    commands: int
    fills: int
    findings: tuple[Finding, ...]
    notes: Mapping[str, int]

    @property
    def traces(self) -> bool:
        """Whether everything traces."""
        return not self.findings


@dataclass(slots=True)
class _Decisions:
    """Quote decisions by key, with the commands each says it gave and the ones that the log has."""

    at_ns: dict[DecisionKey, int] = field(default_factory=dict)
    instrument: dict[DecisionKey, str] = field(default_factory=dict)
    said: dict[DecisionKey, tuple[int, int, int]] = field(default_factory=dict)
    given: Counter[tuple[DecisionKey, str]] = field(default_factory=Counter)
    last_ns: dict[str, int] = field(default_factory=dict)
    """Of the last decision of a strategy that gave a command; 0 where none did."""


def audit(log: RunLog) -> Audit:
    """Verify that everything in a run log traces.

    Parameters
    ----------
    log : RunLog
        Of any run, finished or cut short.

    """
    orders: defaultdict[str, list[OrderFact]] = defaultdict(list)
    for order in log.messages(OrderFact):
        orders[order.client_order_id].append(order)
    fills: defaultdict[str, list[FillFact]] = defaultdict(list)
    for fill in log.messages(FillFact):
        fills[fill.client_order_id].append(fill)
    hedges, opportunities = log.messages(HedgeFact), log.messages(OpportunityFact)
    findings: list[Finding] = []
    notes: Counter[str] = Counter()
    simulated = _simulated(log)
    decisions, gaps = _read_decisions(log)
    findings += gaps
    for order_id, events in orders.items():
        if events[0].purpose == Purpose.QUOTE:
            findings += _untraced_commands(events, decisions, notes)
        mine = fills.get(order_id, [])
        findings += (Finding(Fault.LIFE_CYCLE, order_id, fault) for fault in life_faults(events, simulated=simulated))
        findings += (Finding(Fault.FILL, order_id, fault) for fault in fill_faults(events, mine))
        notes[Note.LATE_FILL] += sum(is_late(events, fill) for fill in mine)
        notes[Note.OPEN_AT_END] += is_open(events, mine)
    findings += _missing_commands(decisions)
    findings += _untraced_hedges(orders, hedges)
    findings += _untraced_legs(orders, opportunities)
    for order_id, told in fills.items():
        if order_id not in orders:
            findings += (Finding(Fault.FILL_WITHOUT_ORDER, order_id, f"fill {fill.trade_id}") for fill in told)
    return Audit(
        complete=log.complete,
        decisions=len(decisions.at_ns),
        hedge_decisions=len({(hedge.strategy_id, hedge.asset, hedge.decision_id) for hedge in hedges}),
        opportunities=sum(one.event == "TAKEN" for one in opportunities),
        orders=len(orders),
        commands=sum(event.event in COMMANDS for events in orders.values() for event in events),
        fills=sum(map(len, fills.values())),
        findings=tuple(findings),
        notes={note: count for note, count in sorted(notes.items()) if count},
    )


def _simulated(log: RunLog) -> bool:
    """Return whether the run says that its venues were simulated; one that was cut short says nothing."""
    path = log.run_dir / "result.json"
    live = orjson.loads(path.read_bytes()).get("live") if path.is_file() else {"mode": "real"}
    return live is None or live["mode"] != "real"


def _read_decisions(log: RunLog) -> tuple[_Decisions, list[Finding]]:
    table = log.table("decisions", _DECISION_COLUMNS)
    read, findings = _Decisions(), []
    columns = (table[name].to_pylist() for name in _DECISION_COLUMNS)
    for ts_ns, strategy, instrument, number, *said in zip(*columns, strict=True):
        key = (strategy, number)
        if key in read.at_ns:
            findings.append(_gap(strategy, f"decision {number} is there twice"))
        read.at_ns[key], read.instrument[key], read.said[key] = ts_ns, instrument, tuple(said)
        read.last_ns[strategy] = max(ts_ns if any(said) else 0, read.last_ns.get(strategy, 0))
    for strategy in sorted(read.last_ns):
        numbers = np.array([number for owner, number in read.at_ns if owner == strategy])
        findings += (
            _gap(strategy, f"decision {after} follows {before}")
            for before, after in zip(numbers[:-1].tolist(), numbers[1:].tolist(), strict=True)
            if after != before + 1
        )
    return read, findings


def _gap(strategy: str, message: str) -> Finding:
    return Finding(Fault.DECISION_GAP, strategy, message)


def _untraced_commands(events: Sequence[OrderFact], decisions: _Decisions, notes: Counter[str]) -> Iterator[Finding]:
    """Yield the commands of a quote order that no decision of their instant gave, and count those that one did."""
    for event in events:
        if event.event not in COMMANDS:
            continue
        key, order_id = (event.strategy_id, event.decision_id), event.client_order_id
        fault = Fault.ORDER_WITHOUT_DECISION if event.event == "SUBMIT" else Fault.COMMAND_WITHOUT_DECISION
        at_ns = decisions.at_ns.get(key)
        if at_ns is None:
            yield Finding(fault, order_id, f"{event.event}: there is no decision {event.decision_id}")
        elif decisions.instrument[key] != event.instrument_id:
            yield Finding(fault, order_id, f"{event.event}: decision {event.decision_id} is on another instrument")
        elif at_ns == event.ts_ns:
            decisions.given[key, event.event] += 1
        elif event.event == "CANCEL" and event.ts_ns >= decisions.last_ns[event.strategy_id]:
            notes[Note.WITHDRAWN_AT_STOP] += 1
        else:
            apart = f"{event.event} at {event.ts_ns} ns, decision {event.decision_id} at {at_ns} ns"
            yield Finding(fault, order_id, apart)


def _missing_commands(decisions: _Decisions) -> Iterator[Finding]:
    for key, said in decisions.said.items():
        for (event, name), count in zip(_COUNTS.items(), said, strict=True):
            given = decisions.given[key, event]
            if given != count:
                message = f"says {count} {name}, the log has {given}"
                yield Finding(Fault.DECISION_WITHOUT_COMMAND, f"{key[0]} {key[1]}", message)


def _untraced_hedges(orders: Mapping[str, Sequence[OrderFact]], hedges: Sequence[HedgeFact]) -> Iterator[Finding]:
    """Yield hedge orders without a hedge decision, and hedges sent whose order the log does not have."""
    sent = {hedge.client_order_id: hedge for hedge in hedges if hedge.event == "SENT"}
    needed = {(hedge.strategy_id, hedge.decision_id) for hedge in hedges if hedge.event == "NEEDED"}
    for order_id, events in orders.items():
        for event in events:
            if event.purpose in {Purpose.QUOTE, Purpose.ARBITRAGE} or event.event not in COMMANDS:
                continue
            named = f"{event.event}: there is no hedge decision {event.decision_id}"
            if (event.strategy_id, event.decision_id) not in needed:
                submit = event.event == "SUBMIT"
                yield Finding(
                    Fault.ORDER_WITHOUT_DECISION if submit else Fault.COMMAND_WITHOUT_DECISION, order_id, named
                )
            elif event.event == "SUBMIT" and (why := _unlike(event, sent.get(order_id))):
                yield Finding(Fault.ORDER_WITHOUT_DECISION, order_id, why)
    for order_id, hedge in sent.items():
        if order_id not in orders:
            message = f"hedge decision {hedge.decision_id} sent it, the log has no such order"
            yield Finding(Fault.HEDGE_WITHOUT_ORDER, order_id, message)


def _unlike(order: OrderFact, hedge: HedgeFact | None) -> str:
    """Return in what an order differs from the hedge that sent it, or nothing."""
    if hedge is None:
        return f"hedge decision {order.decision_id} did not send it"
    names: tuple[str, ...] = ("decision_id", "instrument_id", "side", "size")
    pairs: list[tuple[str, Any, Any]] = [(name, getattr(order, name), getattr(hedge, name)) for name in names]
    return "; ".join(f"{name} {mine}, its hedge says {theirs}" for name, mine, theirs in pairs if mine != theirs)


def _untraced_legs(
    orders: Mapping[str, Sequence[OrderFact]], opportunities: Sequence[OpportunityFact]
) -> Iterator[Finding]:
    """Yield arbitrage orders that no opportunity sent, and opportunities whose legs or end the log does not have."""
    legs: dict[str, tuple[str, int, str, str]] = {}
    for one in opportunities:
        if one.event == "TAKEN":
            owner, number = one.strategy_id, one.opportunity_id
            legs[one.buy_order_id] = owner, number, one.buy_instrument_id, "BUY"
            legs[one.sell_order_id] = owner, number, one.sell_instrument_id, "SELL"
    commands = (event for events in orders.values() for event in events if event.event in COMMANDS)
    for event in commands:
        mine, said = (event.strategy_id, event.decision_id, event.instrument_id, event.side), None
        if event.purpose == Purpose.ARBITRAGE and mine != (said := legs.get(event.client_order_id)):
            fault = Fault.ORDER_WITHOUT_DECISION if event.event == "SUBMIT" else Fault.COMMAND_WITHOUT_DECISION
            why = f"opportunity {event.decision_id} did not send it" if said is None else f"its opportunity says {said}"
            yield Finding(fault, event.client_order_id, f"{event.event} of {mine}: {why}")
    for order_id, (_, number, _, side) in legs.items():
        if order_id not in orders:
            message = f"opportunity {number} sent it to {side.lower()}, the log has no such order"
            yield Finding(Fault.OPPORTUNITY_WITHOUT_ORDER, order_id, message)
    ended = {(one.strategy_id, one.opportunity_id) for one in opportunities if one.event == "DONE"}
    for owner, number in sorted({(owner, number) for owner, number, _, _ in legs.values()} - ended):
        yield Finding(Fault.OPPORTUNITY_WITHOUT_END, f"{owner} {number}", "nothing says what came of it")
