"""One moment of a run as rich prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mm_nautilus.analytics.jsonable import plain
from mm_nautilus.analytics.moment import Event, Moment, Outcome, Working
from mm_nautilus.analytics.numbers import compact, duration
from mm_nautilus.cli.audit import described
from mm_nautilus.messages import AlertFact, IncidentFact, QuoteDecision, RiskState

MOST_EVENTS: Final = 40
"""Lines printed of what came before, and of what came next."""

_STATE_STYLES: Final = {
    "ACTIVE": "bold green",
    "PASSIVE": "bold yellow",
    "AGGRESSIVE": "bold yellow",
    "INVENTORY_LIMIT": "bold yellow",
    "WITHDRAWN": "bold red",
}
_SIDES: Final = (("bid", -1, "blue"), ("ask", 1, "dark_orange"))


def moment_view(found: Moment, *, complete: bool = True) -> RenderableType:
    """Return a moment as something rich can print.

    Parameters
    ----------
    found : Moment
        The moment.
    complete : bool
        Whether the log was closed; if not, that is said.

    """
    since = duration((found.ts_ns - found.start_ns) / 1e9)
    title = Text.assemble((clock(found.ts_ns, day=True), "bold"), (f"  {since} after the start", "dim"))
    parts: list[RenderableType] = [title]
    if not complete:
        parts.append(Text("The run was cut short: its log ends at the last flush.", "yellow"))
    for decision in found.decisions:
        parts += [_decision(decision, found.ts_ns), _price(decision)]
    if not found.decisions:
        parts.append(Text("Nothing had been decided yet.", "yellow"))
    parts += [*_restraints(found), *_funding(found)]
    parts.append(_orders(found.orders, found.ts_ns))
    parts.append(_events("What came before", found.before, found.ts_ns, last=True))
    parts.append(_events("What happened next", found.after, found.ts_ns))
    if found.outcomes:
        parts.append(_outcomes(found.outcomes))
    return Group(*parts)


def clock(ts_ns: int, *, day: bool = False) -> str:
    """Return an instant (UTC) to the microsecond."""
    seconds, ns = divmod(ts_ns, 1_000_000_000)
    form = "%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S"
    return f"{datetime.fromtimestamp(seconds, UTC):{form}}.{ns // 1_000:06d}" + (" UTC" if day else "")


def _framed(title: str, *heads: str, numbers: Sequence[int] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=ROUNDED, show_header=any(heads))
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place in numbers else "left", overflow="fold")
    return table


def _decision(one: QuoteDecision, ts_ns: int) -> RenderableType:
    age = duration((ts_ns - one.ts_ns) / 1e9)
    table = _framed(f"{one.instrument_id}: decision {one.decision_id} of {one.strategy_id}", "", "")
    table.columns[0].style = "dim"
    table.add_row("decided", f"{clock(one.ts_ns)}, {age} before, because of: {one.trigger}")
    seen = "one-sided or no book"
    if one.bid is not None and one.ask is not None:
        mid, spread = 0.5 * (one.bid + one.ask), one.ask - one.bid
        seen = (
            f"{compact(one.bid_size)} at {one.bid:.10g} | {one.ask:.10g} for {compact(one.ask_size)}; "
            f"mid {mid:.10g}, spread {spread:.4g} ({1e4 * spread / mid:.2f} bps)"
        )
    table.add_row("book seen", seen)
    table.add_row(
        "position", f"{one.position:.8g}; if every order filled from {one.worst_short:.8g} to {one.worst_long:.8g}"
    )
    state = Text(one.quote_state, _STATE_STYLES.get(one.quote_state, "bold"))
    table.add_row("quote state", state)
    table.add_row("reasons", ", ".join(one.reasons) or "none")
    table.add_row("caps", ", ".join(one.caps) or "none: every price and size is what the ladder wanted")
    if one.hedge_refusals:
        table.add_row("cannot hedge", "; ".join(one.hedge_refusals))
    commands = f"{one.submits} submits, {one.amends} amends, {one.cancels} cancels, {one.keeps} kept"
    table.add_row("commands", commands + (f", {one.deferred} put off" if one.deferred else ""))
    return table


def _price(one: QuoteDecision) -> RenderableType:
    """Return the two prices term by term: fair value, lean, half-spread, multiplier, then what guards did."""
    table = _framed("How the best prices came about", "", "bid", "ask", numbers=(1, 2))
    both = [_terms(one, name, sign) for name, sign, _ in _SIDES]
    for (label, bid), (_, ask) in zip(*both, strict=True):
        table.add_row(label, bid, ask)
    for level in range(max(len(one.bid_prices), len(one.ask_prices))):
        cells = [
            f"{sizes[level]:.8g} at {prices[level]:.10g}" if level < len(prices) else "nothing"
            for prices, sizes in ((one.bid_prices, one.bid_sizes), (one.ask_prices, one.ask_sizes))
        ]
        table.add_row(Text(f"wanted, level {level}", "bold"), *(Text(cell, "bold") for cell in cells))
    if not one.bid_prices and not one.ask_prices:
        table.add_row(Text("wanted", "bold"), *[Text("nothing", "bold red")] * 2)
    return table


def _terms(one: QuoteDecision, side: str, sign: int) -> list[tuple[str, str]]:
    """Return the terms of one side's best price, each as it enters the sum."""
    lean = None
    if one.reservation_price is not None and one.fair_value is not None:
        lean = one.reservation_price - one.fair_value
    half = getattr(one, f"{side}_half_spread")
    multiplier = getattr(one, f"{side}_spread_multiplier")
    model = None
    if one.reservation_price is not None and half is not None:
        model = one.reservation_price + one.fair_value_shift + sign * half * multiplier
    prices = getattr(one, f"{side}_prices")
    moved = prices[0] - model if prices and model is not None else None
    bound = getattr(one, f"{side}_bound")
    leant = one.position if one.inventory is None else one.inventory
    terms = [
        ("fair value", _number(one.fair_value)),
        (f"lean of the model for {leant:.6g} held", _signed(lean)),
        ("shift asked for by assessments", _signed(one.fair_value_shift)),
        ("half-spread of the model", _signed(None if half is None else sign * half)),
        ("times the spread multiplier", f"{multiplier:.4g}"),
        ("price before ladder and guards", _number(model)),
        ("moved by ladder, tick and caps", _signed(moved)),
        ("times the size multiplier", f"{getattr(one, f'{side}_size_multiplier'):.4g}"),
        ("volatility (price per root second)", _number(one.sigma)),
        (
            "intensity A (1/s), k (1/price)",
            f"{_number(getattr(one, f'{side}_a_per_s'))}, {_number(getattr(one, f'{side}_k_per_price'))}",
        ),
    ]
    if one.bid_bound is not None or one.ask_bound is not None:
        venue = getattr(one, f"{side}_hedge_venue")
        terms.append(("bound: hedged at once it still earns", f"{_number(bound)} {venue}".strip()))
    return terms


def _number(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.8g}"


def _signed(value: float | None) -> str:
    return "not reached" if value is None else f"{value:+.6g}"


def _restraints(found: Moment) -> Iterator[RenderableType]:
    for state in found.risk:
        where = state.instrument_id or "everything"
        yield Text(f"Risk stage of {where}: {state.stage}; {', '.join(state.rules)}: {state.reason}")
    for one in found.assessments:
        toxic = [side for side, is_toxic in (("bid", one.bid_toxic), ("ask", one.ask_toxic)) if is_toxic]
        verdict = f"{' and '.join(toxic)} picked off" if toxic else "neither side is picked off"
        scores = f"t {compact(one.bid_t, 2, signed=True)} | {compact(one.ask_t, 2, signed=True)}"
        yield Text(f"Adverse selection of {one.instrument_id}: {verdict} ({scores})")


def _funding(found: Moment) -> Iterator[RenderableType]:
    for one in found.funding:
        when = "at a time that the venue does not say"
        if one.due_ns is not None:
            left_s = (one.due_ns - found.ts_ns) / 1e9
            when = f"at {clock(one.due_ns, day=True)}" + (f", in {duration(left_s)}" if left_s > 0 else "")
        yield Text(f"Funding of {one.instrument_id}: a long position pays {100 * one.rate:+.4f} % {when}")


def _orders(orders: Sequence[Working], ts_ns: int) -> RenderableType:
    if not orders:
        return Text("No order of ours was working.", "dim")
    table = _framed(
        "Our orders", "order", "side", "level", "price", "size", "filled", "state", "since", numbers=(2, 3, 4, 5, 7)
    )
    for one in orders:
        style = "blue" if one.last.side == "BUY" else "dark_orange"
        name = Text(one.last.client_order_id)
        if one.last.purpose != "QUOTE":
            name.append(f" ({one.last.purpose.lower()})", "dim")
        level = str(one.last.level) if one.last.level >= 0 else ""
        state = f"{one.state}, to {plain(one.last.price)}" if one.last.event == "AMEND" else one.state
        cells = (level, plain(one.price), plain(one.size), plain(one.filled), state)
        table.add_row(name, Text(one.last.side, style), *cells, duration((ts_ns - one.sent_ns) / 1e9))
    return table


def _events(title: str, events: Sequence[Event], ts_ns: int, *, last: bool = False) -> RenderableType:
    if not events:
        return Text(f"{title}: nothing in the time asked for.", "dim")
    table = _framed(title, "seconds", "what", "details", numbers=(0,))
    shown = events[-MOST_EVENTS:] if last else events[:MOST_EVENTS]
    left_out = len(events) - len(shown)
    more = ("", "", Text(f"{left_out:,} more; ask for less with --around", "dim"))
    if left_out and last:
        table.add_row(*more)
    for event in shown:
        what, details = _said(event)
        style = "bold" if what == "FILL" else "bold red" if isinstance(event, RiskState | IncidentFact) else ""
        table.add_row(f"{(event.ts_ns - ts_ns) / 1e9:+.6f}", Text(what, style), Text(details))
    if left_out and not last:
        table.add_row(*more)
    return table


def _said(event: Event) -> tuple[str, str]:
    match event:
        case RiskState():
            return f"RISK {event.stage}", f"{event.instrument_id or 'everything'}: {event.reason}"
        case IncidentFact():
            return f"INCIDENT {event.event}", f"{event.source}: {event.reason}"
        case AlertFact():
            return "ALERT", f"{event.source}: {event.text}"
        case _:
            return described(event)


def _outcomes(outcomes: Sequence[Outcome]) -> RenderableType:
    horizons = sorted({mark.horizon_s for one in outcomes for mark in one.markouts})
    heads = ["fill", "edge", *(f"after {horizon:g} s" for horizon in horizons)]
    table = _framed("What those fills were worth later, per unit", *heads, numbers=range(1, len(heads)))
    for one in outcomes[:MOST_EVENTS]:
        fill, by = one.fill, {mark.horizon_s: mark for mark in one.markouts}
        name = f"{fill.side} {plain(fill.size)} at {plain(fill.price)}"
        edge = next((f"{mark.edge:+.6g}" for mark in one.markouts), "not marked")
        cells = []
        for horizon in horizons:
            mark = by.get(horizon)
            style = "" if mark is None else "green" if mark.markout > 0 else "red"
            cells.append(Text("" if mark is None else f"{mark.markout:+.6g}", style))
        table.add_row(name, edge, *cells)
    return table
