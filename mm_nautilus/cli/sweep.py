"""``mm-nautilus sweep``: many parameter sets, and whether the best of them is luck."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sweep(
    run_file: Annotated[Path, typer.Argument(help="TOML run file.")],
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="KEY=LOW:HIGH:COUNT",
            help="Values of one key, as in strategy.gamma=0.05:0.5:10, strategy.gamma=0.01:10:7:log or "
            "strategy.model=glft,symmetric; may be given several times.",
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="N random points instead of the grid; then KEY=LOW:HIGH is a whole range."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random points and of the bootstrap; not run.seed.")] = 0,
    points_file: Annotated[
        Path | None, typer.Option("--list", metavar="CSV", help="Points from a CSV file with a line of keys.")
    ] = None,
    walk_forward: Annotated[
        str | None,
        typer.Option(metavar="CHOOSE:TRADE", help="Also choose on one window and trade the next, as in 2h:30min."),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="With --walk-forward: calibrate each window, and trade the next with it."),
    ] = False,
    score: Annotated[str, typer.Option(help="Rank by sharpe or pnl.")] = "",
    step_s: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds of each PnL increment; from the length of the data.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Runs side by side; one a core when left out.")] = None,
    address: Annotated[
        str | None, typer.Option(help="Of a Ray cluster, or 'auto'; a Ray of its own on this machine when left out.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Go on with a sweep; completed runs are not repeated.")
    ] = None,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave out points that the run file cannot take.")
    ] = False,
    keep_runs: Annotated[bool, typer.Option("--keep-runs", help="Keep every run's folder with its log.")] = False,
    screen: Annotated[
        bool, typer.Option("--screen", help="Rank by compiled runs instead of the engine's; see docs/sweeps.md.")
    ] = False,
    confirm: Annotated[
        int, typer.Option(min=0, metavar="N", help="With --screen: run the N best on the engine, too.")
    ] = 0,
    sample: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="And N others drawn at random, to tell how far screening agrees; 10 with --confirm.",
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Lines of the ranking to print.")] = 10,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value for every run."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the sweep's folder is made in.")] = None,
) -> None:
    """Run a run file over many parameter sets, rank them plateau before peak, and say whether the best is luck.

    Every point is checked before anything runs. Each run's row is in Parquet as soon as it has ended, so a sweep that
    was interrupted goes on with --resume FOLDER. Needs the extra 'sweep' (Ray).
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from mm_nautilus.cli.sweep_table import screen_table, sweep_table
    from mm_nautilus.errors import UserError
    from mm_nautilus.sweep import Score, parse_windows, request_of
    from mm_nautilus.sweep import sweep as run

    if score and score not in list(Score):
        raise UserError(f"--score {score}: no such score; there are {', '.join(Score)}")
    if not screen and resume is None and (confirm or sample):
        raise UserError("--confirm and --sample are about screened runs; give --screen, too")
    request = request_of(
        points_file,
        parameters=tuple(parameters or ()),
        random=random,
        seed=seed,
        overrides=tuple(overrides or ()),
        score=Score(score or Score.SHARPE),
        step_s=step_s,
        windows=None if walk_forward is None else parse_windows(walk_forward),
        calibrate=calibrate,
        skip_invalid=skip_invalid,
        screen=screen,
        confirm=confirm,
        sample=sample if sample is not None else 10 if confirm else 0,
    )
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    failed = 0
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=600) as bar:
        task = bar.add_task("starting", total=None)

        def begun(folder: Path, runs: int, finished: int) -> None:
            bar.update(task, total=runs, completed=finished)
            bar.console.print(f"rows in {folder}; --resume goes on there after an interruption", soft_wrap=True)

        def ended(completed: bool) -> None:
            nonlocal failed
            failed += not completed
            bar.advance(task)
            if failed:
                bar.update(task, description=f"running, {failed} failed")

        outcome = run(
            run_file,
            request,
            resume=resume,
            workers=workers,
            address=address,
            keep_runs=keep_runs,
            output=output,
            begin=begun,
            done=lambda row: ended(row.completed),
            say=lambda text: bar.update(task, description=text),
        )
    console = Console()
    console.print(sweep_table(outcome.sweep, top))
    if outcome.sweep["screen"] is not None:
        console.print(screen_table(outcome.sweep))
    console.print(f"page  [bold]{outcome.page}[/]", soft_wrap=True, highlight=False)
    if not outcome.sweep["completed"]:
        raise typer.Exit(1)
