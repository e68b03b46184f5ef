"""What a strategy is told about hedging: when it pays or must be, on which instruments, and how it is worked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mm_nautilus.settings import Settings


class MoneyLimit(Settings):
    """A limit in money on what the inventory may lose over a horizon."""

    limit: float = Field(gt=0, description="Largest loss, in quote currency.")
    confidence: float = Field(default=0.99, gt=0.5, lt=1, description="Probability with which the loss stays below it.")
    horizon_s: float = Field(default=3600.0, gt=0, description="How long the inventory is held, in seconds.")


class RatioSettings(Settings):
    """How the ratio between an asset and a correlated instrument is measured, and when it is trusted."""

    half_life_s: float = Field(default=600.0, gt=0, description="Half-life of the covariance of sampled mids.")
    warm_up_samples: int = Field(default=120, ge=2, description="Samples before the ratio is used.")
    min_correlation: float = Field(
        default=0.7, gt=0, lt=1, description="Below this |correlation| the instrument is not hedged on."
    )
    min_beta: float = Field(
        default=0.0, description="Move of the asset's price per move of the instrument's: smallest that is believed."
    )
    max_beta: float = Field(default=1e6, description="Largest that is believed.")
    tolerance: float = Field(
        default=0.1, ge=0, description="A position is weighed anew when the ratio has moved by more than this share."
    )
    fixed_beta: float | None = Field(default=None, description="The ratio itself, where it is known; not measured.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_beta >= self.max_beta:
            raise ValueError(f"min_beta ({self.min_beta}) is not below max_beta ({self.max_beta})")
        if self.fixed_beta is not None and not (self.fixed_beta and self.min_beta <= self.fixed_beta <= self.max_beta):
            bounds = f"[{self.min_beta}, {self.max_beta}]"
            raise ValueError(f"fixed_beta ({self.fixed_beta}) is 0 or outside [min_beta, max_beta] = {bounds}")
        return self


class HedgeInstrumentSettings(Settings):
    """One instrument to hedge on."""

    instrument_id: str = Field(pattern=r"^.+\.[^.]+$", description="Instrument, 'SYMBOL.VENUE'; data of it is needed.")
    correlated: RatioSettings | None = Field(
        default=None, description="Of another asset, whose moves go with this one's; absent for the asset itself."
    )


class HedgeSettings(Settings):
    """The table ``[strategy.hedge]``.

    Without the table nothing is hedged for its own sake, but what must go (too old, flattened, an emergency) still
    goes, on the quoted instrument.
    """

    trigger: Literal["band", "limits", "fills", "none"] = Field(
        default="band",
        description="'band': when inventory costs more than a taker's price, and by the limits stated below; 'limits': "
        "by these alone; 'fills': everything above max_exposure at once; 'none': only what must go.",
    )
    instruments: list[HedgeInstrumentSettings] = Field(
        default_factory=list, description="Where to hedge, as names or tables; the quoted instrument where empty."
    )
    consider_above: float = Field(
        default=0.7, ge=0, lt=1, description="Share of the position limit from which on the band is asked."
    )
    skew: float | None = Field(
        default=None,
        gt=0,
        description="Cost of inventory, in price units per base unit; by default the skew of the model's quote.",
    )
    inventory_share: float | None = Field(
        default=None, gt=0, le=1, description="Share of the position limit beyond which is hedged whatever it costs."
    )
    value_at_risk: MoneyLimit | None = Field(default=None, description="Limit on the value at risk.")
    expected_shortfall: MoneyLimit | None = Field(default=None, description="Limit on the expected shortfall.")
    hedge_to: float = Field(
        default=0.8, ge=0, le=1, description="Share of an exceeded limit that is hedged back to; 1 stops at the limit."
    )
    max_exposure: Decimal = Field(
        default=Decimal(0), ge=0, description="With trigger 'fills': exposure left alone, in base units."
    )
    max_slippage_bps: float = Field(
        default=25.0, gt=0, le=1000, description="Worst price of an order, in bps away from the mid when it is sent."
    )
    urgent_slippage_bps: float = Field(
        default=100.0, gt=0, le=2000, description="The same for what must go: too old, flattened, an emergency."
    )
    max_share_of_depth: float = Field(
        default=0.5, gt=0, le=1, description="Largest share of the size shown within the worst price to take at once."
    )
    latency_z: float = Field(
        default=1.0,
        ge=0,
        le=10,
        description="Where several markets of the asset can be traded: standard deviations of the price until an "
        "order arrives that are held against a market.",
    )
    min_interval_s: float = Field(default=0.2, ge=0, description="Least time between the orders of one instrument.")
    retry_interval_s: float = Field(default=1.0, gt=0, description="Time to wait after an order that found nothing.")
    deadline_s: float = Field(default=30.0, gt=0, description="A hedge not done by then raises an alarm, and goes on.")
    stale_after_s: float = Field(default=10.0, gt=0, description="A market silent for this long is not hedged on.")

    @field_validator("instruments", mode="before")
    @classmethod
    def _names_are_tables(cls, value: Any) -> Any:
        if isinstance(value, list):
            return [{"instrument_id": one} if isinstance(one, str) else one for one in value]
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        names = [one.instrument_id for one in self.instruments]
        if len(set(names)) != len(names):
            raise ValueError(f"instruments: each may stand once, found {', '.join(names)}")
        stated = [
            name
            for name in ("value_at_risk", "expected_shortfall", "inventory_share")
            if getattr(self, name) is not None
        ]
        if self.trigger == "limits" and not stated:
            raise ValueError("trigger 'limits' needs value_at_risk, expected_shortfall or inventory_share")
        if self.trigger in {"fills", "none"} and stated:
            raise ValueError(f"trigger {self.trigger!r} asks no limit, but {', '.join(stated)} is stated")
        if self.trigger != "band" and self.skew is not None:
            raise ValueError(f"skew belongs to trigger 'band', found trigger {self.trigger!r}")
        if self.trigger != "fills" and self.max_exposure:
            raise ValueError(f"max_exposure belongs to trigger 'fills', found trigger {self.trigger!r}")
        if self.trigger == "band" and self.inventory_share is not None and self.inventory_share < self.consider_above:
            raise ValueError(
                f"thresholds out of order: inventory_share ({self.inventory_share}) is below consider_above "
                f"({self.consider_above})"
            )
        if self.urgent_slippage_bps < self.max_slippage_bps:
            raise ValueError(
                f"urgent_slippage_bps ({self.urgent_slippage_bps}) is below max_slippage_bps ({self.max_slippage_bps})"
            )
        for name in ("retry_interval_s", "min_interval_s"):
            if getattr(self, name) >= self.deadline_s:
                raise ValueError(f"{name} ({getattr(self, name)}) is not below deadline_s ({self.deadline_s})")
        return self


ONLY_WHAT_MUST_GO = HedgeSettings(trigger="none")
"""Settings of a strategy without the table."""


class TakingTerms(Settings):
    """What it costs and how long it takes to take liquidity at a venue."""

    fee_rate: float = Field(default=0.0, gt=-0.1, lt=0.1, description="Taker fee, as a fraction of price.")
    fee_per_contract: float = Field(default=0.0, ge=0, description="Taker fee per contract, in quote currency.")
    submit_ns: int = Field(default=0, ge=0, description="Latency of a submit, in nanoseconds.")
