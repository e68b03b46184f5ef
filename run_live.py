"""The live job: ``uv run run_live.py`` replays the quickstart on paper, ``uv run run_live.py RUNFILE`` runs yours."""

import typer

from mm_nautilus.cli import run
from mm_nautilus.cli.live import live

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(live)

if __name__ == "__main__":
    run(app)
