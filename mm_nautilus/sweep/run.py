"""A sweep from its parameters to its page: plan, run on Ray, keep every row, judge, draw."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.backtest.run import new_folder
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import UserError
from mm_nautilus.host.loading import load_tables
from mm_nautilus.sweep.cluster import check_address, run_on_ray
from mm_nautilus.sweep.described import described
from mm_nautilus.sweep.folds import FOLDER, Folds, check_calibrated, plan_folds, walked_folds
from mm_nautilus.sweep.judged import Verdict, aligned, judge, ranked, step_for
from mm_nautilus.sweep.page import write_page
from mm_nautilus.sweep.plan import Plan, Task, plan
from mm_nautilus.sweep.ranking import Ranked
from mm_nautilus.sweep.request import Request, keep, resumed
from mm_nautilus.sweep.store import Row, Store
from mm_nautilus.sweep.walk_forward import WalkForward, check_windows, walk_forward

SWEEP_FILE: Final = "sweep.json"
_RUNS: Final = "runs"


@dataclass(frozen=True, slots=True)
class SweepOutcome:
    """Where a sweep was written to, and what it says."""

    folder: Path
    page: Path
    sweep: dict[str, Any]
    """``sweep.json``."""
    verdict: Verdict
    rows: tuple[Row, ...]
    """In the order of the points."""
    order: tuple[Ranked, ...]
    walk: WalkForward | None


def sweep(
    path: Path,
    request: Request,
    *,
    resume: Path | None = None,
    workers: int | None = None,
    address: str | None = None,
    keep_runs: bool = False,
    output: Path | None = None,
    begin: Callable[[Path, int, int], None] = lambda _folder, _runs, _finished: None,
    done: Callable[[Row], None] = lambda _row: None,
    say: Callable[[str], None] = lambda _text: None,
) -> SweepOutcome:
    """Run a run file once for every point; write ``results.parquet``, ``sweep.json`` and ``sweep.html``.

    With `Request.calibrate` the rows of the windows, and their calibrations, are in ``walk_forward/``.

    Parameters
    ----------
    path : Path
        TOML run file.
    request : Request
        What to try. To resume, one without parameters and points stands for what was asked for then; one with them
        replaces it, and takes over every run that both name.
    resume : Path or None
        Folder of a sweep to go on with: completed runs are not repeated, failed ones are.
    workers, address
        See `run_on_ray`.
    keep_runs : bool
        Whether run folders are kept, under ``runs/``; ``mm-nautilus backtest`` with the point makes any of them again.
    output : Path or None
        Folder that the sweep's folder is made in; ``run.output`` by default.
    begin, done : callable
        Told the folder, how many runs there are and how many of them were finished before; and each row as it comes.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        For mistakes in the run file, the points or the data, before anything is run.

    """
    if address is not None:
        check_address(address)
    if resume is not None:
        request = resumed(resume, request)
    say("checking every point")
    raw, problems = read_run_file(path, request.overrides)
    loaded = load_tables(path, raw, None, problems)
    planned = plan(path, request.every_point(), request.overrides, skip_invalid=request.skip_invalid)
    span_s = min(task.last_ns - task.first_ns for task in planned.tasks) / 1e9
    step_s = request.step_s or step_for(span_s)
    if request.windows is not None:
        check_windows(request.windows, span_s, step_s)
    if request.calibrate:
        check_calibrated(request, [task.point for task in planned.tasks])
    section = loaded.run_file.run
    folder = resume or new_folder(output or section.output, f"{section.name}-sweep", datetime.now(UTC))
    with _alone(folder):
        keep(folder, request, step_s, path)
        folds = plan_folds(path, request, planned.tasks, step_s, folder, say) if request.calibrate else None
        rows, apart = _run(planned, folds, step_s, folder, workers, address, keep_runs, begin, done, say)
        say("judging")
        order = ranked(rows, request.score)
        verdict = judge(rows, order)
        if folds is None:
            walk = _walked(rows, step_s, request)
        else:
            walk = walked_folds(folds, apart, [task.point for task in planned.tasks], step_s, request)
        said = described(section.name, request, planned, rows, order, verdict, walk, step_s, tuple(apart.values()))
        (folder / SWEEP_FILE).write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")
        say("drawing the page")
        page = write_page(folder, said, rows, order)
    return SweepOutcome(folder, page, said, verdict, rows, tuple(order), walk)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second sweep out of the folder; the lock goes with the process, however that ends."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{folder}: another process is running this sweep") from None
        yield


def _run(
    planned: Plan,
    folds: Folds | None,
    step_s: float,
    folder: Path,
    workers: int | None,
    address: str | None,
    keep_runs: bool,
    begin: Callable[[Path, int, int], None],
    done: Callable[[Row], None],
    say: Callable[[str], None],
) -> tuple[tuple[Row, ...], dict[str, Row]]:
    """Run what is not there yet; return the rows in the order of the plan, and those of the folds by identity."""
    parts = [(Store(folder), list(planned.tasks))]
    if folds is not None:
        parts.append((Store(folder / FOLDER), folds.tasks()))
    missing: list[Task] = []
    place: dict[str, Store] = {}
    for store, tasks in parts:
        finished = {name: row for name, row in store.read().items() if row.completed and row.step_s == step_s}
        place |= {task.identity: store for task in tasks}
        missing += [task for task in tasks if task.identity not in finished]
    begin(folder, len(place), len(place) - len(missing))

    def ended(row: Row) -> None:
        place[row.identity].append(row)
        done(row)

    if missing:
        say("starting Ray")
        keep_in = (folder / _RUNS).resolve() if keep_runs else None
        run_on_ray(
            missing,
            step_s,
            ended,
            workers=workers,
            address=address,
            keep_in=keep_in,
            started=lambda count: say(f"running, {count} at a time"),
        )
    found = []
    for store, tasks in parts:
        there = store.read()
        rows = tuple(_as_planned(there[task.identity], task) for task in tasks)
        store.compact(rows)
        found.append(rows)
    return found[0], {row.identity: row for row in found[1]} if folds is not None else {}


def _as_planned(row: Row, task: Task) -> Row:
    """Return a row under the point it stands for now: the same run may have been another point of an earlier sweep."""
    return row if row.point == task.point else replace(row, point=dict(task.point))


def _walked(rows: Sequence[Row], step_s: float, request: Request) -> WalkForward | None:
    together = aligned(rows)
    if request.windows is None or isinstance(together, str):
        return None
    places, pnl = together
    return walk_forward(
        [rows[place].point for place in places], pnl, step_s, request.windows, request.score, request.seed
    )
