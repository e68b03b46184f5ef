"""The page of a comparison: ``parity.html`` in the folder of the live run."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from mm_nautilus.analytics.report.page import document
from mm_nautilus.parity.tables import Rows, rows_of, verdict

PAGE_FILE: Final = "parity.html"


def write_page(run_dir: Path, result: Mapping[str, Any]) -> Path:
    """Write ``parity.html`` and return its path.

    Parameters
    ----------
    run_dir : Path
        Of the live run.
    result : mapping
        ``parity.json``.

    """
    tone, word = ("severe", "part") if result["divergences"] else ("good", "the same")
    notes = "".join(f'<p class="meta"><span class="badge">note</span> {escape(one)}</p>' for one in result["notes"])
    top = (
        f'<header class="top"><h1>Live and backtest<span class="badge {tone}">{word}</span></h1>'
        f'<p class="meta">{escape(run_dir.name)}</p><p class="headline">{escape(verdict(result))}</p>{notes}</header>'
    )
    cards = [_table(rows) for rows in rows_of(result)] + [_settings(result)]
    found = "".join(f"<li>{escape(one['stream'])}: {escape(one['explanation'])}</li>" for one in result["divergences"])
    first = f"<section><h2>First divergences</h2><ul>{found}</ul></section>" if found else ""
    sections = "".join(f'<section><div class="card">{card}</div></section>' for card in cards if card)
    path = run_dir / PAGE_FILE
    path.write_text(document(f"{run_dir.name}: parity", f"{top}<main>{first}{sections}</main>", []), encoding="utf-8")
    return path


def _table(rows: Rows) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in rows.headings)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows.rows
    )
    return (
        f'<div class="scroll"><table><caption>{escape(rows.title)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _settings(result: Mapping[str, Any]) -> str:
    lines = "".join(f"<p><code>--set '{escape(one)}'</code></p>" for one in result["latency"]["set"])
    return f"<h2>The measured latency in a backtest</h2>{lines}" if lines else ""
