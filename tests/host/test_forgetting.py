"""A backtest forgets orders that are over, and its books do not notice."""

from __future__ import annotations

from pathlib import Path

from nautilus_trader.model import InstrumentId, Venue

from mm_nautilus.catalog.simulator import PRESETS, override, simulate
from mm_nautilus.host import node as node_room
from mm_nautilus.host.accounts import net_position
from mm_nautilus.host.loading import load_run
from mm_nautilus.host.node import RUN_ID, build_node
from mm_nautilus.strategies import MarketMaker

RUN_FILE = """
[run]
name = "forgetting"
[data]
catalog = "unused"
[[venues]]
name = "SIM"
account = "MARGIN"
starting_balances = ["1000000 USDT"]
default_leverage = 100
fees = { maker_rate = "0.0001" }
latency = { base_ms = 1 }
[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
book = "L2"
gamma = 0.5
order_size = 1.0
intensity = { a_per_s = 1.0, k_per_price = 20.0 }
limits = { max_position = 50.0 }
requote = { amend = false }
"""


def play(run_file: Path, catalog: Path) -> tuple[int, int, object, object]:
    """Return how many orders were decided on and are known at the end, the position and the balances."""
    loaded = load_run(run_file)
    node = build_node(loaded, catalog, ["TradeTick", "OrderBookDelta"])
    strategy = MarketMaker(loaded.strategy_config)
    node.add_strategy(RUN_ID, strategy)
    node.run()
    cache, portfolio = node.get_engine_cache(RUN_ID), node.get_engine_portfolio(RUN_ID)
    position = net_position(cache, InstrumentId.from_str("SOLUSDT.SIM"))
    balances = {str(k): str(v) for k, v in portfolio.account(Venue("SIM")).balances_total().items()}
    found = strategy._desk.decisions, len(cache.orders()), position, balances
    assert strategy.fatal is None
    assert strategy._desk.position_lots * loaded_lot(cache) == position
    node.dispose()
    return found


def loaded_lot(cache):
    return cache.instrument(InstrumentId.from_str("SOLUSDT.SIM")).size_increment.as_decimal()


def test_what_is_over_is_forgotten_and_nothing_else_changes(tmp_path: Path, monkeypatch) -> None:
    run_file, catalog = tmp_path / "run.toml", tmp_path / "market"
    run_file.write_text(RUN_FILE)
    simulate(override(PRESETS["calm"], ["duration_s=300", "seed=5"]), catalog)
    monkeypatch.setattr(node_room, "_FORGET_AFTER_MIN", 1)
    decisions, known, *forgetful = play(run_file, catalog)
    monkeypatch.setattr(node_room, "_FORGET_AFTER_MIN", 1_000)
    all_decisions, all_known, *books = play(run_file, catalog)
    assert decisions == all_decisions
    assert forgetful == books
    assert 0 < known < all_known // 2
