"""``mm-nautilus stress``: a strategy in the markets that market makers die of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def stress(
    run_file: Annotated[Path, typer.Argument(help="TOML run file.")],
    scenarios: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="NAME", help="Run this scenario only; may be given several times."),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=0, max=1000, help="Simulated markets a scenario; 0 leaves the scenarios out.")
    ] = 10,
    windows: Annotated[
        list[str] | None,
        typer.Option(
            "--window",
            metavar="START..END",
            help="Judge a stretch of the run's own data too; may be given several times.",
        ),
    ] = None,
    duration_s: Annotated[
        float | None, typer.Option(min=1, help="Seconds of each scenario; half an hour when left out.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs side by side; one a core when left out.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value, as in stress.max_loss=50."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the stress run's folder is made in.")] = None,
) -> None:
    """Run a strategy through high_volatility, low_liquidity, one_sided_flow, flash_crash and news_event.

    Each scenario happens to a market that looks like the run file's instrument. The scorecard says how close the worst
    case came to the limit, how much was lost, and what the risk rules and hedges did about it. The exit code is 1 where
    a bound was broken or a run failed.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mm_nautilus.cli.stress_table import stress_table
    from mm_nautilus.stress import parse_window
    from mm_nautilus.stress import stress as run

    spans = [parse_window(window) for window in windows or ()]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        outcome = run(
            run_file,
            overrides or (),
            scenarios=scenarios or (),
            seeds=seeds,
            windows=spans,
            duration_s=duration_s,
            jobs=jobs,
            output=output,
            begin=lambda cases: bar.update(task, total=cases),
            done=lambda _case: bar.advance(task),
            say=lambda text: bar.update(task, description=text),
        )
    console = Console()
    console.print(stress_table(outcome.stress))
    console.print(f"page  [bold]{outcome.page}[/]", soft_wrap=True, highlight=False)
    if not outcome.passed:
        raise typer.Exit(1)
