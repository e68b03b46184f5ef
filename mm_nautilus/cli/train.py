"""``mm-nautilus train``: a run file, or a run, and a model that knows which fills turn adverse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType


def train(
    run_file: Annotated[Path | None, typer.Argument(help="TOML run file; it is run, with features recorded.")] = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="RUN_DIR", help="Train on this run instead; it recorded features.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value of the run file."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override run.seed, which also seeds the training.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder that the training's folder is made in.")] = None,
    horizon_s: Annotated[float, typer.Option(help="Markout horizon of the label, in seconds.")] = 5.0,
    threshold_bps: Annotated[
        float, typer.Option(help="A fill is adverse where its markout is below this, in bps of the mid.")
    ] = 0.0,
    folds: Annotated[int, typer.Option(help="Stretches of time that are tested on.")] = 5,
    embargo_s: Annotated[
        float | None, typer.Option(help="Seconds between the last known label and a test; the horizon.")
    ] = None,
    block_s: Annotated[float | None, typer.Option(help="Seconds of a bootstrap block; chosen from the data.")] = None,
) -> None:
    """Train classifiers of adverse fills on a run, and say on later fills what they are worth.

    Random forest and gradient boosting against a logistic and a base-rate baseline, on purged and embargoed
    walk-forward splits. The best one's model file is what strategy.adverse_selection.model names. Needs the ml extra.
    """
    from pydantic import BaseModel, ValidationError
    from rich.console import Console

    from mm_nautilus.adverse_selection.classifier.labels import LabelSettings
    from mm_nautilus.adverse_selection.classifier.training import TrainingSettings
    from mm_nautilus.config import problems_of
    from mm_nautilus.errors import ConfigError
    from mm_nautilus.train import train_model

    def settings_of[S: BaseModel](schema: type[S], fields: dict[str, Any]) -> S:
        try:
            return schema.model_validate(fields)
        except ValidationError as error:
            raise ConfigError("train", problems_of(error, schema)) from None

    console = Console()
    with console.status("starting") as status:
        done = train_model(
            run_file,
            overrides or (),
            run_dir=run,
            seed=seed,
            output=output,
            label=settings_of(LabelSettings, {"horizon_s": horizon_s, "threshold_bps": threshold_bps}),
            settings=settings_of(TrainingSettings, {"folds": folds, "embargo_s": embargo_s, "block_s": block_s}),
            say=status.update,
        )
    from mm_nautilus.train.words import band_rows, score_rows

    data = done.result["data"]
    console.print(
        _table(
            f"{done.result['instrument_id']}: {data['fills']:,} labelled fills, {data['tested']:,} tested on",
            score_rows(done.result),
        )
    )
    console.print(_table("What the thresholds would have caught", band_rows(done.result["bands"])))
    console.print(done.result["verdict"], style="bold", highlight=False)
    console.print(f"model   [bold]{done.model}[/]", soft_wrap=True, highlight=False)
    console.print(f"report  [bold]{done.page}[/]", soft_wrap=True, highlight=False)


def _table(title: str, records: Sequence[Mapping[str, str]]) -> RenderableType:
    from rich.box import ROUNDED
    from rich.table import Table

    table = Table(title=title, box=ROUNDED, title_justify="left", title_style="bold")
    names = list(records[0])
    table.add_column("", style="dim")
    for record in records:
        table.add_column(record[names[0]], justify="right")
    for name in names[1:]:
        table.add_row(name, *(record[name] for record in records))
    return table
