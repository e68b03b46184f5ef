"""What a screened run comes to, by the same accounting and the same statistics as a run of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

from mm_nautilus.analytics.comparison import equity_at
from mm_nautilus.analytics.drawdown import drawdown
from mm_nautilus.analytics.equity import equity_curve, fill_path
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.inventory_summary import inventory_summary
from mm_nautilus.analytics.quoting_summary import quoting_summary
from mm_nautilus.analytics.quoting_time import NOT_STARTED, QuoteTimeline
from mm_nautilus.config import FeeSection
from mm_nautilus.inventory.accounting import account_for
from mm_nautilus.inventory.average_cost import Holding
from mm_nautilus.sweep.screening.state import Run


@dataclass(frozen=True, slots=True)
class ScreenedFill:
    """One execution, as far as accounting asks."""

    ts_ns: int
    side: str
    price: Decimal
    size: Decimal
    commission: Decimal
    commission_currency: str


def fills_of(run: Run, facts: InstrumentFacts, fees: FeeSection, precision: int) -> list[ScreenedFill]:
    """Return the executions of a run.

    Parameters
    ----------
    run : Run
        After `play`.
    facts : InstrumentFacts
        What was traded.
    fees : FeeSection
        Of the venue; every execution of a screened run is a maker's.
    precision : int
        Decimal places of the currency that fees are paid in.

    """
    contract, cent = facts.contract, Decimal(1).scaleb(-precision)
    each = None if fees.per_contract is None else Decimal(fees.per_contract.split()[0])
    found = []
    for ts_ns, side, ticks, lots, _level in run.fills[: run.state["fills"][0]].tolist():
        price, size = ticks * facts.tick, lots * facts.lot
        paid = abs(contract.value(size, price)) * fees.maker_rate if each is None else each * size
        commission = paid.quantize(cent, ROUND_HALF_EVEN)
        name = "BUY" if side > 0 else "SELL"
        found.append(ScreenedFill(ts_ns, name, price, size, commission, contract.settlement_currency))
    return found


def numbers_of(
    run: Run,
    fills: list[ScreenedFill],
    facts: InstrumentFacts,
    span_ns: tuple[int, int],
    step_s: float,
) -> dict[str, Any]:
    """Return what a row of the sweep's results says about a screened run; see `mm_nautilus.sweep.worker.numbers_of`."""
    start, end = span_ns
    contract = facts.contract
    marks = run.marks[: run.state["marks"][0]]
    mark_ns, mid = marks["ts_ns"], 0.5 * (marks["bid"] + marks["ask"])
    both = np.flatnonzero(np.isfinite(mid))
    final = None
    if len(both):
        ticks = [round(Decimal(float(marks[name][both[-1]])) / facts.tick) for name in ("bid", "ask")]
        final = sum(ticks) * facts.tick / 2
    elif fills:
        final = fills[-1].price
    books = account_for(fills, final, contract)
    path = fill_path(fills, contract, Holding())  # type: ignore[arg-type]
    if final is not None:
        mark_ns, mid = np.append(mark_ns, end), np.append(mid, float(final))
    curve = equity_curve(path, mark_ns, mid, contract)
    quoting = quoting_summary(_timeline(run, start, end))
    inventory = inventory_summary(path, start, end, books.position, facts, 0.0)
    edges = np.arange(start, end + 1, round(step_s * 1e9), dtype=np.int64)
    return {
        "currency": contract.settlement_currency,
        "pnl": books.total,
        "fees": books.fees,
        "rebates": books.rebates,
        "turnover": books.turnover,
        "fills": books.fills,
        "max_drawdown": drawdown(curve.equity).amount,
        "inventory_max": inventory.max_abs,
        "inventory_std": inventory.std,
        "spread_bps": quoting.spread_bps,
        "two_sided": quoting.two_sided.share,
        "start_ns": start,
        "end_ns": end,
        "step_s": step_s,
        "increments": tuple(np.diff(equity_at(curve, edges)).tolist()),
    }


def _timeline(run: Run, start: int, end: int) -> QuoteTimeline:
    """Return what was wanted when, without sizes, states and reasons, which no row of a sweep tells."""
    quotes = run.quotes[: run.state["quotes"][0]]
    begins = np.concatenate(([start], quotes["ts_ns"])).astype(np.int64)
    count = len(begins)

    def column(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.concatenate(([np.nan], quotes[name]))

    nothing = np.zeros(count)
    whole = np.zeros(count, dtype=np.int64)
    none = np.empty(0, dtype=np.int64)
    return QuoteTimeline(
        begins, np.append(begins[1:], end), whole, np.arange(count) > 0, column("market_bid"), column("market_ask"),
        column("bid"), column("ask"), nothing, nothing, nothing, nothing, whole, whole, whole, (NOT_STARTED,), none,
        none, (),
    )  # fmt: skip
