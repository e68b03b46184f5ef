"""The sensitivity table as a section of a report: what becomes of the PnL when an assumption is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import orjson
import plotly.graph_objects as go

from mm_nautilus.analytics.numbers import NOTHING, compact
from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.fragments import pairs_table
from mm_nautilus.analytics.report.palette import EQUITY, INK, SEVERE
from mm_nautilus.analytics.report.section import Section, figure_card
from mm_nautilus.errors import DataError

type Json = Mapping[str, Any]

SENSITIVITY_FILE: Final = "sensitivity.json"
TITLE: Final = "What if an assumption is wrong"
COLUMNS: Final = ("PnL", "change", "fills", "drawdown", "per fill", "Sharpe", "held, max")


def read_sensitivity(run_dir: Path) -> dict[str, Any] | None:
    """Return the sensitivity table that lies in a run folder, ``None`` where there is none.

    Raises
    ------
    DataError
        Where the file is there and cannot be read.

    """
    path = run_dir / SENSITIVITY_FILE
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: cannot be read as a sensitivity table ({error})") from error
    return found


def sensitivity_section(sensitivity: Json) -> Section:
    """Return the section that a report shows.

    Parameters
    ----------
    sensitivity : mapping
        ``sensitivity.json``.

    """
    tables = [_table(sensitivity), pairs_table("What each of them is", _explained(sensitivity))]
    return Section(TITLE, tables, _charts(sensitivity))


def sensitivity_body(sensitivity: Json) -> tuple[str, Sequence[Chart]]:
    """Return the body of a page of its own, and its charts."""
    section = sensitivity_section(sensitivity)
    cards = "".join(f'<div class="card">{table}</div>' for table in section.tables)
    charts = "".join(map(figure_card, section.charts))
    names = escape(", ".join(sensitivity["instruments"]))
    top = (
        f'<header class="top"><h1>{escape(sensitivity["name"])}: sensitivity</h1><p class="meta">{names}</p>'
        f'<p class="headline">{escape(verdict(sensitivity))}</p></header>'
    )
    return f"{top}<main><section><h2>{TITLE}</h2>{charts}{cards}</section></main>", section.charts


def verdict(sensitivity: Json) -> str:
    """Return in one sentence what the PnL does not survive."""
    base, *others = sensitivity["cases"]
    if base["pnl"] is None:
        return "The run as it is failed, so there is nothing to compare to."
    made = float(base["pnl"])
    if not base["fills"]:
        return "The run as it is had no fill, so no assumption about fills matters to it."
    if made <= 0.0:
        gains = [one["label"] for one in others if one["pnl"] is not None and float(one["pnl"]) > 0.0]
        better = (
            f"; it would have made money with: {', '.join(gains)}" if gains else " and under every other assumption too"
        )
        return f"It lost money as it is{better}."
    losses = [one["label"] for one in others if one["pnl"] is not None and float(one["pnl"]) <= 0.0]
    if losses:
        return f"It made money as it is, and would have lost with: {', '.join(losses)}."
    return "It made money as it is and under every other assumption."


def cells(one: Json) -> list[str]:
    """Return what `COLUMNS` show of one case."""
    if one["pnl"] is None:
        return ["failed", *[NOTHING] * (len(COLUMNS) - 1)]
    return [
        compact(float(one["pnl"]), signed=True),
        NOTHING if one["change"] is None else compact(float(one["change"]), signed=True),
        f"{one['fills']:,}",
        compact(one["max_drawdown"]),
        compact(one["pnl_per_fill"], 3, signed=True),
        compact(one["sharpe"], 3),
        compact(one["inventory_max"], 3),
    ]


def _table(sensitivity: Json) -> str:
    head = "".join(f'<th scope="col" style="text-align:right">{escape(name)}</th>' for name in COLUMNS)
    rows = "".join(
        f'<tr><th scope="row">{escape(one["label"])}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells(one))
        + "</tr>"
        for one in sensitivity["cases"]
    )
    caption = f"PnL after fees and rebates in {sensitivity['currency']}" if sensitivity["currency"] else "PnL"
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _explained(sensitivity: Json) -> list[tuple[str, str]]:
    pairs = [
        (one["label"], one["words"] if one["failure"] is None else f"{one['words']}; {one['failure']}")
        for one in sensitivity["cases"]
    ]
    return pairs + [tuple(line.split(": ", 1)) for line in sensitivity["same"]]


def _charts(sensitivity: Json) -> list[Chart]:
    shown = [one for one in sensitivity["cases"] if one["pnl"] is not None]
    if not shown:
        return []
    made = [float(one["pnl"]) for one in shown]
    labels = [one["label"] for one in shown]
    bars = go.Bar(
        x=made,
        y=labels,
        orientation="h",
        marker={"color": [EQUITY.light if pnl > 0.0 else SEVERE.light for pnl in made]},
        hovertemplate="%{y}: %{x:.6~g}<extra></extra>",
    )
    figure = plain_figure([bars])
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    figure.update_xaxes(title={"text": f"PnL ({sensitivity['currency']})"})
    figure.add_vline(x=made[0], line={"color": INK.light, "width": 1, "dash": "dot"})
    return [
        Chart(
            key="sensitivity",
            title="PnL under each assumption",
            caption="After fees and rebates; dotted is the run as it is. A bar that is red is an assumption the result "
            "does not survive.",
            alt="PnL by assumption: "
            + ", ".join(f"{name} {compact(pnl)}" for name, pnl in zip(labels, made, strict=True)),
            figure=figure,
            height=90 + 28 * len(shown),
        )
    ]
