"""``mm-nautilus experiment``: the same data several times over, one thing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

experiment = typer.Typer(no_args_is_help=True, help="The same data several times over, one thing changed.")


@experiment.callback()
def _experiments() -> None:
    """Run the same data several times over with one thing changed, and say what it did, with intervals."""


@experiment.command("adverse-selection")
def adverse_selection(
    run_file: Annotated[Path, typer.Argument(help="TOML run file.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value of the run file."),
    ] = None,
    responses: Annotated[
        str, typer.Option(help="Of off, rules and trained, separated by commas; off is always run.")
    ] = "off,rules,trained",
    seeds: Annotated[int, typer.Option(min=1, help="Simulated markets to trade, from data.simulation.seed on.")] = 1,
    training_seed: Annotated[
        int | None, typer.Option(help="Simulated market that is learnt from; the first seed plus 1000.")
    ] = None,
    training_s: Annotated[
        float | None, typer.Option(min=60.0, help="Its length in seconds; that of a traded one, at least an hour.")
    ] = None,
    train_share: Annotated[
        float, typer.Option(help="Recorded data: share of the time that is learnt from and not traded.")
    ] = 0.5,
    horizon_s: Annotated[
        float | None,
        typer.Option(help="Horizon of label and realised spread; adverse_selection.delayed_horizon_s of the run file."),
    ] = None,
    block_s: Annotated[
        float | None, typer.Option(min=1.0, help="Length of a bootstrap block in seconds; chosen from the data.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Stretches of time that the training tests on.")] = 5,
    seed: Annotated[int | None, typer.Option(help="Override run.seed; it also seeds training and bootstrap.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the experiment's folder is made in.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as there are processors.")] = None,
) -> None:
    """Do nothing, follow the rules, follow a trained model; say which earns more on the same data.

    Realised spread net of lost fills, PnL, adverse-selection cost and fill rate, each with a paired block-bootstrap
    interval of its change. The model learns from another market, or from the earlier part of recorded data.
    """
    import os

    from pydantic import ValidationError
    from rich.console import Console

    from mm_nautilus.adverse_selection.classifier.training import TrainingSettings
    from mm_nautilus.config import problems_of
    from mm_nautilus.errors import ConfigError
    from mm_nautilus.experiment import adverse_selection as run_experiment
    from mm_nautilus.experiment.responses import OFF
    from mm_nautilus.experiment.words import notes, sentence

    try:
        training = TrainingSettings(folds=folds)
    except ValidationError as error:
        raise ConfigError("training", problems_of(error, TrainingSettings)) from None
    console = Console()
    with console.status("starting") as status:
        done = run_experiment(
            run_file,
            overrides or (),
            responses=[name.strip() for name in responses.split(",") if name.strip()],
            seeds=seeds,
            training_seed=training_seed,
            training_s=training_s,
            train_share=train_share,
            horizon_s=horizon_s,
            block_s=block_s,
            training=training,
            seed=seed,
            output=output,
            jobs=jobs or os.cpu_count() or 1,
            say=status.update,
        )
    console.print(_table(done.result))
    for name in done.result["effects"]:
        if name != OFF:
            console.print(sentence(done.result, name), style="bold", highlight=False)
    for note in notes(done.result):
        console.print(note, style="dim", highlight=False)
    console.print(f"page  [bold]{done.page}[/]", soft_wrap=True, highlight=False)


def _table(result: dict[str, object]) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from mm_nautilus.analytics.numbers import duration
    from mm_nautilus.experiment.words import rows

    styles = {"better": "bold green", "worse": "bold red"}
    hours = float(str(result["hours"]))
    title = f"{result['name']}: {duration(3600.0 * hours)} of market, seed {result['seed']}"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="bold")
    for name in ("figure", "response", "value", "change", "interval", "verdict"):
        table.add_column(name, justify="left" if name in ("figure", "response", "verdict") else "right")
    for record in rows(result):
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in record.values()))
    return table
