"""The runs of a sensitivity table, side by side; one that fails is a row that says so."""

from __future__ import annotations

import copy
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mm_nautilus.backtest.run import Outcome, run_loaded
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.sensitivity.plan import BASE, Case
from mm_nautilus.sensitivity.rows import Row, failed_row, row_of, row_without_the_best
from mm_nautilus.stress.pool import Failed, in_processes
from mm_nautilus.sweep.data import PreparedData


@dataclass(frozen=True, slots=True)
class _Task:
    path: Path
    case: Case
    folder: Path
    step_s: float
    removal_s: float | None
    """None where no row without the best fills is wanted."""


def rows_side_by_side(
    path: Path,
    runs: Sequence[Case],
    folder: Path,
    step_s: float,
    removal_s: float | None,
    jobs: int | None,
    begin: Callable[[int], None],
    done: Callable[[Case], None],
    say: Callable[[str], None],
) -> list[Row]:
    """Run cases, each in a process of its own; return their rows in their order.

    Parameters
    ----------
    path : Path
        Of the run file.
    runs : sequence of Case
        At least one.
    folder : Path
        That their folders are made in.
    step_s, removal_s
        As for `rows_of`.
    jobs : int or None
        Processes at a time; as many as this machine lets us use by default.
    begin, done, say
        As for `mm_nautilus.sensitivity.sensitivity`.

    """
    begin(len(runs))
    say("running under other assumptions")
    tasks = [_Task(path.resolve(), case, folder, step_s, removal_s) for case in runs]
    found = in_processes(_run, tasks, jobs or os.process_cpu_count() or 1, lambda index: done(runs[index]))
    return [
        row
        for case, outcome in zip(runs, found, strict=True)
        for row in ([failed_row(case, outcome.reason)] if isinstance(outcome, Failed) else outcome)
    ]


def _run(task: _Task) -> list[Row]:
    """Run one case; in a process of its own."""
    case = task.case
    folder = task.folder / case.name
    try:
        loaded = load_tables(task.path, copy.deepcopy(dict(case.tables)))
        outcome = run_loaded(loaded, lambda _started: _made(folder), report=False, prepare=PreparedData())
        return rows_of(case, outcome, loaded, task.step_s, task.removal_s)
    except Exception as error:
        if folder.is_dir():
            (folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
        cause = f" ({error.__cause__!r})" if error.__cause__ is not None else ""
        return [failed_row(case, f"{type(error).__name__}: {error}{cause}")]


def rows_of(case: Case, outcome: Outcome, loaded: LoadedRun, step_s: float, removal_s: float | None) -> list[Row]:
    """Return the row of a run; that of the run as it is may have one without the best fills behind it.

    Parameters
    ----------
    case, outcome, loaded
        The run.
    step_s : float
        Steps that the Sharpe ratio is taken of, in seconds.
    removal_s : float or None
        After which the fills to remove are judged, in seconds; ``None`` where none are to be removed.

    """
    quoted = loaded.instrument_ids[0]
    rows = [row_of(case, outcome, quoted, step_s)]
    if case.name == BASE and removal_s is not None:
        rows.append(row_without_the_best(outcome, rows[0], quoted, step_s, removal_s))
    return rows


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
