"""Two or more simulated venues whose prices are made to cross, and a strategy that keeps what it publishes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine_kit import MS, T0, quote, spot
from nautilus_trader.model import InstrumentId, Venue

from mm_nautilus.messages import FillFact, HedgeFact, MarkFact, OpportunityFact, OrderFact
from mm_nautilus.strategies import CrossVenueArbitrage, CrossVenueArbitrageConfig

A, B, C = (InstrumentId.from_str(f"BTCUSDT.{venue}") for venue in ("ONE", "TWO", "THREE"))
BALANCES = ("100000 USDT", "10 BTC")
D = Decimal


class WatchedArbitrage(CrossVenueArbitrage):
    """Keeps everything it publishes."""

    def __init__(self, config: CrossVenueArbitrageConfig) -> None:
        super().__init__(config)
        self.seen: list[OpportunityFact] = []
        self.order_facts: list[OrderFact] = []
        self.fills: list[FillFact] = []
        self.marks: list[MarkFact] = []
        self.hedges: list[HedgeFact] = []
        self.said: list[Any] = []

    def publish_message(self, topic: str, message: Any) -> None:
        kept: dict[type, list[Any]] = {
            OpportunityFact: self.seen,
            OrderFact: self.order_facts,
            FillFact: self.fills,
            MarkFact: self.marks,
            HedgeFact: self.hedges,
        }
        kept.get(type(message), []).append(message)
        self.said.append(message)
        super().publish_message(topic, message)

    def of(self, event: str) -> list[OpportunityFact]:
        return [one for one in self.seen if one.event == event]


def arbitrage(
    ids: Sequence[InstrumentId] = (A, B),
    *,
    fee: float = 0.0,
    submit_ns: int = 0,
    max_position: str = "1",
    taking: dict[str, Any] | None = None,
    **changes: Any,
) -> WatchedArbitrage:
    """Return a strategy on these venues."""
    terms = {"fee_rate": fee, "submit_ns": submit_ns}
    fields: dict[str, Any] = {
        "strategy_id": "ARB-001",
        "venues": [{"instrument_id": str(one), "max_position": max_position} for one in ids],
        "book": "L1",
        "taking": {str(one.venue): terms for one in ids} if taking is None else taking,
        "volatility": {"fixed_price_per_sqrt_s": 0.0},
    }
    return WatchedArbitrage(CrossVenueArbitrageConfig(**fields | changes))


def calm(seconds: int, ids: Sequence[InstrumentId] = (A, B), from_s: int = 0) -> list[Any]:
    """Return quotes of 399.9/400.1 ten times a second; in ticks of 0.1."""
    return [
        quote(3999, 4001, T0 + from_s * 1000 * MS + k * 100 * MS, instrument_id=one)
        for k in range(seconds * 10)
        for one in ids
    ]


def venues_of(ids: Sequence[InstrumentId]) -> dict[str, Any]:
    """Return the engine's instruments as `engine_with` takes them."""
    return {"instrument": spot(None, ids[0]), "others": [spot(None, one) for one in ids[1:]]}


def cash(engine: Any, ids: Sequence[InstrumentId] = (A, B)) -> dict[str, Decimal]:
    """Return what the accounts hold together, exactly."""
    totals: dict[str, Decimal] = {}
    for one in ids:
        account = engine.portfolio.account(Venue(str(one.venue)))
        for currency, money in account.balances_total().items():
            totals[str(currency)] = totals.get(str(currency), D(0)) + money.as_decimal()
    return totals


def begun_with(ids: Sequence[InstrumentId] = (A, B)) -> dict[str, Decimal]:
    return {"USDT": D(100_000) * len(ids), "BTC": D(10) * len(ids)}


def moved(engine: Any, ids: Sequence[InstrumentId] = (A, B)) -> dict[str, Decimal]:
    """Return the change of the cash of all accounts together."""
    now, then = cash(engine, ids), begun_with(ids)
    return {currency: now.get(currency, D(0)) - amount for currency, amount in then.items()}


def check(strategy: WatchedArbitrage, engine: Any) -> None:
    """Assert that nothing failed, nothing is open at a venue, and what was taken has an end."""
    assert strategy.fatal is None, repr(strategy.fatal)
    assert all(order.is_closed for order in engine.cache.orders()), "an order rests after the end"
    begun, over = ({one.opportunity_id for one in strategy.of(event)} for event in ("TAKEN", "DONE"))
    assert begun == over, "what was taken is without an end"
    assert strategy._working is None
    for line in strategy._hedger.control.ledger.lines:
        net = strategy.portfolio.net_position(InstrumentId.from_str(line.instrument_id))
        assert round(net, 9) == line.position
    ended = {one.episode_id for one in strategy.of("ENDED")}
    assert ended == {one.episode_id for one in strategy.seen}
