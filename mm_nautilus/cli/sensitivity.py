"""``mm-nautilus sensitivity``: what a result does not survive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sensitivity(
    run_file: Annotated[Path, typer.Argument(help="TOML run file.")],
    seeds: Annotated[
        int | None, typer.Option(min=0, max=1000, help="Other seeds to run under; the run file's, or 3.")
    ] = None,
    horizon_s: Annotated[
        float | None,
        typer.Option(min=0.001, help="Seconds after which the fills to remove are judged; the run file's, or 5."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs side by side; one a core when left out.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value, as in strategy.gamma=0.2."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override run.seed.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the folder of all runs is made in.")] = None,
) -> None:
    """Run a run file again under other assumptions and print what becomes of its PnL.

    Latency times 0, 3 and 10; queue position off; rebates zero; fees one tier worse; the better half of the maker
    fills removed; other seeds: all of them, or those that the run file's table report.sensitivity names. The exit code
    is 1 where one of the runs failed.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mm_nautilus.cli.sensitivity_table import sensitivity_table
    from mm_nautilus.sensitivity import sensitivity as run

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        outcome = run(
            run_file,
            overrides or (),
            seed=seed,
            seeds=seeds,
            horizon_s=horizon_s,
            jobs=jobs,
            output=output,
            begin=lambda cases: bar.update(task, total=cases),
            done=lambda _case: bar.advance(task),
            say=lambda text: bar.update(task, description=text),
        )
    console = Console()
    console.print(sensitivity_table(outcome.sensitivity))
    console.print(f"page  [bold]{outcome.page}[/]", soft_wrap=True, highlight=False)
    if not outcome.complete:
        raise typer.Exit(1)
