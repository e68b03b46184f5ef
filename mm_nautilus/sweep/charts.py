"""Charts of a sweep: what each parameter does alone, in pairs, and all of them at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.numbers import compact
from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.palette import BUY, EMPTY, EQUITY, IDLE, INK, MUTED, SELL, SEVERE, Colour
from mm_nautilus.sweep.judged import Floats
from mm_nautilus.sweep.ranking import Ranked, numeric_keys
from mm_nautilus.sweep.space import Point, Value, keys_of
from mm_nautilus.sweep.store import Row

_MOST_PAIRS: Final = 6
_MOST_VALUES: Final = 24
"""Values of one key that a heat map shows one by one; more are put together in `_BINS` equally full groups."""
_BINS: Final = 12
_MOST_LINES: Final = 1_000
_LOG_FROM: Final = 50.0
"""Numbers above zero whose largest is this many times the smallest stand on a logarithmic axis."""


def short(key: str) -> str:
    """Return the last part of a dotted key."""
    return key.rpartition(".")[2]


def varying(points: Sequence[Point]) -> list[str]:
    """Return the keys that some points set differently."""
    return [key for key in keys_of(points) if len({point.get(key) for point in points}) > 1]


def heat_maps(rows: Sequence[Row], order: Sequence[Ranked], score: str) -> list[Chart]:
    """Return one heat map for each of the first pairs of keys; a cell is the mean score over everything else."""
    keys = varying([row.point for row in rows])
    scored = [(rows[one.index].point, one.score) for one in order]
    charts = []
    for number, (across, up) in enumerate(list(combinations(keys, 2))[:_MOST_PAIRS]):
        columns, row_names = _groups(rows, across), _groups(rows, up)
        sums = np.zeros((len(row_names[0]), len(columns[0])))
        counts = np.zeros_like(sums)
        for point, value in scored:
            cell = row_names[1][point.get(up)], columns[1][point.get(across)]
            sums[cell] += value
            counts[cell] += 1
        mean = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        trace = go.Heatmap(
            z=[[None if math.isnan(cell) else cell for cell in line] for line in mean.tolist()],
            x=columns[0],
            y=row_names[0],
            zmid=0.0,
            colorscale=[[0.0, SEVERE.light], [0.5, EMPTY.light], [1.0, EQUITY.light]],
            colorbar={"thickness": 10, "outlinewidth": 0},
            hovertemplate=f"{short(across)} %{{x}}<br>{short(up)} %{{y}}<br>{score} %{{z:.4~g}}<extra></extra>",
        )
        figure = plain_figure([trace])
        figure.update_xaxes(title={"text": short(across)}, type="category")
        figure.update_yaxes(title={"text": short(up)}, type="category")
        best = np.unravel_index(int(np.nanargmax(mean)), mean.shape) if counts.any() else None
        said = "" if best is None else f", highest at {columns[0][best[1]]} and {row_names[0][best[0]]}"
        charts.append(
            Chart(
                key=f"heat-{number}",
                title=f"{short(across)} and {short(up)}",
                caption=f"Mean {score} over everything else that was varied. Green pays, red loses, white did not run.",
                alt=f"Heat map of the mean {score} by {short(across)} and {short(up)}{said}.",
                figure=figure,
                height=380,
                wide=False,
            )
        )
    return charts


def _groups(rows: Sequence[Row], key: str) -> tuple[list[str], Mapping[Value | None, int]]:
    """Return labels for the values of a key, and which of them each value belongs to."""
    points = [row.point for row in rows]
    values = list({point.get(key): None for point in points})
    if key not in numeric_keys(points):
        return [_label(value) for value in values], {value: place for place, value in enumerate(values)}
    values = sorted(values, key=lambda value: float(value or 0))
    if len(values) <= _MOST_VALUES:
        return [_label(value) for value in values], {value: place for place, value in enumerate(values)}
    groups = [list(part) for part in np.array_split(np.array(values, dtype=object), _BINS)]
    labels = [f"{_label(part[0])} to {_label(part[-1])}" for part in groups]
    return labels, {value: place for place, part in enumerate(groups) for value in part}


def _label(value: Value | None) -> str:
    if value is None:
        return "as in the run file"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def each_alone(rows: Sequence[Row], order: Sequence[Ranked], score: str) -> list[Chart]:
    """Return a chart for each number: every run's score and what its neighbourhood makes of it."""
    points = [row.point for row in rows]
    charts = []
    for number, key in enumerate(numeric_keys(points)):
        across = [float(rows[one.index].point[key]) for one in order]
        traces = [
            go.Scatter(
                x=across,
                y=[getattr(one, field) for one in order],
                mode="markers",
                name=name,
                marker={"size": size, "color": colour.light, "opacity": 0.7, "symbol": symbol},
                hovertemplate=f"{short(key)} %{{x:.6~g}}<br>{name} %{{y:.4~g}}<extra></extra>",
            )
            for field, name, colour, size, symbol in (
                ("score", score, IDLE, 6, "circle"),
                ("plateau", "plateau", BUY, 5, "diamond"),
            )
        ]
        figure = plain_figure(traces)
        figure.update_xaxes(title={"text": short(key)}, type="log" if _is_log(across) else "linear")
        figure.update_yaxes(title={"text": score})
        charts.append(
            Chart(
                key=f"alone-{number}",
                title=short(key),
                caption="Every run. A score far above its plateau has no neighbours that do as well: a peak.",
                alt=f"The {score} of every run, and of its neighbourhood, by {short(key)}.",
                figure=figure,
                height=320,
                wide=False,
            )
        )
    return charts


def parallel(rows: Sequence[Row], order: Sequence[Ranked], score: str) -> Chart | None:
    """Return parallel coordinates: an axis for each key and figure, a line for each run, the best on top.

    Drawn as lines of an ordinary chart: plotly's own parallel coordinates need WebGL code that is compiled from text,
    which the page forbids.
    """
    keys = varying([row.point for row in rows])
    if not order or not keys:
        return None
    shown = _lines(order)
    axes: list[tuple[str, list[Any]]] = [
        (short(key), [rows[one.index].point.get(key) for one in shown]) for key in keys
    ]
    axes += [
        ("fills", [float(rows[one.index].fills) for one in shown]),
        ("drawdown", [rows[one.index].max_drawdown for one in shown]),
        (score, [one.score for one in shown]),
        ("plateau", [one.plateau for one in shown]),
    ]
    scaled = [_scaled(values) for _, values in axes]
    heights = np.array([one[0] for one in scaled]).T
    tenth, half = max(1, len(shown) // 10), max(1, len(shown) // 2)
    groups = (
        (heights[half:], "the lower half", IDLE, 1.0, 0.6),
        (heights[tenth:half], "the upper half", SELL, 1.0, 0.6),
        (heights[1:tenth], "the best tenth", EQUITY, 1.4, 0.8),
        (heights[:1], "the first", INK, 3.0, 1.0),
    )
    figure = plain_figure([_polylines(*group) for group in groups if len(group[0])])
    figure.update_xaxes(tickvals=list(range(len(axes))), ticktext=[name for name, _ in axes], showgrid=True)
    figure.update_yaxes(visible=False, range=[-0.06, 1.06])
    for place, (_, ticks) in enumerate(scaled):
        for height, text in ticks:
            figure.add_annotation(
                x=place,
                y=height,
                text=text,
                showarrow=False,
                xanchor="left",
                xshift=4,
                font={"size": 11, "color": MUTED.light},
            )
    some = (
        ""
        if len(shown) == len(order)
        else f" Of {len(order):,} runs {len(shown):,} are drawn, the best ones among them."
    )
    return Chart(
        key="parallel",
        title="Every run at once",
        caption="One line a run, from what was set on the left to what came of it on the right; a click on a group in "
        f"the legend hides it.{some}",
        alt=f"Parallel coordinates of {len(shown)} runs over {', '.join(name for name, _ in axes)}.",
        figure=figure,
        height=460,
    )


def _lines(order: Sequence[Ranked]) -> list[Ranked]:
    if len(order) <= _MOST_LINES:
        return list(order)
    best = _MOST_LINES // 2
    others = np.linspace(best, len(order) - 1, _MOST_LINES - best).astype(int)
    return [*order[:best], *(order[place] for place in others.tolist())]


def _polylines(heights: Floats, name: str, colour: Colour, width: float, opacity: float) -> go.Scatter:
    across = [place for _ in heights for place in (*range(heights.shape[1]), None)]
    up = [height for line in heights.tolist() for height in (*line, None)]
    return go.Scatter(
        x=across,
        y=up,
        mode="lines",
        name=name,
        opacity=opacity,
        line={"color": colour.light, "width": width},
        hoverinfo="skip",
    )


def _scaled(values: Sequence[Any]) -> tuple[list[float], list[tuple[float, str]]]:
    """Return values between 0 and 1, and where to write which of them."""
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if not numbers:
        kinds = list(dict.fromkeys(values))
        last = max(len(kinds) - 1, 1)
        place = {kind: position / last for position, kind in enumerate(kinds)}
        return [place[value] for value in values], [(place[kind], _label(kind)) for kind in kinds]
    given = np.array(values, dtype=np.float64)
    drawn = np.log(given) if _is_log(given.tolist()) else given
    low, high = float(drawn.min()), float(drawn.max())
    if low == high:
        return [0.5] * len(values), [(0.5, compact(float(given[0])))]
    ends = [(0.0, compact(float(given.min()))), (1.0, compact(float(given.max())))]
    return ((drawn - low) / (high - low)).tolist(), ends


def _is_log(values: Sequence[float]) -> bool:
    return min(values) > 0.0 and max(values) >= _LOG_FROM * min(values)


def walked(walk: Mapping[str, Any]) -> Chart:
    """Return what walking forward made, window by window, beside the median of all points."""
    folds = walk["folds"]
    minutes = [fold["trade_to_s"] / 60.0 for fold in folds]
    traces = [
        go.Scatter(
            x=minutes,
            y=np.cumsum([fold[field] for fold in folds]).tolist(),
            mode="lines+markers",
            name=name,
            line={"color": colour.light, "width": 1.8},
        )
        for field, name, colour in (
            ("traded_pnl", "chosen anew each time", EQUITY),
            ("median_pnl", "median of all", IDLE),
        )
    ]
    figure = plain_figure(traces)
    figure.update_xaxes(title={"text": "minutes since the start"})
    figure.update_yaxes(title={"text": "PnL"})
    return Chart(
        key="walk",
        title="Walk forward",
        caption="PnL of the windows of trading, summed up: the point chosen on the window before each, and the median.",
        alt=f"Summed PnL of {len(folds)} windows of trading.",
        figure=figure,
    )
