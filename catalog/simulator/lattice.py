"""From a price that diffuses to a mid on the tick lattice, without discretisation error.

The mid is the last lattice point the price has visited. Between visits a diffusion without drift leaves
``(mid - 1, mid + 1)`` upwards or downwards with equal probability after ``tick**2 / sigma**2`` on average, so
the mid is a random walk of single ticks whose realised variance is ``sigma**2`` per second, and it is a martingale:
there is neither bid-ask bounce nor flicker in it. A jump moves it several ticks in one event.

Inside a grid step the price is a Brownian bridge between the sampled ends; whether and when it visits the
next lattice point is drawn from the bridge's exact law: the ends alone miss a good part of the visits.
"""

from __future__ import annotations

from itertools import accumulate
from math import exp, trunc
from typing import Final

import numpy as np
import numpy.typing as npt

from mm_nautilus.catalog.simulator.efficient import NODES_PER_S, STEP_S, EfficientPrices
from mm_nautilus.catalog.simulator.params import MAX_LAG_S, MeanReverting, Venue
from mm_nautilus.catalog.simulator.streams import stream

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

_MAX_STEP_VARIANCE: Final = 0.12
"""In squared ticks. Above it a step is halved: visiting both neighbours within one step has to be negligible (1e-7)."""
_NO_VARIANCE: Final = 1e-18


def bridge_hitting_time(distance: float, beyond: float, variance: float, rng: np.random.Generator) -> float:
    """Draw when a Brownian bridge over the unit interval first reaches a barrier that it does reach.

    Parameters
    ----------
    distance : float
        From the start of the bridge to the barrier, > 0.
    beyond : float
        From the barrier to the end of the bridge, >= 0; by reflection it does not matter on which side.
    variance : float
        Of the Brownian motion over the interval.

    Notes
    -----
    With ``r = s / (1 - s)`` the bridge is a Brownian motion in ``r`` with drift, and its first passage is inverse
    Gaussian: ``r ~ IG(mean=distance / beyond, shape=distance**2 / variance)``.

    """
    odds = rng.wald(distance / max(beyond, 1e-12 * distance), distance * distance / variance)
    return float(odds / (1.0 + odds))


def halve(starts: Floats, ends: Floats, variances: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Split every bridge at its middle; the results have twice the length."""
    middles = 0.5 * (starts + ends) + np.sqrt(0.25 * variances) * rng.standard_normal(len(starts))
    return (
        np.stack([starts, middles], axis=1).ravel(),
        np.stack([middles, ends], axis=1).ravel(),
        np.repeat(0.5 * variances, 2),
    )


def visits(
    starts: Floats, ends: Floats, variances: Floats, mid: int, rng: np.random.Generator
) -> tuple[list[float], list[int]]:
    """Return when a price moves the mid, in steps from the first start, and the mid after each move.

    Parameters
    ----------
    starts, ends : array, shape (n,)
        Price at the start and end of each step, in ticks. Where ``starts[i + 1]`` is not ``ends[i]`` the price jumped.
    variances : array, shape (n,)
        Variance of each step, in squared ticks, at most about 0.1.
    mid : int
        Lattice point visited last.

    """
    times: list[float] = []
    mids: list[int] = []
    draws = rng.random(len(starts)).tolist()
    steps = zip(starts.tolist(), ends.tolist(), np.maximum(variances, _NO_VARIANCE).tolist(), draws, strict=True)
    for i, (start, end, step_variance, draw) in enumerate(steps):
        x, variance, u = start, step_variance, draw
        if jump := trunc(x - mid):
            mid += jump
            times.append(float(i))
            mids.append(mid)
        begun = 0.0
        while True:
            above, below = mid + 1, mid - 1
            scale = -2.0 / variance
            p_up = 1.0 if end >= above else exp(scale * (above - x) * (above - end))
            p_down = 1.0 if end <= below else exp(scale * (x - below) * (end - below))
            if u >= p_up + p_down:
                break
            to = above if u < p_up else below
            share = bridge_hitting_time(abs(to - x), abs(end - to), variance, rng)
            begun += share * (1.0 - begun)
            variance *= 1.0 - share
            x = mid = to
            u = rng.random()
            times.append(i + begun)
            mids.append(mid)
    return times, mids


class _MeanRevertingPath:
    """Ornstein-Uhlenbeck values at the grid nodes, exact in law, started from the stationary distribution."""

    def __init__(self, params: MeanReverting, rng: np.random.Generator) -> None:
        self._rng = rng
        self._decay = 0.5 ** (STEP_S / params.half_life_s)
        self._step_sd = params.sd_price * (1.0 - self._decay**2) ** 0.5
        self._mean = params.mean_price
        self._deviation = params.sd_price * float(rng.standard_normal())
        self.step_variance = self._step_sd**2

    def advance(self, steps: int) -> Floats:
        """Return the present value and those after each of ``steps`` steps, in quote currency."""
        if not self._step_sd:
            return np.full(steps + 1, self._mean)
        decay = self._decay
        shocks = (self._step_sd * self._rng.standard_normal(steps)).tolist()
        path = np.array(list(accumulate(shocks, lambda value, shock: decay * value + shock, initial=self._deviation)))
        self._deviation = float(path[-1])
        return self._mean + path


class VenuePrice:
    """One venue's price (efficient price, delayed, plus basis and noise) and the mid that follows it on the lattice."""

    def __init__(self, venue: Venue, seed: int, efficient: EfficientPrices) -> None:
        self._venue = venue
        self._efficient = efficient
        self._step = venue.step_ticks
        self._unit = float(venue.tick_price) * venue.step_ticks
        self._rng = stream(seed, "lattice", venue.instrument_id)
        self._parts = [
            _MeanRevertingPath(part, stream(seed, name, venue.instrument_id))
            for name, part in (("basis", venue.basis), ("noise", venue.noise))
        ]
        self.first_mid = 0
        """Lattice point next to the very first price, in ticks; known after the first `advance`."""
        self.mid: int | None = None
        """Lattice point visited last, in ticks; None before the first `advance`."""

    def advance(self, first: int, last: int) -> tuple[Floats, Ints, Floats]:
        """Move from one grid node to a later one.

        Returns
        -------
        times : array, shape (moves,)
            When the mid moved, on the venue's clock (the asset's clock plus the lag), in seconds.
        mids : array, shape (moves,)
            The mid after each move, in ticks.
        prices : array, shape (last - first,)
            The venue's price at nodes ``first`` to ``last - 1``, in quote currency.

        """
        nodes = slice(first, last + 1)
        offsets = sum(part.advance(last - first) for part in self._parts)
        prices = self._efficient.prices(self._venue.asset, nodes) + offsets
        jumps = self._efficient.jumps(self._venue.asset, nodes)[1:]
        variances = self._efficient.variances(self._venue.asset, nodes)[1:]
        variances = variances + sum(part.step_variance for part in self._parts)
        starts, ends, variances = prices[:-1] / self._unit, (prices[1:] - jumps) / self._unit, variances / self._unit**2
        if self.mid is None:
            self.mid = self.first_mid = self._step * round(starts[0])
        step_s = STEP_S
        while variances.max() > _MAX_STEP_VARIANCE:
            starts, ends, variances = halve(starts, ends, variances, self._rng)
            step_s *= 0.5
        steps, mids = visits(starts, ends, variances, self.mid // self._step, self._rng)
        if mids:
            self.mid = self._step * mids[-1]
        times = first / NODES_PER_S - MAX_LAG_S + self._venue.lag_s + step_s * np.array(steps, dtype=np.float64)
        return times, self._step * np.array(mids, dtype=np.int64), prices[:-1]
