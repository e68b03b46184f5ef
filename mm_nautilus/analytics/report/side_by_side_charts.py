"""Charts of runs that need not have time, length or money in common: one colour and one dash per run."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.analytics.attribution_lines import LINES
from mm_nautilus.analytics.numbers import compact
from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.comparison_charts import run_style
from mm_nautilus.analytics.report.markout_charts import Z_95, horizon_name
from mm_nautilus.analytics.report.palette import INK
from mm_nautilus.analytics.report.reading import ReportedRun
from mm_nautilus.analytics.report.thin import Floats, Ints, extremes
from mm_nautilus.analytics.report.words import in_words


def equity_curves(runs: Sequence[ReportedRun], names: Sequence[str], currency: str, points: int) -> Chart:
    """PnL of every run in one currency, over the hours since its own start."""
    traces, told = [], []
    for position, (name, run) in enumerate(zip(names, runs, strict=True)):
        if currency not in run.result["total"]:
            continue
        ts_ns, equity = joint_equity(run, currency)
        kept = extremes(ts_ns, equity, points)
        style = run_style(position)
        traces.append(
            go.Scatter(
                x=(ts_ns[kept] - run.span_ns[0]) / 3.6e12,
                y=equity[kept],
                name=name,
                mode="lines",
                line={"color": style["colour"].light, "dash": style["dash"], "width": 1.8},
                hovertemplate="%{y:.6~g}",
            )
        )
        told.append(f"{name} {compact(float(run.result['total'][currency]['total']), signed=True)}")
    figure = plain_figure(traces, hovermode="x unified", showlegend=True)
    figure.update_xaxes(title={"text": "Hours since the start of each run", "standoff": 6})
    figure.update_yaxes(title={"text": f"PnL ({currency})", "standoff": 8})
    figure.add_hline(y=0, line={"color": INK.light, "width": 0.8})
    return Chart(
        key=f"equity-{currency}",
        title=f"PnL in {currency}",
        caption="PnL since the start of each run, after fees and rebates; runs of different days are laid over each "
        "other, so what the market did to one need not have happened to another.",
        alt=f"PnL in {currency} over the hours of each run, ending at {', '.join(told)}.",
        figure=figure,
        height=380,
    )


def joint_equity(run: ReportedRun, currency: str) -> tuple[Ints, Floats]:
    """Return the PnL of everything that settles in one currency at every mark of it."""
    curves = [one.curve for one in run.logs.values() if one.facts.contract.settlement_currency == currency]
    times = np.unique(np.concatenate([np.array([run.span_ns[0]]), *(curve.ts_ns for curve in curves)]))
    joint = np.zeros(len(times))
    for curve in curves:
        joint += np.concatenate(([0.0], curve.equity))[np.searchsorted(curve.ts_ns, times, side="right")]
    return times, joint


def attribution_bars(runs: Sequence[ReportedRun], names: Sequence[str], currency: str) -> Chart:
    """Lines of the attribution, one group of bars a line."""
    traces = []
    sums = [attributed_lines(run, currency) for run in runs]
    lines = [line for line in LINES if any(found.get(line) for found in sums)]
    for position, (name, found) in enumerate(zip(names, sums, strict=True)):
        traces.append(
            go.Bar(
                x=[in_words(line) for line in lines],
                y=[float(found.get(line, 0)) for line in lines],
                name=name,
                marker={"color": run_style(position)["colour"].light, "line": {"width": 0}},
                hovertemplate="%{y:.6~g}",
            )
        )
    figure = plain_figure(traces, barmode="group", hovermode="x unified", showlegend=True)
    figure.update_yaxes(title={"text": f"PnL ({currency})", "standoff": 8}, zeroline=True)
    told = "; ".join(
        f"{name}: " + ", ".join(f"{in_words(line).lower()} {compact(found.get(line, 0))}" for line in lines)
        for name, found in zip(names, sums, strict=True)
    )
    return Chart(
        key=f"attribution-{currency}",
        title=f"Where the PnL came from, in {currency}",
        caption="The lines of each run add up to its PnL.",
        alt=f"Attribution in {currency}. {told}.",
        figure=figure,
        height=340,
    )


def attributed_lines(run: ReportedRun, currency: str) -> dict[str, Decimal]:
    """Return the lines of the attribution of everything that settles in one currency; empty where there is none."""
    sums: dict[str, Decimal] = {}
    for one in (run.result.get("attribution") or {"instruments": {}})["instruments"].values():
        if one["currency"] == currency:
            for line in LINES:
                sums[line] = sums.get(line, Decimal(0)) + Decimal(one["lines"][line])
    return sums


def markout_curves(runs: Sequence[ReportedRun], names: Sequence[str]) -> list[Chart]:
    """Mean markout of each run's first instrument that has any, against the horizon; nothing where nobody measured."""
    traces, told = [], []
    for position, (name, run) in enumerate(zip(names, runs, strict=True)):
        markouts = next((one["markouts"] for one in run.result["instruments"].values() if one.get("markouts")), None)
        if markouts is None:
            continue
        curve, style = markouts["all"], run_style(position)
        errors = [None if one["markout_bps_se"] is None else Z_95 * one["markout_bps_se"] for one in curve]
        traces.append(
            go.Scatter(
                x=[one["horizon_s"] for one in curve],
                y=[one["markout_bps"] for one in curve],
                error_y={"type": "data", "array": errors, "color": style["colour"].light, "thickness": 1.2, "width": 4},
                name=name,
                mode="lines+markers",
                line={"color": style["colour"].light, "dash": style["dash"], "width": 1.8},
                hovertemplate="%{y:.3f} bps",
            )
        )
        shown = next((one for one in reversed(curve) if one["markout_bps"] is not None), None)
        if shown is not None:
            when = horizon_name(shown["horizon_s"])
            told.append(f"{name} {compact(shown['markout_bps'], 3)} basis points after {when}")
    if not traces:
        return []
    horizons = sorted({at for trace in traces for at in trace.x})
    figure = plain_figure(traces, hovermode="x unified", showlegend=True)
    figure.update_xaxes(
        type="log", title={"text": "After the fill"}, tickvals=horizons, ticktext=[horizon_name(at) for at in horizons]
    )
    figure.update_yaxes(title={"text": "Markout (bps)", "standoff": 8}, zeroline=True)
    return [
        Chart(
            key="markouts",
            title="What fills were worth later",
            caption="Mean markout of the maker fills with 95 % intervals, weighted by size, of the first instrument of "
            "each run that was marked.",
            alt=f"Markout by horizon: {', '.join(told) or 'no horizon passed'}.",
            figure=figure,
        )
    ]
