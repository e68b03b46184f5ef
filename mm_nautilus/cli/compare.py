"""``mm-nautilus compare``: several models on the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    run_file: Annotated[Path, typer.Argument(help="TOML run file.")],
    models: Annotated[
        str,
        typer.Option(
            help="Models, or names of compare.NAME tables in the run file, separated by commas; the others are "
            "compared to the first."
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="TABLE.KEY=VALUE", help="Override one value, as in compare.symmetric.half_spread=0.5."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override run.seed, which also seeds the bootstrap.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the comparison's folder is made in.")] = None,
    block_s: Annotated[
        float | None, typer.Option(min=0.001, help="Length of a bootstrap block in seconds; chosen from the data.")
    ] = None,
) -> None:
    """Run several quoting models on the same data and say what can be told apart.

    Every model takes over the parameters of the run file that it knows, then those of its table compare.MODEL.
    The half_spread, horizon_s and quote_lifetime_s are derived from intensity and position limit where neither
    gives them. A table compare.NAME with a key 'model' makes another contender of the same model.
    """
    from rich.console import Console

    from mm_nautilus.backtest.compare import compare as compare_models
    from mm_nautilus.cli.comparison_table import comparison_table

    names = [name.strip() for name in models.split(",") if name.strip()]
    console = Console()
    with console.status("starting") as status:
        outcome = compare_models(
            run_file, names, overrides or (), seed=seed, output=output, block_s=block_s, say=status.update
        )
    console.print(comparison_table(outcome.comparison, outcome.standings))
    console.print(f"page  [bold]{outcome.page}[/]", soft_wrap=True, highlight=False)
