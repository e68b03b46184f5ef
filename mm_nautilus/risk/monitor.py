"""Watches everything that is said about trading, and says how far it is to be restrained.

Free of any engine: it is told what happened and when, and what it has to say waits in `Monitor.outbox`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.market import Purpose, RiskStage
from mm_nautilus.messages import (
    FillFact,
    HedgeFact,
    IncidentFact,
    MarkFact,
    OrderFact,
    QuoteDecision,
    RiskFact,
    RiskState,
)
from mm_nautilus.risk.board import OPERATOR, Board
from mm_nautilus.risk.books import Books
from mm_nautilus.risk.incidents import IncidentLog, details
from mm_nautilus.risk.settings import RiskSettings
from mm_nautilus.risk.watch import InstrumentWatch, WatchedRule, WholeWatch

type Said = RiskState | RiskFact | IncidentFact


class Monitor:
    """Every risk rule at work, the operator's orders, and the incidents they lead to.

    Parameters
    ----------
    settings : RiskSettings
        The rules.
    contract_of : callable
        Returns an instrument's `Contract`, given its id.

    Raises
    ------
    ParameterError
        From the methods that take fills and marks, where money rules meet a currency without a rate.

    """

    def __init__(self, settings: RiskSettings, contract_of: Callable[[str], Contract]) -> None:
        self._settings = settings
        self.books = Books(contract_of, settings.currency, settings.rates, strict=settings.counts_money)
        self._whole = WholeWatch(settings, self.books)
        self._instruments: dict[str, InstrumentWatch] = {}
        self._rules: list[WatchedRule] = list(self._whole.rules)
        self._board = Board(settings.operator_widen_by)
        self._incidents = IncidentLog()
        self._report_ns = round(settings.report_interval_s * 1e9)
        self._next_report_ns = 0
        self._settled = True
        self.outbox: list[Said] = []
        """What is to be published, in this order; whoever publishes it empties it."""

    @property
    def stage(self) -> RiskStage:
        """The stage that everything is in."""
        return self._board.stage

    @property
    def holds(self) -> bool:
        """Whether an order of the operator stands, or a stage, that `resume` would end."""
        return bool(self._board.orders) or self.stage is not RiskStage.NORMAL

    # ---------------------------------------------------------------- events

    def marked(self, fact: MarkFact) -> None:
        """Take a mark."""
        self.books.marked(fact)
        self._watch(fact.instrument_id).marked(fact)

    def decided(self, fact: QuoteDecision) -> None:
        """Take a decision."""
        self._watch(fact.instrument_id).decided(fact)

    def ordered(self, fact: OrderFact, now_ns: int) -> None:
        """Take what happened to an order, heard of at `now_ns`."""
        self._watch(fact.instrument_id).ordered(fact, now_ns)
        self._whole.ordered(fact, now_ns)
        if self._incidents.open is not None:
            self._follow(now_ns)

    def filled(self, fact: FillFact, now_ns: int) -> None:
        """Take a fill, heard of at `now_ns`."""
        self.books.filled(fact)
        self._watch(fact.instrument_id).filled(fact, now_ns)
        if self._incidents.open is not None:
            self._follow(now_ns)

    def hedged(self, fact: HedgeFact, now_ns: int) -> None:
        """Take what became of a hedge."""
        self._whole.hedged(fact, now_ns)
        if self._incidents.open is not None and self.stage >= RiskStage.FLATTEN:
            self.outbox.append(self._incidents.hedge(fact, self.stage))

    def started(self, now_ns: int) -> None:
        """Repeat every standing state for a strategy that has just started, also those from before a restart."""
        if self._settled:
            self.outbox += self._board.standing()
        else:
            self._react([], now_ns)

    # ----------------------------------------------------------- evaluations

    def evaluate(self, now_ns: int) -> None:
        """Measure every rule; say which stages change, and at the stated interval every value."""
        changed: list[WatchedRule] = []
        for rule in self._rules:
            value = rule.value(now_ns)
            machine = rule.machine
            if machine.idle and (value is None or value < machine.lowest):
                continue
            if machine.update(value, now_ns):
                changed.append(rule)
        if changed or not self._settled:
            self._react(changed, now_ns)
        if self._incidents.open is not None:
            self._follow(now_ns)
        if now_ns >= self._next_report_ns:
            self._next_report_ns = now_ns - now_ns % self._report_ns + self._report_ns
            self._report(now_ns)

    def _react(self, changed: list[WatchedRule], now_ns: int, note: str = "") -> None:
        facts: list[Said] = []
        halting = None
        for rule in changed:
            rule.reason = rule.measure.reason(now_ns)
            stage = rule.machine.stage
            facts.append(RiskFact(now_ns, rule.name, rule.scope, rule.measure.value(now_ns), stage.name, rule.reason))
            if stage is RiskStage.HALT and halting is None:
                halting = rule
        incident = None
        if halting is not None:
            scope = f"{halting.scope}: " if halting.scope else ""
            incident = self._incidents.raised(
                now_ns, halting.name, RiskStage.HALT, scope + halting.reason, self._standing()
            )
        self.outbox += self._board.settle(self._rules, now_ns, note)
        self.outbox += facts
        if incident is not None:
            self.outbox.append(incident)
        self._settled = True

    def _report(self, now_ns: int) -> None:
        equity = self.books.equity()
        worth = None if equity is None else float(equity)
        words = f"profit since the start in {self.books.currency}, open positions included"
        self.outbox.append(RiskFact(now_ns, "equity", "", worth, RiskStage.NORMAL.name, words))
        for rule in self._rules:
            stage, reason = rule.machine.stage.name, rule.measure.reason(now_ns)
            self.outbox.append(RiskFact(now_ns, rule.name, rule.scope, rule.measure.value(now_ns), stage, reason))

    # -------------------------------------------------------------- operator

    def order(self, action: str, reason: str, now_ns: int, instrument_id: str = "") -> bool:
        """Carry out an operator's widen, reduce_only, flatten or halt; return whether it has any effect.

        It stands until `resume`. A milder order replaces a stricter one, but nothing short of `resume` ends a halt.

        Raises
        ------
        ParameterError
            For an action that is none of these, an empty reason, or a halt of one instrument.

        """
        stages = {stage.name.lower(): stage for stage in RiskStage if stage is not RiskStage.NORMAL}
        if action not in stages:
            raise ParameterError("action", action, f"one of {', '.join(stages)}")
        stage = stages[action]
        if stage is RiskStage.HALT and instrument_id:
            raise ParameterError("instrument_id", instrument_id, "empty for a halt, which is for everything")
        self._stated(reason)
        taken = self._board.order(instrument_id, stage, reason)
        heading = f"{action} {instrument_id}: {reason}" if instrument_id else f"{action}: {reason}"
        words = heading if taken else f"{heading} (ignored: halted until resumed)"
        incident = self._incidents.raised(now_ns, OPERATOR, max(stage, self.stage), words, self._standing())
        self.outbox += self._board.settle(self._rules, now_ns)
        self.outbox.append(RiskFact(now_ns, OPERATOR, instrument_id, None, stage.name, words))
        self.outbox.append(incident)
        self._follow(now_ns)
        return taken

    def resume(self, reason: str, now_ns: int) -> bool:
        """End every halt and every order of the operator; return whether trading is free of them now.

        Losses are counted from here on, and bursts forgotten: they have been accepted by whoever gives the reason. A
        rule whose value still asks for a halt (a venue that does not answer) halts again at once.

        Raises
        ------
        ParameterError
            For an empty reason.

        """
        self._stated(reason)
        self._board.orders.clear()
        held = []
        for rule in self._rules:
            rule.measure.restart(now_ns)
            if rule.machine.stage is RiskStage.HALT or rule.scope == "":
                held.append((rule, rule.machine.stage))
                rule.machine.release()
        for rule, _ in held:
            rule.machine.update(rule.value(now_ns), now_ns)
        refused = [rule for rule, _ in held if rule.machine.stage is RiskStage.HALT]
        changed = [rule for rule, before in held if rule.machine.stage is not before]
        for rule in refused:
            rule.reason = rule.measure.reason(now_ns)
        standing, was_open = self._standing(), self._incidents.open is not None
        self._react(changed, now_ns, f"{OPERATOR}: {reason}")
        words = f"resume: {reason}"
        if refused:
            words += f" (refused: {'; '.join(f'{rule.name}: {rule.reason}' for rule in refused)})"
        self.outbox.append(RiskFact(now_ns, OPERATOR, "", None, self.stage.name, words))
        if was_open:
            event = "RESUME_REFUSED" if refused else "RESUMED"
            self.outbox.append(self._incidents.entry(now_ns, event, OPERATOR, self.stage, words, standing))
            if not refused:
                self._incidents.open = None
        return not refused

    @staticmethod
    def _stated(reason: str) -> None:
        if not reason.strip():
            raise ParameterError("reason", reason, "words: they are written into the record")

    # -------------------------------------------------------------- incident

    def notified(self, incident_id: int, now_ns: int, failure: str, words: str) -> None:
        """Enter whether somebody was told of an incident; `failure` is empty where he was."""
        event = "NOTIFICATION_FAILED" if failure else "NOTIFIED"
        reason = f"{words}: {failure}" if failure else words
        self.outbox.append(IncidentFact(now_ns, incident_id, event, "webhook", self.stage.name, reason, ""))

    def _follow(self, now_ns: int) -> None:
        """Enter when the quotes are gone and when nothing is held, once quoting is to stop."""
        incident = self._incidents.open
        if incident is None or self.stage < RiskStage.FLATTEN:
            return
        if not incident.quotes_gone and not any(
            order.purpose == Purpose.QUOTE for watch in self._instruments.values() for order in watch.orders
        ):
            incident.quotes_gone = True
            self._enter(now_ns, "QUOTES_GONE", "no quote is open")
        if not incident.flat and not any(line.position for line in self.books.lines.values()):
            incident.flat = True
            self._enter(now_ns, "FLAT", "nothing is held")

    def _enter(self, now_ns: int, event: str, reason: str) -> None:
        self.outbox.append(self._incidents.entry(now_ns, event, "monitor", self.stage, reason, self._standing()))

    def _standing(self) -> str:
        return details(self.books, (order for watch in self._instruments.values() for order in watch.orders))

    def _watch(self, instrument_id: str) -> InstrumentWatch:
        watch = self._instruments.get(instrument_id)
        if watch is None:
            watch = self._instruments[instrument_id] = InstrumentWatch(instrument_id, self._settings)
            self._rules += watch.rules
        return watch

    # --------------------------------------------------------------- restart

    def save(self) -> dict[str, Any]:
        """Return as JSON-able values what a restart must not forget: stages, orders, losses, the incident.

        Rolling windows start anew.
        """
        equity = self.books.equity()
        return {
            "stages": [
                [rule.name, rule.scope, rule.machine.stage.name, rule.reason]
                for rule in self._rules
                if rule.machine.stage is not RiskStage.NORMAL
            ],
            "orders": {scope: [stage.name, reason] for scope, (stage, reason) in self._board.orders.items()},
            "equity": None if equity is None else str(equity),
            "losses": {name: loss.save() for name, loss in self._whole.losses.items()},
            "incidents": self._incidents.count,
            "incident_open": self._incidents.open is not None,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `save` returned, before anything has happened; the states are said at the next evaluation."""
        self._board.orders = {scope: (RiskStage[name], why) for scope, (name, why) in state["orders"].items()}
        self._incidents.restore(state["incidents"], is_open=state["incident_open"])
        if state["equity"] is not None:
            carried = self.books.carried = Decimal(state["equity"])
            for name, loss in self._whole.losses.items():
                loss.load(state["losses"].get(name), carried)
        for name, scope, stage, reason in state["stages"]:
            if scope and scope not in self._instruments:
                watch = self._instruments[scope] = InstrumentWatch(scope, self._settings)
                self._rules += watch.rules
            for rule in self._rules:
                if (rule.name, rule.scope) == (name, scope):
                    rule.machine.stage, rule.reason = RiskStage[stage], reason
        self._settled = False
