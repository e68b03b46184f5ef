"""Run a run file under every assumption, and write down what becomes of its PnL."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.report import write_report
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.reading import RUN_FILE
from mm_nautilus.analytics.report.sensitivity_section import SENSITIVITY_FILE, sensitivity_body
from mm_nautilus.backtest.provenance import PACKAGES
from mm_nautilus.backtest.run import Outcome, new_folder
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.config import SensitivitySettings, read_run_file
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.sensitivity.execution import rows_of, rows_side_by_side
from mm_nautilus.sensitivity.plan import BASE, REMOVED, Case, Cases, cases
from mm_nautilus.sensitivity.rows import Row
from mm_nautilus.sweep.data import PreparedData
from mm_nautilus.sweep.judged import step_for

PAGE_FILE: Final = "sensitivity.html"
RUNS: Final = "sensitivity"
"""Folder, within that of a backtest, of its runs under other assumptions."""


@dataclass(frozen=True, slots=True)
class SensitivityOutcome:
    """Where a sensitivity table was written to, and what it says."""

    folder: Path
    """Of the runs."""
    page: Path
    """That shows the table."""
    sensitivity: dict[str, Any]
    """``sensitivity.json``."""

    @property
    def complete(self) -> bool:
        """Whether every run ran to the end."""
        return all(one["failure"] is None for one in self.sensitivity["cases"])


def sensitivity(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    seed: int | None = None,
    seeds: int | None = None,
    horizon_s: float | None = None,
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
        TOML run file; which assumptions is said by its ``[report.sensitivity]``, all where it has none.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    seed : int or None
        Replaces ``run.seed``.
    seeds, horizon_s : int, float or None
        Replace those of ``[report.sensitivity]``.
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
    asked = loaded.run_file.report.sensitivity or SensitivitySettings()
    given = {name: value for name, value in (("seeds", seeds), ("horizon_s", horizon_s)) if value is not None}
    asked = asked.model_copy(update=given)
    say("preparing data")
    _, shape = PreparedData()(loaded)
    planned = cases(raw, loaded.run_file, asked)
    for case in planned.runs:
        load_tables(path, copy.deepcopy(dict(case.tables)))
    section = loaded.run_file.run
    folder = new_folder(output or section.output, f"{section.name}-sensitivity", datetime.now(UTC))
    rows = rows_side_by_side(path, planned.runs, folder, _step_s(shape), _removal_s(asked), jobs, begin, done, say)
    said = _described(loaded, planned, rows, shape, asked)
    written = _written(said)
    (folder / SENSITIVITY_FILE).write_bytes(written)
    if rows[0]["failure"] is None:
        (folder / BASE / SENSITIVITY_FILE).write_bytes(written)
        say("drawing the report of the run as it is")
        write_report(folder / BASE)
    page = folder / PAGE_FILE
    page.write_text(document(f"{section.name}: sensitivity", *sensitivity_body(said)), encoding="utf-8")
    return SensitivityOutcome(folder, page, said)


def sensitivity_of(
    outcome: Outcome,
    *,
    jobs: int | None = None,
    begin: Callable[[int], None] = lambda _cases: None,
    done: Callable[[Case], None] = lambda _case: None,
    say: Callable[[str], None] = lambda _text: None,
) -> SensitivityOutcome | None:
    """Run again what a backtest ran, under the assumptions that its run file asks for; `None` where it asks for none.

    The backtest is the run as it is. Its folder receives ``sensitivity.json``, the same as `sensitivity` writes, a
    folder ``sensitivity/`` with the other runs, and a report with the table; nothing else in it is touched.

    Parameters
    ----------
    outcome : Outcome
        The backtest, its folder still there.
    jobs, begin, done, say
        As for `sensitivity`.

    """
    path = outcome.run_dir / RUN_FILE
    raw, _ = read_run_file(path)
    loaded = load_tables(path, raw)
    asked = loaded.run_file.report.sensitivity
    if asked is None:
        return None
    _, shape = PreparedData()(loaded)
    planned = cases(raw, loaded.run_file, asked)
    folder = outcome.run_dir / RUNS
    folder.mkdir()
    base, *others = planned.runs
    step_s = _step_s(shape)
    rows = rows_of(base, outcome, loaded, step_s, _removal_s(asked))
    if others:
        rows += rows_side_by_side(path, others, folder, step_s, _removal_s(asked), jobs, begin, done, say)
    said = _described(loaded, planned, rows, shape, asked)
    (outcome.run_dir / SENSITIVITY_FILE).write_bytes(_written(said))
    say("drawing the report")
    return SensitivityOutcome(folder, write_report(outcome.run_dir), said)


def _step_s(shape: CatalogShape) -> float:
    return step_for((shape.last_ns - shape.first_ns) / 1e9)


def _removal_s(asked: SensitivitySettings) -> float | None:
    return asked.horizon_s if REMOVED in asked.assumptions else None


def _written(said: dict[str, Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n"


def _described(
    loaded: LoadedRun, planned: Cases, rows: Sequence[Row], shape: CatalogShape, asked: SensitivitySettings
) -> dict[str, Any]:
    """Return ``sensitivity.json``."""
    base = rows[0]["pnl"]
    for row in rows:
        known = row["pnl"] is not None and base is not None
        row["change"] = row["pnl"] - base if known else None
        row["pnl_per_fill"] = float(row["pnl"]) / row["fills"] if row["fills"] else None
    found: dict[str, Any] = jsonable(
        {
            "name": loaded.run_file.run.name,
            "instruments": loaded.instrument_ids,
            "currency": rows[0]["currency"],
            "step_s": _step_s(shape),
            "horizon_s": asked.horizon_s,
            "cases": list(rows),
            "same": list(planned.same),
            "packages": {package: version(package) for package in PACKAGES},
            "data_fingerprint": shape.fingerprint,
        }
    )
    return found
