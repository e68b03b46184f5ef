"""What the parts of a requote cost: ``pytest benchmarks/bench_tick.py --benchmark-enable``.

What a whole tick costs is in the page that ``benchmarks/run.py`` draws.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import market
import pytest
from stack import maker_fields

from mm_nautilus.analytics.runlog import RunLogWriter
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.messages import QuoteDecision
from mm_nautilus.models import find_model
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.reconcile import reconcile
from mm_nautilus.quoting.record import quote_decision
from mm_nautilus.strategies import MarketMakerConfig

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
    model = model_type(model_type.parameters_type(**_MODEL_FIELDS[name]), 0.1, 10.0)
    quote = benchmark(model.quote, _STATE, 0.3, 12.0)
    assert quote.bid < _STATE.fair_value < quote.ask


def test_pass_that_changes_nothing(benchmark: Any, desk: Desk) -> None:
    assert benchmark(desk.requote, "quote", _NOW_NS) is None


def test_reconcile_two_orders_that_move(benchmark: Any, desk: Desk) -> None:
    settings = MarketMakerConfig(**maker_fields("L1", amend=True)).settings
    orders = list(desk.orders)
    desk.top = TopOfBook(95.01, 95.03, 1.0, 1.0)
    _, wanted = desk._decide(desk.top, _NOW_NS, None, None, None)  # noqa: SLF001 - the step before, without its record
    plan = benchmark(
        lambda: reconcile(wanted.ladder, orders, desk.exposure(wanted.limit_lots), 1, settings.requote, 100)
    )
    assert plan.messages == 2


def test_decision_record(benchmark: Any, desk: Desk) -> None:
    state, wanted = desk._decide(desk.top, _NOW_NS, None, None, None)  # noqa: SLF001 - the step before, without its record
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
