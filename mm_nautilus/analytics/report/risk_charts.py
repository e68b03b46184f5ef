"""Chart of the risk stages over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.numbers import duration
from mm_nautilus.analytics.report.chart import Chart, milliseconds, over_time
from mm_nautilus.analytics.report.palette import BUY, EQUITY, FEES, INVENTORY, REALISED, SELL, Colour
from mm_nautilus.analytics.report.words import in_words
from mm_nautilus.analytics.risk_summary import EVERYTHING, StageSpan
from mm_nautilus.market import RiskStage

_COLOURS: Final[tuple[Colour, ...]] = (EQUITY, INVENTORY, SELL, BUY, REALISED, FEES)


def risk_stages(spans: Sequence[StageSpan]) -> Chart:
    """Stage over time: one line for everything, and one for each instrument that had a stage of its own.

    Parameters
    ----------
    spans : sequence of StageSpan
        Scope by scope, in order of time; at least one.

    """
    traces = []
    span_ns = (min(span.start_ns for span in spans), max(span.end_ns for span in spans))
    for number, (scope, group) in enumerate(groupby(spans, key=attrgetter("scope"))):
        mine = list(group)
        ts = np.array([*(span.start_ns for span in mine), mine[-1].end_ns], dtype=np.int64)
        level = np.array([RiskStage[span.stage].value for span in (*mine, mine[-1])], dtype=np.float64)
        colour = _COLOURS[number % len(_COLOURS)].light
        traces.append(
            go.Scatter(
                x=milliseconds(ts),
                y=level,
                text=[in_words(span.stage) for span in (*mine, mine[-1])],
                name=scope or "Everything",
                mode="lines",
                line={"color": colour, "width": 4.5 if scope == EVERYTHING else 1.5, "shape": "hv"},
                hovertemplate="%{text}",
            )
        )
    figure = over_time(traces, "", span_ns, showlegend=True)
    names = [in_words(stage.name) for stage in RiskStage]
    figure.update_yaxes(range=[-0.3, 4.3], tickvals=list(range(len(names))), ticktext=names, automargin=True)
    gravest = max(spans, key=lambda span: (RiskStage[span.stage], span.end_ns - span.start_ns))
    seconds = duration((gravest.end_ns - gravest.start_ns) / 1e9)
    return Chart(
        key="risk-stages",
        title="Risk stages",
        caption="How far trading was restrained: each stage includes the ones below it.",
        alt=f"Risk stage over time; the gravest was {in_words(gravest.stage)}, for {seconds} at a time.",
        figure=figure,
        zoom_group="risk",
        height=230,
        fixed_y=True,
    )
