"""``mm-nautilus audit``: every order of a run traced to the decision that caused it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from mm_nautilus.analytics.audit import Audit
    from mm_nautilus.analytics.audit_trail import Step, Trail

_SEEN = ("bid", "ask", "fair_value", "sigma", "reservation_price", "bid_half_spread", "ask_half_spread")

MOST_FINDINGS = 40
"""Findings printed; the rest is counted."""


def audit(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a run.")],
    order: Annotated[
        str | None, typer.Option(help="Client order id: its events, its fills and who caused them.")
    ] = None,
    decision: Annotated[int | None, typer.Option(help="Number of a decision: what it saw and commanded.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Whose decision, where several strategies ran.")] = None,
) -> None:
    """Verify from the run log alone that every order traces to a decision, or print one order's or decision's trail.

    Exits with code 1 where something does not trace.
    """
    from rich.console import Console

    from mm_nautilus.analytics.audit import audit as audited
    from mm_nautilus.analytics.audit_trail import decision_trail, order_trail
    from mm_nautilus.analytics.runlog import RunLog
    from mm_nautilus.errors import UserError

    if order is not None and decision is not None:
        raise UserError("--order and --decision ask for two different trails; give one of them")
    console = Console(highlight=False)
    log = RunLog.open(run_dir)
    if order is not None:
        console.print(_trail(order_trail(log, order)))
        return
    if decision is not None:
        console.print(_trail(decision_trail(log, decision, strategy)))
        return
    found = audited(log)
    console.print(_overview(found))
    if found.findings:
        console.print(_findings(found))
    if not found.complete:
        console.print("The log was cut short: what its last flush left out cannot trace.")
    if not found.traces:
        raise typer.Exit(1)


def _overview(found: Audit) -> Table:
    from collections import Counter

    from rich.table import Table
    from rich.text import Text

    table = Table(title="Audit trail", title_justify="left", show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name in ("decisions", "hedge_decisions", "opportunities", "orders", "commands", "fills"):
        table.add_row(name.replace("_", " "), f"{getattr(found, name):,}")
    for note, count in found.notes.items():
        table.add_row(note.replace("_", " ").lower(), f"{count:,}")
    table.add_section()
    for fault, count in sorted(Counter(finding.fault for finding in found.findings).items()):
        table.add_row(fault.replace("_", " ").lower(), Text(f"{count:,}", style="bold red"))
    verdict = Text("everything traces", "bold green") if found.traces else Text("does not trace", "bold red")
    table.add_row("verdict", verdict)
    return table


def _findings(found: Audit) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="What does not trace", title_justify="left")
    for name in ("fault", "subject", "found"):
        table.add_column(name, overflow="fold")
    for finding in found.findings[:MOST_FINDINGS]:
        table.add_row(*map(Text, (finding.fault, finding.subject, finding.message)))
    more = len(found.findings) - MOST_FINDINGS
    if more > 0:
        table.add_row("", "", f"and {more:,} more")
    return table


def _trail(trail: Trail) -> Table:
    from datetime import UTC, datetime

    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"Trail of {trail.subject}", title_justify="left")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("details", overflow="fold")
    day = ""
    for step in trail.steps:
        seconds, ns = divmod(step.ts_ns, 1_000_000_000)
        at = datetime.fromtimestamp(seconds, UTC)
        if f"{at:%Y-%m-%d}" != day:
            day = f"{at:%Y-%m-%d}"
            table.add_row(Text(day, "bold"))
        what, details = described(step)
        table.add_row(f"{at:%H:%M:%S}.{ns:09d}", what, Text(details))
    return table


def described(step: Step) -> tuple[str, str]:
    """Return what happened in one word or two, and the rest of it."""
    from mm_nautilus.analytics.jsonable import plain
    from mm_nautilus.messages import FillFact, HedgeFact, OpportunityFact, OrderFact

    match step:
        case OrderFact():
            details = (
                f"{step.client_order_id}: {step.side} {plain(step.size)} at {plain(step.price)}, filled "
                f"{plain(step.filled)}, {step.purpose.lower()} decision {step.decision_id}"
            )
            return step.event, f"{details}; {step.reason}" if step.reason else details
        case FillFact():
            traded = f"{step.client_order_id}: {step.side} {plain(step.size)} at {plain(step.price)}"
            paid = f"commission {plain(step.commission)} {step.commission_currency}"
            return "FILL", f"{traded}, {step.liquidity.lower()}, {paid}, trade {step.trade_id}"
        case HedgeFact():
            which = f"{step.client_order_id or step.instrument_id}: {step.side} {plain(step.size)}"
            price = "" if step.price is None else f" at {plain(step.price)}"
            why = f"{step.cause}, {step.asset} exposure {step.exposure:g}, target {step.target:g}"
            details = f"{which}{price}; decision {step.decision_id}: {why}"
            return f"HEDGE {step.event}", f"{details}; {step.reason}" if step.reason else details
        case OpportunityFact():
            which = f"buy on {step.buy_instrument_id}, sell on {step.sell_instrument_id}"
            worth = f"size {plain(step.size)}, net profit {plain(step.net_profit)}, residual {plain(step.residual)}"
            return f"OPPORTUNITY {step.event}", f"{which}: {worth}; {step.verdict}: {step.reason}"
        case _:
            seen = [f"decision {step.decision_id} ({step.trigger}): {step.quote_state}", f"position {step.position:g}"]
            for name in _SEEN:
                value = getattr(step, name)
                seen += [] if value is None else [f"{name.replace('_', ' ')} {value:.8g}"]
            seen += [", ".join((*step.reasons, *step.caps))] if step.reasons or step.caps else []
            seen.append(f"{step.submits} submits, {step.amends} amends, {step.cancels} cancels")
            return "DECISION", "; ".join(seen)
