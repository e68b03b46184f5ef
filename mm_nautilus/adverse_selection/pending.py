"""Markouts as they fall due: the online form of `markouts`."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from mm_nautilus.adverse_selection.markouts import HORIZONS_S, adverse_selection, edge, markout
from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side


@dataclass(frozen=True, slots=True)
class DueMarkout[K]:
    """One fill at one horizon, known since `due_ns`; figures per unit, in price units."""

    fill_id: K
    due_ns: int
    horizon_s: float
    side: Side
    size: float
    mid: float
    later_mid: float
    edge: float
    markout: float
    adverse_selection: float


class _Fill[K]:
    __slots__ = ("fill_id", "mid", "price", "side", "size")

    def __init__(self, fill_id: K, side: Side, size: float, price: float) -> None:
        self.fill_id, self.side, self.size, self.price = fill_id, side, size, price
        self.mid: float | None = None


class PendingMarkouts[K]:
    """Fills whose horizons have not passed yet; O(log pending) a fill, O(1) a mid at which nothing falls due.

    Fills are known by whatever the caller hands over with them.

    A mid is the mid of an instant only when the instant is over, because another event of the same
    nanosecond may still change it. A fill therefore waits for its own mid as it waits for the later ones.

    Parameters
    ----------
    horizons_s : sequence of float
        Seconds, each above 0.

    Raises
    ------
    ParameterError
        When a horizon is not above 0.

    """

    __slots__ = ("_horizons", "_mid", "_pending", "_sequence")

    def __init__(self, horizons_s: Sequence[float] = HORIZONS_S) -> None:
        for index, horizon in enumerate(horizons_s):
            if not 0.0 < horizon < 1e9:
                raise ParameterError(f"horizons_s[{index}]", horizon, "a number > 0 of seconds")
        self._horizons = tuple((horizon, round(horizon * 1e9)) for horizon in horizons_s)
        self._pending: list[tuple[int, int, float, _Fill[K]]] = []
        self._sequence = 0
        self._mid: float | None = None

    @property
    def next_due_ns(self) -> int | None:
        """When something falls due next, ``None`` where nothing is pending."""
        return self._pending[0][0] if self._pending else None

    def filled(self, fill_id: K, ts_ns: int, side: Side, size: float, price: float) -> None:
        """We traded; size in base units, price in price units."""
        fill = _Fill(fill_id, side, size, price)
        for horizon_s, horizon_ns in ((0.0, 0), *self._horizons):
            heapq.heappush(self._pending, (ts_ns + horizon_ns, self._sequence, horizon_s, fill))
            self._sequence += 1

    def moved(self, ts_ns: int, mid: float) -> list[DueMarkout[K]]:
        """Take a new mid; return what fell due before this instant, at the mid that held then."""
        due = self._fall_due(ts_ns - 1)
        self._mid = mid
        return due

    def passed(self, now_ns: int) -> list[DueMarkout[K]]:
        """Return what has fallen due by now; for a timer that fires after the data of its instant."""
        return self._fall_due(now_ns)

    def _fall_due(self, until_ns: int) -> list[DueMarkout[K]]:
        pending, later_mid, due = self._pending, self._mid, []
        while pending and pending[0][0] <= until_ns:
            due_ns, _, horizon_s, fill = heapq.heappop(pending)
            if horizon_s == 0.0:
                fill.mid = later_mid
            elif later_mid is not None and fill.mid is not None:
                side, mid, price = float(fill.side), fill.mid, fill.price
                due.append(
                    DueMarkout(
                        fill.fill_id,
                        due_ns,
                        horizon_s,
                        fill.side,
                        fill.size,
                        mid,
                        later_mid,
                        edge(side, price, mid),
                        markout(side, price, later_mid),
                        adverse_selection(side, mid, later_mid),
                    )
                )
        return due
