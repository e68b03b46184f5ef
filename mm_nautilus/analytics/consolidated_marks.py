"""Marks of an asset that trades on several instruments: its worth everywhere, and on each of them.

From what a run log recorded of every market (its marks, and the books seen at our fills) the consolidated fair value is
followed as a strategy would follow it, without looking ahead: `mm_nautilus.venues.consolidated`, equal weights, a basis
with a half-life of ten minutes. A market that is not fit to be marked at leaves it at once.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from mm_nautilus.analytics.equity import Floats, Ints
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.rate_path import RatePath
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.venue import Venue

BASIS_HALF_LIFE_S: Final = 600.0
_SAMPLE_NS: Final = 1_000_000_000
_NEVER_STALE_S: Final = 1e9  # the log says itself when a market was not fit to be marked at
_CROSSED_BPS: Final = 5.0  # a mid still says what something is worth where dealers' quotes lock or cross by a hair
_FINER: Final = 10  # prices are told apart by a tenth of a tick: mids are at half ticks


@dataclass(frozen=True, slots=True)
class Seen:
    """Best prices of one market at instants in order of time; NaN where it was not fit to be marked at."""

    ts_ns: Ints
    bid: Floats
    ask: Floats


@dataclass(frozen=True, slots=True)
class MarkPath:
    """Marks of one instrument over a run.

    Parameters
    ----------
    ts_ns : sequence of int
        Instants, ascending; the first is the start of the run.
    worth : sequence of float
        What the asset is worth on this instrument's venue (the consolidated value and its basis), in quote currency.
    asset : sequence of float
        What it is worth everywhere, in the asset's reference currency.

    """

    ts_ns: Sequence[int]
    worth: Sequence[float]
    asset: Sequence[float]

    def at(self, ts_ns: int) -> int:
        """Return the place of the last mark at or before an instant, the first where there is none."""
        return max(bisect_right(self.ts_ns, ts_ns) - 1, 0)


def seen_market(one: InstrumentLog) -> Seen:
    """Return the marks of a market and, between the first and the last of them, its book just before each fill."""
    span = (one.quoted_ns[0], one.quoted_ns[-1]) if len(one.quoted_ns) else (0, -1)
    fills = [
        (fill.ts_ns - 1, fill.bid, fill.ask)
        for fill in one.fills
        if fill.bid is not None and fill.ask is not None and span[0] < fill.ts_ns <= span[1]
    ]
    ts_ns = np.concatenate((one.mark_ns, np.array([ts for ts, _, _ in fills], dtype=np.int64)))
    bid, ask = (
        np.concatenate((marked, np.array([fill[column] for fill in fills], dtype=np.float64)))
        for column, marked in ((1, one.mark_bid), (2, one.mark_ask))
    )
    order = np.argsort(ts_ns, kind="stable")
    return Seen(ts_ns[order], bid[order], ask[order])


def own_path(seen: Seen, start_ns: int) -> MarkPath | None:
    """Return the marks of an asset that trades on one instrument: its mids; ``None`` where it never had one."""
    both = np.isfinite(seen.bid) & np.isfinite(seen.ask)
    if not both.any():
        return None
    mids = (0.5 * (seen.bid + seen.ask))[both].tolist()
    instants = np.maximum(seen.ts_ns[both], start_ns).tolist()
    return MarkPath([start_ns, *instants], [mids[0], *mids], [mids[0], *mids])


class ConsolidatedMarks:
    """The consolidated value of an asset, and the basis of each of its instruments, as their markets are seen.

    Parameters
    ----------
    instruments : int
        How many there are; they are known by their numbers, the reference is 0.

    """

    __slots__ = ("_due_ns", "_known", "_reference")

    def __init__(self, instruments: int) -> None:
        venues = [Venue(str(number), "asset", "reference", 0.0, 0.0) for number in range(instruments)]
        self._reference = ConsolidatedFairValue(
            venues, "reference", BASIS_HALF_LIFE_S, _NEVER_STALE_S, crossed_bps=_CROSSED_BPS
        )
        self._known = [False] * instruments
        self._due_ns = 0

    def take(self, number: int, bid: float, ask: float, ts_ns: int) -> float | None:
        """Take the best prices of an instrument in the reference currency, NaN where it is not fit to be marked at.

        Returns
        -------
        float or None
            What the asset is worth then, in the reference currency; ``None`` where no market says so.

        """
        if ts_ns >= self._due_ns:
            self._reference.sample(ts_ns)
            self._due_ns = ts_ns + _SAMPLE_NS
        self._reference.update(number, bid, ask, ts_ns)
        self._known[number] |= math.isfinite(bid) and math.isfinite(ask)
        return self._reference.value(ts_ns)

    def basis(self, number: int) -> float:
        """Return what an instrument trades above the asset, in the reference currency; NaN before it was seen."""
        return self._reference.basis(number) if self._known[number] else math.nan


def consolidated_paths(
    markets: Mapping[str, Seen], start_ns: int, rates: Mapping[str, float | RatePath]
) -> dict[str, MarkPath]:
    """Return the marks of every instrument of one asset, all at the same instants.

    Parameters
    ----------
    markets : mapping of instrument to Seen
        Each with a mid at some time; the first is the reference.
    start_ns : int
        Start of the run.
    rates : mapping of instrument to float or RatePath
        Reference currency for one unit of the instrument's quote currency.

    """
    names = list(markets)
    followed = ConsolidatedMarks(len(names))
    ts_ns = np.concatenate([seen.ts_ns for seen in markets.values()])
    place = np.concatenate([np.full(len(seen.ts_ns), number) for number, seen in enumerate(markets.values())])
    scale = np.concatenate([rates_at(rates[name], seen.ts_ns) for name, seen in markets.items()])
    bid, ask = (np.concatenate([getattr(seen, side) for seen in markets.values()]) * scale for side in ("bid", "ask"))
    order = np.argsort(ts_ns, kind="stable")
    instants: list[int] = []
    asset: list[float] = []
    basis: list[list[float]] = []
    for at, number, low, high in zip(*(column[order].tolist() for column in (ts_ns, place, bid, ask)), strict=True):
        value = followed.take(number, low, high, at)
        if value is not None:
            instants.append(max(at, start_ns))
            asset.append(value)
            basis.append([followed.basis(one) for one in range(len(names))])
    return {
        name: _path(start_ns, instants, asset, np.array(basis)[:, number], rates[name])
        for number, name in enumerate(names)
    }


def _path(start_ns: int, instants: list[int], asset: list[float], basis: Floats, rate: float | RatePath) -> MarkPath:
    """Return one instrument's marks; before it was first seen its basis is the first it had."""
    first = int(np.argmax(np.isfinite(basis)))
    known = np.where(np.isfinite(basis), basis, basis[first])
    worth = ((np.array(asset) + known) / rates_at(rate, np.array(instants, dtype=np.int64))).tolist()
    return MarkPath([start_ns, *instants], [worth[0], *worth], [asset[0], *asset])


def rates_at(rate: float | RatePath, instants: Ints) -> Floats:
    """Return a rate, or what it was then, at instants."""
    return rate.at(instants) if isinstance(rate, RatePath) else np.full(len(instants), rate)


def exact_price(price: float, tick: Decimal) -> Decimal:
    """Return a price to a tenth of a tick, exactly."""
    step = tick / _FINER
    return round(Decimal(price) / step) * step
