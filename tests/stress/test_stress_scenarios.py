"""What a scenario does to another market than the one it was written for."""

from decimal import Decimal
from math import exp

import pytest

from mm_nautilus.catalog.simulator import PRESETS, STRESS_SCENARIOS, SimulationParams
from mm_nautilus.catalog.simulator.params import Asset, Hits, Venue
from mm_nautilus.stress.scenarios import LARGEST_MOVE, price_factor, scenario_market


def market(price: float = 60_000.0, sigma: float = 6.0, k: float = 0.5, half: int = 100) -> SimulationParams:
    hits = Hits(a_per_s=2.0, k_per_price=k)
    venue = Venue(
        asset="BTC", tick_price="0.01", lot_base="0.00001", step_ticks=600, half_spread_ticks=half, bid=hits, ask=hits,
        sizes={"trade_min_base": 0.0001, "trade_mean_base": 0.02, "level_mean_base": 2.0},
    )  # fmt: skip
    return SimulationParams(assets=(Asset(name="BTC", price=price, sigma_price_per_sqrt_s=sigma),), venues=(venue,))


@pytest.mark.parametrize("scenario", STRESS_SCENARIOS)
def test_the_calm_market_under_a_scenario_is_the_preset(scenario: str) -> None:
    assert scenario_market(PRESETS["calm"], scenario) == PRESETS[scenario]


def test_price_moves_keep_their_size_in_volatilities() -> None:
    made = scenario_market(market(), "flash_crash")
    assert [one.price_change for one in made.assets[0].episodes] == pytest.approx([-8.0 * 600, 6.0 * 600])
    assert price_factor(made.assets[0], "flash_crash") == pytest.approx(600)
    jumps = scenario_market(market(), "high_volatility").assets[0].jumps
    assert jumps.size_sd_price == pytest.approx(0.05 * 600)
    assert jumps.rate_per_s == PRESETS["high_volatility"].assets[0].jumps.rate_per_s
    assert scenario_market(market(), "news_event").assets[0].episodes[1].jump_price == pytest.approx(2.0 * 600)


def test_no_scenario_takes_more_than_half_of_the_price() -> None:
    wild = market(price=1000.0, sigma=5.0)  # 8 of 0.01 would be 4000
    made = scenario_market(wild, "flash_crash").assets[0]
    assert made.episodes[0].price_change == pytest.approx(-LARGEST_MOVE * 1000.0)
    assert made.episodes[1].price_change == pytest.approx(0.75 * LARGEST_MOVE * 1000.0)


def test_the_rest_of_the_market_is_as_it_was() -> None:
    before = market()
    after = scenario_market(before, "low_liquidity", 700.0)
    assert after.duration_s == 700.0
    assert after.name == "low_liquidity"
    venue = after.venues[0]
    assert venue == before.venues[0].model_copy(update={"book_updates_per_s": 4.0})
    assert venue.tick_price == Decimal("0.01")
    assert after.assets[0].price == before.assets[0].price
    shared = scenario_market(before, "high_volatility").venues[0]
    assert shared.excitation == PRESETS["high_volatility"].venues[0].excitation


def touch_rate(params: SimulationParams, multiplier: float, widening: float) -> float:
    venue = params.venues[0]
    distance = round(venue.half_spread_ticks * widening) * float(venue.tick_price)
    return multiplier * exp(-venue.bid.k_per_price * distance)


@pytest.mark.parametrize("k", [0.1, 0.5, 2.0])
def test_market_orders_at_the_touch_change_by_as_much_as_in_the_preset(k: float) -> None:
    made, preset, calm = scenario_market(market(k=k), "low_liquidity"), PRESETS["low_liquidity"], PRESETS["calm"]
    ours, theirs = made.assets[0].episodes[0], preset.assets[0].episodes[0]
    widening = theirs.half_spread_multiplier
    change = touch_rate(made, ours.bid_hit_multiplier, widening) / touch_rate(made, 1.0, 1.0)
    wanted = touch_rate(preset, theirs.bid_hit_multiplier, widening) / touch_rate(calm, 1.0, 1.0)
    assert change == pytest.approx(wanted)


def test_two_assets_are_hit_at_once() -> None:
    one = market()
    two = one.model_copy(
        update={
            "assets": (*one.assets, Asset(name="ETH", price=3000.0, sigma_price_per_sqrt_s=0.3)),
            "venues": (*one.venues, Venue(asset="ETH")),
            "correlation": ((1.0, 0.8), (0.8, 1.0)),
        }
    )
    made = scenario_market(two, "one_sided_flow")
    assert [asset.episodes[0].price_change for asset in made.assets] == pytest.approx([-0.5 * 600, -0.5 * 30])
    assert made.correlation == two.correlation
