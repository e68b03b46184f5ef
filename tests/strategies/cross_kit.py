"""Three venues of one asset on a low-level engine, and a `CrossVenueMarketMaker` that keeps what it publishes."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from engine_kit import MS, T0, quote, spot, trade
from nautilus_trader.model import AggressorSide, InstrumentId

from mm_nautilus.messages import AccountFact, FillFact, HedgeFact, MarkFact, OrderFact, QuoteDecision
from mm_nautilus.strategies import CrossVenueMarketMaker, CrossVenueMarketMakerConfig

A, B, C = (InstrumentId.from_str(f"BTCUSDT.{venue}") for venue in ("SIM", "ALT", "THIRD"))
VENUES = (A, B, C)


class WatchedCross(CrossVenueMarketMaker):
    """Keeps everything it publishes."""

    def __init__(self, config: CrossVenueMarketMakerConfig) -> None:
        super().__init__(config)
        self.decisions: list[QuoteDecision] = []
        self.order_facts: list[OrderFact] = []
        self.fills: list[FillFact] = []
        self.marks: list[MarkFact] = []
        self.hedges: list[HedgeFact] = []
        self.accounts: list[AccountFact] = []

    def publish_message(self, topic: str, message: Any) -> None:
        kept: dict[type, list[Any]] = {
            QuoteDecision: self.decisions,
            OrderFact: self.order_facts,
            FillFact: self.fills,
            MarkFact: self.marks,
            HedgeFact: self.hedges,
            AccountFact: self.accounts,
        }
        kept.get(type(message), []).append(message)
        super().publish_message(topic, message)


def cross_fields(**changes: Any) -> dict[str, Any]:
    """Return the fields of a config that quotes on the first venue and hedges on the two others."""
    fields: dict[str, Any] = {
        "strategy_id": "XV-001",
        "venues": [
            {"instrument_id": str(A), "hedge": False},
            {"instrument_id": str(B), "quote": False},
            {"instrument_id": str(C), "quote": False},
        ],
        "book": "L1",
        "model": "glft",
        "gamma": 20.0,
        "order_size": "0.010",
        "intensity": {"a_per_s": 1.0, "k_per_price": 8.0},
        "volatility": {"fixed_price_per_sqrt_s": 0.5, "sample_interval_s": 0.5},
        "limits": {"max_position": "0.200", "max_asset_position": "0.100"},
        "min_edge_bps": 0.0,
        "latency_z": 0.0,
        "alpha": 0.0,
        "deduct_basis": False,
        "weights": {"method": "equal"},
        "maker_fees": {"SIM": 0.0, "ALT": 0.0, "THIRD": 0.0},
        "taking": {venue: {"fee_rate": 0.0} for venue in ("SIM", "ALT", "THIRD")},
        "log_rejected_due_post_only_as_warning": False,
    }
    return fields | changes


def cross(**changes: Any) -> WatchedCross:
    return WatchedCross(CrossVenueMarketMakerConfig(**cross_fields(**changes)))


def others() -> list[Any]:
    """Return the instruments beside the first venue's."""
    return [spot(None, B), spot(None, C)]


def walk(seconds: int, seed: int = 1, gaps: dict[InstrumentId, tuple[int, int]] | None = None) -> list[Any]:
    """Return a random walk shown by three venues, with trades into the first one's market on both sides.

    Parameters
    ----------
    gaps
        Seconds from and to which a venue is silent.

    """
    draw, data, mid = Random(seed), [], 10_000
    for k in range(seconds * 10):
        now = T0 + k * 100 * MS
        mid += draw.choice((-1, 0, 0, 1))
        for place, one in enumerate(VENUES):
            begin, end = (gaps or {}).get(one, (0, 0))
            if begin * 10 <= k < end * 10:
                continue
            data.append(quote(mid - 2, mid + 2, now + place * MS, instrument_id=one))
        if k % 7 == 5:
            buys = draw.random() < 0.5
            side = AggressorSide.BUY if buys else AggressorSide.SELL
            data.append(trade(mid + (12 if buys else -12), 20, side, now + 50 * MS, k))
    return data


def signed(strategy: WatchedCross) -> Decimal:
    """Return the sum of all fills, in base units."""
    return sum(((1 if fill.side == "BUY" else -1) * fill.size for fill in strategy.fills), Decimal(0))
