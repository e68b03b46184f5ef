"""The incident record: what was ordered or halted, how things stood, and everything done about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.market import RiskStage
from mm_nautilus.messages import HedgeFact, IncidentFact
from mm_nautilus.risk.books import Books
from mm_nautilus.risk.orders import OpenOrder

NOTIFIED_EVENTS: Final = frozenset({"RAISED", "ACTION", "RESUMED", "RESUME_REFUSED", "HEDGE_ALARM"})
"""What somebody is told of; the rest is for the record."""
_MOST_ORDERS: Final = 100
_MOST_ENTRIES: Final = 1_000


def details(books: Books, orders: Iterable[OpenOrder]) -> str:
    """Return how things stand as JSON: equity, positions, exposures and open orders."""
    equity, listed = books.equity(), list(orders)
    return _json(
        {
            "currency": books.currency,
            "equity": None if equity is None else f"{equity:f}",
            "positions": {name: f"{line.position:f}" for name, line in books.lines.items()},
            "exposures": books.exposures(),
            "open_orders": len(listed),
            "orders": [
                {
                    "client_order_id": order.client_order_id,
                    "instrument_id": order.instrument_id,
                    "side": order.side,
                    "price": f"{order.price:f}",
                    "size": f"{order.remaining:f}",
                    "purpose": order.purpose,
                }
                for order in listed[:_MOST_ORDERS]
            ],
        }
    )


@dataclass(slots=True)
class Incident:
    """An incident that has been raised and not resumed from."""

    number: int
    quotes_gone: bool = False
    flat: bool = False


class IncidentLog:
    """Numbers incidents and writes their entries; one is open at a time."""

    def __init__(self) -> None:
        self._count = 0
        self.open: Incident | None = None

    def restore(self, count: int, *, is_open: bool) -> None:
        """Go on counting after `count` incidents, the last of them still open or not."""
        self._count = count
        self.open = Incident(count) if is_open else None

    @property
    def count(self) -> int:
        """Incidents so far."""
        return self._count

    def raised(self, now_ns: int, source: str, stage: RiskStage, reason: str, standing: str) -> IncidentFact:
        """Open an incident, or enter one more action or halt into the open one."""
        event = "ACTION"
        if self.open is None:
            self._count += 1
            self.open = Incident(self._count)
            event = "RAISED"
        self.open.quotes_gone = self.open.flat = False
        return self.entry(now_ns, event, source, stage, reason, standing)

    def entry(self, now_ns: int, event: str, source: str, stage: RiskStage, reason: str, text: str) -> IncidentFact:
        """Enter something into the latest incident."""
        return IncidentFact(now_ns, self._count, event, source, stage.name, reason, text)

    def hedge(self, fact: HedgeFact, stage: RiskStage) -> IncidentFact:
        """Enter what became of a hedge."""
        done = {
            "asset": fact.asset,
            "exposure": fact.exposure,
            "target": fact.target,
            "instrument_id": fact.instrument_id,
            "side": fact.side,
            "size": f"{fact.size:f}",
            "price": None if fact.price is None else f"{fact.price:f}",
            "cost": fact.cost,
            "elapsed_s": fact.elapsed_s,
        }
        words = f"{fact.side} {fact.size.normalize():f} {fact.instrument_id}"
        reason = f"{words}: {fact.reason}" if fact.reason else words
        return self.entry(fact.ts_ns, f"HEDGE_{fact.event}", fact.cause, stage, reason, _json(done))


class IncidentFiles:
    """Keeps one JSON file per incident, whole after each entry.

    Parameters
    ----------
    folder : Path
        Where ``incident-<n>.json`` goes.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._entries: list[dict[str, Any]] = []
        self._left_out = 0

    def append(self, fact: IncidentFact) -> None:
        """Write an entry; after a thousand of an incident, only how many more there were, and how it ended.

        Raises
        ------
        OSError
            When the file cannot be written.

        """
        path = self._folder / f"incident-{fact.incident_id}.json"
        if fact.incident_id != self._number:
            self._number, self._left_out = fact.incident_id, 0
            self._entries = orjson.loads(path.read_bytes())["entries"] if path.exists() else []
        entry = {
            "time": datetime.fromtimestamp(fact.ts_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            + f".{fact.ts_ns % 10**9:09d}Z",
            "event": fact.event,
            "source": fact.source,
            "stage": fact.stage,
            "reason": fact.reason,
            "details": orjson.loads(fact.details) if fact.details else None,
        }
        if len(self._entries) < _MOST_ENTRIES or fact.event == "RESUMED":
            self._entries.append(entry)
        else:
            self._left_out += 1
        first = self._entries[0]
        record = {
            "incident_id": fact.incident_id,
            "raised": first["time"],
            "source": first["source"],
            "reason": first["reason"],
            "resumed": entry["time"] if fact.event == "RESUMED" else None,
            "entries_left_out": self._left_out,
            "entries": self._entries,
        }
        if fact.event != "RESUMED":
            ends = [known["time"] for known in self._entries if known["event"] == "RESUMED"]
            record["resumed"] = ends[-1] if ends else None
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2) + b"\n")
        temporary.replace(path)


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()
