"""What episodes make of the market at a given time: piecewise constant regimes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from mm_nautilus.catalog.simulator.params import Episode


@dataclass(frozen=True, slots=True)
class Regime:
    """The product of the episodes that are on; see `Episode` for the fields."""

    volatility_multiplier: float
    half_spread_multiplier: float
    size_multiplier: float
    bid_hit_multiplier: float
    ask_hit_multiplier: float
    informed_share: float | None


def regime_at(episodes: Sequence[Episode], time_s: float) -> Regime:
    """Return the regime at ``time_s`` on the asset's clock."""
    active = [episode for episode in episodes if episode.start_s <= time_s < episode.end_s]
    shares = [episode.informed_share for episode in active if episode.informed_share is not None]
    return Regime(
        prod(episode.volatility_multiplier for episode in active),
        prod(episode.half_spread_multiplier for episode in active),
        prod(episode.size_multiplier for episode in active),
        prod(episode.bid_hit_multiplier for episode in active),
        prod(episode.ask_hit_multiplier for episode in active),
        shares[-1] if shares else None,
    )


def segments(episodes: Sequence[Episode], start_s: float, end_s: float) -> Iterator[tuple[float, float, Regime]]:
    """Cut ``[start_s, end_s)`` where the regime changes; yield start, end and regime of each piece."""
    edges = {edge for episode in episodes for edge in (episode.start_s, episode.end_s) if start_s < edge < end_s}
    cuts = [start_s, *sorted(edges), end_s]
    for begin, end in pairwise(cuts):
        yield begin, end, regime_at(episodes, begin)
