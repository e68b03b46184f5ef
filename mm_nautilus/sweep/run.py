"""A sweep from its parameters to its page: plan, run on Ray, keep every row, judge, draw."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import replace
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.backtest.run import new_folder
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import UserError
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.sweep import confirm
from mm_nautilus.sweep.cluster import check_address
from mm_nautilus.sweep.described import described
from mm_nautilus.sweep.folds import FOLDER, check_calibrated, plan_folds, walked_folds
from mm_nautilus.sweep.judged import Verdict, aligned, judge, ranked, step_for
from mm_nautilus.sweep.page import write_page
from mm_nautilus.sweep.plan import Plan, Task, plan
from mm_nautilus.sweep.ranking import Ranked
from mm_nautilus.sweep.request import Request, keep, resumed
from mm_nautilus.sweep.running import Part, Runner, screening_rooms
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
    planned, tasks = _planned(path, request, loaded)
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
        store = Store(folder)
        keep_in = (folder / _RUNS).resolve() if keep_runs else None
        runner = Runner(step_s, workers, address, keep_in, partial(begin, folder), done, say)
        parts: list[Part] = [(store, tasks)]
        if folds is not None:
            parts.append((Store(folder / FOLDER), folds.tasks()))
        rows, *others = runner.run(*parts, screen=request.screen)
        apart = {row.identity: row for theirs in others for row in theirs}
        say("judging")
        order = ranked(rows, request.score)
        verdict = judge(rows, order)
        if folds is None:
            walk = _walked(rows, step_s, request)
        else:
            walk = walked_folds(folds, apart, [task.point for task in planned.tasks], step_s, request)
        said = described(section.name, request, planned, rows, order, verdict, walk, step_s, tuple(apart.values()))
        if request.screen:
            said["screen"] = _screened(loaded) | {"confirmed": _confirmed(planned, rows, order, request, store, runner)}
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


def _planned(path: Path, request: Request, loaded: LoadedRun) -> tuple[Plan, tuple[Task, ...]]:
    """Return the plan, and its tasks under the names that their rows have."""
    if not request.screen:
        planned = plan(path, request.every_point(), request.overrides, skip_invalid=request.skip_invalid)
        return planned, planned.tasks
    if request.calibrate:
        raise UserError("sweep: --screen and --calibrate exclude each other: windows are calibrated for the engine")
    worker, setup = screening_rooms()
    setup.check(loaded)
    points = request.every_point()
    planned = plan(path, points, request.overrides, skip_invalid=request.skip_invalid, check=setup.check)
    return planned, tuple(worker.screened(task) for task in planned.tasks)


def _screened(loaded: LoadedRun) -> dict[str, Any]:
    """Return what screening does not model, of any run and of this one."""
    _, setup = screening_rooms()
    return {"not_modelled": list(setup.NOT_MODELLED), "caveats": setup.caveats_of(loaded)}


def _confirmed(
    planned: Plan, rows: Sequence[Row], order: Sequence[Ranked], request: Request, store: Store, runner: Runner
) -> dict[str, Any] | None:
    """Run the best of a screened sweep, and a random sample of the others, on the engine."""
    first, drawn = confirm.chosen(order, request.confirm, request.sample, request.seed)
    if not first and not drawn:
        return None
    runner.say("confirming on the engine")
    quietly = replace(runner, begin=lambda _runs, _finished: None, done=lambda _row: None)
    (engine,) = quietly.run((store, [planned.tasks[place] for place in (*first, *drawn)]))
    store.compact(rows)
    return confirm.described(rows, engine, first, drawn, request.score)


def _walked(rows: Sequence[Row], step_s: float, request: Request) -> WalkForward | None:
    together = aligned(rows)
    if request.windows is None or isinstance(together, str):
        return None
    places, pnl = together
    return walk_forward(
        [rows[place].point for place in places], pnl, step_s, request.windows, request.score, request.seed
    )
