"""Orders, fills and inventory of one instrument in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.equity import FillPath, Floats
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


def fill_summary(fills: Sequence[FillFact], turnover: Decimal, pieces: Floats) -> FillSummary:
    """Count the fills of one instrument.

    Parameters
    ----------
    fills : sequence of FillFact
        Of one instrument.
    turnover : Decimal
        Sum of the absolute values traded, in settlement currency.
    pieces : float array
        PnL of each fill, in settlement currency.

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
    )


@dataclass(frozen=True, slots=True)
class InventorySummary:
    """What was held, time-weighted between fills, in base units (contracts).

    Parameters
    ----------
    final : Decimal
        Position at the end.
    max_long, max_short : float
        Largest long position and largest short one (as a positive number).
    max_abs, mean_abs, std : float
        Largest and mean absolute position, and standard deviation of the position over time.
    limit : Decimal
        Largest absolute position allowed.
    max_share_of_limit, mean_share_of_limit : float | None
        ``max_abs`` and ``mean_abs`` as fractions of the limit.

    """

    final: Decimal
    max_long: float
    max_short: float
    max_abs: float
    mean_abs: float
    std: float
    limit: Decimal
    max_share_of_limit: float | None
    mean_share_of_limit: float | None


def inventory_summary(path: FillPath, start_ns: int, end_ns: int, final: Decimal, limit: Decimal) -> InventorySummary:
    """Return the time-weighted inventory of one instrument between the run's first and last instant."""
    times = np.concatenate(([start_ns], np.clip(path.ts_ns, start_ns, end_ns), [end_ns]))
    weights = np.diff(times).astype(np.float64)
    if not weights.sum():
        weights = np.append(np.zeros(len(weights) - 1), 1.0)
    mean = np.average(path.position, weights=weights)
    mean_abs = float(np.average(np.abs(path.position), weights=weights))
    max_abs = float(np.abs(path.position).max())
    return InventorySummary(
        final=final,
        max_long=max(0.0, float(path.position.max())),
        max_short=max(0.0, float(-path.position.min())),
        max_abs=max_abs,
        mean_abs=mean_abs,
        std=float(np.sqrt(np.average((path.position - mean) ** 2, weights=weights))),
        limit=limit,
        max_share_of_limit=max_abs / float(limit) if limit else None,
        mean_share_of_limit=mean_abs / float(limit) if limit else None,
    )
