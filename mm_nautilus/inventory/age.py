r"""How long a position has been held, by its lots: first in, first out.

A trade that reduces the position closes its oldest lots. With lots of sizes :math:`x_j` opened at :math:`t_j`,

.. math:: \text{weighted age} = \frac{\sum_j |x_j| (t - t_j)}{\sum_j |x_j|}, \qquad \text{oldest} = t - \min_j t_j .

Time since the last fill is no age: it starts anew with every fill, so that a maker who trades often never ages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import COST, EXACT

_ZERO: Final = Decimal(0)
_NS: Final = Decimal(10**9)


class LotQueue:
    """The open lots of one position, oldest first.

    Each trade costs O(1) on average; memory grows with the number of open lots. Sizes are exact, so that
    flat is flat.
    """

    def __init__(self) -> None:
        self._lots: deque[tuple[int, Decimal]] = deque()
        self._last_ns: int | None = None
        self._since_ns: int | None = None

    @property
    def position(self) -> Decimal:
        """Signed position, in base units (contracts). Costs O(open lots)."""
        position = _ZERO
        for _, size in self._lots:
            position = EXACT.add(position, size)
        return position

    @property
    def lots(self) -> tuple[tuple[int, Decimal], ...]:
        """Open lots as ``(opened_ns, signed size)``, oldest first."""
        return tuple(self._lots)

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest open lot was opened, in nanoseconds; ``None`` when flat."""
        return self._lots[0][0] if self._lots else None

    def __iter__(self) -> Iterator[tuple[int, Decimal]]:
        """Open lots as ``(opened_ns, signed size)``, oldest first."""
        return iter(self._lots)

    def trade(self, ts_ns: int, signed_size: Decimal) -> None:
        """Book one trade.

        Parameters
        ----------
        ts_ns : int
            When, in nanoseconds; not before the trade booked last.
        signed_size : Decimal
            Above 0 for a buy, below for a sell; in base units (contracts).

        Raises
        ------
        ParameterError
            For a trade without size or one that goes back in time.

        """
        if not signed_size.is_finite() or not signed_size:
            raise ParameterError("signed_size", signed_size, "finite and not 0")
        if self._last_ns is not None and ts_ns < self._last_ns:
            raise ParameterError("ts_ns", ts_ns, f"not before the last trade's {self._last_ns}")
        self._last_ns = ts_ns
        lots, remaining, buys = self._lots, signed_size, signed_size > 0
        # All open lots are of one sign, and so is what remains until none of them is left.
        while remaining and lots and (lots[0][1] > 0) is not buys:
            opened_ns, size = lots.popleft()
            remaining = EXACT.add(size, remaining)
            if remaining and (remaining > 0) is not buys:
                lots.appendleft((opened_ns, remaining))
                remaining = _ZERO
        if remaining:
            if not lots:
                self._since_ns = ts_ns
            lots.append((ts_ns, remaining))
        if not lots:
            self._since_ns = None

    def weighted_age_s(self, now_ns: int) -> float | None:
        """Mean age of what is open, weighted by size, in seconds; ``None`` when flat. Costs O(open lots)."""
        self._check(now_ns)
        if not self._lots:
            return None
        moment = _ZERO
        for lot_ns, size in self._lots:
            moment = EXACT.add(moment, EXACT.multiply(size, Decimal(lot_ns)))
        opened_ns = COST.divide(moment, self.position)
        return float(COST.divide(COST.subtract(Decimal(now_ns), opened_ns), _NS))

    def oldest_age_s(self, now_ns: int) -> float | None:
        """Age of the oldest open lot, in seconds; ``None`` when flat."""
        self._check(now_ns)
        return (now_ns - self._lots[0][0]) / 1e9 if self._lots else None

    def since_flat_or_flip_s(self, now_ns: int) -> float | None:
        """Time since the position left zero or changed its sign, in seconds; ``None`` when flat."""
        self._check(now_ns)
        return None if self._since_ns is None else (now_ns - self._since_ns) / 1e9

    def save(self) -> dict[str, Any]:
        """Return the state as JSON."""
        return {
            "lots": [[opened_ns, str(size)] for opened_ns, size in self._lots],
            "last_ns": self._last_ns,
            "since_ns": self._since_ns,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> LotQueue:
        """Return the queue that `save` described."""
        queue = cls()
        for opened_ns, size in state["lots"]:
            queue.trade(int(opened_ns), Decimal(size))
        queue._last_ns, queue._since_ns = state["last_ns"], state["since_ns"]
        return queue

    def _check(self, now_ns: int) -> None:
        if self._last_ns is not None and now_ns < self._last_ns:
            raise ParameterError("now_ns", now_ns, f"not before the last trade's {self._last_ns}")
