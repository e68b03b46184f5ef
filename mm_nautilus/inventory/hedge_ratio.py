r"""How much of a correlated instrument stands for one unit of the asset.

With moves :math:`dX` of the asset's price and :math:`dY` of the instrument's, :math:`q` units of the asset are hedged
best, in the sense of the least variance of :math:`q\,dX + h\,dY`, by

.. math:: h = -\beta q, \qquad \beta = \operatorname{Cov}(dX, dY) / \operatorname{Var}(dY), \qquad
    \rho = \operatorname{Cov}(dX, dY) / \sqrt{\operatorname{Var}(dX) \operatorname{Var}(dY)} ,

so that one unit of the instrument stands for :math:`1/\beta` units of the asset, and :math:`1 - \rho^2` of the variance
is left. Moments are exponentially weighted means of products of moves between samples taken together.

Assumes moves without drift over one sample; with samples closer than the two markets take to follow each other the
correlation comes out too low (Epps 1979), which refuses a hedge rather than making a wrong one.
"""

from __future__ import annotations

import math
from typing import Any

from mm_nautilus.inventory.hedge_settings import RatioSettings


class HedgeRatio:
    """The ratio as it is measured.

    Parameters
    ----------
    settings : RatioSettings
        Half-life, warm-up and what is believed.
    interval_s : float
        Time between samples, in seconds; above 0.

    """

    __slots__ = ("_count", "_keep", "_last", "_settings", "_xx", "_xy", "_yy", "beta")

    def __init__(self, settings: RatioSettings, interval_s: float) -> None:
        self._settings = settings
        self._keep = math.exp(-math.log(2.0) * interval_s / settings.half_life_s)
        self._last: tuple[float, float] | None = None
        self._count = 0
        self._xx = self._xy = self._yy = 0.0
        self.beta: float | None = settings.fixed_beta
        """Ratio that positions are weighed with; ``None`` before there is one."""

    def sample(self, asset_mid: float | None, instrument_mid: float | None) -> None:
        """Take the mids of one instant, in price units; a move over a gap is left out."""
        if self._settings.fixed_beta is not None:
            return
        last, self._last = self._last, None
        if asset_mid is None or instrument_mid is None:
            return
        self._last = (asset_mid, instrument_mid)
        if last is None:
            return
        x, y, keep = asset_mid - last[0], instrument_mid - last[1], self._keep
        self._xx = keep * self._xx + (1.0 - keep) * x * x
        self._xy = keep * self._xy + (1.0 - keep) * x * y
        self._yy = keep * self._yy + (1.0 - keep) * y * y
        self._count += 1
        measured = self.measured
        if self.fault is not None or measured is None:
            return
        # A position weighed anew with every sample would be hedged anew with every sample.
        if self.beta is None or abs(measured - self.beta) > self._settings.tolerance * abs(self.beta):
            self.beta = measured

    @property
    def measured(self) -> float | None:
        """Ratio the samples give now; ``None`` where the instrument has not moved."""
        return self._xy / self._yy if self._yy > 0.0 else None

    @property
    def correlation(self) -> float | None:
        """Correlation of the moves, in [-1, 1]; ``None`` where one of the two has not moved."""
        scale = math.sqrt(self._xx * self._yy)
        return max(-1.0, min(1.0, self._xy / scale)) if scale > 0.0 else None

    @property
    def fault(self) -> str | None:
        """Why the instrument must not be hedged on now, or ``None``."""
        settings = self._settings
        if settings.fixed_beta is not None:
            return None
        if self._count < settings.warm_up_samples:
            return f"ratio measured on {self._count} of {settings.warm_up_samples} samples"
        correlation, measured = self.correlation, self.measured
        if correlation is None or measured is None:
            return "the prices do not move"
        if abs(correlation) < settings.min_correlation:
            return f"correlation {correlation:.3f} is below {settings.min_correlation}"
        if not settings.min_beta <= measured <= settings.max_beta:
            return f"beta {measured:.6g} is outside [{settings.min_beta}, {settings.max_beta}]"
        return None

    def save(self) -> dict[str, Any]:
        """Return what a restart needs."""
        return {"beta": self.beta, "moments": [self._xx, self._xy, self._yy], "count": self._count}

    def load(self, state: dict[str, Any]) -> None:
        """Take up what `save` returned; a fixed ratio stays the one of the settings."""
        if self._settings.fixed_beta is None:
            self.beta = state["beta"]
            self._xx, self._xy, self._yy = state["moments"]
            self._count = state["count"]
