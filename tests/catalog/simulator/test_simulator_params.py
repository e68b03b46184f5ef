"""Parameters refuse what makes no market, and name the field."""

import pytest
from pydantic import ValidationError

from mm_nautilus.catalog.simulator import PRESETS, STRESS_SCENARIOS, SimulationParams, override
from mm_nautilus.catalog.simulator.params import Asset, Sizes, Venue
from mm_nautilus.errors import ConfigError

CALM = PRESETS["calm"]


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        (["venues.0.informed.share=1.5"], r"venues\.0\.informed\.share: .*less than or equal to 1, found 1\.5"),
        (["venues.*.bid.a_per_s=0"], r"venues\.0\.bid\.a_per_s: .*greater than 0"),
        (["venues.SIM.ask.k_per_price=-1"], r"venues\.0\.ask\.k_per_price"),
        (["venues.SIM.tick_price=0"], r"venues\.0\.tick_price: must be > 0"),
        (["venues.SIM.tick_price=1e-12"], r"venues\.0\.tick_price: at most 9 decimal places"),
        (["venues.SIM.half_spread_ticks=0"], r"venues\.0\.half_spread_ticks"),
        (["venues.SIM.excitation.branching_ratio=1"], r"venues\.0\.excitation\.branching_ratio"),
        (["venues.SIM.sizes.trade_mean_base=0.5"], r"venues\.0\.sizes: trade_mean_base 0\.5 must be >= trade_min_base"),
        (["venues.SIM.lot_base=2"], r"venues\.0: sizes\.trade_min_base 1\.0 is less than one lot 2"),
        (["venues.SIM.asset=BTC"], r"venues\.0\.asset: 'BTC' is not among assets \['SOL'\]"),
        (["venues.SIM.lag_s=11"], r"venues\.0\.lag_s"),
        (["assets.SOL.price=0.2"], r"venues\.0: 20 levels of 0\.01 below the SOL price 0\.2 reach zero"),
        (["assets.SOL.sigma_price_per_sqrt_s=-0.1"], r"assets\.0\.sigma_price_per_sqrt_s"),
        (["duration_s=0"], r"duration_s: .*greater than or equal to 1"),
        (["start=2024-01-01T00:00:00"], r"start: .*timezone"),
        (["seed=-1"], r"seed: "),
        (["correlation=[[1,2],[2,1]]"], r"correlation: must be 1 x 1"),
        (["venues=[]"], r"venues: at least one is wanted"),
    ],
)
def test_a_value_out_of_range_is_named(assignments, expected):
    with pytest.raises(ConfigError, match=expected):
        override(CALM, assignments)


def test_correlation_must_be_positive_definite():
    assets = (Asset(name="AAA"), Asset(name="BBB"), Asset(name="CCC"))
    venues = tuple(Venue(asset=asset.name) for asset in assets)
    rows = ((1.0, 0.9, -0.9), (0.9, 1.0, 0.9), (-0.9, 0.9, 1.0))
    with pytest.raises(ValidationError, match="correlation: must be positive definite"):
        SimulationParams(assets=assets, venues=venues, correlation=rows)


def test_two_venues_may_not_list_the_same_instrument():
    with pytest.raises(ValidationError, match="venues: instruments must differ"):
        SimulationParams(venues=(Venue(), Venue()))


def test_an_episode_after_the_end_is_a_mistake():
    with pytest.raises(
        ConfigError, match=r"assets\.SOL\.episodes\.0\.start_s: 300 is not before the end, duration_s = 60"
    ):
        override(PRESETS["flash_crash"], ["duration_s=60"])


def test_unknown_keys_are_errors():
    with pytest.raises(ValidationError, match="volatility"):
        Asset(volatility=0.1)
    with pytest.raises(ValidationError, match="finite"):
        Sizes(level_mean_base=float("nan"))


def test_an_override_reaches_one_venue_or_all():
    three = PRESETS["three_venues"]
    one = override(three, ["venues.SIMB.informed.share=0.3"])
    assert [venue.informed.share for venue in one.venues] == [0.0, 0.3, 0.0]
    every = override(three, ["venues.*.informed.share=0.3", "seed=7"])
    assert [venue.informed.share for venue in every.venues] == [0.3, 0.3, 0.3]
    assert every.seed == 7


def test_every_wrong_path_is_listed_with_what_could_stand_there():
    with pytest.raises(ConfigError) as caught:
        override(CALM, ["venues.SIMX.lag_s=1", "venues.SIM.lag=1", "seed.x=1", "nonsense"])
    text = str(caught.value)
    assert "4 problems" in text
    assert "'SIMX' must be one of ['*', 'SIM']" in text
    assert "'lag' must be one of" in text
    assert "lag_s" in text
    assert "seed has no fields" in text
    assert "'nonsense': PATH=VALUE is wanted" in text


def test_presets_are_named_after_themselves_and_hold_the_stress_scenarios():
    assert all(preset.name == name for name, preset in PRESETS.items())
    assert set(STRESS_SCENARIOS) < set(PRESETS)
    assert len(STRESS_SCENARIOS) == 5


def test_parameters_survive_json():
    for preset in PRESETS.values():
        assert SimulationParams.model_validate_json(preset.model_dump_json()) == preset
