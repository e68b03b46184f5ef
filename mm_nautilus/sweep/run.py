"""A sweep from its parameters to its page: plan, run on Ray, keep every row, judge, draw."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.backtest.provenance import PACKAGES
from mm_nautilus.backtest.run import new_folder
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import UserError
from mm_nautilus.host.loading import load_tables
from mm_nautilus.sweep.cluster import run_on_ray
from mm_nautilus.sweep.judged import Score, Verdict, aligned, annual_sharpe, judge, ranked, step_for
from mm_nautilus.sweep.page import write_page
from mm_nautilus.sweep.plan import Plan, Task, plan
from mm_nautilus.sweep.ranking import Ranked
from mm_nautilus.sweep.space import Point, draws, grid, listed, parse_parameter
from mm_nautilus.sweep.store import Row, Store
from mm_nautilus.sweep.walk_forward import WalkForward, Windows, check_windows, walk_forward

SWEEP_FILE: Final = "sweep.json"
REQUEST_FILE: Final = "request.json"
_RUNS: Final = "runs"


@dataclass(frozen=True, slots=True)
class Request:
    """What a sweep was asked for; it stands in the sweep's folder, so that resuming needs no more than that.

    Parameters
    ----------
    parameters : tuple of str
        As ``--param`` takes them.
    points : tuple of mapping
        Points of a list instead; empty for parameters.
    random : int or None
        Draws instead of the grid.
    seed : int
        Of the draws and of the bootstrap.
    overrides : tuple of str
        Changes to the run file before any point.
    score : str
        What runs are ranked by.
    step_s : float or None
        Length of the steps PnL is cut into, in seconds; chosen from the data's span where None.
    windows : Windows or None
        Of walking forward.
    skip_invalid : bool
        Whether points that the run file cannot take are left out.

    """

    parameters: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    random: int | None = None
    seed: int = 0
    overrides: tuple[str, ...] = ()
    score: Score = Score.SHARPE
    step_s: float | None = None
    windows: Windows | None = None
    skip_invalid: bool = False

    def every_point(self) -> list[Point]:
        """Return the points, none twice for the same values.

        Raises
        ------
        UserError
            For parameters that cannot be read, and where there is nothing to run.

        """
        if self.points and (self.parameters or self.random is not None):
            raise UserError("sweep: --list names every point, so it stands without --param and --random")
        if self.points:
            return list(self.points)
        if not self.parameters:
            raise UserError("sweep: nothing to try; give --param TABLE.KEY=LOW:HIGH:COUNT, or --list FILE")
        parameters = [parse_parameter(text) for text in self.parameters]
        keys = [one.key for one in parameters]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise UserError(f"--param {twice[0]}: stands twice; give all of its values at once")
        return grid(parameters) if self.random is None else draws(parameters, self.random, self.seed)


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


def request_of(points_file: Path | None, **asked: Any) -> Request:
    """Return a request, the points read from a file where one is named."""
    points = () if points_file is None else tuple(listed(points_file))
    return Request(points=points, **asked)


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
        request = _resumed(resume, request)
    say("checking every point")
    raw, problems = read_run_file(path, request.overrides)
    loaded = load_tables(path, raw, None, problems)
    planned = plan(path, request.every_point(), request.overrides, skip_invalid=request.skip_invalid)
    span_s = min(task.last_ns - task.first_ns for task in planned.tasks) / 1e9
    step_s = request.step_s or step_for(span_s)
    if request.windows is not None:
        check_windows(request.windows, span_s, step_s)
    section = loaded.run_file.run
    folder = resume or new_folder(output or section.output, f"{section.name}-sweep", datetime.now(UTC))
    with _alone(folder):
        stored = jsonable(request) | {"step_s": step_s, "run_file": str(path.resolve())}
        (folder / REQUEST_FILE).write_bytes(orjson.dumps(stored, option=orjson.OPT_INDENT_2) + b"\n")
        rows = _run(planned, step_s, folder, workers, address, keep_runs, begin, done, say)
        say("judging")
        order = ranked(rows, request.score)
        verdict = judge(rows, order)
        walk = _walked(rows, step_s, request)
        said = _described(section.name, request, planned, rows, order, verdict, walk, step_s)
        (folder / SWEEP_FILE).write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")
        say("drawing the page")
        page = write_page(folder, said, rows, order)
    return SweepOutcome(folder, page, said, verdict, rows, tuple(order), walk)


def _resumed(folder: Path, request: Request) -> Request:
    """Return what a folder's sweep was asked for, with what is asked for anew."""
    try:
        stored = orjson.loads((folder / REQUEST_FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UserError(f"--resume {folder}: no sweep that can be resumed ({error})") from None
    if request.step_s is not None and request.step_s != stored["step_s"]:
        raise UserError(
            f"--step-s {request.step_s:g}: the rows there have steps of {stored['step_s']:g} s; leave it out"
        )
    before = Request(
        parameters=tuple(stored["parameters"]),
        points=tuple(stored["points"]),
        random=stored["random"],
        seed=stored["seed"],
        overrides=tuple(stored["overrides"]),
        score=Score(stored["score"]),
        step_s=stored["step_s"],
        windows=None if stored["windows"] is None else Windows(**stored["windows"]),
        skip_invalid=stored["skip_invalid"],
    )
    given = {
        field.name: getattr(request, field.name)
        for field in fields(Request)
        if getattr(request, field.name) != field.default
    }
    if given.keys() & {"parameters", "points"}:
        kept: dict[str, Any] = {"parameters": (), "points": (), "random": None}
    else:
        kept = {}
    merged = {field.name: getattr(before, field.name) for field in fields(Request)} | kept | given
    return Request(**merged)


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
    step_s: float,
    folder: Path,
    workers: int | None,
    address: str | None,
    keep_runs: bool,
    begin: Callable[[Path, int, int], None],
    done: Callable[[Row], None],
    say: Callable[[str], None],
) -> tuple[Row, ...]:
    """Run what is not there yet, and return all rows in the order of the plan."""
    store = Store(folder)
    finished = {name: row for name, row in store.read().items() if row.completed and row.step_s == step_s}
    missing = [task for task in planned.tasks if task.identity not in finished]
    begin(folder, len(planned.tasks), len(planned.tasks) - len(missing))

    def ended(row: Row) -> None:
        store.append(row)
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
    there = store.read()
    rows = tuple(_as_planned(there[task.identity], task) for task in planned.tasks)
    store.compact(rows)
    return rows


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


def _described(
    name: str,
    request: Request,
    planned: Plan,
    rows: Sequence[Row],
    order: Sequence[Ranked],
    verdict: Verdict,
    walk: WalkForward | None,
    step_s: float,
) -> dict[str, Any]:
    """Return ``sweep.json``: what was tried, what may be said of it, and the ranking; no time of day."""
    completed = [row for row in rows if row.completed]
    return {
        "name": name,
        "score": request.score,
        "parameters": list(request.parameters),
        "overrides": list(request.overrides),
        "random": request.random,
        "seed": request.seed,
        "runs": len(rows),
        "completed": len(completed),
        "failed": [
            {"point": row.point, "identity": row.identity, "attempts": row.attempts, "reason": row.reason}
            for row in rows
            if not row.completed
        ],
        "without_fills": sum(not row.fills for row in completed),
        "left_out": list(planned.left_out),
        "currency": completed[0].currency if completed else None,
        "duration_s": (completed[0].end_ns - completed[0].start_ns) / 1e9 if completed else None,
        "step_s": step_s,
        "data_fingerprints": sorted({task.data_fingerprint for task in planned.tasks}),
        "packages": {package: version(package) for package in PACKAGES},
        "verdict": jsonable(verdict),
        "ranking": [_standing(place, one, rows[one.index]) for place, one in enumerate(order, start=1)],
        "walk_forward": None if walk is None else _walk_described(walk, rows),
    }


def _standing(place: int, one: Ranked, row: Row) -> dict[str, Any]:
    sharpe, error = annual_sharpe(np.array(row.increments), row.step_s)
    return {
        "place": place,
        "point": dict(row.point),
        "identity": row.identity,
        "score": one.score,
        "plateau": one.plateau,
        "neighbours": one.neighbours,
        "edges": list(one.edges),
        "sharpe": sharpe,
        "sharpe_stderr": error,
        **jsonable({key: getattr(row, key) for key in _SHOWN}),
    }


_SHOWN: Final = (
    "pnl", "fees", "rebates", "turnover", "fills", "max_drawdown", "inventory_max", "inventory_std", "spread_bps",
    "two_sided",
)  # fmt: skip


def _walk_described(walk: WalkForward, rows: Sequence[Row]) -> Mapping[str, Any]:
    points = [row.point for row in rows if row.completed]
    found: dict[str, Any] = jsonable(walk)
    for fold, one in zip(found["folds"], walk.folds, strict=True):
        fold["chosen"] = dict(points[one.chosen])
    return found
