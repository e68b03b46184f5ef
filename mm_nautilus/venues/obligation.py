"""What a venue demands of a market maker's quotes: how often, how tight, how large, and when.

Crypto maker programmes ask for a share of time (80 to 95 %) with a minimum size on both sides within so many basis
points of the mid or of each other, often in several tiers. MiFID II (RTS 8, Delegated Regulation 2017/578, articles 1
to 3) asks for half of the continuous trading hours of a day, with sizes on the two sides that do not differ by more
than 50 % and prices within the venue's maximum spread, and excuses exceptional circumstances; venues there relax
spread and size in stressed markets (article 6). Each of these is one `ObligationSettings`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mm_nautilus.settings import Settings

type Weekday = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
type Session = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]

WEEK: tuple[Weekday, ...] = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


class StressSettings(Settings):
    """When the market counts as stressed, and how far the demands are relaxed then."""

    move_bps: float = Field(gt=0, description="Range of the mid within the window that begins a stressed market.")
    window_s: float = Field(default=60.0, gt=0, description="Window of that range, in seconds.")
    lasts_s: float = Field(default=300.0, gt=0, description="Time after the last such move, in seconds.")
    spread_multiplier: Decimal = Field(default=Decimal(2), ge=1, description="On the largest spread and distance.")
    size_multiplier: Decimal = Field(default=Decimal("0.5"), gt=0, le=1, description="On the smallest size and value.")


class ObligationSettings(Settings):
    """One rule of a venue for our resting orders; it holds for each instrument on its own."""

    name: str = Field(default="quoting", min_length=1, description="Name of the rule, where a venue has several.")
    instruments: tuple[str, ...] = Field(
        default=(), description="Instruments it holds for; all that are quoted there when left out."
    )
    uptime: float = Field(gt=0, le=1, description="Share of the demanded time in which the rule must be kept.")
    max_spread_bps: Decimal | None = Field(
        default=None, gt=0, description="Largest spread between our two sides at the minimum size, in bps of their mid."
    )
    max_distance_bps: Decimal | None = Field(
        default=None, gt=0, description="Only orders this close to the market's mid count, in bps of it."
    )
    min_size: Decimal | None = Field(
        default=None, gt=0, description="Smallest size of a side, over its levels, in base units (contracts)."
    )
    min_notional: Decimal | None = Field(
        default=None, gt=0, description="Smallest value of a side, over its levels, in settlement currency."
    )
    two_sided: bool = Field(default=True, description="Both sides at once; else either side will do.")
    max_size_difference: Decimal | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="How much smaller one side may be than the other, as a share (RTS 8: 0.5).",
    )
    hours_utc: tuple[Session, ...] = Field(default=(), description="Trading hours as '08:00-16:30'; always, if none.")
    weekdays: tuple[Weekday, ...] = Field(default=WEEK, min_length=1, description="Trading days, of UTC midnights.")
    excuse_no_market: bool = Field(
        default=True, description="Time in which the market has no two sides, or crossed ones, is not demanded."
    )
    excuse_stale_feed: bool = Field(
        default=False,
        description="Time in which the market's data did not reach us is not demanded (RTS 8, article 3).",
    )
    stress: StressSettings | None = Field(default=None, description="Relief in a stressed market.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.max_spread_bps is None and self.max_distance_bps is None:
            raise ValueError("one of max_spread_bps and max_distance_bps must say how tight quotes must be")
        if not self.two_sided:
            if self.max_distance_bps is None:
                raise ValueError("one side alone has no spread: two_sided = false needs max_distance_bps")
            for name in ("max_spread_bps", "max_size_difference"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} compares two sides and does not go with two_sided = false")
        for session in self.hours_utc:
            start, _, end = session.partition("-")
            if start == end:
                raise ValueError(f"hours_utc: {session} is empty; all day is 00:00-24:00")
        return self
