"""What may never be exceeded, and how long a position may be held, as a strategy is told it."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from itertools import pairwise
from typing import Self

from pydantic import Field, field_validator, model_validator

from mm_nautilus.settings import Settings


class LimitSettings(Settings):
    """Step 5: what may never be exceeded, even if every working order filled.

    What lies within another limit may not be larger than it: an order within the instrument's notional, that
    within the venue's gross one. A netted limit (asset, portfolio) may be below one that is not, since positions on
    several venues offset each other.
    """

    max_position: Decimal = Field(gt=0, description="Largest |position| in the worst case, in base units.")
    max_notional: Decimal | None = Field(
        default=None, gt=0, description="Largest |position| in the worst case, in quote currency."
    )
    max_order_notional: Decimal | None = Field(
        default=None, gt=0, description="Largest single order, in quote currency."
    )
    max_asset_position: Decimal | None = Field(
        default=None, gt=0, description="Largest |exposure| of the asset netted over venues, in base units."
    )
    max_venue_gross_notional: Decimal | None = Field(
        default=None, gt=0, description="Largest sum of all |positions| at the venue, in quote currency."
    )
    max_daily_volume: Decimal | None = Field(
        default=None,
        gt=0,
        description="Largest volume traded from one roll-over to the next, in quote currency; beyond it, only what "
        "reduces the exposure.",
    )
    day_begins_utc: time = Field(default=time(0), description="When the day of max_daily_volume begins, UTC.")
    capital: Decimal | None = Field(
        default=None, gt=0, description="What max_portfolio_share is a share of, in quote currency."
    )
    max_portfolio_share: Decimal | None = Field(
        default=None, gt=0, description="Largest sum of all assets' |net exposures|, as a share of capital."
    )
    check_position: bool = Field(
        default=True, description="Compare the position counted from fills with the engine's at every sample."
    )

    @property
    def max_portfolio_notional(self) -> Decimal | None:
        """Largest sum of all assets' |net exposures|, in quote currency."""
        if self.capital is None or self.max_portfolio_share is None:
            return None
        return self.capital * self.max_portfolio_share

    @property
    def reach_beyond_the_instrument(self) -> bool:
        """Whether anything but the instrument itself is limited."""
        limits = self.max_asset_position, self.max_venue_gross_notional, self.max_daily_volume
        return any(limit is not None for limit in (*limits, self.max_portfolio_notional))

    @field_validator("day_begins_utc")
    @classmethod
    def _time_is_utc(cls, found: time) -> time:
        if found.tzinfo is not None:
            raise ValueError(f"is UTC and takes no time zone, found {found.isoformat()}")
        return found

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.capital is None) != (self.max_portfolio_share is None):
            raise ValueError(
                f"capital ({self.capital}) and max_portfolio_share ({self.max_portfolio_share}) need each other"
            )
        nested = ("max_order_notional", "max_notional", "max_venue_gross_notional")
        stated = [(name, getattr(self, name)) for name in nested if getattr(self, name) is not None]
        for (inner, small), (outer, large) in pairwise(stated):
            if small > large:
                raise ValueError(f"{inner} ({small}) is above {outer} ({large}), which it is part of")
        volume = self.max_daily_volume
        if volume is not None and self.max_order_notional is not None and self.max_order_notional > volume:
            raise ValueError(f"max_order_notional ({self.max_order_notional}) is above max_daily_volume ({volume})")
        return self


class AgeSettings(Settings):
    """How long a position may be held, first in, first out, and how one too old is worked off."""

    warn_after_s: float = Field(
        default=3600.0, gt=0, description="Age of the oldest lot that is worth a warning, in seconds."
    )
    liquidate_after_s: float = Field(
        default=14_400.0, gt=0, description="Age from which a lot is liquidated, in seconds."
    )
    liquidate: bool = Field(default=True, description="Whether what is too old is liquidated at all.")
    liquidate_within_s: float = Field(
        default=600.0, ge=0, description="Time in which what is too old is worked off, in seconds; 0 for at once."
    )
    slices: int = Field(default=10, ge=1, le=1000, description="Steps in which it is worked off.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warn_after_s > self.liquidate_after_s:
            raise ValueError(
                f"thresholds out of order: warn_after_s ({self.warn_after_s}) is above liquidate_after_s "
                f"({self.liquidate_after_s})"
            )
        return self
