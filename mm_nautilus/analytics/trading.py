"""One instrument's run as its figures need it: fills, quotes and what they made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from mm_nautilus.analytics.conversion import Conversion
from mm_nautilus.analytics.equity import Floats, Ints, pnl_by_fill
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.quote_life import QuoteLife
from mm_nautilus.analytics.statement import Entry
from mm_nautilus.inventory.age import LotQueue
from mm_nautilus.market import Purpose, Side

_MARKOUT = frozenset({"spread_capture", "adverse_selection"})


@dataclass(frozen=True, slots=True)
class Trading:
    """One instrument; arrays of fills are aligned, in order of time, money in settlement currency.

    Parameters
    ----------
    log : InstrumentLog
        What was recorded.
    life : QuoteLife
        Of its quotes.
    entries : sequence of Entry
        Everything it earned and paid.
    fill_ns : int array, shape (n,)
        When.
    size, turnover : float array, shape (n,)
        In base units (contracts); absolute value traded.
    quoted : bool array, shape (n,)
        Whether it was a quote that was filled, no hedge and no arbitrage.
    captured, markout : float array, shape (n,)
        Spread capture, and what it was worth at the end of the horizon of adverse selection; 0 unless `quoted`.
    pieces : float array, shape (n,)
        PnL from just before each fill to just before the next one.
    wait_s : float array, shape (n,)
        How long the order had had its price; NaN unless `quoted`.
    longest_held_s : float
        Longest time that anything was held, first in, first out.
    """

    log: InstrumentLog
    life: QuoteLife
    entries: Sequence[Entry]
    fill_ns: Ints
    size: Floats
    turnover: Floats
    quoted: np.ndarray[tuple[int], np.dtype[np.bool_]]
    captured: Floats
    markout: Floats
    pieces: Floats
    wait_s: Floats
    longest_held_s: float

    @property
    def name(self) -> str:
        """Instrument."""
        return self.log.facts.instrument_id

    @property
    def currency(self) -> str:
        """Settlement currency."""
        return self.log.facts.contract.settlement_currency


@dataclass(frozen=True, slots=True)
class Part:
    """An instrument of a scope, and what its money is worth in the scope's currency."""

    trading: Trading
    conversion: Conversion


def trading_of(log: InstrumentLog, life: QuoteLife, entries: Sequence[Entry], span_ns: tuple[int, int]) -> Trading:
    """Return what the figures of one instrument are made from.

    Parameters
    ----------
    log : InstrumentLog
        Of the instrument.
    life : QuoteLife
        From `mm_nautilus.analytics.quote_life.quote_lives`.
    entries : sequence of Entry
        From `mm_nautilus.analytics.statement.entries`.
    span_ns : tuple of int
        The run's first and last instant.

    """
    fills, contract = sorted(log.fills, key=lambda fill: fill.ts_ns), log.facts.contract
    n = len(fills)
    captured, markout = np.zeros(n), np.zeros(n)
    for entry in entries:
        if entry.fill >= 0 and entry.line in _MARKOUT:
            markout[entry.fill] += float(entry.amount)
            if entry.line == "spread_capture":
                captured[entry.fill] += float(entry.amount)
    final = log.books.final_mark
    return Trading(
        log=log,
        life=life,
        entries=entries,
        fill_ns=np.fromiter((fill.ts_ns for fill in fills), dtype=np.int64, count=n),
        size=np.fromiter((fill.size for fill in fills), dtype=np.float64, count=n),
        turnover=np.fromiter((abs(contract.value(fill.size, fill.price)) for fill in fills), np.float64, count=n),
        quoted=np.fromiter((fill.purpose == Purpose.QUOTE for fill in fills), dtype=np.bool_, count=n),
        captured=captured,
        markout=markout,
        pieces=pnl_by_fill(log.path, log.mid_at_fill, np.nan if final is None else float(final), contract),
        wait_s=np.fromiter(
            ((fill.ts_ns - fill.quoted_ts_ns) / 1e9 if fill.purpose == Purpose.QUOTE else np.nan for fill in fills),
            dtype=np.float64,
            count=n,
        ),
        longest_held_s=_longest_held(log, span_ns),
    )


def _longest_held(log: InstrumentLog, span_ns: tuple[int, int]) -> float:
    """Return how old the oldest lot ever was: it is the one that the next trade closes."""
    lots = LotQueue()
    if log.opening_position:
        lots.trade(span_ns[0], log.opening_position)
    longest = 0.0
    for fill in sorted(log.fills, key=lambda fill: fill.ts_ns):
        longest = max(longest, lots.oldest_age_s(max(fill.ts_ns, span_ns[0])) or 0.0)
        lots.trade(max(fill.ts_ns, span_ns[0]), fill.size * Side[fill.side])
    last = max(span_ns[1], int(log.path.ts_ns[-1]) if len(log.path.ts_ns) else 0)
    return max(longest, lots.oldest_age_s(last) or 0.0)


def exact_turnover(trading: Trading, first_ns: int, last_ns: int) -> Decimal:
    """Return the sum of the absolute values traded from one instant to before another, in settlement currency."""
    contract = trading.log.facts.contract
    mine = (fill for fill in trading.log.fills if first_ns <= fill.ts_ns < last_ns)
    return sum((abs(contract.value(fill.size, fill.price)) for fill in mine), Decimal(0))
