"""What a quoting strategy is told about adverse selection: the ``[strategy.adverse_selection]`` table."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from mm_nautilus.quoting.settings import AdverseSelectionResponse
from mm_nautilus.settings import Settings


class FeatureSettings(Settings):
    """What changes the meaning of a fill feature; a trained model is good for these values alone."""

    vpin_bucket_volume: float | None = Field(
        default=None, gt=0, description="Volume of a VPIN bucket, in base units; leaves the feature out by default."
    )


class FillRiskSettings(Settings):
    """What the predicted chance that a fill is adverse does to the quote of that side."""

    evaluate_every_s: float = Field(default=0.25, gt=0, le=3600, description="Time between two predictions.")
    high_risk: float = Field(
        default=0.7, gt=0, le=1, description="Chance above which a side is widened and shrunk; 1 never does it."
    )
    high_risk_spread_multiplier: float = Field(default=1.5, ge=1, le=10, description="On the half-spread there.")
    high_risk_size_multiplier: float = Field(default=0.6, gt=0, le=1, description="On the size there.")
    low_risk: float = Field(
        default=0.3, ge=0, lt=1, description="Chance below which a side is tightened and grown; 0 never does it."
    )
    low_risk_spread_multiplier: float = Field(default=0.8, gt=0, le=1, description="On the half-spread there.")
    low_risk_size_multiplier: float = Field(default=1.2, ge=1, le=10, description="On the size there.")
    step_away_imbalance: float | None = Field(
        default=0.6,
        gt=0,
        le=1,
        description="Trade imbalance against a side from which nothing is quoted there, whatever its predicted chance.",
    )
    step_away_trades: float = Field(
        default=5.0, gt=0, description="Recent trades (decayed count) an imbalance must rest on to count."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_risk >= self.high_risk:
            raise ValueError(f"low_risk ({self.low_risk}) is not below high_risk ({self.high_risk})")
        return self


class FillWatchSettings(AdverseSelectionResponse):
    """Following assessments, recording what is known at each fill, and acting on a trained model."""

    record_features: bool = Field(
        default=False, description="Publish the features known at each fill, for 'mm-nautilus train'."
    )
    features: FeatureSettings = FeatureSettings()
    model: Path | None = Field(
        default=None, description="Model file of 'mm-nautilus train', relative to the run file; acts on quotes."
    )
    model_fingerprint: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{8,64}$",
        description="SHA-256 of the model file, or its first digits; another file is refused.",
    )
    allow_in_sample: bool = Field(
        default=False, description="Allow a run on the data the model was trained on, whose result says nothing."
    )
    fill_risk: FillRiskSettings = FillRiskSettings()

    @property
    def tracks_features(self) -> bool:
        """Whether anything asks for the features."""
        return self.record_features or self.model is not None
