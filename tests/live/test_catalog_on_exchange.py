"""The exchange driven by a catalogue: what a strategy sees and trades is the catalogue's market."""

from __future__ import annotations

from pathlib import Path

import pytest
from bybit_exchange.markets import BookChange, MarketTrade, of_catalog
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file

from mm_nautilus.catalog.simulator import PRESETS, override, simulate

pytestmark = pytest.mark.e2e
INSTRUMENT, LISTED = "SOLUSDT.SIM", "SOLUSDT-LINEAR.BYBIT"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("market")
    simulate(override(PRESETS["calm"], ["seed=4", "duration_s=90"]), path)
    return path


def test_the_market_of_a_catalogue_keeps_its_times_and_its_grid(catalog: Path) -> None:
    contract, market = of_catalog(catalog, INSTRUMENT)
    events = list(market)
    times = [event.at_s for event in events]
    assert contract.symbol == "SOLUSDT"
    assert times == sorted(times)
    assert times[0] == 0.0
    assert 80.0 < times[-1] <= 90.0
    books = [event for event in events if isinstance(event, BookChange)]
    trades = [event for event in events if isinstance(event, MarketTrade)]
    assert books[0].clears
    assert len(books) > 100
    assert len(trades) > 10
    assert all(trade.lots > 0 and trade.price > 0 for trade in trades)


def test_a_node_trades_the_market_of_a_catalogue(catalog: Path, tmp_path: Path) -> None:
    output = tmp_path / "runs"
    output.mkdir()
    with Exchange(seed=3, catalog=catalog, instrument=INSTRUMENT) as exchange:
        path = run_file(tmp_path, exchange)
        text = path.read_text().replace("BTCUSDT-LINEAR.BYBIT", LISTED)
        text = text.replace('order_size = "0.010"', 'order_size = "1"').replace('"0.100"', '"10"')
        path.write_text(text.replace("gamma = 0.001", "gamma = 0.1").replace("k_per_price = 2.0", "k_per_price = 50.0"))
        process = LiveProcess(
            str(path), "--confirm", ACCOUNT, "--set", "strategy.guards.stale_after_s=5", output=output
        )
        process.until(exchange, lambda truth: len(truth["executions"]) >= 2)
        process.ask_to_stop()
        code, printed = process.ended()
        truth = exchange.truth()
    assert code == 0, printed
    assert truth["open"] == []
    (held,) = process.result()["live"]["positions"].values()
    contract, _ = of_catalog(catalog, INSTRUMENT)
    assert float(held["books"]) == pytest.approx(truth["position"] * float(contract.lot))
