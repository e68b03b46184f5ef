"""Silence and unfit books, as strategies see them when they sample the market."""

from __future__ import annotations

from typing import Final

from mm_nautilus.messages import MarkFact

_UNFIT: Final = frozenset({"ONE_SIDED_BOOK", "CROSSED_BOOK", "LOCKED_BOOK"})


class StaleFeed:
    """Seconds since the market was last heard of.

    Taken from each mark, whose sender knows when it last heard of the market. Between marks nothing is known of the
    market, so the age stands still; it runs on once a mark is overdue by half an interval.
    """

    __slots__ = ("_age_s", "_due_ns", "_marked_ns", "_market_ns")

    def __init__(self) -> None:
        self._market_ns = self._marked_ns = self._due_ns = 0
        self._age_s: float | None = None

    def marked(self, fact: MarkFact) -> None:
        """Take a mark; one from before the first market event says nothing."""
        now_ns = fact.ts_ns
        if self._marked_ns and now_ns > self._marked_ns:
            self._due_ns = now_ns + 3 * (now_ns - self._marked_ns) // 2
        self._marked_ns = now_ns
        if fact.market_ts_ns > 0:
            self._market_ns = max(self._market_ns, fact.market_ts_ns)
            self._age_s = (now_ns - self._market_ns) * 1e-9

    def value(self, now_ns: int) -> float | None:
        """Return the silence in seconds."""
        if self._age_s is None or not self._due_ns or now_ns <= self._due_ns:
            return self._age_s
        return (now_ns - self._market_ns) * 1e-9

    def reason(self, now_ns: int) -> str:
        """Say for how long."""
        age_s = self.value(now_ns)
        return "the market has not been heard of yet" if age_s is None else f"market silent for {age_s:.3g} s"

    def restart(self, now_ns: int) -> None:
        """Forget nothing: the feed is as old as it is."""


class UnfitBook:
    """Seconds for which the book has been crossed, locked or one-sided, as the marks found it."""

    __slots__ = ("_fault", "_marked_ns", "_since_ns")

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self._marked_ns: int | None = None
        self._fault = ""

    def marked(self, fact: MarkFact) -> None:
        """Take a mark; a book that has also fallen silent stays what it was when last seen."""
        self._marked_ns = fact.ts_ns
        if fact.fault in _UNFIT:
            self._fault = fact.fault
            if self._since_ns is None:
                self._since_ns = fact.ts_ns
        elif fact.fault != "STALE_BOOK":
            self._since_ns = None

    def value(self, now_ns: int) -> float | None:
        """Return the time in seconds, 0 while the book is fit."""
        if self._since_ns is None:
            return None if self._marked_ns is None else 0.0
        return (now_ns - self._since_ns) * 1e-9

    def reason(self, now_ns: int) -> str:
        """Say what is wrong and for how long."""
        if self._since_ns is None:
            return "the book has two sides that do not cross"
        return f"{self._fault} for {(now_ns - self._since_ns) * 1e-9:.3g} s"

    def restart(self, now_ns: int) -> None:
        """Forget nothing: the book is as it is."""
