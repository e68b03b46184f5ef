"""Market orders: a Poisson or Hawkes stream per side, exponential depth, a share of informed traders.

A resting order at ``depth >= half spread`` is hit with intensity ``A exp(-k depth)``: market orders arrive with the
intensity of the touch, ``A exp(-k h)``, and each reaches the touch plus an exponential distance of mean ``1 / k``;
the deepest level within its reach is the last one it trades at.

Informed orders are thinned, not added: a side's candidates arrive at ``1 + share`` times its rate, a fraction
``2 share / (1 + share)`` of them are informed, and those trade only when the coming move goes their way. While up and
down are equally likely this leaves the side's rate, and makes ``share`` of its market orders informed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt

from mm_nautilus.catalog.simulator.efficient import EfficientPrices, node_before
from mm_nautilus.catalog.simulator.params import Excitation, Hits, SimulationParams, Venue
from mm_nautilus.catalog.simulator.schedule import Regime, regime_at, segments
from mm_nautilus.catalog.simulator.streams import stream

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]
type Bools = npt.NDArray[np.bool_]

BID: Final = 1
"""Side of the resting orders that are hit: bids by market sells ..."""
ASK: Final = 2
"""... asks by market buys; the values are those of a book side."""

_BURN_IN: Final = 20.0
"""Mean cluster durations simulated before the start, so that the excitation is stationary from the first second."""


@dataclass(frozen=True, slots=True)
class MarketOrders:
    """Market orders in order of time; every field has one entry per order."""

    times: Floats
    """On the venue's clock, in seconds."""
    hit_sides: Ints
    """`BID` or `ASK`."""
    extra_levels: Ints
    """Levels reached beyond the touch."""
    sizes_base: Floats
    """Size of the trade at the last level reached."""
    informed: Bools


class Arrivals:
    """Times of a Hawkes process by its branching representation (Hawkes and Oakes 1974).

    Immigrants arrive at the given rate; every event has a Poisson number of children (mean ``branching_ratio``)
    after exponential delays. Children due later than the present stretch are carried over.
    """

    def __init__(self, excitation: Excitation, rng: np.random.Generator) -> None:
        self._excitation = excitation
        self._rng = rng
        self._due = np.empty(0)

    @property
    def burn_in_s(self) -> float:
        """How long before the start the process has to run to be stationary."""
        branching = self._excitation.branching_ratio
        return _BURN_IN / (self._excitation.decay_per_s * (1.0 - branching)) if branching else 0.0

    def advance(self, pieces: list[tuple[float, float, float]]) -> Floats:
        """Return the events within consecutive pieces of time ``(start, end, mean rate)``, unsorted."""
        start, end = pieces[0][0], pieces[-1][1]
        immigrants = 1.0 - self._excitation.branching_ratio
        born = [self._due]
        for begin, finish, rate in pieces:
            count = self._rng.poisson(rate * immigrants * (finish - begin))
            born.append(self._rng.uniform(begin, finish, count))
        generation = np.concatenate(born)
        events, due = [], []
        while len(generation):
            inside = generation < end
            due.append(generation[~inside])
            generation = generation[inside]
            events.append(generation)
            children = self._rng.poisson(self._excitation.branching_ratio, len(generation))
            delays = self._rng.exponential(1.0 / self._excitation.decay_per_s, int(children.sum()))
            generation = np.repeat(generation, children) + delays
        self._due = np.concatenate(due) if due else np.empty(0)
        happened = np.concatenate(events) if events else np.empty(0)
        return happened[happened >= start]


class _Side:
    """Market orders against one side of one venue's book."""

    def __init__(self, side: int, venue: Venue, params: SimulationParams, efficient: EfficientPrices) -> None:
        self._side = side
        self._venue = venue
        self._hits: Hits = venue.bid if side == BID else venue.ask
        self._tick = float(venue.tick_price)
        self._level_price = self._tick * venue.step_ticks
        self._episodes = params.asset(venue.asset).episodes
        self._efficient = efficient
        name = "bid" if side == BID else "ask"
        self._rng = stream(params.seed, "orders", name, venue.instrument_id)
        self._arrivals = Arrivals(venue.excitation, stream(params.seed, "arrivals", name, venue.instrument_id))
        if burn_in := self._arrivals.burn_in_s:
            self._arrivals.advance([(-burn_in, 0.0, self._rate(regime_at(self._episodes, -burn_in)))])

    def advance(self, start_s: float, end_s: float) -> MarketOrders:
        lag = self._venue.lag_s
        regimes = list(segments(self._episodes, start_s - lag, end_s - lag))
        times = np.sort(self._arrivals.advance([(a + lag, b + lag, self._rate(regime)) for a, b, regime in regimes]))
        shares = np.zeros(len(times))
        for begin, finish, regime in regimes:
            shares[(times - lag >= begin) & (times - lag < finish)] = self._share(regime)
        uniforms = self._rng.random((2, len(times)))
        informed = uniforms[0] < 2.0 * shares / (1.0 + shares)
        coming = self._coming_move(times - lag) * (1 if self._side == ASK else -1)
        kept = ~informed | (coming > 0) | ((coming == 0) & (uniforms[1] < 0.5))
        reach = self._rng.exponential(1.0 / (self._hits.k_per_price * self._level_price), len(times))
        sizes = self._venue.sizes
        excess = (sizes.trade_mean_base - sizes.trade_min_base) * self._rng.standard_exponential(len(times))
        return MarketOrders(
            times[kept],
            np.full(int(kept.sum()), self._side),
            np.floor(reach[kept]).astype(np.int64),
            sizes.trade_min_base + excess[kept],
            informed[kept],
        )

    def _share(self, regime: Regime) -> float:
        return self._venue.informed.share if regime.informed_share is None else regime.informed_share

    def _rate(self, regime: Regime) -> float:
        """Return the rate of candidates per second."""
        half_spread = half_spread_ticks(self._venue, regime) * self._tick
        multiplier = regime.bid_hit_multiplier if self._side == BID else regime.ask_hit_multiplier
        touch = self._hits.a_per_s * exp(-self._hits.k_per_price * half_spread)
        return multiplier * touch * (1.0 + self._share(regime))

    def _coming_move(self, times: Floats) -> Floats:
        now = self._efficient.prices(self._venue.asset, node_before(times))
        later = self._efficient.prices(self._venue.asset, node_before(times + self._venue.informed.horizon_s))
        return later - now


class OrderFlow:
    """Market orders of both sides of one venue, merged."""

    def __init__(self, venue: Venue, params: SimulationParams, efficient: EfficientPrices) -> None:
        self._sides = [_Side(side, venue, params, efficient) for side in (BID, ASK)]

    def advance(self, start_s: float, end_s: float) -> MarketOrders:
        """Return the market orders of ``[start_s, end_s)`` on the venue's clock."""
        bids, asks = (side.advance(start_s, end_s) for side in self._sides)
        times = np.concatenate([bids.times, asks.times])
        order = np.argsort(times, kind="stable")
        return MarketOrders(
            times[order],
            np.concatenate([bids.hit_sides, asks.hit_sides])[order],
            np.concatenate([bids.extra_levels, asks.extra_levels])[order],
            np.concatenate([bids.sizes_base, asks.sizes_base])[order],
            np.concatenate([bids.informed, asks.informed])[order],
        )


def half_spread_ticks(venue: Venue, regime: Regime) -> int:
    """Return the distance of either touch from the mid, in ticks."""
    return max(1, round(venue.half_spread_ticks * regime.half_spread_multiplier))
