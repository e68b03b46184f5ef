"""The report of a run: one HTML file that opens anywhere, offline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow.compute as pc

from mm_nautilus.analytics.instrument_log import InstrumentLog, instrument_log
from mm_nautilus.analytics.report.chart import Chart
from mm_nautilus.analytics.report.heat import fills_and_markouts
from mm_nautilus.analytics.report.market_charts import quotes_and_fills, size_quoted, spread_quoted
from mm_nautilus.analytics.report.markout_charts import assessments_over_time, markout_curve
from mm_nautilus.analytics.report.money_charts import equity, inventory
from mm_nautilus.analytics.report.page import render
from mm_nautilus.analytics.report.run_sections import run_sections
from mm_nautilus.analytics.report.state_charts import quote_states, why_not_quoting
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in, settlement_currencies
from mm_nautilus.errors import DataError

REPORT_FILE: Final = "report.html"
RESULT_FILE: Final = "result.json"
RUN_FILE: Final = "run.toml"

LINE_POINTS: Final = 12_000
"""Points of one line, shared between the instruments: with all lines about 4 MB."""
MOST_FILLS: Final = 20_000
"""Fills drawn one by one, shared between the instruments; a run with fewer shows every fill."""
QUOTE_BYTES: Final = 7_000_000
"""Size of all quotes, shared between the instruments: some 1.4 million of them."""


def write_report(run_dir: Path) -> Path:
    """Write ``report.html`` from what the run folder holds, and return its path.

    Reads ``result.json``, ``run.toml`` and ``log/``; a log that ends at its last flush will do.

    Raises
    ------
    DataError
        When the folder holds no result or no log, or one that cannot be read.

    """
    result = _result(run_dir / RESULT_FILE)
    log = RunLog.open(run_dir)
    run_file = run_dir / RUN_FILE
    run_toml = run_file.read_text(encoding="utf-8") if run_file.is_file() else "# the run folder holds no run.toml\n"
    shared = max(1, len(result["instruments"]))
    charts = {}
    for number, (name, one) in enumerate(result["instruments"].items()):
        logged = instrument_log(log, facts_in(one), one["start_ns"], one["end_ns"])
        group = f"i{number}"
        charts[name] = instrument_charts(
            logged, group, LINE_POINTS // shared, MOST_FILLS // shared, QUOTE_BYTES // shared
        )
        charts[name] += fills_and_markouts(log, logged, group)
        charts[name] += adverse_selection_charts(log, one, group, LINE_POINTS // shared)
    currencies = settlement_currencies([facts_in(one) for one in result["instruments"].values()])
    sections = run_sections(result, log, currencies)
    notices = [] if log.complete else ["The run was cut short: its log ends at the last flush."]
    path = run_dir / REPORT_FILE
    path.write_text(render(result, run_toml, charts, notices, sections), encoding="utf-8")
    return path


def instrument_charts(one: InstrumentLog, group: str, points: int, most_fills: int, room_bytes: int) -> list[Chart]:
    """Return the charts of one instrument in reading order.

    Parameters
    ----------
    one : InstrumentLog
        What the log says about it.
    group : str
        Prefix of the charts' keys; they zoom in time together.
    points : int
        Points per line.
    most_fills : int
        Fills drawn one by one.
    room_bytes : int
        Size that all quotes may take in the page.

    """
    traded = [
        quotes_and_fills(one, group, points, most_fills, room_bytes),
        inventory(one, group, points),
        equity(one, group, points),
    ]
    if not one.timeline.decisions and one.facts.position_limit is None:  # only hedged on
        return traded
    why = why_not_quoting(one, group)
    return [
        *traded,
        quote_states(one, group),
        *([why] if why else []),
        spread_quoted(one, group, points),
        size_quoted(one, group, points),
    ]


def adverse_selection_charts(log: RunLog, one: Mapping[str, Any], group: str, points: int) -> list[Chart]:
    """Return what was measured of adverse selection on one instrument, nothing where nobody measured it.

    Parameters
    ----------
    log : RunLog
        With the assessments.
    one : mapping
        The instrument in a ``result.json``.
    group, points
        As for `instrument_charts`.

    """
    charts = []
    columns = ["ts_ns", "instrument_id", "bid_t", "ask_t", "bid_toxic", "ask_toxic"]
    assessments = log.table("assessments", columns)
    assessments = assessments.filter(pc.equal(assessments["instrument_id"], one["instrument_id"]))
    if len(assessments):
        charts.append(assessments_over_time(assessments, (one["start_ns"], one["end_ns"]), group, points))
    if one.get("markouts"):
        charts.append(markout_curve(one["markouts"], group))
    return charts


def _result(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}: there is no result here; a backtest writes it when it ends")
    try:
        result: dict[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: not a result ({error})") from error
    missing = [key for key in ("run", "realism", "instruments", "total", "status") if key not in result]
    if missing:
        raise DataError(f"{path}: not a result; it lacks {', '.join(missing)}")
    return result
