"""How the engine simulates a venue, from its section of the run file: the same in a backtest and on paper."""

from __future__ import annotations

from typing import Final

from nautilus_trader.execution import DefaultFillModel, MakerTakerFeeModel, PerContractFeeModel, StaticLatencyModel
from nautilus_trader.model import Money

from mm_nautilus.config import FeeSection, VenueSection
from mm_nautilus.host.loading import arrival_of, nanoseconds

UNLIMITED: Final = "1000000/00:00:01"
"""Rate of commands: the engine's own limits are there to stop runaway programs; ours is the strategy's budget."""


def fee_model(fees: FeeSection) -> MakerTakerFeeModel | PerContractFeeModel:
    """Return what a venue charges."""
    if fees.per_contract is not None:
        return PerContractFeeModel(Money.from_str(fees.per_contract))
    return MakerTakerFeeModel(fees.maker_rate, fees.taker_rate)


def fill_model(section: VenueSection, seed: int) -> DefaultFillModel:
    """Return what chance decides at a venue."""
    return DefaultFillModel(section.fill.prob_fill_on_limit, section.fill.prob_slippage, random_seed=seed)


def latency_model(section: VenueSection) -> StaticLatencyModel:
    """Return how long commands travel to a venue."""
    arrival, base_ns = arrival_of(section), nanoseconds(section.latency.base_ms)
    return StaticLatencyModel(
        base_latency_nanos=base_ns,
        insert_latency_nanos=arrival.submit_ns - base_ns,
        update_latency_nanos=arrival.amend_ns - base_ns,
        cancel_latency_nanos=arrival.cancel_ns - base_ns,
    )
