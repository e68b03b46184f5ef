"""The page of a comparison: who made how much, what may be said of it, and the charts; one file that opens offline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, Final

from mm_nautilus.analytics.comparison import NOT_DISTINGUISHABLE, Run, Standing
from mm_nautilus.analytics.numbers import amount, compact, duration, share
from mm_nautilus.analytics.report.chart import Chart
from mm_nautilus.analytics.report.comparison_charts import differences, fills, inventories, lead, pnl, sharpes, spreads
from mm_nautilus.analytics.report.fragments import caveat_list, flatten, pairs_table
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.section import figure_card

PAGE_FILE: Final = "comparison.html"
LINE_POINTS: Final = 24_000
"""Points of the lines of one chart, shared between the runs and the instruments."""


def write_comparison(
    folder: Path,
    comparison: Mapping[str, Any],
    runs: Mapping[str, Sequence[Run]],
    found: Mapping[str, Sequence[Standing]],
) -> Path:
    """Write ``comparison.html`` and return its path.

    Parameters
    ----------
    folder : Path
        Of the comparison, with a run folder for each contender.
    comparison : mapping
        ``comparison.json``.
    runs, found : mapping of instrument to runs, and to their numbers
        The first run is the one the others are compared to.

    """
    drawn: list[Chart] = []
    sections = []
    for number, (name, some) in enumerate(runs.items()):
        group, points = f"i{number}", LINE_POINTS // len(some) // len(runs)
        charts = [
            differences(found[name], group),
            sharpes(found[name], group),
            pnl(some, group, points),
            lead(some, group, points),
            inventories(some, group, points),
            spreads(some, group, points),
            fills(some, group, points),
        ]
        drawn += charts
        sections.append(_instrument(name, found[name], charts))
    body = _top(comparison, found) + f"<main>{''.join(sections)}{_settings(comparison)}</main>"
    path = folder / PAGE_FILE
    path.write_text(document(f"{comparison['name']}: comparison", body, drawn), encoding="utf-8")
    return path


def sentence(one: Standing, first: Standing) -> str:
    """Return what may be said of a run beside the first, in one sentence."""
    apart = one.difference
    if apart is None:
        return f"{one.name} made {compact(one.pnl, signed=True)} {one.currency}."
    by = f"{compact(apart.pnl, signed=True)} {one.currency}"
    if apart.low is None or apart.high is None:
        return f"{one.name} is {NOT_DISTINGUISHABLE} from {first.name} ({by}): the run is too short for an interval."
    interval = f"{compact(apart.low, signed=True)} to {compact(apart.high, signed=True)}"
    than = "from" if apart.verdict == NOT_DISTINGUISHABLE else "than"
    return f"{one.name} is {apart.verdict} {than} {first.name}: {by}, {100 * apart.level:.0f} % interval {interval}."


def _top(comparison: Mapping[str, Any], found: Mapping[str, Sequence[Standing]]) -> str:
    meta = [
        ", ".join(found),
        f"{duration(comparison['duration_s'])} of market",
        f"seed {comparison['seed']}",
        "the same data for every run",
    ]
    lines = "".join(
        f'<p class="headline">{escape(sentence(one, some[0]))}</p>' for some in found.values() for one in some
    )
    names = " \N{MIDDLE DOT} ".join(meta)
    return (
        f'<header class="top"><h1>{escape(comparison["name"])}</h1><p class="meta">{escape(names)}</p>{lines}</header>'
    )


def _instrument(name: str, found: Sequence[Standing], charts: Sequence[Chart]) -> str:
    narrow = "".join(figure_card(chart) for chart in charts if not chart.wide)
    wide = "".join(figure_card(chart) for chart in charts if chart.wide)
    return (
        f'<section><h2>{escape(name)}</h2><div class="card"><div class="scroll">{_table(found)}</div></div>'
        f'<div class="grid2">{narrow}</div></section>'
        '<section><h2>Over time</h2><p class="hint">Drag to zoom, double-click to reset; the charts zoom together.</p>'
        f"{wide}</section>"
    )


def rows(found: Sequence[Standing]) -> list[tuple[str, list[str]]]:
    """Return the numbers of a comparison as text: a short label and one cell for each run."""
    apart = [one.difference for one in found]
    level = next((100 * one.level for one in apart if one is not None), 95)

    def signed(values: Iterable[float | Decimal | None]) -> list[str]:
        return [compact(value, signed=True) for value in values]

    return [
        (f"PnL ({found[0].currency})", signed(one.pnl for one in found)),
        ("less first", signed(None if one is None else one.pnl for one in apart)),
        (f"{level:.0f} % from", signed(None if one is None else one.low for one in apart)),
        ("to", signed(None if one is None else one.high for one in apart)),
        ("verdict", ["the first" if one is None else one.verdict for one in apart]),
        ("Sharpe", [compact(one.sharpe, 3) for one in found]),
        ("std error", [compact(one.sharpe_stderr, 2) for one in found]),
        ("drawdown", [compact(one.max_drawdown) for one in found]),
        ("held, std", [compact(one.inventory_std, 3) for one in found]),
        ("held, max", [amount(one.inventory_max) for one in found]),
        ("spread bps", [compact(one.spread_bps, 3) for one in found]),
        ("two-sided", [share(one.two_sided) for one in found]),
        ("fills", [f"{one.fills:,}" for one in found]),
        ("turnover", [compact(one.turnover) for one in found]),
    ]


def _table(found: Sequence[Standing]) -> str:
    head = "".join(f'<th scope="col" style="text-align:right">{escape(one.name)}</th>' for one in found)
    body = "".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
        + "</tr>"
        for label, cells in rows(found)
    )
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>"


def _settings(comparison: Mapping[str, Any]) -> str:
    cards = "".join(f'<div class="card">{_contender(one)}</div>' for one in comparison["contenders"])
    caveats = f'<div class="card">{caveat_list(comparison["realism"]["caveats"])}</div>'
    method = f'<div class="card"><h3>How the difference is judged</h3><p>{escape(method_of(comparison))}</p></div>'
    return f"<section><h2>How they were run</h2>{cards}{method}{caveats}</section>"


def _contender(one: Mapping[str, Any]) -> str:
    pairs = [("model", str(one["model"])), *flatten(one["parameters"])]
    derived = [
        (name, value if name not in one["derived"] else f"{value} (derived: {one['derived'][name]})")
        for name, value in pairs
    ]
    if one["left_out"]:
        derived.append(("not known to it", ", ".join(one["left_out"])))
    derived.append(("run folder", str(one["folder"])))
    return pairs_table(str(one["name"]), derived)


def method_of(comparison: Mapping[str, Any]) -> str:
    """Return how the intervals were made, for whoever wants to repeat them."""
    blocks = [
        f"{one['name']} {duration(one['difference']['block_s'])} ({one['difference']['blocks']:,} blocks)"
        for some in comparison["instruments"].values()
        for one in some
        if one["difference"] is not None
    ]
    return (
        "The PnL increments of two runs between the same marks are subtracted, and circular blocks of the differences "
        "are drawn with replacement; the interval is that of the resampled totals. Lengths of the blocks: "
        f"{', '.join(blocks)}. An interval is about this market on this day, and does not know of others."
    )
