"""How close a run's worst case came to its limit, and whether the strategy's own figures agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.stress.exposure import WorstCasePath


@dataclass(frozen=True, slots=True)
class Exposure:
    """Worst case of one instrument over its limit, in base units (contracts)."""

    instrument_id: str
    limit: Decimal | None
    largest: Decimal
    """Largest worst case at any instant."""
    largest_position: Decimal
    at_ns: int | None
    instants: int
    instants_beyond: int
    marks_differing: int
    """Marks whose position or open sizes are not what the orders and fills add up to."""

    @property
    def share(self) -> float | None:
        """Largest worst case over the limit."""
        return None if self.limit is None else float(self.largest / self.limit)


def exposure_of(log: RunLog, one: InstrumentLog, path: WorstCasePath, hedging: Sequence[tuple[int, int]]) -> Exposure:
    """Return how close an instrument's worst case came to its limit.

    Parameters
    ----------
    log : RunLog
        Of the run.
    one : InstrumentLog
        The instrument.
    path : WorstCasePath
        Its worst case at every instant.
    hedging : sequence of tuple of int
        From when to when a hedge decision was open, in nanoseconds since 1970.

    """
    name, limit = one.facts.instrument_id, one.facts.position_limit
    marks = log.table("marks", ["ts_ns", "instrument_id", "position", "open_buy", "open_sell"]).to_pylist()
    mine = (row for row in marks if row["instrument_id"] == name)
    largest = path.largest
    worst = int(np.argmax(largest)) if len(largest) else None
    return Exposure(
        instrument_id=name,
        limit=limit,
        largest=Decimal(0) if worst is None else largest[worst],
        largest_position=max((abs(held) for held in path.position), default=Decimal(0)),
        at_ns=None if worst is None else int(path.ts_ns[worst]),
        instants=len(largest),
        instants_beyond=0 if limit is None else int(np.count_nonzero(largest > limit)),
        marks_differing=marks_differing(mine, path, hedging),
    )


def marks_differing(marks: Iterable[Mapping[str, Any]], path: WorstCasePath, hedging: Sequence[tuple[int, int]]) -> int:
    """Count marks that fit neither what was before their instant nor what was after it.

    A hedge holds its size back from the moment it is decided, before there is an order: while one is open a mark may
    state more open size than there are orders, and never less.

    Parameters
    ----------
    marks : iterable of mapping
        Rows of the marks table, of one instrument.
    path : WorstCasePath
        What orders and fills add up to.
    hedging : sequence of tuple of int
        From when to when a hedge decision was open, in nanoseconds since 1970.

    """
    differing = 0
    for row in marks:
        ts_ns, position, *sizes = (row[name] for name in ("ts_ns", "position", "open_buy", "open_sell"))
        reserving = any(begin <= ts_ns <= end for begin, end in hedging)
        differing += not any(
            position == counted[0] and (sizes == counted[1:] or (reserving and _at_least(sizes, counted[1:])))
            for counted in (list(path.before(ts_ns)), list(path.at(ts_ns)))
        )
    return differing


def _at_least(sizes: Sequence[Decimal], counted: Sequence[Decimal]) -> bool:
    return all(stated >= found for stated, found in zip(sizes, counted, strict=True))
