"""What a strategy on several venues of one asset is told about them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mm_nautilus.inventory.hedge_settings import HedgeSettings
from mm_nautilus.quoting.settings import GuardSettings, LadderSettings, RequoteSettings
from mm_nautilus.settings import Settings


class VenueEntry(Settings):
    """One table ``[[strategy.venues]]``: an instrument of the asset, and what it is used for.

    What is left out is as the strategy's own table says; a contract that is not one base unit must state its sizes.
    """

    instrument_id: str = Field(pattern=r"^.+\.[^.]+$", description="Instrument, 'SYMBOL.VENUE'.")
    quote: bool = Field(default=True, description="Whether it is quoted.")
    hedge: bool = Field(default=True, description="Whether fills elsewhere are hedged there.")
    order_size: Decimal | None = Field(
        default=None, gt=0, description="Size of the best level there, in its base units (contracts)."
    )
    max_position: Decimal | None = Field(
        default=None, gt=0, description="Largest |position| there in the worst case, in its base units (contracts)."
    )
    max_notional: Decimal | None = Field(
        default=None, gt=0, description="Largest |position| there in the worst case, in its quote currency."
    )
    maker_fee: float | None = Field(
        default=None, gt=-0.1, lt=0.1, description="Maker fee as a fraction; by default that of the run's venue."
    )
    taker_fee: float | None = Field(
        default=None, gt=-0.1, lt=0.1, description="Taker fee as a fraction; by default that of the run's venue."
    )
    hedge_latency_s: float | None = Field(
        default=None,
        ge=0,
        description="Time from a fill elsewhere to the arrival of its hedge there; by default that of the run's venue.",
    )
    ladder: LadderSettings | None = None
    guards: GuardSettings | None = None
    requote: RequoteSettings | None = None

    @model_validator(mode="after")
    def _is_used(self) -> Self:
        if not self.quote and not self.hedge:
            raise ValueError(f"{self.instrument_id} is neither quoted nor hedged on: take it out")
        return self


class WeightSettings(Settings):
    """How much of the price each venue makes."""

    method: Literal["equal", "fixed", "lead_lag"] = Field(
        default="lead_lag", description="'lead_lag': by who leads whom, measured anew now and then."
    )
    fixed: list[float] = Field(default_factory=list, description="With 'fixed': one a venue, in their order, above 0.")
    refresh_s: float = Field(default=300.0, gt=0, description="Time between measurements.")
    window_s: float = Field(default=900.0, gt=0, description="How far back a measurement looks.")
    floor: float = Field(default=0.05, gt=0, lt=1, description="Least weight of a venue; cut to 1/venues.")
    min_changes: int = Field(default=100, ge=2, description="Price changes of a venue before anything is measured.")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.method == "fixed") != bool(self.fixed):
            raise ValueError(f"method {self.method!r} with fixed = {self.fixed}: they belong together")
        if any(not weight > 0 for weight in self.fixed):
            raise ValueError(f"fixed: every weight is above 0, found {self.fixed}")
        return self


class FillHedgeSettings(HedgeSettings):
    """Hedging of fills as they happen; as `HedgeSettings`, with defaults for that."""

    trigger: Literal["band", "limits", "fills", "none"] = Field(
        default="fills", description="'fills': everything above max_exposure at once; others as for a single venue."
    )
    max_share_of_depth: float = Field(
        default=1.0, gt=0, le=1, description="Largest share of the size shown within the worst price to take at once."
    )
    min_interval_s: float = Field(default=0.0, ge=0, description="Least time between the orders of one instrument.")
    retry_interval_s: float = Field(default=0.25, gt=0, description="Time to wait after an order that found nothing.")

    @model_validator(mode="after")
    def _venues_say_where(self) -> Self:
        if self.instruments:
            raise ValueError("instruments: where to hedge is said by hedge = true in strategy.venues")
        return self


class CrossSettings(Settings):
    """What is common to the venues, beside what every quoting strategy is told."""

    min_edge_bps: float = Field(
        default=0.5, gt=-100, lt=1000, description="Least gain of a fill hedged at once, in bps, fees paid."
    )
    slippage_bps: float = Field(default=0.0, ge=0, lt=1000, description="Allowance on every hedge, in bps.")
    latency_z: float = Field(
        default=1.0, ge=0, description="Standard deviations of the price over a hedge's latency that are allowed for."
    )
    alpha: float = Field(
        default=0.3, ge=0, le=1, description="Share of what other venues pay more, costs off, that a quote follows."
    )
    join_ticks: int | None = Field(
        default=None, ge=0, description="Quote at most so many ticks better than the market; left out, up to the bound."
    )
    deduct_basis: bool = Field(
        default=True,
        description="Whether prices that differ for long are no gain. False where what is bought on one venue can be "
        "delivered on another.",
    )
    basis_half_life_s: float = Field(default=300.0, gt=0, description="Half-life of the basis of a venue.")
    venue_stale_after_s: float = Field(
        default=10.0, gt=0, description="Silence after which a venue is neither quoted nor hedged on, in seconds."
    )
    crossed_bps: float = Field(
        default=0.0, ge=0, lt=100, description="How far a venue's own bid may stand above its ask and still count."
    )
    follow_bps: float = Field(
        default=0.5, ge=0, lt=100, description="Move of one venue after which the others are quoted anew, in bps."
    )
    max_clock_offset_s: float = Field(
        default=1.0, gt=0, description="A venue whose clock is further from the others' than this does not count."
    )
    reference_currency: str | None = Field(
        default=None, description="Currency of the consolidated price; by default that of the first venue."
    )
    rates: dict[str, Decimal | str] = Field(
        default_factory=dict,
        description="Worth of one unit of another quote currency in the reference currency: a number, or the "
        "instrument whose mid it is, of which quotes are needed, whatever book is traded on.",
    )
    weights: WeightSettings = WeightSettings()
    depth_levels: int = Field(default=10, ge=1, le=1000, description="Levels of a book that a hedge is counted on for.")

    @field_validator("rates", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        found = {}
        for currency, rate in value.items():
            try:  # a number that was written as text, as JSON has exact ones, is a number
                found[currency] = Decimal(rate) if isinstance(rate, str) else rate
            except ArithmeticError:
                found[currency] = rate
        return found

    @model_validator(mode="after")
    def _rates_are_rates(self) -> Self:
        for currency, rate in self.rates.items():
            if isinstance(rate, Decimal) and not rate > 0:
                raise ValueError(f"rates: {currency}: above 0, found {rate}")
            if isinstance(rate, str) and "." not in rate:
                raise ValueError(f"rates: {currency}: a number or an instrument 'SYMBOL.VENUE', found {rate!r}")
        return self
