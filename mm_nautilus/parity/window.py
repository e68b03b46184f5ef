"""The window of a live run: what it was run on, and the backtest of the same data with the same run file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
import tomli_w

from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest.run import Outcome, run_backtest
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import DataError
from mm_nautilus.live.tape import TAPE, tape_catalog

FOLDER: Final = "parity"
RUN_FILE: Final = "parity.toml"
_TO_THE_END: Final = "the end of the data"
_MARGIN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Window:
    """What a live run received, and the run file that backtests it."""

    run_dir: Path
    mode: str
    """``replay``, or ``live`` for paper and real runs, whose data are those of their tape."""
    venues: tuple[str, ...]
    """Names of the run file's ``[[venues]]``, in order."""
    run_file: Path
    """Beside the ``run.toml`` of the live run, so that its relative paths hold."""
    until_ns: int | None
    """Instant up to which they are compared, where the live run was stopped; ``None`` where its data ended."""
    notes: tuple[str, ...]
    """What the two runs cannot have in common."""


def window_of(run_dir: Path) -> Window:
    """Write the run file of the backtest of a live run's window.

    Parameters
    ----------
    run_dir : Path
        Folder of a live run, ended in order or killed.

    Raises
    ------
    DataError
        Where the folder is not that of a live run, or kept no data.
    ConfigError
        Where its run file cannot be read.

    """
    if not (run_dir / "run.toml").is_file():
        raise DataError(f"{run_dir}: no run.toml here; expected the folder of a live run")
    tables, _ = read_run_file(run_dir / "run.toml")
    if "live" not in tables:
        raise DataError(f"{run_dir}: this is the folder of a backtest; parity is asked of a live run")
    tables.pop("live")
    live = _ended(run_dir)
    notes, until_ns = [], None
    if live.get("ended_by") != _TO_THE_END:
        until_ns = _last_mark_ns(run_dir)
        notes.append("the live run was stopped: what came after its last mark is not compared")
    if (run_dir / TAPE).is_dir():
        mode = "live"
        tables["data"] = {"catalog": os.path.relpath(tape_catalog(run_dir), run_dir)}
        notes.append(
            "a live run's clock goes on while it thinks, and its timers count from when its node started: instants are "
            "not compared, and samples are taken at others than in the backtest"
        )
        if live.get("mode") == "real":
            notes.append("queue positions, fills and balances of a real venue are not those of a simulated one")
    elif live.get("mode", "replay") == "replay":
        mode = "replay"
        if until_ns is not None:
            # Quotes are withdrawn towards the end of the data: that must not be in the window.
            tables["data"]["end"] = datetime.fromtimestamp(until_ns / 1e9, UTC) + _MARGIN
    else:
        raise DataError(f"{run_dir}: the run kept no tape (live.tape = false): there is nothing to backtest it on")
    if RunLog.open(run_dir).table("controls").num_rows:
        notes.append("an operator acted on the live run; the backtest does what the run file says alone")
    path = run_dir / RUN_FILE
    path.write_text(tomli_w.dumps(tables), encoding="utf-8")
    venues = tuple(str(section["name"]) for section in tables.get("venues", ()))
    return Window(run_dir, mode, venues, path, until_ns, tuple(notes))


def backtest_of(window: Window, overrides: Sequence[str], say: Callable[[str], None]) -> Outcome:
    """Run the backtest of a window, into the folder ``parity`` of the live run."""
    return run_backtest(window.run_file, overrides, output=window.run_dir / FOLDER, say=say)


def _ended(run_dir: Path) -> dict[str, Any]:
    path = run_dir / "result.json"
    return dict(orjson.loads(path.read_bytes()).get("live", {})) if path.is_file() else {}


def _last_mark_ns(run_dir: Path) -> int:
    marks = RunLog.open(run_dir).table("marks", ["ts_ns"])
    if not len(marks):
        raise DataError(f"{run_dir}: the run ended before its first mark; there is nothing to compare")
    return int(marks["ts_ns"][-1].as_py())
