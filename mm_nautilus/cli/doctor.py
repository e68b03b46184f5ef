"""``mm-nautilus doctor``: what would be wrong with trading a run file now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    run_file: Annotated[Path, typer.Argument(help="TOML run file.")],
    paper: Annotated[bool, typer.Option("--paper/--real", help="For paper trading: no keys, no balances.")] = False,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value, as in strategy.gamma=0.2."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the run folder would be made in.")] = None,
) -> None:
    """Check clock, keys, endpoints, instruments, sizes, balances, fees, disk and ports; send no order.

    Exits with 0 where trading can begin, with 2 where there is a problem.
    """
    from rich.console import Console

    from mm_nautilus.cli.findings_table import findings_table, verdict
    from mm_nautilus.live.doctor.examine import Examined, examine
    from mm_nautilus.live.doctor.findings import problems
    from mm_nautilus.live.settings import load_live

    console = Console()
    given = overrides or []
    with console.status("looking"):
        run = load_live(run_file, given)
        folder = output or run.loaded.run_file.run.output
        found = examine(Examined(run, "paper" if paper else "real", folder, given))
    console.print(findings_table(found))
    console.print(verdict(found))
    if problems(found):
        raise typer.Exit(2)
