"""Run a strategy through every scenario, judge each run, and write the scorecard down."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.backtest.data import prepared_catalog
from mm_nautilus.backtest.provenance import PACKAGES
from mm_nautilus.backtest.run import new_folder, run_loaded
from mm_nautilus.catalog.simulator import PRESETS, SimulationParams
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.stress.judged import Judged, by_scenario, worst_of
from mm_nautilus.stress.measured import measured_market, stated_market
from mm_nautilus.stress.page import write_page
from mm_nautilus.stress.plan import Case, Window, check_duration, check_scenarios, scenario_cases, window_cases
from mm_nautilus.stress.pool import Failed, in_processes
from mm_nautilus.stress.scorecard import Bounds, score
from mm_nautilus.stress.traces import trace_of
from mm_nautilus.sweep.data import PreparedData

STRESS_FILE: Final = "stress.json"


@dataclass(frozen=True, slots=True)
class StressOutcome:
    """Where a stress run was written to, and what it says."""

    folder: Path
    page: Path
    judged: tuple[Judged, ...]
    stress: dict[str, Any]
    """``stress.json``."""

    @property
    def passed(self) -> bool:
        """Whether every run passed."""
        return all(one.passed for one in self.judged)


@dataclass(frozen=True, slots=True)
class _Task:
    path: Path
    case: Case
    folder: Path
    bounds: Bounds


def stress(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    scenarios: Sequence[str] = (),
    seeds: int = 10,
    windows: Sequence[Window] = (),
    duration_s: float | None = None,
    jobs: int | None = None,
    output: Path | None = None,
    begin: Callable[[int], None] = lambda _cases: None,
    done: Callable[[Case], None] = lambda _case: None,
    say: Callable[[str], None] = lambda _text: None,
) -> StressOutcome:
    """Run a run file's strategy through the scenarios; write ``stress.json``, ``stress.html`` and a folder a run.

    The runs are independent of each other and of how many go on at a time; ``stress.json`` holds no time of day, and
    the same run file gives the same bytes.

    Parameters
    ----------
    path : Path
        TOML run file.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    scenarios : sequence of str
        Names of scenarios; all five by default.
    seeds : int
        Markets a scenario, with the seeds 1, 2, ...; 0 leaves the scenarios out.
    windows : sequence of Window
        Stretches of the run's own data to be judged the same way, once each.
    duration_s : float or None
        Length of each scenario in seconds; the preset's own by default.
    jobs : int or None
        Processes at a time; as many as this machine lets us use by default.
    output : Path or None
        Folder that the stress run's folder is made in; ``run.output`` by default.
    begin, done : callable
        Told how many cases there are, and each one that ended.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        For mistakes in the run file, the names, the windows or the data, before anything is run.

    """
    names = check_scenarios(scenarios) if seeds else ()
    if not names and not windows:
        raise UserError("stress: nothing to run; --seeds 0 leaves the scenarios out, so name a --window START..END")
    raw, problems = read_run_file(path, overrides)
    loaded = load_tables(path, raw, None, problems)
    say("measuring the market")
    check_duration(names, duration_s)
    try:
        market = _market_before(loaded, names, windows)
        cases = scenario_cases(raw, market, names, range(1, seeds + 1), duration_s) if market else []
    except ValidationError as error:
        problems = [f"the market cannot be simulated: {detail['msg']}" for detail in error.errors()]
        raise ConfigError(path, problems) from None
    cases += window_cases(raw, windows)
    for case in cases:
        load_tables(path, dict(case.tables))
    section = loaded.run_file.run
    folder = new_folder(output or section.output, f"{section.name}-stress", datetime.now(UTC))
    bounds = bounds_of(loaded)
    begin(len(cases))
    say("running")
    tasks = [_Task(path.resolve(), case, folder, bounds) for case in cases]
    outcomes = in_processes(_judge, tasks, jobs or os.process_cpu_count() or 1, lambda index: done(cases[index]))
    judged = tuple(
        Judged(case.scenario, case.seed, case.folder, None, outcome.reason, None)
        if isinstance(outcome, Failed)
        else outcome
        for case, outcome in zip(cases, outcomes, strict=True)
    )
    said = described(loaded, bounds, market, judged)
    (folder / STRESS_FILE).write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")
    say("drawing the page")
    return StressOutcome(folder, write_page(folder, said, judged), judged, said)


def _market_before(loaded: LoadedRun, names: Sequence[str], windows: Sequence[Window]) -> SimulationParams | None:
    """Return what the scenarios happen to, None without any; leave the run's own data made, where they are read."""
    simulation = loaded.run_file.data.simulation
    if simulation is None:
        root, shape = prepared_catalog(loaded)
        return measured_market(loaded, root, shape) if names else None
    if simulation.preset not in PRESETS:
        problem = f"data.simulation.preset: no preset {simulation.preset!r}; allowed are {', '.join(PRESETS)}"
        raise ConfigError(loaded.path, [problem])
    if windows:
        prepared_catalog(loaded)  # one process makes it, so that the others find it
    return stated_market(simulation) if names else None


def bounds_of(loaded: LoadedRun) -> Bounds:
    """Return what the runs of a run file must keep."""
    section, risk = loaded.run_file.stress, loaded.run_file.risk
    return Bounds(section.max_loss, section.hedge_deadline_s, None if risk is None else risk.interval_s)


def _judge(task: _Task) -> Judged:
    """Run and judge one case; in a process of its own."""
    case = task.case
    try:
        loaded = load_tables(task.path, dict(case.tables))
        outcome = run_loaded(
            loaded, lambda _started: _made(task.folder / case.folder), report=False, prepare=PreparedData()
        )
        quoted = loaded.instrument_ids[0]
        found, equity, worst = score(outcome.run_dir, outcome.result, quoted, task.bounds)
        exposure = next(one for one in found.exposures if one.instrument_id == quoted)
        return Judged(case.scenario, case.seed, case.folder, found, None, trace_of(equity, worst, exposure.limit))
    except Exception as error:
        if (task.folder / case.folder).is_dir():
            (task.folder / case.folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
        cause = f" ({error.__cause__!r})" if error.__cause__ is not None else ""
        return Judged(case.scenario, case.seed, case.folder, None, f"{type(error).__name__}: {error}{cause}", None)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def described(
    loaded: LoadedRun, bounds: Bounds, market: SimulationParams | None, judged: Sequence[Judged]
) -> dict[str, Any]:
    """Return ``stress.json``: what was run, what had to be kept, and what came of each run."""
    return {
        "name": loaded.run_file.run.name,
        "passed": all(one.passed for one in judged),
        "instruments": loaded.instrument_ids,
        "bounds": jsonable(bounds),
        "market": None if market is None else _market(market),
        "packages": {name: version(name) for name in PACKAGES},
        "scenarios": {name: worst_of(runs) for name, runs in by_scenario(judged).items()},
        "runs": [one.described() for one in judged],
    }


def _market(market: SimulationParams) -> dict[str, Any]:
    found: dict[str, Any] = market.model_dump(mode="json", include={"start", "assets", "correlation", "venues"})
    return found
