"""The doctor's findings, as they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.box import ROUNDED
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mm_nautilus.live.doctor.findings import Finding, Level

_STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def findings_table(findings: Sequence[Finding]) -> RenderableType:
    """Return one row a finding: how it is, what was found, what is wanted, what to do."""
    table = Table(box=ROUNDED, expand=True)
    table.add_column(no_wrap=True, min_width=max(len(level.value) for level in Level))
    for heading, ratio in (("checked", 5), ("found", 8), ("wanted", 6), ("what to do", 7)):
        table.add_column(heading, ratio=ratio, overflow="fold")
    for one in findings:
        level = Text(one.level.value, style=_STYLES[one.level])
        table.add_row(level, *(Text(text) for text in (one.subject, one.found, one.wanted, one.remedy)))
    return table


def verdict(findings: Sequence[Finding]) -> RenderableType:
    """Return the last line: whether trading can begin."""
    count = {level: sum(one.level is level for one in findings) for level in Level}
    warnings = f"{count[Level.WARNING]} warning{'' if count[Level.WARNING] == 1 else 's'}"
    if count[Level.PROBLEM]:
        some = f"{count[Level.PROBLEM]} problem{'' if count[Level.PROBLEM] == 1 else 's'}"
        return Text(f"{some}, {warnings}: trading would be refused", style="bold red")
    return Text(f"no problem, {warnings}: trading can begin", style="bold green")
