"""Tables of many rows: what happened when, one event a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_MANY_COLUMNS = 6
MOST_ROWS = 200
"""Rows shown of one table; the log has the rest."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A cell that stands out: its text and how good or bad it is."""

    text: str
    tone: str
    """``good``, ``note``, ``warning`` or ``severe``."""


type Cell = str | Badge


def rows_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], numbers: Sequence[int] = ()) -> str:
    """Return a table with a head; it scrolls sideways where the page is narrow.

    Parameters
    ----------
    caption : str
        Above it.
    heads : sequence of str
        One for each column.
    rows : sequence of sequences of cells
        The first `MOST_ROWS` are shown, and how many are not.
    numbers : sequence of int
        Columns aligned to the right.

    """
    head = "".join(
        f'<th scope="col"{" class=number" if column in numbers else ""}>{escape(name)}</th>'
        for column, name in enumerate(heads)
    )
    body = "".join(
        "<tr>" + "".join(_cell(cell, column in numbers) for column, cell in enumerate(row)) + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    left_out = len(rows) - MOST_ROWS
    more = f'<p class="hint">{left_out:,} more are in the run log.</p>' if left_out > 0 else ""
    kind = "events many" if len(heads) > _MANY_COLUMNS else "events"
    return (
        f'<h3>{escape(caption)}</h3><div class="scroll"><table class="{kind}" aria-label="{escape(caption)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def _cell(cell: Cell, number: bool) -> str:
    if isinstance(cell, Badge):
        return f'<td><span class="badge {escape(cell.tone)}">{escape(cell.text)}</span></td>'
    return f'<td class="{"number" if number else "words"}">{escape(cell)}</td>'
