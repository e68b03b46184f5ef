"""What a calibration can be told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mm_nautilus.settings import Settings


class CalibrateSettings(Settings):
    """How a window is measured; every choice is written into the calibration file."""

    fill_rule: Literal["touch", "through"] = Field(
        default="touch",
        description="'touch': a trade at our price fills us; 'through': only one beyond it, as behind a long queue.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the bootstrap.")
    bootstrap_draws: int = Field(default=1000, ge=100, le=100_000, description="Draws of blocks.")
    block_s: float | None = Field(default=None, gt=0, description="Block of quoted time; a fiftieth of it by default.")
    depth_from_price: float | None = Field(
        default=None, ge=0, description="Least distance from the mid to fit; the median half-spread by default."
    )
    depth_to_price: float | None = Field(
        default=None, gt=0, description="Largest distance; by default what a hundredth of the orders reach."
    )
    resting_window_s: float = Field(default=1.0, gt=0, description="How long a virtual resting order stays.")
    sample_interval_s: float = Field(default=1.0, gt=0, le=3600, description="Sampling of the mid for volatility.")
    chi: float = Field(default=1.0, gt=0, description="Skew at the position limit, in skew-free half-spreads.")
    micro_price_buckets: int = Field(default=10, ge=2, le=100, description="Buckets of the imbalance.")
