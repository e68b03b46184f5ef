"""Order-arrival intensity as the run file states it."""

from __future__ import annotations

from pydantic import Field

from mm_nautilus.market import Intensity
from mm_nautilus.settings import Settings


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

    def sides(self) -> tuple[Intensity, Intensity]:
        """Return the intensity of our bid and of our ask."""
        return self.value(), (self.ask or self).value()
