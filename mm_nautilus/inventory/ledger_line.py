"""One instrument's line in the ledger: what was filled on it, each execution once.

An execution is told by its trade id and side. The ids of the last `REMEMBERED` fills are kept, and the time of the
latest one forgotten: a fill at or before that time can be told neither from a repeated one nor from one that is very
late, so it is refused and counted in `Line.refused`, and the comparison of positions shows whether it was one. The
assumption is that no fill is heard of for the first time after `REMEMBERED` later ones.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from typing import Any, Final

from msgspec import Struct

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.age import LotQueue
from mm_nautilus.inventory.contract import EXACT, Contract
from mm_nautilus.market import Purpose, Side

REMEMBERED: Final = 4096
"""Fills of one instrument whose ids are kept."""
_ZERO: Final = Decimal(0)
_SIDE_KEYS: Final = {side: side.name[0] for side in Side}
_AMOUNTS: Final = ("opening", "quoted", "hedged", "adopted", "position", "volume")
_COUNTS: Final = ("fills", "refused", "last_ts_ns", "forgotten_ns")


class Fill(Struct, frozen=True, gc=False):
    """One execution of one of our orders."""

    ts_ns: int
    """When it happened, by the venue."""
    instrument_id: str
    client_order_id: str
    trade_id: str
    """Unique among the executions on a side of the instrument."""
    side: Side
    size: Decimal
    """Above 0, in base units (contracts for derivatives)."""
    price: Decimal
    purpose: Purpose = Purpose.QUOTE

    @property
    def signed_size(self) -> Decimal:
        """Change of the position."""
        return self.size if self.side is Side.BUY else -self.size


class Booking(Enum):
    """What became of a fill that the ledger was told."""

    NEW = auto()
    REPEATED = auto()
    """Booked before: nothing happened."""
    TOO_OLD = auto()
    """Older than every fill whose id is remembered: refused, see the module."""


@dataclass(slots=True)
class Line:
    """What the ledger holds of one instrument; sizes in base units (contracts), signed where it matters."""

    asset: str
    venue: str
    instrument_id: str
    contract: Contract
    remembered: int = REMEMBERED
    """Fills whose ids are kept."""
    opening: Decimal = _ZERO
    """Position taken over when the line was opened."""
    quoted: Decimal = _ZERO
    """Signed size filled by quotes and arbitrage."""
    hedged: Decimal = _ZERO
    """Signed size filled by hedges and liquidations."""
    adopted: Decimal = _ZERO
    """Signed size no fill of our own orders explains, taken over from the venue."""
    position: Decimal = _ZERO
    """The sum of these four."""
    volume: Decimal = _ZERO
    """Sum of the sizes filled."""
    fills: int = 0
    refused: int = 0
    """Fills too old to be told from repeated ones."""
    last_ts_ns: int = 0
    """Latest time at which anything was booked."""
    forgotten_ns: int = -1
    """Time of the latest fill whose id is forgotten."""
    lots: LotQueue = field(default_factory=LotQueue)
    """Open lots of the position, for its age."""
    ids: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """Time of each fill remembered, by side and trade id, in the order in which they were booked."""

    def book(self, fill: Fill) -> Booking:
        """Book an execution, unless it was before.

        Raises
        ------
        ParameterError
            For a size that is not above 0.

        """
        size, ts_ns, purpose = fill.size, fill.ts_ns, fill.purpose
        if not size > 0:
            raise ParameterError("size", size, "> 0")
        ids, key = self.ids, _SIDE_KEYS[fill.side] + fill.trade_id
        if key in ids:
            return Booking.REPEATED
        if ts_ns <= self.forgotten_ns:
            self.refused += 1
            return Booking.TOO_OLD
        ids[key] = ts_ns
        if len(ids) > self.remembered:
            _, forgotten_ns = ids.popitem(last=False)
            self.forgotten_ns = max(self.forgotten_ns, forgotten_ns)
        signed_size = fill.signed_size
        if purpose is Purpose.QUOTE or purpose is Purpose.ARBITRAGE:
            self.quoted = EXACT.add(self.quoted, signed_size)
        elif purpose is Purpose.EXTERNAL:
            self.adopted = EXACT.add(self.adopted, signed_size)
        else:
            self.hedged = EXACT.add(self.hedged, signed_size)
        self.volume = EXACT.add(self.volume, size)
        self.fills += 1
        self._move(ts_ns, signed_size)
        return Booking.NEW

    def take_over(self, signed_size: Decimal, ts_ns: int) -> None:
        """Begin with a position."""
        self.opening = EXACT.add(self.opening, signed_size)
        self._move(ts_ns, signed_size)

    def adopt(self, signed_size: Decimal, ts_ns: int) -> None:
        """Take over a change of the position that no fill explains."""
        self.adopted = EXACT.add(self.adopted, signed_size)
        self._move(ts_ns, signed_size)

    def _move(self, ts_ns: int, signed_size: Decimal) -> None:
        self.last_ts_ns = max(self.last_ts_ns, ts_ns)
        self.position = EXACT.add(self.position, signed_size)
        # A late fill opens its lot when it is heard of: lots only ever queue up in order.
        self.lots.trade(self.last_ts_ns, signed_size)

    def save(self) -> dict[str, Any]:
        """Return everything but the contract as JSON."""
        return {
            "asset": self.asset,
            "venue": self.venue,
            **{amount: str(getattr(self, amount)) for amount in _AMOUNTS},
            **{count: getattr(self, count) for count in _COUNTS},
            "lots": self.lots.save(),
            "ids": list(self.ids.items()),
        }

    def restored(self, state: Mapping[str, Any]) -> Line:
        """Return the line that `save` described, on this one's instrument.

        Raises
        ------
        ParameterError
            Where it was another asset's or another venue's.

        """
        if (self.asset, self.venue) != (state["asset"], state["venue"]):
            saved = f"{state['asset']} on {state['venue']}, as it was saved"
            raise ParameterError(f"line of {self.instrument_id}", f"{self.asset} on {self.venue}", saved)
        line = Line(self.asset, self.venue, self.instrument_id, self.contract, self.remembered)
        for amount in _AMOUNTS:
            setattr(line, amount, Decimal(state[amount]))
        for count in _COUNTS:
            setattr(line, count, int(state[count]))
        line.lots = LotQueue.restored(state["lots"])
        line.ids = OrderedDict((str(key), int(ts_ns)) for key, ts_ns in state["ids"])
        return line
