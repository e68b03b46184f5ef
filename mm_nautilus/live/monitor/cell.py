"""What the monitor knows of one instrument."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import orjson
from msgspec import Struct
from msgspec.structs import asdict

from mm_nautilus.analytics.attribution_lines import Attribution
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.jsonable import plain
from mm_nautilus.live.monitor.facts import asset_of
from mm_nautilus.live.monitor.orders import WorkingOrders, top_of
from mm_nautilus.messages import (
    AdverseSelectionAssessment,
    FillFact,
    FundingFact,
    MarkFact,
    MarkoutFact,
    OrderFact,
    PositionFact,
    QuoteDecision,
    RiskState,
)

DECISIONS: Final = 12
FILLS: Final = 40
POINTS: Final = 300
_POINT_NS: Final = 10**9


class _Filled:
    """One fill, what it has been worth so far, and both as JSON once they were asked for."""

    __slots__ = ("fact", "markouts", "text")

    def __init__(self, fact: FillFact) -> None:
        self.fact = fact
        self.markouts: dict[str, float] = {}
        self.text: bytes | None = None


class InstrumentCell:
    """The latest messages of one instrument, by reference; everything is computed when it is looked at.

    Parameters
    ----------
    facts : InstrumentFacts
        What it is.
    answered : callable
        Told of each answer of the venue: the kind of command and how many seconds it took.

    """

    def __init__(self, facts: InstrumentFacts, answered: Callable[[str, float], None]) -> None:
        self.facts = facts
        self.asset = asset_of(facts)
        self.orders = WorkingOrders(float(facts.tick), answered)
        self.decision: QuoteDecision | None = None
        self.decisions: deque[QuoteDecision] = deque(maxlen=DECISIONS)
        self.fills: dict[tuple[str, str], _Filled] = {}
        self._last_fill: FillFact | None = None
        self.assessment: AdverseSelectionAssessment | None = None
        self.mark: MarkFact | None = None
        self.engine: PositionFact | None = None
        self.restraint: RiskState | None = None
        self.funding: FundingFact | None = None
        self.filled_count = self.decided_count = 0
        self._points: deque[bytes] = deque(maxlen=POINTS)
        self._pointed_ns = 0
        self._decision_bytes: deque[tuple[QuoteDecision, bytes]] = deque(maxlen=DECISIONS)
        self._assessed: tuple[AdverseSelectionAssessment | None, bytes] = (None, b"null")
        self._untold: list[tuple[OrderFact | FillFact, QuoteDecision | None]] = []
        self._tick = float(facts.tick)
        self._limit = None if facts.position_limit is None else float(facts.position_limit)
        self._fixed = {
            "id": facts.instrument_id,
            "venue": facts.venue,
            "asset": self.asset,
            "unit": facts.size_unit,
            "currency": facts.contract.settlement_currency,
            "tick": self._tick,
            "lot": float(facts.lot),
        }
        self._best: tuple[float | None, float | None] = (None, None)
        self._shown: tuple[Any, ...] = ()
        self._row = b""

    # -------------------------------------------------------------- messages

    def decided(self, decision: QuoteDecision) -> None:
        """Take a decision."""
        self.decision = decision
        self.decisions.append(decision)
        self.decided_count += 1

    def ordered(self, fact: OrderFact) -> None:
        """Take what happened to an order, and remember the market that it met."""
        self._untold.append((fact, self.decision))

    def filled(self, fact: FillFact) -> None:
        """Take a fill."""
        self._last_fill = fact
        self.fills[fact.client_order_id, fact.trade_id] = _Filled(fact)
        if len(self.fills) > FILLS:
            del self.fills[next(iter(self.fills))]
        self.filled_count += 1
        self._untold.append((fact, None))

    def marked_out(self, fact: MarkoutFact) -> None:
        """Take what a fill was worth a horizon later."""
        filled = self.fills.get((fact.client_order_id, fact.trade_id))
        if filled is not None:
            filled.markouts[f"{fact.horizon_s:g}"] = fact.markout
            filled.text = None

    def catch_up(self) -> None:
        """Bring the working orders up to date: commands are sent while the market waits for us, snapshots are not."""
        for fact, decision in self._untold:
            if isinstance(fact, OrderFact):
                self.orders.ordered(fact, decision)
            else:
                self.orders.filled(fact)
        if self._untold:
            self._best = self.orders.best()
            self._untold.clear()

    # ---------------------------------------------------------------- values

    @property
    def position(self) -> Decimal | None:
        """Signed position, from whichever of a fill and a mark came last."""
        fill, mark = self._last_fill, self.mark
        if fill is not None and (mark is None or fill.ts_ns > mark.ts_ns):
            return fill.position_after
        return None if mark is None else mark.position

    @property
    def market(self) -> tuple[float | None, float | None]:
        """Best bid and ask, from whichever of a decision and a mark came last."""
        decision, mark = self.decision, self.mark
        if decision is not None and (mark is None or decision.ts_ns >= mark.ts_ns):
            return decision.bid, decision.ask
        return (None, None) if mark is None else (mark.bid, mark.ask)

    def overview(self, now_ns: int, lines: Attribution | None) -> bytes:
        """Return one row of the table of all instruments as JSON, and put a point on the chart's path where one is due.

        Of an instrument on which nothing has changed, nothing but the age of its market is said anew.
        """
        decision, mark, restraint = self.decision, self.mark, self.restraint
        bid, ask = self.market
        own_bid, own_ask = self._best
        pnl = None if lines is None else lines.total
        position = self.position
        if now_ns - self._pointed_ns >= _POINT_NS and (decision is not None or mark is not None):
            self._pointed_ns = now_ns
            held = None if position is None else float(position)
            gained = None if pnl is None else float(pnl)
            self._points.append(orjson.dumps([now_ns // 1_000_000, bid, ask, own_bid, own_ask, held, gained]))
        shown = (
            bid,
            ask,
            own_bid,
            own_ask,
            position,
            pnl,
            *self._worst_case(position),
            None if decision is None else decision.quote_state,
            () if decision is None else decision.reasons,
            "" if mark is None else mark.fault,
            "NORMAL" if restraint is None else restraint.stage,
            self.filled_count,
            self.assessment,
        )
        if shown != self._shown:
            self._shown, self._row = shown, orjson.dumps(self._said_row(*shown), default=exact)[:-1]
        heard_ns = None if mark is None else mark.market_ts_ns
        age = b"null" if not heard_ns else b"%.9f" % (max(now_ns - heard_ns, 0) * 1e-9)
        return self._row + b',"market_s":' + age + b"}"

    def _said_row(
        self,
        bid: float | None,
        ask: float | None,
        own_bid: float | None,
        own_ask: float | None,
        position: Decimal | None,
        pnl: Decimal | None,
        worst_long: float | None,
        worst_short: float | None,
        state: str | None,
        reasons: tuple[str, ...],
        fault: str,
        stage: str,
        fills: int,
        assessment: AdverseSelectionAssessment | None,
    ) -> dict[str, Any]:
        tick, limit = self._tick, self._limit
        held = None if position is None else float(position)
        worst = None if worst_long is None or worst_short is None else max(worst_long, -worst_short, 0.0)
        return self._fixed | {
            "bid": bid,
            "ask": ask,
            "own_bid": own_bid,
            "own_ask": own_ask,
            "bid_ticks": None if bid is None or own_bid is None else round((bid - own_bid) / tick, 2),
            "ask_ticks": None if ask is None or own_ask is None else round((own_ask - ask) / tick, 2),
            "state": state,
            "reasons": reasons,
            "fault": fault,
            "position": position,
            "limit": limit,
            "worst_long": worst_long,
            "worst_short": worst_short,
            "use": None if not limit or held is None else abs(held) / limit,
            "worst_use": None if not limit or worst is None else worst / limit,
            "pnl": pnl,
            "fills": fills,
            "stage": stage,
            "toxic": _toxic(assessment),
        }

    def detail(self, now_ns: int, lines: Attribution | None) -> dict[str, Any]:
        """Return everything of the instrument that the overview leaves out."""
        decision = self.decision
        return {
            "at_ns": now_ns,
            "book": None if decision is None else _book(decision),
            "orders": self.orders.rows(decision, now_ns),
            "rejects": self.orders.rejects,
            "decided": self.decided_count,
            "lines": None if lines is None else lines.lines,
            "engine_position": None if self.engine is None else self.engine.position,
            "funding": self.funding,
            "decisions": orjson.Fragment(self._said_decisions()),
            "fills": orjson.Fragment(self._said_fills()),
            "assessment": orjson.Fragment(self._said_assessment()),
            "path": orjson.Fragment(b"[" + b",".join(self._points) + b"]"),
        }

    def _worst_case(self, position: Decimal | None) -> tuple[float | None, float | None]:
        """Return the positions if every working and in-flight order of a side filled."""
        decision, mark = self.decision, self.mark
        if decision is not None and (mark is None or decision.ts_ns >= mark.ts_ns):
            return decision.worst_long, decision.worst_short
        if mark is None or position is None:
            return None, None
        held = float(position)
        return held + float(mark.open_buy), held - float(mark.open_sell)

    def _said_decisions(self) -> bytes:
        said = self._decision_bytes
        known = {id(decision) for decision, _ in said}
        for decision in self.decisions:
            if id(decision) not in known:
                said.append((decision, orjson.dumps(decision, default=exact)))
        return b"[" + b",".join([text for _, text in reversed(said)]) + b"]"

    def _said_fills(self) -> bytes:
        for filled in self.fills.values():
            if filled.text is None:
                filled.text = orjson.dumps(_fill(filled.fact, filled.markouts), default=exact)
        return b"[" + b",".join([filled.text or b"" for filled in reversed(self.fills.values())]) + b"]"

    def _said_assessment(self) -> bytes:
        if self._assessed[0] is not self.assessment:
            self._assessed = self.assessment, orjson.dumps(self.assessment, default=exact)
        return self._assessed[1]


def _toxic(one: AdverseSelectionAssessment | None) -> list[str]:
    return [] if one is None else [side for side, is_so in (("BID", one.bid_toxic), ("ASK", one.ask_toxic)) if is_so]


def _book(decision: QuoteDecision) -> dict[str, Any]:
    top = top_of(decision)
    return {
        "ts_ns": decision.ts_ns,
        "bid": decision.bid,
        "ask": decision.ask,
        "bid_size": decision.bid_size,
        "ask_size": decision.ask_size,
        "spread_bps": None if top is None or not top.mid else 1e4 * top.spread / top.mid,
    }


def _fill(fill: FillFact, markouts: dict[str, float]) -> dict[str, Any]:
    edge = None
    if fill.bid is not None and fill.ask is not None:
        edge = (0.5 * (fill.bid + fill.ask) - float(fill.price)) * (1 if fill.side == "BUY" else -1)
    return {
        "ts_ns": fill.ts_ns,
        "side": fill.side,
        "price": fill.price,
        "size": fill.size,
        "level": fill.level,
        "liquidity": fill.liquidity,
        "purpose": fill.purpose,
        "commission": fill.commission,
        "commission_currency": fill.commission_currency,
        "position_after": fill.position_after,
        "decision_id": fill.decision_id,
        "trade_id": fill.trade_id,
        "edge": edge,
        "markouts": markouts,
    }


def exact(value: Any) -> Any:
    """Return an exact number as text and a message by its fields, for whoever encodes."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Struct):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} is no value of a snapshot")
