"""Charts of what we held and what it earned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.attribution_lines import Posting
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.numbers import amount, compact
from mm_nautilus.analytics.report.bands import bands
from mm_nautilus.analytics.report.chart import Chart, line, milliseconds, over_time, thinned
from mm_nautilus.analytics.report.palette import (
    FEES,
    INK,
    INVENTORY,
    INVENTORY_AREA,
    REALISED,
    SEVERE,
    UNREALISED,
)

_NEAR_THE_LIMIT = 0.2
"""Share of the limit from which on the limit is drawn; below, it would flatten the line."""


def equity(one: InstrumentLog, group: str, points: int, postings: Sequence[Posting]) -> Chart:
    """PnL after fees over the lines of its attribution; realised, unrealised and fees at a click."""
    curve, currency = one.curve, one.facts.contract.settlement_currency
    books = one.books
    paid = "Rebates less fees" if books.rebates > books.fees else "Fees"
    traces = [
        *bands(postings, one.timeline.span_ns),
        line(curve.ts_ns, curve.realised, points, name="Realised", colour=REALISED, step=True, dash="dash", width=1.3),
        line(curve.ts_ns, curve.unrealised, points, name="Unrealised", colour=UNREALISED, dash="dot", width=1.3),
        line(curve.ts_ns, -curve.fees, points, name=paid, colour=FEES, step=True, dash="dashdot", width=1.3),
        line(curve.ts_ns, curve.equity, points, name="Equity", colour=INK, width=2.2),
    ]
    for trace in traces[-4:-1]:
        trace.visible = "legendonly"
    return Chart(
        key=f"{group}-equity",
        title="Equity, and what it is made of",
        caption="PnL since the start after fees and rebates. The bands are the lines of its attribution so far, what "
        "was earned above zero and what was lost below it: bands above less bands below is the equity. Realised at "
        "average cost, unrealised at the mid, and commissions appear at a click on their names."
        + thinned(len(curve.ts_ns), points),
        alt=f"Equity over time, ending at {compact(books.total)} {currency}: realised {compact(books.realised)}, "
        f"unrealised {compact(books.unrealised)}, fees {compact(books.fees)}, rebates {compact(books.rebates)}.",
        figure=over_time(traces, f"PnL ({currency})", one.timeline.span_ns),
        zoom_group=group,
        height=400,
    )


def inventory(one: InstrumentLog, group: str, points: int) -> Chart:
    """Position between fills, with its limit."""
    path, timeline = one.path, one.timeline
    begin, end = timeline.span_ns
    ts = np.concatenate(([begin], path.ts_ns, [end]))
    position = np.append(path.position, path.position[-1])
    limit = None if one.facts.position_limit is None else float(one.facts.position_limit)
    largest = float(np.abs(position).max())
    unit = one.facts.size_unit
    traces = [
        line(ts, position, points, name="Position", colour=INVENTORY, step=True, fill=INVENTORY_AREA, hover=".10~g")
    ]
    caption = "Position between fills; the dashed lines are its limit."
    if limit is None:
        caption = "Position between fills; it is only hedged on and has no limit of its own."
    elif largest >= _NEAR_THE_LIMIT * limit:
        ends = milliseconds(np.array([begin, end]))
        for sign, legend in ((1, True), (-1, False)):
            traces.append(
                go.Scatter(
                    x=ends,
                    y=np.array([sign * limit] * 2),
                    name="Limit",
                    mode="lines",
                    showlegend=legend,
                    legendgroup="limit",
                    line={"color": SEVERE.light, "width": 1.3, "dash": "dash"},
                    hoverinfo="skip",
                )
            )
    else:
        caption = f"Position between fills; its limit of {amount(limit)} {unit} is far outside the chart."
    figure = over_time(traces, f"Position ({unit})", timeline.span_ns)
    figure.add_hline(y=0, line={"color": INK.light, "width": 0.8})
    return Chart(
        key=f"{group}-inventory",
        title="Inventory",
        caption=caption + thinned(len(ts), points),
        alt=f"Position over time, at most {amount(largest)} {unit} of a limit of {amount(limit)}, "
        f"ending at {amount(one.books.position)}.",
        figure=figure,
        zoom_group=group,
        height=280,
    )
