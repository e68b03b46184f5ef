"""A sweep from its parameters to its page: plan, run on Ray, keep every row, judge, draw."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import orjson

from mm_nautilus.backtest.run import new_folder
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import UserError
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.sweep import confirm
from mm_nautilus.sweep.cluster import run_on_ray
from mm_nautilus.sweep.described import described
from mm_nautilus.sweep.judged import Verdict, aligned, judge, ranked, step_for
from mm_nautilus.sweep.page import write_page
from mm_nautilus.sweep.plan import Plan, Task, plan
from mm_nautilus.sweep.ranking import Ranked
from mm_nautilus.sweep.request import Request, keep, resumed
from mm_nautilus.sweep.store import Row, Store
from mm_nautilus.sweep.walk_forward import WalkForward, check_windows, walk_forward

SWEEP_FILE: Final = "sweep.json"
_RUNS: Final = "runs"
_ROWS_A_FILE: Final = 50
"""Screened rows are kept together: a file of its own would take longer than the run."""


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
    section = loaded.run_file.run
    folder = resume or new_folder(output or section.output, f"{section.name}-sweep", datetime.now(UTC))
    with _alone(folder):
        keep(folder, request, step_s, path)
        store = Store(folder)
        rows = _run(tasks, store, step_s, request.screen, workers, address, _kept(folder, keep_runs), begin, done, say)
        say("judging")
        order = ranked(rows, request.score)
        verdict = judge(rows, order)
        walk = _walked(rows, step_s, request)
        confirmed = None
        if request.screen:
            confirmed = _confirmed(
                planned, rows, order, request, store, step_s, workers, address, folder, keep_runs, say
            )
        said = described(section.name, request, planned, rows, order, verdict, walk, step_s)
        if request.screen:
            said["screen"] = _screening(loaded) | {"confirmed": confirmed}
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
    worker, setup = _screening_rooms()
    setup.check(loaded)
    points = request.every_point()
    planned = plan(path, points, request.overrides, skip_invalid=request.skip_invalid, check=setup.check)
    return planned, tuple(worker.screened(task) for task in planned.tasks)


def _screening_rooms() -> tuple[ModuleType, ModuleType]:
    """Return the modules of screening, which need the compiler.

    Raises
    ------
    UserError
        Where numba is not installed.

    """
    try:
        import numba  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise UserError("sweep: --screen needs numba; pip install 'mm-nautilus[sweep]'") from None
    from mm_nautilus.sweep.screening import setup, worker  # noqa: PLC0415 - compiling is for those who screen

    return worker, setup


def _screening(loaded: LoadedRun) -> dict[str, Any]:
    """Return what screening does not model, of any run and of this one."""
    _, setup = _screening_rooms()
    return {"not_modelled": list(setup.NOT_MODELLED), "caveats": setup.caveats_of(loaded)}


def _kept(folder: Path, keep_runs: bool) -> Path | None:
    return (folder / _RUNS).resolve() if keep_runs else None


def _run(
    tasks: Sequence[Task],
    store: Store,
    step_s: float,
    screen: bool,
    workers: int | None,
    address: str | None,
    keep_in: Path | None,
    begin: Callable[[Path, int, int], None],
    done: Callable[[Row], None],
    say: Callable[[str], None],
) -> tuple[Row, ...]:
    """Run what is not there yet, and return all rows in the order of the tasks."""
    finished = {name: row for name, row in store.read().items() if row.completed and row.step_s == step_s}
    missing = [task for task in tasks if task.identity not in finished]
    begin(store.folder, len(tasks), len(tasks) - len(missing))
    if missing and screen:
        say("screening; the first time, its compilation takes a minute")
        worker, _ = _screening_rooms()
        together: list[Row] = []

        def screened(row: Row) -> None:
            together.append(row)
            done(row)
            if len(together) >= _ROWS_A_FILE:
                store.extend(together)
                together.clear()

        try:
            worker.screen_all(missing, step_s, screened, workers)
        finally:
            store.extend(together)
    elif missing:
        say("starting Ray")

        def ended(row: Row) -> None:
            store.append(row)
            done(row)

        run_on_ray(
            missing,
            step_s,
            ended,
            workers=workers,
            address=address,
            keep_in=keep_in,
            started=lambda count: say(f"running, {count} at a time"),
        )
    there = store.read()
    rows = tuple(_as_planned(there[task.identity], task) for task in tasks)
    store.compact(rows)
    return rows


def _confirmed(
    planned: Plan,
    rows: Sequence[Row],
    order: Sequence[Ranked],
    request: Request,
    store: Store,
    step_s: float,
    workers: int | None,
    address: str | None,
    folder: Path,
    keep_runs: bool,
    say: Callable[[str], None],
) -> dict[str, Any] | None:
    """Run the best of a screened sweep, and a random sample of the others, on the engine."""
    first, drawn = confirm.chosen(order, request.confirm, request.sample, request.seed)
    if not first and not drawn:
        return None
    say("confirming on the engine")
    tasks = [planned.tasks[place] for place in (*first, *drawn)]
    nothing: Callable[..., None] = lambda *_told: None  # noqa: E731
    engine = _run(tasks, store, step_s, False, workers, address, _kept(folder, keep_runs), nothing, nothing, say)
    store.compact(rows)
    return confirm.described(rows, engine, first, drawn, request.score)


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
