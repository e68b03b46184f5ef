"""One run of a sweep in a worker: run the tables, keep the numbers, leave nothing behind.

From run to run a worker keeps what every run would find the same: the imports, which take seconds, and what is in the
catalogue, which takes its hash. The data themselves are read by the engine, chunk by chunk, in memory that does not
grow with them.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from mm_nautilus.analytics.comparison import equity_at
from mm_nautilus.analytics.instrument_log import instrument_log
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in
from mm_nautilus.backtest.run import Outcome, run_loaded
from mm_nautilus.errors import UserError
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.sweep.data import PreparedData
from mm_nautilus.sweep.plan import Task, identity
from mm_nautilus.sweep.store import COMPLETED, FAILED, Row

_DATA: Final = PreparedData()
"""Lives as long as the worker, which lives as long as the sweep."""


def execute(task: Task, step_s: float, keep_in: Path | None = None, attempt: int = 1) -> Row:
    """Run one task; whatever goes wrong is in the row.

    Parameters
    ----------
    task : Task
        What to run.
    step_s : float
        Length of the steps that PnL is cut into, in seconds.
    keep_in : Path or None
        Folder that the run's folder is left in; by default it goes with the run.
    attempt : int
        How often it has been started, this time included.

    """
    begun = time.perf_counter()
    scratch = Path(tempfile.mkdtemp(prefix="mm-nautilus-sweep-"))
    try:
        loaded = load_tables(task.path, copy.deepcopy(dict(task.tables)))
        outcome = run_loaded(loaded, lambda _started: _made(scratch / "run"), report=False, prepare=_DATA)
        _check_same(task, loaded, outcome)
        numbers = numbers_of(outcome, loaded.instrument_ids[0], step_s, task.cut)
        return Row(
            task.identity, task.point, COMPLETED, attempts=attempt, seconds=time.perf_counter() - begun, **numbers
        )
    except Exception as error:
        cause = f" ({error.__cause__!r})" if error.__cause__ is not None else ""
        reason = f"{type(error).__name__}: {error}{cause}"
        return Row(task.identity, task.point, FAILED, reason, attempt, time.perf_counter() - begun)
    finally:
        if keep_in is not None and (scratch / "run").is_dir():
            _keep(scratch / "run", keep_in / task.identity[:16])
        shutil.rmtree(scratch, ignore_errors=True)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _keep(run: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(run, place)


def _check_same(task: Task, loaded: LoadedRun, outcome: Outcome) -> None:
    """Refuse what another machine made of the task under other versions or other data."""
    found = outcome.result["provenance"]["data_fingerprint"]
    if found != task.data_fingerprint:
        raise UserError(f"the data here are not those of the sweep ({found[:16]}, not {task.data_fingerprint[:16]})")
    if identity(loaded, found) != task.identity:
        raise UserError("the packages, the strategy or the Python here are not those the sweep was started with")


def numbers_of(outcome: Outcome, quoted: str, step_s: float, cut: tuple[int, int] | None = None) -> dict[str, Any]:
    """Return what a row says about a run that completed.

    Parameters
    ----------
    outcome : Outcome
        The run, its folder still there.
    quoted : str
        Instrument that is quoted; money is in what it settles in.
    step_s : float
        Length of the steps that PnL is cut into, in seconds.
    cut : tuple of int or None
        From and to where it is cut; see `mm_nautilus.sweep.plan.Task`.

    """
    result = outcome.result
    one = result["instruments"][quoted]
    currency = one["money"]["currency"]
    total = result["total"][currency]
    start, end = int(one["start_ns"]), int(one["end_ns"])
    first, last = cut or (start, end)
    edges = np.arange(first, last + 1, round(step_s * 1e9), dtype=np.int64)
    log = RunLog.open(outcome.run_dir)
    equity = np.zeros(len(edges))
    for other in result["instruments"].values():
        if other["money"]["currency"] == currency:
            equity += equity_at(instrument_log(log, facts_in(other), start, end).curve, edges)
    return {
        "currency": currency,
        "pnl": Decimal(total["total"]),
        "fees": Decimal(total["fees"]),
        "rebates": Decimal(total["rebates"]),
        "turnover": Decimal(total["turnover"]),
        "fills": total["fills"],
        "max_drawdown": total["max_drawdown"],
        "inventory_max": float(one["inventory"]["max_abs"]),
        "inventory_std": float(one["inventory"]["std"]),
        "spread_bps": one["quoting"]["spread_bps"],
        "two_sided": one["quoting"]["two_sided"]["share"],
        "start_ns": first,
        "end_ns": last,
        "step_s": step_s,
        "increments": tuple(np.diff(equity).tolist()),
    }
