"""What the risk monitor measured and ordered: time in each stage, every change with its reason, incidents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from mm_nautilus.analytics.facts import RunFacts
from mm_nautilus.analytics.quoting_summary import TimeShare
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.market import RiskStage
from mm_nautilus.messages import IncidentFact, RiskFact, RiskState

EVERYTHING = ""
"""Scope of a stage that holds for every instrument."""


@dataclass(frozen=True, slots=True)
class StageSpan:
    """A stretch of time in which one stage held for a scope.

    Parameters
    ----------
    scope : str
        An instrument, or `EVERYTHING`.
    stage : str
        Name of a `RiskStage`; for an instrument the graver of its own and everything's.
    start_ns, end_ns : int
        From when to when.

    """

    scope: str
    stage: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class RiskChange:
    """One change of a stage, with its written reason."""

    ts_ns: int
    scope: str
    before: str
    stage: str
    spread_multiplier: float
    rules: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RiskValue:
    """The last measurement of a rule, and the gravest stage it ever asked for.

    Parameters
    ----------
    rule, scope : str
        What was measured, and for whom.
    ts_ns : int
        When last.
    value : float | None
        In the unit the rule names.
    stage, gravest : str
        Names of the `RiskStage` asked for last and at worst.

    """

    rule: str
    scope: str
    ts_ns: int
    value: float | None
    stage: str
    gravest: str


@dataclass(frozen=True, slots=True)
class IncidentStep:
    """One entry of an incident's record."""

    ts_ns: int
    event: str
    reason: str


@dataclass(frozen=True, slots=True)
class Incident:
    """A halt or an operator's action and everything done about it."""

    incident_id: int
    source: str
    stage: str
    reason: str
    raised_ns: int
    resumed: bool
    steps: tuple[IncidentStep, ...]


@dataclass(frozen=True, slots=True)
class RiskSummary:
    """Risk over a run.

    Parameters
    ----------
    stages : mapping of scope to mapping of stage to TimeShare
        Time in each stage, gravest last; everything under ``all``.
    changes : tuple of RiskChange
        Every change, in order of time.
    values : tuple of RiskValue
        Every rule that was measured.
    incidents : tuple of Incident
        In the order in which they were raised.
    ended : mapping of scope to str
        Stage at the end of the run.
    ended_halted : bool
        Whether anything was halted then.

    """

    stages: dict[str, dict[str, TimeShare]]
    changes: tuple[RiskChange, ...]
    values: tuple[RiskValue, ...]
    incidents: tuple[Incident, ...]
    ended: dict[str, str]
    ended_halted: bool


def risk_summary(log: RunLog, facts: RunFacts) -> RiskSummary | None:
    """Return what the log says about risk, ``None`` where nothing watched it."""
    states, values, entries = log.messages(RiskState), log.messages(RiskFact), log.messages(IncidentFact)
    if not (states or values or entries):
        return None
    spans = stage_spans(states, facts.start_ns, facts.end_ns)
    run_s = (facts.end_ns - facts.start_ns) / 1e9
    stages: dict[str, dict[str, TimeShare]] = {}
    ended: dict[str, str] = {}
    for span in spans:
        mine = stages.setdefault(span.scope or "all", {})
        seconds = (span.end_ns - span.start_ns) / 1e9 + (mine[span.stage].seconds if span.stage in mine else 0.0)
        mine[span.stage] = TimeShare(seconds, seconds / run_s if run_s else 0.0)
        ended[span.scope or "all"] = span.stage
    return RiskSummary(
        stages={
            scope: dict(sorted(mine.items(), key=lambda item: RiskStage[item[0]])) for scope, mine in stages.items()
        },
        changes=tuple(_changes(states)),
        values=_last_values(values),
        incidents=_incidents(entries),
        ended=ended,
        ended_halted=RiskStage.HALT.name in ended.values(),
    )


def stage_spans(states: Sequence[RiskState], start_ns: int, end_ns: int) -> list[StageSpan]:
    """Return who was in which stage from when to when, scope by scope; equal stages that follow are one span.

    Parameters
    ----------
    states : sequence of RiskState
        In order of time; before the first one everything is NORMAL.
    start_ns, end_ns : int
        The run's first and last instant.

    """
    scopes = [EVERYTHING, *sorted({state.instrument_id for state in states} - {EVERYTHING})]
    return [span for scope in scopes for span in _spans(scope, states, start_ns, end_ns)]


def _spans(scope: str, states: Sequence[RiskState], start_ns: int, end_ns: int) -> Iterable[StageSpan]:
    own = everything = RiskStage.NORMAL
    begins = {start_ns: RiskStage.NORMAL}  # of several stages that begin at one instant the last one holds
    for state in states:
        if state.instrument_id == EVERYTHING:
            everything = RiskStage[state.stage]
        elif state.instrument_id == scope:
            own = RiskStage[state.stage]
        begins[min(max(state.ts_ns, start_ns), end_ns)] = max(own, everything)
    runs = [(stage, next(group)[0]) for stage, group in groupby(begins.items(), key=itemgetter(1))]
    ends = [*(since for _, since in runs[1:]), end_ns]
    for (stage, since), until in zip(runs, ends, strict=True):
        if until > since or len(runs) == 1:
            yield StageSpan(scope, stage.name, since, until)


def _changes(states: Iterable[RiskState]) -> Iterable[RiskChange]:
    before: dict[str, str] = {}
    for state in states:
        scope = state.instrument_id
        was = before.get(scope, RiskStage.NORMAL.name)
        before[scope] = state.stage
        yield RiskChange(state.ts_ns, scope, was, state.stage, state.spread_multiplier, state.rules, state.reason)


def _last_values(facts: Iterable[RiskFact]) -> tuple[RiskValue, ...]:
    values: dict[tuple[str, str], RiskValue] = {}
    for fact in facts:
        key = (fact.rule, fact.scope)
        gravest = RiskStage[fact.stage]
        if key in values:
            gravest = max(gravest, RiskStage[values[key].gravest])
        values[key] = RiskValue(fact.rule, fact.scope, fact.ts_ns, fact.value, fact.stage, gravest.name)
    return tuple(values[key] for key in sorted(values))


def _incidents(entries: Iterable[IncidentFact]) -> tuple[Incident, ...]:
    told: dict[int, list[IncidentFact]] = {}
    for entry in entries:
        told.setdefault(entry.incident_id, []).append(entry)
    return tuple(
        Incident(
            incident_id=number,
            source=mine[0].source,
            stage=mine[0].stage,
            reason=mine[0].reason,
            raised_ns=mine[0].ts_ns,
            resumed=any(entry.event == "RESUMED" for entry in mine),
            steps=tuple(IncidentStep(entry.ts_ns, entry.event, entry.reason) for entry in mine),
        )
        for number, mine in sorted(told.items())
    )
