"""What a portfolio of instruments is told: how their covariance is measured, and what they may do together."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from mm_nautilus.estimators.covariance import LEAST_STEP_S
from mm_nautilus.inventory.hedge_settings import MoneyLimit
from mm_nautilus.settings import Settings


class CovarianceSettings(Settings):
    """How prices are found to move together; until they are, what is stated holds."""

    method: Literal["previous_tick", "hayashi_yoshida"] = Field(
        default="previous_tick",
        description="Correlations from common samples, or from every tick; volatilities come from the samples.",
    )
    step_s: float = Field(
        default=LEAST_STEP_S, ge=LEAST_STEP_S, le=3600, description="Time between the samples of all prices."
    )
    window_samples: int = Field(default=720, ge=20, le=100_000, description="Changes looked back on.")
    warm_up_samples: int = Field(
        default=60, ge=8, description="Changes of the pair least often seen together before the measurement is used."
    )
    refresh_s: float = Field(default=60.0, gt=0, description="Time between new covariances and value functions.")
    half_life_s: float = Field(
        default=1800.0, gt=0, description="Half-life of the correlations of 'hayashi_yoshida', in seconds."
    )
    shrink: bool = Field(default=True, description="Whether to shrink towards constant correlation (Ledoit and Wolf).")
    max_age_s: float = Field(default=60.0, gt=0, description="Age from which on a price is no sample, in seconds.")
    correlation: float | None = Field(
        default=None,
        gt=-1,
        lt=1,
        description="Correlation of every pair that is taken until it is measured; with the instruments' sigmas. Where "
        "neither is stated nothing is quoted before.",
    )
    correlations: tuple[tuple[float, ...], ...] | None = Field(
        default=None, description="The same pair by pair, in the order of the instruments."
    )
    fixed: bool = Field(default=False, description="Take what is stated for good, and measure nothing.")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.refresh_s < self.step_s:
            raise ValueError(f"refresh_s ({self.refresh_s}) is below step_s ({self.step_s}): nothing new to measure")
        if self.warm_up_samples > self.window_samples:
            raise ValueError(
                f"warm_up_samples ({self.warm_up_samples}) is above window_samples ({self.window_samples})"
            )
        if self.correlation is not None and self.correlations is not None:
            raise ValueError("correlation and correlations are two ways to state one thing; state one")
        if self.fixed and self.correlation is None and self.correlations is None:
            raise ValueError("fixed takes what is stated: state correlation or correlations")
        return self

    def stated(self, instruments: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]] | None:
        """Return the stated correlations, shape (n, n), or ``None``.

        Raises
        ------
        ValueError
            For ones that no portfolio can have, saying why.

        """
        if self.correlations is not None:
            matrix = np.array(self.correlations, dtype=np.float64) if _square(self.correlations, instruments) else None
            if matrix is None:
                raise ValueError(f"correlations: must be {instruments} x {instruments}, one row per instrument")
            if not np.array_equal(matrix, matrix.T) or not (np.diag(matrix) == 1.0).all():
                raise ValueError("correlations: must be symmetric with ones on the diagonal")
        elif self.correlation is not None:
            matrix = np.full((instruments, instruments), self.correlation)
            np.fill_diagonal(matrix, 1.0)
        else:
            return None
        lowest = float(np.linalg.eigvalsh(matrix)[0])
        if lowest < -1e-9:
            raise ValueError(
                f"correlations of {instruments} instruments must be positive semi-definite, their smallest eigenvalue "
                f"is {lowest:.3g}"
            )
        return matrix


def _square(rows: tuple[tuple[float, ...], ...], size: int) -> bool:
    return len(rows) == size and all(len(row) == size for row in rows)


class ConcentrationSettings(Settings):
    """How much of the capital may stand in one instrument."""

    capital: float = Field(gt=0, description="What the shares are taken of, in reference currency.")
    soft: float = Field(default=0.1, ge=0, description="Share from which on the adding side is wider and smaller.")
    hard: float = Field(default=0.2, gt=0, description="Share that is never exceeded, working orders included.")
    widest: float = Field(default=2.0, ge=1, description="Factor on the adding side's half-spread at the hard share.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.soft >= self.hard:
            raise ValueError(f"thresholds out of order: soft ({self.soft}) is not below hard ({self.hard})")
        return self


class RiskBudgetSettings(MoneyLimit):
    """What the whole portfolio may lose, every working order filled, as value at risk in reference currency."""

    soft_share: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="Share of the budget used by the positions from which on the sides that add to the risk are wider "
        "and smaller.",
    )
    widest: float = Field(default=2.0, ge=1, description="Factor on such a side's half-spread at the whole budget.")


class PortfolioSettings(Settings):
    """What several instruments have in common."""

    reference_currency: str = Field(description="Currency of gamma, capital and risk; 'rates' leads to it.")
    gamma: float = Field(gt=0, description="Absolute risk aversion of the whole portfolio, in 1/reference currency.")
    fill_risk: Literal["cara", "none"] = Field(
        default="cara",
        description="'cara': a fill's own risk is priced (xi = gamma); 'none': inventory alone (xi = 0).",
    )
    rates: dict[str, float] = Field(
        default_factory=dict, description="Reference currency per unit of every other quote currency."
    )
    covariance: CovarianceSettings = CovarianceSettings()
    concentration: ConcentrationSettings | None = Field(
        default=None, description="Limit on the worth of one instrument."
    )
    risk_budget: RiskBudgetSettings | None = Field(default=None, description="Limit on the risk of all of them.")

    @model_validator(mode="after")
    def _rates_are_rates(self) -> Self:
        for currency, rate in self.rates.items():
            if not 0.0 < rate < float("inf"):
                raise ValueError(f"rates.{currency}: must be above 0 and finite, found {rate}")
        if self.rates.get(self.reference_currency, 1.0) != 1.0:
            raise ValueError(f"rates.{self.reference_currency}: the reference currency is worth 1 of itself")
        return self

    def rate(self, currency: str) -> float | None:
        """Return the worth of a quote currency in reference currency, or ``None`` where it is not stated."""
        return 1.0 if currency == self.reference_currency else self.rates.get(currency)
