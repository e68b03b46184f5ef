"""How a process ends whose adapters have threads of their own: as it would have, with the interpreter left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import atexit

import typer

from mm_nautilus.cli import run

{adapters}


class Held:
    def __del__(self):
        print("taken down")


held = Held()
atexit.register(print, "said goodbye")
app = typer.Typer()


@app.command()
def it():
    print("done")
    raise typer.Exit(3)


run(app)
"""


@pytest.mark.parametrize(
    ("adapters", "last"), [("import mm_nautilus.live.adapters", "said goodbye"), ("", "taken down")]
)
def test_a_process_with_adapters_says_all_it_has_to_say_and_ends(adapters: str, last: str) -> None:
    program = PROGRAM.format(adapters=adapters)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 3, ended.stderr
    said = ended.stdout.splitlines()
    assert said[:2] == ["done", "said goodbye"]
    assert said[-1] == last
