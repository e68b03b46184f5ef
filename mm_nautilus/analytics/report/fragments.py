"""Pieces of the page: tiles, money, caveats, tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final

from mm_nautilus.analytics.numbers import MINUS, aligned, amount, compact, share
from mm_nautilus.analytics.report.rows import rows_table
from mm_nautilus.analytics.report.words import in_words
from mm_nautilus.analytics.result import money_lines
from mm_nautilus.analytics.summary import facts_in

type Json = Mapping[str, Any]

_MOST_NAMED: Final = 3
"""Subjects of a caveat that are named; of more it is said how many."""


def instruments_table(instruments: Json) -> str:
    """Return one row for each of many instruments: what the tiles say of a few."""
    rows = [
        (
            name,
            f"{compact(Decimal(one['money']['total']), signed=True)} {one['money']['currency']}",
            compact(one["fills"]["pnl_per_fill"], 3, signed=True),
            compact(one["fills"]["pnl_per_fill_stderr"], 2),
            f"{one['fills']['count']:,}",
            compact(one["money"]["max_drawdown"]),
            share(one["quoting"]["two_sided"]["share"]),
            compact(one["quoting"]["spread_bps"], 3),
            share(one["inventory"]["max_share_of_limit"]),
            compact(Decimal(one["fills"]["volume"])),
        )
        for name, one in instruments.items()
    ]
    heads = (
        "Instrument", "PnL", "Per fill", "Standard error", "Fills", "Drawdown", "Two-sided", "Spread (bps)",
        "Largest of limit", "Volume",
    )  # fmt: skip
    return rows_table("Instrument by instrument", heads, rows, numbers=range(1, len(heads)))


def tiles(one: Json, scope: Json | None) -> str:
    """Return the eight numbers of an instrument, with intervals where its figures (a `Scope`) are there."""
    money, fills, quoting, held, orders = (one[key] for key in ("money", "fills", "quoting", "inventory", "orders"))
    currency, unit = money["currency"], facts_in(one).size_unit
    signed = {name: compact(Decimal(money[name]), signed=True) for name in ("total", "realised", "unrealised")}
    commissions = compact(Decimal(money["rebates"]) - Decimal(money["fees"]), signed=True)
    made = f"realised {signed['realised']}, unrealised {signed['unrealised']}, commissions {commissions}"
    maker = share(fills["maker"] / fills["count"] if fills["count"] else None)
    sides = f"{fills['buys']:,} buys, {fills['sells']:,} sells; {maker} maker"
    other_times = f"one side {share(quoting['one_sided']['share'])}, none {share(quoting['none']['share'])}"
    mean, final = compact(held["mean_abs"], 3), amount(Decimal(held["final"]))
    limit = "no limit" if held["limit"] is None else f"{share(held['max_share_of_limit'])} of the limit"
    position = f"{limit}; mean {mean}, final {final}"
    commands = compact(orders["order_to_trade_ratio"], 3)
    effort = f"{share(orders['fill_rate'])} of the size placed; {commands} commands per fill"
    items = (
        ("Total PnL", signed["total"], currency, made),
        (
            "PnL per fill",
            compact(fills["pnl_per_fill"], signed=True),
            currency,
            _spread_of(fills, scope),
        ),
        ("Fills", f"{fills['count']:,}", "", sides),
        ("Max drawdown", compact(-money["max_drawdown"]), currency, "largest fall of the equity from a high"),
        ("Quoted two-sided", share(quoting["two_sided"]["share"]), "of the time", other_times),
        (
            "Spread quoted",
            compact(quoting["spread_bps"], 3),
            "bps",
            f"market {compact(quoting['market_spread_bps'], 3)} bps",
        ),
        ("Largest position", amount(held["max_abs"]), unit, position),
        ("Volume", compact(Decimal(fills["volume"])), unit, effort),
    )
    body = "".join(
        f'<div class="tile"><dt>{escape(name)}</dt><dd><div class="figure">{escape(figure)} '
        f'<small>{escape(small)}</small></div><div class="detail">{escape(detail)}</div></dd></div>'
        for name, figure, small, detail in items
    )
    return f'<dl class="tiles">{body}</dl>'


def _spread_of(fills: Json, scope: Json | None) -> str:
    metric = (scope or {"metrics": {}})["metrics"].get("pnl_per_trade")
    if metric is not None and metric["low"] is not None and metric["high"] is not None:
        return f"95 % interval {compact(metric['low'], 3, signed=True)} to {compact(metric['high'], 3, signed=True)}"
    return f"standard error {compact(fills['pnl_per_fill_stderr'], 2)}"


def money_table(currency: str, total: Json) -> str:
    """Return the lines of one currency, exact and in one column, so that they can be added by eye."""
    lines = money_lines(total)
    amounts = aligned([*(value for _, value in lines), Decimal(total["total"])])
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{text}</td></tr>'
        for (name, _), text in zip(lines, amounts[:-1], strict=True)
    )
    return (
        f'<div class="scroll"><table><caption>PnL in {escape(currency)}</caption><tbody>{rows}'
        f'<tr class="sum"><th scope="row">Total</th><td class="number">{amounts[-1]}</td></tr></tbody></table></div>'
    )


def caveat_list(caveats: Sequence[Json]) -> str:
    """Return what the result does not show, gravest first."""
    items = "".join(
        f'<li><span class="badge {escape(one["severity"])}">{escape(one["severity"])}</span><span>'
        f'{escape(one["message"])} <span class="subject">{escape(one["subject"])}</span></span></li>'
        for one in merged(caveats)
    )
    title = "<h3>What this result does not show</h3>"
    if not items:
        return f'{title}<p class="detail">Nothing was found to mind, which is not to say that there is nothing.</p>'
    return f'{title}<ul class="caveats">{items}</ul>'


def merged(caveats: Sequence[Json]) -> list[dict[str, str]]:
    """Return each thing to mind once, with all that it is about."""
    about: dict[tuple[str, str], list[str]] = {}
    for one in caveats:
        named = about.setdefault((one["severity"], one["message"]), [])
        if one["subject"] != "all":
            named.append(str(one["subject"]))
    return [
        {
            "severity": severity,
            "message": message,
            "subject": ", ".join(named) if len(named) <= _MOST_NAMED else f"{len(named)} of them",
        }
        for (severity, message), named in about.items()
    ]


def pairs_table(caption: str, pairs: Iterable[tuple[str, str]], *, numbers: bool = False) -> str:
    """Return a table of names and values."""
    kind = "number" if numbers else "text"
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="{kind}">{escape(value)}</td></tr>' for name, value in pairs
    )
    return f'<div class="scroll"><table><caption>{escape(caption)}</caption><tbody>{rows}</tbody></table></div>'


def records_table(caption: str, records: Sequence[Json]) -> str:
    """Return a table with one column per record and one row per field."""
    names = list(dict.fromkeys(name for record in records for name in record))
    rows = "".join(
        f'<tr><th scope="row">{escape(in_words(name))}</th>'
        + "".join(f'<td class="text">{escape(_plain(record.get(name)))}</td>' for record in records)
        + "</tr>"
        for name in names
    )
    return f'<div class="scroll"><table><caption>{escape(caption)}</caption><tbody>{rows}</tbody></table></div>'


def flatten(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Return nested settings as dotted names and values."""
    if isinstance(value, Mapping):
        return [pair for key, item in value.items() for pair in flatten(item, f"{name}.{key}" if name else str(key))]
    if isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value):
        return [pair for index, item in enumerate(value) for pair in flatten(item, f"{name}[{index}]")]
    return [(name, _plain(value))]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "not set"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return str(value).replace("-", MINUS, 1) if isinstance(value, (int, float)) and value < 0 else str(value)
