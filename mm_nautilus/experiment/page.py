"""The page of an experiment: what each response did, what may be said of it, and how that was found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from mm_nautilus.analytics.numbers import duration
from mm_nautilus.analytics.report.fragments import caveat_list, pairs_table, records_table
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.section import figure_card
from mm_nautilus.experiment.charts import effect_charts, markout_chart, pnl_chart, pooled, withdrawn_chart
from mm_nautilus.experiment.measure import Measured
from mm_nautilus.experiment.responses import OFF
from mm_nautilus.experiment.words import notes, rows, sentence, withdrawn
from mm_nautilus.train.words import band_rows

type Json = Mapping[str, Any]


def write_page(result: Json, runs: Mapping[str, Sequence[Measured]], path: Path) -> Path:
    """Write the page and return its path.

    Parameters
    ----------
    result : mapping
        ``experiment.json``.
    runs : mapping of response to runs
        What they measured.
    path : Path
        To write to.

    """
    charts = [
        *effect_charts(result),
        markout_chart({name: pooled(some) for name, some in runs.items()}),
        pnl_chart(runs, result["currency"]),
        withdrawn_chart(result),
    ]
    body = "".join(
        (
            _top(result),
            "<main><section><h2>In numbers</h2>",
            f'<div class="card"><div class="scroll">{_table(result)}</div></div>',
            "</section><section><h2>In pictures</h2>",
            *(figure_card(chart) for chart in charts),
            "</section><section><h2>How it was made</h2>",
            *(f'<div class="card">{one}</div>' for one in _method(result)),
            "</section></main>",
        )
    )
    title = f"{result['name']}: responses to adverse selection"
    path.write_text(document(title, body, charts), encoding="utf-8")
    return path


def _top(result: Json) -> str:
    meta = " \N{MIDDLE DOT} ".join(
        [result["instrument_id"], f"{duration(3600.0 * result['hours'])} of market", f"seed {result['seed']}"]
    )
    said = "".join(
        f'<p class="headline">{escape(sentence(result, name))}</p>' for name in result["effects"] if name != OFF
    )
    return f'<header class="top"><h1>{escape(result["name"])}</h1><p class="meta">{escape(meta)}</p>{said}</header>'


def _table(result: Json) -> str:
    records = rows(result)
    head = "".join(f'<th scope="col" style="text-align:right">{escape(name)}</th>' for name in records[0])
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{escape(cell)}</th>' if name == "figure" else f'<td class="number">{escape(cell)}</td>'
            for name, cell in record.items()
        )
        + "</tr>"
        for record in records
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _method(result: Json) -> list[str]:
    found = ["".join(f"<p>{escape(note)}</p>" for note in notes(result))]
    found.append(records_table("Time withdrawn and widened", withdrawn(result)))
    if result["training"] is not None:
        bands = band_rows(result["training"]["fifths"])
        found.append(records_table("Held-out fills of the training, by predicted chance", bands))
    folders = [(name, ", ".join(some)) for name, some in result["folders"].items()]
    found.append(pairs_table("Run folders, each with its own report", folders))
    found.append(caveat_list(result["caveats"]))
    return found
