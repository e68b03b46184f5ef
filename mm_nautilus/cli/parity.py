"""``mm-nautilus parity``: a live run against the backtest of the data it received."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def parity(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a live run: replayed, on paper or real.")],
    measured_latency: Annotated[
        bool, typer.Option("--measured-latency", help="Backtest with the latency that the live run measured.")
    ] = False,
) -> None:
    """Backtest the window of a live run with its own run file, and say where decisions, orders and fills part."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from mm_nautilus.parity.run import check_parity
    from mm_nautilus.parity.tables import rows_of, verdict

    console = Console()
    with console.status("starting") as status:
        found = check_parity(run_dir, measured_latency=measured_latency, say=status.update)
    console.print(verdict(found.result), style="bold green" if found.same else "bold yellow", highlight=False)
    for one in found.result["divergences"][1:]:
        console.print(f"then, after {one['row']:,} equal {one['stream']}: {one['explanation']}", highlight=False)
    for note in found.result["notes"]:
        console.print(f"note: {note}", style="dim", highlight=False)
    for one in rows_of(found.result):
        table = Table(title=one.title, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
        for number, heading in enumerate(one.headings):
            table.add_column(heading, justify="right" if number else "left")
        for row in one.rows:
            table.add_row(*row)
        console.print(table)
    for line in found.result["latency"]["set"]:
        console.print(f"latency  --set '{line}'", soft_wrap=True, highlight=False, markup=False)
    console.print(f"page  [bold]{found.page}[/]", soft_wrap=True, highlight=False)
