"""Screened runs, as many at a time as there are cores: compiled code lets go of the interpreter's lock."""

from __future__ import annotations

import copy
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.backtest.data import end_of_data
from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.host.instrument import InstrumentLattice, contract_of
from mm_nautilus.host.loading import load_tables
from mm_nautilus.host.node import unix_ns
from mm_nautilus.quoting.pipeline import limit_problems
from mm_nautilus.sweep.data import PreparedData
from mm_nautilus.sweep.plan import Task
from mm_nautilus.sweep.screening.columns import read_columns
from mm_nautilus.sweep.screening.diff import new_draft
from mm_nautilus.sweep.screening.kernels import source_sha256
from mm_nautilus.sweep.screening.loop import OUT_OF_ROOM, OUT_OF_SLOTS, play
from mm_nautilus.sweep.screening.outcome import fills_of, numbers_of
from mm_nautilus.sweep.screening.rules import Rules, compiled
from mm_nautilus.sweep.screening.setup import balances_of, check, instrument_of, rules_of, venue_of
from mm_nautilus.sweep.screening.state import SLOTS, Columns, Run, new_run, new_venue
from mm_nautilus.sweep.store import COMPLETED, FAILED, SCREEN, Row

_DATA: Final = PreparedData()
_LOCK: Final = Lock()
_ROOM: Final = 1 << 14


def screened(task: Task) -> Task:
    """Return a task under the name of its screened run: that of the engine's, and of what is compiled."""
    name = hashlib.sha256(f"screen {task.identity} {source_sha256()}".encode()).hexdigest()
    return replace(task, identity=name)


def screen_all(tasks: Sequence[Task], step_s: float, ended: Callable[[Row], None], workers: int | None = None) -> None:
    """Screen every task and hand its row on as soon as it is there.

    Parameters
    ----------
    tasks : sequence of Task
        From `screened`.
    step_s : float
        Length of the steps that PnL is cut into, in seconds.
    ended : callable
        Given each row, in the order of the tasks.
    workers : int or None
        Runs at a time; by default as many as there are cores that this process may use.

    """
    with ThreadPoolExecutor(workers or os.process_cpu_count() or 1) as pool:
        for row in pool.map(lambda task: screen(task, step_s), tasks):
            ended(row)


def screen(task: Task, step_s: float) -> Row:
    """Screen one task; whatever goes wrong is in the row."""
    begun = time.perf_counter()
    try:
        numbers = _screened(task, step_s)
    except Exception as error:
        reason, seconds = f"{type(error).__name__}: {error}", time.perf_counter() - begun
        return Row(task.identity, task.point, FAILED, reason, seconds=seconds, path=SCREEN)
    seconds = time.perf_counter() - begun
    return Row(task.identity, task.point, COMPLETED, seconds=seconds, path=SCREEN, **numbers)


def _screened(task: Task, step_s: float) -> dict[str, Any]:
    loaded = load_tables(task.path, copy.deepcopy(dict(task.tables)))
    check(loaded)
    with _LOCK:
        root, shape = _DATA(loaded)
    settings: Any = loaded.strategy_config.settings
    section, data = venue_of(loaded), loaded.run_file.data
    instrument = _instrument(root, settings.instrument_id)
    end_ns = end_of_data(loaded, shape)
    rules = rules_of(loaded, instrument, end_ns)
    with _LOCK:
        columns = _columns(root, settings.instrument_id, settings.book, unix_ns(data.start), unix_ns(data.end))
    grid = InstrumentLattice(instrument).grid
    if problems := limit_problems(settings, grid, rules.base_per_lot, _first_price(columns) * rules.tick):
        raise ConfigError(task.path, [f"strategy.{problem}" for problem in problems])
    run = _played(rules, columns, balances_of(section, instrument))
    facts = InstrumentFacts(
        settings.instrument_id,
        section.name,
        grid.tick,
        grid.lot,
        contract_of(instrument),
        settings.limits.max_position,
    )
    fills = fills_of(run, facts, section.fees, instrument.quote_currency.precision)
    span = int(columns.events["ts_ns"][0]), int(columns.events["ts_ns"][-1])
    return numbers_of(run, fills, facts, span, step_s)


def _played(rules: Rules, columns: Columns, balances: tuple[float, float]) -> Run:
    """Return a run that has been played; what it writes down is given more room until it fits."""
    marks = (rules.end_ns - int(columns.events["ts_ns"][0])) // rules.sample_ns + 2
    room = _ROOM
    while True:
        run = new_run(columns, *balances, rules.burst, marks, room)
        play(compiled(rules), columns, new_venue(columns), run, new_draft())
        full = int(run.state["full"][0])
        if full == OUT_OF_SLOTS:
            raise UserError(f"strategy.ladder: more than {SLOTS} orders are out at a time, which cannot be screened")
        if full != OUT_OF_ROOM:
            return run
        room *= 4


@lru_cache(maxsize=8)
def _instrument(root: Path, instrument_id: str) -> Any:
    return instrument_of(root, instrument_id)


@lru_cache(maxsize=4)
def _columns(root: Path, instrument_id: str, book: str, start_ns: int | None, end_ns: int | None) -> Columns:
    instrument = _instrument(root, instrument_id)
    precisions = instrument.price_precision, instrument.size_precision
    grid = InstrumentLattice(instrument).grid
    units = _units(grid.tick, precisions[0]), _units(grid.lot, precisions[1])
    return read_columns(root, instrument_id, book, *units, precisions, start_ns, end_ns)


def _units(step: Decimal, precision: int) -> int:
    return int(step.scaleb(precision))


def _first_price(columns: Columns) -> float:
    """Return the first mid in ticks."""
    events = columns.events
    whole = (events["bid_lots"] > 0) & (events["ask_lots"] > 0)
    if not whole.any():
        raise UserError("the book never has two sides")
    first = events[int(whole.argmax())]
    return 0.5 * (float(first["bid"]) + float(first["ask"]))
