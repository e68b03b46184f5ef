"""What the adverse-selection monitor costs: a market update, a fill, an assessment.

``python benchmarks/bench_adverse_selection.py`` hands the monitor's own handlers the market of the other benchmarks,
trades included, with one fill in fifty events, in a loop: that is a market update. Then it runs maker and monitor in
the engine, with a clock around what orders and fills make necessary (mostly at the market update after them, when
their instant is over) and around assessments. Times are of the processor; of several runs the one with the least mean
counts, because a busy machine only adds. The baseline of a market update is what any actor has to do to know the
market: read a quote's four numbers, or bring its own book up to date and read its top. Exits with 1 when a demand is
missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from time import process_time_ns, thread_time_ns
from typing import Any

import market
from nautilus_trader.model import BookType, OrderBook, OrderBookDeltas, QuoteTick, TradeTick
from rich.console import Console
from rich.table import Table
from stack import maker_fields

from mm_nautilus.actors import AdverseSelectionMonitor, AdverseSelectionMonitorConfig
from mm_nautilus.adverse_selection.assessor import Assessor
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact, OrderFact
from mm_nautilus.strategies import MarketMaker, MarketMakerConfig

UPDATE, SETTLING = "market update", "market update that settles our own events"
DEMANDED_US = {UPDATE: 3.0, SETTLING: 100.0, "fill": 100.0, "assessment": 100.0}
"""Largest mean allowed."""


class TimedMonitor(AdverseSelectionMonitor):
    """Our monitor with a clock around what it does."""

    def __init__(self, config: AdverseSelectionMonitorConfig) -> None:
        super().__init__(config)
        self.spent: dict[str, list[int]] = defaultdict(list)

    def _timed(self, what: str, handler: Any, event: Any) -> None:
        started = thread_time_ns()
        handler(event)
        self.spent[what].append(thread_time_ns() - started)

    def on_quote(self, quote: QuoteTick) -> None:
        self._settled(super().on_quote, quote)

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        self._settled(super().on_book_deltas, deltas)

    def on_trade(self, trade: TradeTick) -> None:
        self._settled(super().on_trade, trade)

    def _settled(self, handler: Any, event: Any) -> None:
        if self._detectors[market.INSTRUMENT_ID]._own:  # noqa: SLF001 - what is waiting
            self._timed(SETTLING, handler, event)
        else:
            handler(event)

    def _on_fill(self, fill: FillFact) -> None:
        self._timed("fill", super()._on_fill, fill)

    def _on_order(self, fact: OrderFact) -> None:
        self._timed("order", super()._on_order, fact)

    def _on_timer(self, event: Any) -> None:
        self._timed("assessment", super()._on_timer, event)


def clock_ns() -> float:
    """Return what reading the clock twice costs by itself."""
    pairs = [(thread_time_ns(), thread_time_ns()) for _ in range(10_000)]
    return statistics.median(after - before for before, after in pairs)


def run(book: str, events: int) -> dict[str, list[float]]:
    """Return the microseconds of everything the monitor did, by what it was."""
    path = market.path(events, events * 7 // 30, seed=1, move_probability=0.05)
    feed = market.quotes(path) if book == "L1" else market.books(path)
    engine = market.engine([market.trades(path), feed], book)
    watched = [{"instrument_id": str(market.INSTRUMENT_ID), "book": book}]
    monitor = TimedMonitor(AdverseSelectionMonitorConfig(actor_id="Monitor-001", instruments=watched))
    engine.add_actor(monitor)
    engine.add_strategy(MarketMaker(MarketMakerConfig(**maker_fields(book, amend=True))))
    engine.run()
    assert monitor.fatal is None, monitor.fatal
    engine.dispose()
    own = clock_ns()
    return {what: [(ns - own) / 1e3 for ns in spent] for what, spent in monitor.spent.items()}


class Ready(AdverseSelectionMonitor):
    """A monitor that hears its market without an engine."""

    def __init__(self, book: str) -> None:
        watched = [{"instrument_id": str(market.INSTRUMENT_ID), "book": book}]
        super().__init__(AdverseSelectionMonitorConfig(actor_id="Monitor-001", instruments=watched))
        self.detector = Assessor(str(market.INSTRUMENT_ID), self._settings, float(market.TICK)).detector
        self._detectors[market.INSTRUMENT_ID] = self.detector
        self._books[market.INSTRUMENT_ID] = OrderBook(market.INSTRUMENT_ID, BookType.L2_MBP)


def updates(book: str, events: int) -> float:
    """Return the mean microseconds of a market update, in a loop over events and trades."""
    path = market.path(events, events * 7 // 30, seed=1, move_probability=0.05)
    feed = market.quotes(path) if book == "L1" else market.books(path)
    heard: list[Any] = sorted([*market.trades(path), *feed], key=lambda event: event.ts_init)
    monitor = Ready(book)
    handlers = {QuoteTick: monitor.on_quote, OrderBookDeltas: monitor.on_book_deltas, TradeTick: monitor.on_trade}
    calls = [(handlers[type(event)], event) for event in heard]
    spent = 0
    for first in range(0, len(calls), 50):
        some = calls[first : first + 50]
        started = process_time_ns()
        for handler, event in some:
            handler(event)
        spent += process_time_ns() - started
        side = Side.BUY if first % 100 else Side.SELL
        monitor.detector.filled(some[-1][1].ts_init, first, side, "O", 95.0, 1.0)
        monitor.detector.passed(some[-1][1].ts_init)
        monitor.detector.due.clear()
    assert monitor.fatal is None, monitor.fatal
    return spent / 1e3 / len(calls)


def baseline(book: str, events: int) -> float:
    """Return the mean microseconds of knowing the market and doing nothing about it."""
    path = market.path(events, 1, seed=1, move_probability=0.05)
    feed = market.quotes(path) if book == "L1" else market.books(path)
    own = OrderBook(market.INSTRUMENT_ID, BookType.L2_MBP)
    started = process_time_ns()
    for event in feed:
        if book == "L1":
            _ = event.ts_init, event.bid_price.as_double(), event.ask_price.as_double()
            _ = event.bid_size.as_double(), event.ask_size.as_double()
            continue
        own.apply_deltas(event)
        bid, ask = own.best_bid_price(), own.best_ask_price()
        _ = event.ts_init, bid.as_double(), ask.as_double()
        _ = own.best_bid_size().as_double(), own.best_ask_size().as_double()
    return (process_time_ns() - started) / 1e3 / len(feed)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    table = Table("feed", "what", title="microseconds of the monitor")
    for heading in ("count", "mean", "median", "99 %", "demanded mean", "baseline", "ratio"):
        table.add_column(heading, justify="right")
    missed = []
    for book in ("L1", "L2"):
        mean = min(updates(book, options.events) for _ in range(options.repeats))
        bare = min(baseline(book, options.events) for _ in range(options.repeats))
        table.add_row(
            book, UPDATE, "", f"{mean:.2f}", "", "", f"{DEMANDED_US[UPDATE]:.0f}", f"{bare:.2f}", f"{mean / bare:.1f}"
        )
        missed += [f"{book} {UPDATE}"] if mean > DEMANDED_US[UPDATE] else []
        runs = [run(book, options.events) for _ in range(options.repeats)]
        for what in sorted(runs[0]):
            spent = min((one[what] for one in runs), key=statistics.fmean)
            mean, demanded = statistics.fmean(spent), DEMANDED_US.get(what)
            missed += [f"{book} {what}"] if demanded is not None and mean > demanded else []
            table.add_row(
                book,
                what,
                f"{len(spent):,}",
                f"{mean:.2f}",
                f"{statistics.median(spent):.2f}",
                f"{statistics.quantiles(spent, n=100)[98]:.2f}",
                "" if demanded is None else f"{demanded:.0f}",
            )
    Console(width=140).print(table)
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
