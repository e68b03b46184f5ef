r"""Which of two prices moves first, by how much time, and how clearly.

The second price is moved back in time by :math:`\theta` and its Hayashi-Yoshida correlation with the first one taken:

.. math::
    \rho(\theta) = \frac{\sum_i \Delta X_i\,[Y^{\text{next}}(s_i+\theta) - Y^{\text{prev}}(s_{i-1}+\theta)]}
                        {\sqrt{\sum \Delta X_i^2\,\sum \Delta Y_j^2}}, \qquad
    \hat\theta = \arg\max_\theta |\rho(\theta)|, \qquad
    \mathrm{LLR} = \frac{\sum_{\theta>0}\rho^2(\theta)}{\sum_{\theta<0}\rho^2(\theta)}

A lead above 0 and a ratio above 1 say that the first price leads.

Needs clocks that agree to better than the lead that is looked for: an hour of daylight saving looks like an hour's lead
(and is found by a grid that reaches that far). Fails where the grid of lags is coarser than the lead, and on ticks that
repeat a price: feed changes only.

Sources: Hoffmann, Rosenbaum and Yoshida, Bernoulli 19(2), 2013; Huth and Abergel, Journal of Empirical Finance 26,
2014.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, numbers, same_length, times
from mm_nautilus.estimators.hayashi_yoshida import NS_PER_S, overlap_products

DEFAULT_LAGS_S: Final = tuple(
    sign * lag
    for sign, lags in (
        (-1, (5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)),
        (1, (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)),
    )
    for lag in lags
)
"""From five seconds down to ten milliseconds on either side, in seconds."""
# A peak is one that chance would not reach once in ten thousand lags.
_CLEAR: Final = 4.0


@dataclass(frozen=True, slots=True)
class LeadLag:
    """How two prices follow each other.

    Parameters
    ----------
    lags_s : float array, shape (lags,)
        Ascending, in seconds; above 0 the first price comes first.
    correlations : float array, shape (lags,)
        At each lag; where one price follows within a tick of the other they may exceed 1.
    lead_s : float
        Lag of the strongest correlation, in seconds; above 0 the first price leads.
    peak : float
        Correlation there.
    ratio : float
        Squared correlations of the lags at which the first leads over those at which the second does;
        infinite where the latter are all 0, 1 where both are.
    noise : float
        Standard deviation of a correlation between unrelated prices of as many ticks.

    """

    lags_s: Floats
    correlations: Floats
    lead_s: float
    peak: float
    ratio: float
    noise: float

    @property
    def clear(self) -> bool:
        """Whether the peak stands four standard deviations above chance."""
        return abs(self.peak) > _CLEAR * self.noise

    @property
    def first_share(self) -> float:
        """Share of the squared correlation off lag zero at which the first price leads, in [0, 1]."""
        return 1.0 if math.isinf(self.ratio) else self.ratio / (1.0 + self.ratio)


def lead_lag(
    first_ns: Any, first: Any, second_ns: Any, second: Any, lags_s: Sequence[float] = DEFAULT_LAGS_S
) -> LeadLag | None:
    """Return which of two prices leads; see the module for the formula.

    Takes O(n log m) a lag. The ratio compares like with like where the lags are symmetric around 0.

    Parameters
    ----------
    first_ns, second_ns : array-like or Arrow column
        Instants in nanoseconds by one clock, not decreasing.
    first, second : array-like or Arrow column
        Prices at these instants.
    lags_s : sequence of float
        Lags to try, in seconds, ascending.

    Returns
    -------
    LeadLag or None
        ``None`` where a price never moves.

    Raises
    ------
    ParameterError
        For columns that cannot be used, or lags that do not ascend.

    """
    s, t = times(first_ns, "first_ns"), times(second_ns, "second_ns")
    x, y = numbers(first, "first"), numbers(second, "second")
    same_length(first_ns=s, first=x)
    same_length(second_ns=t, second=y)
    lags = np.asarray(lags_s, dtype=np.float64)
    if lags.ndim != 1 or not lags.size or not np.isfinite(lags).all() or (np.diff(lags) <= 0.0).any():
        raise ParameterError("lags_s", list(lags_s), "finite seconds in ascending order")
    x_moves, y_moves = np.diff(x), np.diff(y)
    scale = math.sqrt(float(x_moves @ x_moves) * float(y_moves @ y_moves))
    if not scale > 0.0:
        return None
    shifts = np.round(lags * NS_PER_S).astype(np.int64)
    correlations = np.array([float(overlap_products(s, x, t - shift, y).sum()) for shift in shifts]) / scale
    squares = correlations * correlations
    leads, follows = float(squares[lags > 0.0].sum()), float(squares[lags < 0.0].sum())
    ratio = leads / follows if follows > 0.0 else (math.inf if leads > 0.0 else 1.0)
    # Among equals the one nearest to no lead at all: sparse ticks make plateaus.
    heights = np.abs(correlations)
    tied = np.flatnonzero(heights >= heights.max() * (1.0 - 1e-12))
    best = int(tied[np.argmin(np.abs(lags[tied]))])
    moving = min(np.count_nonzero(x_moves), np.count_nonzero(y_moves))
    return LeadLag(lags, correlations, float(lags[best]), float(correlations[best]), ratio, 1.0 / math.sqrt(moving))


def lead_lag_weights(first_shares: ArrayLike, floor: float = 0.0, cap: float = 1.0) -> Floats:
    """Turn pairwise leads of several venues into weights: the mean share in which a venue leads the others.

    Parameters
    ----------
    first_shares : array_like, shape (n, n)
        Element (i, j) is `LeadLag.first_share` of venue i against venue j; the diagonal is not used.
    floor, cap : float
        Bounds of each weight; see `bounded_shares`.

    Returns
    -------
    float array, shape (n,)
        Weights that sum to 1.

    Raises
    ------
    ParameterError
        For shares that are no square of numbers in [0, 1], or bounds between which no weights sum to 1.

    """
    shares = np.array(first_shares, dtype=np.float64)
    if shares.ndim != 2 or shares.shape[0] != shares.shape[1] or not shares.size:
        raise ParameterError("first_shares", first_shares, "a square matrix")
    np.fill_diagonal(shares, 0.0)
    if not ((shares >= 0.0) & (shares <= 1.0)).all():
        raise ParameterError("first_shares", first_shares, "in [0, 1] off the diagonal")
    if len(shares) == 1:
        return bounded_shares([1.0], floor, cap)
    led = shares.sum(axis=1)
    total = float(led.sum())
    return bounded_shares(led / total if total > 0.0 else np.full(len(led), 1.0 / len(led)), floor, cap)


def bounded_shares(raw: ArrayLike, floor: float = 0.0, cap: float = 1.0) -> Floats:
    r"""Return the weights nearest to `raw` that sum to 1 and lie within bounds.

    Minimises :math:`\sum_i (w_i - r_i)^2` with :math:`\sum_i w_i = 1` and floor <= w <= cap: what is cut off at a bound
    is taken from, or given to, all others alike.

    Parameters
    ----------
    raw : array_like, shape (n,)
        Weights as estimated; they may be negative.
    floor, cap : float
        Least and largest weight.

    Raises
    ------
    ParameterError
        For numbers that are not finite, or bounds between which no n weights sum to 1.

    """
    wanted = numbers(np.asarray(raw, dtype=np.float64), "raw")
    n = len(wanted)
    if not (n and 0.0 <= floor <= cap and floor * n <= 1.0 + 1e-12 and cap * n >= 1.0 - 1e-12):
        raise ParameterError("floor, cap", (floor, cap), f"0 <= floor <= 1/{n} <= cap")
    # The sum falls steadily as all weights are lowered together; it is linear between the points where one is bound.
    corners = np.sort(np.concatenate((wanted - floor, wanted - cap)))
    sums = np.clip(wanted - corners[:, None], floor, cap).sum(axis=1)
    lowered = float(np.interp(-1.0, -sums, corners))
    weights: Floats = np.clip(wanted - lowered, floor, cap)
    return weights
