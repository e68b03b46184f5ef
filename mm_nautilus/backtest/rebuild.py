"""A run folder added up and drawn again, one whose run was killed included."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import replace
from pathlib import Path
from typing import Any

from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.analytics.facts import InstrumentFacts, RunFacts
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.moment import known_until, span
from mm_nautilus.analytics.rate_path import RatePath
from mm_nautilus.analytics.report.reading import CUT_SHORT, RESULT_FILE, RUN_FILE, ReportedRun, read_result, read_run
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import summarise
from mm_nautilus.backtest.data import data_shapes, prepared_catalog
from mm_nautilus.backtest.facts import instrument_facts
from mm_nautilus.backtest.funding import run_funding
from mm_nautilus.backtest.relations import rate_paths, stated_rates
from mm_nautilus.backtest.run import realism
from mm_nautilus.backtest.watching import roll_over
from mm_nautilus.errors import DataError
from mm_nautilus.host.loading import LoadedRun, load_run
from mm_nautilus.venues.trading_hours import roll_over_ns


def rebuilt(run_dir: Path) -> ReportedRun:
    """Return what a run folder holds; where the run never came to write its result, what its log adds up to.

    Raises
    ------
    DataError
        When the folder holds no run, or a log that nothing was flushed to.
    ConfigError, CatalogError
        When the run was killed and its run file or its data, which say what was traded, cannot be read.

    """
    if not run_dir.is_dir():
        raise DataError(f"{run_dir}: there is no such folder")
    if (run_dir / RESULT_FILE).is_file() and "error" not in (result := _written(run_dir)):
        return read_run(run_dir, result)
    if not (run_dir / RUN_FILE).is_file():
        raise DataError(f"{run_dir}: neither {RESULT_FILE} nor {RUN_FILE} is here; is it the folder of a run?")
    log = RunLog.open(run_dir)
    if not log.complete:
        log = replace(log, until_ns=known_until(log))
    added_up, rates = _added_up(log)
    return read_run(run_dir, added_up, log, rates)


def _written(run_dir: Path) -> dict[str, Any]:
    """Return the result that was written; of a run that failed it is only why."""
    try:
        return read_result(run_dir)
    except DataError as error:
        if "the run failed" in str(error):
            return {"error": str(error)}
        raise


def _added_up(log: RunLog) -> tuple[Mapping[str, Any], Mapping[str, RatePath]]:
    """Return a result without balances, what the log says, and the rates over time that it was added up with."""
    start_ns, end_ns = span(log)
    loaded = load_run(log.run_dir / RUN_FILE)
    catalog, shape = prepared_catalog(loaded)
    section, wanted = loaded.run_file.run, loaded.run_file.report
    facts = RunFacts(
        start_ns,
        end_ns,
        _instruments(loaded, catalog),
        (),
        roll_over_ns=roll_over_ns(roll_over(loaded.run_file)),
        rates=stated_rates(loaded),
        capital=wanted.capital,
        targets=wanted.targets,
        seed=section.seed,
    )
    rates, funding = rate_paths(loaded, catalog, shape, facts), run_funding(catalog, log, facts)
    return {
        "status": CUT_SHORT,
        "run": {"name": section.name, "seed": section.seed, "folder": os.fspath(log.run_dir)},
        "realism": realism(loaded, data_shapes(loaded, shape, funding)),
        "data": {"catalog": str(catalog)},
        **jsonable(summarise(log, replace(facts, rate_paths=rates))),
        **({"funding": jsonable(funding)} if funding else {}),
    }, rates


def _instruments(loaded: LoadedRun, catalog: Path) -> tuple[InstrumentFacts, ...]:
    found = {str(one.id): one for one in ParquetDataCatalog(str(catalog)).instruments()}
    return instrument_facts(loaded, [found[name] for name in loaded.instrument_ids])
