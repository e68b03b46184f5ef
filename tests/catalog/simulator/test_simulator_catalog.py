"""What a simulation leaves in its catalogue: the same bytes again, valid books, a truth that agrees with the data."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mm_nautilus.catalog.simulator import PRESETS, SimulationTruth, override, simulate
from mm_nautilus.catalog.simulator.book import PriceRangeError
from mm_nautilus.errors import CatalogError


def digests(catalog: Path) -> dict[str, str]:
    files = [path for path in catalog.rglob("*") if path.is_file()]
    return {str(path.relative_to(catalog)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def episode_clip(name, seed=0):
    """Return the first 420 s of a preset: the first episode begins after 300; less of one that has none."""
    params = override(PRESETS[name], [f"seed={seed}"])
    episodes = [episode for episode in params.assets[0].episodes if episode.start_s < 420]
    asset = params.assets[0].model_copy(update={"episodes": tuple(episodes)})
    duration_s = 420.0 if episodes or len(params.assets) == 1 else 60.0
    return params.model_copy(update={"assets": (asset, *params.assets[1:]), "duration_s": duration_s})


def replay(deltas, ticks, increment):
    """Apply deltas and yield the sides after every F_LAST, asserting that each delta makes sense where it stands."""
    columns = (
        deltas["action"].to_pylist(),
        deltas["side"].to_pylist(),
        ticks(deltas["price"], increment).tolist(),
        pc.cast(deltas["size"], pa.float64()).to_pylist(),
        deltas["flags"].to_pylist(),
    )
    book: dict[str, dict[int, float]] = {"BUY": {}, "SELL": {}}
    added = False
    for row, (action, side, price, size, flags) in enumerate(zip(*columns, strict=True)):
        if action == "CLEAR":
            book["BUY"].clear()
            book["SELL"].clear()
        elif action == "DELETE":
            assert not added, "a delete after an add"
            del book[side][price]
        else:
            assert (price in book[side]) == (action == "UPDATE")
            assert size > 0
            added |= action == "ADD"
            book[side][price] = size
        if flags & 128:
            added = False
            yield row, book


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_event_of_every_preset_leaves_a_full_uncrossed_book(name, run, read, ticks, nanoseconds):
    params = episode_clip(name)
    catalog, truth = run(params)
    for venue, counted in zip(params.venues, truth.venues, strict=True):
        deltas = read(catalog, "order_book_deltas", venue.instrument_id)
        quotes = read(catalog, "quotes", venue.instrument_id)
        tops = {}
        events = 0
        times = nanoseconds(deltas["ts_event"])
        tick, levels = float(venue.tick_price), venue.levels
        for row, book in replay(deltas, ticks, tick):
            bids, asks = book["BUY"], book["SELL"]
            assert len(bids) == len(asks) == levels
            best_bid, best_ask = max(bids), min(asks)
            assert best_bid < best_ask
            assert (best_bid + best_ask) % 2 == 0, "the mid is on a tick"
            assert max(bids) - min(bids) == max(asks) - min(asks) == levels - 1
            tops[times[row]] = (best_bid, best_ask, bids[best_bid], asks[best_ask])
            events += 1
        assert events == counted.book_events
        assert deltas.num_rows == counted.deltas
        sizes = [pc.cast(quotes[column], pa.float64()).to_pylist() for column in ("bid_size", "ask_size")]
        prices = [ticks(quotes[column], tick).tolist() for column in ("bid_price", "ask_price")]
        quoted = dict(zip(nanoseconds(quotes["ts_event"]), zip(*prices, *sizes, strict=True), strict=True))
        assert all(tops[time] == quote for time, quote in quoted.items())
        changed = [
            time
            for (time, top), before in zip(list(tops.items())[1:], list(tops.values()), strict=False)
            if top != before
        ]
        assert set(changed) <= set(quoted), "a change of the top without a quote"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(run):
    params = episode_clip("flash_crash")
    first, again = digests(run(params, "first")[0]), digests(run(params, "again")[0])
    assert first == again
    assert len(first) >= 8
    other = digests(run(episode_clip("flash_crash", seed=1), "other")[0])
    data = {path for path in first if path.startswith(("data/order_book", "data/trades", "simulations"))}
    assert not {first[path] for path in data} & set(other.values())


def test_a_venue_does_not_change_the_data_of_another(run):
    params = override(PRESETS["three_venues"], ["duration_s=130"])
    changes = [
        "venues.SIMB.bid.a_per_s=3",
        "venues.SIMB.lag_s=7",
        "venues.SIMB.informed.horizon_s=90",
        "venues.SIMB.levels=5",
    ]
    fewer = params.model_copy(update={"venues": (params.venues[2], params.venues[0])})
    reference = digests(run(params, "reference")[0])
    for variant in (override(params, changes), fewer):
        found = digests(run(variant, f"variant{len(variant.venues)}")[0])
        for venue in (params.venues[0], params.venues[2]):
            paths = [path for path in reference if f"/{venue.instrument_id}/" in path]
            assert len(paths) == 4
            assert all(found[path] == reference[path] for path in paths)


def test_repeating_a_simulation_does_nothing_and_a_different_one_is_refused_or_replaces(tmp_path):
    params = override(PRESETS["calm"], ["duration_s=130"])
    truth = simulate(params, tmp_path)
    before = digests(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert simulate(params, tmp_path) == truth
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == times
    other = override(params, ["seed=5"])
    with pytest.raises(CatalogError):
        simulate(other, tmp_path)
    assert digests(tmp_path) == before
    replaced = simulate(other, tmp_path, replace=True)
    assert SimulationTruth.load(tmp_path, "calm") == replaced != truth


def test_the_truth_is_stored_and_agrees_with_the_data(calm, read, nanoseconds):
    catalog, truth = calm
    assert SimulationTruth.load(catalog, "calm") == truth
    assert truth.params == PRESETS["calm"]
    with pytest.raises(CatalogError, match=r"no simulation named 'storm', found \['calm'\]"):
        SimulationTruth.load(catalog, "storm")
    counts = truth.venues[0]
    trades, orders = read(catalog, "trades"), truth.orders(catalog)
    assert trades.num_rows == counts.trades == pc.sum(orders["trades"]).as_py()
    assert orders.num_rows == counts.bid_market_orders + counts.ask_market_orders
    first_rows = orders["first_trade_id"].to_numpy() - 1
    assert np.array_equal(nanoseconds(trades["ts_event"])[first_rows], nanoseconds(orders["ts_event"]))
    assert trades["trade_id"].to_pylist() == [str(i + 1) for i in range(trades.num_rows)]
    prices = truth.prices(catalog)
    assert prices["series"].unique().to_pylist() == ["SOL", "SOLUSDT.SIM"]
    sol = prices.filter(pc.equal(prices["series"], "SOL"))
    assert sol.num_rows == 3600
    assert set(np.diff(nanoseconds(sol["ts_event"]))) == {10**9}


def test_a_market_order_trades_once_per_level_before_the_book_shows_it(calm, read, ticks, nanoseconds):
    catalog, truth = calm
    trades, deltas, orders = read(catalog, "trades"), read(catalog, "order_book_deltas"), truth.orders(catalog)
    sizes = truth.params.venues[0].sizes
    times, prices = nanoseconds(trades["ts_init"]), ticks(trades["price"])
    assert pc.min(pc.cast(trades["size"], pa.float64())).as_py() >= sizes.trade_min_base
    sign = np.where(np.array(trades["aggressor_side"].to_pylist()) == "BUY", 1, -1)
    count = orders["trades"].to_numpy()
    depth = np.arange(len(times)) - np.repeat(orders["first_trade_id"].to_numpy() - 1, count) + 1
    assert np.array_equal(prices, np.repeat(orders["mid_ticks"].to_numpy(), count) + sign * depth)
    assert np.array_equal(count, orders["depth_ticks"].to_numpy())
    closes = nanoseconds(deltas["ts_init"])[(deltas["flags"].to_numpy() & 128) > 0]
    assert not np.isin(times, closes).any()
    assert np.isin(times + 1000, closes).all()
    assert np.array_equal(nanoseconds(trades["ts_event"]), times)


def test_market_orders_do_not_move_the_mid_and_sizes_come_back(calm, read, ticks, nanoseconds):
    catalog, truth = calm
    quotes = read(catalog, "quotes")
    mid = (ticks(quotes["bid_price"]) + ticks(quotes["ask_price"])) // 2
    times = nanoseconds(quotes["ts_event"])
    orders = truth.orders(catalog)
    at = nanoseconds(orders["ts_event"])
    before = mid[np.searchsorted(times, at, side="right") - 1]
    after = mid[np.searchsorted(times, at + 1000, side="right") - 1]
    assert np.array_equal(before, after)
    assert np.array_equal(before, orders["mid_ticks"].to_numpy())
    shown = pc.cast(quotes["bid_size"], pa.float64()).to_numpy()
    assert 2.0 < shown.mean() < truth.params.venues[0].sizes.level_mean_base * 1.1


def test_calm_has_single_tick_moves_and_the_variance_of_its_sigma(calm):
    counts = calm[1].venues[0]
    assert counts.realised_variance_price2_per_s == pytest.approx(counts.mid_moves * 1e-4 / 3600)
    assert abs(counts.mid_moves - 3600) < 4 * np.sqrt(2 / 3 * 3600)
    assert 8 * 3600 < counts.book_events < 13 * 3600


def test_feed_latency_delays_arrival_and_keeps_the_order(run, read, nanoseconds):
    changes = ["duration_s=300", "venues.SIM.feed_latency_s=0.02", "venues.SIM.feed_jitter_s=0.5"]
    catalog, _ = run(override(PRESETS["calm"], changes))
    for kind in ("order_book_deltas", "trades", "quotes"):
        table = read(catalog, kind)
        event, init = nanoseconds(table["ts_event"]), nanoseconds(table["ts_init"])
        assert np.all(init - event >= 20_000_000)
        assert np.all(np.diff(init) >= 0)
        assert np.all(np.diff(event) >= 0)
        assert np.median(init - event) > 100_000_000


def test_ticks_and_lots_that_are_no_powers_of_ten(run, read, ticks):
    changes = ["duration_s=120", "venues.SIM.tick_price=0.025", "venues.SIM.lot_base=0.5"]
    catalog, _ = run(override(PRESETS["calm"], changes))
    deltas = read(catalog, "order_book_deltas")
    ticks(deltas["price"], 0.025)
    ticks(deltas["size"], 0.5)
    assert deltas.schema.metadata[b"price_precision"] == b"3"


def test_a_price_that_reaches_zero_is_explained_and_leaves_no_data(tmp_path):
    params = override(
        PRESETS["calm"], ["assets.SOL.price=1", "assets.SOL.sigma_price_per_sqrt_s=0.1", "duration_s=600"]
    )
    with pytest.raises(PriceRangeError, match=r"SOLUSDT\.SIM: the simulated price fell to 0\.\d+, where 20 levels"):
        simulate(params, tmp_path)
    assert not list(tmp_path.rglob("*.parquet"))
