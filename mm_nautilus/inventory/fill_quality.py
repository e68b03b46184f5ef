r"""What orders at a market have lost lately beside spread and fee, by the mid a little later.

Of a fill on side :math:`s` at :math:`p` that was sent at a mid :math:`m` and expected to pay :math:`v` then, with the
mid :math:`m'` a horizon later,

.. math:: \text{loss} = s\,(p - m') - s\,(v - m)

per unit: what the order paid worse than the book had shown, and what the price then did against it. The mean over fills
is weighted by size and forgets by fills, and a few fills do not speak for a market: it is drawn towards 0 as if
`PRIOR_FILLS` fills of the mean size had lost nothing.

Fails where the mid moves because of news that hit all markets: then each loses the same, and the ranking stays.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from mm_nautilus.market import Side

HORIZON_NS: Final = 5_000_000_000
"""How long after a fill the mid is looked at."""
HALF_LIFE_FILLS: Final = 20.0
PRIOR_FILLS: Final = 5.0
_DECAY: Final = 2.0 ** (-1.0 / HALF_LIFE_FILLS)
_PENDING: Final = 256


@dataclass(frozen=True, slots=True)
class _Fill:
    due_ns: int
    side: Side
    size: float
    paid: float
    """Price of the fill less what it was expected to pay beyond the mid."""


class FillQuality:
    """State of one market; O(1) a fill and a look."""

    __slots__ = ("_fills", "_loss", "_pending", "_size")

    def __init__(self) -> None:
        self._pending: deque[_Fill] = deque(maxlen=_PENDING)
        self._loss = self._size = self._fills = 0.0

    def filled(self, ts_ns: int, side: Side, size: float, price: float, beyond: float) -> None:
        """Take an execution.

        Parameters
        ----------
        ts_ns : int
            When it happened.
        side : Side
            Of our order.
        size : float
            Above 0, in any unit that stays the same.
        price : float
            Paid, without fee.
        beyond : float
            Mean price that the order was expected to pay when it was sent, less the mid then.

        """
        self._pending.append(_Fill(ts_ns + HORIZON_NS, side, size, price - beyond))

    def heard(self, now_ns: int, mid: float | None) -> None:
        """Hold what is due against the mid now; without one it is held against the next."""
        while self._pending and mid is not None and self._pending[0].due_ns <= now_ns:
            fill = self._pending.popleft()
            self._loss = self._loss * _DECAY + fill.size * int(fill.side) * (fill.paid - mid)
            self._size = self._size * _DECAY + fill.size
            self._fills = self._fills * _DECAY + 1.0

    @property
    def loss(self) -> float:
        """Mean loss per unit beside spread and fee, in price units; below 0 a gain, 0 before there is a fill."""
        if not self._fills:
            return 0.0
        return self._loss / self._size * self._fills / (self._fills + PRIOR_FILLS)

    def save(self) -> list[float]:
        """Return what is known, as JSON."""
        return [self._loss, self._size, self._fills]

    def load(self, state: list[float]) -> None:
        """Take up what `save` returned; what had not come due is not known any more."""
        self._loss, self._size, self._fills = map(float, state)
