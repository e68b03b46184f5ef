"""Orders and fills of one instrument in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.equity import Floats
from mm_nautilus.inventory.contract import EXACT, Contract
from mm_nautilus.messages import FillFact

_COMMANDS = ("SUBMIT", "AMEND", "CANCEL")
_REFUSALS = ("REJECTED", "DENIED")


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """What was asked of the venue.

    Parameters
    ----------
    submitted, amended, cancelled : int
        Commands sent.
    rejected : int
        Orders refused by the venue or denied before they reached it.
    events : mapping of event to int
        Every order event in the log, by name.
    order_to_trade_ratio : float | None
        Commands (submits, amends and cancels) per fill; ``None`` without a fill.
    fill_rate : float | None
        Volume filled over volume placed: every submit and every amend places what is open of its
        order at a price, so that replacing and amending count alike. ``None`` without an order.

    """

    submitted: int
    amended: int
    cancelled: int
    rejected: int
    events: dict[str, int]
    order_to_trade_ratio: float | None
    fill_rate: float | None


def order_summary(orders: pa.Table, fills: int, filled: Decimal) -> OrderSummary:
    """Count the order events of one instrument.

    Parameters
    ----------
    orders : pyarrow.Table
        Columns ``event``, ``size`` and ``filled`` of the orders table.
    fills : int
        Number of fills.
    filled : Decimal
        Volume filled, in base units (contracts).

    """
    counts = pc.value_counts(orders["event"].cast(pa.string()))
    events = {item["values"]: item["counts"] for item in counts.to_pylist()}
    commands = sum(events.get(event, 0) for event in _COMMANDS)
    placing = orders.filter(pc.is_in(orders["event"].cast(pa.string()), pa.array(["SUBMIT", "AMEND"])))
    placed = (pc.sum(placing["size"]).as_py() or 0) - (pc.sum(placing["filled"]).as_py() or 0)
    return OrderSummary(
        submitted=events.get("SUBMIT", 0),
        amended=events.get("AMEND", 0),
        cancelled=events.get("CANCEL", 0),
        rejected=sum(events.get(event, 0) for event in _REFUSALS),
        events=dict(sorted(events.items())),
        order_to_trade_ratio=commands / fills if fills else None,
        fill_rate=float(filled / placed) if placed else None,
    )


@dataclass(frozen=True, slots=True)
class PurposeSummary:
    """What was traded for one purpose.

    Parameters
    ----------
    count : int
        Fills.
    buy_volume, sell_volume : Decimal
        In base units (contracts).
    turnover : Decimal
        Sum of the absolute values traded, in settlement currency.
    commissions : mapping of currency to Decimal
        Paid less received.

    """

    count: int
    buy_volume: Decimal
    sell_volume: Decimal
    turnover: Decimal
    commissions: dict[str, Decimal]


def by_purpose(fills: Sequence[FillFact], contract: Contract) -> dict[str, PurposeSummary]:
    """Sum the fills of one instrument by what their orders were for, in the order of the purposes' names."""
    return {
        purpose: _purpose([fill for fill in fills if fill.purpose == purpose], contract)
        for purpose in sorted({fill.purpose for fill in fills})
    }


def _purpose(fills: Sequence[FillFact], contract: Contract) -> PurposeSummary:
    commissions: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for fill in fills:
            paid = commissions.get(fill.commission_currency, Decimal(0))
            commissions[fill.commission_currency] = paid + fill.commission
        return PurposeSummary(
            count=len(fills),
            buy_volume=sum((fill.size for fill in fills if fill.side == "BUY"), Decimal(0)),
            sell_volume=sum((fill.size for fill in fills if fill.side == "SELL"), Decimal(0)),
            turnover=sum((abs(contract.value(fill.size, fill.price)) for fill in fills), Decimal(0)),
            commissions=dict(sorted(commissions.items())),
        )


@dataclass(frozen=True, slots=True)
class FillSummary:
    """What was traded.

    Parameters
    ----------
    count, maker, taker, buys, sells : int
        Fills, by liquidity and by side.
    volume, buy_volume, sell_volume : Decimal
        In base units (contracts).
    turnover : Decimal
        Sum of the absolute values traded, in settlement currency.
    pnl_per_fill : float | None
        Mean of the PnL between one fill and the next (`mm_nautilus.analytics.equity.pnl_by_fill`), in
        settlement currency.
    pnl_per_fill_stderr : float | None
        Its standard error, ``std / sqrt(n)`` with ``n - 1`` degrees of freedom.
    by_purpose : mapping of purpose to PurposeSummary
        The same fills by what their orders were for.

    """

    count: int
    maker: int
    taker: int
    buys: int
    sells: int
    volume: Decimal
    buy_volume: Decimal
    sell_volume: Decimal
    turnover: Decimal
    pnl_per_fill: float | None
    pnl_per_fill_stderr: float | None
    by_purpose: dict[str, PurposeSummary]


def fill_summary(fills: Sequence[FillFact], turnover: Decimal, pieces: Floats, contract: Contract) -> FillSummary:
    """Count the fills of one instrument.

    Parameters
    ----------
    fills : sequence of FillFact
        Of one instrument.
    turnover : Decimal
        Sum of the absolute values traded, in settlement currency.
    pieces : float array
        PnL of each fill, in settlement currency.
    contract : Contract
        How size and price turn into money.

    """
    buys = [fill.size for fill in fills if fill.side == "BUY"]
    sells = [fill.size for fill in fills if fill.side == "SELL"]
    bought, sold = sum(buys, Decimal(0)), sum(sells, Decimal(0))
    maker = sum(fill.liquidity == "MAKER" for fill in fills)
    n = len(pieces)
    return FillSummary(
        count=len(fills),
        maker=maker,
        taker=sum(fill.liquidity == "TAKER" for fill in fills),
        buys=len(buys),
        sells=len(sells),
        volume=bought + sold,
        buy_volume=bought,
        sell_volume=sold,
        turnover=turnover,
        pnl_per_fill=float(pieces.mean()) if n else None,
        pnl_per_fill_stderr=float(pieces.std(ddof=1) / np.sqrt(n)) if n > 1 else None,
        by_purpose=by_purpose(fills, contract),
    )
