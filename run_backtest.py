"""The main job: ``uv run run_backtest.py`` runs the quickstart, ``uv run run_backtest.py RUNFILE`` runs yours."""

import typer

from mm_nautilus.cli import run
from mm_nautilus.cli.backtest import backtest

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(backtest)

if __name__ == "__main__":
    run(app)
