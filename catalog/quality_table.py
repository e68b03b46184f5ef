"""The data-quality reports of an ingest as tables on a screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table


def quality_tables(reports: Iterable[dict[str, Any]]) -> Iterator[Table]:
    """Yield what came in, then what was wrong with it and what was done about that.

    Parameters
    ----------
    reports : iterable of dict
        Quality reports as an ingest returns them and `inspect.load_quality` reads them.

    """
    reports = list(reports)
    yield _events(reports)
    yield _findings(reports)


def _events(reports: list[dict[str, Any]]) -> Table:
    table = Table(title="Data", title_justify="left")
    for name in ("instrument", "kind"):
        table.add_column(name, no_wrap=True)
    for name in ("events", "rows", "from (ts_init, UTC)", "to", "longest silence", "arrival - exchange time"):
        table.add_column(name, justify="right", no_wrap=name in {"events", "rows"})
    for report in reports:
        for kind, totals in report["kinds"].items():
            delay = totals["delay_ms"]
            table.add_row(
                escape(report["instrument_id"]),
                kind,
                f"{totals['events']:,}",
                f"{totals['rows']:,}",
                _when(totals["first_ns"]),
                _when(totals["last_ns"]),
                f"{totals['longest_gap_s']:.3g} s",
                f"{delay['shortest']:.3g} to {delay['longest']:.3g} ms",
            )
    return table


def _findings(reports: list[dict[str, Any]]) -> Table:
    table = Table(title="Findings, and what was done", title_justify="left")
    for name in ("instrument", "kind"):
        table.add_column(name, no_wrap=True)
    table.add_column("finding")
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("done")
    table.add_column("first at")
    about_files = reports[0]["source_findings"] if reports else []
    for finding in about_files:
        _add(table, "", finding, 0)
    for report in reports:
        for finding in report["findings"]:
            events = report["kinds"].get(finding["kind"], {}).get("events", 0)
            _add(table, report["instrument_id"], finding, events)
        spans = report.get("crossed_spans_ns")
        if spans:
            words = f"crossed from {_when(spans[0][0])} to {_when(spans[-1][1])} in {len(spans)} spans"
            table.add_row(escape(report["instrument_id"]), "deltas", words, "", "", "listed in the report", "")
    if not table.row_count:
        table.add_row("", "", "nothing", "", "", "", "")
    return table


def _add(table: Table, instrument_id: str, finding: dict[str, Any], events: int) -> None:
    share = f"{finding['count'] / events:.2%}" if events else ""
    words = [finding["kind"], finding["defect"], f"{finding['count']:,}", share, finding["action"], finding["first"]]
    table.add_row(escape(instrument_id), *(escape(word) for word in words))


def _when(ns: int) -> str:
    return str(np.datetime64(ns, "ns").astype("datetime64[ms]")).replace("T", " ")
