"""The command line starts at once: what is slow to import is imported by the command that needs it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("nautilus_trader", "numpy", "plotly", "pyarrow", "ray", "rich", "scipy", "sklearn")

ASK_EVERY_COMMAND = f"""
import contextlib, io, sys
from typer.main import get_command
from mm_nautilus.cli import app
command = get_command(app)
def asked(words, command):
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        command.main([*words, "--help"], prog_name="mm-nautilus", standalone_mode=False)
    assert "Usage:" in shown.getvalue() or "usage:" in shown.getvalue(), words
asked([], command)
for name in command.commands:
    asked([name], command)
asked(["experiment", "adverse-selection"], command)
print(len(command.commands), sorted(set(sys.modules) & set({HEAVY!r})))
"""


def test_help_of_every_command_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", ASK_EVERY_COMMAND], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, imported = done.stdout.split(" ", 1)
    assert int(count) >= 13
    assert imported.strip() == "[]"
