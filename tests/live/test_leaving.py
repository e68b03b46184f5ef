"""How a process ends whose adapters have threads of their own: as it would have, with the interpreter left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
from bybit_exchange.process import Exchange

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


ASKING = """
import asyncio
import sys

import typer
from nautilus_trader.adapters import bybit

import mm_nautilus.live.adapters
from mm_nautilus.cli import run

app = typer.Typer()


@app.command()
def it(url: str):
    client = bybit.BybitHttpClient(base_url=url, timeout_secs=5, max_retries=0)

    async def ask():
        for _ in range(50):
            client.request_instruments(bybit.BybitProductType.LINEAR)

    asyncio.run(ask())


run(app)
"""


@pytest.mark.e2e
def test_answers_that_come_when_the_process_ends_do_not_abort_it() -> None:
    with Exchange() as exchange:
        command = [sys.executable, "-c", ASKING, exchange.http]
        # Where the interpreter is taken down, every second one of these aborts.
        codes = [subprocess.run(command, capture_output=True, timeout=120, check=False).returncode for _ in range(6)]
    assert codes == [0] * 6
