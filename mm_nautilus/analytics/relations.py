"""How the instruments of a run move together: who leads whom, what they trade apart, and how they correlate.

Leads and correlations within an asset are taken tick by tick (`mm_nautilus.estimators.lead_lag`, `hayashi_yoshida`),
where sampling would hide them; those between assets from prices sampled five seconds apart. Everything is about the
data of the whole run: nothing of it was known to the strategy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Final

import numpy as np

from mm_nautilus.analytics.hedged_edge import Fees, HedgedEdge, Ticks, hedged_edge
from mm_nautilus.estimators.covariance import LEAST_STEP_S, covariance, previous_tick
from mm_nautilus.estimators.hayashi_yoshida import hayashi_yoshida
from mm_nautilus.estimators.lead_lag import lead_lag, lead_lag_weights

_SIDE: Final = (
    0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0,
)  # fmt: skip
LAGS_S: Final = (*(-lag for lag in reversed(_SIDE)), 0.0, *_SIDE)
"""Lags tried, in seconds."""
_GRID_NS: Final = 1_000_000_000
_MOST_STEPS: Final = 200_000


@dataclass(frozen=True, slots=True)
class PutIn:
    """What a simulated market was made with: its lag behind the asset's price, and its mean basis in price units."""

    lag_s: float
    basis: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two instruments of one asset.

    Parameters
    ----------
    first, second : str
        Instruments.
    lead_s : float
        Seconds by which the first leads, at the strongest correlation.
    peak, noise : float
        Correlation there, and the standard deviation of one between unrelated prices.
    clear : bool
        Whether the peak stands out of that.
    first_share : float
        Share of the squared correlation off lag 0 at which the first leads.
    correlation, correlation_error : float
        Hayashi-Yoshida, at lag 0.
    basis, basis_sd : float
        Mean and standard deviation of second less first over samples a second apart, in price units.
    basis_bps : float
        The mean, of the first one's mean price.
    lags_s, correlations : tuple of float
        The whole curve.
    put_in_lead_s, put_in_basis : float | None
        What the market was simulated with.

    """

    first: str
    second: str
    lead_s: float
    peak: float
    noise: float
    clear: bool
    first_share: float
    correlation: float
    correlation_error: float
    basis: float
    basis_sd: float
    basis_bps: float
    lags_s: tuple[float, ...]
    correlations: tuple[float, ...]
    put_in_lead_s: float | None
    put_in_basis: float | None


@dataclass(frozen=True, slots=True)
class AssetRelations:
    """One asset's instruments.

    Parameters
    ----------
    pairs : tuple of Pair
        Every pair.
    weights : mapping of instrument to float
        What its lead earns each one in a consolidated value.
    hedged : tuple of HedgedEdge
        What a fill on one leaves after a hedge on another, by latency.

    """

    pairs: tuple[Pair, ...]
    weights: dict[str, float]
    hedged: tuple[HedgedEdge, ...]


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations of returns between instruments, sampled `step_s` apart, not shrunk; with their standard errors."""

    instruments: tuple[str, ...]
    step_s: float
    samples: int
    correlation: tuple[tuple[float, ...], ...]
    errors: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Relations:
    """How the instruments of a run move together.

    Parameters
    ----------
    assets : mapping of asset to AssetRelations
        Assets that trade on several instruments.
    correlations : Correlations | None
        Between all instruments; ``None`` where the data are too short.

    """

    assets: dict[str, AssetRelations]
    correlations: Correlations | None


def relations(
    ticks: Mapping[str, Ticks],
    assets: Mapping[str, str],
    fees: Mapping[str, Fees] | None = None,
    put_in: Mapping[str, PutIn] | None = None,
) -> Relations | None:
    """Return how instruments move together, ``None`` where fewer than two of them have prices.

    Parameters
    ----------
    ticks : mapping of instrument to Ticks
        Their best prices.
    assets : mapping of instrument to str
        What each one trades.
    fees : mapping of instrument to Fees, optional
        Those of its venue; none where left out.
    put_in : mapping of instrument to PutIn, optional
        What is known of a simulated market.

    """
    known = {name: one for name, one in ticks.items() if len(one.mids()[0]) > 1}
    if len(known) < 2:
        return None
    groups: dict[str, list[str]] = {}
    for name in known:
        groups.setdefault(assets[name], []).append(name)
    charged = dict.fromkeys(known, Fees()) | dict(fees or {})
    found = {asset: _asset(names, known, charged, put_in or {}) for asset, names in groups.items() if len(names) > 1}
    return Relations({asset: one for asset, one in found.items() if one.pairs}, _correlations(known))


def _asset(
    names: Sequence[str], ticks: dict[str, Ticks], fees: dict[str, Fees], put_in: Mapping[str, PutIn]
) -> AssetRelations:
    pairs = []
    shares = np.full((len(names), len(names)), 0.5)
    for (i, first), (j, second) in combinations(enumerate(names), 2):
        pair = _pair(first, second, ticks, put_in)
        if pair is not None:
            pairs.append(pair)
            shares[i, j], shares[j, i] = pair.first_share, 1.0 - pair.first_share
    weights = dict(zip(names, lead_lag_weights(shares).tolist(), strict=True))
    together = [name for name in names if any(name in {pair.first, pair.second} for pair in pairs)]
    edges = [hedged_edge(maker, hedge, ticks, fees) for maker, hedge in permutations(together, 2)]
    return AssetRelations(tuple(pairs), weights, tuple(edge for edge in edges if edge is not None))


def _pair(first: str, second: str, ticks: Mapping[str, Ticks], put_in: Mapping[str, PutIn]) -> Pair | None:
    (one_ns, one), (other_ns, other) = ticks[first].mids(), ticks[second].mids()
    lead = lead_lag(one_ns, one, other_ns, other, LAGS_S)
    related = hayashi_yoshida(one_ns, one, other_ns, other)
    if lead is None or related is None:
        return None
    begin, end = max(one_ns[0], other_ns[0]), min(one_ns[-1], other_ns[-1])
    grid = np.arange(begin, end + 1, max(_GRID_NS, -(-int(end - begin) // _MOST_STEPS)))
    at_one = one[np.searchsorted(one_ns, grid, side="right") - 1]
    at_other = other[np.searchsorted(other_ns, grid, side="right") - 1]
    basis = at_other - at_one
    known = put_in.get(first), put_in.get(second)
    return Pair(
        first=first,
        second=second,
        lead_s=lead.lead_s,
        peak=lead.peak,
        noise=lead.noise,
        clear=lead.clear,
        first_share=lead.first_share,
        correlation=related.correlation,
        correlation_error=related.error,
        basis=float(basis.mean()),
        basis_sd=float(basis.std()),
        basis_bps=1e4 * float(basis.mean()) / float(at_one.mean()),
        lags_s=tuple(lead.lags_s.tolist()),
        correlations=tuple(lead.correlations.tolist()),
        put_in_lead_s=None if known[0] is None or known[1] is None else known[1].lag_s - known[0].lag_s,
        put_in_basis=None if known[0] is None or known[1] is None else known[1].basis - known[0].basis,
    )


def _correlations(ticks: Mapping[str, Ticks]) -> Correlations | None:
    mids = [one.mids() for one in ticks.values()]
    begin, end = max(int(ts_ns[0]) for ts_ns, _ in mids), min(int(ts_ns[-1]) for ts_ns, _ in mids)
    if end <= begin:
        return None
    step_s = max(LEAST_STEP_S, math.ceil((end - begin) / _MOST_STEPS / 1e9))
    prices = previous_tick([(ts_ns, np.log(mid)) for ts_ns, mid in mids], step_s, begin, end)
    found = covariance(prices, step_s, shrink=False)
    if found is None:
        return None
    correlation, errors = (tuple(map(tuple, matrix.tolist())) for matrix in (found.correlation, found.errors))
    return Correlations(tuple(ticks), step_s, found.samples, correlation, errors)
