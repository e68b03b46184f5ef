r"""Covariance of several prices, per second, that a portfolio can be priced with.

Prices are sampled at one set of instants (previous tick, five seconds apart or more: closer together, assets that tick
at different instants look unrelated), the sample covariance is shrunk towards constant correlation and then made
positive semi-definite:

.. math::
    S_{ij} = \frac{1}{n_{ij}}\sum_t r_{it} r_{jt}, \qquad
    \hat\Sigma = \delta F + (1 - \delta) S, \qquad
    F_{ij} = \bar\rho\sqrt{S_{ii} S_{jj}}, \qquad
    \delta = \min\Bigl(1, \max\Bigl(0, \frac{\pi - \varrho}{n\,\lVert F - S\rVert^2}\Bigr)\Bigr) .

Variances are left as they are. The mean change is taken as 0: over seconds it is nothing beside the volatility. Returns
are price changes, so the unit is price squared per second; pass logarithms of prices for a plain number per second.

Fails where the assets rarely trade (a pair is judged by the samples at which both are known) and in a regime change: it
knows nothing of what the window does not hold.

Source: Ledoit and Wolf, Journal of Portfolio Management 30(4), 2004.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, numbers, same_length, times
from mm_nautilus.estimators.nearest_correlation import nearest_correlation

LEAST_STEP_S: Final = 5.0
"""Shortest sampling step, in seconds."""
_LEAST_SAMPLES: Final = 8
_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Covariance:
    """Covariance of several prices and how far it can be trusted.

    Parameters
    ----------
    per_s : float array, shape (n, n)
        Shrunk and positive semi-definite, in price squared per second.
    correlation : float array, shape (n, n)
        The same as correlations.
    errors : float array, shape (n, n)
        Standard error of each sample correlation for independent normal returns, ``(1 - rho^2)/sqrt(n)``.
    shrinkage : float
        ``delta``: weight of constant correlation, in [0, 1].
    samples : int
        Fewest changes that a pair was judged by.
    repaired : float
        Largest change of a correlation that positive semi-definiteness asked for; 0 where it asked for none.

    """

    per_s: Floats
    correlation: Floats
    errors: Floats
    shrinkage: float
    samples: int
    repaired: float


def previous_tick(
    series: Sequence[tuple[Any, Any]], step_s: float, start_ns: int, end_ns: int, max_age_s: float = math.inf
) -> Floats:
    """Sample prices that tick at different instants at common ones: the last price at or before each.

    Parameters
    ----------
    series : sequence of (ts_ns, prices)
        Instants in nanoseconds, not decreasing, and the prices at them; one pair an asset.
    step_s : float
        Seconds between samples, at least 5.
    start_ns, end_ns : int
        First sample, and the end that no sample lies beyond.
    max_age_s : float
        Age from which on a price is no longer known, in seconds.

    Returns
    -------
    float array, shape (samples, assets)
        NaN where a price is not known.

    Raises
    ------
    ParameterError
        For a step below 5 s, an end before the start, or columns that cannot be used.

    """
    _check_step(step_s)
    if end_ns < start_ns:
        raise ParameterError("end_ns", end_ns, f"at or after start_ns ({start_ns})")
    instants = np.arange(start_ns, end_ns + 1, round(step_s * _NS_PER_S), dtype=np.int64)
    sampled = np.full((len(instants), len(series)), np.nan)
    for column, (ts_ns, prices) in enumerate(series):
        ticks, values = times(ts_ns, f"series[{column}].ts_ns"), numbers(prices, f"series[{column}].prices")
        same_length(ts_ns=ticks, prices=values)
        if not len(ticks):
            continue
        last = np.searchsorted(ticks, instants, side="right") - 1
        age_s = (instants - ticks[np.maximum(last, 0)]) / _NS_PER_S
        sampled[:, column] = np.where((last >= 0) & (age_s <= max_age_s), values[np.maximum(last, 0)], np.nan)
    return sampled


def covariance(prices: Any, step_s: float, shrink: bool = True) -> Covariance | None:
    """Return the covariance per second of prices sampled together; see the module for the formulas.

    Parameters
    ----------
    prices : array_like, shape (samples, n)
        From `previous_tick`; a change is counted where both of its prices are known.
    step_s : float
        Seconds between samples, at least 5.
    shrink : bool
        Whether to shrink.

    Returns
    -------
    Covariance or None
        ``None`` where a pair has fewer than 8 changes, or a price never moved.

    Raises
    ------
    ParameterError
        For a table that is none, or a step below 5 s.

    """
    _check_step(step_s)
    table = np.asarray(prices, dtype=np.float64)
    if table.ndim != 2 or not table.shape[1] or np.isinf(table).any():
        raise ParameterError("prices", f"shape {table.shape}", "a table of finite prices, one column an asset")
    moves = np.diff(table, axis=0)
    known = ~np.isnan(moves)
    seen = known.astype(np.float64)
    counts = seen.T @ seen
    if not moves.size or counts.min() < _LEAST_SAMPLES:
        return None
    returns = np.where(known, moves, 0.0)
    sample = returns.T @ returns / counts
    deviation = np.sqrt(np.diag(sample))
    if not (deviation > 0.0).all():
        return None
    # On standardised returns: assets of very different price weigh alike.
    standard = returns / deviation
    correlation = sample / np.outer(deviation, deviation)
    # Pairs that were seen at different times may come out beyond 1.
    correlation = np.clip(correlation, -1.0, 1.0)
    errors = (1.0 - correlation**2) / np.sqrt(counts)
    delta, target = _shrinkage(standard, seen, counts, correlation) if shrink else (0.0, correlation)
    shrunk = delta * target + (1.0 - delta) * correlation
    repaired = nearest_correlation(shrunk)
    return Covariance(
        repaired * np.outer(deviation, deviation) / step_s,
        repaired,
        errors,
        delta,
        int(counts.min()),
        float(np.abs(repaired - shrunk).max()),
    )


def _shrinkage(standard: Floats, seen: Floats, counts: Floats, correlation: Floats) -> tuple[float, Floats]:
    """Return Ledoit and Wolf's intensity and the constant-correlation matrix, for returns of unit variance."""
    n = len(correlation)
    if n < 2:
        return 0.0, correlation
    off = ~np.eye(n, dtype=bool)
    mean = float(correlation[off].mean())
    target = np.full((n, n), mean)
    np.fill_diagonal(target, 1.0)
    distance = float(((target - correlation) ** 2).sum())
    if distance < 1e-14 * n * n:
        return 0.0, correlation
    squares = standard * standard
    # pi: variances of the elements; rho: their covariances with the target, which moves with the variances.
    variances = squares.T @ squares / counts - correlation**2
    # Mean of (r_i^2 - 1)(r_i r_j - rho_ij) over the samples at which both are known.
    thirds = (squares * standard).T @ standard / counts - correlation * (squares.T @ seen / counts)
    thirds -= standard.T @ standard / counts - correlation
    rho = float(np.diag(variances).sum()) + float((0.5 * mean * (thirds + thirds.T))[off].sum())
    delta = (float(variances.sum()) - rho) / distance / float(counts.mean())
    return min(1.0, max(0.0, delta)), target


def _check_step(step_s: float) -> None:
    if not (step_s >= LEAST_STEP_S and math.isfinite(step_s)):
        raise ParameterError("step_s", step_s, f"at least {LEAST_STEP_S:g} s: closer samples look unrelated")


class RollingCovariance:
    """`covariance` of the last so many samples, in bounded memory: sampled on one timer, computed on a slower one.

    Parameters
    ----------
    assets : int
        Number of prices, at least 1.
    window : int
        Changes looked back on, at least 8.
    step_s : float
        Seconds between samples, at least 5.

    Raises
    ------
    ParameterError
        For values outside these ranges.

    """

    def __init__(self, assets: int, window: int, step_s: float) -> None:
        if assets < 1 or window < _LEAST_SAMPLES:
            raise ParameterError("assets, window", (assets, window), f"at least 1 and at least {_LEAST_SAMPLES}")
        _check_step(step_s)
        self.step_s = step_s
        self._ring = np.full((window + 1, assets), np.nan)
        self._next = 0

    def sample(self, prices: Sequence[float]) -> None:
        """Take the prices of this sampling instant, NaN where one is not known; O(n).

        Parameters
        ----------
        prices : sequence of float
            One an asset, in price units.

        """
        self._ring[self._next] = prices
        self._next = (self._next + 1) % len(self._ring)

    def prices(self) -> Floats:
        """Return the samples of the window, oldest first; shape (window + 1, assets)."""
        return np.roll(self._ring, -self._next, axis=0)

    def value(self, shrink: bool = True) -> Covariance | None:
        """Return `covariance` of the window, for the slow clock: O(window n^2 + n^3)."""
        return covariance(self.prices(), self.step_s, shrink)

    def save(self) -> dict[str, Any]:
        """Return the samples as JSON-able values; a price that is not known is ``None``."""
        return {"prices": [[None if p != p else p for p in row] for row in self.prices().tolist()]}  # noqa: PLR0124

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned; the step across the pause is not counted as a change.

        Raises
        ------
        ParameterError
            For samples of another number of assets.

        """
        saved = np.array(state["prices"], dtype=np.float64).reshape(len(state["prices"]), -1)
        if len(saved) and saved.shape[1] != self._ring.shape[1]:
            raise ParameterError("prices", f"{saved.shape[1]} columns", f"{self._ring.shape[1]}, one an asset")
        self._ring[:] = np.nan
        self._next = 0
        for row in saved[1 - len(self._ring) :]:
            self.sample(row)
        self.sample([math.nan] * self._ring.shape[1])
