"""Whether what the log says about one order can have happened to an order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from mm_nautilus.analytics.resting_orders import CLOSING, RESTING
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact, OrderFact

COMMANDS: Final = frozenset({"SUBMIT", "AMEND", "CANCEL"})
"""What we ask of the venue; every one belongs to a decision."""
_ONCE: Final = frozenset({"SUBMIT", "ACCEPTED"})
_AFTER: Final = {"UPDATED": "ACCEPTED", "MODIFY_REJECTED": "AMEND", "CANCEL_REJECTED": "CANCEL"}
_FILLED: Final = frozenset({"FILLED", "PARTIALLY_FILLED"})
_KNOWN: Final = COMMANDS | CLOSING | RESTING | _AFTER.keys() | _FILLED


def life_faults(events: Sequence[OrderFact], *, simulated: bool) -> Iterator[str]:
    """Yield what cannot have happened in this order: an order is sent once, answered, and ends once.

    Parameters
    ----------
    events : sequence of OrderFact
        All of one order, in the order in which they were recorded.
    simulated : bool
        Whether the venue was: a simulated one never refuses what it has accepted.

    """
    seen: list[str] = []
    commanded_ns = 0
    for event in events:
        yield from _out_of_turn(event.event, seen, simulated=simulated)
        if event.event in COMMANDS:
            if event.ts_ns < commanded_ns:
                yield f"{event.event} earlier than the command before it"
            commanded_ns = event.ts_ns
        seen.append(event.event)


def _out_of_turn(name: str, seen: Sequence[str], *, simulated: bool) -> Iterator[str]:
    """Yield why an event may not follow the ones seen before it."""
    if name not in _KNOWN:
        yield f"{name} is no event of an order"
    ended = next((one for one in seen if one in CLOSING), None)
    if ended is not None:
        yield f"{name} after {ended}"
    if name != "SUBMIT" and not seen:
        yield f"{name} without SUBMIT before it"
    if name in _ONCE and name in seen:
        yield f"{name} twice"
    if (name == "DENIED" or (simulated and name == "REJECTED")) and "ACCEPTED" in seen:
        yield f"{name} after ACCEPTED"
    # A real venue may take an order in and refuse it when it meets the book; nothing of it can have been filled then.
    filled = next((one for one in seen if one in _FILLED), None)
    if name == "REJECTED" and filled is not None:
        yield f"{name} after {filled}"
    needed = _AFTER.get(name)
    if needed is not None and needed not in seen:
        yield f"{name} without {needed} before it"


def fill_faults(events: Sequence[OrderFact], fills: Sequence[FillFact]) -> Iterator[str]:
    """Yield what is wrong with the fills of an order: whose, how much, at which price, told how often.

    Parameters
    ----------
    events : sequence of OrderFact
        All of one order; at least one.
    fills : sequence of FillFact
        All of the same order, in order of time.

    """
    first = events[0]
    largest = max(event.size for event in events)
    decisions = {event.decision_id for event in events} | {-1}
    worst = max(int(Side[event.side]) * event.price for event in events)
    total = Decimal(0)
    trades: set[str] = set()
    for fill in fills:
        for name in ("strategy_id", "instrument_id", "side", "purpose"):
            if getattr(fill, name) != getattr(first, name):
                yield f"fill {fill.trade_id}: {name} {getattr(fill, name)}, the order's is {getattr(first, name)}"
        if fill.trade_id in trades:
            yield f"fill {fill.trade_id} is told twice"
        trades.add(fill.trade_id)
        if fill.ts_ns < first.ts_ns:
            yield f"fill {fill.trade_id} is earlier than its order"
        if fill.decision_id not in decisions:
            yield f"fill {fill.trade_id}: decision {fill.decision_id} never touched its order"
        if fill.side == first.side and int(Side[fill.side]) * fill.price > worst:
            yield f"fill {fill.trade_id} at {fill.price:f}, beyond every price asked for"
        if total <= largest < total + fill.size:
            yield f"filled {total + fill.size:f} of at most {largest:f}"
        total += fill.size


def is_late(events: Sequence[OrderFact], fill: FillFact) -> bool:
    """Return whether a fill was heard of after its order's end: a cancel that crossed it on the way."""
    return any(event.event in CLOSING and event.ts_ns < fill.ts_ns for event in events)


def is_open(events: Sequence[OrderFact], fills: Sequence[FillFact]) -> bool:
    """Return whether the log knows of no end of an order: neither an event nor its last fill."""
    if any(event.event in CLOSING for event in events):
        return False
    sizes = [event.size for event in events if event.event in RESTING] or [events[0].size]
    return sum((fill.size for fill in fills), Decimal(0)) < sizes[-1]
