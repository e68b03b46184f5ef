"""What an onlooker knows of our orders: whether a side is quoted, how fills use orders up, what stood ahead of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mm_nautilus.adverse_selection.recent import RecentMean
from mm_nautilus.market import Side

type Displayed = Callable[[Side, float], float | None]
"""Size shown at a price of a side, in base units; ``None`` where the book does not show that far."""

_RESTS: Final = frozenset({"ACCEPTED", "UPDATED"})
_GONE: Final = frozenset({"CANCELED", "EXPIRED", "REJECTED", "DENIED"})
TELLING: Final = _RESTS | _GONE
"""Order events that say whether an order rests, and where; the others need not be told."""


@dataclass(slots=True)
class _Open:
    side: Side
    size: float
    price: float
    ahead: float | None
    filled: float = 0.0


class RestingSides:
    """Resting orders of all strategies on one instrument; memory for those that rest.

    Parameters
    ----------
    half_life_fills : float
        Memory of the averages, in fills.

    """

    __slots__ = ("_count", "_known", "_open", "filled_share", "queue_ahead")

    def __init__(self, half_life_fills: float) -> None:
        self._open: dict[str, _Open] = {}
        self._count = dict.fromkeys(Side, 0)
        self._known = False
        self.filled_share = {side: RecentMean(half_life_fills) for side in Side}
        """Share of what was open of an order that one execution took, by side."""
        self.queue_ahead = {side: RecentMean(half_life_fills) for side in Side}
        """Size shown at an order's price when it joined there, over its own size, by side, at each first fill."""

    def quoted(self, side: Side) -> bool:
        """Whether an order of the side rests; true where nobody tells us about orders."""
        return self._count[side] > 0 or not self._known

    def ordered(self, order_id: str, side: Side, event: str, price: float, size: float, displayed: Displayed) -> None:
        """Something happened to an order; see `mm_nautilus.messages.OrderFact`."""
        self._known = True
        if event in _RESTS:
            order = self._open.get(order_id)
            if order is None:
                self._open[order_id] = _Open(side, size, price, displayed(side, price))
                self._count[side] += 1
                return
            order.size = size
            if price != order.price:  # at an unchanged price it keeps its place
                order.price, order.ahead = price, displayed(side, price)
        elif event in _GONE:
            self._forget(order_id)

    def filled(self, order_id: str, size: float) -> None:
        """Part or all of an order traded."""
        order = self._open.get(order_id)
        if order is None:
            return
        left = order.size - order.filled
        if left > 0.0:
            self.filled_share[order.side].add(min(size / left, 1.0))
        if order.ahead is not None and order.filled == 0.0:
            self.queue_ahead[order.side].add(order.ahead / order.size)
        order.filled += size
        if order.filled >= order.size * (1.0 - 1e-9):
            self._forget(order_id)

    def _forget(self, order_id: str) -> None:
        order = self._open.pop(order_id, None)
        if order is not None:
            self._count[order.side] -= 1
