r"""What was traded since the day's roll-over.

The day is the one the strategy states, :math:`\lfloor (t - r) / 86400 \rfloor` for a roll-over :math:`r` seconds after
midnight UTC, so that a limit per day means the same day to the desk and to its report. A fill that is heard of after
the roll-over but happened before it belongs to the day that is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from typing import Any, Final

from mm_nautilus.inventory.contract import EXACT

DAY_NS: Final = 86_400 * 10**9
_ZERO: Final = Decimal(0)


def trading_day(ts_ns: int, rollover: time) -> int:
    """Return the number of the trading day, counted from 1970-01-01, that a time belongs to.

    Parameters
    ----------
    ts_ns : int
        UNIX time in nanoseconds.
    rollover : time
        When a day begins, UTC.

    """
    return _day_of(ts_ns, _offset_ns(rollover))


def _day_of(ts_ns: int, offset_ns: int) -> int:
    return (ts_ns - offset_ns) // DAY_NS


def _offset_ns(rollover: time) -> int:
    seconds = rollover.hour * 3600 + rollover.minute * 60 + rollover.second
    return seconds * 10**9 + rollover.microsecond * 1000


class DailyVolume:
    """Exact volume of the current trading day, in whatever one unit it is told: O(1) memory and time.

    Parameters
    ----------
    rollover : time
        When a day begins, UTC.

    """

    __slots__ = ("_day", "_offset_ns", "_value", "rollover")

    def __init__(self, rollover: time = time(0)) -> None:
        self.rollover = rollover
        self._offset_ns = _offset_ns(rollover)
        self._day: int | None = None
        self._value = _ZERO

    def traded(self, ts_ns: int, amount: Decimal) -> None:
        """Count one trade of an unsigned amount; one of a day that is over is nobody's any more."""
        day = _day_of(ts_ns, self._offset_ns)
        if self._day is None or day > self._day:
            self._day, self._value = day, amount
        elif day == self._day:
            self._value = EXACT.add(self._value, amount)

    def value(self, now_ns: int) -> Decimal:
        """Return what was traded in the day that `now_ns` belongs to."""
        return self._value if self._day == _day_of(now_ns, self._offset_ns) else _ZERO

    def save(self) -> dict[str, Any]:
        """Return the state as JSON."""
        return {"day": self._day, "value": str(self._value)}

    @classmethod
    def restored(cls, state: Mapping[str, Any], rollover: time) -> DailyVolume:
        """Return the volume that `save` described, with the roll-over stated now."""
        volume = cls(rollover)
        volume._day = None if state["day"] is None else int(state["day"])
        volume._value = Decimal(state["value"])
        return volume
