"""What a `PortfolioMarketMaker` is told: what its members have in common, and each member.

``[strategy.each]`` holds for every member that does not say otherwise in its own table ``[[strategy.members]]``.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from mm_nautilus.estimators.volatility import VolatilitySettings
from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.host.shared_budget import SharedBudgetSettings
from mm_nautilus.inventory.hedge_settings import ONLY_WHAT_MUST_GO, HedgeSettings, TakingTerms
from mm_nautilus.inventory.portfolio_model import PORTFOLIO_MODEL
from mm_nautilus.inventory.portfolio_settings import PortfolioSettings, RiskBudgetSettings
from mm_nautilus.models import ModelParameters
from mm_nautilus.quoting.settings import AdverseSelectionResponse, QuotingSettings


class MemberSettings(QuotingSettings, ModelParameters):
    """One table ``[[strategy.members]]``: an instrument, as a strategy of its own would be told it."""

    model: str = Field(default=PORTFOLIO_MODEL, description="The portfolio's; there is no other.")
    quote: bool = Field(default=True, description="Whether it is quoted; if not, it is only hedged in.")
    hedge: bool = Field(default=True, description="Whether the portfolio may take liquidity in it to hedge.")
    sigma_price_per_sqrt_s: float | None = Field(
        default=None,
        gt=0,
        description="Volatility taken until it is measured, in price per square-root second.",
    )

    @model_validator(mode="after")
    def _portfolio_says_it(self) -> Self:
        if self.model != PORTFOLIO_MODEL:
            raise ValueError(f"model: members are priced together; leave it out (found {self.model!r})")
        if self.volatility != VolatilitySettings():
            raise ValueError("volatility: the portfolio measures it; state sigma_price_per_sqrt_s for the time before")
        if self.adverse_selection != AdverseSelectionResponse():
            raise ValueError("adverse_selection: stands in the strategy's table, for all members")
        if not (self.quote or self.hedge):
            raise ValueError(f"{self.instrument_id} is neither quoted nor hedged in: take it out")
        return self


class CrossHedgeSettings(HedgeSettings):
    """The table ``[strategy.hedge]``: liquidity is taken where the portfolio's value gains most by it."""

    begin_above: float = Field(
        default=0.2,
        ge=0,
        description="Share of the cost by which what a unit is worth must exceed it for a hedge to begin.",
    )

    @model_validator(mode="after")
    def _only_the_portfolios(self) -> Self:
        if self.trigger not in {"band", "none"}:
            raise ValueError(f"trigger: 'band' or 'none' for a portfolio, found {self.trigger!r}")
        stated = [
            name
            for name in ("value_at_risk", "expected_shortfall", "inventory_share", "skew")
            if getattr(self, name) is not None
        ]
        if self.instruments:
            stated.append("instruments")
        if stated:
            raise ValueError(f"{', '.join(stated)}: a portfolio hedges in its members, by risk_budget and its own skew")
        return self

    def of_member(self) -> HedgeSettings:
        """Return how a member's desk works what the portfolio asks for."""
        fields = {name: getattr(self, name) for name in HedgeSettings.model_fields}
        return HedgeSettings.model_validate(fields | {"trigger": "none"})


class SharedRiskBudgetSettings(RiskBudgetSettings):
    """The table ``[strategy.risk_budget]``."""

    shared: SharedBudgetSettings | None = Field(
        default=None, description="Share the limit with other processes; a backtest takes all of it."
    )


class PortfolioMarketMakerSettings(PortfolioSettings):
    """See the module."""

    instrument_id: str = Field(default="", description="The first member's; filled in.")
    book: Literal["L1", "L2", "L3"] = Field(default="L2", description="Market data of every member.")
    each: dict[str, Any] = Field(default_factory=dict, description="What holds for every member.")
    members: list[MemberSettings] = Field(min_length=1, description="The instruments.")
    risk_budget: SharedRiskBudgetSettings | None = Field(
        default=None, description="Limit on the risk of all members together."
    )
    hedge: CrossHedgeSettings | None = Field(
        default=None, description="When to take liquidity; without it only what must go is hedged."
    )
    adverse_selection: AdverseSelectionResponse = AdverseSelectionResponse()
    sample_interval_s: float = Field(
        default=1.0, gt=0, le=3600, description="Time between marks, checks and hedges that no fill asks for."
    )
    state_file: Path | None = Field(
        default=None, description="File that the state is kept in; see the strategy for one instrument."
    )
    arrival: ArrivalSettings = Field(
        default=ArrivalSettings(), description="The longest command latencies of all venues; filled in by the backtest."
    )
    arrivals: dict[str, ArrivalSettings] = Field(
        default_factory=dict, description="Command latencies by venue; filled in by the backtest."
    )
    taking: dict[str, TakingTerms] = Field(
        default_factory=dict, description="What taking liquidity costs at each venue; filled in by the backtest."
    )
    maker_fees: dict[str, float] = Field(
        default_factory=dict, description="Maker fees by venue, as fractions; filled in by the backtest."
    )

    @model_validator(mode="before")
    @classmethod
    def _each_is_a_default(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("members"), list):
            return data
        each = data.get("each", {})
        common = each if isinstance(each, dict) else {}
        if "book" in data:
            common = common | {"book": data["book"]}
        members = [_merged(common, one) if isinstance(one, dict) else one for one in data["members"]]
        names = [one.get("instrument_id") if isinstance(one, dict) else one.instrument_id for one in members]
        first = data.get("instrument_id") or (names[0] if names and isinstance(names[0], str) else "")
        return data | {"members": members, "instrument_id": first}

    @model_validator(mode="after")
    def _members_fit_together(self) -> Self:
        names = [one.instrument_id for one in self.members]
        if len(set(names)) != len(names):
            raise ValueError(f"members: each instrument may stand once, found {', '.join(names)}")
        if not any(one.quote for one in self.members):
            raise ValueError("members: none is quoted")
        if self.instrument_id != names[0]:
            raise ValueError(f"instrument_id ({self.instrument_id}) is the first member's ({names[0]}): leave it out")
        wrong = [one.instrument_id for one in self.members if one.book != self.book]
        if wrong:
            raise ValueError(f"book: stands in the strategy's table, for all members; {', '.join(wrong)} differ")
        self.covariance.stated(len(self.members))
        unstated = [one.instrument_id for one in self.members if one.sigma_price_per_sqrt_s is None]
        if self.covariance.fixed and unstated:
            raise ValueError(f"covariance.fixed: sigma_price_per_sqrt_s is missing of {', '.join(unstated)}")
        return self

    def instruments(self) -> tuple[str, ...]:
        """Return the instruments whose data are needed."""
        return tuple(one.instrument_id for one in self.members)

    def position_limits(self) -> dict[str, Decimal | None]:
        """Return the largest |position| of each member, in its base units (contracts)."""
        return {one.instrument_id: one.limits.max_position for one in self.members}

    def hedging(self) -> HedgeSettings:
        """Return how each member's own desk works."""
        return ONLY_WHAT_MUST_GO if self.hedge is None else self.hedge.of_member()


def _merged(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return `own` with what it does not say taken from `common`, table by table."""
    merged = dict(common)
    for key, value in own.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged
