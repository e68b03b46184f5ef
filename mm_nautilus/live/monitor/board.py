"""Everything that a market maker wants on one screen, as JSON.

A message is kept by reference when it comes and read when a snapshot is asked for. The snapshot holds one row for each
instrument and the details of up to `DETAILS` of them. Where there are more, it holds those that somebody looks at and
`TURNS` others, who waited longest first: a reader keeps the last of each, and a snapshot delays no quote for long.

Two clocks: ``now_ns`` is the reader's, on which connections go up and down and the page goes stale; ``clock_ns`` is
that of the messages, which in a replay is the market's, and every age of an order or a market counts on it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any, Final

import orjson

from mm_nautilus.analytics.attribution import LINES, Attribution
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.live.monitor.attribution import AssetSoFar
from mm_nautilus.live.monitor.cell import InstrumentCell, exact
from mm_nautilus.live.monitor.facts import BoardFacts, asset_of
from mm_nautilus.messages import (
    TOPIC_ALERT,
    TOPIC_ASSESSMENT,
    TOPIC_CONTROL,
    TOPIC_DECISION,
    TOPIC_FILL,
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

DETAILS: Final = 8
"""Instruments whose details one snapshot holds at most."""
TURNS: Final = 4
"""Instruments, and assets to be attributed, whose turn it is at each snapshot where there are more than `DETAILS`."""
_EVENTS: Final = 30
_SAMPLES: Final = 512
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
        groups: dict[str, list[Any]] = {}
        for one in facts.instruments:
            groups.setdefault(asset_of(one), []).append(one)
        self._assets = {asset: AssetSoFar(group, facts.rates) for asset, group in groups.items()}
        self._asset_of: dict[str, AssetSoFar | None] = {
            name: self._assets[cell.asset] for name, cell in self._cells.items()
        }
        self._unattributed: dict[str, str] = {}
        self._turns: deque[str] = deque(self._cells)
        self._focus: list[str] = []
        self._asset_turns: deque[str] = deque(self._assets)
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
        self._samples: dict[str, deque[float]] = {}
        self._quantiles: dict[str, tuple[int, dict[str, Any]]] = {}
        self._sampled: Counter[str] = Counter()
        self._clock_ns = self._messages = self._told = self._sequence = 0
        self._heard_ns: int | None = None

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
            self._remember(fact)

    def on_mark(self, fact: MarkFact) -> None:
        """Take the market and the position at a sampling instant."""
        self._messages += 1
        self._clock_ns = max(self._clock_ns, fact.ts_ns)
        cell = self._cells.get(fact.instrument_id)
        if cell is not None:
            cell.mark = fact
            self._remember(fact)

    def _remember(self, fact: FillFact | MarkFact) -> None:
        asset = self._asset_of[fact.instrument_id]
        if asset is not None:
            asset.take(fact)

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
        self._samples.setdefault(name, deque(maxlen=_SAMPLES)).append(seconds)
        self._sampled[name] += 1

    def _answered(self, command: str, seconds: float) -> None:
        self.latency(_ANSWERS[command], seconds)

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
        shown = self._next_details()
        self._attribute(shown)
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
            "latencies": self._latencies(),
            "money": self._money(),
            "unattributed": self._unattributed,
            "assets": self._exposures(),
            "instruments": [cell.overview(clock_ns) for cell in self._cells.values()],
            "details": {name: self._cells[name].detail(clock_ns) for name in shown},
            "alerts": list(reversed(self._alerts)),
            "hedges": list(reversed(self._hedges)),
            "opportunities": list(reversed(self._opportunities)),
            "controls": list(reversed(self._controls)),
        }
        return orjson.dumps(snapshot, default=exact)

    def _attribute(self, shown: Iterable[str]) -> None:
        """Bring the attribution up to date of the assets that are shown, and of those whose turn it is."""
        for asset in dict.fromkeys([self._cells[name].asset for name in shown] + _next(self._asset_turns)):
            if asset not in self._unattributed:
                try:
                    attributed = self._assets[asset].so_far()
                except Exception as error:  # all else is worth showing still
                    self._give_up(asset, error)
                else:
                    for name, lines in attributed.items():
                        self._cells[name].lines = lines

    def _give_up(self, asset: str, error: Exception) -> None:
        """Attribute an asset no more: what has gone wrong once is wrong from then on."""
        self._unattributed[asset] = f"{type(error).__name__}: {error}"
        del self._assets[asset]
        for name, cell in self._cells.items():
            if cell.asset == asset:
                cell.lines = None
                self._asset_of[name] = None

    def _next_details(self) -> list[str]:
        """Return whose details are shown: of those that are looked at, and in turn of the others."""
        return list(dict.fromkeys([*self._focus, *_next(self._turns)]))

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

    def _latencies(self) -> list[dict[str, Any]]:
        for name, samples in self._samples.items():
            known = self._quantiles.get(name)
            if known is None or known[0] != self._sampled[name]:
                self._quantiles[name] = self._sampled[name], _quantiles(name, samples)
        return [one for _, one in self._quantiles.values()]

    def _money(self) -> list[dict[str, Any]]:
        """Return the lines of the statement by settlement currency: currencies are never added up."""
        groups: dict[str, list[Attribution]] = {}
        for cell in self._cells.values():
            if cell.lines is not None:
                groups.setdefault(cell.facts.contract.settlement_currency, []).append(cell.lines)
        return [{"currency": currency} | _summed(group) for currency, group in groups.items()]

    def _exposures(self) -> list[dict[str, Any]]:
        """Return the position of each asset that trades on several instruments, or has a limit of its own."""
        rows = []
        for asset in dict.fromkeys(cell.asset for cell in self._cells.values()):
            cells = [cell for cell in self._cells.values() if cell.asset == asset]
            limit = self._facts.asset_limits.get(asset)
            inverse = any(cell.facts.contract.inverse for cell in cells)
            if inverse or (len(cells) < 2 and limit is None):
                continue
            held = sum(((cell.position or Decimal(0)) * cell.facts.contract.multiplier for cell in cells), Decimal(0))
            rows.append({"asset": asset, "position": held, "limit": limit, "instruments": len(cells)})
        return rows


def _summed(group: Sequence[Attribution]) -> dict[str, Any]:
    """Return lines and total of several attributions together."""
    with localcontext(EXACT):
        lines = {name: sum([getattr(one, name) for one in group], Decimal(0)) for name in LINES}
        return {"lines": lines, "total": sum([one.total for one in group], Decimal(0))}


def _next(turns: deque[str]) -> list[str]:
    """Return whose turn it is, and put them last."""
    count = len(turns) if len(turns) <= DETAILS else TURNS
    now = [turns[at] for at in range(count)]
    turns.rotate(-count)
    return now


def _quantiles(name: str, samples: Iterable[float]) -> dict[str, Any]:
    """Return median and 99th percentile by nearest rank, in milliseconds."""
    ordered = sorted(samples)
    last = len(ordered) - 1
    return {
        "name": name,
        "count": len(ordered),
        "median_ms": 1e3 * ordered[round(0.5 * last)],
        "p99_ms": 1e3 * ordered[round(0.99 * last)],
        "max_ms": 1e3 * ordered[-1],
    }
