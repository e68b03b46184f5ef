"""Charts of several runs beside each other: one colour and one dash per run, the same on every chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.comparison import Run, Standing, common_edges, equity_at
from mm_nautilus.analytics.equity import Floats
from mm_nautilus.analytics.numbers import amount, compact
from mm_nautilus.analytics.report.chart import Chart, line, over_time, plain_figure, thinned
from mm_nautilus.analytics.report.palette import (
    BUY,
    EQUITY,
    FEES,
    INK,
    INVENTORY,
    MUTED,
    REALISED,
    SELL,
    UNREALISED,
    Colour,
)

_COLOURS: Final = (INK, BUY, SELL, EQUITY, INVENTORY, FEES, REALISED, UNREALISED)
_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash")


def run_style(position: int) -> dict[str, Any]:
    """Return colour and dash of the run at a place, the same on every chart."""
    dash = "solid" if position < len(_COLOURS) else _DASHES[position // len(_COLOURS) % len(_DASHES)]
    return {"colour": _COLOURS[position % len(_COLOURS)], "dash": dash}


def _span(runs: Sequence[Run]) -> tuple[int, int]:
    return int(runs[0].summary["start_ns"]), int(runs[0].summary["end_ns"])


def pnl(runs: Sequence[Run], group: str, points: int) -> Chart:
    """PnL of every run."""
    currency = runs[0].log.facts.contract.settlement_currency
    traces = [
        line(run.log.curve.ts_ns, run.log.curve.equity, points, name=run.name, width=1.8, **run_style(position))
        for position, run in enumerate(runs)
    ]
    return Chart(
        key=f"{group}-pnl",
        title="PnL",
        caption="PnL since the start, after fees and rebates." + thinned(len(runs[0].log.curve.ts_ns), points),
        alt="PnL over time, ending at " + ", ".join(f"{run.name} {compact(run.log.books.total)}" for run in runs) + ".",
        figure=over_time(traces, f"PnL ({currency})", _span(runs)),
        zoom_group=group,
        height=380,
    )


def lead(runs: Sequence[Run], group: str, points: int) -> Chart:
    """PnL of every other run less that of the first."""
    currency = runs[0].log.facts.contract.settlement_currency
    edges = common_edges(runs[0].log.curve, _span(runs))
    first = equity_at(runs[0].log.curve, edges)
    traces = [
        line(edges, equity_at(run.log.curve, edges) - first, points, name=run.name, **run_style(position))
        for position, run in enumerate(runs)
        if position
    ]
    figure = over_time(traces, f"Lead ({currency})", _span(runs))
    figure.update_layout(showlegend=True)
    figure.add_hline(y=0, line={"color": INK.light, "width": 0.8})
    return Chart(
        key=f"{group}-lead",
        title=f"Lead over {runs[0].name}",
        caption=f"PnL less that of {runs[0].name}: what both did in the same market cancels. A lead that one jump "
        "explains is not one to rely on." + thinned(len(edges), points),
        alt=f"PnL less that of {runs[0].name} over time.",
        figure=figure,
        zoom_group=group,
        height=280,
    )


def differences(found: Sequence[Standing], group: str) -> Chart:
    """Each PnL difference to the first with its interval."""
    others = [one for one in found if one.difference is not None]
    position = {one.name: index for index, one in enumerate(found)}
    values, below, above, words = [], [], [], []
    for one in others:
        apart = one.difference
        if apart is None:
            continue
        value = float(apart.pnl)
        values.append(value)
        below.append(0.0 if apart.low is None else value - apart.low)
        above.append(0.0 if apart.high is None else apart.high - value)
        words.append(apart.verdict)
    level = next((one.difference.level for one in others if one.difference is not None), 0.95)
    return Chart(
        key=f"{group}-difference",
        title=f"PnL less {found[0].name}'s, with {100 * level:.0f} % intervals",
        caption="A run is better or worse than the first where its interval excludes zero; otherwise the two cannot be "
        "told apart by this data. Every interval stands alone: of twenty such, one is expected to mislead.",
        alt="; ".join(
            f"{one.name} {compact(value, signed=True)}: {word}"
            for one, value, word in zip(others, values, words, strict=True)
        ),
        figure=_whiskers(
            [one.name for one in others],
            np.array(values),
            np.array(below),
            np.array(above),
            [run_style(position[one.name])["colour"] for one in others],
            f"PnL difference ({found[0].currency})",
        ),
        height=110 + 44 * len(others),
        wide=False,
    )


def sharpes(found: Sequence[Standing], group: str) -> Chart:
    """Every Sharpe ratio with two standard errors."""
    values = np.array([np.nan if one.sharpe is None else one.sharpe for one in found])
    errors = np.array([0.0 if one.sharpe_stderr is None else 2.0 * one.sharpe_stderr for one in found])
    return Chart(
        key=f"{group}-sharpe",
        title="Sharpe ratio, with two standard errors",
        caption="Annual by calendar time, of increments of a minute. The error is that of independent increments and "
        "says how little a short run tells.",
        alt=", ".join(f"{one.name} {compact(one.sharpe, 3)} ± {compact(one.sharpe_stderr, 2)}" for one in found),
        figure=_whiskers(
            [one.name for one in found],
            values,
            errors,
            errors,
            [run_style(position)["colour"] for position in range(len(found))],
            "Sharpe ratio (annual)",
        ),
        height=110 + 44 * len(found),
        wide=False,
    )


def _whiskers(
    names: Sequence[str], values: Floats, below: Floats, above: Floats, colours: Sequence[Colour], title: str
) -> go.Figure:
    """Return dots with whiskers, the first at the top."""
    traces = [
        go.Scatter(
            x=[value],
            y=[name],
            mode="markers",
            marker={"size": 10, "color": colour.light},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high],
                "arrayminus": [low],
                "color": colour.light,
                "thickness": 2,
                "width": 6,
            },
            hovertemplate="%{x:.5~g}<extra>%{y}</extra>",
        )
        for name, value, low, high, colour in zip(names, values, below, above, colours, strict=True)
    ]
    figure = plain_figure(traces, showlegend=False)
    figure.add_vline(x=0, line={"color": MUTED.light, "width": 1, "dash": "dot"})
    figure.update_layout(margin={"l": 20, "r": 24, "t": 8, "b": 48})
    figure.update_xaxes(title={"text": title, "standoff": 6})
    figure.update_yaxes(autorange="reversed", type="category", ticks="", automargin=True)
    return figure


def inventories(runs: Sequence[Run], group: str, points: int) -> Chart:
    """Position of every run."""
    unit, (begin, end) = runs[0].log.facts.size_unit, _span(runs)
    traces = []
    for position, run in enumerate(runs):
        path = run.log.path
        ts = np.concatenate(([begin], path.ts_ns, [end]))
        held = np.append(path.position, path.position[-1])
        traces.append(line(ts, held, points, name=run.name, step=True, width=1.3, hover=".10~g", **run_style(position)))
    return Chart(
        key=f"{group}-inventory",
        title="Inventory",
        caption="Position between fills.",
        alt="Largest absolute position: "
        + ", ".join(f"{run.name} {amount(run.summary['inventory']['max_abs'])} {unit}" for run in runs)
        + ".",
        figure=over_time(traces, f"Position ({unit})", _span(runs)),
        zoom_group=group,
        height=300,
    )


def spreads(runs: Sequence[Run], group: str, points: int) -> Chart:
    """Spread quoted by every run."""
    traces = []
    for position, run in enumerate(runs):
        timeline = run.log.timeline
        order = np.argsort(timeline.start_ns, kind="stable")
        spread = (1e4 * timeline.spread / timeline.mid)[order]
        traces.append(
            line(timeline.start_ns[order], spread, points, name=run.name, step=True, width=1.3, **run_style(position))
        )
    return Chart(
        key=f"{group}-spread",
        title="Spread quoted",
        caption="Best ask minus best bid while both were wanted.",
        alt="Mean spread in basis points: "
        + ", ".join(f"{run.name} {compact(run.summary['quoting']['spread_bps'], 3)}" for run in runs)
        + ".",
        figure=over_time(traces, "Spread (bps)", _span(runs), yaxis={"rangemode": "tozero"}),
        zoom_group=group,
        height=280,
    )


def fills(runs: Sequence[Run], group: str, points: int) -> Chart:
    """Fills of every run so far."""
    begin, end = _span(runs)
    traces = []
    for position, run in enumerate(runs):
        ts = np.concatenate(([begin], run.log.path.ts_ns, [end]))
        count = np.concatenate((np.arange(len(ts) - 1), [len(ts) - 2])).astype(np.float64)
        traces.append(line(ts, count, points, name=run.name, step=True, hover=",.0f", **run_style(position)))
    return Chart(
        key=f"{group}-fills",
        title="Fills",
        caption="How many there were so far.",
        alt="Fills: " + ", ".join(f"{run.name} {run.summary['fills']['count']:,}" for run in runs) + ".",
        figure=over_time(traces, "Fills", _span(runs)),
        zoom_group=group,
        height=260,
    )
