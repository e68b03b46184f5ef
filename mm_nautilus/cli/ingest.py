"""``mm-nautilus ingest``: captures of real markets into a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def ingest(
    spec: Annotated[Path, typer.Argument(help="TOML file that says what the captures are; see configs/ingest.")],
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Captures, in order of time.")],
    catalog: Annotated[Path, typer.Option(help="Catalogue folder; made if missing.")],
    venue: Annotated[
        str | None, typer.Option(help="Name the instruments' venue so, as for the second account at one exchange.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove files that the new data overlap, each one whole.")
    ] = False,
) -> None:
    """Read captures into a catalogue, all of them or nothing, and say what was wrong with them.

    An ingest may be interrupted and repeated: what is not complete is not visible, and what is there
    already is not added again.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from mm_nautilus.catalog.ingest import ingest as run
    from mm_nautilus.catalog.quality_table import quality_tables
    from mm_nautilus.catalog.sources import check_sources
    from mm_nautilus.catalog.spec import load_spec

    console = Console()
    loaded = load_spec(spec, venue)
    check_sources(sources)
    columns = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[rows]:,} rows"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=sum(source.stat().st_size for source in sources), rows=0)
        rows = 0

        def advance(count: int, written: int) -> None:
            nonlocal rows
            rows += written
            progress.update(task, advance=count, rows=rows)

        done = run(loaded, sources, catalog, replace=replace, advance=advance)
    if done.repeated:
        console.print(f"nothing to do: {catalog} holds this ingest already", highlight=False, markup=False)
        return
    for table in quality_tables(done.reports.values()):
        console.print(table)
    for path in done.replaced:
        console.print(f"replaced {path}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"catalogue {catalog}", highlight=False, markup=False, soft_wrap=True)
