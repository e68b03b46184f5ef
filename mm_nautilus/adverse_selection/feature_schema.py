r"""Which features of a fill there are: names, formulas and units, and the identity of the list.

A fill of our side ``s`` (+1 bought, -1 sold). *Against* means signed by ``-s``: positive is pressure that moves the
price against the position the fill leaves us with. ``M`` is the mid, :math:`\sigma` the strategy's volatility in price
per square-root second, ``D`` the average size of a best quote over the last half minute, in base units. Everything is
as of the instant before the fill.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mm_nautilus.adverse_selection.fill_settings import FeatureSettings

VERSION: Final = 1
"""Raise it when a name comes to mean something else."""

_ALWAYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "queue_imbalance_against": "-s (Qb - Qa)/(Qb + Qa) at the best quotes, in [-1, 1]",
        "spread_ticks": "(best ask - best bid)/tick",
        "return_1s_against": "-s (M - M 1 s ago)/(sigma sqrt(1 s))",
        "return_5s_against": "-s (M - M 5 s ago)/(sigma sqrt(5 s))",
        "return_30s_against": "-s (M - M 30 s ago)/(sigma sqrt(30 s))",
        "ofi_1s_against": "-s OFI/D over 1 s (Cont, Kukanov and Stoikov 2014)",
        "ofi_10s_against": "-s OFI/D over 10 s",
        "trade_imbalance_against": "-s (B - S)/(B + S) of takers' volumes, half-life 10 s, in [-1, 1]",
        "trade_flow_2s_against": "-s (B - S)/D of takers' volumes, half-life 2 s",
        "trade_flow_10s_against": "-s (B - S)/D, half-life 10 s",
        "trade_rate_per_s": "trades per second, half-life 10 s",
        "volume_ratio": "volume rate of half-life 60 s over that of 1800 s",
        "trade_age_s": "seconds since the last trade of anybody, at most 600",
        "own_fill_age_s": "seconds since our last fill on this side, at most 600",
        "own_fills_60s": "our fills on this side in the last 60 s, at most 256",
        "own_fills_60s_opposite": "our fills on the other side in the last 60 s, at most 256",
        "distance_sigma": "s (M - p)/(sigma sqrt(1 s)) for our price p",
        "distance_ticks": "s (best price of our side - p)/tick",
        "order_age_s": "seconds since the venue gave the order its price, at most 600",
        "queue_ahead": "size estimated to trade before our order, over D, at most 20",
        "displayed": "size shown at the best price of our side, over D, at most 20",
        "volatility_ratio": "volatility of the mid over 10 s (half-life), over sigma, at most 20",
        "inventory_share": "s position/limit: positive where the fill adds to the position, in [-1, 1]",
    }
)
_VPIN: Final = ("vpin_rank", "share of past VPIN levels not above the present one, in [0, 1]; 0.5 before there is one")


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """Names and meaning of a feature vector's entries, in their order."""

    described: Mapping[str, str]
    """Name -> formula and unit."""
    settings: FeatureSettings

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names in the order of the vector."""
        return tuple(self.described)

    @property
    def digest(self) -> str:
        """Return the identity: 16 hexadecimal digits that differ where names, meaning or settings do."""
        text = f"{VERSION}\n{dict(self.described)}\n{self.settings.model_dump_json()}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def feature_schema(settings: FeatureSettings) -> FeatureSchema:
    """Return the features there are under some settings."""
    described = dict(_ALWAYS)
    if settings.vpin_bucket_volume is not None:
        described[_VPIN[0]] = _VPIN[1]
    return FeatureSchema(MappingProxyType(described), settings)
