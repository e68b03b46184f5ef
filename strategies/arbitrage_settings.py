"""What a `CrossVenueArbitrage` is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from mm_nautilus.estimators.volatility import VolatilitySettings
from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.inventory.hedge_settings import HedgeSettings, TakingTerms
from mm_nautilus.settings import Settings
from mm_nautilus.venues.crossing import ScanTerms


class ArbitrageVenueSettings(Settings):
    """One instrument of the asset."""

    instrument_id: str = Field(pattern=r"^.+\.[^.]+$", description="Instrument, 'SYMBOL.VENUE'; data of it is needed.")
    max_position: Decimal = Field(gt=0, description="Largest |position| there, in base units (contracts).")
    max_order_size: Decimal | None = Field(
        default=None, gt=0, description="Largest order there, likewise; by default up to the position limit."
    )


class CrossVenueArbitrageSettings(Settings):
    """What a `CrossVenueArbitrage` is told."""

    venues: list[ArbitrageVenueSettings] = Field(
        min_length=2, description="Where the asset is traded: all pairs are watched, both ways."
    )
    book: Literal["L1", "L2", "L3"] = Field(default="L2", description="Kind of market data, the same on all venues.")
    max_levels: int = Field(default=20, ge=1, le=1000, description="Levels of a book that are looked at.")
    min_edge_bps: Decimal = Field(
        default=Decimal(0), ge=0, lt=10_000, description="Least gain of the last unit after fees, in bps of its cost."
    )
    min_profit: Decimal = Field(
        default=Decimal(0), ge=0, description="Least profit of the whole after fees, in quote currency."
    )
    latency_z: float = Field(
        default=1.0, ge=0, le=10, description="Standard deviations of the price over the latency to earn on top."
    )
    max_quote_age_s: float = Field(default=1.0, gt=0, description="Oldest quote to trade on, in seconds.")
    expiry_s: float = Field(
        default=5.0, gt=0, description="A crossing that has paid for this long is taken for an error, in seconds."
    )
    cooldown_s: float = Field(
        default=1.0, ge=0, description="How long a side of a book is left alone after we took from it, in seconds."
    )
    max_clock_offset_s: float = Field(
        default=1.0, gt=0, description="Largest difference between the clocks of two venues, in seconds."
    )
    clock_window_s: float = Field(
        default=60.0, gt=0, description="How long the least delay of a venue's messages is looked back on, in seconds."
    )
    leg_timeout_s: float = Field(
        default=5.0, gt=0, description="A leg not answered by then raises an alert and is asked about, in seconds."
    )
    volatility: VolatilitySettings = VolatilitySettings()
    hedge: HedgeSettings = Field(
        default=HedgeSettings(trigger="fills", min_interval_s=0.0),
        description="How what only one leg filled is hedged; by default at once, on the venues themselves.",
    )
    arrival: ArrivalSettings = Field(default=ArrivalSettings(), description="Filled in by the backtest.")
    taking: dict[str, TakingTerms] = Field(
        default_factory=dict, description="What taking costs at each venue; filled in by the backtest."
    )
    state_file: Path | None = Field(
        default=None,
        description="File that the state is kept in, so that a killed process goes on where it was. Leave it out in a "
        "backtest.",
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        names = [one.instrument_id for one in self.venues]
        if len(set(names)) != len(names):
            raise ValueError(f"venues: each instrument may stand once, found {', '.join(names)}")
        if self.hedge.trigger != "fills":
            raise ValueError(f"hedge.trigger: what one leg leaves is hedged by 'fills', found {self.hedge.trigger!r}")
        for one in self.venues:
            if one.max_order_size is not None and one.max_order_size > one.max_position:
                raise ValueError(
                    f"venues: {one.instrument_id}: max_order_size ({one.max_order_size}) is above max_position "
                    f"({one.max_position})"
                )
        return self

    def instruments(self) -> tuple[str, ...]:
        """Return all instruments whose data is needed, those that are arbitraged first."""
        hedges = (one.instrument_id for one in self.hedge.instruments)
        return tuple(dict.fromkeys([*(one.instrument_id for one in self.venues), *hedges]))

    def position_limits(self) -> dict[str, Decimal | None]:
        """Return the position limit of each instrument, ``None`` where there is none."""
        limits: dict[str, Decimal | None] = dict.fromkeys(self.instruments())
        return limits | {one.instrument_id: one.max_position for one in self.venues}

    def scan_terms(self) -> ScanTerms:
        """Return what a crossing must leave."""
        return ScanTerms(
            self.min_edge_bps, self.min_profit, self.max_quote_age_s, self.expiry_s, self.cooldown_s, self.latency_z
        )


class CrossVenueArbitrageConfig(TypedStrategyConfig):
    """The engine's fields and `CrossVenueArbitrageSettings`, in one flat table."""

    settings: CrossVenueArbitrageSettings
