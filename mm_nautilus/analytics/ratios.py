r"""Ratios of PnL increments that the Sharpe ratio is not, with intervals from a block bootstrap.

With increments :math:`x_t` of a period and :math:`P` periods a year: Sortino
:math:`\bar x \sqrt P / \sqrt{\overline{\min(x, 0)^2}}`, Calmar :math:`\bar x P` over the largest drawdown, profit
factor :math:`\sum x^+ / \sum x^-`. The interval of a ratio of sums is that of the ratio over circular blocks drawn
together.

Fails for few increments, and where nothing was ever lost: there is no ratio then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mm_nautilus.analytics.block_bootstrap import (
    DRAWS,
    FEWEST_BLOCKS,
    LEVEL,
    Floats,
    automatic_block_length,
    ends,
    resampled_totals,
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio with its standard error and 95 % interval; ``None`` where there is none."""

    value: float | None
    stderr: float | None = None
    low: float | None = None
    high: float | None = None


NONE = Ratio(None)


def sortino_ratio(increments: Floats, periods_per_year: float, seed: int) -> Ratio:
    """Return the annual Sortino ratio against a target of zero.

    Parameters
    ----------
    increments : float array, shape (n,)
        PnL of each period, in money.
    periods_per_year : float
        Above 0.
    seed : int
        Of the bootstrap.

    """
    n = len(increments)

    def of(sums: Floats) -> Floats:
        return sums[..., 0] / n * math.sqrt(periods_per_year) / np.sqrt(sums[..., 1] / n)

    return _ratio(np.stack((increments, np.minimum(increments, 0.0) ** 2), axis=1), increments, of, seed)


def profit_factor(pieces: Floats, seed: int) -> Ratio:
    """Return gains over losses; see `sortino_ratio` for the parameters."""
    columns = np.stack((np.maximum(pieces, 0.0), np.maximum(-pieces, 0.0)), axis=1)
    return _ratio(columns, pieces, lambda sums: sums[..., 0] / sums[..., 1], seed)


def mean_of(pieces: Floats, seed: int) -> Ratio:
    """Return the mean with the standard error and the interval of dependent observations."""
    n = len(pieces)
    return _ratio(np.stack((pieces, np.ones(n)), axis=1), pieces, lambda sums: sums[..., 0] / n, seed)


def calmar_ratio(increments: Floats, periods_per_year: float, max_drawdown: float) -> float | None:
    """Return annual PnL over the largest drawdown; ``None`` where nothing was ever lost."""
    return float(increments.mean()) * periods_per_year / max_drawdown if len(increments) and max_drawdown else None


def share(hits: int, n: int) -> Ratio:
    """Return a share of independent trials, with Wilson's interval.

    Parameters
    ----------
    hits, n : int
        Successes and trials.

    References
    ----------
    Wilson, Journal of the American Statistical Association 22, 1927.

    """
    return wilson(hits / n, n) if n else NONE


def wilson(value: float, n: float) -> Ratio:
    """Return the standard error and Wilson's interval of a share of `n` independent trials."""
    z = 1.959963984540054
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(value * (1 - value), 0.0) / n + z * z / (4 * n * n))
    return Ratio(
        value,
        math.sqrt(max(value * (1 - value), 0.0) / n),
        min(value, max(0.0, middle - half)),
        max(value, min(1.0, middle + half)),
    )


def _ratio(columns: Floats, series: Floats, of: Callable[[Floats], Floats], seed: int) -> Ratio:
    """Return a ratio of column sums; blocks are as long as suits `series`."""
    whole = columns.sum(axis=0)
    if not len(columns) or not whole[1] > 0.0:
        return NONE
    value = float(of(whole))
    length = automatic_block_length(series)
    blocks = math.ceil(len(columns) / length)
    if blocks < FEWEST_BLOCKS:
        return Ratio(value)
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = of(resampled_totals([columns], length, DRAWS, seed))
    draws = draws[np.isfinite(draws)]
    if len(draws) < DRAWS // 2:
        return Ratio(value)
    low, high = ends(draws, blocks, LEVEL)
    return Ratio(value, float(draws.std(ddof=1)), low, high)
