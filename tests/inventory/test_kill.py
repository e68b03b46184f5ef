"""A process killed at any instant and restarted from its state loses no fill, counts none twice, and hedges none twice.

The venue is this test: it fills quotes, takes hedge orders, fills them in parts, late or not at all, tells some
executions again, and is the only one who knows the truth. All quotes are bought, so that whoever hedges twice ends up
short: at no instant may the position less every sell that may still fill be below zero.
"""

from __future__ import annotations

import contextlib
import queue
import random
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

HERE = Path(__file__).parent
STEP = Decimal("0.01")
KILLS = 25


class Venue:
    """What really happened."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._ts_ns = 0
        self.executions: list[dict[str, Any]] = []
        self.position = Decimal(0)
        self.quoted = Decimal(0)
        self.open_orders: dict[str, Decimal] = {}
        self.seen: set[str] = set()

    def says(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a message with the time at which it is sent; a second passes with each."""
        self._ts_ns += 10**9
        return message | {"now_ns": self._ts_ns}

    def _execute(self, order: str, size: Decimal) -> dict[str, Any]:
        self._ts_ns += 1
        self.position += size
        fill = {"ts_ns": self._ts_ns, "order": order, "trade": f"T{self._ts_ns}", "size": str(size)}
        self.executions.append(fill)
        return {"fill": fill}

    def fill_a_quote(self) -> dict[str, Any]:
        size = Decimal(self._draw.randint(1, 30)).scaleb(-3)
        self.quoted += size
        return self._execute(f"Q-{self._ts_ns}", size)

    def take(self, order: str, size: Decimal) -> None:
        """Take an order; it may fill from now on."""
        assert order not in self.seen, f"{order} was sent twice"
        assert size < 0, "a hedge that buys undoes one too many"
        self.seen.add(order)
        self.open_orders[order] = size
        worst = self.position + sum(self.open_orders.values(), Decimal(0))
        assert worst >= 0, f"hedged twice: short {-worst} once everything has filled"

    def work(self, *, quickly: bool) -> list[dict[str, Any]]:
        """Fill or end some of the orders; return what there is to tell."""
        told = []
        for order in list(self.open_orders):
            fate = self._draw.random()
            if fate < 0.4 and not quickly:
                continue
            left = self.open_orders[order]
            parts = abs(left) // STEP
            filled = left if fate < 0.7 or quickly else -STEP * self._draw.randint(0, int(parts))
            if filled and fate < 0.55 and parts > 1:
                told.append(self._execute(order, -STEP))
                filled += STEP
            if filled:
                told.append(self._execute(order, filled))
            del self.open_orders[order]
            told.append({"ended": order})
        return told

    def report(self) -> dict[str, Any]:
        return {
            "report": {
                "executions": self.executions[-400:],
                "open_orders": {order: str(left) for order, left in self.open_orders.items()},
                "position": str(self.position),
            }
        }


class Child:
    """The process under test, and what it said so far."""

    def __init__(self, path: Path, save_every: int, program: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / program), str(path), str(save_every)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._said: queue.Queue[bytes | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(line)
        self._said.put(None)

    def tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps(message) + b"\n")
        self._process.stdin.flush()

    def hear(self, timeout_s: float = 60.0) -> dict[str, Any]:
        line = self._said.get(timeout=timeout_s)
        assert line is not None, "the process ended by itself"
        return orjson.loads(line)  # type: ignore[no-any-return]

    def orders(self) -> list[dict[str, Any]]:
        """Return what it has sent until now, without waiting."""
        found = []
        while True:
            try:
                line = self._said.get_nowait()
            except queue.Empty:
                return found
            assert line is not None, "the process ended by itself"
            found.append(orjson.loads(line))

    def kill(self) -> list[dict[str, Any]]:
        """Kill it without warning; return the whole lines that were on their way."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        lines = [line for line in iter(self._said.get, None) if line.endswith(b"\n")]
        self.close()
        return [orjson.loads(line) for line in lines]

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self._process.wait()


@pytest.mark.parametrize(
    ("program", "seed"), [("killed_process.py", 1), ("killed_process.py", 2), ("killed_desk.py", 3)]
)
def test_a_process_killed_at_any_instant(tmp_path: Path, program: str, seed: int) -> None:
    draw = random.Random(seed)
    venue = Venue(draw)
    path = tmp_path / "state.json"
    took = {"missed": 0, "ended": 0, "resumed": 0, "unknown": 0, "differences": 0}

    def started() -> Child:
        """Return a process that has read nothing yet: it starts while another one lives."""
        return Child(path, draw.choice((1, 3, 20)), program)

    def settled(child: Child) -> Child:
        child.tell(venue.says(venue.report()))
        recovered = child.hear()["recovered"]
        for name, count in recovered.items():
            took[name] += count
        return child

    child = settled(started())
    for _ in range(KILLS):
        heir = started()
        for _ in range(draw.randint(5, 60)):
            child.tell(venue.says(venue.fill_a_quote()))
            if draw.random() < 0.2:
                child.tell(venue.says({"fill": draw.choice(venue.executions[-40:])}))
            for order in child.orders():
                venue.take(order["order"], Decimal(order["size"]))
            for told in venue.work(quickly=False):
                child.tell(venue.says(told))
            if draw.random() < 0.3:
                time.sleep(draw.random() * 0.003)
        time.sleep(draw.random() * 0.004)
        for order in child.kill():  # what left it before it died still arrives
            venue.take(order["order"], Decimal(order["size"]))
        venue.work(quickly=False)  # and nobody is there to hear what becomes of it
        child = settled(heir)

    deadline = time.monotonic() + 60
    while venue.position >= STEP or venue.open_orders:
        assert time.monotonic() < deadline, f"{venue.position} is left and nobody hedges it"
        for order in child.orders():
            venue.take(order["order"], Decimal(order["size"]))
        for told in venue.work(quickly=True):
            child.tell(venue.says(told))
        child.tell(venue.says({"tick": True}))  # time goes on, and with it the pace of hedges
        time.sleep(0.001)
    child.tell(venue.says({"finish": True}))
    summary = child.hear()["summary"]
    child.close()

    assert summary["fills"] == len(venue.executions), "a fill was lost or counted twice"
    assert Decimal(summary["position"]) == venue.position
    assert Decimal(summary["quoted"]) == venue.quoted
    assert Decimal(summary["hedged"]) == venue.position - venue.quoted
    assert (summary["adopted"], summary["in_flight"], took["differences"]) == ("0", 0, 0)
    assert took["unknown"] == 0, "an order left before it was in the state"
    assert took["missed"] > 0, "no kill was in between a fill and its save: this test shows nothing"
    assert took["ended"] + took["resumed"] > 0, "no kill was in between an order and its answer"
