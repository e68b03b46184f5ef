"""Says what rate a perpetual's holders pay each other next, and when, as the venue states it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nautilus_trader.model import FundingRateUpdate, InstrumentId

from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.messages import TOPIC_FUNDING, FundingFact


@dataclass(frozen=True, slots=True)
class FundingRatesConfig:
    """Of which instruments; those that are no perpetuals are left out."""

    instrument_ids: Sequence[str]
    actor_id: str = "FundingRates-001"


class FundingRates(GuardedActor):
    """Publishes a `FundingFact` whenever the rate, or the time of the next payment, is another.

    Venues repeat their rate with every change of the market. Where an adapter knows no funding rates, nothing is said.

    Parameters
    ----------
    config : FundingRatesConfig
        Of which instruments.

    """

    def __init__(self, config: FundingRatesConfig) -> None:
        super().__init__(config)
        self._config = config
        self._said: dict[str, FundingFact] = {}

    def on_start(self) -> None:
        """Subscribe to the rates of perpetuals."""
        for name in self._config.instrument_ids:
            instrument = self.cache.instrument(InstrumentId.from_str(name))
            if instrument is not None and "Perpetual" in type(instrument).__name__:
                self.subscribe_funding_rates(instrument.id)

    def on_funding_rate(self, update: FundingRateUpdate) -> None:
        """Say it, if it is news."""
        name = str(update.instrument_id)
        fact = FundingFact(self.clock.timestamp_ns(), name, update.rate, update.next_funding_ns)
        before = self._said.get(name)
        if before is None or (before.rate, before.due_ns) != (fact.rate, fact.due_ns):
            self._said[name] = fact
            self.publish_message(TOPIC_FUNDING, fact)
