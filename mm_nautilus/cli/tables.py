"""What a backtest prints when it ends: the result, and beside it what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from rich.box import ROUNDED
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mm_nautilus.analytics.attribution_lines import LINES
from mm_nautilus.analytics.numbers import aligned, amount, compact, duration, share
from mm_nautilus.analytics.report.attribution_section import statements
from mm_nautilus.analytics.report.figures import MARKS, figure, target
from mm_nautilus.analytics.report.venue_sections import hedged_rows
from mm_nautilus.analytics.result import money_lines

type Json = Mapping[str, Any]

_VERDICTS: Final = {"met": "green", "missed": "bold red", "uncertain": "yellow", "not measured": "dim"}
_SIDE_BY_SIDE: Final = 120
"""Columns a terminal needs for two tables beside each other."""
_STYLES: Final = {"severe": "bold red", "warning": "yellow", "note": "dim"}


def result_table(result: Json) -> RenderableType:
    """Return the result of a run as something rich can print.

    Parameters
    ----------
    result : mapping
        ``result.json`` of a run folder.

    """
    return _Result(result)


class _Result:
    def __init__(self, result: Json) -> None:
        self._result = result

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        result = self._result
        numbers = Group(*(_instrument(name, one) for name, one in result["instruments"].items()))
        kept = [*_scorecard(result), *_kept(result), *_edges(result)]
        attributed = [_attribution(name, one) for name, one in statements(result["attribution"]["assets"]).items()]
        money = Group(*(_money(currency, total) for currency, total in result["total"].items()), *attributed)
        realism = Group(*(_venue(one) for one in result["realism"]["venues"]), _caveats(result["realism"]["caveats"]))
        yield _title(result)
        if options.max_width < _SIDE_BY_SIDE:
            yield Group(numbers, money, *kept, realism)
            return
        sides = Table.grid(padding=(0, 2), expand=True)
        sides.add_column(ratio=5)
        sides.add_column(ratio=6)
        sides.add_row(Group(numbers, money, *kept), realism)
        yield sides


def _title(result: Json) -> RenderableType:
    run, completed = result["run"], result["status"] in {"ok", "completed"}
    seconds = max((one["duration_s"] for one in result["instruments"].values()), default=0.0)
    title = Text(str(run["name"]), style="bold")
    title.append(f"  {result['status']}", style="green" if completed else "bold red")
    title.append(f"  {duration(seconds)} of market, seed {run['seed']}", style="dim")
    return Padding(title, (1, 0, 0, 0))


def _frame(title: str) -> Table:
    return Table(title=title, box=ROUNDED, title_justify="left", title_style="bold", show_header=False, expand=True)


def _table(title: str) -> Table:
    table = _frame(title)
    table.add_column(style="dim")
    table.add_column(justify="right")
    return table


def _instrument(name: str, one: Json) -> RenderableType:
    fills, quoting, held, orders, money = (one[key] for key in ("fills", "quoting", "inventory", "orders", "money"))
    table = _table(name)
    per_fill = f"{compact(fills['pnl_per_fill'], signed=True)} ± {compact(fills['pnl_per_fill_stderr'], 2)}"
    rows = (
        ("fills", f"{fills['count']:,} ({fills['buys']:,} buys, {fills['sells']:,} sells, {fills['taker']:,} taker)"),
        ("volume", compact(Decimal(fills["volume"]))),
        ("turnover", f"{compact(Decimal(fills['turnover']))} {money['currency']}"),
        ("PnL per fill", f"{per_fill} {money['currency']}"),
        ("max drawdown", f"{compact(money['max_drawdown'])} {money['currency']}"),
        ("quoted two-sided", f"{share(quoting['two_sided']['share'])} of the time"),
        ("one side / none", f"{share(quoting['one_sided']['share'])} / {share(quoting['none']['share'])}"),
        ("spread quoted", f"{compact(quoting['spread_bps'], 3)} bps"),
        ("spread of the market", f"{compact(quoting['market_spread_bps'], 3)} bps"),
        ("largest position", f"{amount(held['max_abs'])} ({share(held['max_share_of_limit'])} of the limit)"),
        ("worst case", f"{amount(held['worst_case'])} ({share(held['worst_case_share_of_limit'])} of the limit)"),
        ("mean / final position", f"{compact(held['mean_abs'], 3)} / {amount(Decimal(held['final']))}"),
        ("orders", f"{orders['submitted']:,} sent, {orders['amended']:,} amended, {orders['cancelled']:,} cancelled"),
        ("rejected", f"{orders['rejected']:,}"),
        ("commands per fill", compact(orders["order_to_trade_ratio"], 3)),
        ("filled of size placed", share(orders["fill_rate"])),
    )
    for label, value in rows:
        table.add_row(label, value)
    return table


def _money(currency: str, total: Json) -> RenderableType:
    lines = money_lines(total)
    pnl = Decimal(total["total"])
    amounts = aligned([*(value for _, value in lines), pnl])
    table = _table(f"PnL in {currency}")
    for (label, _), text in zip(lines, amounts[:-1], strict=True):
        table.add_row(label.lower(), text)
    table.add_section()
    table.add_row("total", Text(amounts[-1], style="bold green" if pnl > 0 else "bold red" if pnl < 0 else "bold"))
    return table


def _attribution(asset: str, one: Json) -> RenderableType:
    """Return where the PnL of an asset came from, a column for each venue where there are several."""
    several = len(one["venues"]) > 1
    parts = {**one["venues"], "all": one["total"]} if several else {"": one["total"]}
    table = _frame(f"Where the PnL came from: {asset}, in {one['currency']}")
    table.show_header = several
    table.add_column(style="dim")
    for name in parts:
        table.add_column(name, justify="right")
    for line in LINES:
        amounts = [Decimal(part[line]) for part in parts.values()]
        if any(amounts):
            table.add_row(line.replace("_", " "), *(compact(value) for value in amounts))
    table.add_section()
    table.add_row("total", *(Text(compact(Decimal(part["total"])), style="bold") for part in parts.values()))
    return table


def _scorecard(result: Json) -> list[RenderableType]:
    """Return the run held against its targets; nothing for a result that was written without them."""
    card = result.get("scorecard")
    if card is None:
        return []
    table = _frame("Held against the targets")
    for name in ("", "figure", "target", "verdict"):
        table.add_column(name, justify="right" if name in {"figure", "target"} else "left")
    table.show_header = True
    for score in card["scores"].values():
        verdict = Text(f"{MARKS[score['verdict']]} {score['verdict']}", style=_VERDICTS[score["verdict"]])
        table.add_row(score["label"], figure(score["value"], score["unit"]), target(score), verdict)
    return [table]


def _edges(result: Json) -> list[RenderableType]:
    """Return what the best hedge of each instrument leaves of a fill, for assets on several venues."""
    relations = result.get("relations") or {"assets": {}}
    tables: list[RenderableType] = []
    for asset, one in relations["assets"].items():
        table = _frame(f"{asset}: edge of a fill once hedged, bps")
        table.show_header = True
        for name in ("", "after", "any time", "when the price goes", "kept"):
            table.add_column(name, justify="right" if name else "left")
        best: dict[str, Json] = {}
        for hedge in sorted(one["hedged"], key=lambda edge: -edge["edges"][0]["any_time_bps"]):
            best.setdefault(hedge["maker"], hedge)
        for row in hedged_rows(list(best.values())):
            table.add_row(*row)
        tables.append(table)
    return tables


def _kept(result: Json) -> list[RenderableType]:
    """Return how risk was kept, where anything watched or demanded it: nothing, or one table."""
    table = _table("Risk and obligations")
    hedges, risk = result["hedges"], result["risk"]
    if hedges["count"]:
        table.add_row("hedges", f"{hedges['count']:,}, {hedges['open']:,} not done, {hedges['alarmed']:,} not in time")
        cost = ", ".join(f"{compact(paid)} {currency}" for currency, paid in hedges["cost"].items())
        table.add_row("cost of hedges", cost or "0")
    if hedges["seconds_max"] is not None:
        median, longest = duration(hedges["seconds_median"]), duration(hedges["seconds_max"])
        table.add_row("from needed to done", f"{median} in the median, {longest} at most")
    if result.get("opportunities"):
        crossed = result["opportunities"]
        table.add_row("crossings seen / taken", f"{crossed['seen']:,} / {crossed['episodes_taken']:,}")
        for currency, profit in crossed["net_profit"].items():
            table.add_row("net profit of both legs", f"{compact(Decimal(profit), signed=True)} {currency}")
        for why, count in crossed["missed"].items():
            table.add_row(f"missed: {why.replace('_', ' ').lower()}", f"{count:,}")
    if risk is not None:
        for stage, time in risk["stages"]["all"].items():
            table.add_row(stage.replace("_", " ").lower(), f"{share(time['share'])} of the time")
        halted = Text("halted", style="bold red") if risk["ended_halted"] else "not halted"
        table.add_row("incidents / at the end", Text.assemble(f"{len(risk['incidents']):,} / ", halted))
    for one in result["obligations"]:
        uptime, demanded = share(one["record"]["uptime"]), share(one["rule"]["uptime"])
        style = "bold red" if one["record"]["met"] is False else ""
        table.add_row(f"{one['venue']}: {one['rule']['name']}", Text(f"kept {uptime} of {demanded}", style=style))
    apart = sum(len(day["differences"]) for day in result["end_of_day"])
    if apart:
        table.add_row("books that do not agree", Text(f"{apart:,}", style="bold red"))
    return [table] if table.row_count else []


def _venue(venue: Json) -> RenderableType:
    table = _table(f"Realism settings of {venue['venue']}")
    for name, value in venue.items():
        if name != "venue":
            table.add_row(name.replace("_", " "), _setting(value))
    return table


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)


def _caveats(caveats: list[Json]) -> RenderableType:
    table = Table(
        title="What this result does not show", box=ROUNDED, title_justify="left", title_style="bold", expand=True
    )
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column()
    for one in caveats:
        subject = "" if one["subject"] == "all" else f" ({one['subject']})"
        table.add_row(Text(one["severity"], style=_STYLES.get(one["severity"], "")), Text(one["message"] + subject))
    return table
