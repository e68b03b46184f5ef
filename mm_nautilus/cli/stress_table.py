"""What a stress run prints when it ends: the scorecard, what had to be kept, and why each run that failed did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mm_nautilus.stress.judged import COLUMNS, bounds_in_words, cells

_SHOWN: Final = 20
"""Reasons printed; all of them are on the page."""


def stress_table(stress: Mapping[str, Any]) -> RenderableType:
    """Return a stress run as something rich can print: one row for each quantity, so that it fits into 80 columns.

    Parameters
    ----------
    stress : mapping
        ``stress.json``.

    """
    title = Text(str(stress["name"]), style="bold")
    title.append("  passed" if stress["passed"] else "  failed", style="green" if stress["passed"] else "bold red")
    title.append(f"  {', '.join(stress['instruments'])}", style="dim")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(style="dim")
    for name in stress["scenarios"]:
        table.add_column(name.replace("_", " ").replace("-", " "), justify="right")
    columns = [cells(worst) for worst in stress["scenarios"].values()]
    failed = [worst["passed"] < worst["runs"] for worst in stress["scenarios"].values()]
    for row, label in enumerate(COLUMNS):
        styles = ["bold red" if row == 0 and bad else "" for bad in failed]
        found = [Text(column[row], style=style) for column, style in zip(columns, styles, strict=True)]
        table.add_row(label, *found)
    words = bounds_in_words(stress["bounds"], list(stress["scenarios"].values()))
    return Group(Padding(title, (1, 0, 0, 0)), table, Text(words, style="dim"), *_reasons(stress))


def _reasons(stress: Mapping[str, Any]) -> list[RenderableType]:
    found = [(run["folder"], reason) for run in stress["runs"] for reason in run["reasons"]]
    lines: list[RenderableType] = [
        Text.assemble((folder, "bold red"), "  ", reason) for folder, reason in found[:_SHOWN]
    ]
    if len(found) > _SHOWN:
        lines.append(Text(f"and {len(found) - _SHOWN} more; the page has all of them", style="dim"))
    return lines
