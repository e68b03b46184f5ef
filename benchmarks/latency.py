"""What our code costs at one market event, and how long a tick takes to become an order.

The maker runs in the engine with a clock on it that is stopped while the engine does what it was told to: sending an
order is the engine's work, deciding on it is ours. A fixed piece of arithmetic is timed every few events by the same
clock; a ratio to it is the same on a slower machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns, thread_time_ns
from typing import Any, Final

import market
import numpy as np
from nautilus_trader.model import OrderBookDeltas, QuoteTick
from stack import maker_fields

from mm_nautilus.actors import Recorder, RecorderConfig
from mm_nautilus.host.collector import rare_collections
from mm_nautilus.strategies import MarketMaker, MarketMakerConfig

_YARDSTICK_EVERY: Final = 20
EDGES_US: Final = [0.0, *np.geomspace(5.0, 500.0, 21).round(1).tolist(), float("inf")]
"""Of the histogram."""


def yardstick() -> float:
    """Do what a strategy in Python does, always the same: objects, attributes, floats and a dictionary."""
    value, seen = 1.0, {}
    for number in range(60):
        value = value * 0.999 + number / (1.0 + abs(value))
        seen[number & 15] = (value, number)
    return sum(pair[0] for pair in seen.values())


def _still(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command of the engine during which the clock of a `TimedMaker` stands still."""

    def sent(self: TimedMaker, *args: Any, **kwargs: Any) -> None:
        stopped_ns, sent_ns = thread_time_ns(), perf_counter_ns()
        command(self, *args, **kwargs)
        self._went_on(stopped_ns, sent_ns)

    return sent


class TimedMaker(MarketMaker):
    """Our maker, with a clock on its handlers that stands still in the engine."""

    submit_order = _still(MarketMaker.submit_order)
    modify_order = _still(MarketMaker.modify_order)
    cancel_order = _still(MarketMaker.cancel_order)
    cancel_orders = _still(MarketMaker.cancel_orders)

    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        self.quiet_us: list[float] = []
        self.requote_us: list[float] = []
        self.to_order_us: list[float] = []
        self.yardstick_us: list[float] = []
        self.clock_us = 0.0
        """What looking at the clock takes."""
        self._own_ns = self._since_ns = self._heard_ns = self._events = self._looks = 0
        self._sent = self._inside = False

    def on_quote(self, quote: QuoteTick) -> None:
        """Time one quote."""
        self._timed(super().on_quote, quote)

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Time one book event."""
        self._timed(super().on_book_deltas, deltas)

    def _timed(self, handler: Callable[[Any], None], event: Any) -> None:
        self._events += 1
        if self._events % _YARDSTICK_EVERY == 0:
            started = thread_time_ns()
            yardstick()
            self.yardstick_us.append((thread_time_ns() - started) / 1e3 - self.clock_us)
        decisions = self._desk.decisions
        self._own_ns, self._looks, self._sent, self._inside = 0, 1, False, True
        self._heard_ns, self._since_ns = perf_counter_ns(), thread_time_ns()
        handler(event)
        own_us = (self._own_ns + thread_time_ns() - self._since_ns) / 1e3 - self._looks * self.clock_us
        self._inside = False
        (self.quiet_us if self._desk.decisions == decisions else self.requote_us).append(own_us)

    def _went_on(self, stopped_ns: int, sent_ns: int) -> None:
        """Let the clock go on after a command, which a timer or a fill may have called for as well."""
        if not self._inside:
            return
        self._own_ns += stopped_ns - self._since_ns
        self._looks += 1
        if not self._sent:
            self._sent = True
            self.to_order_us.append((sent_ns - self._heard_ns) / 1e3)
        self._since_ns = thread_time_ns()


@dataclass(frozen=True)
class Latencies:
    """Microseconds of every market event of a run, by what it led to."""

    quiet: np.ndarray
    requote: np.ndarray
    to_order: np.ndarray
    """From the handler's call to the first command that leaves, on the clock on the wall."""
    yardstick: np.ndarray


def measure(book: str, events: int, *, amend: bool, maker: type[TimedMaker] = TimedMaker) -> Latencies:
    """Run the maker and the recorder over a market that moves on every twentieth event."""
    path = market.path(events, events * 7 // 30, seed=1, move_probability=0.05)
    feed = market.quotes(path) if book == "L1" else market.books(path)
    engine = market.engine([market.trades(path), feed], book)
    with tempfile.TemporaryDirectory() as folder, rare_collections():
        recorder = Recorder(RecorderConfig(run_dir=folder, flush_rows=50_000))
        timed = maker(MarketMakerConfig(**maker_fields(book, amend=amend)))
        timed.clock_us = float(np.median([-(thread_time_ns() - thread_time_ns()) for _ in range(10_000)])) / 1e3
        engine.add_actor(recorder)
        engine.add_strategy(timed)
        engine.run()
        recorder.close()
    engine.dispose()
    assert timed.fatal is None, timed.fatal
    return Latencies(*map(np.array, (timed.quiet_us, timed.requote_us, timed.to_order_us, timed.yardstick_us)))


def histogram(microseconds: np.ndarray) -> list[float]:
    """Return the share in each bin of `EDGES_US`."""
    counts, _ = np.histogram(microseconds, EDGES_US)
    return [round(float(share), 5) for share in counts / len(microseconds)]
