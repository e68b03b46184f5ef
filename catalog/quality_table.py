"""The data-quality reports of an ingest as tables on a screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table


def quality_tables(reports: Iterable[dict[str, Any]]) -> Iterator[Table]:
    """Yield per instrument what came in, then what was wrong with it and what was done about that.

    Parameters
    ----------
    reports : iterable of dict
        Quality reports as an ingest returns them and `inspect.load_quality` reads them.

    """
    about_files: list[dict[str, Any]] = []
    for report in reports:
        about_files = report["source_findings"]
        yield _events(report)
        yield _findings(f"{report['instrument_id']}: findings, and what was done", report["findings"], report)
    if about_files:
        yield _findings("Files: findings, and what was done", about_files, {"kinds": {}})


def _table(title: str) -> Table:
    return Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _events(report: dict[str, Any]) -> Table:
    table = _table(report["instrument_id"])
    table.add_column("kind", no_wrap=True)
    for name in ("events", "rows", "first (UTC)", "last", "longest silence", "delay, ms"):
        table.add_column(name, justify="right")
    for kind, totals in report["kinds"].items():
        delay = totals["delay_ms"]
        table.add_row(
            kind,
            f"{totals['events']:,}",
            f"{totals['rows']:,}",
            _when(totals["first_ns"]),
            _when(totals["last_ns"]),
            f"{totals['longest_gap_s']:,.3f} s",
            f"{delay['shortest']:,.1f} to {delay['longest']:,.1f}",
        )
    return table


def _findings(title: str, findings: list[dict[str, Any]], report: dict[str, Any]) -> Table:
    table = _table(title)
    table.add_column("kind", no_wrap=True)
    table.add_column("finding")
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("done")
    table.add_column("first at", overflow="fold")
    for finding in findings:
        events = report["kinds"].get(finding["kind"], {}).get("events", 0)
        share = f"{finding['count'] / events:.2%}" if events else ""
        words = (
            finding["kind"],
            finding["defect"],
            f"{finding['count']:,}",
            share,
            finding["action"],
            finding["first"],
        )
        table.add_row(*(escape(word) for word in words))
    spans = report.get("crossed_spans_ns")
    if spans:
        seconds = sum(end - start for start, end in spans) / 1e9
        until = f"the last until {_when(spans[-1][1])}"
        table.add_row(
            "deltas",
            f"crossed for {seconds:,.3f} s",
            f"{len(spans):,}",
            "",
            f"spans in the report, {until}",
            _when(spans[0][0]),
        )
    if not table.row_count:
        table.add_row("", "nothing", "", "", "", "")
    return table


def _when(ns: int) -> str:
    return str(np.datetime64(ns, "ns").astype("datetime64[ms]")).replace("T", " ")
