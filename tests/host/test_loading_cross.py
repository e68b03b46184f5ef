"""A run file of several venues: what the strategy is told of each, and which venue the run does not have."""

from pathlib import Path

import pytest

from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import load_run

ROOT = Path(__file__).resolve().parents[2]
RUN_FILE = """
[run]
name = "cross"
[data]
catalog = "unused"
[[venues]]
name = "ONE"
account = "CASH"
starting_balances = ["1000 USDT"]
fees = { maker_rate = "-0.0001", taker_rate = "0.0004" }
latency = { base_ms = 5, submit_ms = 1 }
[[venues]]
name = "TWO"
account = "MARGIN"
starting_balances = ["1000 USDT"]
fees = { maker_rate = "0.0002", taker_rate = "0.0005" }
latency = { base_ms = 20 }
[strategy]
path = "mm_nautilus.strategies:CrossVenueMarketMaker"
model = "glft"
gamma = 0.5
order_size = 1
intensity = { a_per_s = 2, k_per_price = 50 }
limits = { max_position = 10, max_asset_position = 5 }
[[strategy.venues]]
instrument_id = "SOLUSDT.ONE"
hedge = false
[[strategy.venues]]
instrument_id = "SOLUSDT-PERP.TWO"
quote = false
max_position = 4
"""


def written(folder: Path, text: str = RUN_FILE) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


def test_every_venue_is_told_of(tmp_path: Path) -> None:
    loaded = load_run(written(tmp_path))
    settings = loaded.strategy_config.settings
    assert loaded.instrument_ids == ["SOLUSDT.ONE", "SOLUSDT-PERP.TWO"]
    assert settings.maker_fees == {"ONE": -0.0001, "TWO": 0.0002}
    assert {name: terms.fee_rate for name, terms in settings.taking.items()} == {"ONE": 0.0004, "TWO": 0.0005}
    assert {name: one.submit_ns for name, one in settings.arrivals.items()} == {"ONE": 6_000_000, "TWO": 20_000_000}
    assert settings.arrival.submit_ns == 20_000_000, "by the slowest the orders are back before the end"
    assert settings.position_limits() == {"SOLUSDT.ONE": 10, "SOLUSDT-PERP.TWO": 4}
    told = loaded.config_until(10**18).settings
    assert told.arrival.end_ns == 10**18
    assert told.arrivals == settings.arrivals
    assert not {"arrivals", "maker_fees", "taking"} & loaded.run_file.strategy.keys(), "the venues say so already"


def test_a_venue_that_the_run_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_run(written(tmp_path, RUN_FILE.replace("PERP.TWO", "PERP.THREE")))
    assert "SOLUSDT-PERP.THREE: venue 'THREE' is not among the run's venues (ONE, TWO)" in str(caught.value)


@pytest.mark.parametrize("name", ["three_venues", "cross_btc", "cross_eth", "fx_two_brokers"])
def test_the_shipped_run_files_load(name: str) -> None:
    loaded = load_run(ROOT / "configs" / f"{name}.toml")
    assert len(loaded.instrument_ids) >= 2
    assert load_run(ROOT / "configs" / f"{name}.toml").strategy_config == loaded.strategy_config
