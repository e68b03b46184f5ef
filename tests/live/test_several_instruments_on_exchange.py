"""The strategies of several instruments on the exchange: start, kill, second start, stop, and every book agrees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, RUN_FILE, LiveProcess

from mm_nautilus.inventory.state import load_state

pytestmark = pytest.mark.e2e
LOT = 0.001
FIRST, TWIN, OTHER = "BTCUSDT", "BTC2USDT", "ETHUSDT"

CROSS = """
[strategy]
path = "mm_nautilus.strategies:CrossVenueMarketMaker"
book = "L2"
model = "glft"
gamma = 0.001
order_size = "0.010"
intensity = {{ a_per_s = 1.0, k_per_price = 2.0 }}
volatility = {{ sample_interval_s = 0.1, warm_up_samples = 10 }}
limits = {{ max_position = "0.100", max_asset_position = "0.100" }}
min_edge_bps = -20

[[strategy.venues]]
instrument_id = "BTCUSDT-LINEAR.BYBIT"

[[strategy.venues]]
instrument_id = "BTC2USDT-LINEAR.BYBIT"
"""
PORTFOLIO = """
[strategy]
path = "mm_nautilus.strategies:PortfolioMarketMaker"
reference_currency = "USDT"
gamma = 0.0001
sample_interval_s = 0.2

[strategy.covariance]
step_s = 5
refresh_s = 60
correlation = 0.5

[strategy.each]
order_size = "0.010"
sigma_price_per_sqrt_s = 1.0
intensity = {{ a_per_s = 1.0, k_per_price = 2.0 }}
limits = {{ max_position = "0.100" }}

[[strategy.members]]
instrument_id = "BTCUSDT-LINEAR.BYBIT"

[[strategy.members]]
instrument_id = "ETHUSDT-LINEAR.BYBIT"
"""
ARBITRAGE = """
[strategy]
path = "mm_nautilus.strategies:CrossVenueArbitrage"
volatility = {{ sample_interval_s = 0.1, warm_up_samples = 5 }}
cooldown_s = 0.2

[[strategy.venues]]
instrument_id = "BTCUSDT-LINEAR.BYBIT"
max_position = "0.100"
max_order_size = "0.010"

[[strategy.venues]]
instrument_id = "BTC2USDT-LINEAR.BYBIT"
max_position = "0.100"
max_order_size = "0.010"
"""


def run_file(folder: Path, exchange: Exchange, strategy: str) -> Path:
    """Write the run file of the loopback with another strategy."""
    path = folder / "several.toml"
    text = RUN_FILE.partition("[strategy]")[0] + strategy
    path.write_text(text.format(http=exchange.http, ws=exchange.ws, state=folder / "state"))
    return path


def both(truth: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is true of each of the two contracts."""
    return [truth, *truth["contracts"].values()]


def traded(truth: dict[str, Any]) -> bool:
    return all(one["executions"] for one in both(truth))


def quoted(truth: dict[str, Any]) -> bool:
    return all(any(order["link"].startswith("O-") for order in one["open"]) for one in both(truth))


def orders(truth: dict[str, Any]) -> list[int]:
    return [one["orders"] for one in both(truth)]


@pytest.mark.parametrize(
    ("strategy", "also", "begun"),
    [
        (CROSS, (TWIN, "BTC", 0), quoted),
        (PORTFOLIO, (OTHER, "ETH", 0), quoted),
        (ARBITRAGE, (TWIN, "BTC", 3000), traded),
    ],
    ids=["cross_venue_market_maker", "portfolio_market_maker", "cross_venue_arbitrage"],
)
def test_a_killed_node_of_several_instruments_takes_up_what_it_left(
    tmp_path: Path, strategy: str, also: tuple[str, str, int], begun: Callable[[dict[str, Any]], bool]
) -> None:
    with Exchange(seed=3, also=[also]) as exchange:
        path = run_file(tmp_path, exchange, strategy)

        def start(name: str) -> LiveProcess:
            (tmp_path / name).mkdir()
            return LiveProcess(str(path), "--confirm", ACCOUNT, output=tmp_path / name)

        first = start("first")
        try:
            first.until(exchange, lambda truth: begun(truth) and traded(truth))
        finally:
            first.kill()
        exchange.incident("external_trade", lots=2, side="Buy")
        exchange.incident("external_order", lots=5, ticks_away=3000, side="Buy")
        left = orders(exchange.truth())
        second = start("second")
        try:
            second.until(exchange, lambda truth: all(now > was for now, was in zip(orders(truth), left, strict=True)))
            second.until(exchange, begun)
            second.ask_to_stop()
            code, printed = second.ended()
        finally:
            second.kill()
        assert code == 0, printed
        truth, live = exchange.truth(), second.result()["live"]
        third = start("third")  # and what an orderly stop leaves is taken up as well
        try:
            third.until(exchange, lambda now: all(n > was for n, was in zip(orders(now), orders(truth), strict=True)))
            third.ask_to_stop()
            code, printed = third.ended()
        finally:
            third.kill()
        assert code == 0, printed
        end = exchange.truth()

    for seen, told in ((truth, live), (end, third.result()["live"])):
        assert [one["open"] for one in both(seen)] == [[], []]
        held = {name: float(one["books"]) for name, one in told["positions"].items()}
        assert {name: float(one["engine"]) for name, one in told["positions"].items()} == pytest.approx(held)
        symbols = [FIRST, *seen["contracts"]]
        positions = {
            f"{name}-LINEAR.BYBIT": one["position"] * LOT for name, one in zip(symbols, both(seen), strict=True)
        }
        assert held == pytest.approx(positions)
    (unknown,) = live["recovery"]["unknown_orders"]
    assert unknown.startswith("by-hand-2 (BUY 0.005 BTCUSDT-LINEAR.BYBIT at ")
    assert live["recovery"]["state"] is not None
    assert third.result()["live"]["recovery"]["differences"] == []
    (state,) = (tmp_path / "state").glob("*.state")
    kept = load_state(state)
    assert kept is not None
    assert f"mm_nautilus.strategies:{kept['of']['strategy']}" in strategy
