"""What our code costs at one market event, and what its parts cost.

``python benchmarks/bench_tick.py`` runs the whole stack over the market of the other benchmarks with the maker's
market handler wrapped in a clock, whose own cost is taken off and nothing else: the engine's part of a requote
(creating, checking and sending orders, and every acknowledgement that arrives meanwhile) counts as ours.
``pytest benchmarks/bench_tick.py --benchmark-enable`` times the parts alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import market
import pytest
from nautilus_trader.model import OrderBookDeltas, QuoteTick
from rich.console import Console
from rich.table import Table
from stack import maker_fields

from mm_nautilus.actors import Recorder, RecorderConfig
from mm_nautilus.analytics.runlog import RunLogWriter
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.messages import QuoteDecision
from mm_nautilus.models import find_model
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.reconcile import reconcile
from mm_nautilus.quoting.record import quote_decision
from mm_nautilus.strategies import MarketMaker, MarketMakerConfig

DEMANDED_US = {"tick without a requote": 10.0}
"""Largest median allowed; 5 is the direction, and 40 for a requote."""


class TimedMaker(MarketMaker):
    """Our maker with a clock around its market handlers."""

    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        self.quiet_ns: list[int] = []
        self.requote_ns: list[int] = []

    def on_quote(self, quote: QuoteTick) -> None:
        before, started = self._desk.decisions, perf_counter_ns()
        super().on_quote(quote)
        spent = perf_counter_ns() - started
        (self.quiet_ns if self._desk.decisions == before else self.requote_ns).append(spent)

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        before, started = self._desk.decisions, perf_counter_ns()
        super().on_book_deltas(deltas)
        spent = perf_counter_ns() - started
        (self.quiet_ns if self._desk.decisions == before else self.requote_ns).append(spent)


def clock_ns() -> float:
    """Return what reading the clock twice costs by itself."""
    pairs = [(perf_counter_ns(), perf_counter_ns()) for _ in range(10_000)]
    return statistics.median(after - before for before, after in pairs)


def run(book: str, events: int, *, amend: bool) -> dict[str, list[float]]:
    """Return the microseconds of every market event of a run, by what it led to."""
    path = market.path(events, events * 7 // 30, seed=1, move_probability=0.05)
    feed = market.quotes(path) if book == "L1" else market.books(path)
    engine, maker = market.engine([market.trades(path), feed], book), None
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(RecorderConfig(run_dir=folder, flush_rows=50_000))
        maker = TimedMaker(MarketMakerConfig(**maker_fields(book, amend=amend)))
        engine.add_actor(recorder)
        engine.add_strategy(maker)
        engine.run()
        recorder.close()
    engine.dispose()
    own = clock_ns()
    return {
        "tick without a requote": [(ns - own) / 1e3 for ns in maker.quiet_ns],
        "requote": [(ns - own) / 1e3 for ns in maker.requote_ns],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    options = parser.parse_args()
    table = Table("feed", "what", title="microseconds in the maker's market handler")
    for heading in ("count", "median", "90 %", "99 %", "demanded"):
        table.add_column(heading, justify="right")
    for book in ("L1", "L2"):
        for amend in (False, True):
            for what, spent in run(book, options.events, amend=amend).items():
                percentiles = statistics.quantiles(spent, n=100)
                table.add_row(
                    f"{book}, {'amend' if amend else 'replace'}",
                    what,
                    f"{len(spent):,}",
                    *(f"{value:.1f}" for value in (statistics.median(spent), percentiles[89], percentiles[98])),
                    f"{DEMANDED_US[what]:.0f}" if what in DEMANDED_US else "",
                )
    Console().print(table)


# ------------------------------------------------------------------ parts

_NOW_NS = 10**18
_TOP = TopOfBook(95.0, 95.02, 1.0, 1.0)
_STATE = MarketState(_NOW_NS, _TOP, 95.01, 0.02, Intensity(1.0, 30.0), Intensity(1.0, 30.0))
_MODEL_FIELDS: dict[str, dict[str, Any]] = {
    "glft": {"gamma": 0.1},
    "avellaneda_stoikov": {"gamma": 0.1, "horizon_s": 300.0},
    "symmetric": {"half_spread": 0.03},
}


@pytest.fixture
def desk() -> Desk:
    """Return a desk whose two quotes rest in the market."""
    settings = MarketMakerConfig(**maker_fields("L1", amend=True)).settings
    lattice = InstrumentLattice(market.instrument())
    ready = Desk(settings, lattice.grid, "MM-001", lattice.base_per_lot)
    ready.top = _TOP
    for second in (2, 1, 0):
        ready.heard(_NOW_NS - second * 10**9)
        ready.sample(_NOW_NS - second * 10**9)
    requote = ready.requote("quote", _NOW_NS)
    assert requote is not None
    for number, level in enumerate(requote.plan.submits):
        ready.accepted(ready.submitting(level, f"O-{number}", _NOW_NS))
    assert len(ready.orders) == 2
    return ready


def decision() -> QuoteDecision:
    """Return one decision as it is recorded."""
    settings = MarketMakerConfig(**maker_fields("L1", amend=True)).settings
    lattice = InstrumentLattice(market.instrument())
    made = Desk(settings, lattice.grid, "MM-001", lattice.base_per_lot)
    made.top = _TOP
    requote = made.requote("quote", _NOW_NS)
    assert requote is not None
    return requote.decision


@pytest.mark.parametrize("name", _MODEL_FIELDS)
def test_model_quote(benchmark: Any, name: str) -> None:
    model_type = find_model(name)
    model = model_type(model_type.parameters_type(**_MODEL_FIELDS[name]), 0.1)
    quote = benchmark(model.quote, _STATE, 0.3, 12.0)
    assert quote.bid < _STATE.fair_value < quote.ask


def test_pass_that_changes_nothing(benchmark: Any, desk: Desk) -> None:
    assert benchmark(desk.requote, "quote", _NOW_NS) is None


def test_reconcile_two_orders_that_move(benchmark: Any, desk: Desk) -> None:
    settings = MarketMakerConfig(**maker_fields("L1", amend=True)).settings
    orders = list(desk.orders)
    desk.top = TopOfBook(95.01, 95.03, 1.0, 1.0)
    _, wanted = desk._decide(_NOW_NS, None)  # noqa: SLF001 - the step before, without its record
    plan = benchmark(
        lambda: reconcile(wanted.ladder, orders, desk.exposure(wanted.limit_lots), 1, settings.requote, 100)
    )
    assert plan.messages == 2


def test_decision_record(benchmark: Any, desk: Desk) -> None:
    state, wanted = desk._decide(_NOW_NS, None)  # noqa: SLF001 - the step before, without its record
    exposure = desk.exposure(wanted.limit_lots)
    plan = reconcile(wanted.ladder, desk.orders, exposure, 1, desk._settings.requote, 100)  # noqa: SLF001
    record = benchmark(
        quote_decision, _NOW_NS, "MM-001", "I", 1, "quote", _TOP, state, exposure, wanted, plan, 0.01, 0.001
    )
    assert record.keeps == 2


def test_recorder_append(benchmark: Any, tmp_path: Path) -> None:
    writer, message = RunLogWriter(tmp_path, 50_000), decision()
    benchmark(writer.append, message)
    writer.close()


if __name__ == "__main__":
    main()
