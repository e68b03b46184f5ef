"""The command line: one module a command, each importing what it needs when it runs."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

import typer

from mm_nautilus.cli.audit import audit
from mm_nautilus.cli.backtest import backtest
from mm_nautilus.cli.calibrate import calibrate
from mm_nautilus.cli.compare import compare
from mm_nautilus.cli.control import control
from mm_nautilus.cli.doctor import doctor
from mm_nautilus.cli.experiment import experiment
from mm_nautilus.cli.ingest import ingest
from mm_nautilus.cli.live import live
from mm_nautilus.cli.models import models
from mm_nautilus.cli.parity import parity
from mm_nautilus.cli.report import report
from mm_nautilus.cli.sensitivity import sensitivity
from mm_nautilus.cli.show import show
from mm_nautilus.cli.simulate import simulate
from mm_nautilus.cli.stress import stress
from mm_nautilus.cli.sweep import sweep
from mm_nautilus.cli.train import train
from mm_nautilus.errors import UserError

app = typer.Typer(
    name="mm-nautilus",
    help="Market making on NautilusTrader: quote, test, explain.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # importing rich takes as long as all the rest of starting up
    context_settings={"max_content_width": 120},
    pretty_exceptions_enable=False,
)
app.command()(ingest)
app.command()(simulate)
app.command()(backtest)
app.command()(live)
app.command()(control)
app.command()(doctor)
app.command()(parity)
app.command()(models)
app.command()(calibrate)
app.command()(compare)
app.command()(stress)
app.command()(sweep)
app.command()(sensitivity)
app.command()(report)
app.command()(show)
app.command()(audit)
app.command()(train)
app.add_typer(experiment, name="experiment")


def main() -> None:
    """Run the command line; a mistake of the user's is printed on one screen and exits with code 2."""
    _answer(app)


def script() -> None:
    """Run the command line as all that its process does."""
    run(app)


def run(command: typer.Typer) -> None:
    """Run a Typer application as all that its process does: the process ends with it."""
    try:
        _answer(command)
    except SystemExit as end:
        if "mm_nautilus.live.adapters" in sys.modules and (end.code is None or isinstance(end.code, int)):
            _leave(end.code or 0)
        raise


def _answer(command: typer.Typer) -> None:
    # Before numpy is imported: our matrices are small, and sums over several threads depend on their number.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        command()
    except UserError as error:
        from rich.console import Console

        Console(stderr=True, highlight=False).print(f"[bold red]error[/]  {_escaped(error)}", soft_wrap=True)
        sys.exit(2)


def _leave(code: int) -> None:
    """End the process as it would end, but without taking the interpreter down.

    The adapters' network threads outlive whoever asked them. One that lets go of a Python object when there is no
    interpreter any more panics, and the process is aborted however well it went.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - nothing public runs them
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def _escaped(error: UserError) -> str:
    from rich.markup import escape

    return escape(str(error))
