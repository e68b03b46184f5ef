"""One venue of a simulated market: price, order flow and book, stretch by stretch into the catalogue's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mm_nautilus.catalog.simulator.book import Book
from mm_nautilus.catalog.simulator.efficient import NODES_PER_S, EfficientPrices
from mm_nautilus.catalog.simulator.flow import ASK, BID, MarketOrders, OrderFlow, half_spread_ticks
from mm_nautilus.catalog.simulator.lattice import VenuePrice
from mm_nautilus.catalog.simulator.params import MAX_LAG_S, SimulationParams, Venue
from mm_nautilus.catalog.simulator.schedule import segments
from mm_nautilus.catalog.simulator.streams import stream
from mm_nautilus.catalog.simulator.tables import Tables

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

UPDATE_DELAY_NS: Final = 1_000
"""A market order's book update follows its trades by this much, so that no sorting can put it first."""
_GAP_NS: Final = 2 * UPDATE_DELAY_NS
"""Least distance of two events, so that an update precedes the next event."""
_TOUCH_DECAY: Final = 0.85
"""Passive flow falls by this factor from level to level."""

_SHAPE, _ORDER, _UPDATE = range(3)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one venue produced in one stretch of time."""

    deltas: pa.Table
    trades: pa.Table
    quotes: pa.Table
    orders: pa.Table
    """Ground truth of the market orders, of schema `tables.ORDERS`."""
    mids: Ints
    """The mid at the start of the stretch, then whenever it moved or the regime changed, in ticks."""


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Mid, half spread (in ticks) and size multiplier of the book from given times on."""

    times: Floats
    mids: Ints
    half_spreads: Ints
    multipliers: Floats


@dataclass(frozen=True, slots=True)
class _Updates:
    """Passive size changes: side, level (0 is the touch) and how far the size moves towards a fresh draw."""

    times: Floats
    sides: Ints
    levels: Ints
    weights: Floats


class VenueMarket:
    """A venue that is advanced along the grid of the efficient price and hands over tables.

    Parameters
    ----------
    venue : Venue
        The venue.
    params : SimulationParams
        The whole market (seed, start, end and the venue's asset).
    efficient : EfficientPrices
        Has to be prepared up to the informed traders' horizon before each `advance`.

    """

    def __init__(self, venue: Venue, params: SimulationParams, efficient: EfficientPrices) -> None:
        self.venue = venue
        self._duration_s = params.duration_s
        self._episodes = params.asset(venue.asset).episodes
        self._start_ns = start_ns(params)
        self._price = VenuePrice(venue, params.seed, efficient)
        self._flow = OrderFlow(venue, params, efficient)
        self._passive = stream(params.seed, "passive", venue.instrument_id)
        self._latency = stream(params.seed, "latency", venue.instrument_id)
        self._sizes = stream(params.seed, "sizes", venue.instrument_id)
        weights = _TOUCH_DECAY ** np.arange(venue.levels)
        self._level_cdf = np.cumsum(weights / weights.sum())
        self._book: Book | None = None
        self._event_ns = self._init_ns = 0
        self._tables = Tables(venue)

    def advance(self, first: int, last: int) -> tuple[Floats, Stretch | None]:
        """Move from one grid node to a later one.

        Returns
        -------
        prices : array, shape (last - first,)
            The venue's price before rounding at nodes ``first`` to ``last - 1``, in quote currency.
        stretch : Stretch or None
            What happened; None after the end of the data.

        """
        mid = self._price.mid
        times, mids, prices = self._price.advance(first, last)
        clock = self.venue.lag_s - MAX_LAG_S
        begin_s, end_s = max(first / NODES_PER_S + clock, 0.0), min(last / NODES_PER_S + clock, self._duration_s)
        if end_s <= begin_s:
            return prices, None
        known = np.concatenate([[self._price.first_mid if mid is None else mid], mids])
        shapes = self._shapes(times, known, begin_s, end_s)
        orders = self._flow.advance(begin_s, end_s)
        return prices, self._write(shapes, orders, begin_s, end_s)

    def _shapes(self, times: Floats, known: Ints, begin_s: float, end_s: float) -> _Shapes:
        """Return the book's shape at the start and wherever the mid moves or the regime changes."""
        lag = self.venue.lag_s
        pieces = list(segments(self._episodes, begin_s - lag, end_s - lag))
        cuts = np.array([start + lag for start, _, _ in pieces])
        cuts[0] = begin_s
        moves = times[(times >= begin_s) & (times < end_s)]
        when = np.unique(np.concatenate([cuts, moves]))
        piece = np.searchsorted(cuts, when, side="right") - 1
        half_spreads = np.array([half_spread_ticks(self.venue, regime) for _, _, regime in pieces])
        multipliers = np.array([regime.size_multiplier for _, _, regime in pieces])
        mids = known[np.searchsorted(times, when, side="right")]
        return _Shapes(when, mids, half_spreads[piece], multipliers[piece])

    def _write(self, shapes: _Shapes, orders: MarketOrders, begin_s: float, end_s: float) -> Stretch:
        updates = self._updates(begin_s, end_s)
        times = np.concatenate([shapes.times, orders.times, updates.times])
        lengths = [len(shapes.times), len(orders.times), len(updates.times)]
        kinds = np.repeat([_SHAPE, _ORDER, _UPDATE], lengths)
        rows = np.concatenate([np.arange(length) for length in lengths])
        # The shape the stretch begins with is its first event: it is first in the input and the sort is stable.
        sequence = np.argsort(times, kind="stable")
        times, kinds, rows = times[sequence], kinds[sequence], rows[sequence]

        book = self._book or self._open(shapes)
        shape_rows = _rows(shapes.mids, shapes.half_spreads, shapes.multipliers)
        order_rows = _rows(orders.hit_sides, orders.extra_levels, orders.sizes_base)
        update_rows = _rows(updates.sides, updates.levels, updates.weights)
        for event, (kind, row) in enumerate(zip(kinds.tolist(), rows.tolist(), strict=True)):
            if kind == _UPDATE:
                book.resize(event, *update_rows[row])
            elif kind == _ORDER:
                book.take(event, *order_rows[row])
            else:
                book.move(event, *shape_rows[row])

        tape, tables = book.flush(), self._tables
        event_ns, init_ns = self._stamp(times)
        # The trades of a market order carry its time, the book update that reflects them comes after.
        delay = np.where(kinds == _ORDER, UPDATE_DELAY_NS, 0)
        truth = tables.orders(tape, orders, event_ns[kinds == _ORDER])
        trades = tables.trades(tape, event_ns, init_ns)
        deltas = tables.deltas(tape, event_ns + delay, init_ns + delay)
        quotes = tables.quotes(tape, event_ns + delay, init_ns + delay)
        return Stretch(deltas, trades, quotes, truth, shapes.mids)

    def _open(self, shapes: _Shapes) -> Book:
        mid, half_spread = int(shapes.mids[0]), int(shapes.half_spreads[0])
        multiplier = float(shapes.multipliers[0])
        self._book = Book(self.venue, self._sizes, mid=mid, half_spread=half_spread, size_multiplier=multiplier)
        self._book.restate(0)
        return self._book

    def _updates(self, begin_s: float, end_s: float) -> _Updates:
        rng = self._passive
        count = int(rng.poisson(self.venue.book_updates_per_s * (end_s - begin_s)))
        return _Updates(
            np.sort(rng.uniform(begin_s, end_s, count)),
            rng.integers(BID, ASK, count, endpoint=True),
            np.minimum(np.searchsorted(self._level_cdf, rng.random(count)), self.venue.levels - 1),
            rng.random(count),
        )

    def _stamp(self, times: Floats) -> tuple[Ints, Ints]:
        """Return exchange and arrival times in nanoseconds, both with room for the delayed update between events."""
        venue = self.venue
        latency = venue.feed_latency_s + venue.feed_jitter_s * self._latency.standard_exponential(len(times))
        event_ns = _spaced(self._start_ns + np.rint(times * 1e9).astype(np.int64), self._event_ns)
        init_ns = _spaced(event_ns + np.rint(latency * 1e9).astype(np.int64), self._init_ns)
        self._event_ns, self._init_ns = int(event_ns[-1]), int(init_ns[-1])
        return event_ns, init_ns


def start_ns(params: SimulationParams) -> int:
    """Return the start of the data in nanoseconds since 1970 UTC."""
    return int(params.start.replace(microsecond=0).timestamp()) * 10**9 + params.start.microsecond * 1000


def _rows(*columns: npt.NDArray[Any]) -> list[tuple[Any, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _spaced(times_ns: Ints, previous_ns: int) -> Ints:
    """Return the least times that are not before the given ones and at least `_GAP_NS` apart, in their order."""
    steps = _GAP_NS * np.arange(1, len(times_ns) + 1)
    return np.maximum.accumulate(np.maximum(times_ns - steps, previous_ns)) + steps
