"""What a comparison prints when it ends: the numbers side by side, and what may be said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mm_nautilus.analytics.comparison import BETTER, WORSE, Standing
from mm_nautilus.analytics.numbers import duration
from mm_nautilus.analytics.report.comparison_page import method_of, rows, sentence

_STYLES: Final = {BETTER: "bold green", WORSE: "bold red"}


def comparison_table(comparison: Mapping[str, Any], found: Mapping[str, Sequence[Standing]]) -> RenderableType:
    """Return a comparison as something rich can print.

    Parameters
    ----------
    comparison : mapping
        ``comparison.json``.
    found : mapping of instrument to standings
        The numbers.

    """
    title = Text(str(comparison["name"]), style="bold")
    title.append(f"  {duration(comparison['duration_s'])} of market, seed {comparison['seed']}", style="dim")
    notes = [
        f"{one['name']}: {key} = {_number(one['parameters'][key])}, {words}"
        for one in comparison["contenders"]
        for key, words in one["derived"].items()
    ]
    return Group(
        Padding(title, (1, 0, 0, 0)),
        *(_table(name, some) for name, some in found.items()),
        *(_sentence(one, some[0]) for some in found.values() for one in some[1:]),
        *(Text(note, style="dim") for note in (*notes, method_of(comparison))),
    )


def _table(name: str, found: Sequence[Standing]) -> Table:
    table = Table(
        title=name, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_justify="left", title_style="bold"
    )
    table.add_column(style="dim")
    for one in found:
        # Four models fit into 80 columns, where a name breaks at spaces alone.
        table.add_column(one.name.replace("_", " "), justify="right", min_width=len("distinguishable"))
    for label, cells in rows(found):
        table.add_row(label, *(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    return table


def _sentence(one: Standing, first: Standing) -> Text:
    verdict = "" if one.difference is None else one.difference.verdict
    return Text(sentence(one, first), style=_STYLES.get(verdict, ""))


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
