"""What the quoting pipeline can be told, with units in every name."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from mm_nautilus.estimators.activity import ActivitySettings
from mm_nautilus.estimators.intensity import IntensitySettings
from mm_nautilus.estimators.micro_price import MicroPriceTable
from mm_nautilus.estimators.volatility import VolatilitySettings
from mm_nautilus.models import ModelParameters, find_model
from mm_nautilus.quoting.limit_settings import AgeSettings, LimitSettings
from mm_nautilus.settings import Settings


class LadderSettings(Settings):
    """Step 4: how one quote becomes several resting orders a side."""

    levels: int = Field(default=1, ge=1, le=50, description="Resting orders per side.")
    spacing_ticks: float = Field(default=1.0, gt=0, description="Distance between neighbouring levels, in ticks.")
    size_decay: float = Field(default=1.0, gt=0, le=1, description="Size of a level relative to the one before it.")
    size_skew: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Shrinks the side that adds to the position by this share of |position|/max_position.",
    )
    widen_inventory_side: float = Field(
        default=0.0,
        ge=0,
        description="Stretches the spacing of the side that adds to the position by this x |position|/max_position.",
    )


class GuardSettings(Settings):
    """Step 5: where a price may stand, and when the market is not fit to be quoted."""

    min_half_spread_bps: float = Field(
        default=0.0, ge=0, lt=10_000, description="Quotes stand at least this far from the fair value, in bps of it."
    )
    max_half_spread_bps: float | None = Field(
        default=None, gt=0, le=10_000, description="Levels farther than this from the fair value are not quoted."
    )
    min_price: Decimal | None = Field(default=None, gt=0, description="Levels below this price are not quoted.")
    max_price: Decimal | None = Field(default=None, gt=0, description="Levels above this price are not quoted.")
    stale_after_s: float = Field(
        default=10.0, gt=0, description="Withdraw when the market has been silent this long, in seconds."
    )
    max_book_spread_bps: float | None = Field(
        default=None, gt=0, description="Withdraw while the market's own spread is wider than this."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_half_spread_bps is not None and self.max_half_spread_bps < self.min_half_spread_bps:
            raise ValueError(
                f"max_half_spread_bps ({self.max_half_spread_bps}) is below min_half_spread_bps "
                f"({self.min_half_spread_bps})"
            )
        if self.min_price is not None and self.max_price is not None and self.max_price <= self.min_price:
            raise ValueError(f"max_price ({self.max_price}) is not above min_price ({self.min_price})")
        return self


class AdjustSettings(Settings):
    """Step 3: what the strategy itself changes in the model's quote, by how much of its limit is used.

    The bands are shares of the way from the target inventory to the position limit. They are functions of the
    position alone: it moves by whole fills, so that no threshold is crossed to and fro by noise.
    """

    skew_above: float = Field(
        default=0.3, ge=0, lt=1, description="Share of the limit from which on the adding side is held back."
    )
    skew_size: float = Field(
        default=0.5, ge=0, le=1, description="Share of the adding side's size that is gone at the limit; 0 for none."
    )
    skew_spread: float = Field(
        default=0.0,
        ge=0,
        description="Share by which the adding side's half-spread is larger at the limit; for a model that does not "
        "itself move its prices with the inventory.",
    )
    aggressive_above: float = Field(
        default=0.7, gt=0, le=1, description="Share of the limit from which on the reducing side is tightened."
    )
    aggressive_spread_multiplier: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Factor on the half-spread of the reducing side there; 1 leaves it.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.skew_above > self.aggressive_above:
            raise ValueError(
                f"thresholds out of order: skew_above ({self.skew_above}) is above aggressive_above "
                f"({self.aggressive_above})"
            )
        return self


class AdverseSelectionResponse(Settings):
    """Step 3: what the strategy does about adverse selection."""

    act: bool = Field(
        default=False,
        description="Follow the monitor's assessments (run file: [adverse_selection]): widen, shrink, step away.",
    )


class RequoteSettings(Settings):
    """Step 6: how eagerly resting orders follow the wanted ladder."""

    tolerance_ticks: int = Field(
        default=0, ge=0, description="A resting order stays while within this of the wanted price, in ticks."
    )
    size_tolerance: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="A resting order keeps its size while within this share of the wanted one.",
    )
    amend: bool = Field(default=True, description="Amend in place where possible; False cancels and submits anew.")
    max_amends_per_order: int = Field(
        default=10, ge=1, description="Amends of one order before it is replaced; their cost grows with each."
    )
    messages_per_s: float = Field(
        default=50.0, gt=0, description="Message budget; cancels that reduce risk pass even when it is spent."
    )
    message_burst: int = Field(default=100, ge=2, description="Messages the budget can save up.")


class CalibrationOrigin(Settings):
    """Where calibrated values of a strategy come from."""

    file: str = Field(description="Name of the calibration file.")
    created: datetime = Field(description="When it was made.")
    instrument_id: str = Field(description="What it is for.")
    tick: Decimal = Field(gt=0, description="Tick size it was made with.")
    data_fingerprint: str = Field(description="Identity of the data it was made from.")

    def problems(self, instrument_id: str, tick: Decimal | None = None) -> list[str]:
        """Return why the values do not belong to an instrument, one line per mistake."""
        if self.instrument_id != instrument_id:
            return [f"calibration: {self.file} is for {self.instrument_id}, not for {instrument_id}"]
        if tick is not None and self.tick != tick:
            made_for = f"{self.file} is for {self.instrument_id} with a tick of {self.tick}"
            return [f"calibration: {made_for}, its tick is {tick} now: calibrate again"]
        return []


class QuotingSettings(Settings):
    """Everything a quoting strategy is told; the model's own parameters join these as further keys."""

    instrument_id: str = Field(description="Instrument to quote, 'SYMBOL.VENUE'.")
    book: Literal["L1", "L2", "L3"] = Field(
        default="L2", description="Market data to quote on: quotes (L1), book by price (L2) or by order (L3)."
    )
    model: str = Field(default="glft", description="Quoting model by name, or 'package.module:Class'.")
    order_size: Decimal = Field(gt=0, description="Size of the best level, in base units.")
    fair_value: Literal["mid", "weighted_mid", "micro_price"] = Field(
        default="mid", description="Reference price the model quotes around; micro_price needs a calibration."
    )
    calibration: str | None = Field(
        default=None,
        description="Calibration file, relative to the run file, that fills what is left out here: intensity, gamma, "
        "volatility.floor_price_per_sqrt_s, micro_price.",
    )
    calibrated: CalibrationOrigin | None = Field(
        default=None, description="Where calibrated values come from; written by the run."
    )
    micro_price: MicroPriceTable | None = Field(default=None, description="Trained table; from the calibration.")
    intensity: IntensitySettings
    volatility: VolatilitySettings = VolatilitySettings()
    activity: ActivitySettings = ActivitySettings()
    adjust: AdjustSettings = AdjustSettings()
    adverse_selection: AdverseSelectionResponse = AdverseSelectionResponse()
    ladder: LadderSettings = LadderSettings()
    limits: LimitSettings
    age: AgeSettings = AgeSettings()
    guards: GuardSettings = GuardSettings()
    requote: RequoteSettings = RequoteSettings()

    @field_validator("model")
    @classmethod
    def _known_model(cls, name: str) -> str:
        find_model(name)
        return name

    @field_validator("calibration")
    @classmethod
    def _calibration_is_read_before(cls, name: str | None) -> str | None:
        if name is not None:
            raise ValueError("is read by a run; elsewhere fill the fields with mm_nautilus.calibration.calibrated")
        return name

    @model_validator(mode="after")
    def _micro_price_is_trained(self) -> Self:
        if self.fair_value == "micro_price" and self.micro_price is None:
            raise ValueError("fair_value 'micro_price' needs a table: name a calibration file as strategy.calibration")
        return self

    @model_validator(mode="after")
    def _limits_hold_one_order(self) -> Self:
        for name in ("max_position", "max_asset_position"):
            limit = getattr(self.limits, name)
            if limit is not None and limit < self.order_size:
                raise ValueError(f"limits.{name} ({limit}) is below order_size ({self.order_size})")
        return self


def settings_with_model[S: QuotingSettings](base: type[S], model_name: str) -> type[S]:
    """Return `base` with the fields of the named model's parameters beside its own.

    The keys of a strategy stay one flat table (``gamma`` stands next to ``order_size``), whichever model
    it uses. Validating settings with an unknown model reports the name, and not the parameters that only
    that model would know.
    """
    try:
        parameters = find_model(model_name).parameters_type
    except ValueError:
        return _joined(base, _OfUnknownModel)
    return _joined(base, parameters)


class _OfUnknownModel(ModelParameters):
    """Parameters nobody can check; the model's name fails the validation."""

    model_config = ConfigDict(extra="ignore")


_CACHE: dict[tuple[type, type], type] = {}


def _joined[S: QuotingSettings](base: type[S], parameters: type[ModelParameters]) -> type[S]:
    key = (base, parameters)
    if key not in _CACHE:
        _CACHE[key] = type(base.__name__, (base, parameters), {"__doc__": base.__doc__, "__module__": base.__module__})
    return _CACHE[key]
