"""What the page says about risk: stages, incidents, hedges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mm_nautilus.analytics.hedge_summary import Hedge, Outcome
from mm_nautilus.analytics.numbers import amount, compact, duration, share
from mm_nautilus.analytics.report.fragments import pairs_table
from mm_nautilus.analytics.report.rows import Badge, Cell, rows_table
from mm_nautilus.analytics.report.words import clock, in_words

type Json = Mapping[str, Any]

_STAGE_TONES: Final = {
    "NORMAL": "good",
    "WIDEN": "note",
    "REDUCE_ONLY": "warning",
    "FLATTEN": "severe",
    "HALT": "severe",
}
_OUTCOME_TONES: Final = {
    Outcome.DONE: "good",
    Outcome.LATE: "warning",
    Outcome.OPEN: "note",
    Outcome.ALARM: "severe",
}


def risk_tables(risk: Json) -> list[str]:
    """Return time in each stage, what happened when, and what was measured last."""
    events = [
        (one["ts_ns"], one["scope"] or "everything", _stage(one["stage"]), _why(one["rules"], one["reason"]))
        for one in risk["changes"]
    ]
    events += [
        (
            step["ts_ns"],
            f"incident {incident['incident_id']}",
            Badge(in_words(step["event"]), "severe" if step["event"] == "NOTIFICATION_FAILED" else "note"),
            _why([incident["source"]], step["reason"]),
        )
        for incident in risk["incidents"]
        for step in incident["steps"]
    ]
    events.sort(key=lambda event: event[0])
    tables = [_stages(risk)]
    if events:
        rows: list[Sequence[Cell]] = [(clock(ts_ns), *rest) for ts_ns, *rest in events]
        tables.append(rows_table("What happened", ("Time (UTC)", "To what", "Stage or step", "Why"), rows))
    if risk["values"]:
        tables.append(_values(risk["values"]))
    return tables


def _stage(name: str) -> Badge:
    return Badge(in_words(name), _STAGE_TONES.get(name, "note"))


def _why(sources: Sequence[str], reason: str) -> str:
    named = ", ".join(sources)
    return f"{named}: {reason}" if named and reason else named or reason


def _stages(risk: Json) -> str:
    rows: list[Sequence[Cell]] = [
        (
            "everything" if scope == "all" else scope,
            _stage(stage),
            duration(time["seconds"]),
            share(time["share"]),
            "at the end" if risk["ended"][scope] == stage else "",
        )
        for scope, stages in risk["stages"].items()
        for stage, time in stages.items()
    ]
    return rows_table("Time in each stage", ("Of what", "Stage", "Time", "Share", ""), rows, numbers=(2, 3))


def _values(values: Sequence[Json]) -> str:
    rows: list[Sequence[Cell]] = [
        (
            in_words(one["rule"]),
            one["scope"] or "everything",
            compact(one["value"]),
            _stage(one["stage"]),
            _stage(one["gravest"]),
        )
        for one in values
    ]
    heads = ("Rule", "Of what", "Last value", "Asks for", "Asked for at worst")
    return rows_table("What was measured", heads, rows, numbers=(2,))


def hedge_tables(summary: Json, hedges: Sequence[Hedge]) -> list[str]:
    """Return the hedges in numbers, and each with how it went."""
    causes = ", ".join(f"{in_words(cause)} {count:,}" for cause, count in summary["by_cause"].items())
    pairs = [
        ("Decisions", f"{summary['count']:,} ({causes})"),
        ("Done", f"{summary['done']:,}; {summary['open']:,} not yet when the run ended"),
        ("Not in time", f"{summary['alarmed']:,}, with {summary['alarms']:,} alarms"),
        ("From needed to done", _seconds(summary)),
        ("Orders", f"{summary['orders']:,} sent, {summary['refused']:,} refused or not filled"),
        ("Size traded", ", ".join(f"{amount(Decimal(v))} on {name}" for name, v in summary["volume"].items()) or "0"),
        ("Cost", ", ".join(f"{compact(cost)} {currency}" for currency, cost in summary["cost"].items()) or "0"),
    ]
    rows: list[Sequence[Cell]] = [
        (
            clock(hedge.ts_ns),
            hedge.asset,
            in_words(hedge.cause),
            f"{compact(hedge.exposure)} to {compact(hedge.target)}",
            ", ".join(f"{amount(size)} {name}" for name, size in hedge.filled.items()) or "nothing",
            ", ".join(f"{compact(cost)} {currency}" for currency, cost in hedge.cost.items()),
            "" if hedge.seconds is None else duration(hedge.seconds),
            Badge(in_words(hedge.outcome), _OUTCOME_TONES[hedge.outcome]),
        )
        for hedge in hedges
    ]
    heads = ("Time (UTC)", "Asset", "Why", "Exposure", "Traded", "Cost", "Took", "Outcome")
    return [pairs_table("In all", pairs), rows_table("Each hedge", heads, rows, numbers=(5, 6))]


def _seconds(summary: Json) -> str:
    if summary["seconds_median"] is None:
        return "never"
    return f"{duration(summary['seconds_median'])} in the median, {duration(summary['seconds_max'])} at most"
