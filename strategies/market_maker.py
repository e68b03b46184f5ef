"""A market maker on one instrument, any quoting model, any depth of book."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from mm_nautilus.adverse_selection.fill_settings import FillWatchSettings
from mm_nautilus.adverse_selection.fill_watch import FillWatch
from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.inventory.hedge_settings import ONLY_WHAT_MUST_GO, HedgeSettings, TakingTerms
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model
from mm_nautilus.strategies.hedging import Hedger
from mm_nautilus.strategies.leg import QuotingLeg
from mm_nautilus.strategies.quoting_strategy import QuotingStrategy


class MarketMakerSettings(QuotingSettings):
    """What a `MarketMaker` is told."""

    adverse_selection: FillWatchSettings = FillWatchSettings()
    arrival: ArrivalSettings = Field(
        default=ArrivalSettings(), description="Command latencies of the simulated venue; filled in by the backtest."
    )
    maker_fee_reserve: float = Field(
        default=0.0,
        ge=0,
        lt=0.1,
        description="Fee, as a fraction of price, that buys of a cash account leave money for; set by the backtest.",
    )
    taking: dict[str, TakingTerms] = Field(
        default_factory=dict, description="What taking liquidity costs at each venue; filled in by the backtest."
    )
    state_file: Path | None = Field(
        default=None,
        description="File that the state is kept in, so that a killed process goes on where it was: written before a "
        "hedge leaves and, where something was filled, at every sample. Leave it out in a backtest.",
    )
    hedge: HedgeSettings | None = Field(
        default=None, description="When and where to hedge; without it only what must go is."
    )


class MarketMakerConfig(TypedStrategyConfig):
    """The engine's fields, `MarketMakerSettings` and the parameters of the chosen model, in one flat table."""

    settings: MarketMakerSettings

    @classmethod
    def settings_type(cls, fields: Mapping[str, Any]) -> type[BaseModel]:
        """Return the settings joined with the parameters of the model that `fields` names."""
        default = MarketMakerSettings.model_fields["model"].default
        return settings_with_model(MarketMakerSettings, str(fields.get("model", default)))


class MarketMaker(QuotingStrategy):
    """Quotes both sides of one instrument.

    Publishes every `QuoteDecision`, `OrderFact`, `FillFact` and, once a sampling interval, a `MarkFact`; where it is to
    watch its fills, a `FillFeatureFact` at each, and with a trained model every `FillRiskFact`.

    Parameters
    ----------
    config : MarketMakerConfig
        What to quote and how.

    """

    saved_as = "market_maker"

    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        self._settings = settings = config.settings
        self._sample_s = settings.volatility.sample_interval_s
        self._arrival = settings.arrival
        self._state_file = settings.state_file
        self._age = settings.age
        self._check_positions = settings.limits.check_position
        self._acts_on_assessments = settings.adverse_selection.act

    @property
    def _desk(self) -> Desk:
        """The desk of the only leg."""
        return next(iter(self._legs.values())).desk

    def _open(self) -> None:
        settings, balances = self._settings, dict[str, dict[str, Decimal]]()
        traded = self._find_instrument(settings.instrument_id, settings.maker_fee_reserve, balances)
        grid = traded.lattice.grid
        watch = FillWatch.of(settings.adverse_selection, str(self.strategy_id), settings.instrument_id, grid)
        self._risk_every_ns = watch.every_ns if watch is not None and watch.acts else None
        position_lots = self._position_lots(traded)
        leg = QuotingLeg(self, settings, traded, position_lots, settings.arrival, watch)
        self._legs = {traded.id: leg}
        leg.bounds = self._limited(leg)
        self._hedger = Hedger(
            self,
            settings.hedge or ONLY_WHAT_MUST_GO,
            settings.taking,
            [leg],
            int(settings.limits.max_position / grid.lot),
            settings.age,
            settings.book,
            settings.volatility.sample_interval_s,
            settings.arrival.end_ns,
            balances,
            settings.limits.day_begins_utc,
            self._persist,
        )
