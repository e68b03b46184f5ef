"""Our orders against a replayed market: price-time priority, partial fills, queues, what we took is gone.

The market is given: its book and its trades do not react to us. What we rest waits behind the size that
was displayed when it arrived; what we take from a level is gone until the market changes that level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from mm_nautilus.market import Side


class Status(StrEnum):
    """Life of an order, in the exchange's words."""

    NEW = "New"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"


@dataclass(slots=True, eq=False)
class Order:
    """One order on the exchange; `price` is ``None`` for a market order."""

    order_id: str
    link: str
    side: Side
    price: int | None
    lots: int
    force: str
    """``GTC``, ``PostOnly``, ``IOC`` or ``FOK``."""
    reduce_only: bool = False
    created_ms: int = 0
    status: Status = Status.NEW
    filled: int = 0
    value: int = 0
    """Sum of price times size of the fills, in ticks times lots."""
    ahead: int = 0
    """Lots of the market that are filled before us at our price."""
    reason: str = "EC_NoError"
    cancel_type: str = "UNKNOWN"
    updated_ms: int = 0

    @property
    def leaves(self) -> int:
        """Return what may still fill."""
        return self.lots - self.filled if self.is_open else 0

    @property
    def is_open(self) -> bool:
        """Return whether it may still fill."""
        return self.status in {Status.NEW, Status.PARTIALLY_FILLED}

    def end(self, reason: str, cancel_type: str) -> None:
        """Take it out of the market."""
        self.status, self.reason, self.cancel_type = Status.CANCELLED, reason, cancel_type


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill of one of our orders."""

    order: Order
    price: int
    lots: int
    maker: bool


@dataclass(slots=True)
class Matcher:
    """Order book of the market, our resting orders in time order, and what happens between the two."""

    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    resting: list[Order] = field(default_factory=list)
    _taken: dict[tuple[Side, int], int] = field(default_factory=dict)

    def levels(self, side: Side) -> dict[int, int]:
        """Return the market's resting sizes on a side, by price."""
        return self.bids if side is Side.BUY else self.asks

    def best(self, side: Side) -> int | None:
        """Return the market's best price on a side."""
        levels = self.levels(side)
        return (max(levels) if side is Side.BUY else min(levels)) if levels else None

    # ------------------------------------------------------------- the market

    def clear(self) -> None:
        """Forget the book; queue places stay, as the snapshot that follows bounds them."""
        self.bids.clear()
        self.asks.clear()
        self._taken.clear()

    def set_level(self, side: Side, price: int, lots: int) -> None:
        """Change one level of the market's book."""
        levels = self.levels(side)
        if lots > 0:
            levels[price] = lots
        else:
            levels.pop(price, None)
        self._taken.pop((side, price), None)
        for order in self.resting:
            if order.side is side and order.price == price:
                order.ahead = min(order.ahead, lots)

    def uncross(self) -> list[Execution]:
        """Fill our orders that the market's book has moved to or through; they were there first, so at their price."""
        found = []
        for order in self._by_priority():
            assert order.price is not None
            for level in self._crossed(order.side, order.price):
                found += self._fill(order, order.price, self._take(order.side.opposite, level, order.leaves), True)
        self._sweep()
        return found

    def trade(self, price: int, lots: int, aggressor: Side) -> list[Execution]:
        """Let a trade of the market reach us: those at a better price first, then those whose turn it is."""
        found, left, passed, last = [], lots, 0, None
        for order in self._by_priority(aggressor.opposite):
            assert order.price is not None
            if (order.price - price) * order.side < 0:
                break
            if order.price != last:
                last, passed = order.price, 0
            if order.price == price:
                passed += (step := min(left, max(order.ahead - passed, 0)))
                order.ahead -= min(order.ahead, passed)
                left -= step
            size = min(left, order.leaves)
            left -= size
            found += self._fill(order, order.price, size, True)
        self._sweep()
        return found

    # -------------------------------------------------------------- our orders

    def place(self, order: Order) -> list[Execution]:
        """Match a new order and let the rest of it rest, unless its time in force forbids either."""
        levels = list(self._crossed(order.side, order.price))
        if levels and order.force == "PostOnly":
            order.end("EC_PostOnlyWillTakeLiquidity", "CancelByPrepareOrderCheck")
            return []
        if order.force == "FOK" and sum(self._available(order.side.opposite, at) for at in levels) < order.lots:
            order.end("EC_NoImmediateQtyToFill", "CancelByUser")
            return []
        found: list[Execution] = []
        for level in levels:
            found += self._fill(order, level, self._take(order.side.opposite, level, order.leaves), False)
        if order.is_open and (order.price is None or order.force in {"IOC", "FOK"}):
            order.end("EC_NoImmediateQtyToFill", "CancelByUser")
        elif order.is_open:
            self._rest(order)
        return found

    def cancel(self, order: Order) -> None:
        """Take an order out."""
        order.end("EC_PerCancelRequest", "CancelByUser")
        self._sweep()

    def amend(self, order: Order, price: int, lots: int) -> list[Execution]:
        """Change an open order: only a smaller size at the same price keeps the place in the queue."""
        if lots <= order.filled:
            order.lots = order.filled
            order.end("EC_PerCancelRequest", "CancelByUser")
            self._sweep()
            return []
        keeps = price == order.price and lots <= order.lots
        order.price, order.lots = price, lots
        if keeps:
            return []
        self.resting.remove(order)
        return self.place(order)

    def fill_now(self, order: Order, lots: int) -> list[Execution]:
        """Fill a resting order at its price, whatever the queue says: a trade that came just before a cancel."""
        assert order.price is not None
        found = list(self._fill(order, order.price, min(lots, order.leaves), True))
        self._sweep()
        return found

    # ---------------------------------------------------------------- within

    def _rest(self, order: Order) -> None:
        assert order.price is not None
        order.ahead = self._available(order.side, order.price)
        self.resting.append(order)

    def _by_priority(self, side: Side | None = None) -> list[Order]:
        chosen: Iterable[Order] = (order for order in self.resting if side is None or order.side is side)
        return sorted(chosen, key=lambda order: -(order.price or 0) * order.side)

    def _crossed(self, side: Side, price: int | None) -> Iterator[int]:
        """Yield prices of the other side that an order would take, best first."""
        levels = self.levels(side.opposite)
        for level in sorted(levels, key=lambda at: at * side):
            if price is not None and (level - price) * side > 0:
                return
            if self._available(side.opposite, level):
                yield level

    def _available(self, side: Side, price: int) -> int:
        return max(self.levels(side).get(price, 0) - self._taken.get((side, price), 0), 0)

    def _take(self, side: Side, price: int, wanted: int) -> int:
        lots = min(self._available(side, price), wanted)
        self._taken[side, price] = self._taken.get((side, price), 0) + lots
        return lots

    def _fill(self, order: Order, price: int, lots: int, maker: bool) -> Iterator[Execution]:
        if lots <= 0:
            return
        order.filled += lots
        order.value += price * lots
        order.status = Status.FILLED if order.filled == order.lots else Status.PARTIALLY_FILLED
        yield Execution(order, price, lots, maker)

    def _sweep(self) -> None:
        self.resting = [order for order in self.resting if order.is_open]
