"""What a sweep prints when it ends: the verdict, and under it the ranking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mm_nautilus.sweep.words import (
    CONFIRMED_HEAD,
    PLATEAU,
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

_MOST_FAILURES: Final = 8
_LAST: Final = -3
"""The page shows the last three columns too; a terminal of 80 has no room for them."""


def sweep_table(sweep: Mapping[str, Any], top: int) -> RenderableType:
    """Return a sweep as something rich can print.

    Parameters
    ----------
    sweep : mapping
        ``sweep.json``.
    top : int
        Lines of the ranking.

    """
    title = Text(str(sweep["name"]), style="bold")
    title.append("  " + ", ".join(meta(sweep)), style="dim")
    tone = "bold red" if sweep["verdict"]["flagged"] else "bold green"
    said = [Text.assemble((name, "dim"), "  ", text) for name, text in figures(sweep)]
    return Group(
        Padding(title, (1, 0, 0, 0)),
        Text(headline(sweep), style=tone),
        *said,
        *(Text(note, style="yellow") for note in notes(sweep)),
        *_ranking(sweep, top),
        *_failures(sweep),
    )


def screen_table(sweep: Mapping[str, Any]) -> RenderableType:
    """Return how far screening and the engine agree, side by side, as something rich can print.

    Parameters
    ----------
    sweep : mapping
        ``sweep.json`` of a screened sweep.

    """
    said = [Text(line, style="dim") for line in agreement(sweep)]
    confirmed = sweep["screen"]["confirmed"]
    if confirmed is None:
        return Group(*said)
    keys = keys_in(sweep)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in (*(key.rpartition(".")[2] for key in keys), *CONFIRMED_HEAD):
        table.add_column(name, justify="right")
    for one in confirmed["pairs"]:
        table.add_row(*confirmed_cells(one, keys))
    return Group(table, *said)


def _ranking(sweep: Mapping[str, Any], top: int) -> list[RenderableType]:
    if not sweep["ranking"]:
        return []
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in columns(sweep)[:_LAST]:
        table.add_column(name, justify="right")
    keys = keys_in(sweep)
    for one in sweep["ranking"][:top]:
        table.add_row(*cells(one, keys)[:_LAST])
    return [table, Text(f"{PLATEAU} Money in {sweep['currency']}.", style="dim")]


def _failures(sweep: Mapping[str, Any]) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text.assemble(
            (", ".join(f"{key}={value}" for key, value in one["point"].items()), "bold red"), "  ", one["reason"]
        )
        for one in sweep["failed"][:_MOST_FAILURES]
    ]
    more = len(sweep["failed"]) - _MOST_FAILURES
    if more > 0:
        lines.append(Text(f"and {more:,} more; sweep.json has all of them", style="dim"))
    return lines
