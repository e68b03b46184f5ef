"""What a run folder holds, read once for the report and for runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.analytics.asset_rates import STATED
from mm_nautilus.analytics.attribution_lines import Posting
from mm_nautilus.analytics.attribution_summary import attributed
from mm_nautilus.analytics.instrument_log import InstrumentLog, instrument_log
from mm_nautilus.analytics.rate_path import RatePath, read_rate_paths
from mm_nautilus.analytics.report.sensitivity_section import read_sensitivity
from mm_nautilus.analytics.report.words import clock
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in
from mm_nautilus.errors import DataError

RESULT_FILE: Final = "result.json"
RUN_FILE: Final = "run.toml"
CUT_SHORT: Final = "cut short"
"""Status of a result that was added up later, from the log of a run that never ended."""

_NO_BALANCES: Final = "instant up to which nothing is missing; there are no balances to hold the PnL against."
_NEEDED: Final = ("run", "realism", "instruments", "total", "status")


@dataclass(frozen=True)
class ReportedRun:
    """A run as its folder tells it.

    Parameters
    ----------
    run_dir : Path
        The folder.
    result : mapping
        ``result.json``, or what was added up from an unfinished log.
    run_toml : str
        The resolved run file.
    log : RunLog
        The run's log.
    logs : mapping of instrument to InstrumentLog
        In the order of the result.
    rate_paths : mapping of currency to RatePath
        What instruments said that currencies were worth.

    """

    run_dir: Path
    result: Mapping[str, Any]
    run_toml: str
    log: RunLog
    logs: Mapping[str, InstrumentLog]
    rate_paths: Mapping[str, RatePath] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the run is called."""
        return str(self.result["run"].get("name") or "Run")

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last instant over all instruments."""
        instruments = self.result["instruments"].values()
        if not instruments:
            return 0, 0
        return min(one["start_ns"] for one in instruments), max(one["end_ns"] for one in instruments)

    @cached_property
    def sensitivity(self) -> dict[str, Any] | None:
        """What becomes of the result under other assumptions, where that was tried."""
        return read_sensitivity(self.run_dir)

    @cached_property
    def postings(self) -> Mapping[str, Sequence[Posting]]:
        """What each instrument earned, amount by amount, in its settlement currency; empty where nothing happened."""
        if not any(one.fills for one in self.logs.values()):
            return {}
        assets = (self.result.get("attribution") or {"assets": {}})["assets"].values()
        stated = {
            currency: Decimal(rate["rate"])
            for asset in assets
            for currency, rate in asset["rates"].items()
            if rate["source"] == STATED
        }
        return attributed(list(self.logs.values()), self.span_ns[0], stated, rate_paths=self.rate_paths)[1]

    @property
    def notices(self) -> list[str]:
        """What a reader must know about the log itself."""
        said = [f"{path.relative_to(self.run_dir)} is not whole and was left out." for path in self.log.damaged]
        if self.result["status"] == CUT_SHORT:
            until = f"The run never ended. Everything here is of its log until {clock(self.span_ns[1])} UTC, the last "
            return [until + _NO_BALANCES, *said]
        return said if self.log.complete else ["The run was cut short: its log ends at the last flush.", *said]


def read_run(
    run_dir: Path,
    result: Mapping[str, Any] | None = None,
    log: RunLog | None = None,
    rate_paths: Mapping[str, RatePath] | None = None,
) -> ReportedRun:
    """Read a run folder; a log that ends at its last flush will do.

    Parameters
    ----------
    run_dir : Path
        The folder.
    result : mapping, optional
        Instead of its ``result.json``.
    log : RunLog, optional
        Instead of all that its log holds.
    rate_paths : mapping of currency to RatePath, optional
        Instead of those that the folder holds.

    Raises
    ------
    DataError
        When the folder holds no result or no log, or one that cannot be read.

    """
    found = read_result(run_dir) if result is None else result
    log = log or RunLog.open(run_dir)
    run_file = run_dir / RUN_FILE
    logs = {
        name: instrument_log(log, facts_in(one), one["start_ns"], one["end_ns"])
        for name, one in found["instruments"].items()
    }
    text = run_file.read_text(encoding="utf-8") if run_file.is_file() else "# the run folder holds no run.toml\n"
    paths = read_rate_paths(run_dir) if rate_paths is None else rate_paths
    return ReportedRun(run_dir, found, text, log, logs, paths)


def read_result(run_dir: Path) -> dict[str, Any]:
    """Read ``result.json``.

    Raises
    ------
    DataError
        When it is not there, cannot be read, or is of a run that failed before it could be added up.

    """
    path = run_dir / RESULT_FILE
    if not path.is_file():
        raise DataError(f"{path}: there is no result here; a backtest writes it when it ends")
    try:
        result: dict[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: not a result ({error})") from error
    missing = [key for key in _NEEDED if key not in result]
    if missing:
        why = f"; the run failed: {result['error']}" if "error" in result else ""
        raise DataError(f"{path}: not a result; it lacks {', '.join(missing)}{why}")
    return result
