"""Where the PnL came from: a waterfall for each asset, and its lines venue by venue."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any, Final

import plotly.graph_objects as go

from mm_nautilus.analytics.attribution_lines import LINES
from mm_nautilus.analytics.jsonable import plain
from mm_nautilus.analytics.numbers import aligned, amount, compact
from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.palette import GOOD, INK, MUTED, SEVERE
from mm_nautilus.analytics.report.performance_sections import breakdown_tables
from mm_nautilus.analytics.report.rows import rows_table
from mm_nautilus.analytics.report.section import Section
from mm_nautilus.analytics.report.words import in_words
from mm_nautilus.inventory.contract import EXACT

type Json = Mapping[str, Any]

MOST_ASSETS: Final = 4
"""Assets with a statement each; more than that share one."""

_HOW: Final = (
    "What fills earned against the consolidated value of the asset on their venue, what that value did to quotes "
    "within {horizon:g} s (adverse selection), commissions, what the position earned from the asset's price "
    "(inventory) and from its venue's price against the others (basis). The lines add up to the PnL exactly."
)


def attribution_section(attribution: Json, statement: Json) -> Section | None:
    """Return the section of an `AttributionSummary` and of the statements in a ``result.json``.

    ``None`` where nothing was attributed.
    """
    assets = attribution["assets"]
    if not assets:
        return None
    shown, horizon_s = statements(assets), attribution["horizon_s"]
    charts = [_waterfall(number, name, one, horizon_s) for number, (name, one) in enumerate(shown.items())]
    # Of one venue the statement says all of it, and more.
    tables = [_table(name, one) for name, one in shown.items() if len(one["venues"]) > 1 or not statement]
    if shown.keys() != assets.keys():
        tables.append(_assets(assets))
    return Section("Where the PnL came from", [*tables, *breakdown_tables(statement)], charts)


def statements(assets: Json) -> dict[str, Json]:
    """Return the statements to show: each asset's, or of many assets one for each currency."""
    if len(assets) <= MOST_ASSETS:
        return dict(assets)
    found: dict[str, Json] = {}
    for currency in dict.fromkeys(one["currency"] for one in assets.values()):
        mine = [one["total"] for one in assets.values() if one["currency"] == currency]
        with localcontext(EXACT):
            sums = {line: sum((Decimal(one[line]) for one in mine), Decimal(0)) for line in (*LINES, "total")}
        total = {line: plain(value) for line, value in sums.items()}
        name = f"{len(mine)} assets" if len(mine) == len(assets) else f"{len(mine)} assets quoted in {currency}"
        found[name] = {"currency": currency, "rates": {}, "venues": {}, "total": total}
    return found


def shown_lines(one: Json) -> list[str]:
    """Return the lines of an asset that are not 0 on every venue, in the order of a statement."""
    parts = [one["total"], *one["venues"].values()]
    return [line for line in LINES if any(Decimal(part[line]) for part in parts)]


def _waterfall(number: int, name: str, one: Json, horizon_s: float) -> Chart:
    lines, currency = shown_lines(one), one["currency"]
    amounts = [float(Decimal(one["total"][line])) for line in lines]
    total = float(Decimal(one["total"]["total"]))
    figure = plain_figure(
        [
            go.Waterfall(
                x=[*map(in_words, lines), "Total"],
                y=[*amounts, total],
                measure=["relative"] * len(lines) + ["total"],
                text=[compact(value, signed=True) for value in (*amounts, total)],
                textposition="outside",
                textfont={"color": INK.light},
                increasing={"marker": {"color": GOOD.light}},
                decreasing={"marker": {"color": SEVERE.light}},
                totals={"marker": {"color": INK.light}},
                connector={"line": {"color": MUTED.light, "width": 0.8}},
                cliponaxis=False,
                hovertemplate="%{x}: %{text}<extra></extra>",
            )
        ],
        showlegend=False,
    )
    figure.update_yaxes(title={"text": f"PnL ({currency})", "standoff": 8}, zeroline=True)
    told = ", ".join(f"{in_words(line).lower()} {compact(value)}" for line, value in zip(lines, amounts, strict=True))
    return Chart(
        key=f"attribution-{number}",
        title=name + (", over all venues" if len(one["venues"]) > 1 else ""),
        caption=_HOW.format(horizon=horizon_s),
        alt=f"PnL of {name} in {currency}: {told or 'nothing'}; total {compact(total)}.",
        figure=figure,
        height=340,
    )


def _assets(assets: Json) -> str:
    """Return one row for each asset."""
    lines = [line for line in LINES if any(Decimal(one["total"][line]) for one in assets.values())]
    rows = [
        (name, one["currency"], *(compact(Decimal(one["total"][line]), signed=True) for line in (*lines, "total")))
        for name, one in assets.items()
    ]
    heads = ("Asset", "Currency", *map(in_words, lines), "Total")
    return rows_table("Asset by asset", heads, rows, numbers=range(2, len(heads)))


def _table(name: str, one: Json) -> str:
    lines = [*shown_lines(one), "total"]
    parts = {**one["venues"], "All": one["total"]} if len(one["venues"]) > 1 else {"All": one["total"]}
    columns = [aligned([Decimal(part[line]) for line in lines]) for part in parts.values()]
    rows = [(in_words(line), *texts) for line, *texts in zip(lines, *columns, strict=True)]
    unit = f"Position at the end ({name})"
    if one["venues"]:
        rows.append((unit, *(amount(float(part["position"])) for part in parts.values())))
    rates = "; ".join(
        f"1 {code} = {rate['rate']} {one['currency']}, {rate['source']}" for code, rate in one["rates"].items()
    )
    caption = f"{name} in {one['currency']}" + (f" ({rates})" if rates else "")
    return rows_table(caption, ("", *parts), rows, numbers=range(1, len(parts) + 1))
