"""A part of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mm_nautilus.analytics.report.chart import Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, charts, and tables of HTML, each on a card of its own."""

    title: str
    tables: Sequence[str]
    charts: Sequence[Chart] = ()


def figure_card(chart: Chart) -> str:
    """Return the frame that a chart is drawn in, with its title and caption."""
    key = escape(chart.key)
    return (
        f'<figure class="card"><figcaption><h3>{escape(chart.title)}</h3><p class="caption">{escape(chart.caption)}</p>'
        f'</figcaption><div class="chart" id="{key}" role="img" aria-label="{escape(chart.alt)}" '
        f'style="min-height:{chart.height}px"></div></figure>'
    )
