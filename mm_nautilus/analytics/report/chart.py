"""What a chart of the report is made of, and how its lines are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.report.detail import Detail
from mm_nautilus.analytics.report.palette import INK, LINE, MUTED, Colour
from mm_nautilus.analytics.report.thin import Floats, Ints, extremes

_FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure with the words around it.

    Parameters
    ----------
    key : str
        Unique on the page.
    title : str
        What it shows, in a few words.
    caption : str
        How to read it, and what was left out of it.
    alt : str
        What it says, for whoever cannot see it.
    figure : plotly.graph_objects.Figure
        Drawn in the light shades of the palette.
    zoom_group : str
        Charts of one group zoom in time together; empty for a chart without a time axis.
    height : int
        In pixels.
    wide : bool
        Whether it takes the whole width of the page.
    fixed_y : bool
        Whether its vertical range stays when the time range changes.
    detail : Detail | None
        Its thinned lines in full, for whoever zooms in.

    """

    key: str
    title: str
    caption: str
    alt: str
    figure: go.Figure
    zoom_group: str = ""
    height: int = 320
    wide: bool = True
    fixed_y: bool = False
    detail: Detail | None = None


def milliseconds(ts_ns: Ints) -> Floats:
    """Return engine time as the milliseconds since 1970 that a plotly date axis takes."""
    return ts_ns / 1e6


def line(
    ts_ns: Ints,
    values: Floats,
    points: int,
    *,
    name: str,
    colour: Colour,
    step: bool = False,
    width: float = 1.5,
    dash: str = "solid",
    fill: Colour | None = None,
    hover: str = ".6~g",
) -> go.Scatter:
    """Return a line over time of at most about `points` points (`extremes`); NaN breaks it."""
    kept = extremes(ts_ns, values, points)
    drawn = values[kept]
    return go.Scatter(
        x=milliseconds(ts_ns[kept]),
        y=np.where(np.isfinite(drawn), drawn, np.nan),
        name=name,
        mode="lines",
        connectgaps=False,
        line={"color": colour.light, "width": width, "dash": dash, "shape": "hv" if step else "linear"},
        fill=None if fill is None else "tozeroy",
        fillcolor=None if fill is None else fill.light,
        hovertemplate=f"%{{y:{hover}}}",
    )


def thinned(total: int, points: int) -> str:
    """Return the sentence that says how a line was thinned, or nothing when it was not."""
    if total <= points:
        return ""
    return (
        f" Of {total:,} points those are drawn that are first, last, lowest or highest in each of {points // 5:,} "
        "equal stretches of time."
    )


def over_time(traces: Sequence[Any], y_title: str, span_ns: tuple[int, int], **layout: Any) -> go.Figure:
    """Return a figure over the time of the run (UTC); readers zoom in time, and the page fits the vertical range."""
    figure = plain_figure(traces, hovermode="x unified", **layout)
    span = [instant / 1e6 for instant in span_ns]
    figure.update_xaxes(type="date", range=span, hoverformat="%Y-%m-%d %H:%M:%S.%L")
    figure.update_yaxes(title={"text": y_title, "standoff": 8}, fixedrange=True)
    return figure


def plain_figure(traces: Sequence[Any], **layout: Any) -> go.Figure:
    """Return a figure in the report's plain style: no frame, faint horizontal lines, the page's own colours."""
    figure = go.Figure(traces)
    figure.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": _FONT, "size": 12, "color": MUTED.light},
        margin={"l": 84, "r": 14, "t": 34, "b": 48},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MUTED.light, "activecolor": INK.light},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"color": INK.light}},
        hoverlabel={"font": {"family": _FONT, "size": 12}},
        dragmode="zoom",
        **layout,
    )
    figure.update_xaxes(showgrid=False, zeroline=False, linecolor=LINE.light, tickcolor=LINE.light, ticks="outside")
    figure.update_yaxes(gridcolor=LINE.light, zeroline=False, exponentformat="none", separatethousands=True)
    return figure
