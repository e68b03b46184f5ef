"""Who is dealt with now, where not all can be at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

DETAILS: Final = 8
"""Instruments whose details one snapshot holds at most."""
TURNS: Final = 4
"""Instruments, and assets to be attributed, whose turn it is at each snapshot where there are more than `DETAILS`."""


class Turns:
    """Names in a ring.

    Parameters
    ----------
    names : iterable of str
        All of them.

    """

    __slots__ = ("_ring",)

    def __init__(self, names: Iterable[str]) -> None:
        self._ring = deque(names)

    def next(self) -> list[str]:
        """Return whose turn it is, who waited longest first: everybody where there are few."""
        ring = self._ring
        count = len(ring) if len(ring) <= DETAILS else TURNS
        now = [ring[at] for at in range(count)]
        ring.rotate(-count)
        return now
