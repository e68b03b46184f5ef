"""Charts of a training: what held-out predictions are worth, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.palette import BUY, EQUITY, MUTED, SELL, Colour

type Json = Mapping[str, Any]

_COLOURS: Final[Mapping[str, Colour]] = {
    "random forest": BUY,
    "gradient boosting": EQUITY,
    "logistic": SELL,
    "base rate": MUTED,
}
_IMPORTANT: Final = 15


def auc_chart(scores: Sequence[Json]) -> Chart:
    """Area under the ROC curve of each model, with its interval."""
    names = [score["name"] for score in scores]
    values = [score["auc"]["value"] for score in scores]
    above = [(score["auc"]["high"] or value) - value for score, value in zip(scores, values, strict=True)]
    below = [value - (score["auc"]["low"] or value) for score, value in zip(scores, values, strict=True)]
    trace = go.Scatter(
        x=values,
        y=names,
        mode="markers",
        marker={"color": [_COLOURS[name].light for name in names], "size": 10},
        error_x={"type": "data", "symmetric": False, "array": above, "arrayminus": below, "color": MUTED.light},
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )
    figure = plain_figure([trace], showlegend=False)
    figure.add_vline(x=0.5, line={"color": MUTED.light, "dash": "dot"})
    figure.update_xaxes(title={"text": "Area under the ROC curve, held-out fills"})
    figure.update_layout(margin={"l": 140, "r": 14, "t": 24, "b": 48})
    return Chart(
        key="auc",
        title="Telling adverse fills from others",
        caption="Chance that an adverse fill is ranked above one that is not: 0.5 is guessing. Lines are 95 % "
        "intervals from resampled blocks of time. The base rate misses 0.5 where the share of adverse fills drifts.",
        alt="; ".join(f"{name} {value:.3f}" for name, value in zip(names, values, strict=True)),
        figure=figure,
        height=260,
        wide=False,
    )


def reliability_chart(scores: Sequence[Json], best: str) -> Chart:
    """What was predicted against what happened."""
    traces: list[Any] = []
    for score in scores:
        if score["name"] not in (best, "logistic"):
            continue
        bins, colour = score["reliability"], _COLOURS[score["name"]]
        traces.append(
            go.Scatter(
                x=[one["predicted"] for one in bins],
                y=[one["observed"] for one in bins],
                name=score["name"],
                mode="lines+markers",
                line={"color": colour.light, "width": 1.5},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [one["high"] - one["observed"] for one in bins],
                    "arrayminus": [one["observed"] - one["low"] for one in bins],
                    "color": colour.light,
                    "thickness": 1,
                },
                customdata=[one["fills"] for one in bins],
                hovertemplate="predicted %{x:.3f}, observed %{y:.3f}, %{customdata:,} fills",
            )
        )
    figure = plain_figure(traces)
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": MUTED.light, "dash": "dot"})
    figure.update_xaxes(title={"text": "Predicted chance"}, range=[0, 1])
    figure.update_yaxes(title={"text": "Share that was adverse", "standoff": 8}, range=[0, 1])
    return Chart(
        key="reliability",
        title="Does the chance mean what it says?",
        caption="Held-out fills in parts of equal number by predicted chance. On the dotted line the predicted share "
        "came true; bars are Wilson's 95 % intervals, which take fills for independent.",
        alt=f"reliability of {best} and logistic",
        figure=figure,
        height=340,
        wide=False,
    )


def precision_recall_chart(scores: Sequence[Json], base_rate: float) -> Chart:
    """Precision at each recall."""
    traces = [
        go.Scatter(
            x=score["precision_recall"]["recall"],
            y=score["precision_recall"]["precision"],
            name=score["name"],
            mode="lines",
            line={"color": _COLOURS[score["name"]].light, "width": 1.5},
            hovertemplate="recall %{x:.2f}, precision %{y:.2f}",
        )
        for score in scores
        if score["name"] != "base rate"
    ]
    figure = plain_figure(traces)
    figure.add_hline(y=base_rate, line={"color": MUTED.light, "dash": "dot"})
    figure.update_xaxes(title={"text": "Share of adverse fills found (recall)"}, range=[0, 1])
    figure.update_yaxes(title={"text": "Share of alarms that were right (precision)", "standoff": 8}, range=[0, 1])
    return Chart(
        key="precision-recall",
        title="How many alarms are right",
        caption="Each point is a threshold on the predicted chance; the dotted line is what picking at random gives.",
        alt="; ".join(f"{score['name']} average precision {score['average_precision']:.3f}" for score in scores),
        figure=figure,
        height=340,
        wide=False,
    )


def importance_chart(importance: Sequence[Json], best: str) -> Chart:
    """How much the AUC falls when a feature is shuffled."""
    shown = list(reversed(importance[:_IMPORTANT]))
    trace = go.Bar(
        x=[one["auc_loss"] for one in shown],
        y=[one["feature"] for one in shown],
        orientation="h",
        marker={"color": _COLOURS[best].light},
        error_x={"type": "data", "array": [one["standard_deviation"] for one in shown], "color": MUTED.light},
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )
    figure = plain_figure([trace], showlegend=False)
    figure.update_xaxes(title={"text": "Loss of AUC when shuffled"})
    figure.update_layout(margin={"l": 190, "r": 14, "t": 24, "b": 48})
    return Chart(
        key="importance",
        title=f"What the {best} model rests on",
        caption=f"The {len(shown)} most important of {len(importance)} features, shuffled one at a time among held-out "
        "fills; lines are the spread over folds and repeats. Features that say the same share their importance.",
        alt="; ".join(f"{one['feature']} {one['auc_loss']:.3f}" for one in reversed(shown)),
        figure=figure,
        height=420,
        wide=False,
    )
