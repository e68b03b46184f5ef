"""Everything that a market maker wants on one screen, as JSON.

A message is kept by reference when it comes and read when a snapshot is asked for. The snapshot holds one row for each
instrument and the details of up to `DETAILS` of them. Where there are more, it holds those that somebody looks at and
`TURNS` others, who waited longest first: a reader keeps the last of each, and a snapshot delays no quote for long.

Two clocks: ``now_ns`` is the reader's, on which connections go up and down and the page goes stale; ``clock_ns`` is
that of the messages, which in a replay is the market's, and every age of an order or a market counts on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from mm_nautilus.live.monitor.cell import InstrumentCell, exact
from mm_nautilus.live.monitor.facts import BoardFacts
from mm_nautilus.live.monitor.latencies import Latencies
from mm_nautilus.live.monitor.statements import Statements
from mm_nautilus.live.monitor.turns import DETAILS, TURNS, Turns
from mm_nautilus.messages import (
    TOPIC_ALERT,
    TOPIC_ASSESSMENT,
    TOPIC_CONTROL,
    TOPIC_DECISION,
    TOPIC_FILL,
    TOPIC_FUNDING,
    TOPIC_HEDGE,
    TOPIC_INCIDENT,
    TOPIC_MARK,
    TOPIC_MARKOUT,
    TOPIC_OPPORTUNITY,
    TOPIC_ORDER,
    TOPIC_POSITION,
    TOPIC_RISK,
    TOPIC_RISK_VALUE,
    AdverseSelectionAssessment,
    AlertFact,
    ControlFact,
    FillFact,
    FundingFact,
    HedgeFact,
    IncidentFact,
    MarkFact,
    MarkoutFact,
    OpportunityFact,
    OrderFact,
    PositionFact,
    QuoteDecision,
    RiskFact,
    RiskState,
)

_EVENTS: Final = 30
_ANSWERS: Final = {"SUBMIT": "submit to answer", "AMEND": "amend to answer", "CANCEL": "cancel to answer"}


class Board:
    """Takes what a run says and shows it; decides nothing.

    Parameters
    ----------
    facts : BoardFacts
        The run.

    """

    def __init__(self, facts: BoardFacts) -> None:
        self._facts = facts
        self._cells = {one.instrument_id: InstrumentCell(one, self._answered) for one in facts.instruments}
        self._exposed = list(_exposed(self._cells.values(), facts.asset_limits))
        self._statements = Statements(facts.instruments, facts.rates)
        self._turns = Turns(self._cells)
        self._focus: list[str] = []
        self._latencies = Latencies()
        self._connections: dict[str, dict[str, Any]] = {
            venue: {"venue": venue, "up": None, "since_ns": None, "losses": 0} for venue in facts.venues
        }
        self._risk: RiskState | None = None
        self._rules: dict[tuple[str, str], RiskFact] = {}
        self._incidents: deque[IncidentFact] = deque(maxlen=_EVENTS)
        self._hedges: deque[HedgeFact] = deque(maxlen=_EVENTS)
        self._alerts: deque[AlertFact] = deque(maxlen=_EVENTS)
        self._opportunities: deque[OpportunityFact] = deque(maxlen=_EVENTS)
        self._controls: deque[ControlFact] = deque(maxlen=_EVENTS)
        self._clock_ns = self._messages = self._told = self._sequence = 0
        self._heard_ns: int | None = None
        self.standing: Mapping[str, Any] = {"paused": False, "values": {}}
        """What an operator said that holds: whether there is a pause, and by instrument and parameter each value other
        than the run file's, with the run file's."""

    @property
    def handlers(self) -> Mapping[str, Callable[[Any], None]]:
        """Return who takes the messages of each topic."""
        return {
            TOPIC_DECISION: self.on_decision,
            TOPIC_ORDER: self.on_order,
            TOPIC_FILL: self.on_fill,
            TOPIC_MARK: self.on_mark,
            TOPIC_POSITION: self.on_position,
            TOPIC_HEDGE: self.on_hedge,
            TOPIC_RISK: self.on_risk_state,
            TOPIC_RISK_VALUE: self.on_risk_fact,
            TOPIC_INCIDENT: self.on_incident,
            TOPIC_MARKOUT: self.on_markout,
            TOPIC_ASSESSMENT: self.on_assessment,
            TOPIC_ALERT: self.on_alert,
            TOPIC_OPPORTUNITY: self.on_opportunity,
            TOPIC_CONTROL: self.on_control,
            TOPIC_FUNDING: self.on_funding,
        }

    # -------------------------------------------------------------- messages

    def on_decision(self, decision: QuoteDecision) -> None:
        """Take a quote decision."""
        self._messages += 1
        self._clock_ns = max(self._clock_ns, decision.ts_ns)
        cell = self._cells.get(decision.instrument_id)
        if cell is not None:
            cell.decided(decision)

    def on_order(self, fact: OrderFact) -> None:
        """Take what happened to an order."""
        self._messages += 1
        cell = self._cells.get(fact.instrument_id)
        if cell is not None:
            cell.ordered(fact)

    def on_fill(self, fact: FillFact) -> None:
        """Take an execution."""
        self._messages += 1
        cell = self._cells.get(fact.instrument_id)
        if cell is not None:
            cell.filled(fact)
            self._statements.take(fact)

    def on_mark(self, fact: MarkFact) -> None:
        """Take the market and the position at a sampling instant."""
        self._messages += 1
        self._clock_ns = max(self._clock_ns, fact.ts_ns)
        cell = self._cells.get(fact.instrument_id)
        if cell is not None:
            cell.mark = fact
            self._statements.take(fact)

    def on_position(self, fact: PositionFact) -> None:
        """Take the engine's own count of a position."""
        cell = self._cells.get(fact.instrument_id)
        if cell is not None:
            cell.engine = fact

    def on_hedge(self, fact: HedgeFact) -> None:
        """Take a decision to hedge, or what became of it."""
        self._hedges.append(fact)

    def on_risk_state(self, state: RiskState) -> None:
        """Take what strategies have to obey."""
        if not state.instrument_id:
            self._risk = state
        elif state.instrument_id in self._cells:
            self._cells[state.instrument_id].restraint = state

    def on_risk_fact(self, fact: RiskFact) -> None:
        """Take what a rule measured."""
        self._rules[fact.rule, fact.scope] = fact

    def on_incident(self, fact: IncidentFact) -> None:
        """Take an entry of the incident record."""
        self._incidents.append(fact)

    def on_markout(self, fact: MarkoutFact) -> None:
        """Take what a fill was worth a horizon later."""
        cell = self._cells.get(fact.instrument_id)
        if cell is not None:
            cell.marked_out(fact)

    def on_assessment(self, assessment: AdverseSelectionAssessment) -> None:
        """Take how strongly our sides are being picked off."""
        cell = self._cells.get(assessment.instrument_id)
        if cell is not None:
            cell.assessment = assessment

    def on_alert(self, fact: AlertFact) -> None:
        """Take something that a person should look at."""
        self._alerts.append(fact)

    def on_opportunity(self, fact: OpportunityFact) -> None:
        """Take what was made of two venues whose prices cross."""
        self._opportunities.append(fact)

    def on_funding(self, fact: FundingFact) -> None:
        """Take what is paid next on a perpetual, and when."""
        cell = self._cells.get(fact.instrument_id)
        if cell is not None:
            cell.funding = fact

    def on_control(self, fact: ControlFact) -> None:
        """Take an operator's command, and what came of it; who only asks changes nothing."""
        if fact.command != "status":
            self._controls.append(fact)

    def connection(self, venue: str, up: bool, at_ns: int) -> None:
        """Take whether a venue is connected; `at_ns` is on the reader's clock."""
        known = self._connections.setdefault(venue, {"venue": venue, "up": None, "since_ns": None, "losses": 0})
        if known["up"] is not up:
            known["losses"] += known["up"] is True
            known["up"], known["since_ns"] = up, at_ns

    def latency(self, name: str, seconds: float) -> None:
        """Take a latency measured elsewhere, as ``tick to order``."""
        self._latencies.take(name, seconds)

    def _answered(self, command: str, seconds: float) -> None:
        self._latencies.take(_ANSWERS[command], seconds)

    def focus(self, instrument_ids: Iterable[str]) -> None:
        """Say which instruments are looked at; others than those of the run are no error."""
        self._focus = [name for name in dict.fromkeys(instrument_ids) if name in self._cells][: DETAILS - TURNS]

    # -------------------------------------------------------------- snapshot

    def snapshot(self, now_ns: int) -> bytes:
        """Return what the page shows, as JSON; amounts that were booked are strings, so that no digit is lost.

        Parameters
        ----------
        now_ns : int
            Now on the reader's clock, in nanoseconds since 1970.

        """
        if self._messages != self._told or self._heard_ns is None:
            self._told, self._heard_ns = self._messages, now_ns
        self._sequence += 1
        clock_ns = self._clock_ns or now_ns
        for cell in self._cells.values():
            cell.catch_up()
        shown = list(dict.fromkeys([*self._focus, *self._turns.next()]))
        statements = self._statements
        statements.bring_up_to_date(shown)
        lines = statements.lines
        rows = [cell.overview(clock_ns, lines.get(name)) for name, cell in self._cells.items()]
        snapshot = {
            "sequence": self._sequence,
            "now_ns": now_ns,
            "clock_ns": clock_ns,
            "silent_s": (now_ns - self._heard_ns) * 1e-9,
            "messages": self._messages,
            "run": {
                "name": self._facts.name,
                "mode": self._facts.mode,
                "strategy": self._facts.strategy,
                "currency": self._facts.currency,
            },
            "connections": list(self._connections.values()),
            "risk": self._risk_state(),
            "standing": self.standing,
            "latencies": self._latencies.rows(),
            "money": statements.by_currency(),
            "unattributed": statements.failed,
            "assets": self._exposures(),
            "instruments": orjson.Fragment(b"[" + b",".join(rows) + b"]"),
            "details": {name: self._cells[name].detail(clock_ns, lines.get(name)) for name in shown},
            "alerts": list(reversed(self._alerts)),
            "hedges": list(reversed(self._hedges)),
            "opportunities": list(reversed(self._opportunities)),
            "controls": list(reversed(self._controls)),
        }
        return orjson.dumps(snapshot, default=exact)

    def _risk_state(self) -> dict[str, Any]:
        state = self._risk
        return {
            "stage": "NORMAL" if state is None else state.stage,
            "said": state is not None or bool(self._rules),
            "state": state,
            "restrained": [cell.restraint for cell in self._cells.values() if cell.restraint is not None],
            "rules": list(self._rules.values()),
            "incidents": list(reversed(self._incidents)),
        }

    def _exposures(self) -> list[dict[str, Any]]:
        """Return the position of each asset that trades on several instruments, or has a limit of its own."""
        return [
            {
                "asset": asset,
                "position": sum(
                    ((cell.position or Decimal(0)) * cell.facts.contract.multiplier for cell in cells), Decimal(0)
                ),
                "limit": limit,
                "instruments": len(cells),
            }
            for asset, limit, cells in self._exposed
        ]


def _exposed(
    cells: Iterable[InstrumentCell], limits: Mapping[str, Decimal]
) -> Iterator[tuple[str, Decimal | None, list[InstrumentCell]]]:
    """Yield asset, limit and cells where positions can be added up, and one alone does not say the same."""
    of_asset: dict[str, list[InstrumentCell]] = {}
    for cell in cells:
        of_asset.setdefault(cell.asset, []).append(cell)
    for asset, group in of_asset.items():
        limit = limits.get(asset)
        if not any(cell.facts.contract.inverse for cell in group) and (len(group) > 1 or limit is not None):
            yield asset, limit, group
