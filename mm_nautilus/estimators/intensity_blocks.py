r"""Intervals for A and k from blocks of time, drawn with replacement.

Market orders come in clusters and their depths with them; Fisher errors take them for independent. Here blocks of
quoted time are drawn with replacement, each draw is fitted, and the spread of the logarithms over the draws is the
standard error: :math:`\exp(\ln\hat\theta \pm t_{0.975,\,m-1}\,se)` with :math:`m` blocks. It is never taken below
the Fisher error: clusters only widen it.

Fails where clusters are longer than a block, and with a handful of blocks.

Source: Künsch, Annals of Statistics 17, 1989 (non-overlapping form of Carlstein, 1986); Student's quantile for the few
blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mm_nautilus.estimators.intensity_censored import Floats, amplitude_of, decay_of
from mm_nautilus.estimators.intensity_depths import lattice_decay, lattice_statistics

FEWEST_BLOCKS: Final = 8


@dataclass(frozen=True, slots=True)
class LogInterval:
    """Standard error of the logarithm of a positive estimate, and Student's quantile to multiply it with."""

    se_log: float
    quantile: float

    def around(self, value: float) -> tuple[float, float]:
        """Return the ends of the 95 % interval."""
        reach = self.quantile * self.se_log
        return value * float(np.exp(-reach)), value * float(np.exp(reach))


def block_weights(blocks: int, draws: int, seed: int) -> Floats:
    """Return how often each block is in each draw, shape (draws, blocks)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(blocks, np.full(blocks, 1.0 / blocks), size=draws).astype(np.float64)


def log_interval(drawn: Floats, blocks: int, at_least: float = 0.0) -> LogInterval:
    """Return the interval of a positive estimate from its redrawn values.

    Parameters
    ----------
    drawn : float array, shape (draws,)
        The estimate of every draw.
    blocks : int
        Blocks drawn from.
    at_least : float
        Standard error of the logarithm that independent events would give. The spread over a few dozen blocks is itself
        only known to a tenth; where it falls below this, it does so by chance.

    Returns
    -------
    LogInterval
        Infinite with fewer than `FEWEST_BLOCKS` blocks, or where a tenth of the draws cannot be estimated.

    """
    from scipy.special import stdtrit  # noqa: PLC0415 - a command line start must not pay for it

    good = drawn[np.isfinite(drawn) & (drawn > 0)]
    if len(good) < 0.9 * len(drawn) or blocks < FEWEST_BLOCKS:
        return LogInterval(float("inf"), float("inf"))
    return LogInterval(max(float(np.log(good).std(ddof=1)), at_least), float(stdtrit(blocks - 1, 0.975)))


def lattice_draws(
    counts: Floats, quoted_s: Floats, d_min: float, tick: float, weights: Floats
) -> tuple[Floats, Floats]:
    """Return A and k of every draw from counts by depth.

    Parameters
    ----------
    counts : float array, shape (blocks, m + 1)
        As `lattice_fit` takes them, the last entry cut.
    quoted_s : float array, shape (blocks,)
        Seconds of each block.
    d_min, tick : float
        First depth and step of the lattice, in price units.
    weights : float array, shape (draws, blocks)
        From `block_weights`.

    """
    continued, stopped = lattice_statistics(counts)
    k = lattice_decay(weights @ continued, weights @ stopped, tick)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        a = (weights @ counts.sum(axis=1)) / (weights @ quoted_s) * np.exp(k * d_min)
    return a, k


def censored_draws(x: Floats, exposure: Floats, hits: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return A and k of every draw from exposures and hits by block and depth, shape (blocks, depths)."""
    t, e = weights @ exposure, weights @ hits
    total = e.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        k = decay_of(x, t, (e @ x) / total)
    return amplitude_of(x, t, total, k), k
