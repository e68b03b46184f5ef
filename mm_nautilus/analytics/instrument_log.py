"""Everything the log says about one instrument, put in order for whoever computes or draws it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.equity import EquityCurve, FillPath, Floats, Ints, equity_curve, fill_path
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.quoting_time import DECISION_COLUMNS, QuoteTimeline, quote_timeline
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.inventory.accounting import Accounting, account_for
from mm_nautilus.inventory.average_cost import Holding
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact

MARK_FROM_BOOK: Final = "mid of the last two-sided mark"
MARK_FROM_FILL: Final = "price of the last fill"
NO_MARK: Final = "none"

_MARK_COLUMNS: Final = ("ts_ns", "strategy_id", "instrument_id", "bid", "ask", "position", "open_buy", "open_sell")


@dataclass(frozen=True, slots=True)
class InstrumentLog:
    """One instrument's run.

    Parameters
    ----------
    facts : InstrumentFacts
        What it is.
    strategies : tuple of str
        Who quoted it.
    fills : list of FillFact
        In the order they happened.
    orders : pyarrow.Table
        Columns ``event``, ``size`` and ``filled`` of its orders.
    timeline : QuoteTimeline
        What was quoted when.
    path : FillPath
        The books after each fill.
    curve : EquityCurve
        Equity at every mark, and at the end.
    books : Accounting
        The exact amounts.
    mark_source : str
        Where the final mark comes from.
    quoted_ns, bid, ask : array
        Marks at which the market had two sides, and its best prices then, in quote currency.
    mark_ns, mark_bid, mark_ask : array
        Every mark, and the best prices then, NaN where the market was not fit to be marked at.
    opening_position : Decimal
        Position before the first fill, in base units (contracts), entered at `opening_mark`.
    opening_mark : Decimal | None
        First mid; ``None`` where nothing was held at the start.
    worst_case : float
        Largest absolute position, every working and in-flight order of a side filled, at decisions and marks.

    """

    facts: InstrumentFacts
    strategies: tuple[str, ...]
    fills: list[FillFact]
    orders: pa.Table
    timeline: QuoteTimeline
    path: FillPath
    curve: EquityCurve
    books: Accounting
    mark_source: str
    quoted_ns: Ints
    bid: Floats
    ask: Floats
    mark_ns: Ints
    mark_bid: Floats
    mark_ask: Floats
    opening_position: Decimal
    opening_mark: Decimal | None
    worst_case: float

    def books_until(self, ts_ns: int) -> Accounting:
        """Return the exact amounts of everything up to an instant, the open position at the last mark before it."""
        fills = [fill for fill in self.fills if fill.ts_ns <= ts_ns]
        known = slice(0, int(np.searchsorted(self.quoted_ns, ts_ns, side="right")))
        mark, _ = _final_mark(self.bid[known], self.ask[known], fills, self.facts.tick)
        mark = self.opening_mark if mark is None else mark
        return account_for(fills, mark, self.facts.contract, self.opening_position, self.opening_mark)

    @property
    def mid_at_fill(self) -> Floats:
        """Mid of the market as each fill arrived; its own price where the book was one-sided."""
        mids = (
            float(fill.price) if fill.bid is None or fill.ask is None else 0.5 * (fill.bid + fill.ask)
            for fill in self.fills
        )
        return np.fromiter(mids, dtype=np.float64, count=len(self.fills))


def instrument_log(log: RunLog, facts: InstrumentFacts, start_ns: int, end_ns: int) -> InstrumentLog:
    """Read what the log holds about one instrument.

    Parameters
    ----------
    log : RunLog
        The run's log.
    facts : InstrumentFacts
        Which instrument.
    start_ns, end_ns : int
        The run's first and last instant.

    """
    name = facts.instrument_id
    decisions = _of(log.table("decisions", [*DECISION_COLUMNS, "worst_long", "worst_short"]), name)
    orders = _of(log.table("orders", ["instrument_id", "event", "size", "filled"]), name)
    marks = _of(log.table("marks", _MARK_COLUMNS), name)
    fills = [fill for fill in log.messages(FillFact) if fill.instrument_id == name]
    bid, ask = (marks[side].to_numpy() for side in ("bid", "ask"))
    both = np.flatnonzero(np.isfinite(bid) & np.isfinite(ask))
    mark, source = _final_mark(bid[both], ask[both], fills, facts.tick)
    first = exact_mid(bid[both[0]], ask[both[0]], facts.tick) if len(both) else None
    opened = _opening_position(fills, marks)
    opening_mark = first if opened else None
    books = account_for(fills, mark, facts.contract, opened, opening_mark)
    opening = Holding().after(opened, opening_mark, facts.contract) if opened and opening_mark else Holding()
    path = fill_path(fills, facts.contract, opening)
    mark_ns, mid = marks["ts_ns"].to_numpy(), 0.5 * (bid + ask)
    quoted_ns = mark_ns[both]
    if mark is not None:
        mark_ns, mid = np.append(mark_ns, end_ns), np.append(mid, float(mark))
    return InstrumentLog(
        facts=facts,
        strategies=tuple(sorted(set(decisions["strategy_id"].unique().to_pylist()))),
        fills=fills,
        orders=orders,
        timeline=quote_timeline(decisions, start_ns, end_ns),
        path=path,
        curve=equity_curve(path, mark_ns, mid, facts.contract),
        books=books,
        mark_source=source,
        quoted_ns=quoted_ns,
        bid=bid[both],
        ask=ask[both],
        mark_ns=marks["ts_ns"].to_numpy(),
        mark_bid=bid,
        mark_ask=ask,
        opening_position=opened,
        opening_mark=opening_mark,
        worst_case=_worst_case(decisions, marks),
    )


def _worst_case(decisions: pa.Table, marks: pa.Table) -> float:
    held, buys, sells = (marks[name].cast(pa.float64()).to_numpy() for name in ("position", "open_buy", "open_sell"))
    longs, shorts = decisions["worst_long"].to_numpy(), decisions["worst_short"].to_numpy()
    return max(float(np.max(one, initial=0.0)) for one in (longs, -shorts, held + buys, sells - held))


def _of(table: pa.Table, instrument_id: str) -> pa.Table:
    mine = pc.equal(table["instrument_id"], instrument_id)
    return table if pc.all(mine).as_py() else table.filter(mine)


def exact_mid(bid: float, ask: float, tick: Decimal) -> Decimal:
    """Return the exact mid of two prices that are multiples of `tick` up to float noise."""
    ticks = [round(Decimal(price) / tick) for price in (bid, ask)]
    return sum(ticks) * tick / 2


def _final_mark(bid: Floats, ask: Floats, fills: list[FillFact], tick: Decimal) -> tuple[Decimal | None, str]:
    if len(bid):
        return exact_mid(bid[-1], ask[-1], tick), MARK_FROM_BOOK
    if fills:
        return fills[-1].price, MARK_FROM_FILL
    return None, NO_MARK


def _opening_position(fills: list[FillFact], marks: pa.Table) -> Decimal:
    """Return what the strategies held before their first fills, or all along where there were none."""
    opened: dict[str, Decimal] = {}
    for fill in fills:
        opened.setdefault(fill.strategy_id, fill.position_after - fill.size * Side[fill.side])
    for strategy in marks["strategy_id"].unique().to_pylist():
        if strategy not in opened:
            mine = marks.filter(pc.equal(marks["strategy_id"], strategy))
            opened[strategy] = mine["position"][0].as_py()
    return sum(opened.values(), Decimal(0))
