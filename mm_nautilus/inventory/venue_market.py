"""An instrument to hedge on that is one of several venues of an asset: barred at once, and limited by itself."""

from __future__ import annotations

import math
from typing import ClassVar

from mm_nautilus.inventory.hedge_market import HedgeMarket
from mm_nautilus.market import Side, TopOfBook


class VenueMarket(HedgeMarket):
    """A `HedgeMarket` that can be taken out whatever its prices say.

    A position on a contract that is settled in the asset keeps counting at the last price that was fit: a venue that is
    gone has not made the position go away.
    """

    __slots__ = ("_unit_price", "barred", "limit_lots")

    closes_first: ClassVar[bool] = False

    barred: str | None
    """Why it must not be traded on now, beside what its own prices say."""
    limit_lots: int | None
    """Largest |position| there, in lots, where the quotes on it do not limit it already."""

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]
        self.barred = None
        self.limit_lots = None
        self._unit_price: float | None = None

    def heard(self, top: TopOfBook | None, now_ns: int) -> None:
        """Take the top of its book, as `HedgeMarket.heard` does."""
        super().heard(top, now_ns)
        if top is not None and 0.0 < top.bid <= top.ask < math.inf:
            self._unit_price = top.mid

    def fault(self, now_ns: int) -> str | None:
        """Return why the market must not be hedged on now, or ``None``."""
        return self.barred or super().fault(now_ns)

    def asset_per_lot(self) -> float | None:
        """Signed units of the asset that one lot stands for; ``None`` before a price or a ratio is known."""
        weight = self.weight
        if weight is None:
            return None
        if not self.contract.inverse:
            return self.contract.units_per_lot(1.0) * weight
        return None if self._unit_price is None else self.contract.units_per_lot(self._unit_price) * weight

    def room_lots(self, side: Side, price: float) -> int | None:
        """Lots that may be sent on `side` at a price; ``None`` for any."""
        room = super().room_lots(side, price)
        if self.limit_lots is None:
            return room
        left = max(self.limit_lots - int(side) * self.position_lots, 0)
        return left if room is None else min(room, left)

    def capacity(self, side: Side, price: float) -> float:
        """Return the base units a hedge could trade there, our own quotes withdrawn before it; infinite for any."""
        unit, lots = self.asset_per_lot(), math.inf
        if unit is None:
            return 0.0
        if self.limit_lots is not None:
            lots = max(self.limit_lots - int(side) * self.position_lots, 0)
        if self.funds is not None:
            lots = min(lots, self.funds(side, price))
        return lots * unit
