"""What every strategy that quotes several instruments is told of their venues, and where it keeps its state."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.inventory.hedge_settings import TakingTerms
from mm_nautilus.settings import Settings


class SeveralVenuesSettings(Settings):
    """See the module."""

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
