"""What a user of the data has to find in it again: adverse selection, lead-lag, basis, and a run of the engine."""

from decimal import Decimal

import numpy as np
import pytest
from nautilus_trader.backtest import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestNode,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.data import DataEngineConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import BookType, InstrumentId, NautilusDataType
from nautilus_trader.persistence import ParquetDataCatalog
from nautilus_trader.trading import Strategy

from mm_nautilus.catalog.simulator import PRESETS, SimulationParams, override
from mm_nautilus.catalog.simulator.params import Asset, Venue

SIGMA, HORIZON_S = 0.01, 10.0


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_the_markout_of_a_passive_fill_is_zero_without_informed_flow_and_grows_with_it(
    share, run, read, ticks, nanoseconds
):
    catalog, truth = run(override(PRESETS["calm"], [f"venues.SIM.informed.share={share}", "seed=4", "duration_s=5400"]))
    quotes, orders = read(catalog, "quotes"), truth.orders(catalog)
    times = nanoseconds(quotes["ts_event"])
    mid = (ticks(quotes["bid_price"]) + ticks(quotes["ask_price"])) * 0.005
    at = nanoseconds(orders["ts_event"])
    at = at[at + HORIZON_S * 1e9 < times[-1]]
    later = np.searchsorted(times, at + int(HORIZON_S * 1e9), side="right") - 1
    now = np.searchsorted(times, at, side="right") - 1
    aggressor = np.where(np.array(orders["aggressor_side"].to_pylist()[: len(at)]) == "BUY", 1, -1)
    adverse = aggressor * (mid[later] - mid[now])
    # Markouts overlap: blocks that are long against the horizon give an honest standard error.
    block = ((at - at[0]) // (60 * 10**9)).astype(int)
    sums, sizes = np.bincount(block, adverse), np.bincount(block)
    error = np.sqrt(np.sum((sums - adverse.mean() * sizes) ** 2)) / len(adverse)
    expected = share * SIGMA * np.sqrt(2 * HORIZON_S / np.pi)
    # The mid is up to a tick behind the price that the informed know: their move shows less by a fraction of a tick.
    assert abs(adverse.mean() - expected) < 4 * error + share * 0.005
    assert error < 0.0015


def test_lead_lag_and_basis_of_three_venues_are_found_again(run, read, ticks, nanoseconds):
    changes = [
        "duration_s=900",
        "venues.*.tick_price=0.002",
        "venues.*.book_updates_per_s=0",
        "venues.SIMC.noise.sd_price=0",
    ]
    params = override(PRESETS["three_venues"], changes)
    catalog, _ = run(params)
    step_s = 0.05
    grid = 1_704_067_200 * 10**9 + (np.arange(round(890 / step_s)) * step_s * 1e9).astype(np.int64) + 5 * 10**9
    mids = []
    for venue in params.venues:
        quotes = read(catalog, "quotes", venue.instrument_id)
        times = nanoseconds(quotes["ts_event"])
        mid = (ticks(quotes["bid_price"], 0.002) + ticks(quotes["ask_price"], 0.002)) * 0.001
        mids.append(mid[np.searchsorted(times, grid, side="right") - 1])
    steps = [np.diff(mid) for mid in mids]
    reach = 40
    for venue, step in zip(params.venues[1:], steps[1:], strict=True):
        lags = np.arange(-reach, reach + 1)
        leader = steps[0][reach:-reach]
        covariance = np.array([np.dot(leader, step[reach + lag : len(step) - reach + lag]) for lag in lags])
        assert lags[np.argmax(covariance)] * step_s == pytest.approx(venue.lag_s, abs=2 * step_s)
    for venue, mid in zip(params.venues[1:], mids[1:], strict=True):
        lag = round(venue.lag_s / step_s)
        basis = mid[lag:] - mids[0][: len(mid) - lag]
        correlation_time = venue.basis.half_life_s / np.log(2)
        error = venue.basis.sd_price * np.sqrt(min(1.0, 2 * correlation_time / 890))
        assert abs(basis.mean() - venue.basis.mean_price) < 4 * error


def test_two_assets_in_one_catalogue_move_together_as_told(run, read, ticks, nanoseconds):
    params = SimulationParams(
        duration_s=1800,
        assets=(Asset(name="AAA"), Asset(name="BBB", price=50.0, sigma_price_per_sqrt_s=0.02)),
        correlation=((1.0, 0.7), (0.7, 1.0)),
        venues=(Venue(asset="AAA", book_updates_per_s=0), Venue(asset="BBB", kind="perpetual", book_updates_per_s=0)),
    )
    catalog, _ = run(params)
    grid = 1_704_067_200 * 10**9 + np.arange(1, 180) * 10**10
    moves = []
    for instrument_id in ("AAAUSDT.SIM", "BBBUSDT-PERP.SIM"):
        quotes = read(catalog, "quotes", instrument_id)
        mid = (ticks(quotes["bid_price"]) + ticks(quotes["ask_price"])) / 2
        moves.append(np.diff(mid[np.searchsorted(nanoseconds(quotes["ts_event"]), grid, side="right") - 1]))
    # Sampling the lattice adds up to a tick of noise to moves of 3 and 6 ticks: correlation loses a few per cent.
    assert np.corrcoef(moves)[0, 1] == pytest.approx(0.68, abs=4 * (1 - 0.7**2) / np.sqrt(len(grid)))
    instruments = {str(found.id): found for found in ParquetDataCatalog(str(catalog)).instruments()}
    assert set(instruments) == {"AAAUSDT.SIM", "BBBUSDT-PERP.SIM"}
    perpetual = instruments["BBBUSDT-PERP.SIM"]
    assert not perpetual.is_inverse
    assert perpetual.settlement_currency.code == "USDT"


class Watcher(Strategy):
    """Count what arrives and what the engine's own book looks like then."""

    def __init__(self, instrument_id):
        super().__init__()
        self.watched = instrument_id
        self.events = self.trades = self.quotes = self.bad_books = 0
        self.order = []

    def on_start(self):
        self.subscribe_book_deltas(self.watched, BookType.L2_MBP, managed=True)
        self.subscribe_trades(self.watched)
        self.subscribe_quotes(self.watched)

    def on_book_deltas(self, deltas):
        self.events += 1
        book = self.cache.order_book(self.watched)
        full = len(book.bids()) == len(book.asks()) == 20
        self.bad_books += not (full and book.best_bid_price() < book.best_ask_price())

    def on_trade(self, trade):
        self.trades += 1

    def on_quote(self, quote):
        self.quotes += 1


@pytest.mark.parametrize(
    "data_order", [("TradeTick", "OrderBookDelta", "QuoteTick"), ("OrderBookDelta", "QuoteTick", "TradeTick")]
)
def test_the_engine_runs_on_the_catalogue(data_order, run):
    params = override(PRESETS["calm"], ["duration_s=300"])
    catalog, truth = run(params)
    iid = InstrumentId.from_str("SOLUSDT.SIM")
    (instrument,) = ParquetDataCatalog(str(catalog)).instruments()
    assert instrument.id == iid
    assert str(instrument.price_increment) == "0.01"
    assert str(instrument.size_increment) == "0.001"
    assert instrument.quote_currency.precision == 8
    venue = BacktestVenueConfig(
        name="SIM",
        oms_type="NETTING",
        account_type="MARGIN",
        book_type="L2_MBP",
        starting_balances=["1000000 USDT"],
        queue_position=True,
        liquidity_consumption=True,
        fee_model=MakerTakerFeeModel(Decimal(0), Decimal(0)),
    )
    data = [
        BacktestDataConfig(getattr(NautilusDataType, kind), str(catalog), instrument_ids=[iid]) for kind in data_order
    ]
    engine = BacktestEngineConfig(
        logging=LoggerConfig(stdout_level=LogLevel.ERROR),
        data_engine=DataEngineConfig(buffer_deltas=True),
        run_analysis=False,
    )
    node = BacktestNode([BacktestRunConfig(venues=[venue], data=data, engine=engine, id="run", raise_exception=True)])
    node.build()
    watcher = Watcher(iid)
    node.add_strategy("run", watcher)
    node.run()
    counts = truth.venues[0]
    assert (watcher.events, watcher.trades, watcher.quotes) == (counts.book_events, counts.trades, counts.quotes)
    assert watcher.bad_books == 0
