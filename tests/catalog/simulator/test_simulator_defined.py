"""Instruments a simulated venue is told to trade, and ticks that are fine beside the volatility."""

import pytest
from nautilus_trader.model import Currency, FuturesContract, Price, Quantity
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog.history import read_tops, read_trades
from mm_nautilus.catalog.simulator import SimulationParams, simulate
from mm_nautilus.catalog.simulator.instruments import instrument
from mm_nautilus.catalog.simulator.params import Asset, Venue

FOREVER = (-(2**62), 2**62)


def future(params: SimulationParams) -> FuturesContract:
    (made,) = [instrument(venue, 7) for venue in params.venues]
    return made


@pytest.fixture(scope="module")
def params() -> SimulationParams:
    definition = {
        "type": "FuturesContract",
        "id": "ESH4.GLBX",
        "raw_symbol": "ESH4",
        "asset_class": "INDEX",
        "exchange": "XCME",
        "underlying": "ES",
        "activation_ns": 0,
        "expiration_ns": 2_000_000_000_000_000_000,
        "currency": "USD",
        "price_precision": 2,
        "price_increment": "0.01",
        "size_precision": 0,
        "size_increment": "1",
        "multiplier": "50",
        "lot_size": "1",
        "min_quantity": "1",
        "margin_init": "0",
        "margin_maint": "0",
        "info": {},
        "ts_event": 0,
        "ts_init": 0,
    }
    venue = Venue(
        venue="GLBX", tick_price="0.01", lot_base="1", step_ticks=40, half_spread_ticks=3, definition=definition
    )
    return SimulationParams(
        duration_s=120, assets=(Asset(price=4800.0, sigma_price_per_sqrt_s=0.4),), venues=(venue,), seed=3
    )


def test_the_defined_instrument_is_what_is_traded(tmp_path, params) -> None:
    simulate(params, tmp_path)
    (found,) = ParquetDataCatalog(str(tmp_path)).instruments()
    assert isinstance(found, FuturesContract)
    assert str(found.id) == "ESH4.GLBX"
    assert found.multiplier == Quantity.from_int(50)
    assert found.quote_currency == Currency.from_str("USD")
    assert found.price_increment == Price.from_str("0.01")
    tops = read_tops(tmp_path, "ESH4.GLBX", "L2", params.venues[0].tick_price, FOREVER)
    # The spread is what it was said to be to the tick, and the mid moves by steps: about one a second here.
    assert set((tops.ask_ticks - tops.bid_ticks).tolist()) == {6}
    mids = tops.mid_half_ticks // 2
    assert set((mids % 40).tolist()) == {0}
    moves = int((mids[1:] != mids[:-1]).sum())
    assert 60 < moves < 240
    trades = read_trades(tmp_path, "ESH4.GLBX", params.venues[0].tick_price, FOREVER)
    assert set(((trades.price_ticks + 3 * trades.aggressor * -1) % 40).tolist()) == {0}


def test_a_definition_on_another_lattice_is_refused(params) -> None:
    tree = params.model_dump(mode="json")
    tree["venues"][0]["tick_price"] = "0.25"
    with pytest.raises(ValueError, match=r"definition\.price_increment must be 0\.25, found '0\.01'"):
        SimulationParams.model_validate(tree)
