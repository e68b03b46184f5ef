"""What a simulated book writes, row by row: flat lists of integers, since its loop appends little at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from mm_nautilus.catalog.columns import F_LAST, F_SNAPSHOT, Action

type Ints = npt.NDArray[np.int64]

DELTA: Final = ("event", "action", "side", "price", "size")
TRADE: Final = ("event", "hit_side", "price", "size")
QUOTE: Final = ("event", "bid", "ask", "bid_size", "ask_size")
ORDER: Final = ("mid", "depth", "trades")
"""Of each market order, in their order: the mid, the ticks from it to the last level reached, the trades it made."""

_CLEAR: Final = int(Action.CLEAR)


class Tape:
    """Rows since the last flush; prices in ticks, sizes in lots, ``event`` is the caller's index of an event."""

    __slots__ = ("deltas", "orders", "quotes", "trades")

    def __init__(self) -> None:
        self.deltas: list[int] = []
        self.trades: list[int] = []
        self.quotes: list[int] = []
        self.orders: list[int] = []

    def delta(self, event: int, action: int, side: int, price: int, size: int) -> None:
        """Append one book delta."""
        self.deltas += (event, action, side, price, size)

    def trade(self, event: int, hit_side: int, price: int, size: int) -> None:
        """Append one trade."""
        self.trades += (event, hit_side, price, size)

    def quote(self, event: int, bid: int, ask: int, bid_size: int, ask_size: int) -> None:
        """Append one top of the book."""
        self.quotes += (event, bid, ask, bid_size, ask_size)

    def order(self, mid: int, depth: int, trades: int) -> None:
        """Append one market order."""
        self.orders += (mid, depth, trades)


def columns(rows: list[int], names: Sequence[str]) -> dict[str, Ints]:
    """Return flat rows as columns by their names."""
    table = np.array(rows, dtype=np.int64).reshape(-1, len(names))
    return {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(names)}


def flags(events: Ints, actions: Ints) -> npt.NDArray[np.uint8]:
    """Return the flags of deltas: `F_LAST` closes every event, `F_SNAPSHOT` marks one that begins with a CLEAR."""
    last = np.append(events[1:] != events[:-1], True)
    snapshot = np.isin(events, events[actions == _CLEAR])
    values: npt.NDArray[np.uint8] = (last * F_LAST + snapshot * F_SNAPSHOT).astype(np.uint8)
    return values
