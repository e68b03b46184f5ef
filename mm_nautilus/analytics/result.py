"""What a run comes to: the frozen values that `result.json` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mm_nautilus.analytics.attribution_summary import AttributionSummary
from mm_nautilus.analytics.day_result import DayEnd
from mm_nautilus.analytics.flow_summary import FillSummary, OrderSummary
from mm_nautilus.analytics.hedge_summary import HedgeSummary
from mm_nautilus.analytics.inventory_summary import InventorySummary
from mm_nautilus.analytics.markout_summary import MarkoutReport
from mm_nautilus.analytics.obligations import ObligationSummary
from mm_nautilus.analytics.opportunity_summary import OpportunitySummary
from mm_nautilus.analytics.performance import Performance
from mm_nautilus.analytics.quoting_summary import QuotingSummary
from mm_nautilus.analytics.risk_summary import RiskSummary
from mm_nautilus.analytics.scorecard import Scorecard
from mm_nautilus.analytics.statement import AccountStatement


@dataclass(frozen=True, slots=True)
class MoneySummary:
    """PnL of one instrument in settlement currency; ``realised + unrealised - fees + rebates == total``.

    Parameters
    ----------
    currency : str
        Settlement currency.
    realised, unrealised : Decimal
        At average cost; the open position at `final_mark`.
    gross : Decimal
        ``realised + unrealised``.
    fees, rebates : Decimal
        Commissions paid and received, both >= 0.
    total : Decimal
        PnL after fees and rebates.
    other_fees : mapping of currency to Decimal
        Commissions net of rebates in other currencies, not part of `total`.
    average_price, final_mark : Decimal | None
        Average entry price of the open position and the price it is valued at, in quote currency.
    final_mark_source : str
        Where the final mark comes from.
    max_drawdown : float
        Largest fall of the equity below an earlier high, seen at the sampling instants.

    """

    currency: str
    realised: Decimal
    unrealised: Decimal
    gross: Decimal
    fees: Decimal
    rebates: Decimal
    total: Decimal
    other_fees: dict[str, Decimal]
    average_price: Decimal | None
    final_mark: Decimal | None
    final_mark_source: str
    max_drawdown: float


@dataclass(frozen=True, slots=True)
class InstrumentSummary:
    """One instrument's run in numbers, with the facts needed to read its log again (`facts_in`)."""

    instrument_id: str
    venue: str
    strategies: tuple[str, ...]
    start_ns: int
    end_ns: int
    duration_s: float
    tick: Decimal
    lot: Decimal
    multiplier: Decimal
    inverse: bool
    base_currency: str | None
    quote_currency: str
    decisions: int
    quoting: QuotingSummary
    orders: OrderSummary
    fills: FillSummary
    inventory: InventorySummary
    money: MoneySummary
    markouts: MarkoutReport | None = None
    """What the fills were worth later; ``None`` where nobody marked them."""


@dataclass(frozen=True, slots=True)
class BalanceSummary:
    """One balance of one account; ``starting + expected_change + booking_rounding == final``.

    Parameters
    ----------
    venue : str
        Venue of the account.
    starting, final : Decimal
        Balance at both ends of the run.
    expected_change : Decimal
        What fills and commissions should have moved it by.
    booking_rounding : Decimal
        What the rounding of the engine's bookings added.

    """

    venue: str
    starting: Decimal
    final: Decimal
    expected_change: Decimal
    booking_rounding: Decimal


@dataclass(frozen=True, slots=True)
class TotalSummary:
    """All instruments that settle in one currency, and the balances held in it.

    ``realised + unrealised - fees + rebates + booking_rounding == total``. Commissions paid in this
    currency by instruments that settle in another are among its fees.
    """

    realised: Decimal
    unrealised: Decimal
    gross: Decimal
    fees: Decimal
    rebates: Decimal
    booking_rounding: Decimal
    total: Decimal
    turnover: Decimal
    fills: int
    max_drawdown: float
    balances: tuple[BalanceSummary, ...]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in numbers: every instrument, and every currency that money was made or paid in, and how risk was kept."""

    duration_s: float
    instruments: dict[str, InstrumentSummary]
    total: dict[str, TotalSummary]
    attribution: AttributionSummary
    hedges: HedgeSummary
    opportunities: OpportunitySummary | None
    """``None`` where nothing ever crossed."""
    risk: RiskSummary | None
    """``None`` where nothing watched it."""
    obligations: tuple[ObligationSummary, ...]
    end_of_day: tuple[DayEnd, ...]
    statement: dict[str, AccountStatement]
    """By currency: the change of the account line by line, and broken down."""
    performance: Performance
    scorecard: Scorecard


def money_lines(total: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    """Return what adds up to the total of one currency, signed, from a `TotalSummary` in a ``result.json``."""
    return [
        ("Realised", Decimal(total["realised"])),
        ("Unrealised, at the last mid", Decimal(total["unrealised"])),
        ("Fees", -Decimal(total["fees"])),
        ("Rebates", Decimal(total["rebates"])),
        ("Rounding of the bookings", Decimal(total["booking_rounding"])),
    ]
