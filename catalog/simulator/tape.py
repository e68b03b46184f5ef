"""What a simulated book writes, column by column: plain lists, since its loop appends one value at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from mm_nautilus.catalog.columns import F_LAST, F_SNAPSHOT, Action

_CLEAR: Final = int(Action.CLEAR)


@dataclass(slots=True)
class Tape:
    """What the book wrote since the last flush, column by column; prices in ticks, sizes in lots.

    ``event`` columns hold the caller's index of the event a row belongs to.
    """

    delta_event: list[int] = field(default_factory=list)
    delta_action: list[int] = field(default_factory=list)
    delta_side: list[int] = field(default_factory=list)
    delta_price: list[int] = field(default_factory=list)
    delta_size: list[int] = field(default_factory=list)
    trade_event: list[int] = field(default_factory=list)
    trade_hit_side: list[int] = field(default_factory=list)
    trade_price: list[int] = field(default_factory=list)
    trade_size: list[int] = field(default_factory=list)
    quote_event: list[int] = field(default_factory=list)
    quote_bid: list[int] = field(default_factory=list)
    quote_ask: list[int] = field(default_factory=list)
    quote_bid_size: list[int] = field(default_factory=list)
    quote_ask_size: list[int] = field(default_factory=list)
    order_mid: list[int] = field(default_factory=list)
    """Mid in ticks at each market order, in their order."""
    order_depth: list[int] = field(default_factory=list)
    """Ticks from the mid to the last level each market order reached."""
    order_trades: list[int] = field(default_factory=list)

    def delta(self, event: int, action: int, side: int, price: int, size: int) -> None:
        """Append one book delta."""
        self.delta_event.append(event)
        self.delta_action.append(action)
        self.delta_side.append(side)
        self.delta_price.append(price)
        self.delta_size.append(size)

    def trade(self, event: int, hit_side: int, price: int, size: int) -> None:
        """Append one trade."""
        self.trade_event.append(event)
        self.trade_hit_side.append(hit_side)
        self.trade_price.append(price)
        self.trade_size.append(size)

    def flags(self) -> npt.NDArray[np.uint8]:
        """Return the deltas' flags: `F_LAST` closes every event, `F_SNAPSHOT` marks one that began with a CLEAR."""
        events = np.array(self.delta_event, dtype=np.int64)
        actions = np.array(self.delta_action, dtype=np.int64)
        last = np.append(events[1:] != events[:-1], True)
        snapshot = np.isin(events, events[actions == _CLEAR])
        flags: npt.NDArray[np.uint8] = (last * F_LAST + snapshot * F_SNAPSHOT).astype(np.uint8)
        return flags
