"""A board, and the messages of a run that is made up from a seed or was recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.live.monitor.board import Board
from mm_nautilus.live.monitor.facts import BoardFacts
from mm_nautilus.messages import (
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

TAKES = {
    QuoteDecision: Board.on_decision,
    OrderFact: Board.on_order,
    FillFact: Board.on_fill,
    MarkFact: Board.on_mark,
    PositionFact: Board.on_position,
    HedgeFact: Board.on_hedge,
    RiskState: Board.on_risk_state,
    RiskFact: Board.on_risk_fact,
    IncidentFact: Board.on_incident,
    MarkoutFact: Board.on_markout,
    AdverseSelectionAssessment: Board.on_assessment,
    AlertFact: Board.on_alert,
    OpportunityFact: Board.on_opportunity,
    ControlFact: Board.on_control,
    FundingFact: Board.on_funding,
}


def board_of(*instruments: InstrumentFacts, mode: str = "replay") -> Board:
    venues = tuple(dict.fromkeys(one.venue for one in instruments))
    return Board(BoardFacts("made-up", mode, "MarketMaker", instruments, venues, "USDT"))


def tell(board: Board, messages: Iterable[Any]) -> None:
    for message in messages:
        take = TAKES.get(type(message))
        if take is not None:
            take(board, message)


def seen(board: Board, now_ns: int = 0) -> dict[str, Any]:
    return orjson.loads(board.snapshot(now_ns))
