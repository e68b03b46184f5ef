"""What rested while nobody could see the market: the truth about quotes on a dead feed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from bybit_exchange.diary import Diary
from bybit_exchange.floor import Floor
from bybit_exchange.sockets import Sockets
from bybit_exchange.venue import Venue

ALLOWED_S: Final = 1.0
"""How long quotes may outlive the feed; the acknowledgement of their last change, or the loss of every way to cancel
them, where that is later."""
_LOOK_S: Final = 0.02
_AFTER_S: Final = 1.0
"""How much of what came after a quote had rested too long is told."""
_STEP_S: Final = 0.1
"""A look that comes later than this after the last one was held up by the machine, and so was everybody else."""


class Blind:
    """Looks at every contract all the time; see the module.

    Parameters
    ----------
    floor : Floor
        The contracts.
    sockets : Sockets
        Who was told what when.
    diary : Diary
        What happened.

    """

    def __init__(self, floor: Floor, sockets: Sockets, diary: Diary) -> None:
        self._diary = diary
        self._sockets = sockets
        self._floor = floor
        self._dark = {venue.contract.symbol: _Dark() for venue in floor}
        self._reachable_s = self._left_s = 0.0
        self._now_s = 0.0

    def begin(self) -> None:
        """Begin to look."""
        self._watching = asyncio.create_task(self._watch())

    def left(self) -> None:
        """Take note that whoever traded is no more; somebody else does once the market is looked at again."""
        self._left_s = time.monotonic()

    def found(self) -> dict[str, Any]:
        """Return how often the feed was dead, when our quotes were gone then, and those that were there too long.

        Times are in seconds after the last that was seen of the market; ``excuse`` says why the venue itself stood in
        the way. Where it did not, ``story`` is what happened and ``since_s`` when the market was seen last, since 1970.
        """
        darks = self._dark.values()
        return {
            "silences": sum(dark.count for dark in darks),
            "withdrawn_s": [round(at_s, 3) for dark in darks for at_s in dark.withdrawn_s],
            "rested": [
                {"link": link, "silent_s": round(one.silent_s, 3), "excuse": one.excuse}
                | ({} if one.excuse else {"since_s": _wall(one.shown_s), "story": self._story(link, one)})
                for dark in darks
                for link, one in dark.rested.items()
            ],
        }

    def _story(self, link: str, rested: _Rested) -> list[str]:
        return self._diary.about(link, rested.shown_s, rested.looked_s + _AFTER_S)

    async def _watch(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = time.monotonic()
            self._now_s, step = now, min(now - last, _STEP_S)
            if self._floor.faults.down or not self._sockets.open["trade"]:
                self._reachable_s = now
            for venue in self._floor:
                self._look(venue, self._dark[venue.contract.symbol], last, step)
            last = now

    def _look(self, venue: Venue, dark: _Dark, last_s: float, step_s: float) -> None:
        shown_s = self._sockets.shown_s.get(venue.contract.symbol)
        if shown_s is None:
            return
        ours = [order for order in venue.open_orders if order.link.startswith("O-")]
        if shown_s >= last_s:
            dark.silent_s, dark.quoted, dark.counted = 0.0, bool(ours), False
            return
        dark.silent_s += step_s
        if ours:
            dark.quoted = True  # a quote may still have been on its way when the market was shown last
        elif dark.quoted:
            dark.quoted = False
            dark.withdrawn_s.append(dark.silent_s)
        if dark.silent_s <= ALLOWED_S:
            return
        if not dark.counted:
            dark.count, dark.counted = dark.count + 1, True
        for order in ours:
            excuse, before = self._excuse(venue, order.order_id, shown_s), dark.rested.get(order.link)
            if before is None or before.excuse or not excuse:
                dark.rested[order.link] = _Rested(dark.silent_s, excuse, shown_s, self._now_s)

    def _excuse(self, venue: Venue, order_id: str, shown_s: float) -> str:
        """Return what the venue itself did that an order still rests; empty where it did nothing."""
        if shown_s < self._left_s:
            return "nobody there"
        amended_ms = venue.amended_ms.get(order_id, 0)
        told_s = next((at_s for at_s, as_of_ms in self._sockets.told[order_id] if as_of_ms >= amended_ms), None)
        if told_s is None or self._now_s - told_s < ALLOWED_S:
            return "not acknowledged"
        if self._now_s - self._reachable_s < ALLOWED_S:
            return "no way to cancel"
        # One refused just before may never have been told: its answer goes with the connection. The node asks again
        # after half a second, each time it is refused.
        refused_s = venue.refused_s["cancel"].get(order_id)
        return "cancel refused" if refused_s is not None and self._now_s - refused_s < 2.0 * ALLOWED_S else ""


class _Dark:
    """The present silence of one contract, and what was found in all of them."""

    def __init__(self) -> None:
        self.silent_s = 0.0
        self.quoted = self.counted = False
        self.count = 0
        self.withdrawn_s: list[float] = []
        self.rested: dict[str, _Rested] = {}


@dataclass(frozen=True, slots=True)
class _Rested:
    silent_s: float
    excuse: str
    shown_s: float
    looked_s: float


def _wall(at_s: float) -> float:
    """Return what the wall's clock showed at an instant of the monotonic one, in seconds since 1970."""
    return time.time() - time.monotonic() + at_s
