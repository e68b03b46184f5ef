"""Several runs beside each other as rich prints them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mm_nautilus.analytics.report.reading import ReportedRun
from mm_nautilus.analytics.report.run_differences import labels, reservations, settings_that_differ
from mm_nautilus.analytics.report.side_by_side import rows, sentences

MOST_SETTINGS = 30
"""Settings printed; the page has all."""


def side_by_side_table(runs: Sequence[ReportedRun]) -> RenderableType:
    """Return what the page of several runs says, in a table, with what stands against comparing them."""
    names = labels(runs)
    parts: list[RenderableType] = [Text(f"mind  {one}", "yellow") for one in reservations(runs)]
    parts.append(_table("Side by side", names, rows(runs), justify="right"))
    differ = list(settings_that_differ(runs).items())
    if differ:
        shown = [(key, values) for key, values in differ[:MOST_SETTINGS]]
        parts.append(_table("Settings that differ", names, shown, justify="left"))
        if len(differ) > MOST_SETTINGS:
            parts.append(Text(f"{len(differ) - MOST_SETTINGS} more settings differ; the page lists them.", "dim"))
    else:
        parts.append(Text("No setting differs."))
    parts += [Text(one, "bold") for one in sentences(runs)]
    return Group(*parts)


def _table(title: str, names: Sequence[str], found: Sequence[tuple[str, list[str]]], *, justify: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=ROUNDED)
    table.add_column(style="dim")
    for name in names:
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    for label, cells in found:
        table.add_row(label, *map(Text, cells))
    return table
