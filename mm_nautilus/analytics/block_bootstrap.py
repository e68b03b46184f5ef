"""An interval for a total of dependent increments, by resampling blocks of them.

PnL increments of neighbouring marks are dependent: an inventory is held through many of them, and
volatility comes in spells. Blocks of consecutive increments keep what happens within a block
together, and their resampled totals spread as the total itself would.

Fails where the dependence is longer than a block, and where the market of the run is not like the
one the reader has in mind: an interval from one day says nothing about other days.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

FEWEST_BLOCKS: Final = 10
"""With fewer blocks no interval is given: their spread says too little about that of the total."""
DRAWS: Final = 2_000
LEVEL: Final = 0.95
_HELD_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A total and the interval around it.

    Parameters
    ----------
    total : float
        Sum of the increments.
    low, high : float | None
        Ends of the interval; ``None`` with fewer than `FEWEST_BLOCKS` blocks.
    level : float
        Share of experiments in which such an interval covers the expected total.
    block_length : int
        Increments per block.
    blocks : int
        Blocks that the increments make up, the last one perhaps shorter.

    """

    total: float
    low: float | None
    high: float | None
    level: float
    block_length: int
    blocks: int

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval and zero lies outside it."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


def total_interval(
    increments: Floats, seed: int, *, block_length: int | None = None, draws: int = DRAWS, level: float = LEVEL
) -> Interval:
    r"""Return the total of dependent increments with its circular-block-bootstrap interval.

    Totals of blocks drawn with replacement, as many increments as there are, give the percentiles of the
    interval. With :math:`m` blocks these are taken at
    :math:`\Phi(-\sqrt{m/(m-1)}\;t_{\alpha/2,\,m-1})` instead of :math:`\alpha/2`, because the spread of a few
    blocks is too narrow on average.

    Parameters
    ----------
    increments : float array, shape (n,)
        In order of time, equally spaced.
    seed : int
        Of the random draws.
    block_length : int or None
        Increments per block; `automatic_block_length` by default.
    draws : int
        Resampled totals.
    level : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        For increments that are not finite, and for a level or length out of range.

    References
    ----------
    Politis and Romano (1992), circular blocks; Hesterberg, The American Statistician 69(4), 2015, expanded
    percentiles.

    """
    if not np.isfinite(increments).all():
        raise ValueError("increments must be finite")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, found {level}")
    n = len(increments)
    length = automatic_block_length(increments) if block_length is None else block_length
    if length < 1:
        raise ValueError(f"block_length must be >= 1, found {length}")
    blocks = ceil(n / length)
    total = float(increments.sum())
    if blocks < FEWEST_BLOCKS:
        return Interval(total, None, None, level, length, blocks)
    low, high = ends(_totals(increments, length, draws, np.random.default_rng(seed)), blocks, level)
    return Interval(total, low, high, level, length, blocks)


def ends(draws: Floats, blocks: int, level: float) -> tuple[float, float]:
    """Return the expanded percentiles of resampled values; see `total_interval`.

    Parameters
    ----------
    draws : float array, shape (draws,)
        Resampled values.
    blocks : int
        Blocks that each was made from, at least 2.
    level : float
        Between 0 and 1.

    """
    from scipy.special import ndtr, stdtrit  # noqa: PLC0415 - most commands never need it; scipy.stats takes seconds

    tail = float(ndtr(sqrt(blocks / (blocks - 1)) * stdtrit(blocks - 1, (1.0 - level) / 2.0)))
    low, high = np.quantile(draws, (tail, 1.0 - tail))
    return float(low), float(high)


def resampled_totals(series: Sequence[Floats], length: int, draws: int, seed: int) -> Floats:
    """Return resampled totals of several columns over several independent stretches of time.

    Circular blocks are drawn within each stretch, the same for all columns: what is computed from the totals of two
    columns is paired. Totals of the stretches add up.

    Parameters
    ----------
    series : sequence of float array, shape (n, columns)
        Increments of each stretch, equally spaced in time.
    length : int
        Increments per block.
    draws : int
        Resampled totals.
    seed : int
        Of the random draws.

    Returns
    -------
    float array, shape (draws, columns)

    """
    random = np.random.default_rng(seed)
    found = np.zeros((draws, series[0].shape[1]))
    for one in series:
        found += _totals(one, min(length, len(one)), draws, random)
    return found


def _totals(increments: Floats, length: int, draws: int, random: np.random.Generator) -> Floats:
    """Return resampled totals: whole blocks that wrap around the end, and one cut to make up the number."""
    n = len(increments)
    whole, rest = divmod(n, length)
    columns = increments.shape[1:]
    nothing = np.zeros((1, *columns))
    summed = np.concatenate((nothing, np.cumsum(np.concatenate((increments, increments[: length - 1])), axis=0)))
    of_blocks = summed[length:] - summed[:-length]
    of_rest = summed[rest : rest + n] - summed[:n]
    totals = of_rest[random.integers(n, size=draws)]
    at_once = max(1, _HELD_AT_ONCE // (whole * math.prod(columns)))
    for first in range(0, draws, at_once):
        some = totals[first : first + at_once]
        some += of_blocks[random.integers(n, size=(len(some), whole))].sum(axis=1)
    return np.asarray(totals, dtype=np.float64)


def automatic_block_length(increments: Floats) -> int:
    r"""Return the block length that estimates the variance of the total best, by the rule of Politis and White.

    :math:`(2 G^2 / D)^{1/3} n^{1/3}` with :math:`G = \sum |k|\,\lambda(k/M) R_k`,
    :math:`D = \tfrac43 (\sum \lambda(k/M) R_k)^2`, the autocovariances :math:`R_k`, the flat-top window
    :math:`\lambda(x) = \min(1, 2(1 - |x|))` and a bandwidth :math:`M` of twice the lag after which autocorrelations
    are negligible.

    Parameters
    ----------
    increments : float array, shape (n,)
        In order of time.

    Returns
    -------
    int
        At least 1 and at most a third of n.

    References
    ----------
    Politis and White, Econometric Reviews 23(1), 2004, with the correction of Patton, Politis and White,
    Econometric Reviews 28(4), 2009.

    """
    n = len(increments)
    centred = increments - increments.mean() if n else increments
    if n < 3 or not centred.any():
        return 1
    negligible_run = max(5, ceil(sqrt(log10(n))))
    furthest = min(ceil(sqrt(n)) + negligible_run, n - 1)
    covariance = np.array([centred[lag:] @ centred[: n - lag] for lag in range(furthest + 1)]) / n
    significant = np.abs(covariance / covariance[0])[1:] >= 2.0 * sqrt(log10(n) / n)
    lags = np.flatnonzero(significant) + 1
    # The last lag before the first run of negligible ones; the gap between two significant lags may be shorter.
    gaps = np.diff(np.concatenate(([0], lags, [furthest + negligible_run + 1])))
    last = int(np.concatenate(([0], lags))[np.argmax(gaps > negligible_run)])
    bandwidth = min(2 * max(last, 1), furthest)
    lag = np.arange(1, bandwidth + 1)
    weighted = np.minimum(1.0, 2.0 * (1.0 - lag / bandwidth)) * covariance[1 : bandwidth + 1]
    spectrum = float(covariance[0]) + 2.0 * float(weighted.sum())
    if spectrum <= 0.0:
        return 1
    slope = 2.0 * float((lag * weighted).sum())
    best = (1.5 * (slope / spectrum) ** 2 * n) ** (1.0 / 3.0)
    return int(max(1, min(ceil(best), ceil(3.0 * sqrt(n)), n // 3)))
