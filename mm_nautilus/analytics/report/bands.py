"""The equity and, in bands, the lines of the attribution that add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.attribution_lines import LINES, Posting
from mm_nautilus.analytics.report.chart import milliseconds
from mm_nautilus.analytics.report.palette import BANDS, EMPTY, Colour
from mm_nautilus.analytics.report.thin import Floats, Ints
from mm_nautilus.analytics.report.words import in_words

POINTS: Final = 600
"""Instants at which the bands are drawn."""
_TRACE: Final = 0.004
"""Share of the largest line below which a line is no band of its own."""


def cumulated(postings: Sequence[Posting], edges: Ints) -> dict[str, Floats]:
    """Return what each line had come to at each instant; lines without any posting are left out.

    Parameters
    ----------
    postings : sequence of Posting
        From `mm_nautilus.analytics.attribution_summary.attributed`.
    edges : int array
        Instants in order.

    """
    found: dict[str, Floats] = {}
    for line in LINES:
        mine = [(posting.ts_ns, float(posting.amount)) for posting in postings if posting.line == line]
        if mine:
            ts_ns = np.array([at for at, _ in mine], dtype=np.int64)
            order = np.argsort(ts_ns, kind="stable")
            sums = np.concatenate(([0.0], np.cumsum(np.array([paid for _, paid in mine])[order])))
            found[line] = sums[np.searchsorted(ts_ns[order], edges, side="right")]
    return found


def bands(postings: Sequence[Posting], span_ns: tuple[int, int]) -> list[go.Scatter]:
    """Return the lines as stacked areas, what was earned upward from zero and what was lost downward.

    Parameters
    ----------
    postings : sequence of Posting
        Of one instrument.
    span_ns : tuple of int
        Beginning and end of the run.

    """
    edges = np.linspace(*span_ns, POINTS).astype(np.int64)
    lines = cumulated(postings, edges)
    most = max((float(np.abs(values).max()) for values in lines.values()), default=0.0)
    traces: list[go.Scatter] = []
    for line, values in lines.items():
        if float(np.abs(values).max()) < _TRACE * most:
            continue
        colour = BANDS.get(line, EMPTY)
        for stack, part in (("earned", np.maximum(values, 0.0)), ("lost", np.minimum(values, 0.0))):
            if np.any(part):
                first = not any(trace.legendgroup == line for trace in traces)
                traces.append(_area(line, edges, part, values, stack, colour, named=first))
    return traces


def _area(
    line: str, edges: Ints, part: Floats, values: Floats, stack: str, colour: Colour, *, named: bool
) -> go.Scatter:
    return go.Scatter(
        x=milliseconds(edges),
        y=part,
        customdata=values,
        name=in_words(line),
        legendgroup=line,
        showlegend=named,
        mode="lines",
        line={"width": 0, "color": colour.light},
        fillcolor=colour.light,
        stackgroup=stack,
        hoverinfo=None if named else "skip",
        hovertemplate="%{customdata:.6~g}" if named else None,
    )
