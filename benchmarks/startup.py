"""How long the command line takes to start, beside Python itself.

Byte code is kept in a folder that lasts as long as the measurement: what counts is a start as users know it, not the
first one after an installation.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

COMMANDS: Final = (
    "ingest", "simulate", "backtest", "live", "models", "calibrate", "compare", "stress", "sweep", "sensitivity",
    "audit", "train", "experiment", "experiment adverse-selection",
)  # fmt: skip
_MAIN: Final = "from mm_nautilus.cli import main; main()"


@contextmanager
def byte_code() -> Iterator[dict[str, str]]:
    """Give an environment in which byte code is kept."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield kept | {"PYTHONPYCACHEPREFIX": folder}


def start(command: str, environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds on the wall and of the processor of ``mm-nautilus <command> --help``."""
    return _run(["-c", _MAIN, *command.split(), "--help"], environment)


def bare(environment: dict[str, str]) -> tuple[float, float]:
    """Return those of Python doing nothing."""
    return _run(["-c", "pass"], environment)


def _run(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
