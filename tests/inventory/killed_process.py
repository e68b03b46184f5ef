"""A process that keeps a ledger of what a venue tells it and hedges, made to be killed at any instant.

It reads one JSON message a line from its standard input and writes its hedge orders, one a line, to its standard
output; its state file is its only memory. `test_kill.py` is the venue.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.ledger import Ledger, tradable
from mm_nautilus.inventory.ledger_line import Fill
from mm_nautilus.inventory.state import Recovery, VenueReport, load_state, recover, save_state
from mm_nautilus.market import Purpose, Side

INSTRUMENT, ASSET = "XYZ.SIM", "XYZ"
STEP = Decimal("0.01")
"""Smallest hedge."""
LOT = Decimal("0.001")
"""What quotes fill in."""


class Process:
    """The ledger, and a hedge of everything whole that is neither hedged nor on its way."""

    def __init__(self, path: Path, save_every: int) -> None:
        self._path = path
        self._save_every = save_every
        self._heard = 0
        self.orders = 0
        self.ledger = Ledger(remembered=64)
        self.ledger.open(INSTRUMENT, asset=ASSET, venue="SIM", contract=Contract("USD", ASSET))

    def begin(self, report: dict[str, Any], now_ns: int) -> dict[str, Any]:
        """Take over the state and what the venue says; return what that took."""
        state = load_state(self._path)
        if state is not None:
            self.orders = state["orders"]
            self.load(state)
        positions = {INSTRUMENT: Decimal(report["position"])}
        open_orders = {name: Decimal(left) for name, left in report["open_orders"].items()}
        executions = [fill_of(one) for one in report["executions"]]
        found = self.recover(VenueReport(executions, open_orders, positions), now_ns)
        return {
            "missed": len(found.missed),
            "ended": len(found.ended),
            "resumed": len(found.resumed),
            "unknown": len(found.unknown_orders),
            "differences": len(found.differences),
        }

    def hear(self, message: dict[str, Any], now_ns: int) -> None:
        """Take one message of the venue."""
        if "fill" in message:
            self.book(fill_of(message["fill"]))
        elif "ended" in message:
            self.end(message["ended"], now_ns)
        self._heard += 1
        if self._heard % self._save_every == 0:
            self.save()

    def hedge(self, now_ns: int) -> dict[str, Any] | None:
        """Return an order for what must be hedged now; it is in the state file before anybody hears of it."""
        name = f"H-{self.orders + 1}"
        size = self.decide(name, now_ns)
        if not size:
            return None
        self.orders += 1
        self.save()
        return {"order": name, "size": str(size)}

    def save(self) -> None:
        save_state(self._path, self.state() | {"orders": self.orders})

    # What a hedger of another kind does in another way.

    def load(self, state: dict[str, Any]) -> None:
        self.ledger.load(state["ledger"])

    def state(self) -> dict[str, Any]:
        return {"ledger": self.ledger.save()}

    def recover(self, report: VenueReport, now_ns: int) -> Recovery:
        return recover(self.ledger, report, now_ns)

    def book(self, fill: Fill) -> None:
        self.ledger.book(fill)

    def end(self, order: str, now_ns: int) -> None:
        self.ledger.ended(order)

    def decide(self, name: str, now_ns: int) -> Decimal:
        """Return the signed size of an order that counts from now on, or 0."""
        size = -tradable(self.ledger.to_hedge(ASSET, {}), STEP, STEP)
        if size:
            self.ledger.sent(name, INSTRUMENT, size)
        return size

    def summary(self) -> dict[str, Any]:
        line = self.ledger.line(INSTRUMENT)
        amounts = ("quoted", "hedged", "adopted", "position")
        return {
            "fills": line.fills,
            "refused": line.refused,
            "in_flight": len(self.ledger.in_flight),
            **{amount: str(getattr(line, amount)) for amount in amounts},
        }


def fill_of(told: dict[str, Any]) -> Fill:
    """Return an execution as the venue told it."""
    purpose = Purpose.HEDGE if told["order"].startswith("H-") else Purpose.QUOTE
    size = Decimal(told["size"])
    side = Side.BUY if size > 0 else Side.SELL
    return Fill(told["ts_ns"], INSTRUMENT, told["order"], told["trade"], side, abs(size), Decimal(100), purpose)


def say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
    sys.stdout.buffer.flush()


def run(process: Process) -> None:
    """Listen and answer until told to finish."""
    for line in sys.stdin.buffer:
        message = orjson.loads(line)
        now_ns = message["now_ns"]
        if "report" in message:
            say({"recovered": process.begin(message["report"], now_ns)})
        elif "finish" in message:
            process.save()
            say({"summary": process.summary()})
            return
        else:
            process.hear(message, now_ns)
        order = process.hedge(now_ns)
        if order is not None:
            say(order)


if __name__ == "__main__":
    run(Process(Path(sys.argv[1]), int(sys.argv[2])))
