"""Watches the risk rules, tells every strategy how far it is restrained, and tells people about incidents.

The class translates: message to value, library call, messages to publish. What is measured and decided is in
`mm_nautilus.risk`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import orjson
from nautilus_trader.common import TimeEvent
from nautilus_trader.model import InstrumentId
from pydantic import Field

from mm_nautilus.errors import CatalogError, ParameterError
from mm_nautilus.host.config import TypedActorConfig
from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.host.instrument import contract_of
from mm_nautilus.host.webhook import Webhook
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.market import RiskStage
from mm_nautilus.messages import (
    TOPIC_ACCOUNT,
    TOPIC_DECISION,
    TOPIC_FILL,
    TOPIC_HEDGE,
    TOPIC_INCIDENT,
    TOPIC_MARK,
    TOPIC_ORDER,
    TOPIC_RISK,
    TOPIC_RISK_VALUE,
    AccountFact,
    IncidentFact,
    RiskFact,
    RiskState,
)
from mm_nautilus.risk.incidents import NOTIFIED_EVENTS
from mm_nautilus.risk.monitor import Monitor
from mm_nautilus.risk.settings import OperatorAction, RiskSettings

# Timers of one instant fire in the order of their names: after the strategies' samples, before alerts of arrivals.
_OPERATOR_ALERT: Final = "25_operator_"
_RISK_TIMER: Final = "30_risk_"
_TOPICS: Final = {RiskState: TOPIC_RISK, RiskFact: TOPIC_RISK_VALUE, IncidentFact: TOPIC_INCIDENT}


class RiskMonitorSettings(RiskSettings):
    """What a `RiskMonitor` is told: the ``[risk]`` table, and what the operator does when."""

    operator: list[OperatorAction] = Field(default_factory=list, description="Scheduled operator actions.")
    report_notifications: Literal["as_they_come", "at_stop"] = Field(
        default="as_they_come",
        description="When to record whether people could be told; a backtest does so when it stops, because its clock "
        "knows nothing of the network's.",
    )


class RiskMonitorConfig(TypedActorConfig):
    """Config of `RiskMonitor`: the engine's fields and `RiskMonitorSettings`."""

    settings: RiskMonitorSettings


class RiskMonitor(GuardedActor):
    """Evaluates every risk rule once an interval.

    Publishes a `RiskState` whenever a stage changes, a `RiskFact` per rule then and once a report interval, and an
    `IncidentFact` for every halt, every action of the operator and all that follows from it.

    Parameters
    ----------
    config : RiskMonitorConfig
        Rules, schedule, and whom to tell.

    """

    def __init__(self, config: RiskMonitorConfig) -> None:
        super().__init__(config)
        self._settings = config.settings
        self._monitor = Monitor(config.settings, self._contract_of)
        self._webhook: Webhook | None = None
        self._timer = _RISK_TIMER + str(config.actor_id or type(self).__name__)
        self._notified: dict[int, tuple[int, str]] = {}
        self._notifications = 0
        self._saying = self._stopped = False

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Subscribe, start the timer and schedule the operator."""
        monitor, now = self._monitor, self.clock.timestamp_ns
        handlers: dict[str, Callable[[Any], None]] = {
            TOPIC_MARK: monitor.marked,
            TOPIC_DECISION: monitor.decided,
            TOPIC_ORDER: lambda fact: monitor.ordered(fact, now()),
            TOPIC_FILL: lambda fact: monitor.filled(fact, now()),
            TOPIC_HEDGE: lambda fact: monitor.hedged(fact, now()),
            TOPIC_ACCOUNT: self._on_account,
        }
        for topic, handler in handlers.items():
            self.subscribe_topic(topic, self.guard(self._then_say(handler)))
        for number, action in enumerate(self._settings.operator):
            self._schedule(number, action)
        self._watch()

    def on_resume(self) -> None:
        """Watch again; whatever held when the actor was stopped still holds."""
        self._watch()

    def _watch(self) -> None:
        self._stopped = False
        if self._settings.webhook is not None:
            self._webhook = Webhook(self._settings.webhook)
        interval_ns = round(self._settings.interval_s * 1e9)
        self.clock.set_timer_ns(self._timer, interval_ns, callback=self.guard(self._on_evaluation))

    def on_stop(self) -> None:
        """Record whether people could be told; waits no longer than the webhook's `close_timeout_s`."""
        if self._timer in self.clock.timer_names():
            self.clock.cancel_timer(self._timer)
        self._close()

    def on_dispose(self) -> None:
        """Let go of the background thread where a stop has not done so."""
        if self._webhook is not None:
            self._webhook.close()

    def on_save(self) -> dict[str, bytes]:
        """Return stages, orders, losses and the open incident: a halt outlives a restart."""
        return {"risk_monitor": orjson.dumps(self._monitor.save())}

    def on_load(self, state: dict[str, bytes]) -> None:
        """Take over what `on_save` returned."""
        saved = state.get("risk_monitor")
        if saved is not None:
            self._monitor.load(orjson.loads(saved))

    # -------------------------------------------------------------- operator

    @property
    def stage(self) -> RiskStage:
        """The stage that everything is in."""
        return self._monitor.stage

    @property
    def holds(self) -> bool:
        """Whether an order of the operator stands, or a stage, that `resume_trading` would end."""
        return self._monitor.holds

    def widen(self, reason: str, instrument_id: str = "") -> None:
        """Let quotes stand wider, on one instrument or on all, until `resume_trading`."""
        self._order("widen", reason, instrument_id)

    def reduce_only(self, reason: str, instrument_id: str = "") -> None:
        """Let only reducing quotes stand, on one instrument or on all, until `resume_trading`."""
        self._order("reduce_only", reason, instrument_id)

    def flatten(self, reason: str, instrument_id: str = "") -> None:
        """Take all quotes back and hedge the position away, on one instrument or on all, until `resume_trading`."""
        self._order("flatten", reason, instrument_id)

    def halt(self, reason: str) -> None:
        """Stop everything: quotes are taken back, what exceeds the emergency share of the limit is hedged."""
        self._order("halt", reason, "")

    def resume_trading(self, reason: str) -> bool:
        """End every halt and every order; return whether it could be done. See `Monitor.resume`."""
        resumed = self._monitor.resume(reason, self.clock.timestamp_ns())
        self._say()
        return resumed

    def _order(self, action: str, reason: str, instrument_id: str) -> None:
        self._monitor.order(action, reason, self.clock.timestamp_ns(), instrument_id)
        self._say()

    def _schedule(self, number: int, action: OperatorAction) -> None:
        now_ns = self.clock.timestamp_ns()
        if action.at is not None:
            at_ns = int(action.at.timestamp()) * 10**9 + action.at.microsecond * 1000
        else:
            at_ns = now_ns + round((action.after_s or 0.0) * 1e9)
        if at_ns < now_ns:
            raise ParameterError(f"operator.{number}.at", str(action.at), "not before the start of the run")

        def act(_event: TimeEvent) -> None:
            if action.action == "resume":
                self.resume_trading(action.reason)
            else:
                self._order(action.action, action.reason, action.instrument_id)

        name = f"{_OPERATOR_ALERT}{self.actor_id}_{number:04d}"
        self.clock.set_time_alert_ns(name, at_ns, callback=self.guard(act))

    # ---------------------------------------------------------------- saying

    def _on_account(self, _fact: AccountFact) -> None:
        """Tell a strategy that has just started what holds; it reports its account when it can listen."""
        if not self._stopped:
            self._monitor.started(self.clock.timestamp_ns())

    def _on_evaluation(self, event: TimeEvent) -> None:
        if self._webhook is not None and self._settings.report_notifications == "as_they_come":
            self._report(self._webhook)
        self._monitor.evaluate(event.ts_event)
        self._say()

    def _then_say(self, handler: Callable[[Any], None]) -> Callable[[Any], None]:
        outbox = self._monitor.outbox

        def handled(fact: Any) -> None:
            handler(fact)
            if outbox:
                self._say()

        return handled

    def _say(self) -> None:
        """Publish what waits.

        Strategies answer at once, and what follows from that waits for its turn: nobody is told of a second state
        while still obeying the first.
        """
        if self._saying:
            return
        outbox = self._monitor.outbox
        self._saying = True
        try:
            while outbox:
                message = outbox.pop(0)
                self.publish_message(_TOPICS[type(message)], message)
                if isinstance(message, IncidentFact):
                    self._notify(message)
        finally:
            self._saying = False

    def _notify(self, fact: IncidentFact) -> None:
        if fact.event not in NOTIFIED_EVENTS:
            return
        words = f"incident {fact.incident_id} {fact.event}: {fact.reason} ({fact.source}, now {fact.stage})"
        self.log.warning(words)
        if self._webhook is None or self._stopped:
            return
        self._notifications += 1
        self._notified[self._notifications] = fact.incident_id, fact.event
        payload = {
            "text": words,
            "ts_ns": fact.ts_ns,
            "incident_id": fact.incident_id,
            "event": fact.event,
            "source": fact.source,
            "stage": fact.stage,
            "reason": fact.reason,
            "details": orjson.loads(fact.details) if fact.details else None,
        }
        self._webhook.post(self._notifications, payload)

    def _close(self) -> None:
        self._stopped = True
        if self._webhook is not None:
            self._record(self._webhook.close())

    def _report(self, webhook: Webhook) -> None:
        self._record(webhook.deliveries())

    def _record(self, deliveries: Any) -> None:
        now_ns = self.clock.timestamp_ns()
        for delivery in deliveries:
            incident_id, event = self._notified.pop(delivery.key)
            if delivery.failure:
                self.log.warning(f"nobody could be told of incident {incident_id}: {delivery.failure}")
            self._monitor.notified(incident_id, now_ns, delivery.failure, f"told of {event}")
        self._say()

    def _contract_of(self, instrument_id: str) -> Contract:
        instrument = self.cache.instrument(InstrumentId.from_str(instrument_id))
        if instrument is None:
            raise CatalogError(f"{instrument_id}: the risk monitor finds no such instrument in the run")
        return contract_of(instrument)
