"""A scope day by day, week by week and month by month; the PnL of all periods of a kind is that of the scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

import numpy as np

from mm_nautilus.analytics.drawdown import drawdown
from mm_nautilus.analytics.equity import Floats, Ints
from mm_nautilus.analytics.equity_steps import PER_YEAR, Path, Steps
from mm_nautilus.analytics.performance import Period
from mm_nautilus.analytics.quote_figures import adverse_rate, fill_rate, spread_bps
from mm_nautilus.analytics.sharpe import sharpe_ratio
from mm_nautilus.analytics.trading import Part, exact_turnover
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.venues.trading_hours import DAY_NS

_EPOCH: Final = date(1970, 1, 1)

type Amounts = Sequence[tuple[int, Decimal]]
"""``(ts_ns, amount)`` of everything a scope earned and paid, in its currency."""


def day_of(ts_ns: int, roll_over_ns: int) -> date:
    """Return the date (UTC) on which the trading day of an instant began."""
    return _EPOCH + timedelta(days=(ts_ns - roll_over_ns) // DAY_NS)


def _day(day: date) -> date:
    return day


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month(day: date) -> date:
    return day.replace(day=1)


_KINDS: Final[Mapping[str, tuple[Callable[[date], date], Callable[[date], date]]]] = {
    "daily": (_day, lambda first: first + timedelta(days=1)),
    "weekly": (_week, lambda first: first + timedelta(days=7)),
    "monthly": (_month, lambda first: _month(first + timedelta(days=31))),
}


def periods(
    parts: Sequence[Part], amounts: Amounts, steps: Steps, path: Path, span_ns: tuple[int, int], roll_over_ns: int
) -> dict[str, tuple[Period, ...]]:
    """Return the tables ``daily``, ``weekly`` and ``monthly`` of a scope.

    Parameters
    ----------
    parts : sequence of Part
        The scope.
    amounts : sequence of (ts_ns, amount)
        Everything it earned and paid.
    steps, path : Steps, Path
        Its equity in equal steps and at every mark.
    span_ns : tuple of int
        The run's first and last instant.
    roll_over_ns : int
        When a trading day ends, in nanoseconds after midnight UTC.

    """
    start, end = span_ns
    pnl: dict[date, Decimal] = {}
    days: dict[int, date] = {}
    with localcontext(EXACT):
        for ts_ns, amount in amounts:
            # What a mark moved arose before it: at a roll-over it belongs to the day that ends.
            number = (min(max(ts_ns, start + 1), end) - 1 - roll_over_ns) // DAY_NS
            day = days.get(number) or days.setdefault(number, _EPOCH + timedelta(days=number))
            pnl[day] = pnl.get(day, Decimal(0)) + amount
        last = day_of(max(end - 1, start), roll_over_ns)
        return {
            kind: tuple(
                _period(begin, after(begin), parts, pnl, steps, path, span_ns, roll_over_ns)
                for begin in _begins(day_of(start, roll_over_ns), last, begins, after)
            )
            for kind, (begins, after) in _KINDS.items()
        }


def _begins(first: date, last: date, begins: Callable[[date], date], after: Callable[[date], date]) -> Sequence[date]:
    found = [begins(first)]
    while after(found[-1]) <= last:
        found.append(after(found[-1]))
    return found


def _period(
    begin: date,
    after: date,
    parts: Sequence[Part],
    pnl: Mapping[date, Decimal],
    steps: Steps,
    path: Path,
    span_ns: tuple[int, int],
    roll_over_ns: int,
) -> Period:
    begin_ns, after_ns = ((day - _EPOCH).days * DAY_NS + roll_over_ns for day in (begin, after))
    start, end = max(begin_ns, span_ns[0]), min(after_ns, span_ns[1])
    until = end + 1 if end == span_ns[1] else end  # the run's last instant is part of it
    total = sum((amount for day, amount in pnl.items() if begin <= day < after), Decimal(0))
    single = parts[0].trading if len(parts) == 1 else None
    inside = [(part.trading.fill_ns >= start) & (part.trading.fill_ns < until) for part in parts]
    trades = sum(int(mine.sum()) for mine in inside)
    volume = None
    if single is not None:
        volume = sum((fill.size for fill in single.log.fills if start <= fill.ts_ns < until), Decimal(0))
    within = np.flatnonzero((steps.edges >= start) & (steps.edges <= end))
    equity = path.equity[(path.ts_ns > start) & (path.ts_ns <= end)]
    before = np.searchsorted(path.ts_ns, start, side="right") - 1
    opening = float(path.equity[before]) if before > 0 else 0.0
    ratio = sharpe_ratio(np.diff(steps.equity[within[within <= steps.whole]]), PER_YEAR)
    return Period(
        start=begin.isoformat(),
        start_ns=start,
        end_ns=end,
        complete=span_ns[0] <= begin_ns and after_ns <= span_ns[1],
        pnl=total,
        trades=trades,
        turnover=sum((exact_turnover(part.trading, start, until) * part.conversion.last for part in parts), Decimal(0)),
        volume=volume,
        pnl_per_trade=float(total) / trades if trades else None,
        pnl_per_unit=float(total) / float(volume) if volume else None,
        spread_bps=spread_bps(parts, start, until),
        fill_rate=fill_rate(parts, start, until).value,
        adverse_selection_rate=adverse_rate(parts, start, until).value,
        sharpe=ratio.annual,
        sharpe_stderr=None if ratio.standard_error is None else ratio.standard_error * PER_YEAR**0.5,
        max_inventory=None if single is None else _largest(single.log.path.position, single.fill_ns, start, until),
        max_drawdown=drawdown(equity - opening).amount,
    )


def _largest(position: Floats, fill_ns: Ints, start: int, until: int) -> float:
    first, last = np.searchsorted(fill_ns, (start, until), side="left")
    return float(np.abs(position[first : last + 1]).max())
