"""``mm-nautilus show``: one moment of a run, explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run.")],
    at: Annotated[
        str,
        typer.Option(help="When: 2024-08-08T12:00:00.5 or 12:00:00.5 (UTC), or +90 for 90 s after the start."),
    ],
    around: Annotated[
        float, typer.Option(min=0.0, help="Seconds told of what came before, and twice as many of what came next.")
    ] = 5.0,
    instrument: Annotated[str | None, typer.Option(help="Only this instrument.")] = None,
) -> None:
    """Explain one moment: the book, the decision in force term by term, our orders, and what happened next."""
    from rich.console import Console

    from mm_nautilus.analytics.moment import instant, moment, span
    from mm_nautilus.analytics.runlog import RunLog
    from mm_nautilus.cli.moment_view import moment_view

    log = RunLog.open(run_dir)
    around_ns = round(around * 1e9)
    found = moment(log, instant(at, *span(log)), around_ns, 2 * around_ns, instrument)
    Console(highlight=False).print(moment_view(found, complete=log.complete))
