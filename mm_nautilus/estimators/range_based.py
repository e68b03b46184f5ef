r"""Variance from bars of open, high, low and close.

Every function takes four equally long columns in the scale whose diffusion is measured (logarithms for a
plain fraction, prices for price squared) and returns the mean variance *per bar*. All assume
a diffusion that is observed continuously inside the bar: from ``m`` observations the range is too small, and
the first three say nothing about the move between one bar's close and the next one's open.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, numbers, same_length
from mm_nautilus.estimators.rolling import RollingSum

_PARKINSON: Final = 1.0 / (4.0 * math.log(2.0))
_GARMAN_KLASS: Final = 2.0 * math.log(2.0) - 1.0


def parkinson[T: (float, Floats)](open_: T, high: T, low: T, close: T) -> T:  # noqa: ARG001 - one signature for all
    r"""Return :math:`(h-l)^2/(4\ln 2)` of a bar; assumes no drift. Parkinson (1980)."""
    return (high - low) ** 2 * _PARKINSON


def garman_klass[T: (float, Floats)](open_: T, high: T, low: T, close: T) -> T:
    r"""Return :math:`\frac12(h-l)^2 - (2\ln2-1)(c-o)^2` of a bar; assumes no drift. Garman and Klass (1980)."""
    return 0.5 * (high - low) ** 2 - _GARMAN_KLASS * (close - open_) ** 2


def rogers_satchell[T: (float, Floats)](open_: T, high: T, low: T, close: T) -> T:
    r"""Return :math:`(h-c)(h-o) + (l-c)(l-o)` of a bar; holds under any drift. Rogers and Satchell (1991)."""
    return (high - close) * (high - open_) + (low - close) * (low - open_)


BAR_VARIANCES: Mapping[str, Callable[[float, float, float, float], float]] = MappingProxyType(
    {"parkinson": parkinson, "garman_klass": garman_klass, "rogers_satchell": rogers_satchell}
)


def parkinson_variance(open_: Any, high: Any, low: Any, close: Any) -> float | None:
    """Mean of `parkinson` over bars, ``None`` without any."""
    return _mean(parkinson(*bar_columns(open_, high, low, close)))


def garman_klass_variance(open_: Any, high: Any, low: Any, close: Any) -> float | None:
    """Mean of `garman_klass` over bars, ``None`` without any."""
    return _mean(garman_klass(*bar_columns(open_, high, low, close)))


def rogers_satchell_variance(open_: Any, high: Any, low: Any, close: Any) -> float | None:
    """Mean of `rogers_satchell` over bars, ``None`` without any."""
    return _mean(rogers_satchell(*bar_columns(open_, high, low, close)))


def yang_zhang_weight(bars: int) -> float:
    r"""Return :math:`k = 0.34/(1.34 + (N+1)/(N-1))`, the weight of least variance, for ``N`` bars."""
    if bars < 2:
        raise ParameterError("bars", bars, "an integer >= 2")
    return 0.34 / (1.34 + (bars + 1) / (bars - 1))


def yang_zhang_variance(open_: Any, high: Any, low: Any, close: Any) -> float | None:
    r"""Variance per bar, the jump at the open included: :math:`\sigma_o^2 + k\sigma_c^2 + (1-k)\sigma_{RS}^2`.

    :math:`\sigma_o^2` is the sample variance (ddof 1) of open less previous close, :math:`\sigma_c^2` that of close
    less open, :math:`\sigma_{RS}^2` the mean of `rogers_satchell`, all over the bars after the first. Holds
    under any constant drift. Yang and Zhang (2000).

    Parameters
    ----------
    open_, high, low, close : array-like or Arrow column
        At least three bars; the first gives only its close.

    """
    o, h, l, c = bar_columns(open_, high, low, close)  # noqa: E741 - as the field writes them
    if len(o) < 3:
        return None
    weight = yang_zhang_weight(len(o) - 1)
    overnight, session = o[1:] - c[:-1], c[1:] - o[1:]
    inside = float(rogers_satchell(o[1:], h[1:], l[1:], c[1:]).mean())
    return float(overnight.var(ddof=1) + weight * session.var(ddof=1) + (1.0 - weight) * inside)


def bar_columns(open_: Any, high: Any, low: Any, close: Any) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the four columns as arrays.

    Raises
    ------
    ParameterError
        When they differ in length, hold a gap, or an open or close lies outside its bar's range.

    """
    o, h, low_ = numbers(open_, "open"), numbers(high, "high"), numbers(low, "low")
    c = numbers(close, "close")
    same_length(open=o, high=h, low=low_, close=c)
    for name, column in (("open", o), ("close", c)):
        if (outside := np.flatnonzero((column > h) | (column < low_))).size:
            at = int(outside[0])
            raise ParameterError(f"{name}[{at}]", float(column[at]), f"from low ({low_[at]}) to high ({h[at]})")
    return o, h, low_, c


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


class RollingRange:
    """A range-based variance of the last `bars` bars; O(1) an update.

    Parameters
    ----------
    name : str
        ``parkinson``, ``garman_klass`` or ``rogers_satchell``.
    bars : int
        Bars looked back on, at least 1.

    Raises
    ------
    ParameterError
        For another name or length.

    """

    def __init__(self, name: str, bars: int) -> None:
        if name not in BAR_VARIANCES:
            raise ParameterError("name", name, f"one of {', '.join(BAR_VARIANCES)}")
        self._of_bar = BAR_VARIANCES[name]
        self._sum = RollingSum(bars)

    def update(self, open_: float, high: float, low: float, close: float) -> None:
        """Take one finished bar, in the scale whose diffusion is measured."""
        self._sum.add(self._of_bar(open_, high, low, close))

    @property
    def value(self) -> float | None:
        """Variance per bar, ``None`` before the window is full."""
        return self._sum.total / self._sum.length if self._sum.full else None

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"variances": self._sum.save()}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._sum.load(state["variances"])


class RollingYangZhang:
    """`yang_zhang_variance` of the last `bars` bars; O(1) an update.

    Parameters
    ----------
    bars : int
        Bars looked back on, the one that gives only its close included; at least 3.

    Raises
    ------
    ParameterError
        For fewer.

    """

    def __init__(self, bars: int) -> None:
        if bars < 3:
            raise ParameterError("bars", bars, "an integer >= 3")
        self._count = bars - 1
        self._weight = yang_zhang_weight(self._count)
        self._close: float | None = None
        self._terms: deque[tuple[float, float, float]] = deque(maxlen=self._count)
        self._sums = (0.0, 0.0, 0.0, 0.0, 0.0)
        self._until_fresh = self._count

    def update(self, open_: float, high: float, low: float, close: float) -> None:
        """Take one finished bar, in the scale whose diffusion is measured."""
        last, self._close = self._close, close
        if last is None:
            return
        terms = self._terms
        night, day, inside = open_ - last, close - open_, rogers_satchell(open_, high, low, close)
        old_night, old_day, old_inside = terms[0] if len(terms) == self._count else (0.0, 0.0, 0.0)
        terms.append((night, day, inside))
        self._until_fresh -= 1
        if self._until_fresh == 0:
            self._refresh()
            return
        nights, nights2, days, days2, insides = self._sums
        self._sums = (
            nights + night - old_night,
            nights2 + night * night - old_night * old_night,
            days + day - old_day,
            days2 + day * day - old_day * old_day,
            insides + inside - old_inside,
        )

    @property
    def value(self) -> float | None:
        """Variance per bar, ``None`` before the window is full."""
        n, weight = self._count, self._weight
        if len(self._terms) < n:
            return None
        nights, nights2, days, days2, insides = self._sums
        overnight, session = (nights2 - nights * nights / n) / (n - 1), (days2 - days * days / n) / (n - 1)
        return max(overnight, 0.0) + weight * max(session, 0.0) + (1.0 - weight) * insides / n

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"close": self._close, "terms": [list(terms) for terms in self._terms]}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned."""
        self._close = state["close"]
        self._terms = deque(((night, day, inside) for night, day, inside in state["terms"]), maxlen=self._count)
        self._refresh()

    def _refresh(self) -> None:
        """Sum afresh, so that rounding cannot pile up."""
        self._until_fresh = self._count
        nights, days, insides = (
            (list(column) for column in zip(*self._terms, strict=True)) if self._terms else ([], [], [])
        )
        self._sums = (
            math.fsum(nights),
            math.sumprod(nights, nights),
            math.fsum(days),
            math.sumprod(days, days),
            math.fsum(insides),
        )
