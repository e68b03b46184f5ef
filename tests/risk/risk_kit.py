"""Facts and settings for the risk rules, short to write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.messages import (
    FillFact,
    HedgeFact,
    IncidentFact,
    MarkFact,
    OrderFact,
    QuoteDecision,
    RiskFact,
    RiskState,
)
from mm_nautilus.risk.monitor import Monitor
from mm_nautilus.risk.settings import RiskSettings

SECOND = 10**9
BTC = "BTCUSDT.SIM"


def linear(base: str = "BTC", quote: str = "USDT") -> Contract:
    """Return spot."""
    return Contract(quote, base)


def inverse(base: str = "BTC", face: str = "100") -> Contract:
    """Return a coin-margined contract of so many dollars."""
    return Contract("USD", base, Decimal(face), inverse=True)


def mark(
    ts_ns: int,
    bid: float | None = 99.0,
    ask: float | None = 101.0,
    *,
    instrument: str = BTC,
    position: str = "0",
    market_ns: int | None = None,
    fault: str = "",
) -> MarkFact:
    heard_ns = ts_ns if market_ns is None else market_ns
    zero = Decimal(0)
    return MarkFact(ts_ns, "MM-001", instrument, bid, ask, None, Decimal(position), zero, zero, heard_ns, fault)


def order(
    ts_ns: int,
    event: str,
    name: str = "O-1",
    *,
    instrument: str = BTC,
    side: str = "BUY",
    size: str = "1",
    reason: str = "",
    purpose: str = "QUOTE",
) -> OrderFact:
    price, zero = Decimal(100), Decimal(0)
    return OrderFact(ts_ns, "MM-001", instrument, name, 1, side, 0, event, price, Decimal(size), zero, reason, purpose)


def fill(
    ts_ns: int,
    side: str,
    size: str,
    price: str,
    *,
    name: str = "O-1",
    instrument: str = BTC,
    after: str = "0",
    commission: str = "0",
    currency: str = "USDT",
    bid: float | None = None,
    ask: float | None = None,
    purpose: str = "QUOTE",
) -> FillFact:
    return FillFact(
        ts_ns,
        "MM-001",
        instrument,
        name,
        f"V-{name}",
        f"T-{name}-{ts_ns}",
        1,
        side,
        0,
        Decimal(price),
        Decimal(size),
        "MAKER",
        Decimal(commission),
        currency,
        Decimal(after),
        bid,
        ask,
        ts_ns,
        purpose,
    )


def decision(
    ts_ns: int,
    fair_value: float | None = 100.0,
    *,
    instrument: str = BTC,
    depths: tuple[float, ...] = (1.0,),
    a_per_s: float = 1.0,
    k_per_price: float = 1.0,
) -> QuoteDecision:
    """Return a decision that quotes both sides at these distances from the fair value."""
    priced = fair_value is not None
    sides = (a_per_s, k_per_price, a_per_s, k_per_price) if priced else (None, None, None, None)
    bids = tuple(fair_value - depth for depth in depths) if priced else ()
    asks = tuple(fair_value + depth for depth in depths) if priced else ()
    sizes = (1.0,) * len(bids)
    return QuoteDecision(
        ts_ns, "MM-001", instrument, 1, "quote",
        99.0, 101.0, 1.0, 1.0, 0.0, 1.0, -1.0,
        fair_value, 1.0, *sides,
        fair_value, 1.0, 1.0,
        1.0, 1.0, 1.0, 1.0, 0.0,
        bids, sizes, asks, sizes, "ACTIVE", (), (),
        2, 0, 0, 0, 0,
    )  # fmt: skip


def hedge(ts_ns: int, event: str) -> HedgeFact:
    return HedgeFact(
        ts_ns, "MM-001", "BTC", 1, event, "BAND", 5.0, 0.0, BTC, "H-1", "SELL", Decimal(5), None, 100.0, 0.0, 31.0, ""
    )


def only(**rules: Any) -> RiskSettings:
    """Return settings with these rules and no others."""
    off = {"enabled": False}
    default = dict.fromkeys(("stale_feed", "unfit_book", "latency", "rejects", "cancel_rejects"), off)
    return RiskSettings(**default | {"hedge_alarms": off} | rules)


def every_rule() -> RiskSettings:
    """Return settings in which every rule is measured and none acts easily."""
    names = ("drawdown", "day_loss", "hour_loss", "value_at_risk", "gross_exposure", "net_exposure")
    money = {name: {"halt": 1e12} for name in names}
    others = {
        name: {"halt": 1e9}
        for name in ("concentration", "volatility_regime", "spread_regime", "message_rate", "fill_rate")
    }
    return RiskSettings(**money | others)


def monitor_of(settings: RiskSettings, **contracts: Contract) -> Monitor:
    """Return a monitor of spot instruments unless told otherwise, by symbol."""
    return Monitor(settings, lambda name: contracts.get(name.partition(".")[0], linear(name.partition("USDT")[0])))


def said(monitor: Monitor, kind: type) -> list[Any]:
    """Return what waits to be published, of one kind."""
    return [message for message in monitor.outbox if type(message) is kind]


def stages(monitor: Monitor) -> list[str]:
    """Return the stages said, in order."""
    return [state.stage for state in said(monitor, RiskState)]


def values(monitor: Monitor, rule: str) -> list[float | None]:
    """Return what a rule said it measured."""
    return [fact.value for fact in said(monitor, RiskFact) if fact.rule == rule]


def entries(monitor: Monitor) -> list[str]:
    """Return the entries of the incident record."""
    return [fact.event for fact in said(monitor, IncidentFact)]
