"""The page of a sweep: the verdict, the ranking under it, and the charts; one file that opens offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from mm_nautilus.analytics.report.chart import Chart
from mm_nautilus.analytics.report.fragments import flatten, pairs_table
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.section import figure_card
from mm_nautilus.sweep.charts import each_alone, heat_maps, parallel, walked
from mm_nautilus.sweep.ranking import Ranked
from mm_nautilus.sweep.store import Row
from mm_nautilus.sweep.words import (
    CONFIRMED_HEAD,
    LABELS,
    PLATEAU,
    READING,
    agreement,
    cells,
    columns,
    confirmed_cells,
    figures,
    headline,
    keys_in,
    meta,
    notes,
)

PAGE_FILE: Final = "sweep.html"
_MOST_ROWS: Final = 50
_MOST_FAILURES: Final = 50


def write_page(folder: Path, sweep: Mapping[str, Any], rows: Sequence[Row], order: Sequence[Ranked]) -> Path:
    """Write ``sweep.html`` and return its path.

    Parameters
    ----------
    folder : Path
        Of the sweep.
    sweep : mapping
        ``sweep.json``.
    rows : sequence of Row
        Every run.
    order : sequence of Ranked
        The ranking.

    """
    score = LABELS[sweep["score"]]
    everything = parallel(rows, order, score)
    wide = [chart for chart in (everything, walked(sweep["walk_forward"]) if sweep["walk_forward"] else None) if chart]
    narrow = [*heat_maps(rows, order, score), *each_alone(rows, order, score)] if order else []
    tables = f"{_confirmed(sweep)}{_ranking(sweep)}"
    body = f"{_top(sweep)}<main>{tables}{_charts(wide, narrow)}{_failures(sweep)}{_method(sweep)}</main>"
    path = folder / PAGE_FILE
    path.write_text(document(f"{sweep['name']}: sweep", body, [*wide, *narrow]), encoding="utf-8")
    return path


def _top(sweep: Mapping[str, Any]) -> str:
    flagged = sweep["verdict"]["flagged"]
    tone, word = ("severe", "flagged") if flagged else ("good", "not flagged")
    numbers = "".join(
        f'<p class="meta"><strong>{escape(name)}</strong> {escape(text)}</p>' for name, text in figures(sweep)
    )
    lines = "".join(f'<p class="meta">{escape(note)}</p>' for note in notes(sweep))
    return (
        f'<header class="top"><h1>{escape(sweep["name"])}: sweep<span class="badge {tone}">{word}</span></h1>'
        f'<p class="meta">{escape(" \N{MIDDLE DOT} ".join(meta(sweep)))}</p>'
        f'<p class="headline">{escape(headline(sweep))}</p>{numbers}{lines}</header>'
    )


def _ranking(sweep: Mapping[str, Any]) -> str:
    if not sweep["ranking"]:
        return ""
    keys = keys_in(sweep)
    table = _table(columns(sweep), [cells(one, keys) for one in sweep["ranking"][:_MOST_ROWS]])
    more = len(sweep["ranking"]) - _MOST_ROWS
    rest = f" {more:,} more are in sweep.json and results.parquet." if more > 0 else ""
    hint = f"{PLATEAU} Money in {sweep['currency']}.{rest}"
    return f'<section><h2>Ranking</h2><p class="hint">{escape(hint)}</p><div class="card">{table}</div></section>'


def _confirmed(sweep: Mapping[str, Any]) -> str:
    """Return how far screening and the engine agree; nothing for a sweep on the engine alone."""
    if sweep["screen"] is None:
        return ""
    said = "".join(f'<p class="hint">{escape(line)}</p>' for line in agreement(sweep))
    confirmed = sweep["screen"]["confirmed"]
    if confirmed is None:
        return f"<section><h2>Screened, not confirmed</h2>{said}</section>"
    keys = keys_in(sweep)
    head = [*(key.rpartition(".")[2] for key in keys), *CONFIRMED_HEAD]
    table = _table(head, [confirmed_cells(one, keys) for one in confirmed["pairs"]])
    return f'<section><h2>Screened and confirmed by the engine</h2>{said}<div class="card">{table}</div></section>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    names = "".join(f'<th scope="col" style="text-align:right">{escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'


def _charts(wide: Sequence[Chart], narrow: Sequence[Chart]) -> str:
    if not wide and not narrow:
        return ""
    grid = f'<div class="grid2">{"".join(map(figure_card, narrow))}</div>'
    return f"<section><h2>What was set, and what came of it</h2>{''.join(map(figure_card, wide))}{grid}</section>"


def _failures(sweep: Mapping[str, Any]) -> str:
    pairs = [
        (", ".join(f"{key}={value}" for key, value in one["point"].items()), one["reason"])
        for one in sweep["failed"][:_MOST_FAILURES]
    ]
    pairs += [("left out", line) for line in sweep["left_out"][:_MOST_FAILURES]]
    if not pairs:
        return ""
    return f'<section><h2>What did not run</h2><div class="card">{pairs_table("Runs", pairs)}</div></section>'


def _method(sweep: Mapping[str, Any]) -> str:
    names = ("parameters", "overrides", "random", "seed", "step_s", "data_fingerprints", "packages")
    settings = pairs_table("Settings", flatten({name: sweep[name] for name in names}))
    return (
        f'<section><h2>How it is judged</h2><div class="card"><p>{escape(READING)}</p></div>'
        f'<div class="card">{settings}</div></section>'
    )
