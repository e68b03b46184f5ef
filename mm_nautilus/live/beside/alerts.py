"""Tells people of alerts and incidents by webhook; whoever trades never waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nautilus_trader.common import TimeEvent

from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.host.webhook import Delivery, Webhook
from mm_nautilus.messages import (
    TOPIC_ALERT,
    TOPIC_HEDGE,
    TOPIC_INCIDENT,
    AlertFact,
    HedgeFact,
    IncidentFact,
)
from mm_nautilus.risk.incidents import NOTIFIED_EVENTS

_TIMER: Final = "92_alerts"
_EVERY_NS: Final = 1_000_000_000


class Repeats:
    """Lets the same words through once in a while, and counts what it holds back.

    Parameters
    ----------
    after_s : float
        How long the same is held back, in seconds.

    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def admitted(self, source: str, text: str, now_s: float) -> int | None:
        """Return how many of the same were held back since the last that went through; ``None`` holds this one back."""
        last_s, held = self._said.get((source, text), (float("-inf"), 0))
        if now_s - last_s < self._after_s:
            self._said[source, text] = last_s, held + 1
            return None
        if len(self._said) > 1000:
            self._said = {key: one for key, one in self._said.items() if now_s - one[0] < self._after_s}
        self._said[source, text] = now_s, 0
        return held


@dataclass(frozen=True, slots=True)
class AlarmConfig:
    """What an alarm is given."""

    webhook: Webhook
    run: str
    repeat_after_s: float
    incidents: bool
    """Whether incidents are told, too: not where the risk monitor has a webhook of its own."""
    failed: Callable[[Delivery], None] = lambda _delivery: None
    """Told of what did not get through."""
    actor_id: str = "Alarm-001"


class Alarm(GuardedActor):
    """Sends every `AlertFact`, what opens and closes an incident, and hedges that are late.

    Parameters
    ----------
    config : AlarmConfig
        Where to, and what.

    """

    def __init__(self, config: AlarmConfig) -> None:
        super().__init__(config)
        self._parts = config
        self._repeats = Repeats(config.repeat_after_s)
        self._sent = 0

    def on_start(self) -> None:
        """Listen, and look after what was sent."""
        listens: dict[str, Callable[[Any], None]] = {TOPIC_ALERT: self._alerted, TOPIC_HEDGE: self._hedged}
        if self._parts.incidents:
            listens[TOPIC_INCIDENT] = self._happened
        for topic, handler in listens.items():
            self.subscribe_topic(topic, self.guard(handler))
        self.clock.set_timer_ns(_TIMER, _EVERY_NS, callback=self.guard(self._look))

    def on_stop(self) -> None:
        """Look after nothing any more; what is said from here on still goes out."""
        if _TIMER in self.clock.timer_names():
            self.clock.cancel_timer(_TIMER)

    def close(self) -> None:
        """Wait a little for what is under way; for when the node has ended."""
        for delivery in self._parts.webhook.close():
            if delivery.failure:
                self._parts.failed(delivery)

    def _alerted(self, fact: AlertFact) -> None:
        where = f"{fact.instrument_id}: " if fact.instrument_id else ""
        self._send(fact.source, where + fact.text, fact.ts_ns)

    def _happened(self, fact: IncidentFact) -> None:
        if fact.event in NOTIFIED_EVENTS:
            words = f"incident {fact.incident_id} {fact.event}: {fact.reason} (now {fact.stage})"
            self._send(fact.source, words, fact.ts_ns)

    def _hedged(self, fact: HedgeFact) -> None:
        if fact.event == "ALARM":
            words = f"hedge {fact.decision_id} of {fact.asset} is not done after {fact.elapsed_s:.0f} s: {fact.reason}"
            self._send("hedge", words, fact.ts_ns)

    def _send(self, source: str, text: str, ts_ns: int) -> None:
        held = self._repeats.admitted(source, text, time.monotonic())
        if held is None:
            return
        self._sent += 1
        words = f"{self._parts.run}: {source}: {text}" + (f" ({held} more of these since)" if held else "")
        payload = {"text": words, "run": self._parts.run, "source": source, "alert": text, "ts_ns": ts_ns}
        self._parts.webhook.post(self._sent, payload)

    def _look(self, _event: TimeEvent) -> None:
        for delivery in self._parts.webhook.deliveries():
            if delivery.failure:
                self.log.warning(f"an alert reached nobody: {delivery.failure}")
                self._parts.failed(delivery)
