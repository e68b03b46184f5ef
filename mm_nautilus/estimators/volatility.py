r"""Volatility of the fair value in price units per square-root second.

The input is a mid or micro-price sampled at fixed intervals, previous tick, never the last trade:
bid-ask bounce would be read as volatility. A run file chooses how it is measured by ``estimator``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, Protocol, Self

import numpy as np
from pydantic import Field, model_validator

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, spliced
from mm_nautilus.estimators.realised import RollingBipower, RollingRealised
from mm_nautilus.estimators.rolling import RollingPrices
from mm_nautilus.estimators.rolling_noise_robust import RollingKernel, RollingTwoScale
from mm_nautilus.estimators.windows import decayed_by_age
from mm_nautilus.settings import Settings


def ewma_decay(interval_s: float, half_life_s: float) -> float:
    r"""Weight :math:`\lambda = 2^{-\Delta t / h}` the past keeps over one sampling interval."""
    return math.exp2(-interval_s / half_life_s)


def ewma_variance(variance: float, change: float, interval_s: float, decay: float) -> float:
    r"""One update :math:`\sigma^2 \leftarrow \lambda\sigma^2 + (1-\lambda)(\Delta M)^2/\Delta t`.

    Parameters
    ----------
    variance : float
        Previous variance rate, in price squared per second.
    change : float
        Change of the fair value over the interval, in price units.
    interval_s : float
        Seconds.
    decay : float
        From `ewma_decay`.

    """
    return decay * variance + (1.0 - decay) * change * change / interval_s


def ewma_variances(prices: Any, interval_s: float, half_life_s: float) -> Floats:
    r"""`ewma_variance` after each change, seeded with the first; shape (changes,), in price squared per second.

    Parameters
    ----------
    prices : array-like or Arrow column
        Sampled at fixed intervals; NaN is a gap, see `spliced`.
    interval_s, half_life_s : float
        Seconds.

    Raises
    ------
    ParameterError
        When a duration is not positive.

    """
    for field, found in (("interval_s", interval_s), ("half_life_s", half_life_s)):
        if not found > 0.0:
            raise ParameterError(field, found, "a number > 0")
    rates = np.diff(spliced(prices)) ** 2 / interval_s
    if not len(rates):
        return rates
    rates[1:] *= 1.0 - ewma_decay(interval_s, half_life_s)
    return decayed_by_age(np.arange(len(rates), dtype=np.float64) * (interval_s / half_life_s), rates)


type Estimator = Literal["ewma", "realised", "bipower", "two_scale", "realised_kernel"]

_ROLLING = ("realised", "bipower", "two_scale", "realised_kernel")
_USED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "half_life_s": ("ewma",),
        "window_samples": _ROLLING,
        "step_samples": ("two_scale",),
        "bandwidth_samples": ("realised_kernel",),
    }
)


class VolatilitySettings(Settings):
    """How volatility is measured; a ``fixed_price_per_sqrt_s`` replaces the measurement."""

    estimator: Estimator = Field(
        default="ewma",
        description="ewma, realised, bipower (ignores jumps), two_scale or realised_kernel (ignore noise).",
    )
    half_life_s: float = Field(default=60.0, gt=0, description="Half-life of the weights, in seconds (ewma).")
    window_samples: int = Field(
        default=300, ge=10, le=100_000, description="Changes of the price looked back on (all but ewma)."
    )
    step_samples: int | None = Field(
        default=None, ge=2, description="Sparse step K, in samples; chosen from the data if absent (two_scale)."
    )
    bandwidth_samples: int | None = Field(
        default=None, ge=0, description="Lags H, in samples; chosen from the data if absent (realised_kernel)."
    )
    sample_interval_s: float = Field(default=1.0, gt=0, le=3600, description="Sampling interval, in seconds.")
    warm_up_samples: int = Field(default=30, ge=1, description="Samples before the estimate is used.")
    floor_price_per_sqrt_s: float = Field(
        default=0.0, ge=0, description="The estimate is never taken below this, in price per square-root second."
    )
    fixed_price_per_sqrt_s: float | None = Field(
        default=None, ge=0, description="Use this value instead of measuring, in price per square-root second."
    )

    @model_validator(mode="after")
    def _only_what_is_used(self) -> Self:
        name = self.estimator
        for field, users in _USED_BY.items():
            # A resolved run file states every default; only a value somebody chose can be a mistake.
            chosen = getattr(self, field) != type(self).model_fields[field].default
            if chosen and name not in users:
                raise ValueError(f"{field} is for estimator {' or '.join(users)}, found estimator {name!r}")
        if name == "ewma":
            return self
        if self.fixed_price_per_sqrt_s is not None:
            raise ValueError(f"fixed_price_per_sqrt_s replaces the measurement, found estimator {name!r} beside it")
        if self.warm_up_samples > self.window_samples:
            raise ValueError(
                f"warm_up_samples ({self.warm_up_samples}) is above window_samples ({self.window_samples})"
            )
        if (self.step_samples or 0) > self.window_samples:
            raise ValueError(f"step_samples ({self.step_samples}) is above window_samples ({self.window_samples})")
        if (self.bandwidth_samples or 0) >= self.window_samples:
            raise ValueError(
                f"bandwidth_samples ({self.bandwidth_samples}) is not below window_samples ({self.window_samples})"
            )
        return self


class Volatility(Protocol):
    """What a strategy asks of a measure of volatility."""

    def sample(self, fair_value: float | None) -> None:
        """Take the fair value of this sampling instant, ``None`` where there is none."""
        ...

    @property
    def value(self) -> float | None:
        """Volatility in price per square-root second, or ``None`` while warming up."""
        ...

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned; the state of another estimator is left aside."""
        ...


def volatility_estimator(settings: VolatilitySettings) -> Volatility:
    """Return the measure that the settings ask for."""
    return EwmaVolatility(settings) if settings.estimator == "ewma" else RollingVolatility(settings)


class EwmaVolatility:
    r"""Exponentially weighted volatility at fixed sampling.

    Seeded with the first squared change. A gap (no fair value at a sampling instant) restarts the
    difference but keeps the variance, so that a reopening jump is not read as diffusion.

    Assumes that the sampled price is a diffusion at the sampling scale; microstructure noise of
    variance :math:`\omega^2` biases the estimate up by :math:`2\omega^2/\Delta t`.
    """

    __slots__ = ("_count", "_decay", "_fixed", "_floor", "_interval_s", "_last", "_variance", "_warm_up", "value")

    def __init__(self, settings: VolatilitySettings) -> None:
        self._interval_s = settings.sample_interval_s
        self._decay = ewma_decay(settings.sample_interval_s, settings.half_life_s)
        self._warm_up = settings.warm_up_samples
        self._floor = settings.floor_price_per_sqrt_s
        self._fixed = settings.fixed_price_per_sqrt_s
        self._last: float | None = None
        self._variance = 0.0
        self._count = 0
        self.value = self._value()
        """Volatility in price per square-root second, or ``None`` while warming up; asked far oftener than sampled."""

    def sample(self, fair_value: float | None) -> None:
        """Take the fair value of this sampling instant, ``None`` where there is none."""
        if fair_value is not None and self._last is not None:
            change = fair_value - self._last
            if self._count == 0:
                self._variance = change * change / self._interval_s
            else:
                self._variance = ewma_variance(self._variance, change, self._interval_s, self._decay)
            self._count += 1
            self.value = self._value()
        self._last = fair_value

    def _value(self) -> float | None:
        if self._fixed is not None:
            return self._fixed
        if self._count < self._warm_up:
            return None
        return max(math.sqrt(self._variance), self._floor)

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"last": self._last, "variance": self._variance, "count": self._count}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned; the last price is dropped, because time has passed since."""
        self._last = None
        if "variance" not in state:
            return
        self._variance = float(state["variance"] or 0.0)
        self._count = int(state["count"] or 0)
        self.value = self._value()


_MEASURES: Mapping[str, Callable[[VolatilitySettings], RollingPrices]] = MappingProxyType(
    {
        "realised": lambda settings: RollingRealised(settings.window_samples),
        "bipower": lambda settings: RollingBipower(settings.window_samples),
        "two_scale": lambda settings: RollingTwoScale(settings.window_samples, settings.step_samples),
        "realised_kernel": lambda settings: RollingKernel(settings.window_samples, settings.bandwidth_samples),
    }
)


class RollingVolatility:
    r"""Volatility over a window of samples, :math:`\sqrt{V/(n\,\Delta t)}` of a rolling variance ``V``.

    A gap is cut out of the window, see `spliced`, and does not start it anew. Each measure says under
    which assumption it fails.

    Parameters
    ----------
    settings : VolatilitySettings
        With any estimator but ``ewma``.

    """

    __slots__ = ("_estimator", "_floor", "_interval_s", "_measure", "_stale", "_value", "_warm_up")

    def __init__(self, settings: VolatilitySettings) -> None:
        self._estimator = settings.estimator
        self._interval_s = settings.sample_interval_s
        self._warm_up = settings.warm_up_samples
        self._floor = settings.floor_price_per_sqrt_s
        self._measure = _MEASURES[settings.estimator](settings)
        self._value: float | None = None
        self._stale = False

    def sample(self, fair_value: float | None) -> None:
        """Take the fair value of this sampling instant, ``None`` where there is none."""
        self._measure.sample(fair_value)
        self._stale = True

    @property
    def value(self) -> float | None:
        """Volatility in price per square-root second, or ``None`` while warming up."""
        if self._stale:
            self._read()
        return self._value

    def save(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"estimator": self._estimator, "interval_s": self._interval_s} | self._measure.save()

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned; prices sampled for another estimator or interval are left aside."""
        if state.get("estimator") == self._estimator and state.get("interval_s") == self._interval_s:
            self._measure.load(state)
            self._stale = True

    def _read(self) -> None:
        self._stale = False
        measure = self._measure
        changes, variance = measure.changes, measure.positive
        if variance is not None and changes >= self._warm_up:
            self._value = max(math.sqrt(variance / (changes * self._interval_s)), self._floor)
