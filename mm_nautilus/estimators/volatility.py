r"""Volatility of the fair value in price units per square-root second.

The input is a mid or micro-price sampled at fixed intervals, previous tick, never the last trade:
bid-ask bounce would be read as volatility.
"""

from __future__ import annotations

import math

from pydantic import Field

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


class VolatilitySettings(Settings):
    """How volatility is measured; a ``fixed_price_per_sqrt_s`` replaces the measurement."""

    half_life_s: float = Field(default=60.0, gt=0, description="Half-life of the weights, in seconds.")
    sample_interval_s: float = Field(default=1.0, gt=0, le=3600, description="Sampling interval, in seconds.")
    warm_up_samples: int = Field(default=30, ge=1, description="Samples before the estimate is used.")
    floor_price_per_sqrt_s: float = Field(
        default=0.0, ge=0, description="The estimate is never taken below this, in price per square-root second."
    )
    fixed_price_per_sqrt_s: float | None = Field(
        default=None, ge=0, description="Use this value instead of measuring, in price per square-root second."
    )


class EwmaVolatility:
    r"""Exponentially weighted volatility at fixed sampling.

    Seeded with the first squared change. A gap (no fair value at a sampling instant) restarts the
    difference but keeps the variance, so that a reopening jump is not read as diffusion.

    Assumes that the sampled price is a diffusion at the sampling scale; microstructure noise of
    variance :math:`\omega^2` biases the estimate up by :math:`2\omega^2/\Delta t`.
    """

    __slots__ = ("_count", "_decay", "_fixed", "_floor", "_interval_s", "_last", "_variance", "_warm_up")

    def __init__(self, settings: VolatilitySettings) -> None:
        self._interval_s = settings.sample_interval_s
        self._decay = ewma_decay(settings.sample_interval_s, settings.half_life_s)
        self._warm_up = settings.warm_up_samples
        self._floor = settings.floor_price_per_sqrt_s
        self._fixed = settings.fixed_price_per_sqrt_s
        self._last: float | None = None
        self._variance = 0.0
        self._count = 0

    def sample(self, fair_value: float | None) -> None:
        """Take the fair value of this sampling instant, ``None`` where there is none."""
        if fair_value is not None and self._last is not None:
            change = fair_value - self._last
            if self._count == 0:
                self._variance = change * change / self._interval_s
            else:
                self._variance = ewma_variance(self._variance, change, self._interval_s, self._decay)
            self._count += 1
        self._last = fair_value

    @property
    def value(self) -> float | None:
        """Volatility in price per square-root second, or ``None`` while warming up."""
        if self._fixed is not None:
            return self._fixed
        if self._count < self._warm_up:
            return None
        return max(math.sqrt(self._variance), self._floor)

    def save(self) -> dict[str, float | int | None]:
        """Return the state as JSON-able values."""
        return {"last": self._last, "variance": self._variance, "count": self._count}

    def load(self, state: dict[str, float | int | None]) -> None:
        """Restore what `save` returned; the last price is dropped, because time has passed since."""
        self._last = None
        self._variance = float(state["variance"] or 0.0)
        self._count = int(state["count"] or 0)
