"""``mm-nautilus backtest``: a run file, a result, a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

QUICKSTART = Path("configs/quickstart.toml")


def backtest(
    run_file: Annotated[Path | None, typer.Argument(help="TOML run file; the quickstart when left out.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value, as in strategy.gamma=0.2."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override run.seed.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the run folder is made in.")] = None,
) -> None:
    """Run a strategy on recorded or simulated data and write its result and report."""
    from rich.console import Console

    from mm_nautilus.backtest import run_backtest
    from mm_nautilus.cli.tables import result_table

    console = Console()
    with console.status("starting") as status:
        outcome = run_backtest(run_file or _quickstart(), overrides or (), seed=seed, output=output, say=status.update)
    console.print(result_table(outcome.result))
    console.print(f"report  [bold]{outcome.report}[/]", soft_wrap=True, highlight=False)


def _quickstart() -> Path:
    """Return the quickstart's run file, from the folder we are in or from the source tree."""
    from mm_nautilus.errors import UserError

    if QUICKSTART.is_file():
        return QUICKSTART
    beside = Path(__file__).resolve().parents[2] / QUICKSTART
    if beside.is_file():
        return beside
    raise UserError(f"no run file given, and no {QUICKSTART} here; name one: mm-nautilus backtest RUNFILE")
