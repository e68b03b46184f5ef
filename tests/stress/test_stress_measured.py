"""A recorded market is measured as what the simulator would have to be told to make it."""

from pathlib import Path

import pytest

from mm_nautilus.catalog.inspect import inspect_catalog
from mm_nautilus.catalog.simulator import PRESETS, SimulationParams, override, simulate
from mm_nautilus.errors import DataError
from mm_nautilus.host.loading import LoadedRun, load_run
from mm_nautilus.stress.measured import decay_per_tick, measured_market, stated_market

RUN_FILE = """
[run]
name = "measured"
[data]
catalog = "catalog"
[[venues]]
name = "SIM"
account = "CASH"
starting_balances = ["100000 USDT", "1000 SOL"]
fees = {}
[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
gamma = 0.5
order_size = 1
intensity = { a_per_s = 1.0, k_per_price = 50.0 }
limits = { max_position = 10 }
"""


def measured(folder: Path, params: SimulationParams, *overrides: str) -> SimulationParams:
    simulate(params, folder / "catalog")
    (folder / "run.toml").write_text(RUN_FILE)
    loaded: LoadedRun = load_run(folder / "run.toml", overrides)
    return measured_market(loaded, loaded.catalog, inspect_catalog(loaded.catalog, loaded.instrument_ids))


def test_the_truth_of_a_simulated_market_is_measured_again(tmp_path: Path) -> None:
    params = override(
        PRESETS["calm"],
        [
            "duration_s=1800",
            "seed=11",
            "assets.SOL.sigma_price_per_sqrt_s=0.04",
            "venues.SIM.half_spread_ticks=3",
            "venues.SIM.bid.a_per_s=2.0",
            "venues.SIM.bid.k_per_price=30",
            "venues.SIM.ask.k_per_price=30",
            "venues.SIM.sizes.trade_mean_base=2.5",
        ],
    )
    found = measured(tmp_path, params)
    truth, venue = params.venues[0], found.venues[0]
    assert venue.instrument_id == truth.instrument_id
    assert (venue.tick_price, venue.lot_base) == (truth.tick_price, truth.lot_base)
    assert venue.half_spread_ticks == 3
    assert venue.step_ticks == 4
    assert found.assets[0].sigma_price_per_sqrt_s == pytest.approx(0.04, rel=0.1)
    assert found.assets[0].price == pytest.approx(100.0, abs=6 * 0.04 * 1800**0.5)
    # About 1460 sells and 730 buys: three standard errors are 8 and 11 %.
    assert venue.bid.a_per_s == pytest.approx(2.0, rel=0.15)
    assert venue.ask.a_per_s == pytest.approx(1.0, rel=0.15)
    assert venue.bid.k_per_price == pytest.approx(30, rel=0.1)
    assert venue.sizes.trade_mean_base == pytest.approx(2.5, rel=0.1)
    assert venue.sizes.trade_min_base == pytest.approx(1.15, rel=0.15)  # a tenth of the trades is smaller
    assert venue.sizes.level_mean_base == pytest.approx(5.0, rel=0.1)
    assert venue.sizes.level_shape == pytest.approx(4.0, rel=0.25)


def test_a_market_too_short_to_measure_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"SOLUSDT\.SIM: quoted for \d+ s; a stressed market is measured over 60 s"):
        measured(tmp_path, override(PRESETS["calm"], ["duration_s=20"]))


def test_a_simulated_run_says_itself_what_its_market_is(tmp_path: Path) -> None:
    text = RUN_FILE.replace(
        'catalog = "catalog"', 'catalog = "c"\nsimulation = { set = ["venues.SIM.half_spread_ticks=2"] }'
    )
    (tmp_path / "run.toml").write_text(text)
    section = load_run(tmp_path / "run.toml").run_file.data.simulation
    assert section is not None
    found = stated_market(section)
    assert found.venues[0].half_spread_ticks == 2
    assert not (tmp_path / "c").exists()


def test_the_reach_of_market_orders_gives_its_decay() -> None:
    assert decay_per_tick(1.0) == pytest.approx(0.6931471805599453)  # half of them reach one tick further
    assert decay_per_tick(0.0) == pytest.approx(4.605170185988092)
    assert decay_per_tick(100.0) == pytest.approx(0.00995033)
