"""``mm-nautilus control``: commands to a node that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


def control(
    run_dir: Annotated[Path, typer.Argument(help="Run folder of the node.")],
    command: Annotated[
        str, typer.Argument(help="status, pause, resume, widen, reduce-only, flatten, halt, or set NAME VALUE.")
    ],
    parameter: Annotated[str, typer.Argument(help="For set: as in the run file's [strategy].")] = "",
    value: Annotated[str, typer.Argument(help="For set: its new value, 'none' to leave it out.")] = "",
    reason: Annotated[
        str, typer.Option("--reason", "-r", help="Written into the record; all but status need it.")
    ] = "",
    instrument: Annotated[str, typer.Option(help="Of one instrument only.")] = "",
    name: Annotated[
        str, typer.Option("--id", help="Id of the command, to send one again that may have been carried out.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as it came.")] = False,
) -> None:
    """Tell a running node to pause, resume, reduce, flatten, halt or quote by another parameter.

    The address is read from RUN_DIR/live.json; the token from the environment variable MM_NAUTILUS_TOKEN, or from the
    file that the node made for its own user. Exits with 0 when the command was carried out, 1 when it was refused.
    """
    import sys

    from rich.console import Console

    from mm_nautilus.errors import ParameterError, UserError
    from mm_nautilus.live.beside.client import Client
    from mm_nautilus.live.beside.commands import COMMANDS

    if command not in COMMANDS:
        raise ParameterError("COMMAND", command, f"one of {', '.join(COMMANDS)}")
    if (command == "set") != bool(parameter and value):
        raise UserError(
            "set takes a parameter and its value, as in: set guards.min_half_spread_bps 5; others take none"
        )
    if command != "status" and not reason.strip():
        raise ParameterError("--reason", reason, "a few words: they are written into the record")
    words = {"reason": reason, "instrument_id": instrument, "parameter": parameter, "value": value}
    status, answer = Client.of(run_dir).send(command, **words, **({"id": name} if name else {}))
    if status in {401, 403, 429}:
        raise UserError(f"HTTP status {status}: {answer.get('error', 'refused')}")
    console = Console(highlight=False, soft_wrap=True)
    if as_json:
        console.print_json(data=answer)
    else:
        _show(console, answer)
    sys.exit(0 if answer.get("outcome") == "DONE" else 1)


def _show(console: Console, answer: dict[str, Any]) -> None:
    from rich.markup import escape

    outcome = str(answer.get("outcome", "FAILED"))
    said = str(answer.get("answer", answer.get("error", "")))
    again = " (it had been carried out already)" if answer.get("repeated") else ""
    console.print(f"[bold {'green' if outcome == 'DONE' else 'red'}]{outcome}[/]  {escape(said)}{again}")
    details = answer.get("details")
    if isinstance(details, dict):
        console.print_json(data=details)
