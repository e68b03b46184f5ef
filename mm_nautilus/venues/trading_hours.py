"""Trading hours as instants: whether a market is open, and when that or the day changes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final

from mm_nautilus.venues.obligation import WEEK, Weekday

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
_MONDAY_NS: Final = 4 * DAY_NS
"""The first Monday after 1970-01-01, which was a Thursday."""


class TradingHours:
    """Sessions of a week in UTC; one that ends before it starts goes on after midnight.

    Parameters
    ----------
    sessions : sequence of str
        ``08:00-16:30``; all day where there is none.
    weekdays : sequence of str
        Days on which the sessions hold, an instant belonging to the day of its last UTC midnight.
    roll_over_ns : int
        When a trading day begins and ends, in nanoseconds after midnight.

    """

    __slots__ = ("_edges", "_roll_over_ns", "_sessions", "_weekdays")

    def __init__(self, sessions: Sequence[str], weekdays: Sequence[Weekday], roll_over_ns: int = 0) -> None:
        self._weekdays = frozenset(WEEK.index(day) for day in weekdays)
        self._roll_over_ns = roll_over_ns
        spans: list[tuple[int, int]] = []
        for session in sessions or ("00:00-24:00",):
            start, end = (_of_day(text) for text in session.split("-"))
            spans += [(start, end)] if start < end else [(start, DAY_NS), (0, end)]
        self._sessions = tuple(spans)
        instants = {0, DAY_NS, self._roll_over_ns, *(instant for span in spans for instant in span)}
        self._edges = tuple(sorted(instants))

    def is_open(self, ts_ns: int) -> bool:
        """Return whether the market trades at an instant."""
        of_day = ts_ns % DAY_NS
        weekday = (ts_ns - _MONDAY_NS) // DAY_NS % 7
        return weekday in self._weekdays and any(start <= of_day < end for start, end in self._sessions)

    def next_edge(self, ts_ns: int) -> int:
        """Return the next instant after this one at which the market may open or close or a day begins."""
        of_day = ts_ns % DAY_NS
        return ts_ns - of_day + next(edge for edge in self._edges if edge > of_day)

    def day_start(self, ts_ns: int) -> int:
        """Return the beginning of the trading day that an instant belongs to, in nanoseconds since 1970."""
        return day_start(ts_ns, self._roll_over_ns)


def day_start(ts_ns: int, roll_over_ns: int) -> int:
    """Return the last roll-over at or before an instant, in nanoseconds since 1970."""
    return ts_ns - (ts_ns - roll_over_ns) % DAY_NS


def roll_over_ns(at: time) -> int:
    """Return a time of day as nanoseconds after midnight."""
    return ((at.hour * 60 + at.minute) * 60 + at.second) * SECOND_NS + at.microsecond * 1000


def day_name(ts_ns: int) -> str:
    """Return the date (UTC) of an instant."""
    return datetime.fromtimestamp(ts_ns // SECOND_NS, UTC).strftime("%Y-%m-%d")


def _of_day(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return (int(hours) * 60 + int(minutes)) * 60 * SECOND_NS
