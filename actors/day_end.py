"""Takes the engine's positions and balances when a trading day rolls over, for the day's reconciliation."""

from __future__ import annotations

from datetime import time
from typing import Final

from nautilus_trader.common import TimeEvent
from nautilus_trader.model import InstrumentId
from pydantic import Field

from mm_nautilus.host.accounts import copied_account_facts, net_position
from mm_nautilus.host.config import TypedActorConfig
from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.messages import TOPIC_ACCOUNT, TOPIC_POSITION, PositionFact
from mm_nautilus.settings import Settings
from mm_nautilus.venues.trading_hours import DAY_NS, day_start, roll_over_ns

# After everybody's samples and risk evaluations of the instant, and before the recorder's flush.
_TIMER: Final = "zz_day_end"


class DayEndSettings(Settings):
    """What is taken, and when."""

    instrument_ids: list[str] = Field(min_length=1, description="Instruments whose positions are taken.")
    rollover_utc: time = Field(default=time(0), description="Time of day in UTC at which a trading day ends.")


class DayEndConfig(TypedActorConfig):
    """Config of `DayEnd`: the engine's fields and `DayEndSettings`."""

    settings: DayEndSettings


class DayEnd(GuardedActor):
    """Publishes a `PositionFact` for each instrument and an `AccountFact` for each balance at every roll-over.

    Parameters
    ----------
    config : DayEndConfig
        What to take and when.

    """

    def __init__(self, config: DayEndConfig) -> None:
        super().__init__(config)
        self._instruments = [InstrumentId.from_str(name) for name in config.settings.instrument_ids]
        self._roll_over_ns = roll_over_ns(config.settings.rollover_utc)

    def on_start(self) -> None:
        """Wait for the next roll-over."""
        first_ns = day_start(self.clock.timestamp_ns(), self._roll_over_ns) + DAY_NS
        self.clock.set_time_alert_ns(_TIMER, first_ns, callback=self.guard(self._on_roll_over))

    def on_stop(self) -> None:
        """Wait no longer."""
        if _TIMER in self.clock.timer_names():
            self.clock.cancel_timer(_TIMER)

    def _on_roll_over(self, event: TimeEvent) -> None:
        now_ns = event.ts_event
        self.clock.set_time_alert_ns(_TIMER, now_ns + DAY_NS, callback=self.guard(self._on_roll_over))
        for instrument_id in self._instruments:
            held = net_position(self.cache, instrument_id)
            self.publish_message(TOPIC_POSITION, PositionFact(now_ns, str(instrument_id), held))
        for venue in sorted({str(instrument_id.venue) for instrument_id in self._instruments}):
            for fact in copied_account_facts(self.cache, venue, now_ns):
                self.publish_message(TOPIC_ACCOUNT, fact)
