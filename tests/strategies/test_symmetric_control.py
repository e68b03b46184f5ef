"""Fixed symmetric quotes on a calm market earn what the closed form says.

The simulator's order flow and the engine's fills (queue position off, no fees) are
validated together against the moments of constant quotes in continuous time, before any strategy
is believed on them. Commands take a microsecond: with none at all, a quote renewed inside a fill would
meet the next trade of the very sweep that filled it, and one market order would count several times.
"""

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from nautilus_trader.backtest import BacktestNode

from mm_nautilus.catalog.simulator import PRESETS, override, simulate
from mm_nautilus.host.loading import load_run
from mm_nautilus.host.node import RUN_ID, build_node
from mm_nautilus.market import Intensity
from mm_nautilus.messages import FillFact, MarkFact
from mm_nautilus.models.symmetric import symmetric_moments
from mm_nautilus.strategies import MarketMaker, MarketMakerConfig

RUNS = 40
HORIZON_S = 300.0
HALF_SPREAD = 0.03
ORDER_SIZE = 1.0

RUN_FILE = f"""
[run]
name = "control"
[data]
catalog = "unused"
[[venues]]
name = "SIM"
account = "MARGIN"
starting_balances = ["1000000 USDT"]
default_leverage = 100
queue_position = false
fees = {{ maker_rate = 0 }}
latency = {{ base_ms = 0.001 }}
[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
model = "symmetric"
half_spread = {HALF_SPREAD}
order_size = {ORDER_SIZE}
intensity = {{ a_per_s = 1, k_per_price = 50 }}
volatility = {{ fixed_price_per_sqrt_s = 0.01 }}
limits = {{ max_position = 1000 }}
requote = {{ messages_per_s = 10000, message_burst = 10000, size_tolerance = 0.0, max_amends_per_order = 100000 }}
"""


class Listening(MarketMaker):
    """Keeps its own fills and the last mark."""

    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        self.fills: list[FillFact] = []
        self.mark: MarkFact | None = None

    def publish_message(self, topic: str, message: object) -> None:
        if isinstance(message, FillFact):
            self.fills.append(message)
        elif isinstance(message, MarkFact):
            self.mark = message
        super().publish_message(topic, message)


def outcome(run_file: Path, catalog: Path, seed: int) -> tuple[int, float, float]:
    """Return the fills, the profit and the final inventory of one run."""
    truth = simulate(override(PRESETS["calm"], [f"duration_s={HORIZON_S}", f"seed={seed}"]), catalog)
    assert truth.venues[0].informed_market_orders == 0
    loaded = load_run(run_file)
    node: BacktestNode = build_node(loaded, catalog, ["TradeTick", "OrderBookDelta"])
    strategy = Listening(loaded.strategy_config)
    node.add_strategy(RUN_ID, strategy)
    node.run()
    node.dispose()
    assert strategy.fatal is None
    assert strategy.mark is not None
    assert strategy.mark.bid is not None
    assert strategy.mark.ask is not None
    signed = [(1 if fill.side == "BUY" else -1) * fill.size for fill in strategy.fills]
    cash = -sum((size * fill.price for size, fill in zip(signed, strategy.fills, strict=True)), Decimal(0))
    inventory = sum(signed, Decimal(0))
    mid = (strategy.mark.bid + strategy.mark.ask) / 2
    return len(strategy.fills), float(cash) + float(inventory) * mid, float(inventory)


@pytest.mark.e2e
def test_moments_agree_with_the_closed_form(tmp_path: Path) -> None:
    run_file = tmp_path / "control.toml"
    run_file.write_text(RUN_FILE)
    results = [outcome(run_file, tmp_path / f"market_{seed}", seed) for seed in range(RUNS)]
    fills, pnl, inventory = (np.array(column, dtype=float) for column in zip(*results, strict=True))
    expected = symmetric_moments(Intensity(1.0, 50.0), HALF_SPREAD, 0.01, HORIZON_S, ORDER_SIZE)

    # Poisson fills: the variance of the count is its mean.
    assert abs(fills.mean() - expected.mean_fills) < 4 * math.sqrt(expected.mean_fills / RUNS)
    assert abs(pnl.mean() - expected.mean_pnl) < 4 * math.sqrt(expected.var_pnl / RUNS)
    # Inventory is close to normal: the standard error of a variance is var * sqrt(2 / (n - 1)).
    spread_of_variance = expected.var_inventory * math.sqrt(2 / (RUNS - 1))
    assert abs(inventory.var(ddof=1) - expected.var_inventory) < 4 * spread_of_variance
