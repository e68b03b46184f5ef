"""What a hedge desk asks whoever knows which market is worth a hedge, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mm_nautilus.inventory.hedge_market import HedgeMarket, Levels
from mm_nautilus.market import Side


@dataclass(frozen=True, slots=True)
class Offer:
    """What one market of the asset itself has for a hedge now; sizes in units of the asset.

    Parameters
    ----------
    market : HedgeMarket
        Where.
    side : Side
        Of the order.
    levels : sequence of (price, size)
        What the order could take within its worst price, best first.
    lot, min_size : float
        Size step and smallest order.
    capacity : float
        What funds and limits leave; infinite where they do not bind.

    """

    market: HedgeMarket
    side: Side
    levels: Levels
    lot: float
    min_size: float
    capacity: float

    @property
    def size(self) -> float:
        """What could be taken at once."""
        return min(sum(size for _, size in self.levels), self.capacity)


@dataclass(frozen=True, slots=True)
class Choice:
    """A market, and why it stands where it does in the order of preference.

    Parameters
    ----------
    market : HedgeMarket
        Where.
    reason : str
        What a unit is expected to pay there, line by line.
    expected : float
        Mean price that the order is expected to pay, in the market's price units, without fee.
    offer : Offer or None
        What it was judged by; ``None`` where it cannot be held against other markets.

    """

    market: HedgeMarket
    reason: str
    expected: float
    offer: Offer | None = None


class HedgeRouter(Protocol):
    """Ranks markets of one asset and cuts a hedge up over them; see `mm_nautilus.venues.hedge_router`."""

    def rank(self, size: float, offers: Sequence[Offer], sigma: float) -> list[Choice]:
        """Return the markets that could take at least part of a hedge of `size` units, best first.

        `sigma` is in price units per square-root second.
        """
        ...

    def parts(self, size: float, choices: Sequence[Choice], sigma: float) -> Mapping[str, float]:
        """Return how much of a hedge goes to which market, by name, in units of the asset."""
        ...
