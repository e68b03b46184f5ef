"""What the page says about several venues: arbitrage, and how their prices move together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import plotly.graph_objects as go

from mm_nautilus.analytics.numbers import NOTHING, compact, share
from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.palette import BUY, CARD, EQUITY, FEES, IDLE, INVENTORY, MUTED, REALISED, SELL
from mm_nautilus.analytics.report.rows import Badge, Cell, rows_table
from mm_nautilus.analytics.report.section import Section
from mm_nautilus.analytics.report.words import clock, in_words
from mm_nautilus.messages import OpportunityFact

type Json = Mapping[str, Any]

_MOST_POINTS: Final = 5_000
_MOST_TOLD: Final = 20
_COLOURS: Final = (BUY, SELL, EQUITY, INVENTORY, REALISED, FEES)
_MOST_CELLS_WITH_TEXT: Final = 12


def opportunity_section(summary: Json, facts: Sequence[OpportunityFact]) -> Section:
    """Return the section about arbitrage.

    Parameters
    ----------
    summary : mapping
        An `OpportunitySummary` in a ``result.json``.
    facts : sequence of OpportunityFact
        Of the run's log.

    """
    numbers: list[Sequence[Cell]] = [
        ("Crossings seen", f"{summary['seen']:,}"),
        ("of them taken", f"{summary['episodes_taken']:,} ({share(summary['episodes_taken'] / summary['seen'])})"),
        ("Pairs of legs sent / over", f"{summary['taken']:,} / {summary['done']:,}"),
        ("Net profit planned", _money(summary["planned_profit"])),
        ("Net profit made", _money(summary["net_profit"])),
        ("Change in cash", _money(summary["cash"])),
        ("One leg filled for more", f"{summary['residual_legs']:,} times"),
        ("Largest imbalance", _money(summary["imbalance_notional"])),
        ("Longest between two legs", f"{compact(summary['leg_gap_s_max'], 3)} s"),
        ("Edge where widest (bps, before costs)", _spread(summary["edge_bps"])),
        ("Duration (s)", _spread(summary["duration_s"])),
    ]
    missed: list[Sequence[Cell]] = [(in_words(why), f"{count:,}") for why, count in summary["missed"].items()]
    pairs: list[Sequence[Cell]] = [
        (
            one["buy_instrument_id"],
            one["sell_instrument_id"],
            f"{one['seen']:,}",
            f"{one['taken']:,}",
            compact(Decimal(one["net_profit"]), signed=True),
        )
        for one in summary["pairs"]
    ]
    heads = ("Bought on", "Sold on", "Seen", "Taken", "Net profit")
    tables = [
        rows_table("Arbitrage in numbers", ("", ""), numbers, numbers=(1,)),
        rows_table("Why crossings were missed (each reason once a crossing)", ("Reason", "Crossings"), missed, (1,)),
        rows_table("By pair and direction", heads, pairs, numbers=(2, 3, 4)),
        _told(facts),
    ]
    ended = [fact for fact in facts if fact.event == "ENDED"]
    taken = {(fact.strategy_id, fact.episode_id) for fact in facts if fact.event == "TAKEN"}
    return Section("Arbitrage", tables, [_edges(ended, taken)] if ended else ())


def _money(amounts: Mapping[str, str]) -> str:
    return ", ".join(f"{compact(Decimal(one))} {currency}" for currency, one in amounts.items()) or "0"


def _spread(quantiles: Mapping[str, float]) -> str:
    if not quantiles:
        return NOTHING
    return (
        f"{compact(quantiles['0.5'], 3)} in the median, {compact(quantiles['0.25'], 3)} to "
        f"{compact(quantiles['0.75'], 3)} in the middle half, {compact(quantiles['1'], 3)} at most"
    )


def _told(facts: Sequence[OpportunityFact]) -> str:
    """Return the arithmetic of the first crossings of every verdict."""
    seen: dict[str, int] = {}
    rows: list[Sequence[Cell]] = []
    for fact in facts:
        if fact.event not in {"TAKEN", "MISSED"}:
            continue
        seen[fact.verdict] = seen.get(fact.verdict, 0) + 1
        if seen[fact.verdict] <= _MOST_TOLD:
            tone = "good" if fact.event == "TAKEN" else "note"
            pair = f"{fact.buy_instrument_id} to {fact.sell_instrument_id}"
            rows.append((clock(fact.ts_ns), Badge(in_words(fact.verdict), tone), pair, fact.reason))
    caption = f"The arithmetic of the first {_MOST_TOLD} crossings of each kind"
    return rows_table(caption, ("Time (UTC)", "", "From where to where", "Why"), rows)


def _edges(ended: Sequence[OpportunityFact], taken: set[tuple[str, int]]) -> Chart:
    step = -(-len(ended) // _MOST_POINTS)
    drawn = ended[::step]
    traces = []
    for name, colour, wanted in (("Missed", IDLE, False), ("Taken", EQUITY, True)):
        some = [one for one in drawn if ((one.strategy_id, one.episode_id) in taken) is wanted]
        traces.append(
            go.Scatter(
                x=[max(one.elapsed_s, 1e-3) for one in some],
                y=[one.gross_edge_bps for one in some],
                name=name,
                mode="markers",
                marker={"color": colour.light, "size": 6, "symbol": "diamond" if wanted else "circle"},
                hovertemplate="%{x:.3f} s, %{y:.3f} bps",
            )
        )
    figure = plain_figure(traces)
    figure.update_xaxes(type="log", title={"text": "How long they crossed (s; at least a millisecond is drawn)"})
    figure.update_yaxes(title={"text": "Edge where widest (bps, before costs)", "standoff": 8})
    thinned = f" One in {step:,} is drawn." if step > 1 else ""
    return Chart(
        key="opportunities",
        title="Every crossing: how wide, and for how long",
        caption="Best bid of one venue over the best ask of another, before fees, depth and latency." + thinned,
        alt=f"Edge against duration of {len(ended)} crossings, of which {len(taken)} were taken.",
        figure=figure,
    )


def relation_section(relations: Json) -> Section | None:
    """Return the section about leads, bases and correlations; ``None`` where there is nothing to show."""
    tables, charts = [], []
    for number, (asset, one) in enumerate(relations["assets"].items()):
        charts.append(_leads(number, asset, one["pairs"]))
        tables.append(_pairs(asset, one["pairs"]))
        if one["hedged"]:
            tables.append(_hedged(asset, one["hedged"]))
        weights: list[Sequence[Cell]] = [(name, share(weight)) for name, weight in one["weights"].items()]
        caption = f"{asset}: share of the lead, as weights of a consolidated value"
        tables.append(rows_table(caption, ("Instrument", "Weight"), weights, (1,)))
    if relations["correlations"] is not None:
        charts.append(_heat_map(relations["correlations"]))
    return Section("How the markets move together", tables, charts) if charts else None


def _leads(number: int, asset: str, pairs: Sequence[Json]) -> Chart:
    traces = [
        go.Scatter(
            x=pair["lags_s"],
            y=pair["correlations"],
            name=f"{pair['first']} before {pair['second']}",
            mode="lines+markers",
            line={"color": _COLOURS[place % len(_COLOURS)].light, "width": 1.4},
            marker={"size": 4},
            hovertemplate="%{x:g} s: %{y:.3f}",
        )
        for place, pair in enumerate(pairs)
    ]
    figure = plain_figure(traces, hovermode="x unified")
    figure.add_vline(x=0, line={"color": MUTED.light, "width": 0.8, "dash": "dot"})
    figure.update_xaxes(title={"text": "Seconds by which the first one is ahead"})
    figure.update_yaxes(title={"text": "Correlation", "standoff": 8})
    told = "; ".join(f"{pair['first']} leads {pair['second']} by {pair['lead_s']:g} s" for pair in pairs)
    return Chart(
        key=f"leads-{number}",
        title=f"{asset}: who leads",
        caption="Correlation of the changes of two mids, tick by tick (Hayashi-Yoshida), the second moved back in "
        "time; a peak to the right of 0 says that the first comes first.",
        alt=told,
        figure=figure,
    )


def _pairs(asset: str, pairs: Sequence[Json]) -> str:
    put_in = any(pair["put_in_lead_s"] is not None for pair in pairs)
    rows: list[Sequence[Cell]] = []
    for pair in pairs:
        row: list[Cell] = [
            pair["first"],
            pair["second"],
            f"{compact(pair['lead_s'], 3)} s" if pair["clear"] else "not clear",
            compact(pair["peak"], 3),
            f"{compact(pair['correlation'], 3)} \N{PLUS-MINUS SIGN} {compact(pair['correlation_error'], 2)}",
            f"{compact(pair['basis'], 4, signed=True)} \N{PLUS-MINUS SIGN} {compact(pair['basis_sd'], 2)}",
            compact(pair["basis_bps"], 3, signed=True),
        ]
        if put_in:
            row += [f"{compact(pair['put_in_lead_s'], 3)} s", compact(pair["put_in_basis"], 4, signed=True)]
        rows.append(row)
    heads = ["First", "Second", "First leads by", "Correlation then", "At once", "Basis (price)", "Basis (bps)"]
    heads += ["Lead put in", "Basis put in"] if put_in else []
    caption = f"{asset}: leads, correlations with their errors, and second less first with its standard deviation"
    return rows_table(caption, heads, rows, numbers=range(2, len(heads)))


def hedged_rows(edges: Sequence[Json]) -> list[tuple[str, str, str, str, str]]:
    """Return pair, latency, edge at any time, edge when the price went, and how much of the latter was kept."""
    return [
        (
            f"{one['maker']}, hedged on {one['hedge']}" if number == 0 else "",
            f"{edge['latency_ms']:g} ms",
            _bps(edge["any_time_bps"], edge["any_time_error_bps"]),
            _bps(edge["when_gone_bps"], edge["when_gone_error_bps"]),
            share(edge["when_gone_kept"]),
        )
        for one in edges
        for number, edge in enumerate(one["edges"])
    ]


def _bps(mean: float | None, error: float | None) -> str:
    if mean is None:
        return NOTHING
    return compact(mean, 3, signed=True) + ("" if error is None else f" ± {compact(error, 2)}")


def _hedged(asset: str, edges: Sequence[Json]) -> str:
    caption = (
        f"{asset}: what a fill at the best price leaves once hedged elsewhere, in bps after fees, if it comes at any "
        "time, or exactly when the price goes"
    )
    heads = ("Quoted on", "Hedge after", "Any time", "When the price goes", "Kept of the edge at once")
    return rows_table(caption, heads, hedged_rows(edges), numbers=range(1, 5))


def _heat_map(found: Json) -> Chart:
    names = list(found["instruments"])
    matrix = found["correlation"]
    small = len(names) <= _MOST_CELLS_WITH_TEXT
    figure = plain_figure(
        [
            go.Heatmap(
                x=names,
                y=names,
                z=matrix,
                zmin=-1,
                zmax=1,
                colorscale=[[0.0, SELL.light], [0.5, CARD.light], [1.0, BUY.light]],
                text=[[f"{value:.2f}" for value in row] for row in matrix] if small else None,
                texttemplate="%{text}" if small else None,
                customdata=found["errors"],
                hovertemplate="%{y}, %{x}: %{z:.3f} \N{PLUS-MINUS SIGN} %{customdata:.3f}<extra></extra>",
                colorbar={"thickness": 10, "outlinewidth": 0},
            )
        ]
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_layout(margin={"l": 190, "b": 110})
    return Chart(
        key="correlations",
        title="Correlations",
        caption=f"Of returns {found['step_s']:g} s apart ({found['samples']:,} samples), not shrunk; the standard "
        "error is shown at each cell.",
        alt=f"Correlation matrix of {len(names)} instruments.",
        figure=figure,
        height=min(160 + 34 * len(names), 1_100),
    )
