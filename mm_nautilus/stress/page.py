"""The page of a stress run: the scorecard, every run that failed, what the scenarios do, and the runs over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from mm_nautilus.analytics.report.chart import Chart, line, over_time
from mm_nautilus.analytics.report.fragments import flatten, pairs_table
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.palette import EQUITY, INVENTORY, SEVERE, Colour
from mm_nautilus.analytics.report.section import figure_card
from mm_nautilus.catalog.simulator import PRESETS, SimulationParams
from mm_nautilus.stress import measured, scenarios
from mm_nautilus.stress.judged import COLUMNS, Judged, bounds_in_words, by_scenario, cells
from mm_nautilus.stress.losses import Floats, Ints
from mm_nautilus.stress.traces import POINTS

PAGE_FILE: Final = "stress.html"

_PROSE: Final = {"The scenario": scenarios.__doc__, "The market before": measured.__doc__}


def write_page(folder: Path, stress: Mapping[str, Any], judged: Sequence[Judged]) -> Path:
    """Write ``stress.html`` and return its path.

    Parameters
    ----------
    folder : Path
        Of the stress run.
    stress : mapping
        ``stress.json``.
    judged : sequence of Judged
        Its runs.

    """
    drawn: list[Chart] = []
    sections = []
    for number, (name, runs) in enumerate(by_scenario(judged).items()):
        charts = _charts(runs, f"s{number}")
        drawn += charts
        cards = "".join(figure_card(chart) for chart in charts)
        sections.append(f'<section><h2>{escape(_words(name))}</h2><div class="grid2">{cards}</div></section>')
    body = f"{_top(stress)}<main>{_scorecard(stress)}{''.join(sections)}{_rules(stress)}</main>"
    path = folder / PAGE_FILE
    path.write_text(document(f"{stress['name']}: stress", body, drawn), encoding="utf-8")
    return path


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _top(stress: Mapping[str, Any]) -> str:
    tone, word = ("good", "passed") if stress["passed"] else ("severe", "failed")
    failed = sum(not run["passed"] for run in stress["runs"])
    total = len(stress["runs"])
    headline = f"All {total} runs passed." if not failed else f"{failed} of {total} runs failed."
    meta = ", ".join(stress["instruments"])
    return (
        f'<header class="top"><h1>{escape(stress["name"])}: stress<span class="badge {tone}">{word}</span></h1>'
        f'<p class="meta">{escape(meta)}</p><p class="headline">{headline}</p>'
        f'<p class="meta">{escape(bounds_in_words(stress["bounds"], list(stress["scenarios"].values())))}</p></header>'
    )


def _scorecard(stress: Mapping[str, Any]) -> str:
    head = "".join(f'<th scope="col" style="text-align:right">{escape(name)}</th>' for name in COLUMNS)
    rows = "".join(
        f'<tr><th scope="row">{escape(_words(name))}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells(worst))
        + "</tr>"
        for name, worst in stress["scenarios"].items()
    )
    hint = (
        "The worst of each scenario's runs; cancels, fills, hedges, alarms and crossings are summed. 'After' is the "
        "time from the start to the gravest stage, 'reaction' from passing the bound to flattening. Losses in "
        f"{next((one['currency'] for one in stress['scenarios'].values() if one['currency']), 'money')}."
    )
    table = f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    card = f'<div class="card">{table}</div>{_failed(stress)}'
    return f'<section><h2>Scorecard</h2><p class="hint">{escape(hint)}</p>{card}</section>'


def _failed(stress: Mapping[str, Any]) -> str:
    found = [(run["folder"], reason) for run in stress["runs"] for reason in run["reasons"]]
    return f'<div class="card">{pairs_table("What failed, and why", found)}</div>' if found else ""


def _charts(runs: Sequence[Judged], group: str) -> list[Chart]:
    traced = [(one, one.trace) for one in runs if one.trace is not None]
    if not traced:
        return []
    begin = min(int(trace.equity_ns[0]) for _, trace in traced if len(trace.equity_ns))
    end = max(int(trace.equity_ns[-1]) for _, trace in traced if len(trace.equity_ns))
    currency = next(one.score.currency for one, _ in traced if one.score is not None)
    bound = max(one.score.max_loss for one, _ in traced if one.score is not None)
    money = [_line(one, trace.equity_ns, trace.equity, EQUITY) for one, trace in traced]
    share = [_line(one, trace.worst_ns, trace.worst_share, INVENTORY) for one, trace in traced]
    pnl = over_time(money, f"PnL ({currency})", (begin, end))
    worst = over_time(share, "Worst case over limit", (begin, end))
    for figure, level in ((pnl, -bound), (worst, 1.0)):
        figure.add_hline(y=level, line={"color": SEVERE.light, "width": 1, "dash": "dash"})
        figure.update_layout(showlegend=False, hovermode="closest")
    seeds = f"one line a run, {len(traced)} runs; at most about {POINTS} points of each, its extremes among them"
    return [
        Chart(
            key=f"{group}-pnl",
            title="PnL",
            caption=f"Since the start, after fees and rebates; dashed is the loss allowed ({seeds}).",
            alt=f"PnL of {len(traced)} runs over time.",
            figure=pnl,
            zoom_group=group,
            wide=False,
        ),
        Chart(
            key=f"{group}-worst",
            title="Worst case",
            caption="Position if everything working and in flight on one side filled, over the limit (dashed).",
            alt=f"Worst-case inventory of {len(traced)} runs over time, as a share of the limit.",
            figure=worst,
            zoom_group=group,
            wide=False,
        ),
    ]


def _line(one: Judged, ts_ns: Ints, values: Floats, colour: Colour) -> Any:
    name = _words(one.scenario) if one.seed is None else f"seed {one.seed}"
    own = colour if one.passed else SEVERE
    drawn = line(ts_ns, values, len(values) or 1, name=name, colour=own, step=True, width=1.0)
    return drawn.update(opacity=0.7 if one.passed else 1.0)


def _rules(stress: Mapping[str, Any]) -> str:
    if stress["market"] is None:
        return ""
    market = SimulationParams.model_validate(stress["market"])
    venues = [
        pairs_table(
            venue.instrument_id,
            flatten(venue.model_dump(mode="json", exclude={"definition", "excitation", "informed", "noise"})),
        )
        for venue in market.venues
    ]
    factors = [
        (f"{_words(name)}, {asset.name}", f"{scenarios.price_factor(asset, name):.6g}")
        for name in stress["scenarios"]
        if name in PRESETS
        for asset in market.assets
    ]
    moves = pairs_table("Factor on the price moves of each preset", factors, numbers=True)
    assets = pairs_table("Before the scenario", flatten({asset.name: _asset(asset) for asset in market.assets}))
    words = "".join(f"<h3>{title}</h3>{_prose(text or '')}" for title, text in _PROSE.items())
    cards = "".join(f'<div class="card">{card}</div>' for card in (words, moves, assets, *venues))
    return f"<section><h2>What the scenarios are made of</h2>{cards}</section>"


def _asset(asset: Any) -> dict[str, Any]:
    found: dict[str, Any] = asset.model_dump(mode="json", include={"price", "sigma_price_per_sqrt_s", "jumps"})
    return found


def _prose(text: str) -> str:
    """Return a docstring as paragraphs and lists."""
    blocks = [block.strip() for block in text.strip().replace("`", "").replace("*", "").split("\n\n")]
    return "".join(
        "<ul>" + "".join(f"<li>{escape(' '.join(item.split()))}</li>" for item in block[2:].split("\n- ")) + "</ul>"
        if block.startswith("- ")
        else f"<p>{escape(' '.join(block.split()))}</p>"
        for block in blocks
    )
