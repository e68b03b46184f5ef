"""What fills turned out to be worth: curves with intervals, tables, and how the monitor saw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from mm_nautilus.analytics.numbers import NOTHING, compact
from mm_nautilus.analytics.report.chart import Chart, line, over_time, plain_figure
from mm_nautilus.analytics.report.palette import BUY, INK, MUTED, SELL, Colour

type Json = Mapping[str, Any]

Z_95: Final = 1.959964
_CURVES: Final = (("All fills", INK), ("BUY", BUY), ("SELL", SELL))
_TITLES: Final = {
    "side": "By side",
    "level": "By level",
    "venue": "By venue",
    "size": "By size",
    "hour": "By hour (UTC)",
}


def markout_curve(markouts: Json, group: str) -> Chart:
    """Mean markout in basis points against the horizon, with 95 % intervals, for all fills and each side.

    Parameters
    ----------
    markouts : mapping
        A `MarkoutReport` in a ``result.json``.
    group : str
        Prefix of the chart's key.

    """
    curves = {"All fills": markouts["all"], **markouts["groups"]["side"]}
    horizons = [horizon_name(horizon) for horizon in markouts["horizons_s"]]
    traces = [_curve(name, colour, curves[name], horizons) for name, colour in _CURVES if name in curves]
    last = next((one for one in reversed(markouts["all"]) if one["markout_bps"] is not None), None)
    told = "No horizon passed." if last is None else _told(last)
    figure = plain_figure(traces, hovermode="x unified")
    figure.update_xaxes(type="category", title={"text": "After the fill"})
    figure.update_yaxes(title={"text": "Markout (bps)", "standoff": 8}, zeroline=True)
    return Chart(
        key=f"{group}-markouts",
        title="What fills were worth later",
        caption="Mean of what a fill had earned against the mid after each time, in basis points of the mid at the "
        "fill, before fees and weighted by size; a curve that falls is adverse selection. Bars are 95 % intervals that "
        "count fills with overlapping horizons as dependent. A fill near the end of the data misses the longer "
        "horizons.",
        alt=f"Markout by horizon for all fills, buys and sells. {told}",
        figure=figure,
    )


def _curve(name: str, colour: Colour, summaries: Sequence[Json], horizons: Sequence[str]) -> go.Scatter:
    errors = [None if one["markout_bps_se"] is None else Z_95 * one["markout_bps_se"] for one in summaries]
    return go.Scatter(
        x=list(horizons),
        y=[one["markout_bps"] for one in summaries],
        error_y={"type": "data", "array": errors, "color": colour.light, "thickness": 1.2, "width": 4},
        name=name,
        mode="lines+markers",
        line={"color": colour.light, "width": 1.8},
        customdata=[f"{one['fills']:,} fills" for one in summaries],
        hovertemplate="%{y:.3f} bps, %{customdata}",
    )


def _told(last: Json) -> str:
    return f"After {horizon_name(last['horizon_s'])} the mean is {compact(last['markout_bps'], 3)} basis points."


def horizon_name(seconds: float) -> str:
    """Return a horizon as it is read: ``5 s``, ``10 min``."""
    minutes, rest = divmod(seconds, 60.0)
    return f"{minutes:g} min" if minutes and not rest else f"{seconds:g} s"


def markout_tables(markouts: Json) -> str:
    """Return the markouts by what is told apart, as tables that fold away."""
    head = "".join(f'<th scope="col">{escape(horizon_name(horizon))}</th>' for horizon in markouts["horizons_s"])
    tables = "".join(
        f'<div class="scroll"><table><caption>{escape(_TITLES[what])}</caption>'
        f'<thead><tr><th></th><th scope="col">Fills</th><th scope="col">Edge</th>{head}</tr></thead>'
        f"<tbody>{''.join(_row(label, summaries) for label, summaries in by.items())}</tbody></table></div>"
        for what, by in markouts["groups"].items()
        if by
    )
    return (
        '<details class="card"><summary>Markouts by side, level, venue, size and hour</summary>'
        '<p class="caption">Markout in basis points with its standard error, and adverse selection in standard errors '
        "in brackets (positive is against us); the edge in price units.</p>"
        f"{tables}</details>"
    )


def _row(label: str, summaries: Sequence[Json]) -> str:
    cells = "".join(f'<td class="number">{_cell(one)}</td>' for one in summaries)
    return (
        f'<tr><th scope="row">{escape(label)}</th><td class="number">{summaries[0]["fills"]:,}</td>'
        f'<td class="number">{compact(summaries[0]["edge"], 3)}</td>{cells}</tr>'
    )


def _cell(one: Json) -> str:
    if one["markout_bps"] is None:
        return NOTHING
    error = "" if one["markout_bps_se"] is None else f" &plusmn; {compact(one['markout_bps_se'], 2)}"
    toxicity = "" if one["toxicity"] is None else f" ({compact(one['toxicity'], 2, signed=True)})"
    return f"{compact(one['markout_bps'], 3, signed=True)}{error}{toxicity}"


def assessments_over_time(assessments: pa.Table, span_ns: tuple[int, int], group: str, points: int) -> Chart:
    """Draw the combined statistic of each side over time.

    Parameters
    ----------
    assessments : pyarrow.Table
        Columns ``ts_ns``, ``bid_t``, ``ask_t``, ``bid_toxic`` and ``ask_toxic`` of one instrument.
    span_ns : tuple of int
        Beginning and end of the run.
    group : str
        Prefix of the chart's key; it zooms with the others.
    points : int
        Points per line.

    """
    ts_ns = assessments["ts_ns"].to_numpy()
    toxic = [int(np.count_nonzero(assessments[name].to_numpy())) for name in ("bid_toxic", "ask_toxic")]
    traces = [
        line(ts_ns, assessments[column].to_numpy(), points, name=name, colour=colour, step=True, hover=".2f")
        for column, name, colour in (("bid_t", "Bid", BUY), ("ask_t", "Ask", SELL))
    ]
    traces.append(
        go.Scatter(
            x=[instant / 1e6 for instant in span_ns],
            y=[0.0, 0.0],
            mode="lines",
            line={"color": MUTED.light, "width": 1, "dash": "dot"},
            showlegend=False,
            hoverinfo="skip",
        )
    )
    return Chart(
        key=f"{group}-adverse",
        title="Are we being picked off?",
        caption="Combined statistic of the five tests for each side, at every published assessment; it is standard "
        "normal at most where flow is uninformed, and large where a side is picked off.",
        alt=f"Evidence of adverse selection over time; of {len(ts_ns)} assessments {toxic[0]} call the bid toxic and "
        f"{toxic[1]} the ask.",
        figure=over_time(traces, "Standard errors", span_ns),
        zoom_group=group,
        height=260,
    )
