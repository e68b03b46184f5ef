r"""Covariance of two prices that are not observed at the same instants, without sampling them.

.. math::
    \widehat{C} = \sum_i \sum_j \Delta X_i\, \Delta Y_j\, 1\{I_i \cap J_j \ne \emptyset\}
                = \sum_i \Delta X_i \bigl[Y^{\text{next}}(s_i) - Y^{\text{prev}}(s_{i-1})\bigr],
    \qquad I_i = (s_{i-1}, s_i]

Changes are multiplied wherever the intervals over which they happened overlap, so nothing is lost to sampling
(the Epps effect) and nothing has to be interpolated. Divided by the seconds observed: price squared per second.

Noise that is independent between the two prices (a bouncing mid) leaves the covariance unbiased and inflates the two
variances, so the *correlation* of noisy ticks comes out too small. Feed mids or micro-prices, a tick only where the
price changed. Fails where one price follows the other late: what a follower does after the last overlap is not counted
(`mm_nautilus.estimators.lead_lag` measures it).

Source: Hayashi and Yoshida, Bernoulli 11(2), 2005.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, Times, numbers, same_length, times

NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AsynchronousCovariance:
    """What two price series say about how they move together.

    Parameters
    ----------
    per_s : float
        Covariance, in price of the first times price of the second per second.
    correlation : float
        Covariance over the root of the two realised variances; rounding apart it need not lie in [-1, 1].
    error : float
        Standard error of the correlation, by leaving out one of several equal stretches of time after the other; NaN
        with a single one, or where all that moved is in one.
    seconds : float
        Stretch of time that both series cover.

    """

    per_s: float
    correlation: float
    error: float
    seconds: float


def hayashi_yoshida(
    first_ns: Any, first: Any, second_ns: Any, second: Any, stretches: int = 20
) -> AsynchronousCovariance | None:
    """Return the covariance of two prices over the time that both were observed; see the module for the formula.

    Takes O(n log m) for n and m ticks, in numpy throughout.

    Parameters
    ----------
    first_ns, second_ns : array-like or Arrow column
        Instants in nanoseconds, not decreasing.
    first, second : array-like or Arrow column
        Prices at these instants.
    stretches : int
        Equal stretches of time that are left out in turn for the error; at least 1.

    Returns
    -------
    AsynchronousCovariance or None
        ``None`` where the two do not overlap or one of them never moves.

    Raises
    ------
    ParameterError
        For columns that cannot be used, or `stretches` below 1.

    """
    if stretches < 1:
        raise ParameterError("stretches", stretches, "an integer >= 1")
    s, x = _series("first", first_ns, first)
    t, y = _series("second", second_ns, second)
    begin, end = (max(s[0], t[0]), min(s[-1], t[-1])) if len(s) and len(t) else (0, 0)
    if end <= begin:
        return None
    s, x = _between(s, x, begin, end)
    t, y = _between(t, y, begin, end)
    # Columns: covariance and the two variances; rows: stretches of time.
    sums = np.column_stack(
        [
            _by_stretch(s, overlap_products(s, x, t, y), begin, end, stretches),
            _by_stretch(s, np.diff(x) ** 2, begin, end, stretches),
            _by_stretch(t, np.diff(y) ** 2, begin, end, stretches),
        ]
    )
    total = sums.sum(axis=0)
    if not (total[1] > 0.0 and total[2] > 0.0):
        return None
    seconds = float(end - begin) / NS_PER_S
    correlation = float(total[0]) / math.sqrt(total[1] * total[2])
    return AsynchronousCovariance(float(total[0]) / seconds, correlation, _jackknife(total - sums), seconds)


def _by_stretch(instants: Times, values: Floats, begin: int, end: int, stretches: int) -> Floats:
    """Sum the values of changes over the equal stretches of time in which they ended."""
    place = np.minimum((instants[1:] - begin) * stretches // (end - begin), stretches - 1)
    sums: Floats = np.bincount(place, weights=values, minlength=stretches)
    return sums


def _jackknife(without: Floats) -> float:
    """Return the standard error of a correlation from its sums without one stretch each; NaN where it says nothing."""
    scale = without[:, 1] * without[:, 2]
    if len(without) < 2 or not (scale > 0.0).all():
        return math.nan
    left_out = without[:, 0] / np.sqrt(scale)
    return math.sqrt((len(left_out) - 1) * float(left_out.var()))


def overlap_products(s: Times, x: Floats, t: Times, y: Floats) -> Floats:
    """Return each change of the first price times the change of the second over all intervals that overlap it.

    Parameters
    ----------
    s, t : int array
        Instants in nanoseconds, not decreasing; at least one each.
    x, y : float array
        Prices at `s` and `t`.

    Returns
    -------
    float array, shape (len(s) - 1,)
        Price of the first times price of the second; the covariance is their sum.

    """
    before = np.maximum(np.searchsorted(t, s[:-1], side="right") - 1, 0)
    after = np.minimum(np.searchsorted(t, s[1:], side="left"), len(t) - 1)
    products: Floats = np.diff(x) * (y[after] - y[before])
    return products


def _series(name: str, ts_ns: Any, prices: Any) -> tuple[Times, Floats]:
    """Return instants and prices with the last price of each instant."""
    instants, values = times(ts_ns, f"{name}_ns"), numbers(prices, name)
    same_length(ts_ns=instants, prices=values)
    if not len(instants):
        return instants, values
    last = np.append(np.diff(instants) > 0, True)
    return instants[last], values[last]


def _between(instants: Times, prices: Floats, begin: int, end: int) -> tuple[Times, Floats]:
    """Return the series as known from `begin` to `end`: the price standing at `begin` opens it."""
    first = max(int(np.searchsorted(instants, begin, side="right")) - 1, 0)
    last = int(np.searchsorted(instants, end, side="right"))
    kept = instants[first:last].copy()
    kept[0] = max(kept[0], begin)
    return kept, prices[first:last]


class RollingHayashiYoshida:
    r"""Covariances of several prices, tick by tick, with an exponential memory.

    Whenever price :math:`i` moves, :math:`C_{ij}` takes :math:`\Delta X_i` times what price :math:`j` has moved since
    the tick before, as far as it is known by now; what is not known yet is added when :math:`j` ticks. Without memory
    loss the sums are those of `hayashi_yoshida` to the last bit of rounding. O(n) a tick, O(n^2) memory.

    Parameters
    ----------
    assets : int
        Number of prices ``n``, at least 1.
    half_life_s : float
        Time after which a product counts half, in seconds; infinite for all history.

    Raises
    ------
    ParameterError
        For values outside these ranges.

    """

    def __init__(self, assets: int, half_life_s: float) -> None:
        if assets < 1:
            raise ParameterError("assets", assets, "an integer >= 1")
        if not half_life_s > 0.0:
            raise ParameterError("half_life_s", half_life_s, "> 0")
        self._decay_per_ns = math.log(2.0) / half_life_s / NS_PER_S
        self._sums = np.zeros((assets, assets))
        self._last = np.full(assets, np.nan)
        self._last_ns = np.zeros(assets, dtype=np.int64)
        # Row i: where every price stood at the last tick of i.
        self._at_tick = np.full((assets, assets), np.nan)
        self._origin_ns: int | None = None
        self._start_ns = 0

    def update(self, asset: int, price: float, ts_ns: int) -> None:
        """Take a tick of one price.

        Parameters
        ----------
        asset : int
            Which one, from 0.
        price : float
            Price units.
        ts_ns : int
            Instant in nanoseconds, not before the one in front of it; of several ticks of one price at one instant,
            feed the last.

        """
        origin = self._origin_ns
        if origin is None:
            origin = self._origin_ns = self._start_ns = ts_ns
        growth = (ts_ns - origin) * self._decay_per_ns
        if growth > 30.0:  # e^30: well inside a float, and rare
            self._sums *= math.exp(-growth)
            self._origin_ns, growth = ts_ns, 0.0
        move = price - self._last[asset]
        row = self._at_tick[asset]
        if move == move:  # noqa: PLR0124 - not its first tick
            weight = move * math.exp(growth)
            products = (self._last - row) * weight
            products[products != products] = 0.0  # noqa: PLR0124 - prices that had not ticked by then
            products[asset] = 0.5 * move * weight
            self._sums[asset] += products
            self._sums[:, asset] += products
        else:
            self._at_tick[:, asset] = price  # where it stood at ticks before its first is not known
        self._last[asset] = price
        row[:] = self._last
        # A price that ticked at this very instant has this one behind it, not ahead.
        self._at_tick[self._last_ns == ts_ns, asset] = price
        self._last_ns[asset] = ts_ns

    def per_s(self, ts_ns: int) -> Floats:
        """Return the covariances in price squared per second as of `ts_ns`; symmetric, maybe not positive.

        Parameters
        ----------
        ts_ns : int
            Instant in nanoseconds, not before the last tick.

        Raises
        ------
        ParameterError
            Where no time has passed since the first tick.

        """
        if self._origin_ns is None or ts_ns <= self._start_ns:
            raise ParameterError("ts_ns", ts_ns, "after the first tick")
        rate = self._decay_per_ns
        known_ns = (ts_ns - self._start_ns) if rate == 0.0 else -math.expm1(-(ts_ns - self._start_ns) * rate) / rate
        decayed = math.exp(-(ts_ns - self._origin_ns) * rate)
        values: Floats = self._sums * (decayed / known_ns * NS_PER_S)
        return values

    def correlations(self) -> Floats:
        """Return the correlations, shape (n, n); 0 between prices of which one has not moved, 1 on the diagonal."""
        root = np.sqrt(np.diag(self._sums))
        scale = np.outer(root, root)
        values: Floats = np.divide(self._sums, scale, out=np.zeros_like(scale), where=scale > 0.0)
        np.fill_diagonal(values, 1.0)
        return values
