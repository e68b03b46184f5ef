"""Several models on the same data: each a run of its own, one table and one page about all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.analytics.comparison import Run, Standing, standings
from mm_nautilus.analytics.control import MODEL, with_control
from mm_nautilus.analytics.instrument_log import instrument_log
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.report import write_report
from mm_nautilus.analytics.report.comparison_page import write_comparison
from mm_nautilus.analytics.report.reading import RESULT_FILE
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in
from mm_nautilus.backtest.contenders import Contender, contenders
from mm_nautilus.backtest.run import Outcome, new_folder, run_loaded

COMPARISON_FILE: Final = "comparison.json"


@dataclass(frozen=True, slots=True)
class ComparedOutcome:
    """Where a comparison was written to, and what it says."""

    folder: Path
    page: Path
    comparison: dict[str, Any]
    """``comparison.json``."""
    standings: dict[str, list[Standing]]
    """The numbers in it, by instrument."""


def compare(
    path: Path,
    names: Sequence[str],
    overrides: Sequence[str] = (),
    *,
    seed: int | None = None,
    output: Path | None = None,
    block_s: float | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> ComparedOutcome:
    """Run every model on the same data and write a folder with a run folder for each.

    Parameters
    ----------
    path : Path
        TOML run file.
    names : sequence of str
        Models, or names of ``[compare.NAME]`` tables; the others are compared to the first.
    overrides : sequence of str
        ``table.key=value`` changes to the run file.
    seed : int or None
        Replaces ``run.seed``, which also seeds the bootstrap.
    output : Path or None
        Folder that the comparison's folder is made in; ``run.output`` by default.
    block_s : float or None
        Length of a bootstrap block in seconds; chosen from the data by default.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        For mistakes in the run file, the names or the data, before anything is run.
    RunFailedError
        When one of the runs stopped early.

    """
    runners = contenders(path, names, overrides, seed)
    section = runners[0].loaded.run_file.run
    folder = new_folder(output or section.output, f"{section.name}-compare", datetime.now(UTC))
    outcomes = [
        _run(runner, folder, _under(f"{runner.name} ({number} of {len(runners)})", say))
        for number, runner in enumerate(runners, start=1)
    ]
    say("comparing")
    outcomes = _controlled(runners, outcomes)
    runs = _recorded(runners, outcomes)
    found = {name: standings(some, section.seed, block_s) for name, some in runs.items()}
    comparison = _comparison(runners, outcomes, found)
    (folder / COMPARISON_FILE).write_bytes(orjson.dumps(comparison, option=orjson.OPT_INDENT_2) + b"\n")
    say("drawing the page")
    return ComparedOutcome(folder, write_comparison(folder, comparison, runs, found), comparison, found)


def _under(heading: str, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: say(f"{heading}: {text}")


def _run(runner: Contender, folder: Path, say: Callable[[str], None]) -> Outcome:
    def make(_started: datetime) -> Path:
        own = folder / runner.name
        own.mkdir()
        return own

    return run_loaded(runner.loaded, make, say, report=False)


def _controlled(runners: Sequence[Contender], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Put the symmetric control, where one ran, beside the others as their benchmark, and draw every report."""
    control = next((number for number, runner in enumerate(runners) if runner.model == MODEL), None)
    drawn = []
    for number, outcome in enumerate(outcomes):
        result = outcome.result
        if control is not None and number != control:
            result = with_control(result, outcomes[control].result, runners[control].name)
            written = orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n"
            (outcome.run_dir / RESULT_FILE).write_bytes(written)
        drawn.append(Outcome(outcome.run_dir, write_report(outcome.run_dir), result))
    return drawn


def _recorded(runners: Sequence[Contender], outcomes: Sequence[Outcome]) -> dict[str, list[Run]]:
    """Read what was recorded of each instrument, runner by runner."""
    runs: dict[str, list[Run]] = {}
    for runner, outcome in zip(runners, outcomes, strict=True):
        log = RunLog.open(outcome.run_dir)
        for name, one in outcome.result["instruments"].items():
            recorded = instrument_log(log, facts_in(one), one["start_ns"], one["end_ns"])
            runs.setdefault(name, []).append(Run(runner.name, runner.model, one, recorded))
    return runs


def _comparison(
    runners: Sequence[Contender], outcomes: Sequence[Outcome], found: Mapping[str, Sequence[Standing]]
) -> dict[str, Any]:
    section, result = runners[0].loaded.run_file.run, outcomes[0].result
    return {
        "name": section.name,
        "seed": section.seed,
        "duration_s": result["duration_s"],
        "packages": result["provenance"]["packages"],
        "data_fingerprint": result["provenance"]["data_fingerprint"],
        "data": result["data"],
        "realism": result["realism"],
        "contenders": [
            {
                "name": runner.name,
                "model": runner.model,
                "folder": runner.name,
                "parameters": jsonable(runner.parameters),
                "derived": dict(runner.derived),
                "left_out": list(runner.left_out),
            }
            for runner in runners
        ],
        "instruments": {name: jsonable(some) for name, some in found.items()},
    }
