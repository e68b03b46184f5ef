"""Charts of an experiment: one colour for each response, the same on every chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from mm_nautilus.adverse_selection.markouts import Markouts, MarkoutSummary, summarise
from mm_nautilus.analytics.numbers import compact, share
from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.markout_charts import Z_95, horizon_name
from mm_nautilus.analytics.report.palette import BUY, EQUITY, INK, MUTED, SELL, Colour
from mm_nautilus.experiment.effects import FIGURES
from mm_nautilus.experiment.measure import Measured
from mm_nautilus.experiment.responses import OFF, RULES, TRAINED
from mm_nautilus.experiment.words import sentence, verdict

type Json = Mapping[str, Any]

COLOURS: Final[Mapping[str, Colour]] = {OFF: INK, RULES: SELL, TRAINED: BUY}
_POINTS: Final = 4_000


def pooled(runs: Sequence[Measured]) -> tuple[MarkoutSummary, ...]:
    """Return the markouts of all markets together; fills of different markets are independent."""
    tables = [run.marked for run in runs]
    horizons = tables[0].horizons_s
    # Markets are laid one after another, farther apart than any horizon.
    apart = round(2e9 * max(horizons))
    instants, begin = [], 0
    for run in runs:
        if len(run.fill_ns):
            instants.append(run.fill_ns - run.fill_ns[0] + begin)
            begin = int(instants[-1][-1]) + apart
    if not instants:
        return ()
    whole = Markouts(
        horizons,
        side=np.concatenate([table.side for table in tables]),
        size=np.concatenate([table.size for table in tables]),
        price=np.concatenate([table.price for table in tables]),
        mid=np.concatenate([table.mid for table in tables]),
        later_mid=np.concatenate([table.later_mid for table in tables]),
    )
    return summarise(whole, np.concatenate(instants))


def markout_chart(summaries: Mapping[str, Sequence[MarkoutSummary]]) -> Chart:
    """Mean markout of each response against the horizon."""
    traces = [
        go.Scatter(
            x=[horizon_name(one.horizon_s) for one in some],
            y=[one.markout_bps for one in some],
            error_y={
                "type": "data",
                "array": [None if one.markout_bps_se is None else Z_95 * one.markout_bps_se for one in some],
                "color": COLOURS[name].light,
                "thickness": 1.2,
                "width": 4,
            },
            name=name,
            mode="lines+markers",
            line={"color": COLOURS[name].light, "width": 1.8},
            customdata=[f"{one.fills:,} fills" for one in some],
            hovertemplate="%{y:.3f} bps, %{customdata}",
        )
        for name, some in summaries.items()
        if some
    ]
    figure = plain_figure(traces, hovermode="x unified")
    figure.update_xaxes(type="category", title={"text": "After the fill"})
    figure.update_yaxes(title={"text": "Markout (bps)", "standoff": 8}, zeroline=True)
    return Chart(
        key="markouts",
        title="What fills were worth later",
        caption="Mean markout of the fills each response had, weighted by size, with 95 % intervals. It says what a "
        "fill was worth, not what was earned: a response with fewer, better fills may have earned less.",
        alt="; ".join(f"{name}: {some[0].fills:,} fills" for name, some in summaries.items() if some),
        figure=figure,
    )


def effect_charts(result: Json) -> list[Chart]:
    """Return the changes from ``off`` with their intervals, as shares of the values there."""
    others = [name for name in result["effects"] if name != OFF]
    labels, traces = [figure.label for figure in FIGURES.values()], []
    for offset, name in enumerate(others):
        x, low, high = [], [], []
        for key in FIGURES:
            effect, base = result["effects"][name][key], result["effects"][OFF][key]["value"]
            scale = 100.0 / abs(base) if base else np.nan
            change = np.nan if effect["change"] is None else scale * effect["change"]
            x.append(change)
            low.append(0.0 if effect["low"] is None else change - scale * effect["low"])
            high.append(0.0 if effect["high"] is None else scale * effect["high"] - change)
        traces.append(
            go.Scatter(
                x=x,
                y=[index + 0.18 * (offset - 0.5 * (len(others) - 1)) for index in range(len(labels))],
                name=name,
                mode="markers",
                marker={"size": 9, "color": COLOURS[name].light},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": high,
                    "arrayminus": low,
                    "color": COLOURS[name].light,
                    "thickness": 2,
                    "width": 5,
                },
                customdata=[verdict(FIGURES[key], result["effects"][name][key]) for key in FIGURES],
                hovertemplate="%{x:+.2f} %, %{customdata}",
            )
        )
    figure = plain_figure(traces)
    figure.add_vline(x=0, line={"color": MUTED.light, "width": 1, "dash": "dot"})
    figure.update_xaxes(title={"text": "Change from off, % of its value there", "standoff": 6})
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=labels, range=[len(labels) - 0.5, -0.5], ticks="")
    figure.update_layout(margin={"l": 230, "r": 24, "t": 34, "b": 52})
    return [
        Chart(
            key="effects",
            title="What each response changed, with 95 % intervals",
            caption="An interval that excludes zero is a change that these data can tell from none; each stands alone. "
            "More adverse-selection cost is worse, a higher fill rate is neither, more of the others is better.",
            alt=" ".join(sentence(result, name) for name in others),
            figure=figure,
            height=130 + 56 * len(labels),
        )
    ]


def pnl_chart(runs: Mapping[str, Sequence[Measured]], currency: str) -> Chart:
    """PnL of each response over trading time, one market after another."""
    traces = []
    for name, some in runs.items():
        hours, equity = _joined(some)
        kept = np.unique(np.linspace(0, len(hours) - 1, min(_POINTS, len(hours))).round().astype(np.int64))
        traces.append(
            go.Scatter(
                x=hours[kept],
                y=equity[kept],
                name=name,
                mode="lines",
                line={"color": COLOURS[name].light, "width": 1.6},
                hovertemplate="%{y:.6~g}",
            )
        )
    figure = plain_figure(traces, hovermode="x unified")
    figure.update_xaxes(title={"text": "Hours traded"})
    figure.update_yaxes(title={"text": f"PnL ({currency})", "standoff": 8})
    several = " Markets stand one after another." if any(len(some) > 1 for some in runs.values()) else ""
    return Chart(
        key="pnl",
        title="PnL",
        caption=f"After fees and rebates, inventory at the mid.{several}",
        alt="; ".join(f"{name} ends at {compact(float(_joined(some)[1][-1]))}" for name, some in runs.items()),
        figure=figure,
    )


def _joined(runs: Sequence[Measured]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    hours, equity, begin, earned = [], [], 0.0, 0.0
    for run in runs:
        hours.append(begin + (run.curve_ns - run.curve_ns[0]) / 3.6e12)
        equity.append(earned + run.equity)
        begin, earned = float(hours[-1][-1]), float(equity[-1][-1])
    return np.concatenate(hours), np.concatenate(equity)


def withdrawn_chart(result: Json) -> Chart:
    """Share of the time for which each response answered."""
    kinds = {"bid": "bid withdrawn", "ask": "ask withdrawn", "widened": "a side widened or shrunk"}
    colours = {"bid": BUY, "ask": SELL, "widened": EQUITY}
    others = [name for name in result["withdrawn"] if name != OFF]
    traces = [
        go.Bar(
            x=[100.0 * result["withdrawn"][name][kind] for name in others],
            y=others,
            name=words,
            orientation="h",
            marker={"color": colours[kind].light},
            hovertemplate="%{x:.2f} %",
        )
        for kind, words in kinds.items()
    ]
    figure = plain_figure(traces, barmode="group")
    figure.update_xaxes(title={"text": "% of the time", "standoff": 6}, rangemode="tozero")
    figure.update_yaxes(autorange="reversed", type="category", ticks="")
    return Chart(
        key="withdrawn",
        title="How much of the time it answered",
        caption="A side is withdrawn unless it would reduce the position.",
        alt="; ".join(
            f"{name}: "
            + ", ".join(f"{words} {share(result['withdrawn'][name][kind])}" for kind, words in kinds.items())
            for name in others
        ),
        figure=figure,
        height=130 + 70 * len(others),
    )
