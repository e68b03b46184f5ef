"""Market orders arrive with the stated intensities, excite each other as told, and know what they are told to know."""

import numpy as np
import pytest

from mm_nautilus.catalog.simulator import SimulationParams
from mm_nautilus.catalog.simulator.efficient import NODES_PER_S, EfficientPrices
from mm_nautilus.catalog.simulator.flow import ASK, BID, OrderFlow
from mm_nautilus.catalog.simulator.params import MAX_LAG_S, Asset, Episode, Excitation, Hits, Informed, Venue

LEAD = round(MAX_LAG_S * NODES_PER_S)


def orders(venue, hours, *, seed=1, asset=None):
    """Return times, hit sides, extra ticks, informed flags and sizes of market orders, and the price by node."""
    assets = (asset or Asset(price=1000.0),)
    params = SimulationParams(seed=seed, duration_s=hours * 3600, venues=(venue,), assets=assets)
    efficient = EfficientPrices(params)
    flow = OrderFlow(venue, params, efficient)
    minute = 60 * NODES_PER_S
    reach = round(venue.informed.horizon_s * NODES_PER_S) + 2
    parts, prices = [], []
    for node in range(0, round(hours * 60) * minute, minute):
        # A lagging venue's minute begins earlier on the asset's clock.
        efficient.prepare(node, node + LEAD + minute + reach)
        parts.append(flow.advance(node / NODES_PER_S, (node + minute) / NODES_PER_S))
        prices.append(efficient.prices("SOL", slice(node, node + minute)))
    prices.append(efficient.prices("SOL", slice(node + minute, node + LEAD + minute + reach)))
    columns = ("times", "hit_sides", "extra_levels", "informed", "sizes_base")
    return *(np.concatenate([getattr(part, column) for part in parts]) for column in columns), np.concatenate(prices)


@pytest.mark.parametrize("excitation", [Excitation(), Excitation(branching_ratio=0.6, decay_per_s=2.0)])
def test_hits_at_every_depth_follow_the_exponential_law_of_their_side(excitation):
    venue = Venue(
        half_spread_ticks=2, bid=Hits(a_per_s=1.5, k_per_price=40.0), ask=Hits(a_per_s=0.8, k_per_price=20.0),
        excitation=excitation,
    )  # fmt: skip
    seconds = 4 * 3600
    times, sides, extra, _, _, _ = orders(venue, 4)
    assert np.all(np.diff(times) >= 0)
    assert 0 <= times[0] <= times[-1] < seconds
    for side, hits in ((BID, venue.bid), (ASK, venue.ask)):
        for depth in (2, 3, 5, 8, 12):
            expected = hits.a_per_s * np.exp(-hits.k_per_price * 0.01 * depth) * seconds
            touched = np.count_nonzero(extra[sides == side] + 2 >= depth)
            # Depths do not depend on times: thinning by p leaves a dispersion of 1 + p ((1 - n)**-2 - 1).
            share = np.exp(-hits.k_per_price * 0.01 * (depth - 2))
            dispersion = 1 + share * ((1 - excitation.branching_ratio) ** -2 - 1)
            assert abs(touched - expected) < 4 * np.sqrt(expected * dispersion), (side, depth)


def test_excitation_clusters_orders_of_a_side_as_the_branching_ratio_says():
    venue = Venue(excitation=Excitation(branching_ratio=0.6, decay_per_s=2.0))
    times, sides, *_ = orders(venue, 12)
    width = 60.0  # long against the clusters, so that a window's dispersion is close to that of all time
    counts = {s: np.histogram(times[sides == s], np.arange(0, 12 * 3600 + 1, width))[0] for s in (BID, ASK)}
    for count in counts.values():
        dispersion = count.var(ddof=1) / count.mean()
        # Exact for the exponential kernel: (1-n)^-2 - (1 - (1-n)^2)(1 - exp(-g w)) / ((1-n)^2 g w), g = (1-n) decay.
        free, g = 0.4**-2, 0.4 * 2.0
        expected = free - (free - 1) * (1 - np.exp(-g * width)) / (g * width)
        assert abs(dispersion / expected - 1) < 4 * np.sqrt(2 / len(count)) * 1.2
    correlation = np.corrcoef(counts[BID], counts[ASK])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(counts[BID]))


def test_the_first_minutes_are_as_busy_as_the_rest():
    venue = Venue(excitation=Excitation(branching_ratio=0.6, decay_per_s=0.05))
    counts = np.array([len(orders(venue, 1 / 30, seed=seed)[0]) for seed in range(60)])
    expected = 2 * np.exp(-0.5) * 120
    # Started empty, the first two minutes would have a fifth less.
    assert 4 * counts.std(ddof=1) / np.sqrt(len(counts)) < 0.15 * expected
    assert abs(counts.mean() - expected) < 4 * counts.std(ddof=1) / np.sqrt(len(counts))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 1.0])
def test_the_informed_share_is_kept_and_the_rate_does_not_depend_on_it(share):
    venue = Venue(informed=Informed(share=share, horizon_s=5.0), ask=Hits(a_per_s=0.7, k_per_price=50.0))
    hours = 6
    times, sides, _, informed, _, prices = orders(venue, hours)
    node = np.floor(times * NODES_PER_S + 1e-9).astype(np.int64) + LEAD
    later = np.floor((times + 5.0) * NODES_PER_S + 1e-9).astype(np.int64) + LEAD
    coming = prices[later] - prices[node]
    direction = np.where(sides == ASK, 1, -1)
    assert np.all(coming[informed] * direction[informed] > 0)
    assert abs(informed.mean() - share) <= 4 * np.sqrt(share * (1 - share) / len(times)) * 1.5
    for side, hits in ((BID, venue.bid), (ASK, venue.ask)):
        expected = hits.a_per_s * np.exp(-0.5) * hours * 3600
        # The direction of the coming move holds for about the horizon, so a side's informed orders come in bouts:
        # the rate is modulated by 1 +- share with correlation time of about horizon / 2.
        modulation = share**2 * expected**2 * 5.0 / (hours * 3600)
        assert abs(np.count_nonzero(sides == side) - expected) < 4 * np.sqrt(expected + modulation)
    uninformed = ~informed
    if uninformed.any():
        knows = np.mean(coming[uninformed] * direction[uninformed] > 0)
        assert abs(knows - 0.5) < 4 * 0.5 / np.sqrt(uninformed.sum())


def test_an_episode_changes_rates_of_each_side_and_the_informed_share_while_it_lasts():
    episode = Episode(
        start_s=3600.0, duration_s=3600.0, bid_hit_multiplier=3.0, ask_hit_multiplier=0.2, half_spread_multiplier=2.0,
        informed_share=0.5,
    )  # fmt: skip
    venue = Venue(lag_s=5.0)
    times, sides, _, informed, _, _ = orders(venue, 3, asset=Asset(price=1000.0, episodes=(episode,)))
    on = (times >= 3605.0) & (times < 7205.0)
    assert informed[on].mean() == pytest.approx(0.5, abs=0.05)
    assert not informed[~on].any()
    for side, multiplier in ((BID, 3.0), (ASK, 0.2)):
        inside, outside = np.count_nonzero(on & (sides == side)), np.count_nonzero(~on & (sides == side))
        for count, expected in ((inside, 3600 * multiplier * np.exp(-1.0)), (outside, 7200 * np.exp(-0.5))):
            assert abs(count - expected) < 5 * np.sqrt(expected)


def test_sizes_at_the_last_level_have_their_minimum_and_mean():
    sizes = orders(Venue(), 4)[4]
    assert sizes.min() >= 1.0
    assert abs(sizes.mean() - 2.0) < 4 / np.sqrt(len(sizes))
