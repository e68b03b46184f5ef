"""Runs that are missing are run, by whichever path, and every row is kept as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from mm_nautilus.errors import UserError
from mm_nautilus.sweep.cluster import run_on_ray
from mm_nautilus.sweep.plan import Task
from mm_nautilus.sweep.store import Row, Store

_ROWS_A_FILE: Final = 50
"""Screened rows are kept together: a file of its own would take longer than the run."""

type Part = tuple[Store, Sequence[Task]]
"""Tasks, and where their rows are kept."""


def screening_rooms() -> tuple[ModuleType, ModuleType]:
    """Return the modules ``worker`` and ``setup`` of screening, which need the compiler.

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


@dataclass(frozen=True, slots=True)
class Runner:
    """How runs are made, and who is told.

    Parameters
    ----------
    step_s : float
        Step of the rows' increments, in seconds.
    workers, address
        See `run_on_ray`.
    keep_in : Path or None
        Where the engine's run folders are kept.
    begin, done, say : callable
        See `mm_nautilus.sweep.run.sweep`; the first is told numbers only.

    """

    step_s: float
    workers: int | None
    address: str | None
    keep_in: Path | None
    begin: Callable[[int, int], None]
    done: Callable[[Row], None]
    say: Callable[[str], None]

    def run(self, *parts: Part, screen: bool = False) -> list[tuple[Row, ...]]:
        """Run what is not there yet, and return the rows of each part in the order of its tasks."""
        missing: list[Task] = []
        place: dict[str, Store] = {}
        for store, tasks in parts:
            finished = {name for name, row in store.read().items() if row.completed and row.step_s == self.step_s}
            place |= {task.identity: store for task in tasks}
            missing += [task for task in tasks if task.identity not in finished]
        self.begin(len(place), len(place) - len(missing))
        if missing and screen:
            self._screen(missing, place)
        elif missing:
            self._on_ray(missing, place)
        return [_rows(store, tasks) for store, tasks in parts]

    def _on_ray(self, missing: Sequence[Task], place: dict[str, Store]) -> None:
        self.say("starting Ray")

        def ended(row: Row) -> None:
            place[row.identity].append(row)
            self.done(row)

        run_on_ray(
            missing,
            self.step_s,
            ended,
            workers=self.workers,
            address=self.address,
            keep_in=self.keep_in,
            started=lambda count: self.say(f"running, {count} at a time"),
        )

    def _screen(self, missing: Sequence[Task], place: dict[str, Store]) -> None:
        self.say("screening; the first time, compiling takes a minute")
        together: list[Row] = []

        def keep() -> None:
            for store in {id(store): store for store in place.values()}.values():
                store.extend([row for row in together if place[row.identity] is store])
            together.clear()

        def ended(row: Row) -> None:
            together.append(row)
            self.done(row)
            if len(together) >= _ROWS_A_FILE:
                keep()

        try:
            screening_rooms()[0].screen_all(missing, self.step_s, ended, self.workers)
        finally:
            keep()


def _rows(store: Store, tasks: Sequence[Task]) -> tuple[Row, ...]:
    there = store.read()
    rows = tuple(_as_planned(there[task.identity], task) for task in tasks)
    store.compact(rows)
    return rows


def _as_planned(row: Row, task: Task) -> Row:
    """Return a row under the point it stands for now: the same run may have been another point of an earlier sweep."""
    return row if row.point == task.point else replace(row, point=dict(task.point))
