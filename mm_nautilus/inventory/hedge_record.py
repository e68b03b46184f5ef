"""What is written down of a hedge: the decision, its orders, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from mm_nautilus.inventory.hedge_demand import Cause
from mm_nautilus.inventory.hedge_market import HedgeMarket, HedgeOrder
from mm_nautilus.market import Side
from mm_nautilus.messages import HedgeFact


@dataclass(slots=True)
class Decision:
    """A hedge that was decided and is not done."""

    decision_id: int
    cause: Cause
    since_ns: int
    alarm_ns: int
    """When to raise the next alarm."""
    mids: dict[str, float] = field(default_factory=dict)
    """Mid of each instrument when the hedge was decided, or when it first could be traded; in price units."""
    waits_for: str = ""
    """Why nothing is being sent."""


class HedgeRecord:
    """Writes the facts of one strategy's hedging of one asset.

    Parameters
    ----------
    strategy_id, asset : str
        Whose facts they are.

    """

    __slots__ = ("_asset", "_exposure", "_facts", "_strategy_id", "_target")

    def __init__(self, strategy_id: str, asset: str) -> None:
        self._strategy_id = strategy_id
        self._asset = asset
        self._exposure = self._target = 0.0
        self._facts: list[HedgeFact] = []

    def seen(self, exposure: float, target: float) -> None:
        """Keep what the following facts are about, in units of the asset."""
        self._exposure, self._target = exposure, target

    def take(self) -> list[HedgeFact]:
        """Return the facts written since this was last asked."""
        facts, self._facts = self._facts, []
        return facts

    def decision(
        self,
        now_ns: int,
        event: str,
        decision: Decision,
        market: HedgeMarket,
        side: Side | None,
        lots: int,
        reason: str = "",
    ) -> None:
        """Write that a decision was made, is done or is late; `market` is the one its size is counted in."""
        if side is None:
            side = Side.BUY if self._target > self._exposure else Side.SELL
        mid, size = decision.mids.get(market.name), lots * market.contract.grid.lot
        self._write(
            now_ns,
            event,
            decision.decision_id,
            decision.cause,
            market,
            "",
            side,
            size,
            None,
            mid,
            decision.since_ns,
            reason=reason,
        )

    def order(
        self,
        now_ns: int,
        event: str,
        order: HedgeOrder,
        decision: Decision | None,
        market: HedgeMarket,
        lots: int,
        price: Decimal | None,
        cost: float = 0.0,
        reason: str = "",
    ) -> None:
        """Write what became of an order; `decision` is the one being worked now, its own or a later one."""
        own = decision is not None and decision.decision_id == order.decision_id
        since_ns = decision.since_ns if decision is not None and own else order.sent_ns
        size = lots * market.contract.grid.lot
        self._write(
            now_ns,
            event,
            order.decision_id,
            order.cause,
            market,
            order.client_order_id,
            order.side,
            size,
            price,
            order.mid,
            since_ns,
            cost,
            reason,
        )

    def _write(
        self,
        now_ns: int,
        event: str,
        decision_id: int,
        cause: Cause,
        market: HedgeMarket,
        client_order_id: str,
        side: Side,
        size: Decimal,
        price: Decimal | None,
        mid: float | None,
        since_ns: int,
        cost: float = 0.0,
        reason: str = "",
    ) -> None:
        self._facts.append(
            HedgeFact(
                now_ns,
                self._strategy_id,
                self._asset,
                decision_id,
                event,
                str(cause),
                self._exposure,
                self._target,
                market.name,
                client_order_id,
                side.name,
                size,
                price,
                mid,
                cost,
                (now_ns - since_ns) / 1e9,
                reason,
            )
        )
