"""Displayed size that we have taken already, until the venue shows something else at its price.

A level that we took from may stand in our book unchanged: the venue's update is on its way, or the data are a
recording that knows nothing of us. What was taken of it is not there a second time. As soon as the level shows another
size, or is gone, the venue has spoken after us and what it shows counts in full.

Fails where a maker refills a level to exactly the size it had: that depth is left to others.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.market import Side

type Levels = list[tuple[Decimal, Decimal]]


class Consumed:
    """What we have taken from the two sides of one book."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: dict[Side, dict[Decimal, tuple[Decimal, Decimal]]] = {Side.BUY: {}, Side.SELL: {}}

    def any(self, side: Side) -> bool:
        """Whether anything that an order of a side would take was taken and is still shown as far as we know."""
        return bool(self._levels[side])

    def take(self, side: Side, shown: Iterable[tuple[Decimal, Decimal]], size: Decimal) -> None:
        """Note that an order of a side takes `size` from the levels shown, best first.

        Parameters
        ----------
        side : Side
            Of the order: BUY takes from the asks.
        shown : iterable of (price, size)
            The book as the venue shows it, best first.
        size : Decimal
            Of the order, in the units of the sizes shown.

        """
        taken = self._levels[side]
        for price, there in shown:
            if size <= 0:
                return
            before = taken.get(price, (there, Decimal(0)))[1]
            part = min(EXACT.subtract(there, before), size)
            if part > 0:
                taken[price] = there, EXACT.add(before, part)
                size = EXACT.subtract(size, part)

    def left(self, side: Side, shown: Iterable[tuple[Decimal, Decimal]]) -> Levels:
        """Return the levels with what was taken out of them; what the venue has changed since is forgotten.

        Parameters
        ----------
        side, shown
            As in `take`; every level that an order could reach.

        """
        taken, found = self._levels[side], []
        if not taken:
            return list(shown)
        seen: dict[Decimal, tuple[Decimal, Decimal]] = {}
        for price, there in shown:
            before = taken.get(price)
            if before is None or before[0] != there:
                found.append((price, there))
                continue
            seen[price] = before
            rest = EXACT.subtract(there, before[1])
            if rest > 0:
                found.append((price, rest))
        self._levels[side] = seen
        return found
