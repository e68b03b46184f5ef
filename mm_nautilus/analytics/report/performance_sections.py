"""The scorecard, every figure with its error, days, weeks and months, and the statement broken down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final

from mm_nautilus.analytics.numbers import NOTHING, amount, compact, share
from mm_nautilus.analytics.report.figures import TONES, figure, interval, metric_value, target
from mm_nautilus.analytics.report.rows import Badge, Cell, rows_table
from mm_nautilus.analytics.report.section import Section
from mm_nautilus.analytics.report.words import in_words

type Json = Mapping[str, Any]

MOST_SCOPES: Final = 6
"""Instruments with a table of figures each; the rest is in result.json."""
_GROUPS: Final = {"money": "Money", "risk": "Risk", "quoting": "Quoting", "fills": "Fills"}
_DIMENSIONS: Final = {
    "side": "By side",
    "level": "By level",
    "venue": "By venue",
    "instrument": "By instrument",
    "hour": "By hour (UTC)",
    "state": "By quote state",
}


def scorecard_section(scorecard: Json) -> Section:
    """Return the section of a `Scorecard` in a ``result.json``."""
    rows: list[Sequence[Cell]] = [
        (
            one["label"],
            figure(one["value"], one["unit"]),
            interval(one),
            target(one),
            Badge(one["verdict"], TONES[one["verdict"]]),
            one["why_not"] or one["how"],
        )
        for one in scorecard["scores"].values()
    ]
    heads = ("", "Value", "95 % interval", "Target", "Verdict", "How it is computed")
    tables = [rows_table("Targets", heads, rows, numbers=(1, 2, 3))]
    revenue: list[Sequence[Cell]] = [
        (
            one["score"]["label"],
            compact(Decimal(one["amount"]), signed=True),
            figure(one["score"]["value"], one["score"]["unit"]),
            target(one["score"]),
            Badge(one["score"]["verdict"], TONES[one["score"]["verdict"]]),
        )
        for one in scorecard["revenue"].values()
    ]
    earned = ("", f"Amount ({scorecard['currency']})", "Share of revenue", "Expected", "Verdict")
    tables.append(rows_table("Revenue beside what is expected of it", earned, revenue, numbers=(1, 2, 3)))
    return Section("Scorecard", tables)


def figures_section(performance: Json) -> Section:
    """Return the section of a `Performance` in a ``result.json``."""
    overall, instruments = performance["overall"], performance["instruments"]
    tables = [_benchmarks(overall)]
    scopes = {"The whole run": overall} if len(instruments) != 1 else {}
    scopes |= dict(list(instruments.items())[:MOST_SCOPES])
    for name, scope in scopes.items():
        told = "".join(_metrics(scope, group, title) for group, title in _GROUPS.items())
        levels = _levels(scope["levels"])
        tables.append(_folded(f"{name}: every figure, in {scope['currency']}", told + levels))
    for name, scope in scopes.items():
        periods = "".join(
            _periods(title, scope[key])
            for key, title in (("daily", "Days"), ("weekly", "Weeks"), ("monthly", "Months"))
        )
        tables.append(_folded(f"{name}: days, weeks and months, in {scope['currency']}", periods))
    left_out = len(instruments) - MOST_SCOPES
    notes = [*performance["notes"], *([f"{left_out} more instruments are in result.json."] if left_out > 0 else [])]
    if notes:
        tables.append("".join(f'<p class="hint">{escape(note)}</p>' for note in notes))
    return Section("Every figure", tables)


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def _metrics(scope: Json, group: str, title: str) -> str:
    rows = [
        (
            metric["label"],
            metric_value(key, metric),
            "" if metric["stderr"] is None else figure(metric["stderr"], metric["unit"]),
            interval(metric),
            "" if metric["n"] is None else f"{metric['n']:,}",
            metric["how"],
        )
        for key, metric in scope["metrics"].items()
        if metric["group"] == group
    ]
    heads = ("", "Value", "Standard error", "95 % interval", "n", "How it is computed")
    return rows_table(title, heads, rows, numbers=(1, 2, 3, 4)) if rows else ""


def _levels(levels: Sequence[Json]) -> str:
    if not levels:
        return ""
    rows = [(str(one["level"] + 1), share(one["bid"]), share(one["ask"]), share(one["both"])) for one in levels]
    return rows_table("Time at level", ("Level", "Bid", "Ask", "Both"), rows, numbers=(1, 2, 3))


def _benchmarks(scope: Json) -> str:
    rows = [
        (
            one["label"],
            NOTHING if one["pnl"] is None else compact(Decimal(one["pnl"]), signed=True),
            NOTHING if one["excess"] is None else compact(Decimal(one["excess"]), signed=True),
            one["how"] if not one["why_not"] else f"{one['how']}; {one['why_not']}",
        )
        for one in scope["benchmarks"].values()
    ]
    heads = ("", f"PnL ({scope['currency']})", "The run above it", "What it is")
    return rows_table("Beside something simpler", heads, rows, numbers=(1, 2))


def _periods(title: str, periods: Sequence[Json]) -> str:
    rows = [
        (
            one["start"] + ("" if one["complete"] else " (in part)"),
            compact(Decimal(one["pnl"]), signed=True),
            f"{one['trades']:,}",
            compact(Decimal(one["turnover"])),
            compact(one["pnl_per_trade"], signed=True),
            compact(one["pnl_per_unit"], signed=True),
            compact(one["spread_bps"], 3),
            share(one["fill_rate"]),
            share(one["adverse_selection_rate"]),
            _with_error(one["sharpe"], one["sharpe_stderr"]),
            amount(one["max_inventory"]),
            compact(one["max_drawdown"]),
        )
        for one in periods
    ]
    heads = (
        "From", "PnL", "Fills", "Turnover", "Per fill", "Per unit", "Spread (bps)", "Fill rate", "Adverse", "Sharpe",
        "Largest position", "Drawdown",
    )  # fmt: skip
    return rows_table(title, heads, rows, numbers=range(1, len(heads)))


def _with_error(value: float | None, error: float | None) -> str:
    if value is None or error is None:
        return compact(value, 3)
    return f"{compact(value, 3)} \N{PLUS-MINUS SIGN} {compact(error, 2)}"


def breakdown_tables(statement: Json) -> list[str]:
    """Return the statement of each currency by side, level, venue, instrument, hour and quote state, folded away."""
    return [
        _folded(
            f"Every line in {currency}, by side, level, venue, instrument, hour and quote state",
            "".join(_breakdown(_DIMENSIONS[dimension], one["account"], by) for dimension, by in one["by"].items()),
        )
        for currency, one in statement.items()
    ]


def _breakdown(title: str, account: Json, by: Json) -> str:
    lines = [line for line, paid in account["lines"].items() if Decimal(paid)]
    rows = [
        (in_words(label) if label.isupper() and "." not in label else label, *_amounts(part, lines))
        for label, part in by.items()
    ]
    rows.append(("All", *_amounts(account, lines)))
    heads = ("", *map(in_words, lines), "Total")
    return rows_table(title, heads, rows, numbers=range(1, len(heads)))


def _amounts(part: Json, lines: Sequence[str]) -> list[str]:
    amounts = [Decimal(part["lines"].get(line, 0)) for line in lines]
    return [compact(paid, signed=True) for paid in (*amounts, Decimal(part["total"]))]
