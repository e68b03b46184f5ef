"""Market orders and virtual resting orders, from trades and the top of the book, in whole half-ticks.

Prices are integers: a mid lies on half-ticks, so depths in half-ticks are exact and a lattice is a lattice. Time is
counted only while the book is fit to be quoted on: two-sided, not crossed or locked, not too wide, not stale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mm_nautilus.estimators.intensity_censored import Floats

type Ints = npt.NDArray[np.int64]
type Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tops:
    """Top of the book after each event, one entry per event and array, in order of time.

    Parameters
    ----------
    ts_ns : int array
        When it was known, in nanoseconds since 1970.
    bid_ticks, ask_ticks : int array
        Best prices in ticks; 0 where a side is missing.
    bid_size, ask_size : float array
        Sizes shown there, in any one unit.

    """

    ts_ns: Ints
    bid_ticks: Ints
    ask_ticks: Ints
    bid_size: Floats
    ask_size: Floats

    @property
    def mid_half_ticks(self) -> Ints:
        """Mid in half-ticks: the sum of the best prices in ticks."""
        return self.bid_ticks + self.ask_ticks

    def fit(self, max_spread_bps: float | None = None) -> Mask:
        """Return where the book may be quoted on: two-sided, not crossed or locked, not wider than allowed."""
        spread = self.ask_ticks - self.bid_ticks
        good = (self.bid_ticks > 0) & (spread > 0) & (self.bid_size > 0) & (self.ask_size > 0)
        if max_spread_bps is not None:
            good &= spread <= max_spread_bps * 1e-4 * 0.5 * self.mid_half_ticks
        return good


@dataclass(frozen=True, slots=True)
class QuotedTime:
    """A clock that runs only while the book is fit to be quoted on.

    Parameters
    ----------
    ts_ns : int array, shape (n,)
        Instants of the tops it was made from.
    fit : bool array, shape (n,)
        Whether the book was fit from each of them on.
    stale_ns : int
        Silence after which the book counts no longer.
    before_s : float array, shape (n + 1,)
        Seconds on the clock at each instant, and at the end.

    """

    ts_ns: Ints
    fit: Mask
    stale_ns: int
    before_s: Floats

    @classmethod
    def of(cls, ts_ns: Ints, fit: Mask, stale_after_s: float, end_ns: int) -> QuotedTime:
        """Return the clock of some tops up to an instant not before the last of them."""
        stale_ns = int(stale_after_s * 1e9)
        lasted = np.minimum(np.diff(ts_ns, append=end_ns), stale_ns)
        return cls(ts_ns, fit, stale_ns, np.concatenate([[0.0], np.cumsum(np.where(fit, lasted, 0)) * 1e-9]))

    @property
    def total_s(self) -> float:
        """Seconds in all."""
        return float(self.before_s[-1])

    def top_before(self, ts_ns: Ints, *, or_at: bool = False) -> tuple[Ints, Mask]:
        """Return the last top strictly before (or at) each instant, and whether it could be quoted on then."""
        at = np.searchsorted(self.ts_ns, ts_ns, side="right" if or_at else "left") - 1
        known = np.maximum(at, 0)
        return known, (at >= 0) & self.fit[known] & (ts_ns - self.ts_ns[known] <= self.stale_ns)

    def at(self, ts_ns: Ints, top: Ints) -> Floats:
        """Return the seconds on the clock at instants whose last top is known."""
        run: Floats = self.before_s[top] + np.where(self.fit[top], ts_ns - self.ts_ns[top], 0) * 1e-9
        return run


@dataclass(frozen=True, slots=True)
class MarketOrders:
    """Aggressive orders of one side, in order of time: when the first trade was known, and the farthest price."""

    ts_ns: Ints
    price_ticks: Ints


def market_orders(ts_event: Ints, ts_ns: Ints, price_ticks: Ints, aggressor: Ints, side: int) -> MarketOrders:
    """Group the trades of one aggressor side that carry one exchange time into one order.

    Parameters
    ----------
    ts_event : int array, shape (n,)
        Exchange time of each trade, in nanoseconds.
    ts_ns : int array, shape (n,)
        When it was known; in order.
    price_ticks : int array, shape (n,)
        Price in ticks.
    aggressor : int array, shape (n,)
        +1 for a buyer, -1 for a seller, 0 where it is not known; those are left out.
    side : int
        +1 for market buys, which hit asks; -1 for market sells, which hit bids.

    """
    mine = aggressor == side
    event, known, signed = ts_event[mine], ts_ns[mine], side * price_ticks[mine]
    if not event.size:
        return MarketOrders(known, signed)
    first = np.flatnonzero(np.diff(event, prepend=event[0] - 1))
    return MarketOrders(known[first], side * np.maximum.reduceat(signed, first))


@dataclass(frozen=True, slots=True)
class Depths:
    """Market orders of one side that met a book fit to be quoted on.

    Parameters
    ----------
    half_ticks : int array, shape (n,)
        Farthest price from the mid before the order; negative where it traded on the near side of a mid that had
        moved away.
    clock_s : float array, shape (n,)
        Quoted time at which it came.
    unfit : int
        Orders left out because the book was not fit.

    """

    half_ticks: Ints
    clock_s: Floats
    unfit: int


def order_depths(orders: MarketOrders, side: int, tops: Tops, clock: QuotedTime, *, through: bool = False) -> Depths:
    """Measure how deep the market orders of one side reached.

    Parameters
    ----------
    orders : MarketOrders
        Of that side.
    side : int
        +1 for market buys, -1 for market sells.
    tops, clock : Tops, QuotedTime
        The book and its clock.
    through : bool
        Pessimistic: an order must trade beyond a price to fill what rests there, not only at it.

    """
    top, fit = clock.top_before(orders.ts_ns)
    top, ts_ns, price = top[fit], orders.ts_ns[fit], orders.price_ticks[fit]
    depth = side * (2 * price - tops.mid_half_ticks[top]) - (2 if through else 0)
    return Depths(depth, clock.at(ts_ns, top), int(np.count_nonzero(~fit)))


@dataclass(frozen=True, slots=True)
class RestingOutcomes:
    """What became of virtual orders that rested for one window: per block of time and depth.

    Parameters
    ----------
    half_ticks : int array, shape (depths,)
        Distances from the mid at the start of the window.
    exposure_s, hits : float array, shape (blocks, depths)
        Seconds rested, and how many were hit.

    """

    half_ticks: Ints
    exposure_s: Floats
    hits: Floats


def resting_outcomes(
    orders: MarketOrders,
    side: int,
    tops: Tops,
    clock: QuotedTime,
    grid_half_ticks: Ints,
    window_s: float,
    block_s: float,
    *,
    through: bool = False,
) -> RestingOutcomes:
    """Place an order at each depth at the start of each window, and see when the first market order reaches it.

    Parameters
    ----------
    orders, side, tops, clock, through
        As in `order_depths`.
    grid_half_ticks : int array, shape (m,)
        Depths to place orders at. Each price is rounded away from the mid to a whole tick, so that a depth also
        stands for the half-tick beyond it.
    window_s : float
        How long an order rests: about the time between two requotes.
    block_s : float
        Length of the blocks of quoted time that outcomes are added up in.

    """
    window_ns = round(window_s * 1e9)
    begins = np.arange(tops.ts_ns[0], tops.ts_ns[-1] - window_ns + 1, window_ns)
    top, fit = clock.top_before(begins, or_at=True)
    mid = tops.mid_half_ticks[top]
    block = (clock.at(begins, top) / block_s).astype(np.int64)
    blocks = int(clock.total_s / block_s) + 1
    which = (orders.ts_ns - tops.ts_ns[0] - 1) // window_ns  # an order at the very start came before ours
    inside = (which >= 0) & (which < len(begins))
    inside[inside] = fit[which[inside]]
    which, after_s = which[inside], (orders.ts_ns[inside] - begins[which[inside]]) * 1e-9
    depth = side * (2 * orders.price_ticks[inside] - mid[which]) - (2 if through else 0)
    levels = np.unique(np.concatenate([grid_half_ticks, grid_half_ticks + 1]))
    exposure, hits = np.zeros((blocks, len(levels))), np.zeros((blocks, len(levels)))
    for level, half_ticks in enumerate(levels):
        placed = fit & ((mid + half_ticks) % 2 == 0)  # only there is the price on the lattice
        exposure[:, level] = window_s * np.bincount(block[placed], minlength=blocks)
        reached = (depth >= half_ticks) & placed[which]
        hit, early = which[reached], after_s[reached]
        first = np.flatnonzero(np.diff(hit, prepend=-1))
        hit, early = hit[first], early[first]
        exposure[:, level] -= np.bincount(block[hit], weights=window_s - early, minlength=blocks)
        hits[:, level] = np.bincount(block[hit], minlength=blocks)
    used = exposure.sum(axis=0) > 0
    return RestingOutcomes(levels[used], exposure[:, used], hits[:, used])


def sampled_mids(tops: Tops, clock: QuotedTime, interval_s: float, tick: float) -> tuple[Floats, Floats]:
    """Return the mid at fixed intervals, previous tick, in price units, and the quoted time then; NaN where unfit."""
    step = round(interval_s * 1e9)
    instants = np.arange(tops.ts_ns[0], tops.ts_ns[-1] + 1, step)
    top, fit = clock.top_before(instants, or_at=True)
    mids = np.where(fit, 0.5 * tick * tops.mid_half_ticks[top], np.nan)
    return mids, clock.at(instants, top)
