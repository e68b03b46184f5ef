"""What a sensitivity run prints when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mm_nautilus.analytics.report.sensitivity_section import COLUMNS, cells, verdict

_SHOWN: Final = 5
"""Of the columns; the page shows all of them, a terminal of 80 has no room for more."""


def sensitivity_table(sensitivity: Mapping[str, Any]) -> RenderableType:
    """Return a sensitivity table as something rich can print.

    Parameters
    ----------
    sensitivity : mapping
        ``sensitivity.json``.

    """
    title = Text(str(sensitivity["name"]), style="bold")
    title.append(f"  {', '.join(sensitivity['instruments'])}, money in {sensitivity['currency']}", style="dim")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(style="dim", no_wrap=True)
    for name in COLUMNS[:_SHOWN]:
        table.add_column(name, justify="right")
    for one in sensitivity["cases"]:
        lost = one["pnl"] is None or float(one["pnl"]) <= 0.0
        first, *others = cells(one)[:_SHOWN]
        table.add_row(one["label"], Text(first, style="bold red" if lost else ""), *others)
    explained = [
        Text.assemble((one["label"], "bold"), f"  {one['failure'] or one['words']}", style="dim")
        for one in sensitivity["cases"]
    ]
    same = [Text(line, style="dim") for line in sensitivity["same"]]
    return Group(Padding(title, (1, 0, 0, 0)), Text(verdict(sensitivity)), table, *explained, *same)
