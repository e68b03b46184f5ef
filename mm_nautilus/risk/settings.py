"""What the risk monitor is told: thresholds per stage for each rule, and how it reports."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from mm_nautilus.market import RiskStage
from mm_nautilus.settings import Settings, UtcDatetime

_STAGES: Final = {stage.name.lower(): stage for stage in RiskStage if stage is not RiskStage.NORMAL}


class Rule(Settings):
    """From which value on a rule asks for which stage, and when it lets go.

    A rule without thresholds is measured and never acts.
    """

    enabled: bool = Field(default=True, description="Whether the rule is measured at all.")
    widen: float | None = Field(default=None, gt=0, description="From this value on, quotes stand wider.")
    reduce_only: float | None = Field(default=None, gt=0, description="From this value on, only reducing quotes.")
    flatten: float | None = Field(
        default=None, gt=0, description="From this value on, nothing is quoted and all hedged."
    )
    halt: float | None = Field(default=None, gt=0, description="From this value on, everything stops until resumed.")
    widen_by: float = Field(default=2.0, ge=1, description="Multiplier of half-spreads from the stage widen on.")
    recover_share: float = Field(
        default=0.8, gt=0, le=1, description="A stage is left once the value is below this share of its threshold ..."
    )
    hold_s: float = Field(default=10.0, ge=0, description="... and has stayed there this long, in seconds.")
    warm_up_s: float = Field(default=0.0, ge=0, description="Only measured this long after the first value.")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        stated = self._stated()
        for (milder, low), (harder, high) in pairwise(stated):
            if high <= low:
                raise ValueError(
                    f"thresholds must rise with the stage: {harder} ({high:g}) is not above {milder} ({low:g})"
                )
        return self

    def _stated(self) -> list[tuple[str, float]]:
        return [(name, value) for name in _STAGES if (value := getattr(self, name)) is not None]

    @property
    def levels(self) -> tuple[tuple[float, RiskStage], ...]:
        """Stated thresholds with their stages, mildest first."""
        return tuple((value, _STAGES[name]) for name, value in self._stated())


class MoneyRule(Rule):
    """Thresholds in `RiskSettings.currency`, or as shares of `RiskSettings.capital`."""

    of_capital: bool = Field(default=False, description="Thresholds are shares of risk.capital instead of money.")


class HourLossRule(MoneyRule):
    """Equity lost over a rolling window."""

    window_s: float = Field(default=3600.0, gt=0, description="How far back, in seconds.")


class ValueAtRiskRule(MoneyRule):
    """Loss of the present positions exceeded with a small probability."""

    confidence: float = Field(default=0.99, gt=0.5, lt=1, description="Probability of a smaller loss.")
    horizon_s: float = Field(default=300.0, gt=0, description="How long the positions are held, in seconds.")
    half_life_s: float = Field(default=1800.0, gt=0, description="Half-life of the covariance, in seconds.")
    sample_interval_s: float = Field(default=5.0, gt=0, description="Interval of the sampled mids, in seconds.")
    min_samples: int = Field(default=30, ge=2, description="Price changes before there is a value.")


class ConcentrationRule(Rule):
    """Largest asset's share of gross exposure, over at least two assets that were traded."""

    min_gross: float = Field(default=0.0, ge=0, description="Not measured below this gross exposure, in money.")


class RegimeRule(Rule):
    """A recent level over its long-run one."""

    fast_half_life_s: float = Field(default=60.0, gt=0, description="Half-life of the recent level, in seconds.")
    slow_half_life_s: float = Field(default=1800.0, gt=0, description="Half-life of the long-run level, in seconds.")
    warm_up_s: float = Field(default=600.0, ge=0, description="Only measured this long after the first value.")

    @model_validator(mode="after")
    def _fast_and_slow(self) -> Self:
        fast_s, slow_s = self.fast_half_life_s, self.slow_half_life_s
        if slow_s <= fast_s:
            raise ValueError(f"slow_half_life_s ({slow_s:g}) is not above fast_half_life_s ({fast_s:g})")
        return self


class LatencyRule(Rule):
    """How long the venue takes to answer submits and cancels, in seconds."""

    quantile: float = Field(default=0.95, gt=0, lt=1, description="Quantile of the answers in the window.")
    window_s: float = Field(default=60.0, gt=0, description="How far back, in seconds.")
    samples: int = Field(default=200, ge=1, le=10_000, description="At most so many of the latest answers.")


class BurstRule(Rule):
    """Events within a rolling window."""

    window_s: float = Field(default=60.0, gt=0, description="How far back, in seconds.")


class RejectRule(BurstRule):
    """Orders refused by the venue or denied by the engine."""

    post_only_weight: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="What a post-only rejection counts: the market moved first, which for a maker is no fault.",
    )


class FillRateRule(BurstRule):
    """Surprise at the number of our fills, as minus the decimal logarithm of its chance."""

    window_s: float = Field(default=300.0, gt=0, description="How far back, in seconds.")
    min_expected: float = Field(default=3.0, gt=0, description="Not measured while fewer fills were expected.")


class WebhookSettings(Settings):
    """Who is told of incidents by an HTTP POST of JSON; never waited for by trading."""

    url: str | None = Field(default=None, pattern=r"^https?://\S+$", description="Address, where it is no secret.")
    url_env: str | None = Field(default=None, description="Environment variable with the address instead.")
    token_env: str | None = Field(default=None, description="Environment variable with a bearer token to send along.")
    timeout_s: float = Field(default=3.0, gt=0, le=60, description="Longest wait for one answer, in seconds.")
    attempts: int = Field(default=3, ge=1, le=10, description="Tries for one notification.")
    backoff_s: float = Field(default=0.5, ge=0, le=60, description="Pause after the first try; doubles each time.")
    queue_size: int = Field(default=100, ge=1, description="Notifications waiting at most; further ones fail.")
    close_timeout_s: float = Field(
        default=5.0, ge=0, le=60, description="Longest wait for what is still under way when the run ends, in seconds."
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("state either url or url_env")
        return self


class OperatorAction(Settings):
    """Something the operator does at a stated time."""

    at: UtcDatetime | None = Field(default=None, description="Instant; a time without a zone is UTC.")
    after_s: float | None = Field(default=None, ge=0, description="Seconds after the start of the run instead.")
    action: Literal["widen", "reduce_only", "flatten", "halt", "resume"]
    reason: str = Field(min_length=1, description="Why; it is written into the record.")
    instrument_id: str = Field(default="", description="Instrument it restrains; all when empty.")

    @model_validator(mode="after")
    def _when_and_what(self) -> Self:
        if (self.at is None) == (self.after_s is None):
            raise ValueError("state either at or after_s")
        if self.instrument_id and self.action in ("halt", "resume"):
            raise ValueError(f"{self.action} is for everything; leave instrument_id out")
        return self


class RiskSettings(Settings):
    """The ``[risk]`` table. Rules with a default act when they are not mentioned; the others only when stated."""

    interval_s: float = Field(default=1.0, gt=0, le=3600, description="Interval of evaluations, in seconds.")
    report_interval_s: float = Field(default=60.0, gt=0, description="Interval of recorded values, in seconds.")
    rollover_utc: time = Field(default=time(0), description="Time of day in UTC at which the day's loss starts anew.")
    capital: float | None = Field(default=None, gt=0, description="Money that shares are taken of.")
    currency: str | None = Field(
        default=None, pattern=r"^[A-Z0-9]+$", description="Currency of all money here; by default the instruments' own."
    )
    rates: dict[str, Decimal | str] = Field(
        default_factory=dict,
        description="Worth of one unit of another currency: a number, or an instrument of the run whose mid it is.",
    )
    operator_widen_by: float = Field(
        default=2.0, ge=1, description="Multiplier of half-spreads when the operator orders to widen."
    )
    webhook: WebhookSettings | None = None
    # what is lost and what may be
    drawdown: MoneyRule | None = Field(default=None, description="Equity below its peak.")
    day_loss: MoneyRule | None = Field(default=None, description="Equity lost since the roll-over.")
    hour_loss: HourLossRule | None = Field(default=None, description="Equity lost over a rolling window.")
    value_at_risk: ValueAtRiskRule | None = Field(default=None, description="Value at risk of the positions.")
    concentration: ConcentrationRule | None = Field(default=None, description="Largest asset's share of exposure.")
    gross_exposure: MoneyRule | None = Field(default=None, description="Sum of the positions' absolute worth.")
    net_exposure: MoneyRule | None = Field(default=None, description="Absolute sum of the positions' worth.")
    # the market's state, by instrument
    stale_feed: Rule = Field(default=Rule(reduce_only=15.0), description="Silence of the market, in seconds.")
    unfit_book: Rule = Field(
        default=Rule(reduce_only=5.0),
        description="How long the book has been crossed, locked or one-sided, in seconds.",
    )
    volatility_regime: RegimeRule | None = Field(default=None, description="Recent over long-run volatility.")
    spread_regime: RegimeRule | None = Field(default=None, description="Recent over long-run market spread.")
    # the venue's answers, by instrument
    latency: LatencyRule = Field(
        default=LatencyRule(widen=1.0, reduce_only=3.0, halt=30.0), description="Time to an answer, in seconds."
    )
    rejects: RejectRule = Field(default=RejectRule(reduce_only=20.0, halt=100.0), description="Orders refused.")
    cancel_rejects: BurstRule = Field(
        default=BurstRule(reduce_only=20.0, halt=100.0), description="Cancels and amends refused."
    )
    fill_rate: FillRateRule | None = Field(default=None, description="Surprise at the number of fills.")
    # everything
    message_rate: BurstRule | None = Field(default=None, description="Commands sent per second, over all instruments.")
    hedge_alarms: BurstRule = Field(
        default=BurstRule(window_s=600.0, reduce_only=1.0, halt=3.0), description="Hedges not done in time."
    )

    @model_validator(mode="after")
    def _shares_have_a_whole(self) -> Self:
        for name, rule in self.rules().items():
            if isinstance(rule, MoneyRule) and rule.of_capital and self.capital is None:
                raise ValueError(f"{name}.of_capital needs capital, which is not stated")
        return self

    @model_validator(mode="after")
    def _rates_are_rates(self) -> Self:
        for currency, rate in self.rates.items():
            if number_of(rate) is None and "." not in str(rate):
                raise ValueError(f"rates.{currency}: should be a number above 0 or an instrument id (found {rate!r})")
            if self.currency == currency:
                raise ValueError(f"rates.{currency}: is the currency of all money here and needs no rate")
        if self.rates and self.currency is None:
            raise ValueError("rates need currency, the one they convert to")
        return self

    def rules(self) -> dict[str, Rule]:
        """Return the rules that are measured, by name."""
        found: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in found.items() if isinstance(value, Rule) and value.enabled}

    @property
    def counts_money(self) -> bool:
        """Whether any rule needs contracts and currencies."""
        return any(isinstance(rule, (MoneyRule, ConcentrationRule)) for rule in self.rules().values())


def number_of(rate: Decimal | str) -> Decimal | None:
    """Return a rate that is a number above 0, ``None`` for the name of an instrument."""
    if isinstance(rate, Decimal):
        return rate if rate > 0 else None
    try:
        number = Decimal(rate)
    except ArithmeticError:
        return None
    return number if number > 0 else None
