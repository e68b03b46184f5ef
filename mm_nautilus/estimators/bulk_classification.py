r"""Who bought, guessed from price changes where the venue does not say (bulk volume classification).

Of the volume of a bar, takers are taken to have bought :math:`\Phi(\Delta P/\sigma_{\Delta P})`. Assumes normal changes
and that takers move the price; a maker's retreat looks the same. Easley, Lopez de Prado and O'Hara (2012).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, floats, numbers, same_length
from mm_nautilus.estimators.rolling import RollingSum


def buy_fraction(change: float, sigma: float) -> float:
    r"""Share of a bar's volume that takers bought, :math:`\Phi(\Delta P/\sigma)`.

    For ``sigma = 0`` its limit: all, none or half of it by the sign of the change.
    """
    if sigma > 0.0:
        return 0.5 * math.erfc(-change / (sigma * math.sqrt(2.0)))
    return 0.5 * (1.0 + (change > 0.0) - (change < 0.0))


def buy_fractions(changes: Any, sigma: Any = None) -> Floats:
    """`buy_fraction` of every bar; NaN where sigma is unknown.

    Parameters
    ----------
    changes : array-like or Arrow column
        Change of the price over each bar, in price units.
    sigma : float, array-like, Arrow column or None
        Standard deviation of such changes, in price units, one or one a bar; ``None`` takes the sample's own (ddof 1),
        which knows the whole sample in its first bar: use `trailing_sigma` where that matters.

    """
    moves = numbers(changes, "changes")
    if sigma is None:
        sigma = sample_sigma(moves)
    spread = (
        np.full(len(moves), math.nan if sigma is None else sigma) if np.ndim(sigma) == 0 else floats(sigma, "sigma")
    )
    same_length(changes=moves, sigma=spread)
    known = zip(moves.tolist(), spread.tolist(), strict=True)
    return np.array([math.nan if s != s else buy_fraction(move, s) for move, s in known])  # noqa: PLR0124 - NaN


def sample_sigma(changes: Any) -> float | None:
    """Sample standard deviation (ddof 1) of price changes, in price units; ``None`` for fewer than two."""
    moves = numbers(changes, "changes")
    return float(moves.std(ddof=1)) if len(moves) >= 2 else None


def trailing_sigma(changes: Any, bars: int) -> Floats:
    """Standard deviation (ddof 1) of the last `bars` changes at each bar, NaN before the second; shape (n,)."""
    moves = numbers(changes, "changes")
    ends = np.arange(1, len(moves) + 1)
    starts = np.maximum(ends - _check_bars(bars), 0)
    first, second = (np.concatenate(([0.0], np.cumsum(column))) for column in (moves, moves * moves))
    n = ends - starts
    mean_free = np.maximum(second[ends] - second[starts] - (first[ends] - first[starts]) ** 2 / n, 0.0)
    variance: Floats = np.divide(mean_free, n - 1, out=np.full(len(moves), math.nan), where=n > 1)
    return np.sqrt(variance)


def bulk_volumes(fractions: Any, volume: Any) -> tuple[Floats, Floats]:
    """Split each bar's volume by its share of buys; a bar whose share is NaN is left out.

    Parameters
    ----------
    fractions : array-like or Arrow column
        From `buy_fractions`.
    volume : array-like or Arrow column
        Of each bar, in base units.

    """
    shares, volumes = floats(fractions, "fractions"), numbers(volume, "volume")
    same_length(fractions=shares, volume=volumes)
    known = ~np.isnan(shares)
    bought: Floats = (shares * volumes)[known]
    return bought, volumes[known] - bought


class TrailingSigma:
    """`trailing_sigma`, bar by bar; O(1) an update.

    Parameters
    ----------
    bars : int
        Bars looked back on, at least 2.

    Raises
    ------
    ParameterError
        For fewer.

    """

    def __init__(self, bars: int) -> None:
        self._first, self._second = RollingSum(_check_bars(bars)), RollingSum(bars)

    def update(self, change: float) -> None:
        """Take the change of the price over one bar, in price units."""
        self._first.add(change)
        self._second.add(change * change)

    @property
    def value(self) -> float | None:
        """Standard deviation of a bar's change in price units, ``None`` before the second bar."""
        n = self._first.count
        return math.sqrt(max(self._second.total - self._first.total**2 / n, 0.0) / (n - 1)) if n > 1 else None

    def save(self) -> list[float]:
        """Return the changes, oldest first."""
        return self._first.save()

    def load(self, changes: list[float]) -> None:
        """Restore what `save` returned."""
        self._first.load(changes)
        self._second.load([change * change for change in changes])


def _check_bars(bars: int) -> int:
    if bars < 2:
        raise ParameterError("bars", bars, "an integer >= 2")
    return bars
