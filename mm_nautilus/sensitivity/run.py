"""Run a run file under every assumption, and write down what becomes of its PnL."""

from __future__ import annotations

import copy
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from mm_nautilus.analytics.adverse_removal import HALF, HORIZON_S, change_of, without_the_best
from mm_nautilus.analytics.comparison import equity_at
from mm_nautilus.analytics.instrument_log import InstrumentLog, instrument_log
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.report import write_report
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.sensitivity_section import SENSITIVITY_FILE, sensitivity_body
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in
from mm_nautilus.backtest.provenance import PACKAGES
from mm_nautilus.backtest.run import Outcome, new_folder, run_loaded
from mm_nautilus.config import read_run_file
from mm_nautilus.host.loading import load_tables
from mm_nautilus.sensitivity.plan import BASE, REMOVED, Case, Cases, cases
from mm_nautilus.stress.pool import Failed, in_processes
from mm_nautilus.sweep.data import PreparedData
from mm_nautilus.sweep.judged import annual_sharpe, step_for
from mm_nautilus.sweep.worker import numbers_of

PAGE_FILE: Final = "sensitivity.html"
_KEPT: Final = ("pnl", "fees", "rebates", "fills", "max_drawdown", "inventory_max", "spread_bps", "two_sided")


@dataclass(frozen=True, slots=True)
class SensitivityOutcome:
    """Where a sensitivity table was written to, and what it says."""

    folder: Path
    page: Path
    sensitivity: dict[str, Any]
    """``sensitivity.json``."""

    @property
    def complete(self) -> bool:
        """Whether every run ran to the end."""
        return all(one["failure"] is None for one in self.sensitivity["cases"])


@dataclass(frozen=True, slots=True)
class _Task:
    path: Path
    case: Case
    folder: Path
    step_s: float
    horizon_s: float


def sensitivity(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    seed: int | None = None,
    seeds: int = 3,
    horizon_s: float = HORIZON_S,
    jobs: int | None = None,
    output: Path | None = None,
    begin: Callable[[int], None] = lambda _cases: None,
    done: Callable[[Case], None] = lambda _case: None,
    say: Callable[[str], None] = lambda _text: None,
) -> SensitivityOutcome:
    """Run a run file under every assumption; write ``sensitivity.json``, ``sensitivity.html`` and a folder a run.

    ``sensitivity.json`` holds no time of day, and the same run file gives the same bytes. The folder of the run as it
    is holds a copy, and a report that shows it.

    Parameters
    ----------
    path : Path
        TOML run file.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    seed : int or None
        Replaces ``run.seed``.
    seeds : int
        How many other seeds to run under.
    horizon_s : float
        After which the fills to remove are judged, in seconds.
    jobs : int or None
        Processes at a time; as many as this machine lets us use by default.
    output : Path or None
        Folder that the folder is made in; ``run.output`` by default.
    begin, done : callable
        Told how many runs there are, and each one that ended.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        For mistakes in the run file or in the data, before anything is run.

    """
    raw, problems = read_run_file(path, overrides)
    loaded = load_tables(path, raw, seed, problems)
    say("preparing data")
    _, shape = PreparedData()(loaded)
    planned = cases(raw, loaded.run_file, seeds)
    for case in planned.runs:
        load_tables(path, copy.deepcopy(dict(case.tables)))
    section = loaded.run_file.run
    folder = new_folder(output or section.output, f"{section.name}-sensitivity", datetime.now(UTC))
    step_s = step_for((shape.last_ns - shape.first_ns) / 1e9)
    begin(len(planned.runs))
    say("running")
    tasks = [_Task(path.resolve(), case, folder, step_s, horizon_s) for case in planned.runs]
    found = in_processes(_run, tasks, jobs or os.process_cpu_count() or 1, lambda index: done(planned.runs[index]))
    rows = [
        row
        for case, outcome in zip(planned.runs, found, strict=True)
        for row in ([_failed(case, outcome.reason)] if isinstance(outcome, Failed) else outcome)
    ]
    said = _described(section.name, loaded.instrument_ids, planned, rows, step_s, horizon_s)
    said["data_fingerprint"] = shape.fingerprint
    written = orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n"
    (folder / SENSITIVITY_FILE).write_bytes(written)
    if rows[0]["failure"] is None:
        (folder / BASE / SENSITIVITY_FILE).write_bytes(written)
        say("drawing the report of the run as it is")
        write_report(folder / BASE)
    page = folder / PAGE_FILE
    page.write_text(document(f"{section.name}: sensitivity", *sensitivity_body(said)), encoding="utf-8")
    return SensitivityOutcome(folder, page, said)


def _run(task: _Task) -> list[dict[str, Any]]:
    """Run one case; in a process of its own. The run as it is gives the row without the best fills too."""
    case = task.case
    folder = task.folder / case.name
    try:
        loaded = load_tables(task.path, copy.deepcopy(dict(case.tables)))
        outcome = run_loaded(loaded, lambda _started: _made(folder), report=False, prepare=PreparedData())
        numbers = numbers_of(outcome, loaded.instrument_ids[0], task.step_s)
    except Exception as error:
        if folder.is_dir():
            (folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
        cause = f" ({error.__cause__!r})" if error.__cause__ is not None else ""
        return [_failed(case, f"{type(error).__name__}: {error}{cause}")]
    sharpe, _ = annual_sharpe(np.array(numbers["increments"]), task.step_s)
    kept = {name: numbers[name] for name in _KEPT}
    rows = [_row(case.name, case.label, case.words) | kept | {"currency": numbers["currency"], "sharpe": sharpe}]
    if case.name == BASE:
        rows.append(_without_the_best(outcome, rows[0], loaded.instrument_ids[0], task))
    return rows


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _row(name: str, label: str, words: str, failure: str | None = None) -> dict[str, Any]:
    nothing = dict.fromkeys((*_KEPT, "currency", "sharpe"))
    return {"name": name, "label": label, "words": words, "failure": failure} | nothing


def _failed(case: Case, reason: str) -> dict[str, Any]:
    return _row(case.name, case.label, case.words, reason)


def _without_the_best(outcome: Outcome, base: dict[str, Any], quoted: str, task: _Task) -> dict[str, Any]:
    """Return the row of the account without the better half of the maker fills of every instrument."""
    log = RunLog.open(outcome.run_dir)
    logs: list[InstrumentLog] = [
        instrument_log(log, facts_in(one), one["start_ns"], one["end_ns"])
        for one in outcome.result["instruments"].values()
    ]
    after = {one.facts.instrument_id: without_the_best(one, HALF, task.horizon_s) for one in logs}
    currency = base["currency"]
    mine = [one for one in after.values() if one.books.contract.settlement_currency == currency]
    changes = (change_of(one, after[one.facts.instrument_id], currency) for one in logs)
    start, end = (int(outcome.result["instruments"][quoted][at]) for at in ("start_ns", "end_ns"))
    edges = np.arange(start, end + 1, round(task.step_s * 1e9), dtype=np.int64)
    equity = np.sum([equity_at(one.curve, edges) for one in mine], axis=0)
    makers, removed = (sum(getattr(one, field) for one in after.values()) for field in ("makers", "removed"))
    words = (
        f"{removed:,} of {makers:,} maker fills taken out, those that gained most within {task.horizon_s:g} s; the "
        "account made anew from the rest"
    )
    return _row(REMOVED, "half the fills removed", words) | {
        "pnl": sum(changes, base["pnl"]),
        "fees": sum((one.books.fees for one in mine), Decimal(0)),
        "rebates": sum((one.books.rebates for one in mine), Decimal(0)),
        "fills": sum(one.books.fills for one in mine),
        # Of several instruments the joint drawdown is not that of any one of them.
        "max_drawdown": mine[0].max_drawdown if len(mine) == 1 else None,
        "inventory_max": after[quoted].inventory_max,
        "sharpe": annual_sharpe(np.diff(equity), task.step_s)[0],
        "currency": currency,
    }


def _described(
    name: str,
    instruments: Sequence[str],
    planned: Cases,
    rows: Sequence[dict[str, Any]],
    step_s: float,
    horizon_s: float,
) -> dict[str, Any]:
    """Return ``sensitivity.json``."""
    base = rows[0]["pnl"]
    for row in rows:
        known = row["pnl"] is not None and base is not None
        row["change"] = row["pnl"] - base if known else None
        row["pnl_per_fill"] = float(row["pnl"]) / row["fills"] if row["fills"] else None
    found: dict[str, Any] = jsonable(
        {
            "name": name,
            "instruments": list(instruments),
            "currency": rows[0]["currency"],
            "step_s": step_s,
            "horizon_s": horizon_s,
            "cases": list(rows),
            "same": list(planned.same),
            "packages": {package: version(package) for package in PACKAGES},
        }
    )
    return found
