"""The report of a run: one HTML file that opens anywhere, offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from mm_nautilus.analytics.attribution_lines import Posting
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.report.chart import Chart
from mm_nautilus.analytics.report.heat import fills_and_markouts
from mm_nautilus.analytics.report.market_charts import quotes_and_fills, size_quoted, spread_quoted
from mm_nautilus.analytics.report.markout_charts import assessments_over_time, markout_curve
from mm_nautilus.analytics.report.money_charts import equity, inventory
from mm_nautilus.analytics.report.page import render
from mm_nautilus.analytics.report.reading import ReportedRun, read_run
from mm_nautilus.analytics.report.run_sections import first_sections, run_sections
from mm_nautilus.analytics.report.state_charts import quote_states, why_not_quoting
from mm_nautilus.analytics.runlog import RunLog

REPORT_FILE: Final = "report.html"

LINE_POINTS: Final = 12_000
"""Points of one line, shared between the instruments: with all lines about 4 MB."""
MOST_FILLS: Final = 20_000
"""Fills drawn one by one, shared between the instruments; a run with fewer shows every fill."""
QUOTE_BYTES: Final = 7_000_000
"""Size of all quotes, shared between the instruments: some 1.4 million of them."""


def write_report(run_dir: Path, result: Mapping[str, Any] | None = None) -> Path:
    """Write ``report.html`` from what the run folder holds, and return its path.

    Reads ``result.json``, ``run.toml`` and ``log/``; a log that ends at its last flush will do.

    Parameters
    ----------
    run_dir : Path
        The folder.
    result : mapping, optional
        Instead of its ``result.json``, where the run never came to write one.

    Raises
    ------
    DataError
        When the folder holds no result or no log, or one that cannot be read.

    """
    return draw_report(read_run(run_dir, result))


def draw_report(run: ReportedRun) -> Path:
    """Write the report of a run that has been read already, and return its path."""
    result, log = run.result, run.log
    shared = max(1, len(run.logs))
    charts = {}
    for number, (name, logged) in enumerate(run.logs.items()):
        group = f"i{number}"
        room = LINE_POINTS // shared, MOST_FILLS // shared, QUOTE_BYTES // shared
        charts[name] = instrument_charts(logged, group, *room, run.postings.get(name, ()))
        charts[name] += fills_and_markouts(log, logged, group)
        charts[name] += adverse_selection_charts(log, result["instruments"][name], group, LINE_POINTS // shared)
    page = render(result, run.run_toml, charts, run.notices, run_sections(run), first_sections(run), run.sensitivity)
    path = run.run_dir / REPORT_FILE
    path.write_text(page, encoding="utf-8")
    return path


def instrument_charts(
    one: InstrumentLog, group: str, points: int, most_fills: int, room_bytes: int, postings: Sequence[Posting]
) -> list[Chart]:
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
    postings : sequence of Posting
        What it earned, amount by amount.

    """
    traded = [
        quotes_and_fills(one, group, points, most_fills, room_bytes),
        inventory(one, group, points),
        equity(one, group, points, postings),
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
