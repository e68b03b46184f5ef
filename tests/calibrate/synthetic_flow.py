"""A market of arrays whose truth is known, made without any of the library's formulas."""

from dataclasses import dataclass

import numpy as np

from mm_nautilus.estimators.intensity_orders import MarketOrders, Tops

T0 = 1_700_000_000 * 10**9


@dataclass(frozen=True)
class Truth:
    """What the flow is drawn from; prices in units, the tick given."""

    tick: float
    half_spread_ticks: int
    sigma: float
    bid: tuple[float, float]  # A, k
    ask: tuple[float, float]
    duration_s: float


def tops_of(truth: Truth, rng: np.random.Generator) -> Tops:
    """A mid that steps one tick up or down at the times of a Poisson process of the right variance."""
    rate = (truth.sigma / truth.tick) ** 2
    count = rng.poisson(rate * truth.duration_s)
    moves = np.sort(rng.uniform(0, truth.duration_s, count))
    beat = np.arange(0.0, truth.duration_s, 1.0)  # the book speaks at least once a second
    times = np.concatenate([beat, moves])
    steps = np.concatenate([np.zeros(len(beat), dtype=np.int64), rng.choice([-1, 1], count)])
    order = np.argsort(times, kind="stable")
    mid = 100_000 + np.cumsum(steps[order])
    sizes = rng.integers(1, 100, (2, len(mid))).astype(float)
    ts_ns = T0 + (times[order] * 1e9).astype(np.int64)
    return Tops(ts_ns, mid - truth.half_spread_ticks, mid + truth.half_spread_ticks, sizes[0], sizes[1])


def orders_of(truth: Truth, side: int, tops: Tops, rng: np.random.Generator, times=None) -> MarketOrders:
    """Market orders of one side: Poisson (or at `times`), each with an exponential reach beyond the touch."""
    a, k = truth.ask if side > 0 else truth.bid
    touch = truth.half_spread_ticks * truth.tick
    if times is None:
        count = rng.poisson(a * np.exp(-k * touch) * truth.duration_s)
        times = np.sort(rng.uniform(0, truth.duration_s, count))
    reach = np.floor(rng.exponential(1.0 / k, len(times)) / truth.tick).astype(np.int64)
    ts_ns = T0 + (times * 1e9).astype(np.int64)
    known = ts_ns > tops.ts_ns[0]
    ts_ns, reach = ts_ns[known], reach[known]
    at = np.searchsorted(tops.ts_ns, ts_ns, side="left") - 1
    mid = (tops.bid_ticks[at] + tops.ask_ticks[at]) // 2
    return MarketOrders(ts_ns, mid + side * (truth.half_spread_ticks + reach))


SMALL_TICK = Truth(0.01, 3, 0.02, (1.5, 20.0), (0.8, 12.0), 3600.0)
LARGE_TICK = Truth(0.25, 1, 0.1, (2.0, 6.0), (1.0, 4.0), 3600.0)
