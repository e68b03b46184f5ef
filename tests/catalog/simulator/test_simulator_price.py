"""Efficient prices and the mids that follow them have the moments they are meant to have."""

import numpy as np
import pytest

from mm_nautilus.catalog.simulator import PRESETS, SimulationParams
from mm_nautilus.catalog.simulator.efficient import NODES_PER_S, EfficientPrices
from mm_nautilus.catalog.simulator.lattice import VenuePrice, bridge_hitting_time, visits
from mm_nautilus.catalog.simulator.params import MAX_LAG_S, Asset, Episode, Jumps, MeanReverting, Venue

NODES_PER_MINUTE = 60 * NODES_PER_S
LEAD = round(MAX_LAG_S * NODES_PER_S)


def path(params, asset, seconds):
    efficient = EfficientPrices(params)
    efficient.prepare(0, LEAD + seconds * NODES_PER_S)
    return efficient.prices(asset, slice(LEAD, LEAD + seconds * NODES_PER_S + 1))


def mids(venue, asset, seed, minutes):
    """Return the moves of a venue's mid over ``minutes``, in ticks."""
    params = SimulationParams(seed=seed, assets=(asset,), venues=(venue,))
    efficient = EfficientPrices(params)
    price = VenuePrice(venue, seed, efficient)
    moves, first = [], None
    for minute in range(minutes):
        node = minute * NODES_PER_MINUTE
        efficient.prepare(node, node + NODES_PER_MINUTE)
        times, after, _ = price.advance(node, node + NODES_PER_MINUTE)
        first = price.first_mid if first is None else first
        assert np.all(np.diff(times) > 0)
        moves.append(after)
    return np.diff(np.concatenate([[first], *moves]))


@pytest.mark.parametrize("sigma_ticks", [0.5, 1.0, 4.0])
def test_the_mid_moves_by_single_ticks_with_the_variance_of_the_price(sigma_ticks):
    seconds = round(14_400 / max(sigma_ticks, 1.0) ** 2 / 60) * 60
    moves = mids(Venue(), Asset(price=1000.0, sigma_price_per_sqrt_s=0.01 * sigma_ticks), 3, seconds // 60)
    assert set(np.unique(moves)) <= {-1, 1}
    # Exit times of a unit interval have mean 1 and variance 2/3, so their count has variance 2/3 of its mean.
    expected = sigma_ticks**2 * seconds
    assert abs(len(moves) - expected) < 4 * np.sqrt(2 / 3 * expected)
    # No direction, no memory: neither bid-ask bounce nor momentum.
    assert abs(moves.sum()) < 4 * np.sqrt(len(moves))
    assert abs(np.sum(moves[1:] * moves[:-1])) < 4 * np.sqrt(len(moves))


def test_the_mid_stays_within_a_tick_of_the_price_it_follows():
    rng = np.random.default_rng(5)
    prices = np.cumsum(np.concatenate([[0.0], rng.normal(0, 0.3, 20_000)]))
    times, after = visits(prices[:-1], prices[1:], np.full(20_000, 0.09), 0, rng)
    at_node = np.concatenate([[0], after])[np.searchsorted(times, np.arange(20_001), side="right")]
    assert np.abs(prices - at_node).max() < 1.0 + 1e-9


def test_a_jump_moves_the_mid_at_once_to_the_last_tick_on_its_way():
    starts, ends = np.array([0.2, 5.7, 5.6]), np.array([0.1, 5.6, 5.5])
    times, after = visits(starts, ends, np.full(3, 1e-9), 0, np.random.default_rng(0))
    assert times == [1.0]
    assert after == [5]


def test_the_first_passage_of_a_bridge_has_its_exact_law():
    # P(max over [0, s] >= a | W_1 = y), s = 1/2, by quadrature over the middle of the bridge.
    distance, beyond, variance = 0.6, 0.3, 0.5
    rng = np.random.default_rng(11)
    times = np.array([bridge_hitting_time(distance, beyond, variance, rng) for _ in range(20_000)])
    end = distance + beyond
    grid = np.linspace(-6, 6, 200_001)
    density = np.exp(-((grid - end / 2) ** 2) / (2 * variance / 4)) / np.sqrt(2 * np.pi * variance / 4)
    hit = np.where(grid >= distance, 1.0, np.exp(-2 * distance * (distance - grid) / (variance / 2)))
    expected = np.trapezoid(density * hit, grid)
    assert abs(np.mean(times < 0.5) - expected) < 4 * np.sqrt(expected * (1 - expected) / len(times))


def test_the_efficient_price_diffuses_with_sigma_and_jumps_as_told():
    quiet = Asset(sigma_price_per_sqrt_s=0.02)
    seconds = 4 * 3600
    steps = np.diff(path(SimulationParams(assets=(quiet,), duration_s=seconds), "SOL", seconds)[::NODES_PER_S])
    assert abs(np.var(steps) / 0.02**2 - 1) < 4 * np.sqrt(2 / len(steps))

    jumps = Jumps(rate_per_s=0.05, size_mean_price=0.3, size_sd_price=0.4)
    jumpy = Asset(sigma_price_per_sqrt_s=0.0, jumps=jumps)
    changes = np.diff(path(SimulationParams(assets=(jumpy,), duration_s=seconds), "SOL", seconds))
    expected = 0.05 * seconds
    assert abs(np.count_nonzero(changes) - expected) < 4 * np.sqrt(expected) + 4
    assert abs(changes.sum() - 0.3 * expected) < 4 * np.sqrt(expected * (0.3**2 + 0.4**2))


def test_assets_correlate_as_told():
    assets = tuple(Asset(name=name) for name in ("AAA", "BBB", "CCC"))
    correlation = ((1.0, 0.8, 0.3), (0.8, 1.0, -0.1), (0.3, -0.1, 1.0))
    venues = tuple(Venue(asset=asset.name) for asset in assets)
    params = SimulationParams(assets=assets, venues=venues, correlation=correlation)
    steps = [np.diff(path(params, asset.name, 3600)) for asset in assets]
    found = np.corrcoef(steps)
    tolerance = 4 * (1 - np.square(correlation)) / np.sqrt(len(steps[0])) + 1e-12
    assert np.all(np.abs(found - correlation) < tolerance)


def test_an_episode_drifts_jumps_and_multiplies_volatility_within_its_time_only():
    crash = Episode(start_s=100.03, duration_s=60.0, price_change=-8.0)
    news = Episode(start_s=200.0, duration_s=10.0, jump_price=2.0)
    asset = Asset(sigma_price_per_sqrt_s=0.0, episodes=(crash, news))
    values = path(SimulationParams(assets=(asset,)), "SOL", 300)
    at = {second: values[second * NODES_PER_S] for second in (0, 100, 130, 161, 199, 201, 299)}
    assert at[0] == at[100] == 100.0
    assert at[130] == pytest.approx(100 - 8 * 29.97 / 60)
    assert at[161] == at[199] == pytest.approx(92.0)
    assert at[201] == at[299] == pytest.approx(94.0)

    wild = Asset(episodes=(Episode(start_s=1800.0, duration_s=1800.0, volatility_multiplier=5.0),))
    steps = np.diff(path(SimulationParams(assets=(wild,)), "SOL", 3600))
    ratio = np.var(steps[1800 * NODES_PER_S :]) / np.var(steps[: 1800 * NODES_PER_S])
    assert abs(ratio / 25 - 1) < 4 * np.sqrt(4 / (1800 * NODES_PER_S))


def test_only_what_is_needed_is_held():
    efficient = EfficientPrices(PRESETS["calm"])
    for minute in range(60):
        efficient.prepare(minute * NODES_PER_MINUTE, (minute + 1) * NODES_PER_MINUTE + 200)
        assert efficient._prices.shape[1] <= 4 * NODES_PER_MINUTE


def test_basis_and_noise_are_stationary_around_their_mean():
    basis = MeanReverting(mean_price=0.5, sd_price=0.1, half_life_s=5.0)
    venue = Venue(basis=basis, tick_price="0.5")
    params = SimulationParams(assets=(Asset(sigma_price_per_sqrt_s=0.0),), venues=(venue,))
    efficient = EfficientPrices(params)
    price = VenuePrice(venue, 1, efficient)
    values = []
    for node in range(0, 240 * NODES_PER_MINUTE, NODES_PER_MINUTE):
        efficient.prepare(node, node + NODES_PER_MINUTE)
        values.append(price.advance(node, node + NODES_PER_MINUTE)[2] - 100.0)
    values = np.concatenate(values)
    tau = 5.0 / np.log(2)
    effective = 240 * 60 / (2 * tau)
    assert abs(values.mean() - 0.5) < 4 * 0.1 / np.sqrt(effective)
    assert abs(values.var() / 0.01 - 1) < 4 * np.sqrt(2 / (240 * 60 / tau))
    half_life = 5 * NODES_PER_S
    centred = values - values.mean()
    assert np.mean(centred[half_life:] * centred[:-half_life]) / values.var() == pytest.approx(0.5, abs=0.1)
