"""Efficient prices of correlated assets: arithmetic diffusion, compound Poisson jumps and scheduled episodes.

They are sampled on a fixed grid of `STEP_S`; what happens inside a step is left to `lattice`, which knows
the variance of the step. Generated in blocks, so that memory does not grow with the simulated time.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from mm_nautilus.catalog.simulator.params import MAX_LAG_S, Asset, SimulationParams
from mm_nautilus.catalog.simulator.schedule import segments
from mm_nautilus.catalog.simulator.streams import stream

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

STEP_S: Final = 0.1
NODES_PER_S: Final = 10
BLOCK: Final = 600
"""Steps made at a time: one minute."""


def node_time(node: int | Ints) -> float | Floats:
    """Return the time of a grid node on the asset's clock, in seconds; node 0 is `MAX_LAG_S` before the data."""
    return node / NODES_PER_S - MAX_LAG_S


def node_before(time_s: Floats) -> Ints:
    """Return the last node that is not after ``time_s``."""
    return np.floor((time_s + MAX_LAG_S) * NODES_PER_S + 1e-9).astype(np.int64)


class EfficientPrices:
    """Prices of all assets at the grid nodes, as far as they are needed.

    Parameters
    ----------
    params : SimulationParams
        ``sigma`` is the volatility per square-root second outside episodes; every asset has its own random
        streams, mixed by the Cholesky factor of ``correlation``, so an asset's path depends only on itself and
        on the assets before it.

    """

    def __init__(self, params: SimulationParams) -> None:
        self._assets = params.assets
        size = len(self._assets)
        self._mix = np.linalg.cholesky(np.eye(size) if params.correlation is None else np.array(params.correlation))
        self._diffusion = [stream(params.seed, "diffusion", asset.name) for asset in self._assets]
        self._jump = [stream(params.seed, "jumps", asset.name) for asset in self._assets]
        self._row = {asset.name: row for row, asset in enumerate(self._assets)}
        self._first = 0
        self._prices = np.array([[asset.price] for asset in self._assets])
        self._jumps = np.zeros((size, 1))
        self._variances = np.zeros((size, 1))

    def prepare(self, first: int, last: int) -> None:
        """Make nodes ``first`` to ``last`` available and forget those before."""
        drop = first - self._first
        self._prices = self._prices[:, drop:]
        self._jumps = self._jumps[:, drop:]
        self._variances = self._variances[:, drop:]
        self._first = first
        while self._first + self._prices.shape[1] <= last:
            self._extend()

    def prices(self, asset: str, nodes: Ints | slice) -> Floats:
        """Return prices after any jump, in quote currency."""
        return self._take(self._prices, asset, nodes)

    def jumps(self, asset: str, nodes: Ints | slice) -> Floats:
        """Return the part of the step that ends at each node which came as a jump at its very end."""
        return self._take(self._jumps, asset, nodes)

    def variances(self, asset: str, nodes: Ints | slice) -> Floats:
        """Return the diffusion variance of the step that ends at each node, in squared quote currency."""
        return self._take(self._variances, asset, nodes)

    def _take(self, table: Floats, asset: str, nodes: Ints | slice) -> Floats:
        row: Floats = table[self._row[asset]]
        if isinstance(nodes, slice):
            return row[nodes.start - self._first : nodes.stop - self._first]
        return row[nodes - self._first]

    def _extend(self) -> None:
        last = self._first + self._prices.shape[1] - 1
        normals = self._mix @ np.stack([rng.standard_normal(BLOCK) for rng in self._diffusion])
        variances = np.stack([_variances(asset, last) for asset in self._assets])
        jumps = np.stack([_jumps(asset, last, rng) for asset, rng in zip(self._assets, self._jump, strict=True)])
        drifts = np.stack([_drifts(asset, last) for asset in self._assets])
        steps = np.sqrt(variances) * normals + drifts + jumps
        self._prices = np.hstack([self._prices, self._prices[:, -1:] + np.cumsum(steps, axis=1)])
        self._jumps = np.hstack([self._jumps, jumps])
        self._variances = np.hstack([self._variances, variances])


def _edges(node: int) -> tuple[Floats, Floats]:
    times = np.asarray(node_time(np.arange(node, node + BLOCK + 1)), dtype=np.float64)
    return times[:-1], times[1:]


def _variances(asset: Asset, node: int) -> Floats:
    begins, ends = _edges(node)
    variances = np.zeros(BLOCK)
    for start, end, regime in segments(asset.episodes, float(begins[0]), float(ends[-1])):
        overlap = np.clip(np.minimum(ends, end) - np.maximum(begins, start), 0, None)
        variances += (regime.volatility_multiplier * asset.sigma_price_per_sqrt_s) ** 2 * overlap
    return variances


def _drifts(asset: Asset, node: int) -> Floats:
    begins, ends = _edges(node)
    drifts = np.zeros(BLOCK)
    for episode in asset.episodes:
        overlap = np.clip(np.minimum(ends, episode.end_s) - np.maximum(begins, episode.start_s), 0, None)
        drifts += episode.price_change * overlap / episode.duration_s
    return drifts


def _jumps(asset: Asset, node: int, rng: np.random.Generator) -> Floats:
    begins, ends = _edges(node)
    # The sum of n independent normals is one normal: no need to draw the jumps one by one.
    counts = rng.poisson(asset.jumps.rate_per_s * STEP_S, BLOCK)
    noise = asset.jumps.size_sd_price * np.sqrt(counts) * rng.standard_normal(BLOCK)
    jumps = asset.jumps.size_mean_price * counts + noise
    for episode in asset.episodes:
        jumps += np.where((begins < episode.start_s) & (episode.start_s <= ends), episode.jump_price, 0.0)
    return jumps
