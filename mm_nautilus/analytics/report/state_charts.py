"""Charts of the quote state and of why we were not quoting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.numbers import share
from mm_nautilus.analytics.quoting_summary import quoting_summary
from mm_nautilus.analytics.quoting_time import QuoteTimeline
from mm_nautilus.analytics.report.chart import Chart, milliseconds, over_time
from mm_nautilus.analytics.report.palette import EMPTY, MUTED, SEVERE, STATES
from mm_nautilus.analytics.report.thin import Floats, Ints
from mm_nautilus.analytics.report.words import in_words

_STATE_STRETCHES: Final = 240
_MOST_REASONS: Final = 12


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
        shares[code] = _time_in(timeline, np.flatnonzero(timeline.state == code), edges)
    total = shares.sum(axis=0)
    result: Floats = shares / np.where(total > 0, total, 1.0)
    return result


def reason_shares(timeline: QuoteTimeline, names: Sequence[str], edges: Ints) -> Floats:
    """Return the share of time a side was missing for each reason, shape (names, len(edges) - 1).

    Of several strategies it is the average.
    """
    missing = timeline.sides[timeline.reason_stretch] < 2
    strategies = max(1, len(np.unique(timeline.strategy)))
    lengths = np.maximum(np.diff(edges), 1) * strategies
    shares = np.zeros((len(names), len(edges) - 1))
    for row, name in enumerate(names):
        given = missing & (timeline.reason == timeline.reasons.index(name))
        shares[row] = _time_in(timeline, np.unique(timeline.reason_stretch[given]), edges) / lengths
    return shares


def _time_in(timeline: QuoteTimeline, stretches: Ints, edges: Ints) -> Floats:
    """Return the time that some stretches take between successive edges, in ns."""
    # Time spent up to any instant is piecewise linear in the instant.
    before = _time_before(edges, timeline.start_ns[stretches]) - _time_before(edges, timeline.end_ns[stretches])
    time: Floats = np.diff(before)
    return time


def _time_before(edges: Ints, instants: Ints) -> Floats:
    """Return the sum over `instants` of the time from each to each edge, where it lies before the edge."""
    instants = np.sort(instants)
    sums = np.concatenate(([0.0], np.cumsum((instants - edges[0]).astype(np.float64))))
    count = np.searchsorted(instants, edges, side="right")
    before: Floats = count * (edges - edges[0]).astype(np.float64) - sums[count]
    return before


def why_not_quoting(one: InstrumentLog, group: str) -> Chart | None:
    """When a side was missing, and why; ``None`` when both sides were always quoted."""
    timeline = one.timeline
    missing = quoting_summary(timeline).missing
    if not missing:
        return None
    names = list(missing)[:_MOST_REASONS][::-1]
    begin, end = timeline.span_ns
    edges = np.linspace(begin, end, _STATE_STRETCHES + 1).astype(np.int64)
    shares = 100 * reason_shares(timeline, names, edges)
    trace = go.Heatmap(
        x=milliseconds((edges[:-1] + edges[1:]) // 2),
        y=[f"{_words(name)} {share(missing[name].share)}" for name in names],
        z=np.where(shares > 0, shares, np.nan),
        zmin=0.0,
        zmax=100.0,
        colorscale=[[0.0, EMPTY.light], [1.0, SEVERE.light]],
        ygap=3,
        hoverongaps=False,
        showscale=False,
        hovertemplate="%{y}<br>%{z:.0f} % of this stretch<extra></extra>",
    )
    figure = over_time([trace], "", timeline.span_ns)
    figure.update_layout(hovermode="closest", margin={"l": 20, "r": 14, "t": 8, "b": 40})
    figure.update_yaxes(type="category", showgrid=False, ticks="", automargin=True)
    more = f" The {len(missing) - _MOST_REASONS} rarest are left out." if len(missing) > _MOST_REASONS else ""
    return Chart(
        key=f"{group}-why",
        title="Why we were not quoting",
        caption="When one or both sides were missing, by the reason given with its share of the run; the redder, the "
        "more of the stretch. Reasons can hold at once, so they need not add up." + more,
        alt="Reasons for a missing side: " + ", ".join(f"{_words(n)} {share(missing[n].share)}" for n in names[::-1]),
        figure=figure,
        zoom_group=group,
        height=70 + 30 * len(names),
        fixed_y=True,
    )


def _words(code: str) -> str:
    """Return a code in words: POSITION_LIMIT:BID is "Position limit (bid)"."""
    name, _, side = code.partition(":")
    return f"{in_words(name)} ({side.lower()})" if side else in_words(name)
