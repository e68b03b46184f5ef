"""Charts of the market and what we did in it: quotes, fills, spread and size."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.numbers import amount, compact
from mm_nautilus.analytics.quoting_summary import quoting_summary
from mm_nautilus.analytics.report.chart import Chart, line, milliseconds, over_time, thinned
from mm_nautilus.analytics.report.detail import Detail, Step, pack
from mm_nautilus.analytics.report.palette import BUY, CARD, INK, MUTED, SELL, Colour
from mm_nautilus.analytics.report.thin import Floats, Ints, evenly

_MARKERS: Final = {"BUY": ("triangle-up", BUY, "Bought"), "SELL": ("triangle-down", SELL, "Sold")}


def quotes_and_fills(one: InstrumentLog, group: str, points: int, most_fills: int, room_bytes: int) -> Chart:
    """Mid of the market, our best bid and ask, and every fill; below the thinned lines every quote, packed.

    Parameters
    ----------
    one : InstrumentLog
        What the log says about the instrument.
    group : str
        Prefix of the chart's key; it zooms with the others.
    points, most_fills : int
        Points of a line before a reader zooms in; fills drawn one by one.
    room_bytes : int
        Size that all quotes may take in the page.

    """
    timeline = one.timeline
    asks = _per_strategy(one, timeline.ask, points, "Our ask", SELL, ".8~g")
    bids = _per_strategy(one, timeline.bid, points, "Our bid", BUY, ".8~g")
    traces = [*asks, _mid(one, points), *bids]
    detail = _detail(one, room_bytes)
    kept = [one.fills[index] for index in evenly(len(one.fills), most_fills)]
    for side, (symbol, colour, name) in _MARKERS.items():
        fills = [fill for fill in kept if fill.side == side]
        traces.append(
            go.Scatter(
                x=milliseconds(np.array([fill.ts_ns for fill in fills], dtype=np.int64)),
                y=np.array([float(fill.price) for fill in fills]),
                customdata=np.array([float(fill.size) for fill in fills]),
                text=[fill.liquidity.lower() for fill in fills] if _mixed(one) else None,
                name=name,
                mode="markers",
                marker={"symbol": symbol, "color": colour.light, **_marker_size(len(kept))},
                hovertemplate="%{customdata:.10~g} at %{y:.10~g}" + (" (%{text})" if _mixed(one) else ""),
            )
        )
    left_out = len(one.fills) - len(kept)
    every = (
        f" Of {len(one.fills):,} fills {left_out:,} are not drawn, evenly spread; all are in the run log."
        if left_out
        else ""
    )
    buys = sum(fill.side == "BUY" for fill in one.fills)
    return Chart(
        key=f"{group}-quotes",
        title="Market, quotes and fills",
        caption="Best price we wanted to rest on each side, the market's mid, and every fill: bought points up, sold "
        "points down. A line breaks where that side was not quoted." + _in_full(detail) + every,
        alt=f"Prices over time with {buys} buys and {len(one.fills) - buys} sells marked.",
        figure=over_time(traces, f"Price ({one.facts.contract.quote_currency})", timeline.span_ns),
        zoom_group=group,
        height=460,
        detail=detail,
    )


def _detail(one: InstrumentLog, room_bytes: int) -> Detail:
    """Pack the lines of the chart in the order of its traces; half a tick is what every mid is a multiple of."""
    timeline, owners = one.timeline, np.unique(one.timeline.strategy)
    mine = [timeline.strategy == owner for owner in owners]
    lines = [timeline.ask[one] for one in mine], [timeline.bid[one] for one in mine]
    starts = [timeline.start_ns[one] for one in mine]
    steps = [Step(place, ts, ask) for place, (ts, ask) in enumerate(zip(starts, lines[0], strict=True))]
    steps.append(Step(len(owners), *_mids(one)))
    steps += [
        Step(len(owners) + 1 + place, ts, bid) for place, (ts, bid) in enumerate(zip(starts, lines[1], strict=True))
    ]
    fills = np.array([fill.ts_ns for fill in one.fills], dtype=np.int64)
    return pack(steps, float(one.facts.tick) / 2, room_bytes, fills)


def _in_full(detail: Detail) -> str:
    """Return the sentence that says what a reader who zooms in will see."""
    if not detail.left_out:
        return f" Zoomed in, every one of {detail.rows:,} changes of a quote or the mid is drawn."
    total = detail.rows + detail.left_out
    return (
        f" Zoomed in, every change of a quote or the mid is drawn where the file has room for them: {detail.rows:,} of "
        f"{total:,}, those around fills first; the rest is thinned to its extremes."
    )


def _marker_size(count: int) -> dict[str, Any]:
    """Return how large to draw each of `count` fills so that they do not hide the quotes."""
    if count > 2_000:
        return {"size": 4}
    return {"size": 9 if count <= 400 else 6, "line": {"color": CARD.light, "width": 1}}


def _per_strategy(
    one: InstrumentLog, values: Floats, points: int, name: str, colour: Colour, hover: str
) -> list[go.Scatter]:
    """Return one step line for each strategy that quoted the instrument."""
    timeline, owners = one.timeline, np.unique(one.timeline.strategy)
    return [
        line(
            timeline.start_ns[timeline.strategy == owner],
            values[timeline.strategy == owner],
            points // len(owners),
            name=name if len(owners) == 1 else f"{name} {position + 1}",
            colour=colour,
            step=True,
            width=1.2,
            hover=hover,
        )
        for position, owner in enumerate(owners)
    ]


def _mid(one: InstrumentLog, points: int) -> go.Scatter:
    return line(*_mids(one), points, name="Mid", colour=INK, step=True, width=1.3, hover=".8~g")


def _mids(one: InstrumentLog) -> tuple[Ints, Floats]:
    """Return the market's mid as seen at every mark and at every decision."""
    ts = np.concatenate((one.curve.ts_ns, one.timeline.start_ns))
    mid = np.concatenate((one.curve.mid, one.timeline.mid))
    order = np.argsort(ts, kind="stable")
    order = order[np.isfinite(mid[order])]
    return ts[order], mid[order]


def _mixed(one: InstrumentLog) -> bool:
    return any(fill.liquidity != "MAKER" for fill in one.fills)


def spread_quoted(one: InstrumentLog, group: str, points: int) -> Chart:
    """Our spread beside the market's, in basis points of the mid."""
    timeline = one.timeline
    in_bps = 1e4 / timeline.mid
    ours, market = timeline.spread * in_bps, (timeline.market_ask - timeline.market_bid) * in_bps
    means = quoting_summary(timeline)
    return Chart(
        key=f"{group}-spread",
        title="Spread quoted",
        caption="Our best ask minus our best bid while both were quoted, and the market's spread at each decision."
        + thinned(len(ours), points),
        alt=f"Our spread averages {compact(means.spread_bps)} basis points over time, "
        f"the market's {compact(means.market_spread_bps)}.",
        figure=over_time(
            [
                *_per_strategy(one, market, points, "Market", MUTED, ".4~g"),
                *_per_strategy(one, ours, points, "Ours", INK, ".4~g"),
            ],
            "Spread (bps)",
            timeline.span_ns,
            yaxis={"rangemode": "tozero"},
        ),
        zoom_group=group,
        height=260,
        wide=False,
    )


def size_quoted(one: InstrumentLog, group: str, points: int) -> Chart:
    """Size over all levels: bids upward, asks downward."""
    timeline = one.timeline
    deepest = float(max(timeline.bid_depth.max(), timeline.ask_depth.max()))
    return Chart(
        key=f"{group}-size",
        title="Size quoted",
        caption="Size we wanted to rest over all levels: bids above the axis, asks below it."
        + thinned(len(timeline.start_ns), points),
        alt=f"Size quoted over time on each side, at most {amount(deepest)} {one.facts.size_unit}.",
        figure=over_time(
            [
                *_per_strategy(one, timeline.bid_depth, points, "Bids", BUY, ".6~g"),
                *_per_strategy(one, -timeline.ask_depth, points, "Asks", SELL, ".6~g"),
            ],
            f"Size ({one.facts.size_unit})",
            timeline.span_ns,
        ),
        zoom_group=group,
        height=260,
        wide=False,
    )
