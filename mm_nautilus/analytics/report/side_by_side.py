"""Several runs beside each other, whatever they have in common: one page that opens offline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from mm_nautilus.analytics.attribution_lines import LINES
from mm_nautilus.analytics.comparison import Run, standings
from mm_nautilus.analytics.numbers import NOTHING, amount, compact, duration, share
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.reading import ReportedRun
from mm_nautilus.analytics.report.rows import rows_table
from mm_nautilus.analytics.report.run_differences import (
    labels,
    provenance_that_differs,
    reservations,
    same_market,
    settings_that_differ,
)
from mm_nautilus.analytics.report.section import figure_card
from mm_nautilus.analytics.report.side_by_side_charts import (
    attributed_lines,
    attribution_bars,
    equity_curves,
    markout_curves,
)
from mm_nautilus.analytics.report.words import clock, in_words

PAGE_FILE: Final = "side-by-side.html"
LINE_POINTS: Final = 24_000
"""Points of the lines of one chart, shared between the runs."""

_SEED: Final = 0
_HOUR_S: Final = 3600.0

type Json = Mapping[str, Any]
type Row = tuple[str, list[str]]


def write_side_by_side(path: Path, runs: Sequence[ReportedRun]) -> Path:
    """Write the page and return its path.

    Parameters
    ----------
    path : Path
        The file.
    runs : sequence of ReportedRun
        At least two; the others are held against the first.

    """
    names = labels(runs)
    charts = [
        *(equity_curves(runs, names, currency, LINE_POINTS // len(runs)) for currency in currencies(runs)),
        *(attribution_bars(runs, names, currency) for currency in currencies(runs)),
        *markout_curves(runs, names),
    ]
    body = (
        _top(runs, names)
        + "<main>"
        + f'<section><h2>In numbers</h2><div class="card">{_numbers(runs, names)}</div></section>'
        + f"<section><h2>In pictures</h2>{''.join(map(figure_card, charts))}</section>"
        + _differences(runs, names)
        + "</main>"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document(f"{len(runs)} runs side by side", body, charts), encoding="utf-8")
    return path


def currencies(runs: Sequence[ReportedRun]) -> list[str]:
    """Return every currency that a run made money in, each once."""
    return list(dict.fromkeys(currency for run in runs for currency in run.result["total"]))


def _top(runs: Sequence[ReportedRun], names: Sequence[str]) -> str:
    title = f"{len(runs)} runs side by side"
    said = "".join(
        f'<p class="meta"><span class="badge warning">mind</span> {escape(one)}</p>' for one in reservations(runs)
    )
    said += "".join(f'<p class="headline">{escape(one)}</p>' for one in sentences(runs))
    listed = escape(" \N{MIDDLE DOT} ".join(names))
    return f'<header class="top"><h1>{escape(title)}</h1><p class="meta">{listed}</p>{said}</header>'


def sentences(runs: Sequence[ReportedRun]) -> list[str]:
    """Return what may be said of each run beside the first, where both saw the same market in the same currency."""
    names, first = labels(runs), runs[0]
    said = []
    for name, run in zip(names[1:], runs[1:], strict=True):
        both = [one for one in first.logs if one in run.logs and first.logs[one].timeline.decisions]
        if not both or not same_market(first, run):
            continue
        pair = [
            Run(label, "", one.result["instruments"][both[0]], one.logs[both[0]])
            for label, one in ((names[0], first), (name, run))
        ]
        apart = standings(pair, _SEED)[1].difference
        if apart is None:
            continue
        currency = pair[0].log.facts.contract.settlement_currency
        by = f"{name} made {compact(apart.pnl, signed=True)} {currency} against {names[0]} on {both[0]}"
        if apart.low is None or apart.high is None:
            said.append(f"{by}; too short for an interval.")
        else:
            ends = f"{compact(apart.low, signed=True)} to {compact(apart.high, signed=True)}"
            said.append(f"{by}: {apart.verdict} ({100 * apart.level:.0f} % interval {ends}).")
    return said


def _numbers(runs: Sequence[ReportedRun], names: Sequence[str]) -> str:
    found = rows(runs)
    return rows_table("Each run by itself", ("", *names), [(label, *cells) for label, cells in found],
                      numbers=range(1, len(names) + 1))  # fmt: skip


def rows(runs: Sequence[ReportedRun]) -> list[Row]:
    """Return the runs in numbers: a label and one cell for each run."""
    results = [run.result for run in runs]
    found: list[Row] = [
        ("Status", [str(one["status"]) for one in results]),
        ("From (UTC)", [clock(run.span_ns[0])[:19] for run in runs]),
        ("Length", [duration(_seconds(run)) for run in runs]),
        ("Instruments", [", ".join(one["instruments"]) for one in results]),
    ]
    for currency in currencies(runs):
        found += _money(runs, currency)
    found += _each(
        results,
        ("Fills", lambda one: sum(part["fills"]["count"] for part in one), lambda value: f"{value:,}"),
        ("Quoted two-sided", lambda one: one[0]["quoting"]["two_sided"]["share"], share),
        ("Spread quoted (bps)", lambda one: one[0]["quoting"]["spread_bps"], lambda value: compact(value, 3)),
        ("Largest position", lambda one: one[0]["inventory"]["max_abs"], amount),
        ("of its limit", lambda one: one[0]["inventory"]["max_share_of_limit"], share),
        ("Commands per fill", lambda one: one[0]["orders"]["order_to_trade_ratio"], lambda value: compact(value, 3)),
    )
    found += _scores(results)
    return found


def _seconds(run: ReportedRun) -> float:
    return (run.span_ns[1] - run.span_ns[0]) / 1e9


def _money(runs: Sequence[ReportedRun], currency: str) -> list[Row]:
    totals = [run.result["total"].get(currency) for run in runs]

    def cells(of: Callable[[Json, ReportedRun], float | None], *, signed: bool = True) -> list[str]:
        return [
            NOTHING if total is None else compact(of(total, run), signed=signed)
            for total, run in zip(totals, runs, strict=True)
        ]

    def per(total: Json, by: float) -> float | None:
        return float(total["total"]) / by if by else None

    found: list[Row] = [
        (f"PnL ({currency})", cells(lambda total, _: float(total["total"]))),
        ("per hour", cells(lambda total, run: per(total, _seconds(run) / _HOUR_S))),
        ("per fill", cells(lambda total, _: per(total, total["fills"]))),
        ("of turnover (bps)", cells(lambda total, _: per(total, float(total["turnover"]) / 1e4))),
        ("fees less rebates", cells(lambda total, _: float(total["fees"]) - float(total["rebates"]))),
        ("largest drawdown", cells(lambda total, _: total["max_drawdown"], signed=False)),
    ]
    parts = [attributed_lines(run, currency) for run in runs]
    for line in LINES:
        amounts = [part.get(line) for part in parts]
        if any(amounts):
            texts = [NOTHING if one is None else compact(one, signed=True) for one in amounts]
            found.append((in_words(line).lower(), texts))
    return found


def _each(results: Sequence[Json], *wanted: tuple[str, Callable[[Any], Any], Callable[[Any], str]]) -> list[Row]:
    """Return rows about the instruments of each run; those of the one that is quoted first where they do not add up."""
    found: list[Row] = []
    for label, of, told in wanted:
        cells = []
        for result in results:
            parts = list(result["instruments"].values())
            value = of(parts) if parts else None
            cells.append(NOTHING if value is None else told(value))
        found.append((label, cells))
    return found


def _scores(results: Sequence[Json]) -> list[Row]:
    cards = [(one.get("scorecard") or {"scores": {}})["scores"] for one in results]
    keys = list(dict.fromkeys(key for card in cards for key in card))
    return [
        (
            next(card[key]["label"] for card in cards if key in card),
            [card[key]["verdict"] if key in card else NOTHING for card in cards],
        )
        for key in keys
    ]


def _differences(runs: Sequence[ReportedRun], names: Sequence[str]) -> str:
    tables = []
    for title, found in (
        ("Settings that are not the same in all run files", settings_that_differ(runs)),
        ("Data and packages that are not the same", provenance_that_differs(runs)),
    ):
        if found:
            tables.append(rows_table(title, ("", *names), [(key, *values) for key, values in found.items()]))
        else:
            tables.append(f"<h3>{escape(title)}</h3><p>None.</p>")
    folders = rows_table("Folders", ("", "Folder"), [(n, str(run.run_dir)) for n, run in zip(names, runs, strict=True)])
    cards = "".join(f'<div class="card">{table}</div>' for table in (*tables, folders))
    return f"<section><h2>In what they differ</h2>{cards}</section>"
