"""What a stress scenario does, done to the market of a run.

The simulator's presets say what happens to its calm market: `SOLUSDT` at 100 with a tick of 0.01 and a volatility of
0.01 per square-root second. Here the same happens to another market, by these rules:

- every *move of the price* (drift of an episode, jump, standard deviation of jumps) keeps its size in volatilities:
  it is multiplied by the market's volatility over the calm one's. Where the scenario would take more than half of the
  price, all its moves shrink together to that;
- every *multiplier* (volatility, spread, displayed size) and every share of informed orders is the preset's own: how
  wide and how large relative to the market before;
- the *rate of market orders* at the touch changes by as much as it does in the preset. There a wider spread thins it
  out by ``exp(-k h)``, so where flow dies away faster over a half-spread than in the calm market, the multiplier of a
  side makes up for it;
- *times* are the preset's own: it starts after five minutes, when estimators have warmed up;
- clustering of market orders and the horizon of the informed are the preset's, and so is the rate of passive book
  updates relative to the calm one.

Everything else is the run's market: instrument, price, tick, lot, spread in ticks, volatility, sizes, and the rate and
reach of market orders. With several assets it happens to all of them at once, with the same sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Final, Literal

from mm_nautilus.catalog.simulator import PRESETS, SimulationParams
from mm_nautilus.catalog.simulator.params import Asset, Episode, Hits, Jumps, Venue

LARGEST_MOVE: Final = 0.5
"""Of an asset's price: what the moves of a scenario may take of it together."""

MOST_MADE_UP: Final = 10_000.0
"""Largest factor on a rate of market orders that makes up for a wider spread."""

_CALM: Final = PRESETS["calm"]


def scenario_market(market: SimulationParams, scenario: str, duration_s: float | None = None) -> SimulationParams:
    """Return a market to which a scenario happens.

    Parameters
    ----------
    market : SimulationParams
        The market before; its own episodes are left out.
    scenario : str
        One of `mm_nautilus.catalog.simulator.STRESS_SCENARIOS`.
    duration_s : float or None
        Length in seconds; the preset's own by default.

    """
    preset = PRESETS[scenario]
    tree = market.model_dump() | {
        "name": scenario,
        "duration_s": duration_s or preset.duration_s,
        "assets": [_asset(asset, preset.assets[0], market.venues).model_dump() for asset in market.assets],
        "venues": [_venue(venue, preset.venues[0]).model_dump() for venue in market.venues],
    }
    return SimulationParams.model_validate(tree)


def price_factor(asset: Asset, scenario: str) -> float:
    """Return by what the price moves of a preset are multiplied for an asset, in price units of the asset's market."""
    return _factor(asset, PRESETS[scenario].assets[0])


def _factor(asset: Asset, preset: Asset) -> float:
    calm = _CALM.assets[0].sigma_price_per_sqrt_s
    largest, level = 0.0, 0.0
    for episode in preset.episodes:
        for move in (episode.jump_price, episode.price_change):
            level += move
            largest = max(largest, abs(level))
    most = LARGEST_MOVE * asset.price / largest if largest else float("inf")
    return min(asset.sigma_price_per_sqrt_s / calm, most)


def _asset(asset: Asset, preset: Asset, venues: Sequence[Venue]) -> Asset:
    factor, listed = _factor(asset, preset), [venue for venue in venues if venue.asset == asset.name]
    jumps = Jumps(
        rate_per_s=preset.jumps.rate_per_s,
        size_mean_price=factor * preset.jumps.size_mean_price,
        size_sd_price=factor * preset.jumps.size_sd_price,
    )
    return asset.model_copy(
        update={
            "jumps": jumps if preset.jumps.rate_per_s else asset.jumps,
            "episodes": tuple(_episode(one, factor, listed) for one in preset.episodes),
        }
    )


def _episode(episode: Episode, factor: float, venues: Sequence[Venue]) -> Episode:
    widening = episode.half_spread_multiplier
    return episode.model_copy(
        update={
            "price_change": factor * episode.price_change,
            "jump_price": factor * episode.jump_price,
            "bid_hit_multiplier": episode.bid_hit_multiplier * _made_up("bid", venues, widening),
            "ask_hit_multiplier": episode.ask_hit_multiplier * _made_up("ask", venues, widening),
        }
    )


def _made_up(side: Literal["bid", "ask"], venues: Sequence[Venue], widening: float) -> float:
    """Return what brings the touch's rate to where it is in the preset; the mean over the venues, in logarithms."""
    calm = _thinning(_CALM.venues[0], side, widening)
    extra = [_thinning(venue, side, widening) - calm for venue in venues]
    return min(exp(sum(extra) / len(extra)), MOST_MADE_UP) if extra else 1.0


def _thinning(venue: Venue, side: Literal["bid", "ask"], widening: float) -> float:
    """Return the logarithm of the factor by which a wider spread thins out a side's market orders, at least 0."""
    hits: Hits = getattr(venue, side)
    ticks = max(1, round(venue.half_spread_ticks * widening)) - venue.half_spread_ticks
    return hits.k_per_price * ticks * float(venue.tick_price)


def _venue(venue: Venue, preset: Venue) -> Venue:
    calm = _CALM.venues[0]
    own = {name: getattr(preset, name) for name in ("excitation", "informed")}
    changed = {name: value for name, value in own.items() if value != getattr(calm, name)}
    updates = venue.book_updates_per_s * preset.book_updates_per_s / calm.book_updates_per_s
    return venue.model_copy(update=changed | {"book_updates_per_s": updates})
