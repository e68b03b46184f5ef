"""Load, prepare, run, add up, write down."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from copy import replace
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import tomli_w
from nautilus_trader.backtest import BacktestNode

from mm_nautilus.actors import Recorder, RecorderConfig
from mm_nautilus.analytics.facts import RunFacts
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.rate_path import write_rate_paths
from mm_nautilus.analytics.realism import DataShape, caveats
from mm_nautilus.analytics.report import write_report
from mm_nautilus.analytics.report.calibration_section import CALIBRATION_FILE
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import summarise
from mm_nautilus.backtest.data import data_shapes, described, end_of_data, prepared_catalog
from mm_nautilus.backtest.facts import run_facts, venue_settings
from mm_nautilus.backtest.fill_model import check_out_of_sample, pin_model, without_model_path
from mm_nautilus.backtest.funding import FundingSummary, run_funding
from mm_nautilus.backtest.provenance import provenance
from mm_nautilus.backtest.relations import rate_paths, run_relations
from mm_nautilus.backtest.watching import check_obligations, check_schedule, watchers
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.errors import UserError
from mm_nautilus.host.collector import rare_collections
from mm_nautilus.host.guard import Guarded
from mm_nautilus.host.loading import LoadedRun, load_run
from mm_nautilus.host.node import RUN_ID, build_node


class RunFailedError(RuntimeError):
    """The run stopped before its data ended; what was recorded is kept."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a run was written to, and its result."""

    run_dir: Path
    report: Path | None
    """None where none was asked for."""
    result: dict[str, Any]


def run_backtest(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    seed: int | None = None,
    output: Path | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> Outcome:
    """Run a run file and write its folder: ``run.toml``, ``result.json``, ``log/`` and ``report.html``.

    Parameters
    ----------
    path : Path
        TOML run file.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    seed : int or None
        Replaces ``run.seed``.
    output : Path or None
        Folder that the run folder is made in; ``run.output`` by default.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        For mistakes in the run file or in the data, before anything is run.
    RunFailedError
        When a handler raised or the engine stopped early; the cause is chained and the log is kept.

    """
    loaded = load_run(path, overrides, seed)
    section = loaded.run_file.run
    return run_loaded(loaded, lambda started: new_folder(output or section.output, section.name, started), say)


def run_loaded(
    loaded: LoadedRun,
    folder: Callable[[datetime], Path],
    say: Callable[[str], None] = lambda _text: None,
    *,
    report: bool = True,
    prepare: Callable[[LoadedRun], tuple[Path, CatalogShape]] = prepared_catalog,
) -> Outcome:
    """Run what has been loaded already; see `run_backtest`.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    folder : callable
        Makes the run's folder, once the data is there; given the time the run started.
    say : callable
        Told in a few words what is being done.
    report : bool
        Whether to draw ``report.html``; it can be drawn later from the folder.
    prepare : callable
        Gives the catalogue and what is in it; for whoever runs many times on the same data.

    """
    check_obligations(loaded)
    say("preparing data")
    catalog, shape = prepare(loaded)
    check_schedule(loaded, shape.first_ns, end_of_data(loaded, shape))
    check_out_of_sample(loaded, shape)
    started = datetime.now(UTC)
    run_dir = folder(started)
    resolved = write_run_file(loaded, run_dir)
    say("running")
    node = build_node(loaded, catalog, shape.kinds())
    try:
        facts, failure = _run(loaded, node, run_dir, end_of_data(loaded, shape))
    finally:
        node.dispose()
    say("adding up")
    result: dict[str, Any] = {
        "status": "failed" if failure else "completed",
        "run": {
            "name": loaded.run_file.run.name,
            "seed": loaded.run_file.run.seed,
            "started": started.isoformat(),
            "finished": datetime.now(UTC).isoformat(),
            "folder": str(run_dir),
        },
        "provenance": provenance(resolved, shape.fingerprint),
        "data": described(shape),
    }
    funding: dict[str, FundingSummary] = {}
    # A run that broke off has an unfinished log: its numbers would not explain the account.
    if failure is not None:
        result["error"] = repr(failure)
    else:
        facts = replace(facts, rate_paths=rate_paths(loaded, catalog, shape, facts))
        write_rate_paths(run_dir, facts.rate_paths)
        log = RunLog.open(run_dir)
        result |= jsonable(summarise(log, facts))
        funding = run_funding(catalog, log, facts)
        result |= {"funding": jsonable(funding)} if funding else {}
        result["relations"] = jsonable(run_relations(loaded, catalog, shape, facts))
    result["realism"] = realism(loaded, data_shapes(loaded, shape, funding))
    (run_dir / "result.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    if failure is not None:
        raise RunFailedError(f"{loaded.run_file.run.name}: the run stopped early; its log is in {run_dir}") from failure
    if not report:
        return Outcome(run_dir, None, result)
    say("drawing the report")
    return Outcome(run_dir, write_report(run_dir), result)


def _run(loaded: LoadedRun, node: BacktestNode, run_dir: Path, end_ns: int) -> tuple[RunFacts, BaseException | None]:
    """Run the node; return the facts of the run and why it failed, if it did."""
    settings = loaded.run_file.recorder
    recorder = Recorder(RecorderConfig(actor_id="Recorder-001", run_dir=str(run_dir), flush_rows=settings.flush_rows))
    strategy = loaded.strategy_type(loaded.config_until(end_ns))
    components = (strategy, *watchers(loaded), recorder)
    node.add_actor(RUN_ID, recorder)
    for watcher in components[1:-1]:
        node.add_actor(RUN_ID, watcher)
    node.add_strategy(RUN_ID, strategy)
    try:
        with rare_collections():
            outcome = node.run()[0]
    except RuntimeError as error:
        # The engine keeps only the text of what a component's start raised.
        cause = next((found.fatal for found in components if found.fatal is not None), error)
        if isinstance(cause, UserError):
            raise cause from None
        raise RunFailedError(f"{loaded.run_file.run.name}: a component did not start") from cause
    finally:
        recorder.close()
    if outcome.backtest_start is None or outcome.backtest_end is None:
        raise RunFailedError(f"{loaded.run_file.run.name}: the engine was fed no data")
    cache, portfolio = node.get_engine_cache(RUN_ID), node.get_engine_portfolio(RUN_ID)
    facts = run_facts(loaded, cache, portfolio, outcome.backtest_start, outcome.backtest_end)
    return facts, _failure(components, facts.end_ns, end_ns)


def _failure(components: Iterable[Guarded], stopped_ns: int, end_ns: int) -> BaseException | None:
    for component in components:
        if component.fatal is not None:
            return component.fatal
    if stopped_ns < end_ns:
        return RuntimeError(f"the engine stopped at {stopped_ns} ns, before the data's end at {end_ns} ns")
    return None


def new_folder(output: Path, name: str, started: datetime) -> Path:
    """Make a folder that did not exist, named after the run and the time."""
    stem = f"{name}-{started:%Y%m%d-%H%M%S}"
    for attempt in range(1, 1000):
        folder = output / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{output / stem}: a thousand runs started in this second")


def write_run_file(loaded: LoadedRun, run_dir: Path) -> bytes:
    """Write the run file as it was understood, every default filled in; return its bytes without paths."""
    tables = loaded.run_file.model_dump(mode="json", exclude_none=True)
    for optional in ("compare", "operator", "live"):
        if not tables.get(optional):
            tables.pop(optional, None)
    tables["data"]["catalog"] = os.path.relpath(loaded.catalog, run_dir.resolve())
    pin_model(tables, run_dir)
    if loaded.calibration is not None:
        shutil.copyfile(loaded.calibration, run_dir / CALIBRATION_FILE)
    (run_dir / "run.toml").write_text(tomli_w.dumps(tables), encoding="utf-8")
    for section, key in (("data", "catalog"), ("run", "output")):
        tables[section].pop(key)
    tables["report"].pop("sensitivity", None)  # other runs, of which this one knows nothing
    without_model_path(tables)
    return tomli_w.dumps(tables).encode()


def realism(loaded: LoadedRun, shapes: Sequence[DataShape]) -> dict[str, Any]:
    """Return how the venues treat orders and what data of these shapes cannot show, as ``result.json`` holds it."""
    venues = [venue_settings(section) for section in loaded.run_file.venues]
    found = caveats(shapes, venues)
    return {"venues": jsonable(venues), "caveats": jsonable(found)}
