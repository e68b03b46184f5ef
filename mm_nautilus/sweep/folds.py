"""Walking forward with calibration: every window of choice is measured, and what it says trades the next.

For each fold the run file's market is calibrated (`mm_nautilus.calibrate`) on the window of choice alone. Every point
then runs over the window of choice and the window of trading with that calibration: the first part is what points are
ranked by, the second what the chosen one traded. What is chosen and what is calibrated thus come from the same past,
as they would for whoever quotes tomorrow with what was fitted today.

The calibration replaces the intensity that the run file states; gamma, the floor of the volatility and the micro-price
are taken from it only where the run file and the point leave them out. Runs begin with the window of choice where the
book is made of quotes; a book made of deltas is only known from the start of the data, so there they begin there, and
what is before the window is cut off.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import replace
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from mm_nautilus.calibrate import calibrate
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import CatalogError, UserError
from mm_nautilus.host.loading import load_tables
from mm_nautilus.sweep.data import PreparedData
from mm_nautilus.sweep.plan import Task, identity
from mm_nautilus.sweep.request import Request
from mm_nautilus.sweep.space import Point
from mm_nautilus.sweep.store import Row
from mm_nautilus.sweep.walk_forward import LeftOut, Seen, WalkForward, Windows, followed

FOLDER: Final = "walk_forward"
"""In the sweep's folder: the rows of these runs, and the calibrations."""
_CALIBRATIONS: Final = "calibrations"
_MEASURED: Final = frozenset({"a_per_s", "k_per_price", "ask"})
_DATA: Final = frozenset({"strategy.instrument_id", "strategy.book"})
_LATER_MS: Final = (0, 1, 10, 100)
"""A run may not end inside an update of the book; it then ends a little later, and what is after the window is cut."""


@dataclass(frozen=True, slots=True)
class Span:
    """One fold, in nanoseconds since 1970."""

    choose_from_ns: int
    trade_from_ns: int
    trade_to_ns: int


@dataclass(frozen=True, slots=True)
class FoldRuns:
    """A fold and its runs, a place in the points for each."""

    span: Span
    tasks: tuple[tuple[int, Task], ...]


@dataclass(frozen=True, slots=True)
class Folds:
    """What walking forward with calibration has to run, and the windows that could not be calibrated."""

    first_ns: int
    runs: tuple[FoldRuns, ...]
    left_out: tuple[LeftOut, ...]

    def tasks(self) -> list[Task]:
        """Return every run once, in order of time."""
        return list({task.identity: task for fold in self.runs for _, task in fold.tasks}.values())


def spans(first_ns: int, last_ns: int, windows: Windows, step_s: float) -> list[Span]:
    """Return the folds that a stretch of data has room for, in whole steps; the last window of trading may be short."""
    step = round(step_s * 1e9)
    choose, trade = (round(length / step_s) * step for length in (windows.choose_s, windows.trade_s))
    end = first_ns + (last_ns - first_ns) // step * step
    return [Span(begin - choose, begin, min(begin + trade, end)) for begin in range(first_ns + choose, end, trade)]


def check_calibrated(request: Request, points: Sequence[Point]) -> Windows:
    """Return the windows to calibrate.

    Raises
    ------
    UserError
        Where none are asked for, and for points that change the data: a window is measured once for all of them.

    """
    if request.windows is None:
        raise UserError("--calibrate: it is the windows of choice that are calibrated; give --walk-forward too")
    changed = sorted({key for point in points for key in point if key in _DATA or key.startswith("data.")})
    if changed:
        raise UserError(f"--calibrate: every point must run on the same data, and {', '.join(changed)} changes them")
    return request.windows


def plan_folds(
    path: Path,
    request: Request,
    tasks: Sequence[Task],
    step_s: float,
    folder: Path,
    say: Callable[[str], None] = lambda _text: None,
) -> Folds:
    """Calibrate every window of choice, and return what is to be run with it.

    A calibration that is there from before is taken as it is, so a sweep that is resumed runs nothing twice.

    Parameters
    ----------
    path : Path
        TOML run file.
    request : Request
        What was asked for, with windows.
    tasks : sequence of Task
        The points over the whole of the data.
    step_s : float
        Length of the steps that PnL is cut into, in seconds.
    folder : Path
        Of the sweep.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        Where no window can be calibrated.

    """
    first_ns, last_ns = tasks[0].first_ns, tasks[0].last_ns
    windows = check_calibrated(request, [task.point for task in tasks])
    everything = spans(first_ns, last_ns, windows, step_s)
    prepared = PreparedData()
    runs, left_out = [], []
    for number, span in enumerate(everything, start=1):
        say(f"calibrating window {number} of {len(everything)}")
        try:
            file = _calibration(path, request.overrides, tasks[0].data_fingerprint, span, folder / FOLDER)
            there = tuple((place, _task(task, span, file, prepared)) for place, task in enumerate(tasks))
        except UserError as error:
            left_out.append(LeftOut(*_seconds(first_ns, span)[1:], str(error)))
            continue
        runs.append(FoldRuns(span, there))
    if not runs:
        raise UserError(
            f"--calibrate: none of {len(everything)} windows can be calibrated; the first: {left_out[0].reason}"
        )
    return Folds(first_ns, tuple(runs), tuple(left_out))


def walked_folds(
    folds: Folds, rows: Mapping[str, Row], points: Sequence[Point], step_s: float, request: Request
) -> WalkForward | None:
    """Return what choosing and calibrating anew in each fold would have made, ``None`` where no run completed.

    Parameters
    ----------
    folds : Folds
        What was to be run.
    rows : mapping
        What came of it, by identity.
    points : sequence of Point
        That the runs of `folds` name places in.
    step_s : float
        Length of a step, in seconds.
    request : Request
        What was asked for.

    """
    seen, left_out = [], list(folds.left_out)
    for fold in folds.runs:
        done = [(place, rows[task.identity]) for place, task in fold.tasks if rows[task.identity].completed]
        times = _seconds(folds.first_ns, fold.span)
        if not done:
            reason = rows[fold.tasks[0][1].identity].reason
            left_out.append(LeftOut(*times[1:], f"no run of it completed; the first: {reason}"))
            continue
        pnl = np.array([row.increments for _, row in done], dtype=np.float64).T
        choose = round((fold.span.trade_from_ns - fold.span.choose_from_ns) / 1e9 / step_s)
        seen.append(Seen(*times, pnl[:choose], pnl[choose:], tuple(place for place, _ in done)))
    if not seen or request.windows is None:
        return None
    left_out.sort(key=lambda one: one.trade_from_s)
    return followed(points, seen, step_s, request.windows, request.score, request.seed, left_out, calibrated=True)


def _seconds(first_ns: int, span: Span) -> tuple[float, float, float]:
    choose, trade, end = ((at - first_ns) / 1e9 for at in (span.choose_from_ns, span.trade_from_ns, span.trade_to_ns))
    return choose, trade, end


def _instant(at_ns: int) -> datetime:
    """Return an instant, rounded down to the microsecond that a run file can name."""
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC) + timedelta(microseconds=at_ns // 1_000 % 1_000_000)


def _calibration(path: Path, overrides: Sequence[str], fingerprint: str, span: Span, folder: Path) -> Path:
    """Return the calibration of a window of choice, which sees nothing of the window of trading."""
    raw, _ = read_run_file(path, overrides)
    of_what = orjson.dumps(
        [raw.get("strategy"), fingerprint, span.choose_from_ns, span.trade_from_ns],
        option=orjson.OPT_SORT_KEYS,
        default=str,
    )
    name = f"{_instant(span.trade_from_ns):%Y%m%dT%H%M%S}-{hashlib.sha256(of_what).hexdigest()[:12]}.toml"
    kept = folder.resolve() / _CALIBRATIONS / name
    if not kept.is_file():
        # It appears under its name only when it is whole, so that one that was cut short is not taken for it.
        end = _instant(span.trade_from_ns) - timedelta(microseconds=1)
        fresh = calibrate(
            path, overrides, start=_instant(span.choose_from_ns), end=end, output=kept.parent / "new" / name
        )
        fresh.report.replace(kept.with_suffix(".html"))
        fresh.path.replace(kept)
        kept.parent.joinpath("new").rmdir()
    return kept


def _task(task: Task, span: Span, calibration: Path, prepared: PreparedData) -> Task:
    """Return a point's run over one fold."""
    tables = _with_calibration(task, calibration)
    last = _instant(task.last_ns) + timedelta(microseconds=1)
    wrong: UserError | None = None
    for later_ms in _LATER_MS:
        tables["data"]["end"] = min(_instant(span.trade_to_ns) + timedelta(milliseconds=later_ms), last)
        loaded = load_tables(task.path, copy.deepcopy(tables))
        if loaded.strategy_config.settings.book == "L1":  # type: ignore[attr-defined]
            tables["data"]["start"] = _instant(span.choose_from_ns)
            loaded = load_tables(task.path, copy.deepcopy(tables))
        try:
            _, shape = prepared(loaded)
        except CatalogError as error:
            wrong = error
            continue
        name = identity(loaded, shape.fingerprint)
        return replace(task, tables=tables, identity=name, cut=(span.choose_from_ns, span.trade_to_ns))
    raise wrong or CatalogError(f"{calibration}: no end of the window was tried")


def _with_calibration(task: Task, calibration: Path) -> dict[str, Any]:
    tables = copy.deepcopy(dict(task.tables))
    strategy = tables["strategy"]
    stated = strategy.get("intensity")
    swept = any(key.startswith("strategy.intensity.") for key in task.point)
    if isinstance(stated, dict) and not swept:
        strategy["intensity"] = {key: value for key, value in stated.items() if key not in _MEASURED}
    strategy["calibration"] = str(calibration)
    return tables
