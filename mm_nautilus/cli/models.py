"""``mm-nautilus models``: which quoting models there are, and what each of them assumes and takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from mm_nautilus.models.describe import ModelDescription, ParameterDescription


def models(
    name: Annotated[
        str | None, typer.Argument(help="A model's name, or 'package.module:Class'; all of them when left out.")
    ] = None,
) -> None:
    """List the quoting models, or print one with its formula, assumptions and parameters."""
    from rich.console import Console

    from mm_nautilus.errors import UserError
    from mm_nautilus.models import MODELS, find_model
    from mm_nautilus.models.describe import describe

    console = Console(highlight=False)
    if name is None:
        console.print(_overview([describe(MODELS[one]) for one in sorted(MODELS)]))
        console.print(
            "mm-nautilus models NAME prints the formula, the assumptions and each parameter. Every model also takes:"
        )
        common = [one for one in describe(MODELS["glft"]).parameters if one.common]
        console.print(_parameters("Parameters of every model", common))
        return
    try:
        found = find_model(name)
    except ValueError as error:
        raise UserError(str(error)) from error
    described = describe(found)
    console.print(f"[bold]{described.name}[/]\n")
    console.print(described.text, markup=False, soft_wrap=True)
    console.print()
    console.print(_parameters("Parameters", described.parameters))
    console.print(f'In a run file: model = "{name}" in \\[strategy], and the parameters as keys beside it.')


def _overview(described: Iterable[ModelDescription]) -> Table:
    from rich.table import Table

    table = Table(title="Quoting models", title_justify="left", title_style="bold", show_lines=True)
    table.add_column("model", style="bold", no_wrap=True)
    table.add_column("what it is")
    table.add_column("its parameters (* required)")
    for one in described:
        own = (item.name + ("*" if item.required else "") for item in one.parameters if not item.common)
        table.add_row(one.name, one.summary, ", ".join(own))
    return table


def _parameters(title: str, parameters: Iterable[ParameterDescription]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("parameter", style="bold", no_wrap=True)
    for column in ("unit", "default", "allowed", "meaning"):
        table.add_column(column)
    for one in parameters:
        table.add_row(one.name, one.unit, one.default, one.allowed, one.description)
    return table
