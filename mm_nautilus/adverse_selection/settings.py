"""What the assessment of adverse selection can be told, with units in every name."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from mm_nautilus.adverse_selection.markouts import HORIZONS_S
from mm_nautilus.settings import Settings


class TestWeights(Settings):
    """What each test counts for in the combination; 0 leaves it out.

    Flow, sweeps and clustering say that somebody is at work, only the two drifts say that it costs us: they weigh more.
    """

    __test__ = False  # not a test of ours, whatever its name begins with

    immediate: float = Field(default=1.0, ge=0, description="Drift of the mid over the immediate horizon.")
    delayed: float = Field(default=1.0, ge=0, description="Drift of the mid over the delayed horizon.")
    flow: float = Field(default=0.5, ge=0, description="Taker volume against the side.")
    sweep: float = Field(default=0.5, ge=0, description="Market orders that go on beyond our price.")
    clustering: float = Field(default=0.5, ge=0, description="Bursts of fills.")

    @model_validator(mode="after")
    def _one_counts(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("at least one test must have a weight above 0")
        return self


class AdverseSelectionSettings(Settings):
    """How adverse selection is measured, when a side counts as toxic, and what is asked of the strategy then."""

    interval_s: float = Field(default=1.0, ge=0.01, description="Time between two assessments, in seconds.")
    report_interval_s: float = Field(
        default=60.0, gt=0, description="An assessment is published this often even when it asks for nothing new."
    )
    horizons_s: tuple[float, ...] = Field(
        default=HORIZONS_S, min_length=1, description="Horizons at which fills are marked, in seconds."
    )
    # the tests
    immediate_horizon_s: float = Field(default=5.0, gt=0, le=3600, description="Horizon of the immediate drift.")
    delayed_horizon_s: float = Field(
        default=30.0, gt=0, le=3600, description="Horizon of the delayed drift; one of horizons_s."
    )
    half_life_s: float = Field(default=600.0, gt=0, description="Memory of drift and sweeps: half-life, in seconds.")
    drift_bin_s: float = Field(
        default=1.0, gt=0, description="Moves of the mid closer together than this may depend on each other."
    )
    flow_half_life_s: float = Field(default=120.0, gt=0, description="Memory of the flow test: half-life, in seconds.")
    flow_bin_s: float = Field(
        default=10.0, gt=0, description="Trades closer together than this may depend on each other."
    )
    recent_gaps: int = Field(default=8, ge=2, le=1_000, description="Gaps between fills that may be a burst.")
    base_gaps: int = Field(default=200, ge=20, le=100_000, description="Gaps before those, to compare them with.")
    activity_half_life_s: float = Field(
        default=60.0, gt=0, description="Fills are expected in proportion to trading over this half-life, in seconds."
    )
    min_fills: int = Field(
        default=20, ge=2, description="Fills within memory that a side needs before its drift is judged."
    )
    markout_half_life_fills: float = Field(
        default=50.0, gt=0, description="Memory of average markout and adverse ratio: half-life, in fills."
    )
    imbalance_window_s: float = Field(default=60.0, gt=0, description="Window of the order-flow imbalance, in seconds.")
    vpin_bucket_trades: int = Field(
        default=50, ge=1, description="Size of a VPIN bucket, in average trades of the first bucket_trades trades."
    )
    # the verdict
    weights: TestWeights = TestWeights()
    correlation: float = Field(
        default=0.1, ge=0, lt=1, description="Correlation allowed for between any two tests of a side."
    )
    level: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="Chance that uninformed flow makes a side toxic at a given instant; below it it is clean again.",
    )
    onset_level: float = Field(default=0.01, gt=0, lt=0.5, description="A side becomes toxic at this level.")
    full_level: float = Field(default=0.0005, gt=0, lt=0.5, description="From this level on the answer is full.")
    away_level: float = Field(
        default=0.0001, ge=0, lt=0.5, description="At this level the side is withdrawn for a while; 0 never does it."
    )
    # the answer
    max_spread_multiplier: float = Field(default=1.5, ge=1, le=10, description="Factor on the half-spread, in full.")
    min_size_multiplier: float = Field(default=0.7, gt=0, le=1, description="Factor on the size, in full.")
    steps: int = Field(default=5, ge=1, le=100, description="Steps between no answer and the full one.")
    away_s: float = Field(default=30.0, gt=0, description="How long a side stays withdrawn, in seconds.")
    away_fills: int = Field(
        default=5, ge=1, description="Fills a side needs after a withdrawal before it can be withdrawn again."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for index, horizon in enumerate(self.horizons_s):
            if not 0.0 < horizon <= 86_400.0:
                raise ValueError(f"horizons_s.{index}: should be above 0 and at most 86400 (found {horizon})")
        if self.delayed_horizon_s not in self.horizons_s:
            raise ValueError(f"delayed_horizon_s ({self.delayed_horizon_s}) is not among horizons_s {self.horizons_s}")
        if not self.immediate_horizon_s < self.delayed_horizon_s:
            raise ValueError(
                f"immediate_horizon_s ({self.immediate_horizon_s}) is not below delayed_horizon_s "
                f"({self.delayed_horizon_s})"
            )
        if not self.away_level <= self.full_level < self.onset_level < self.level:
            raise ValueError(
                "levels must fall: level > onset_level > full_level >= away_level, found "
                f"{self.level}, {self.onset_level}, {self.full_level}, {self.away_level}"
            )
        return self
