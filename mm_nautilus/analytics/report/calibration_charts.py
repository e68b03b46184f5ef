"""Charts of a calibration: the fitted curve over the empirical one, and the micro-price by imbalance."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.report.calibration_words import with_interval
from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.palette import BUY, FEES, INVENTORY, MUTED, SELL, Colour
from mm_nautilus.calibration import SideCalibration
from mm_nautilus.estimators.intensity_censored import Floats
from mm_nautilus.estimators.micro_price import MicroPriceTable

_SHADES = (BUY, SELL, INVENTORY, FEES, MUTED)


def intensity_chart(side: SideCalibration, name: str) -> Chart:
    """Rate at which market orders reach a depth: observed, fitted, and what the fit is compared with."""
    colour = BUY if name == "bid" else SELL
    depth, rate = np.array(side.curve.depth_price), np.array(side.curve.rate_per_s)
    seen = rate > 0
    traces = [
        go.Scatter(
            x=depth[seen],
            y=rate[seen],
            name="observed",
            mode="markers",
            marker={"color": colour.light, "size": 5},
            customdata=np.array(side.curve.orders_at_or_beyond)[seen],
            hovertemplate="%{y:.3g} 1/s, %{customdata:,} orders",
        )
    ]
    first, last = side.depth_first_price, side.depth_last_price
    within = np.linspace(first, last, 100)
    if side.a_per_s is not None and side.k_per_price is not None:
        fitted = side.a_per_s.value * np.exp(-side.k_per_price.value * within)
        traces.append(_curve(f"fitted ({side.form.replace('_', ' ')})", within, fitted, colour, "solid", 2.5))
    if side.power_law is not None and side.power_law.d0_price is not None:
        power = side.power_law.a_per_s * (1.0 + within / side.power_law.d0_price) ** -side.power_law.decay
        traces.append(_curve("power law", within, power, INVENTORY, "dash", 1.5))
    if side.resting is not None:
        resting = side.resting.a_per_s * np.exp(-side.resting.decay * within)
        traces.append(_curve("resting orders", within, resting, MUTED, "dot", 1.5))
    figure = plain_figure(traces, hovermode="x unified")
    figure.update_xaxes(title={"text": "Distance from the mid (price)"})
    figure.update_yaxes(type="log", title={"text": "Market orders per second", "standoff": 8}, exponentformat="power")
    said = f"A {with_interval(side.a_per_s)}, k {with_interval(side.k_per_price)}"
    return Chart(
        key=f"intensity-{name}",
        title=f"Fills of our {name}",
        caption=(
            "Market orders per second that reach a distance from the mid or go beyond it, on a logarithmic scale: a "
            "straight line is the exponential the models assume. The line is drawn where it was fitted. "
            + (side.reason + "." if side.reason else "")
        ),
        alt=f"{side.events} market orders; {said}",
        figure=figure,
        height=360,
    )


def _curve(name: str, x: Floats, y: Floats, colour: Colour, dash: str, width: float) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines",
        line={"color": colour.light, "dash": dash, "width": width},
        hovertemplate="%{y:.3g} 1/s",
    )


def micro_price_chart(table: MicroPriceTable) -> Chart:
    """What the micro-price adds to the mid, by imbalance, one line per spread class."""
    buckets = len(table.adjustment_price[0])
    centres = (np.arange(buckets) + 0.5) / buckets
    edges = table.spread_edges_ticks
    traces = [
        go.Scatter(
            x=centres,
            y=row,
            name=_class_name(edges, index),
            mode="lines+markers",
            line={"color": _SHADES[index % len(_SHADES)].light, "width": 1.5},
            hovertemplate="%{y:.4g}",
        )
        for index, row in enumerate(table.adjustment_price)
    ]
    figure = plain_figure(traces, hovermode="x unified")
    figure.update_xaxes(title={"text": "Bid's share of the size at the best prices"}, range=[0, 1])
    figure.update_yaxes(title={"text": "Micro-price minus mid (price)", "standoff": 8})
    return Chart(
        key="micro-price",
        title="Micro-price minus mid",
        caption=f"Where the next moves of the mid lead on average; {table.steps:,} changes of the top of the book.",
        alt=f"{len(edges)} spread classes of {buckets} buckets",
        figure=figure,
        height=320,
    )


def _class_name(edges: list[float], index: int) -> str:
    low, high = edges[index], edges[index + 1] - 1 if index + 1 < len(edges) else None
    if high is None:
        return f"spread {low:g} ticks or more"
    return f"spread {low:g} ticks" if high == low else f"spread {low:g} to {high:g} ticks"
