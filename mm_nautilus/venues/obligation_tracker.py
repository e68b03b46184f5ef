"""How long a venue's rule was kept: told what rests and what the market does, it adds up time.

Free of any engine, so that it can run beside a strategy as well as over a run log. Time is weighted exactly: what
holds from one event to the next counts with the whole length in between, cut where trading hours begin or end, where
a day rolls over and where the relief for a stressed market runs out.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mm_nautilus.market import Side
from mm_nautilus.venues.obligation import ObligationSettings
from mm_nautilus.venues.obligation_judgement import Shortfall, Worth, judge
from mm_nautilus.venues.trading_hours import TradingHours, day_name


class Excuse(StrEnum):
    """Why nothing is demanded at an instant."""

    OUT_OF_HOURS = "OUT_OF_HOURS"
    NO_MARKET = "NO_MARKET"
    STALE_FEED = "STALE_FEED"


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One trading day.

    Parameters
    ----------
    day : str
        Date (UTC) on which it began.
    demanded_s, kept_s : float
        Time in which the rule held, and in which it was kept, in seconds.
    uptime : float | None
        ``kept_s / demanded_s``; ``None`` where nothing was demanded.
    met : bool | None
        Whether that was enough.

    """

    day: str
    demanded_s: float
    kept_s: float
    uptime: float | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class ObligationRecord:
    """How one rule was kept on one instrument.

    Parameters
    ----------
    demanded_s, kept_s, stressed_s : float
        Time in which the rule held, in which it was kept, and in which it held relaxed, in seconds.
    uptime : float | None
        ``kept_s / demanded_s``; ``None`` where nothing was demanded.
    met : bool | None
        Whether that was enough.
    shortfalls, excused : mapping of cause to float
        Time in which it was not kept and in which nothing was demanded, in seconds, longest first.
    mean_spread_bps : float | None
        Time-weighted spread at the minimum size, while there was one and it was demanded.
    days : tuple of DayRecord
        Day by day; those in which anything was demanded.

    """

    demanded_s: float
    kept_s: float
    stressed_s: float
    uptime: float | None
    met: bool | None
    shortfalls: dict[str, float]
    excused: dict[str, float]
    mean_spread_bps: float | None
    days: tuple[DayRecord, ...]


class ObligationTracker:
    """Adds up how long one rule is kept on one instrument.

    Parameters
    ----------
    rule : ObligationSettings
        What is demanded.
    worth : callable
        Value of a size at a price, in settlement currency.
    start_ns : int
        When it begins to count, in nanoseconds since 1970.
    roll_over_ns : int
        When a trading day ends, in nanoseconds after midnight UTC.

    """

    def __init__(self, rule: ObligationSettings, worth: Worth, start_ns: int, roll_over_ns: int = 0) -> None:
        self._rule, self._worth = rule, worth
        self._hours = TradingHours(rule.hours_utc, rule.weekdays, roll_over_ns)
        self._now = start_ns
        self._orders: dict[Side, dict[str, tuple[Decimal, Decimal]]] = {Side.BUY: {}, Side.SELL: {}}
        self._mid: float | None = None
        self._stale = False
        self._stress = None if rule.stress is None else _Range(round(rule.stress.window_s * 1e9))
        self._stressed_until = -1
        self._verdict: tuple[Shortfall | None, Decimal | None] | None = None
        self._verdict_stressed = False
        self._kept = self._stressed = 0
        self._short: dict[str, int] = {}
        self._excused: dict[str, int] = {}
        self._days: dict[int, list[int]] = {}
        self._spread_seconds = self._spread_sum = 0.0

    def rests(self, ts_ns: int, order_id: str, side: Side, price: Decimal, size: Decimal) -> None:
        """Take over what rests of one order from now on.

        Parameters
        ----------
        ts_ns : int
            Not before any earlier event.
        order_id : str
            Which order.
        side : Side
            Ours.
        price, size : Decimal
            Quote currency; what is still open of it, in base units (contracts), 0 where it is gone.

        """
        self._advance(ts_ns)
        mine = self._orders[side]
        if size > 0:
            mine[order_id] = (price, size)
        elif mine.pop(order_id, None) is None:
            return
        self._verdict = None

    def market(self, ts_ns: int, bid: float | None, ask: float | None, *, stale: bool = False) -> None:
        """Take over the market's best prices, ``None`` where a side is empty.

        Parameters
        ----------
        ts_ns : int
            Not before any earlier event.
        bid, ask : float or None
            In quote currency.
        stale : bool
            The market's data does not reach us.

        """
        self._advance(ts_ns)
        two_sided = bid is not None and ask is not None and 0.0 < bid <= ask
        mid = 0.5 * (bid + ask) if two_sided else None  # type: ignore[operator]
        self._stale = stale
        if mid != self._mid:
            self._mid = mid
            self._verdict = None
        stress = self._rule.stress
        if stress is None or self._stress is None or mid is None:
            return
        if self._stress.add(ts_ns, mid) >= stress.move_bps:
            self._stressed_until = ts_ns + round(stress.lasts_s * 1e9)

    def record(self, end_ns: int) -> ObligationRecord:
        """Return what has been added up until an instant, not before any earlier event."""
        self._advance(end_ns)
        demanded = self._kept + sum(self._short.values())
        days = tuple(
            DayRecord(day_name(start), all_ns / 1e9, kept_ns / 1e9, *self._met(kept_ns, all_ns))
            for start, (all_ns, kept_ns) in sorted(self._days.items())
        )
        return ObligationRecord(
            demanded / 1e9,
            self._kept / 1e9,
            self._stressed / 1e9,
            *self._met(self._kept, demanded),
            _longest_first(self._short),
            _longest_first(self._excused),
            self._spread_sum / self._spread_seconds if self._spread_seconds else None,
            days,
        )

    def _met(self, kept: int, demanded: int) -> tuple[float | None, bool | None]:
        if not demanded:
            return None, None
        uptime = kept / demanded
        return uptime, uptime >= self._rule.uptime

    def _advance(self, ts_ns: int) -> None:
        while self._now < ts_ns:
            edge = min(ts_ns, self._hours.next_edge(self._now))
            if self._now < self._stressed_until:
                edge = min(edge, self._stressed_until)
            self._count(edge - self._now)
            self._now = edge

    def _count(self, length_ns: int) -> None:
        excuse = self._excuse()
        if excuse is not None:
            self._excused[excuse] = self._excused.get(excuse, 0) + length_ns
            return
        stressed = self._now < self._stressed_until
        if self._verdict is None or stressed is not self._verdict_stressed:
            bids, asks = (list(self._orders[side].values()) for side in (Side.BUY, Side.SELL))
            self._verdict = judge(self._rule, bids, asks, self._mid, self._worth, stressed=stressed)
            self._verdict_stressed = stressed
        shortfall, spread = self._verdict
        day = self._days.setdefault(self._hours.day_start(self._now), [0, 0])
        day[0] += length_ns
        self._stressed += length_ns if stressed else 0
        if spread is not None:
            self._spread_seconds += length_ns * 1e-9
            self._spread_sum += length_ns * 1e-9 * float(spread)
        if shortfall is None:
            self._kept += length_ns
            day[1] += length_ns
        else:
            self._short[shortfall] = self._short.get(shortfall, 0) + length_ns

    def _excuse(self) -> Excuse | None:
        if not self._hours.is_open(self._now):
            return Excuse.OUT_OF_HOURS
        if self._stale and self._rule.excuse_stale_feed:
            return Excuse.STALE_FEED
        if self._mid is None and self._rule.excuse_no_market:
            return Excuse.NO_MARKET
        return None


class _Range:
    """Range of the last values within a window, over the lowest of them, in basis points."""

    __slots__ = ("_high", "_low", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        # Candidates for the highest and the lowest value: later ones that are no less extreme replace earlier ones.
        self._high: deque[tuple[int, float]] = deque()
        self._low: deque[tuple[int, float]] = deque()

    def add(self, ts_ns: int, value: float) -> float:
        for held, sign in ((self._high, 1.0), (self._low, -1.0)):
            while held and sign * held[-1][1] <= sign * value:
                held.pop()
            held.append((ts_ns, value))
            while held[0][0] < ts_ns - self._window_ns:
                held.popleft()
        low = self._low[0][1]
        return 1e4 * (self._high[0][1] - low) / low if low > 0.0 else math.inf


def _longest_first(times_ns: dict[str, int]) -> dict[str, float]:
    return {str(cause): ns / 1e9 for cause, ns in sorted(times_ns.items(), key=lambda item: (-item[1], item[0]))}
