"""The experiment on adverse selection: learn on other data, trade the same data three times, compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.adverse_selection.classifier.labels import LabelSettings
from mm_nautilus.adverse_selection.classifier.thresholds import NEVER_HIGH, unwanted_above
from mm_nautilus.adverse_selection.classifier.training import Band, TrainingSettings
from mm_nautilus.adverse_selection.settings import AdverseSelectionSettings
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.backtest.data import prepared_catalog
from mm_nautilus.backtest.run import new_folder, run_loaded
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import ConfigError, DataError, UserError
from mm_nautilus.experiment.effects import Effects, effects
from mm_nautilus.experiment.measure import Measured, measured
from mm_nautilus.experiment.page import write_page
from mm_nautilus.experiment.responses import OFF, RESPONSES, TRAINED, Tables, checked, responding
from mm_nautilus.experiment.windows import Windows, simulated, span_of, split
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.train import TrainedOutcome, train_tables

RESULT_FILE: Final = "experiment.json"
PAGE_FILE: Final = "experiment.html"


@dataclass(frozen=True, slots=True)
class Experiment:
    """Where an experiment was written to, and what it says."""

    folder: Path
    page: Path
    result: dict[str, Any]
    """``experiment.json``."""
    effects: Effects


@dataclass(frozen=True, slots=True)
class _Job:
    """One run, or (without a response) the data of one market; it crosses to another process."""

    path: Path
    market: str
    tables: Tables
    seed: int | None
    response: str = ""
    folder: Path = Path()
    horizon_s: float = 0.0


def adverse_selection(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    responses: Sequence[str] = RESPONSES,
    seeds: int = 1,
    training_seed: int | None = None,
    training_s: float | None = None,
    train_share: float = 0.5,
    horizon_s: float | None = None,
    block_s: float | None = None,
    training: TrainingSettings | None = None,
    seed: int | None = None,
    output: Path | None = None,
    jobs: int = 1,
    say: Callable[[str], None] = lambda _text: None,
) -> Experiment:
    """Run a run file without a response to adverse selection, by the rules and by a trained model, and compare.

    Parameters
    ----------
    path : Path
        TOML run file; its own choice of response is replaced.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    responses : sequence of str
        Some of `RESPONSES`; ``off`` is always there.
    seeds : int
        Simulated markets to trade, from ``data.simulation.seed`` on; 1 for recorded data.
    training_seed : int or None
        Of the simulated market that is learnt from; a thousand after the first by default.
    training_s : float or None
        Its length in seconds; that of a traded one, but at least an hour, by default.
    train_share : float
        For recorded data: share of the time, from its beginning, that is learnt from and not traded.
    horizon_s : float or None
        Horizon of the label and of the realised spread; the run file's ``adverse_selection.delayed_horizon_s``.
    block_s : float or None
        Length of a bootstrap block in seconds; chosen from the data by default.
    training : TrainingSettings or None
        How the model is trained.
    seed : int or None
        Replaces ``run.seed``, which also seeds training and bootstrap.
    output : Path or None
        Folder that the experiment's folder is made in; ``run.output`` by default.
    jobs : int
        Processes; with 1 everything happens in this one.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        For mistakes in the run file, and for data nothing can be learnt from or traded on.
    RunFailedError
        When a run stopped early.

    """
    responses = checked(responses)
    raw, problems = read_run_file(path, overrides)
    loaded = load_tables(path, raw, seed, problems)
    section = loaded.run_file.run
    tau = _horizon(raw, horizon_s)
    windows = _windows(raw, loaded, responses, seeds, training_seed, training_s, train_share)
    for tables in windows.trading.values():
        load_tables(path, responding(tables, OFF), seed)
    folder = new_folder(output or section.output, f"{section.name}-adverse-selection", datetime.now(UTC))
    with _pool(jobs) as each:
        say("preparing data")
        list(each(_prepare, [_Job(path, name, tables, seed) for name, tables in windows.trading.items()]))
        learnt = None
        if TRAINED in responses:
            learnt = _train(path, windows.training, seed, folder, tau, training, say)
        high = NEVER_HIGH if learnt is None else _threshold(learnt, loaded)
        wanted = [
            _Job(
                path,
                name,
                responding(tables, response, None if learnt is None else learnt.model.resolve(), high),
                seed,
                response,
                folder / "runs" / f"{name}-{response}",
                tau,
            )
            for response in responses
            for name, tables in windows.trading.items()
        ]
        found = []
        for number, one in enumerate(each(_play, wanted), 1):
            say(f"run {number} of {len(wanted)}")
            found.append(one)
    runs = {response: [one for one in found if one.response == response] for response in responses}
    say("comparing")
    compared = effects(runs, tau, section.seed, block_s)
    result = _result(loaded, windows, runs, compared, tau, learnt, high)
    (folder / RESULT_FILE).write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    say("drawing the page")
    return Experiment(folder, write_page(result, runs, folder / PAGE_FILE), result, compared)


def _horizon(raw: Mapping[str, Any], horizon_s: float | None) -> float:
    if horizon_s is None:
        default = AdverseSelectionSettings.model_fields["delayed_horizon_s"].default
        return float(raw.get("adverse_selection", {}).get("delayed_horizon_s", default))
    if not 0.0 < horizon_s <= 3600.0:
        raise ConfigError("--horizon-s", [f"should be above 0 and at most 3600 (found {horizon_s})"])
    return horizon_s


def _windows(
    raw: Tables,
    loaded: LoadedRun,
    responses: Sequence[str],
    seeds: int,
    training_seed: int | None,
    training_s: float | None,
    train_share: float,
) -> Windows:
    if seeds < 1:
        raise ConfigError("--seeds", [f"should be at least 1 (found {seeds})"])
    if loaded.run_file.data.simulation is not None:
        return simulated(raw, loaded, seeds, training_seed, training_s, learns=TRAINED in responses)
    if seeds > 1 or training_seed is not None or training_s is not None:
        problem = "--seeds, --training-seed and --training-s are for simulated markets; recorded data are what they are"
        raise ConfigError(loaded.path, [problem])
    if not 0.0 < train_share < 1.0:
        raise ConfigError("--train-share", [f"should be above 0 and below 1 (found {train_share})"])
    _, shape = prepared_catalog(loaded)
    span = span_of(loaded, shape.first_ns, shape.last_ns)
    return split(raw, span, train_share, learns=TRAINED in responses)


def _train(
    path: Path,
    tables: Tables,
    seed: int | None,
    folder: Path,
    horizon_s: float,
    settings: TrainingSettings | None,
    say: Callable[[str], None],
) -> TrainedOutcome:
    label = LabelSettings(horizon_s=horizon_s)
    tables = responding(tables, OFF)
    return train_tables(path, tables, seed=seed, folder=folder / "training", label=label, settings=settings, say=say)


def _threshold(learnt: TrainedOutcome, loaded: LoadedRun) -> float:
    """Return the chance above which held-out fills cost money, fees counted where they are a rate."""
    names = [one.name for one in fields(Band)]
    bands = [Band(**{name: one[name] for name in names}) for one in learnt.result["fifths"]]
    venue = loaded.instrument_ids[0].rpartition(".")[2]
    fee = next((float(one.fees.maker_rate) for one in loaded.run_file.venues if one.name == venue), 0.0)
    return unwanted_above(bands, 1e4 * fee)


class _pool:  # noqa: N801 - used like a function
    """As a context, a `map` over processes, or over this one."""

    def __init__(self, jobs: int) -> None:
        self._executor: ProcessPoolExecutor | None = None
        if jobs > 1:
            # Fresh processes: the engine has threads, which a fork would lose.
            self._executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))

    def __enter__(self) -> Callable[[Callable[[_Job], Any], Iterable[_Job]], Iterable[Any]]:
        return map if self._executor is None else partial(_results, self._executor)

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)


def _results(executor: ProcessPoolExecutor, work: Callable[[_Job], Any], jobs: Iterable[_Job]) -> Iterable[Any]:
    return executor.map(work, jobs)


def _prepare(job: _Job) -> None:
    _told(lambda: prepared_catalog(load_tables(job.path, job.tables, job.seed)))


def _play(job: _Job) -> Measured:
    loaded = load_tables(job.path, job.tables, job.seed)

    def made(_started: datetime) -> Path:
        job.folder.mkdir(parents=True)
        return job.folder

    def play() -> Measured:
        outcome = run_loaded(loaded, made)
        inside = str(job.folder.relative_to(job.folder.parents[1]))
        return measured(job.market, job.response, inside, outcome, loaded, job.horizon_s)

    return _told(play)


def _told[T](work: Callable[[], T]) -> T:
    """Do something; of a user's mistake only the words cross from one process to another."""
    try:
        return work()
    except UserError as error:
        raise DataError(str(error)) from None


def _result(
    loaded: LoadedRun,
    windows: Windows,
    runs: Mapping[str, Sequence[Measured]],
    compared: Effects,
    horizon_s: float,
    learnt: TrainedOutcome | None,
    high_risk: float,
) -> dict[str, Any]:
    some = runs[OFF][0]
    return {
        "name": loaded.run_file.run.name,
        "instrument_id": loaded.instrument_ids[0],
        "seed": loaded.run_file.run.seed,
        "horizon_s": horizon_s,
        "currency": some.currency,
        "unit": some.unit,
        "data": windows.told,
        "markets": [one.market for one in runs[OFF]],
        "hours": compared.hours,
        "training": None
        if learnt is None
        else {
            "folder": "training",
            "verdict": learnt.result["verdict"],
            "scores": [{"name": one["name"], "auc": one["auc"]} for one in learnt.result["scores"]],
            "fifths": learnt.result["fifths"],
            "high_risk": high_risk,
        },
        "intervals": {"level": compared.level, "block_s": compared.block_s, "blocks": compared.blocks},
        "effects": jsonable(compared.by_response),
        "withdrawn": {
            name: {
                "bid": sum(one.away_s[0] for one in all_runs) / (3600.0 * compared.hours),
                "ask": sum(one.away_s[1] for one in all_runs) / (3600.0 * compared.hours),
                "widened": sum(one.widened_s for one in all_runs) / (3600.0 * compared.hours),
            }
            for name, all_runs in runs.items()
        },
        "folders": {name: [one.folder for one in all_runs] for name, all_runs in runs.items()},
        "caveats": jsonable(some.caveats),
    }
