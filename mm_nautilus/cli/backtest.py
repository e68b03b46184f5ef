"""``mm-nautilus backtest``: a run file, a result, a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mm_nautilus.backtest import Outcome
    from mm_nautilus.sensitivity import SensitivityOutcome

QUICKSTART = Path("configs/quickstart.toml")


def backtest(
    run_file: Annotated[Path | None, typer.Argument(help="TOML run file; the quickstart when left out.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value, as in strategy.gamma=0.2."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override run.seed.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the run folder is made in.")] = None,
    sensitivity: Annotated[
        bool | None,
        typer.Option(
            "--sensitivity/--no-sensitivity",
            help="Whether to run it again under other assumptions; as the run file says when left out.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a strategy on recorded or simulated data and write its result and report.

    Where the run file's table report.sensitivity or --sensitivity asks for it, the run is repeated under other
    assumptions, and the report and what is printed show what becomes of the PnL. The exit code is then 1 where one of
    those runs failed.
    """
    from rich.console import Console

    from mm_nautilus.backtest import run_backtest
    from mm_nautilus.cli.sensitivity_table import sensitivity_table
    from mm_nautilus.cli.tables import result_table

    path, sets = run_file or _quickstart(), list(overrides or ())
    if sensitivity:
        sets += _asking(path, sets)
    console = Console()
    with console.status("starting") as status:
        outcome = run_backtest(path, sets, seed=seed, output=output, say=status.update)
        tried = None if sensitivity is False else _tried(outcome, status.update)
    console.print(result_table(outcome.result))
    if tried is not None:
        console.print(sensitivity_table(tried.sensitivity))
    console.print(f"report  [bold]{outcome.report}[/]", soft_wrap=True, highlight=False)
    if tried is not None and not tried.complete:
        raise typer.Exit(1)


def _asking(path: Path, overrides: Sequence[str]) -> list[str]:
    """Return the override that asks for a sensitivity table, none where the run file does so itself."""
    from mm_nautilus.config import read_run_file

    report = read_run_file(path, overrides)[0].get("report", {})
    return [] if isinstance(report, dict) and "sensitivity" in report else ["report.sensitivity={}"]


def _tried(outcome: Outcome, say: Callable[[str], None]) -> SensitivityOutcome | None:
    """Run again under the assumptions that the run file asks for, counting aloud."""
    from mm_nautilus.sensitivity import sensitivity_of

    ended, runs = 0, 0

    def begin(count: int) -> None:
        nonlocal runs
        runs = count

    def done(_case: object) -> None:
        nonlocal ended
        ended += 1
        say(f"under other assumptions: {ended} of {runs} runs done")

    return sensitivity_of(outcome, begin=begin, done=done, say=say)


def _quickstart() -> Path:
    """Return the quickstart's run file, from the folder we are in or from the source tree."""
    from mm_nautilus.errors import UserError

    if QUICKSTART.is_file():
        return QUICKSTART
    beside = Path(__file__).resolve().parents[2] / QUICKSTART
    if beside.is_file():
        return beside
    raise UserError(f"no run file given, and no {QUICKSTART} here; name one: mm-nautilus backtest RUNFILE")
