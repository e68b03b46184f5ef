"""Order-arrival intensity as the run file states it, and how it is fitted anew while trading."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mm_nautilus.market import Intensity
from mm_nautilus.settings import Settings

MOST_SLICES = 1000
"""Parts a rolling window may have: it is kept in as many counts by depth."""


class SideIntensitySettings(Settings):
    """``lambda(depth) = A exp(-k depth)`` of one side."""

    a_per_s: float = Field(gt=0, description="Fills per second at zero distance from the fair value.")
    k_per_price: float = Field(gt=0, description="Decay of the intensity with distance, in 1/price unit.")

    def value(self) -> Intensity:
        """Return the intensity as the models take it."""
        return Intensity(self.a_per_s, self.k_per_price)


class IntensitySettings(SideIntensitySettings):
    """Intensity of both sides; ``ask`` overrides it for fills of our asks."""

    ask: SideIntensitySettings | None = Field(default=None, description="Intensity of the ask where it differs.")
    rolling_window_s: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        description="Fit both sides anew to the trades of so many seconds; the values stated hold until a fit is good.",
    )
    refit_interval_s: float = Field(default=5.0, gt=0, description="Seconds between two fits.")
    fill_rule: Literal["touch", "through"] = Field(
        default="touch", description="Whether a trade at our price fills us (touch), or only one beyond it (through)."
    )
    depth_from_price: float | None = Field(
        default=None, ge=0, description="Least distance from the mid to fit; the median half-spread by default."
    )

    @model_validator(mode="after")
    def _slices(self) -> Self:
        if self.rolling_window_s is not None:
            slices = self.rolling_window_s / self.refit_interval_s
            if not 1 <= slices <= MOST_SLICES:
                raise ValueError(
                    f"rolling_window_s ({self.rolling_window_s:g}) must hold 1 to {MOST_SLICES} times refit_interval_s "
                    f"({self.refit_interval_s:g}), found {slices:g}"
                )
        return self

    def sides(self) -> tuple[Intensity, Intensity]:
        """Return the intensity of our bid and of our ask."""
        return self.value(), (self.ask or self).value()
