"""A price-level book replayed from deltas: just enough of one to see whether it crosses.

Works for market-by-price (order id 0) and market-by-order deltas alike. The best price of a side comes
from a heap with lazy removal, so one delta costs well under a microsecond whatever the depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from mm_nautilus.catalog.columns import Action, BookSide

# Plain integers: comparing enumeration members would cost more than all the rest of the loop.
_CLEAR: Final = int(Action.CLEAR)
_DELETE: Final = int(Action.DELETE)
_BUY: Final = int(BookSide.BUY)

_SLACK: Final = 1024
"""Stale keys a heap may hold beyond four times its book before it is swept."""


class _Levels:
    """One side: how much rests at each key (the price, negated on the bid side) and the smallest key."""

    __slots__ = ("heap", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.heap: list[int] = []

    def set(self, key: int, size: int) -> None:
        if size <= 0:
            self.sizes.pop(key, None)
            return
        if key not in self.sizes:
            heappush(self.heap, key)
            if len(self.heap) > 4 * len(self.sizes) + _SLACK:
                self.heap = [*self.sizes, key]
                heapify(self.heap)
        self.sizes[key] = size

    def best(self) -> int | None:
        heap, sizes = self.heap, self.sizes
        while heap and heap[0] not in sizes:
            heappop(heap)
        return heap[0] if heap else None


class ReplayedBook:
    """Apply deltas given as integer mantissas and tell the best bid and ask."""

    def __init__(self) -> None:
        self._bids = _Levels()
        self._asks = _Levels()
        self._orders: dict[int, tuple[_Levels, int, int]] = {}

    def apply(
        self,
        action: Sequence[int],
        side: Sequence[int],
        price: Sequence[int],
        size: Sequence[int],
        order_id: Sequence[int],
        last: Sequence[bool],
        tops: list[tuple[int, int, int, int]] | None = None,
    ) -> list[int | None]:
        """Apply deltas and return the spread after each event, in price mantissas.

        Parameters
        ----------
        action, side, price, size, order_id : sequence of int, length n
            As in `columns.delta_table`; plain lists are the fastest.
        last : sequence of bool, length n
            Whether the delta closes its event.
        tops : list, optional
            Best bid, best ask and their sizes after each event are added to it; zeros where a side is empty.

        Returns
        -------
        list of int or None
            One entry per closed event: best ask minus best bid, or None while a side is empty.

        """
        spreads: list[int | None] = []
        bids, asks = self._bids, self._asks
        for act, which, at, much, order, closes in zip(action, side, price, size, order_id, last, strict=True):
            if act == _CLEAR:
                self.clear()
            else:
                if which == _BUY:
                    levels, key = bids, -at
                else:
                    levels, key = asks, at
                if order:
                    self._apply_order(levels, key, 0 if act == _DELETE else much, order)
                elif act == _DELETE:
                    levels.sizes.pop(key, None)
                elif key in levels.sizes and much:
                    levels.sizes[key] = much
                else:
                    levels.set(key, much)
            if closes:
                bid, ask = bids.best(), asks.best()
                spreads.append(None if bid is None or ask is None else ask + bid)
                if tops is not None:
                    tops.append(
                        (
                            0 if bid is None else -bid,
                            0 if ask is None else ask,
                            0 if bid is None else bids.sizes[bid],
                            0 if ask is None else asks.sizes[ask],
                        )
                    )
        return spreads

    def _apply_order(self, levels: _Levels, key: int, size: int, order_id: int) -> None:
        known = self._orders.pop(order_id, None)
        if known is not None:
            there, at, much = known
            there.set(at, there.sizes.get(at, 0) - much)
        if size > 0:
            levels.set(key, levels.sizes.get(key, 0) + size)
            self._orders[order_id] = (levels, key, size)

    def clear(self) -> None:
        """Empty the book."""
        self._orders.clear()
        for levels in (self._bids, self._asks):
            levels.sizes.clear()
            levels.heap.clear()

    @property
    def bid(self) -> tuple[int, int] | None:
        """Best bid as (price, size), in mantissas."""
        key = self._bids.best()
        return None if key is None else (-key, self._bids.sizes[key])

    @property
    def ask(self) -> tuple[int, int] | None:
        """Best ask as (price, size), in mantissas."""
        key = self._asks.best()
        return None if key is None else (key, self._asks.sizes[key])
