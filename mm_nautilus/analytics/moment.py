"""One moment of a run: what was seen, decided and resting, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.order_life import COMMANDS
from mm_nautilus.analytics.resting_orders import CLOSING, RESTING
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.schema import TABLES, Message
from mm_nautilus.errors import DataError, ParameterError
from mm_nautilus.messages import (
    AdverseSelectionAssessment,
    AlertFact,
    FillFact,
    FundingFact,
    HedgeFact,
    IncidentFact,
    MarkFact,
    MarkoutFact,
    OpportunityFact,
    OrderFact,
    QuoteDecision,
    RiskState,
)

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
FORMS: Final = "an ISO time (2024-08-08T12:00:00.5), a time of day (12:00:00.5, UTC), or +seconds from the start"

type Event = QuoteDecision | OrderFact | FillFact | HedgeFact | RiskState | IncidentFact | AlertFact | OpportunityFact

_MAIN: Final = ("decisions", "marks", "fills", "orders")

_EVENTS: Final[tuple[type[Message], ...]] = (
    RiskState, IncidentFact, AlertFact, FillFact, QuoteDecision, HedgeFact, OpportunityFact, OrderFact,
)  # fmt: skip
"""What is told of a stretch of time; of one instant in this order, a fill before the decision it led to."""


@dataclass(frozen=True, slots=True)
class Working:
    """One of our orders that was not over yet.

    Parameters
    ----------
    last : OrderFact
        What was last heard or commanded of it.
    price, size, filled : Decimal
        Where it rests as far as the venue has said, its size there, and how much of it was filled.
    sent_ns : int
        When it was first heard of.
    state : str
        ``resting``, ``sent``, ``amendment on its way`` or ``cancel on its way``.

    """

    last: OrderFact
    price: Decimal
    size: Decimal
    filled: Decimal
    sent_ns: int
    state: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fill and what it was worth later, horizon by horizon."""

    fill: FillFact
    markouts: tuple[MarkoutFact, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything the log says about one instant.

    Parameters
    ----------
    ts_ns, start_ns, end_ns : int
        The instant, and the run's first and last as far as the log knows.
    decisions : tuple of QuoteDecision
        In force then, one for each strategy and instrument.
    marks : tuple of MarkFact
        The last sample before it, one for each strategy and instrument.
    risk : tuple of RiskState
        Stages in force, one for each instrument restrained and one for all.
    assessments : tuple of AdverseSelectionAssessment
        In force, one for each instrument.
    funding : tuple of FundingFact
        What is paid next, one for each perpetual whose venue says it.
    orders : tuple of Working
        Ours that were not over, dearest first.
    before, after : tuple of messages
        What happened around it, in order of time; what happened at the instant is before it.
    outcomes : tuple of Outcome
        The fills of `after`.

    """

    ts_ns: int
    start_ns: int
    end_ns: int
    decisions: tuple[QuoteDecision, ...]
    marks: tuple[MarkFact, ...]
    risk: tuple[RiskState, ...]
    assessments: tuple[AdverseSelectionAssessment, ...]
    funding: tuple[FundingFact, ...]
    orders: tuple[Working, ...]
    before: tuple[Event, ...]
    after: tuple[Event, ...]
    outcomes: tuple[Outcome, ...]


def moment(log: RunLog, ts_ns: int, before_ns: int, after_ns: int, instrument_id: str | None = None) -> Moment:
    """Return what the log says about one instant.

    Parameters
    ----------
    log : RunLog
        The run's log; one that was cut short is told as far as it goes.
    ts_ns : int
        When, in nanoseconds since 1970.
    before_ns, after_ns : int
        How much of the time around it is told.
    instrument_id : str, optional
        Only this one.

    Raises
    ------
    DataError
        Where the log is empty, or nothing of that instrument is in it.
    ParameterError
        For an instant outside the run.

    """
    start_ns, end_ns = span(log)
    if not start_ns <= ts_ns <= end_ns:
        raise ParameterError("at", _utc(ts_ns), f"{_utc(start_ns)} to {_utc(end_ns)}, which the log covers")

    def wanted[M](rows: Iterable[M]) -> tuple[M, ...]:
        kept = {None, "", instrument_id}
        return tuple(
            row for row in rows if instrument_id is None or getattr(row, "instrument_id", instrument_id) in kept
        )

    decisions = wanted(_latest(log, QuoteDecision, ts_ns, ("strategy_id", "instrument_id")))
    marks = wanted(_latest(log, MarkFact, ts_ns, ("strategy_id", "instrument_id")))
    if instrument_id is not None and not decisions and not marks:
        known = sorted({row.instrument_id for row in _latest(log, MarkFact, end_ns, ("instrument_id",))})
        raise DataError(f"{log.run_dir}: nothing of {instrument_id} before that; the log has {', '.join(known)}")
    around = _around(log, ts_ns - before_ns, ts_ns + after_ns)
    after = wanted(event for event in around if event.ts_ns > ts_ns)
    fills = [event for event in after if isinstance(event, FillFact)]
    return Moment(
        ts_ns,
        start_ns,
        end_ns,
        decisions,
        marks,
        wanted(_latest(log, RiskState, ts_ns, ("instrument_id",))),
        wanted(_latest(log, AdverseSelectionAssessment, ts_ns, ("instrument_id",))),
        wanted(_latest(log, FundingFact, ts_ns, ("instrument_id",))),
        _working(wanted(_orders(log, ts_ns)), log, ts_ns),
        wanted(event for event in around if event.ts_ns <= ts_ns),
        after,
        _outcomes(log, fills),
    )


def span(log: RunLog) -> tuple[int, int]:
    """Return the first and the last instant that the log tells of.

    Raises
    ------
    DataError
        Where it tells of nothing.

    """
    found = [bounds for name in _MAIN if (bounds := _bounds(log, name)) is not None]
    if not found:
        raise DataError(f"{log.run_dir}: the run log is empty: the run ended before its first flush")
    return min(begin for begin, _ in found), max(end for _, end in found)


def known_until(log: RunLog) -> int:
    """Return the last instant up to which nothing is missing from a log that was cut short.

    Each table ends at its own last flush. Where no fill was flushed, what the others say of the position tells when
    the first one must have happened.

    Raises
    ------
    DataError
        Where the log tells of nothing.

    """
    _, last = span(log)
    ends = {name: bounds[1] for name in _MAIN if (bounds := _bounds(log, name)) is not None}
    if "fills" not in ends:
        for name in ("decisions", "marks"):
            table = log.table(name, ["ts_ns", "position", "instrument_id"])
            held = np.flatnonzero(table["position"].cast(pa.float64()).to_numpy() != 0.0)
            if len(held):
                ends[f"{name} that hold something"] = int(table["ts_ns"][int(held[0])].as_py()) - 1
    return min([*ends.values(), last])


def _bounds(log: RunLog, name: str) -> tuple[int, int] | None:
    ts = log.table(name, ["ts_ns"])["ts_ns"]
    if not len(ts):
        return None
    bounds = pc.min_max(ts).as_py()
    return bounds["min"], bounds["max"]


def instant(text: str, start_ns: int, end_ns: int) -> int:
    """Return the instant that a person named, in nanoseconds since 1970.

    Parameters
    ----------
    text : str
        ISO 8601 (UTC unless it says otherwise), ``HH:MM[:SS[.fff]]`` (the first such time within the run) or
        ``+seconds`` from its start.
    start_ns, end_ns : int
        The run's first and last instant.

    Raises
    ------
    ParameterError
        For anything else.

    """
    text = text.strip()
    if re.fullmatch(r"\+\d+(\.\d+)?", text):
        return start_ns + int(Decimal(text) * SECOND)
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?", text)
    if clock:
        hour, minute, second = (int(part or 0) for part in clock.groups()[:3])
        if hour < 24 and minute < 60 and second < 60:
            of_day = (hour * 3600 + minute * 60 + second) * SECOND + int(Decimal(clock[4] or 0) * SECOND)
            first = start_ns // DAY * DAY + of_day
            return first if first >= start_ns or first + DAY > end_ns else first + DAY
    stamp = re.fullmatch(r"(\d{4}-\d{2}-\d{2}[T ][\d:]+)(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?", text)
    if stamp:
        try:
            whole = datetime.fromisoformat(f"{stamp[1]}{stamp[3] or 'Z'}")
        except ValueError:
            pass
        else:
            since = whole - datetime(1970, 1, 1, tzinfo=UTC)
            return since // timedelta(seconds=1) * SECOND + int(Decimal(stamp[2] or 0) * SECOND)
    raise ParameterError("at", text, FORMS)


def _latest[M: Message](log: RunLog, kind: type[M], ts_ns: int, keys: Sequence[str]) -> list[M]:
    """Return the last message up to an instant for each combination of keys."""
    (name,) = [name for name, held in TABLES.items() if held is kind]
    thin = log.table(name, ["ts_ns", *keys])
    thin = thin.filter(pc.less_equal(thin["ts_ns"], ts_ns))
    if not len(thin):
        return []
    latest = thin.group_by(list(keys)).aggregate([("ts_ns", "max")])
    found: list[M] = []
    for row in latest.to_pylist():
        at = row["ts_ns_max"]
        same = [one for one in log.between(kind, at, at) if all(getattr(one, key) == row[key] for key in keys)]
        found.append(same[-1])
    return sorted(found, key=lambda one: tuple(str(getattr(one, key)) for key in reversed(keys)))


def _around(log: RunLog, begin_ns: int, end_ns: int) -> list[Event]:
    events: list[Event] = [event for kind in _EVENTS for event in log.between(kind, begin_ns, end_ns)]  # type: ignore[misc]
    return sorted(events, key=attrgetter("ts_ns"))


def _orders(log: RunLog, ts_ns: int) -> list[OrderFact]:
    """Return every event of the orders that were not over then, without reading what happened to the others."""
    table = log.table("orders", ["ts_ns", "client_order_id", "event"])
    table = table.filter(pc.less_equal(table["ts_ns"], ts_ns))
    if not len(table):
        return []
    ids = table["client_order_id"].combine_chunks()
    codes = ids.indices.to_numpy()
    over = np.zeros(len(ids.dictionary), dtype=bool)
    ended = pc.is_in(table["event"].cast(pa.string()), pa.array(sorted(CLOSING), pa.string()))
    over[codes[ended.to_numpy()]] = True
    seen = np.zeros(len(over), dtype=bool)
    seen[codes] = True
    names = ids.dictionary.take(np.flatnonzero(seen & ~over))
    return log.rows(OrderFact, pc.field("client_order_id").isin(names.cast(pa.string())) & (pc.field("ts_ns") <= ts_ns))


def _working(events: Sequence[OrderFact], log: RunLog, ts_ns: int) -> tuple[Working, ...]:
    """Return the orders that these events leave working, fills up to the instant counted."""
    done: dict[str, Decimal] = {}
    for fill in log.rows(FillFact, pc.field("ts_ns") <= ts_ns):
        done[fill.client_order_id] = done.get(fill.client_order_id, Decimal(0)) + fill.size
    found = []
    for order_id, group in groupby(sorted(events, key=attrgetter("client_order_id")), attrgetter("client_order_id")):
        mine = sorted(group, key=attrgetter("ts_ns"))
        stated = next((one for one in reversed(mine) if one.event in RESTING), mine[0])
        filled = done.get(order_id, Decimal(0))
        if filled >= stated.size:
            continue
        command = next((one for one in reversed(mine) if one.event in COMMANDS or one.event in RESTING), mine[-1])
        state = {"SUBMIT": "sent", "AMEND": "amendment on its way", "CANCEL": "cancel on its way"}.get(command.event)
        found.append(Working(mine[-1], stated.price, stated.size, filled, mine[0].ts_ns, state or "resting"))
    return tuple(sorted(found, key=lambda one: (one.last.instrument_id, -one.price)))


def _outcomes(log: RunLog, fills: Sequence[FillFact]) -> tuple[Outcome, ...]:
    if not fills:
        return ()
    trades = [fill.trade_id for fill in fills]
    marks = log.rows(MarkoutFact, pc.field("trade_id").isin(trades))
    by: dict[tuple[str, str], list[MarkoutFact]] = {}
    for mark in marks:
        by.setdefault((mark.client_order_id, mark.trade_id), []).append(mark)
    return tuple(
        Outcome(fill, tuple(sorted(by.get((fill.client_order_id, fill.trade_id), ()), key=attrgetter("horizon_s"))))
        for fill in fills
    )


def _utc(ts_ns: int) -> str:
    seconds, ns = divmod(ts_ns, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{ns // 1_000_000:03d} UTC"
