"""The page: what goes where. Everything it needs is inside it; it loads nothing."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Final

import orjson
from plotly.offline import get_plotlyjs

from mm_nautilus.analytics.report.chart import Chart
from mm_nautilus.analytics.report.fragments import (
    caveat_list,
    flatten,
    instruments_table,
    money_table,
    pairs_table,
    records_table,
    tiles,
)
from mm_nautilus.analytics.report.markout_charts import markout_tables
from mm_nautilus.analytics.report.palette import SWAPS, css_variables
from mm_nautilus.analytics.report.section import Section, figure_card
from mm_nautilus.analytics.report.verdict import first_screen

_HERE = Path(__file__).parent

MOST_UNFOLDED: Final = 4
"""Instruments with tiles and open charts each; of more there is a table, and their charts unfold."""

# The browser itself refuses to load anything from anywhere.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def render(
    result: Mapping[str, Any],
    run_toml: str,
    charts: Mapping[str, Sequence[Chart]],
    notices: Sequence[str],
    sections: Sequence[Section] = (),
    first: Sequence[Section] = (),
    sensitivity: Mapping[str, Any] | None = None,
) -> str:
    """Return the report as one HTML document.

    Parameters
    ----------
    result : mapping
        ``result.json``.
    run_toml : str
        The resolved run file.
    charts : mapping of instrument to charts
        In the order in which they are shown.
    notices : sequence of str
        What the reader must know about the log itself (an unfinished run).
    sections, first : sequence of Section
        What follows the charts of the instruments, and what comes before them.
    sensitivity : mapping, optional
        ``sensitivity.json``, for the verdict.

    """
    drawn = [chart for some in charts.values() for chart in some]
    drawn += [chart for section in sections for chart in section.charts]
    instruments = result["instruments"]
    several, folded = len(instruments) > 1, len(instruments) > MOST_UNFOLDED
    scopes = (result.get("performance") or {"instruments": {}})["instruments"]
    body = "".join(
        (
            _top(result, notices, sensitivity),
            "<main>",
            *_all_numbers(instruments, scopes),
            _money_and_caveats(result),
            *map(_section, first),
            *(_charts(name, charts[name], several=several, folded=folded) for name in instruments),
            *(markout_tables(one["markouts"]) for one in instruments.values() if one.get("markouts")),
            *map(_section, sections),
            _settings(result, run_toml),
            "</main>",
        )
    )
    return document(_name(result), body, drawn)


def _section(section: Section) -> str:
    cards = "".join(f'<div class="card">{table}</div>' for table in section.tables)
    return f"<section><h2>{escape(section.title)}</h2>{''.join(map(figure_card, section.charts))}{cards}</section>"


def document(title: str, body: str, charts: Iterable[Chart]) -> str:
    """Return a self-contained HTML document.

    Parameters
    ----------
    title : str
        Of the window.
    body : str
        HTML, with a `figure_card` for each chart.
    charts : iterable of Chart
        Drawn by the page's script.

    """
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<style>:root {{ {css_variables(dark=False)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {css_variables(dark=True)} }} }}\n"
        f"{(_HERE / 'page.css').read_text(encoding='utf-8')}</style></head><body>{body}"
        f'<script type="application/json" id="swaps">{_inline_json(orjson.dumps(SWAPS))}</script>'
        f'<script type="application/json" id="figures">{_figures(charts)}</script>'
        f'<script type="text/plain" id="plotly">{_packed_library()}</script>'
        f"<script>{(_HERE / 'detail.js').read_text(encoding='utf-8')}"
        f"{(_HERE / 'page.js').read_text(encoding='utf-8')}</script></body></html>\n"
    )


@cache
def _packed_library() -> str:
    """Return plotly's script, deflated: 1.9 MB of text instead of 4.7."""
    return base64.b64encode(zlib.compress(get_plotlyjs().encode(), 9)).decode()


def _name(result: Mapping[str, Any]) -> str:
    return str(result["run"].get("name") or "Run")


def _top(result: Mapping[str, Any], notices: Sequence[str], sensitivity: Mapping[str, Any] | None) -> str:
    run, status = result["run"], str(result["status"])
    tone = "good" if status in {"ok", "completed"} else "severe"
    spans = {(one["start_ns"], one["end_ns"]) for one in result["instruments"].values()}
    names = list(result["instruments"])
    meta = [", ".join(names) if len(names) <= MOST_UNFOLDED else f"{len(names)} instruments"]
    if spans:
        start, end = min(start for start, _ in spans), max(end for _, end in spans)
        meta.append(f"{_utc(start)} to {_utc(end)} UTC")
    if run.get("seed") is not None:
        meta.append(f"seed {run['seed']}")
    warnings = "".join(f'<p class="meta"><span class="badge severe">note</span> {escape(one)}</p>' for one in notices)
    return (
        f'<header class="top"><h1>{escape(_name(result))}<span class="badge {tone}">{escape(status)}</span></h1>'
        f'<p class="meta">{escape(" \N{MIDDLE DOT} ".join(meta))}</p>{warnings}'
        f"{first_screen(result, sensitivity)}</header>"
    )


def _utc(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _all_numbers(instruments: Mapping[str, Any], scopes: Mapping[str, Any]) -> list[str]:
    """Return tiles for each of a few instruments, one table for many."""
    if len(instruments) > MOST_UNFOLDED:
        return [f'<section><h2>In numbers</h2><div class="card">{instruments_table(instruments)}</div></section>']
    several = len(instruments) > 1
    return [_numbers(name, one, scopes.get(name), heading=several) for name, one in instruments.items()]


def _numbers(name: str, one: Mapping[str, Any], scope: Mapping[str, Any] | None, *, heading: bool) -> str:
    title = escape(name) if heading else "In numbers"
    return f"<section><h2>{title}</h2>{tiles(one, scope)}</section>"


def _money_and_caveats(result: Mapping[str, Any]) -> str:
    tables = "".join(money_table(currency, total) for currency, total in result["total"].items())
    caveats = caveat_list(result["realism"]["caveats"])
    return (
        f'<section class="pair"><div class="card">{tables}</div>'
        f'<div class="card" id="caveats">{caveats}</div></section>'
    )


def _charts(name: str, charts: Sequence[Chart], *, several: bool, folded: bool) -> str:
    """Return the charts of an instrument; those of one among many are drawn when a reader unfolds them."""
    title = f"{escape(name)} over time" if several else "Over time"
    body = (
        '<p class="hint">Drag to zoom, double-click to reset; the charts zoom together.</p>'
        + _zoom_bar(charts)
        + "".join(figure_card(chart) for chart in charts if chart.wide)
        + f'<div class="grid2">{"".join(figure_card(chart) for chart in charts if not chart.wide)}</div>'
    )
    if folded:
        return f'<details class="folded"><summary><h2>{title}</h2></summary>{body}</details>'
    return f"<section><h2>{title}</h2>{body}</section>"


def _zoom_bar(charts: Sequence[Chart]) -> str:
    """Return the place of the buttons that zoom the charts of one instrument; the page's script puts them there."""
    group = next((chart.zoom_group for chart in charts if chart.zoom_group), None)
    if group is None:
        return ""
    return f'<div class="zoombar" data-group="{escape(group)}" role="toolbar" aria-label="Stretch of time shown"></div>'


def _settings(result: Mapping[str, Any], run_toml: str) -> str:
    cards = [records_table("Venue settings", result["realism"]["venues"])]
    cards += [
        pairs_table(title, flatten(result[key]))
        for title, key in (("Data", "data"), ("Provenance", "provenance"), ("Run", "run"))
        if result.get(key)
    ]
    return (
        "<section><h2>How it was run</h2>"
        + "".join(f'<div class="card">{card}</div>' for card in cards)
        + '<details class="card"><summary>Run file, as resolved</summary>'
        + f"<pre>{escape(run_toml)}</pre></details></section>"
    )


def _figures(charts: Iterable[Chart]) -> str:
    entries = {
        chart.key: {
            "group": chart.zoom_group,
            "height": chart.height,
            "fixedY": chart.fixed_y,
            "figure": orjson.Fragment(chart.figure.to_json(engine="orjson")),
            "detail": None if chart.detail is None else chart.detail.jsonable(),
        }
        for chart in charts
    }
    return _inline_json(orjson.dumps(entries))


def _inline_json(text: bytes) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return text.decode().replace("<", "\\u003c")
