"""``mm-nautilus report``: the report of a run anew, and several runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run_dirs: Annotated[list[Path], typer.Argument(help="Folder of a run; several are also put side by side.")],
    page: Annotated[
        Path | None,
        typer.Option(help="Where the page of several runs goes; side-by-side.html in this folder by default."),
    ] = None,
) -> None:
    """Draw the report of each run again from its folder, and put several runs side by side.

    A run that was killed is reported as far as its log goes. Runs may be of different lengths, instruments and
    currencies: the page says in what they differ and what cannot be compared.
    """
    from rich.console import Console

    from mm_nautilus.analytics.report import draw_report
    from mm_nautilus.analytics.report.side_by_side import PAGE_FILE, write_side_by_side
    from mm_nautilus.backtest.rebuild import rebuilt
    from mm_nautilus.cli.side_by_side_table import side_by_side_table
    from mm_nautilus.errors import UserError

    folders = [folder.resolve() for folder in run_dirs]
    if len(set(folders)) < len(folders):
        raise UserError("a run folder is named twice; name each once")
    if page is not None and len(folders) < 2:
        raise UserError("--page is for several runs; a single run's report goes into its folder")
    console = Console()
    runs = []
    with console.status("reading") as status:
        for folder in folders:
            status.update(f"reading {folder.name}")
            run = rebuilt(folder)
            status.update(f"drawing {folder.name}")
            drawn = draw_report(run)
            console.print(f"report  [bold]{drawn}[/]", soft_wrap=True, highlight=False)
            for notice in run.notices:
                console.print(f"        {notice}", soft_wrap=True, highlight=False, markup=False)
            runs.append(run)
        if len(runs) < 2:
            return
        status.update("putting them side by side")
        written = write_side_by_side(page or Path(PAGE_FILE), runs)
    console.print(side_by_side_table(runs))
    console.print(f"page    [bold]{written}[/]", soft_wrap=True, highlight=False)
