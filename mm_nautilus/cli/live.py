"""``mm-nautilus live``: the run file of a backtest on a live node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def live(
    run_file: Annotated[Path | None, typer.Argument(help="TOML run file; the quickstart when left out.")] = None,
    paper: Annotated[bool, typer.Option("--paper", help="Live data, simulated execution.")] = False,
    replay: Annotated[
        Path | None, typer.Option(metavar="CATALOG", help="Replay this catalogue instead of the run file's data.")
    ] = None,
    confirm: Annotated[
        list[str] | None,
        typer.Option(metavar="ACCOUNT", help="Send real orders to this account; name every account of the run."),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="Seconds of the market per second in a replay, or 'max'.", show_default=True)
    ] = "1",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value, as in strategy.gamma=0.2."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override run.seed.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the run folder is made in.")] = None,
) -> None:
    """Trade a run file on a live node: replayed by default, on paper, or for real with --confirm."""
    from rich.console import Console

    from mm_nautilus.backtest.run import RunFailedError
    from mm_nautilus.cli.backtest import _quickstart
    from mm_nautilus.cli.tables import result_table
    from mm_nautilus.errors import ParameterError, UserError
    from mm_nautilus.live.beside.address import can_serve
    from mm_nautilus.live.interrupts import Interrupts
    from mm_nautilus.live.run import Paper, Real, Replay, run_live

    if sum((paper, replay is not None, bool(confirm))) > 1:
        raise UserError("--paper, --replay and --confirm exclude each other")
    pace = None if speed == "max" else _number(speed)
    if pace is not None and not pace > 0.0:
        raise ParameterError("--speed", speed, "a number > 0, or 'max'")
    mode = Paper() if paper else Real(tuple(confirm)) if confirm else Replay(replay, pace)
    console = Console()
    sets = list(overrides or ())
    if run_file is None and can_serve():
        sets.insert(0, "live.monitor.port=any")  # who looks for the first time wants to see something
    with Interrupts() as interrupts:  # until all is said: one request may arrive twice
        try:
            with console.status("starting") as status:

                def say(doing: str) -> None:
                    status.update(doing)
                    if "://" in doing:  # where the page is has to stay on the screen
                        console.print(doing, soft_wrap=True, highlight=False)

                def tell(words: str) -> None:
                    console.print(words, style="bold yellow", soft_wrap=True, highlight=False, markup=False)

                path = run_file or _quickstart()
                outcome = run_live(
                    path, sets, mode, seed=seed, output=output, say=say, tell=tell, interrupts=interrupts
                )
        except RunFailedError as error:
            _say_failure(error)
            raise typer.Exit(1) from None
        if outcome.report is None:
            console.print(
                f"stopped before anything was traded; what there is of it is in {outcome.run_dir}", soft_wrap=True
            )
        else:
            console.print(result_table(outcome.result))
            console.print(f"report  [bold]{outcome.report}[/]", soft_wrap=True, highlight=False)


def _say_failure(error: BaseException) -> None:
    """Print what failed, why, and where in our code: one screen; the whole traceback is in the node's log."""
    import traceback
    from pathlib import Path

    from rich.console import Console
    from rich.markup import escape

    lines, cause = [f"[bold red]failed[/]  {escape(str(error))}"], error.__cause__
    while cause is not None:
        lines.append(f"because  {escape(type(cause).__name__)}: {escape(str(cause))}")
        frames = [one for one in traceback.extract_tb(cause.__traceback__) if "site-packages" not in one.filename]
        if frames:
            lines.append(f"at       {Path(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name}")
        cause = cause.__cause__
    Console(stderr=True, highlight=False).print("\n".join(lines), soft_wrap=True)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
