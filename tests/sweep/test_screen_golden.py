"""A screened run against the engine: the same executions, to the nanosecond, the tick and the lot."""

from pathlib import Path

import pytest
from sweep_kit import run_file, run_file_by_order

from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest import run_backtest
from mm_nautilus.backtest.data import end_of_data, prepared_catalog
from mm_nautilus.host.loading import load_run
from mm_nautilus.messages import FillFact
from mm_nautilus.sweep.plan import plan
from mm_nautilus.sweep.screening import worker
from mm_nautilus.sweep.screening.setup import balances_of, rules_of, venue_of

FIXED = [
    "strategy.model=symmetric",
    "strategy.half_spread=0.025",
    "strategy.adjust.skew_size=0.0",
    "strategy.adjust.aggressive_spread_multiplier=1.0",
]
CASES = {
    "without latency": [*FIXED, "venues.0.latency.base_ms=0"],
    "constant latency": [*FIXED, "venues.0.latency.base_ms=25"],
    "each command its own latency": [*FIXED, "venues.0.latency.submit_ms=7", "venues.0.latency.cancel_ms=3"],
    "best prices alone": [*FIXED, "strategy.book=L1", "venues.0.latency.base_ms=25"],
    "cancel and submit": [*FIXED, "strategy.requote.amend=false"],
    "everything on": ["strategy.ladder.levels=3", "strategy.ladder.size_skew=0.5", "strategy.order_size=2.5"],
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = run_file(tmp_path_factory.mktemp("golden"), 300)
    text.write_text(text.read_text().replace("gamma = 0.5\n", ""))
    return text


@pytest.fixture(scope="module")
def by_order(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_file_by_order(tmp_path_factory.mktemp("by_order"), 3_000)


@pytest.mark.parametrize("name", CASES)
def test_a_screened_run_has_the_executions_of_the_engine(name: str, path: Path, tmp_path: Path) -> None:
    changes = CASES[name] if "strategy.model=symmetric" in CASES[name] else [*CASES[name], "strategy.gamma=0.5"]
    same_executions(path, changes, tmp_path)


@pytest.mark.parametrize("name", ["without latency", "constant latency", "cancel and submit"])
def test_in_a_book_by_order_the_executions_are_those_of_the_engine(name: str, by_order: Path, tmp_path: Path) -> None:
    same_executions(by_order, [*CASES[name], "strategy.half_spread=0.005", "strategy.ladder.levels=2"], tmp_path)


def same_executions(path: Path, changes: list[str], tmp_path: Path) -> None:
    loaded = load_run(path, changes)
    root, shape = prepared_catalog(loaded)
    settings = loaded.strategy_config.settings
    instrument = worker._instrument(root, settings.instrument_id)
    columns = worker._columns(root, settings.instrument_id, settings.book, None, None)
    rules = rules_of(loaded, instrument, end_of_data(loaded, shape))
    run = worker._played(rules, columns, balances_of(venue_of(loaded), instrument))
    screened = run.fills[: run.state["fills"][0]]
    outcome = run_backtest(path, changes, output=tmp_path)
    engine = list(RunLog.open(outcome.run_dir).messages(FillFact))
    tick, lot = float(instrument.price_increment), float(instrument.size_increment)
    assert len(engine) > 20, "too few executions to tell anything"
    assert [
        (int(fill["ts_ns"]), "BUY" if fill["side"] > 0 else "SELL", int(fill["price"]), int(fill["lots"]))
        for fill in screened
    ] == [(fill.ts_ns, fill.side, round(float(fill.price) / tick), round(float(fill.size) / lot)) for fill in engine]


def test_a_screened_row_is_what_a_backtest_says(path: Path, tmp_path: Path) -> None:
    (task,) = plan(path, [{"strategy.gamma": 0.5}], ["strategy.gamma=0.5"]).tasks
    row = worker.screen(worker.screened(task), 5.0)
    assert row.completed, row.reason
    result = run_backtest(path, ["strategy.gamma=0.5"], output=tmp_path).result
    total, one = result["total"]["USDT"], result["instruments"]["SOLUSDT.SIM"]
    assert (str(row.pnl), row.fills, row.max_drawdown) == (total["total"], total["fills"], total["max_drawdown"])
    assert row.spread_bps == pytest.approx(one["quoting"]["spread_bps"], rel=1e-12)
    assert row.two_sided == pytest.approx(one["quoting"]["two_sided"]["share"], rel=1e-12)
    assert row.inventory_max == one["inventory"]["max_abs"]
    assert row.identity != task.identity
