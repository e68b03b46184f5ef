r"""How brisk trade is: the recent volume rate over the long-run one.

.. math::
    \frac{v_s(t)}{v_l(t)}, \qquad
    v_h(t) = \frac{\sum_i s_i\, 2^{-(t - t_i)/h}}{\int_{t_0}^{t} 2^{-(t - u)/h}\,du}

with sizes :math:`s_i` at times :math:`t_i` since the first trade at :math:`t_0`, and a short and a long half-life
:math:`h`. Dividing by the weight of the time that has passed keeps both rates unbiased from the start.

Assumes that volume has a rate on the long scale; across an auction or a holiday it has none.
"""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from mm_nautilus.estimators.columns import Floats, times
from mm_nautilus.estimators.windows import decayed_sums
from mm_nautilus.settings import Settings


class ActivitySettings(Settings):
    """Over which times volume is compared."""

    half_life_s: float = Field(default=60.0, gt=0, description="Half-life of the recent rate, in seconds.")
    long_run_half_life_s: float = Field(default=1800.0, gt=0, description="Half-life of the long-run rate, in seconds.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.long_run_half_life_s <= self.half_life_s:
            raise ValueError(
                f"long_run_half_life_s ({self.long_run_half_life_s}) is not above half_life_s ({self.half_life_s})"
            )
        return self


def weight_of[T: (float, Floats)](elapsed_s: T, half_life_s: float) -> T:
    r"""Return :math:`\int_0^{T} 2^{-u/h}\,du` in seconds: the time that counts after `elapsed_s`, one or many."""
    weight: T = half_life_s / math.log(2.0) * -np.expm1(-math.log(2.0) / half_life_s * elapsed_s)
    return weight


def volume_ratios(ts_ns: Any, size: Any, settings: ActivitySettings) -> Floats:
    """Return the ratio right after each trade, 1 while no time has passed.

    Parameters
    ----------
    ts_ns : array-like or Arrow column
        Times of the trades, never backwards.
    size : array-like or Arrow column
        Sizes, in base units.
    settings : ActivitySettings
        Half-lives.

    Raises
    ------
    ParameterError
        For columns of different lengths or times that go backwards.

    """
    instants = times(ts_ns)
    elapsed_s = 1e-9 * (instants - instants[:1]).astype(np.float64)
    rates = []
    for half_life_s in (settings.half_life_s, settings.long_run_half_life_s):
        sums, weights = decayed_sums(instants, size, half_life_s), weight_of(elapsed_s, half_life_s)
        rates.append(np.divide(sums, weights, out=np.ones_like(sums), where=weights > 0.0))
    return np.asarray(rates[0] / rates[1], dtype=np.float64)


class VolumeRatio:
    """`volume_ratios`, trade by trade and at any time since; O(1) an update.

    Parameters
    ----------
    settings : ActivitySettings
        Half-lives.

    """

    __slots__ = ("_first_ns", "_half_lives_s", "_last_ns", "_long", "_short")

    def __init__(self, settings: ActivitySettings) -> None:
        self._half_lives_s = settings.half_life_s, settings.long_run_half_life_s
        self._short = self._long = 0.0
        self._first_ns: int | None = None
        self._last_ns = 0

    def traded(self, ts_ns: int, size: float) -> None:
        """Take a trade of `size`, in base units."""
        if self._first_ns is None:
            self._first_ns = self._last_ns = ts_ns
        kept = self._kept(ts_ns)
        self._short = self._short * kept[0] + size
        self._long = self._long * kept[1] + size
        self._last_ns = max(ts_ns, self._last_ns)

    def value(self, now_ns: int) -> float:
        """Return the ratio at `now_ns`; 1 before there is a trade and while no time has passed since the first."""
        if self._first_ns is None or now_ns <= self._first_ns:
            return 1.0
        kept, elapsed_s = self._kept(now_ns), 1e-9 * (now_ns - self._first_ns)
        short = self._short * kept[0] / weight_of(elapsed_s, self._half_lives_s[0])
        long = self._long * kept[1] / weight_of(elapsed_s, self._half_lives_s[1])
        return float(short / long) if long > 0.0 else 0.0  # a silence so long that no float holds what is left

    def _kept(self, ts_ns: int) -> tuple[float, float]:
        elapsed_s = 1e-9 * max(ts_ns - self._last_ns, 0)
        short_s, long_s = self._half_lives_s
        return math.exp2(-elapsed_s / short_s), math.exp2(-elapsed_s / long_s)
