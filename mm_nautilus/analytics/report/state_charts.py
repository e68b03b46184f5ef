"""Charts of the quote state and of why we were not quoting."""

from __future__ import annotations

from typing import Final

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.numbers import share
from mm_nautilus.analytics.quoting_summary import quoting_summary
from mm_nautilus.analytics.quoting_time import QuoteTimeline
from mm_nautilus.analytics.report.chart import Chart, milliseconds, over_time, plain_figure
from mm_nautilus.analytics.report.palette import BUY, MUTED, SELL, STATES, Colour
from mm_nautilus.analytics.report.thin import Floats, Ints
from mm_nautilus.analytics.report.words import in_words

_STATE_STRETCHES: Final = 240


def quote_states(one: InstrumentLog, group: str) -> Chart:
    """Share of each stretch of time spent in each quote state."""
    timeline = one.timeline
    begin, end = timeline.span_ns
    edges = np.linspace(begin, end, _STATE_STRETCHES + 1).astype(np.int64)
    shares = state_shares(timeline, edges)
    known = [name for name in STATES if name in timeline.states]
    names = known + [name for name in timeline.states if name not in STATES]
    centres = (edges[:-1] + edges[1:]) // 2
    traces = [
        go.Bar(
            x=milliseconds(centres),
            y=100 * shares[timeline.states.index(name)],
            width=(end - begin) / _STATE_STRETCHES / 1e6,
            name=_words(name),
            marker={"color": STATES.get(name, MUTED).light, "line": {"width": 0}},
            hovertemplate="%{y:.0f} %",
        )
        for name in names
    ]
    longest = quoting_summary(timeline).states
    figure = over_time(traces, "Share of time (%)", timeline.span_ns, barmode="stack", bargap=0)
    figure.update_yaxes(range=[0, 100])
    return Chart(
        key=f"{group}-states",
        title="Quote state",
        caption=f"How much of each of {_STATE_STRETCHES} equal stretches of time was spent in each state.",
        alt="Time in each state: " + ", ".join(f"{_words(name)} {share(time.share)}" for name, time in longest.items()),
        figure=figure,
        zoom_group=group,
        height=230,
        fixed_y=True,
    )


def state_shares(timeline: QuoteTimeline, edges: Ints) -> Floats:
    """Return the share of time in each state between successive edges, shape (states, len(edges) - 1)."""
    shares = np.zeros((len(timeline.states), len(edges) - 1))
    for code in range(len(timeline.states)):
        mine = timeline.state == code
        # Time spent in the state up to any instant is piecewise linear in the instant.
        order = np.argsort(timeline.start_ns[mine], kind="stable")
        starts, ends = timeline.start_ns[mine][order], timeline.end_ns[mine][order]
        shares[code] = np.diff(_time_before(edges, starts) - _time_before(edges, ends))
    total = shares.sum(axis=0)
    result: Floats = shares / np.where(total > 0, total, 1.0)
    return result


def _time_before(edges: Ints, instants: Ints) -> Floats:
    """Return the sum over `instants` of the time from each to each edge, where it lies before the edge."""
    instants = np.sort(instants)
    sums = np.concatenate(([0.0], np.cumsum((instants - edges[0]).astype(np.float64))))
    count = np.searchsorted(instants, edges, side="right")
    before: Floats = count * (edges - edges[0]).astype(np.float64) - sums[count]
    return before


def why_not_quoting(one: InstrumentLog, group: str) -> Chart | None:
    """Time during which a side was missing, by reason; ``None`` when both sides were always quoted."""
    missing = quoting_summary(one.timeline).missing
    if not missing:
        return None
    names = list(missing)[:12][::-1]
    shares = [100 * missing[name].share for name in names]
    figure = plain_figure(
        [
            go.Bar(
                x=shares,
                y=[_words(name) for name in names],
                orientation="h",
                marker={"color": [_side_colour(name).light for name in names], "line": {"width": 0}},
                text=[share(missing[name].share) for name in names],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{y}: %{x:.2f} % of the time<extra></extra>",
            )
        ],
        bargap=0.35,
        showlegend=False,
    )
    figure.update_layout(margin={"l": 20, "r": 70, "t": 8, "b": 40})
    figure.update_xaxes(title={"text": "Share of the run (%)", "standoff": 6}, rangemode="tozero")
    figure.update_yaxes(showgrid=False, ticks="", automargin=True)
    more = f" The {len(missing) - 12} rarest are left out." if len(missing) > 12 else ""
    return Chart(
        key=f"{group}-why",
        title="Why we were not quoting",
        caption="Time with one or both sides missing, by the reason given. Reasons can hold at once, so they need not "
        "add up." + more,
        alt="Reasons for a missing side: " + ", ".join(f"{_words(n)} {share(missing[n].share)}" for n in names[::-1]),
        figure=figure,
        height=70 + 32 * len(names),
    )


def _words(code: str) -> str:
    """Return a code in words: POSITION_LIMIT:BID is "Position limit (bid)"."""
    name, _, side = code.partition(":")
    return f"{in_words(name)} ({side.lower()})" if side else in_words(name)


def _side_colour(reason: str) -> Colour:
    return {"BID": BUY, "ASK": SELL}.get(reason.partition(":")[2], MUTED)
