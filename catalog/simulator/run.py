"""Simulate a market into a catalogue, minute by minute."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mm_nautilus.catalog.columns import F_LAST
from mm_nautilus.catalog.simulator.efficient import BLOCK, NODES_PER_S, STEP_S, EfficientPrices
from mm_nautilus.catalog.simulator.instruments import instrument
from mm_nautilus.catalog.simulator.market import Stretch, VenueMarket, start_ns
from mm_nautilus.catalog.simulator.params import MAX_LAG_S, SimulationParams, Venue
from mm_nautilus.catalog.simulator.truth import SimulationTruth, TruthTables, VenueTruth
from mm_nautilus.catalog.store import CatalogWriter

_VERSION: Final = 1
"""Raise it when the same parameters come to mean other data."""


def simulate(
    params: SimulationParams,
    catalog: Path,
    *,
    replace: bool = False,
    progress: Callable[[float], None] | None = None,
) -> SimulationTruth:
    """Simulate a market and write its instruments, book deltas, trades, quotes and ground truth.

    The same parameters give the same bytes; a catalogue that already holds them is left as it is. Memory does not grow
    with the duration: one minute is made at a time.

    Parameters
    ----------
    params : SimulationParams
        The market.
    catalog : Path
        Catalogue folder; made if missing.
    replace : bool
        Remove overlapping data of the same instruments, instead of refusing.
    progress : callable
        Told the simulated seconds that are done, about once per simulated minute.

    Returns
    -------
    SimulationTruth
        Parameters and realised counts; its tables of market orders and prices are read with
        `SimulationTruth.orders` and `SimulationTruth.prices`.

    Raises
    ------
    CatalogError
        The catalogue holds other data of these instruments at these times.
    PriceRangeError
        A price fell so far that its book no longer fits above zero.

    """
    tables = TruthTables(catalog, params.name)
    with tables, CatalogWriter(catalog, fingerprint=fingerprint(params), replace=replace) as writer:
        if writer.already_ingested and tables.exist:
            return SimulationTruth.load(catalog, params.name)
        truth = _run(params, writer, tables, progress or (lambda _: None))
        writer.document(SimulationTruth.document(params.name), truth.model_dump(mode="json"))
    return truth


def fingerprint(params: SimulationParams) -> str:
    """Return the identity of the data that ``params`` give."""
    return sha256(f"simulator {_VERSION} {params.model_dump_json()}".encode()).hexdigest()


def _run(
    params: SimulationParams, writer: CatalogWriter, tables: TruthTables, progress: Callable[[float], None]
) -> SimulationTruth:
    begin_ns = start_ns(params)
    efficient = EfficientPrices(params)
    markets = [VenueMarket(venue, params, efficient) for venue in params.venues]
    tallies = [_Tally(venue) for venue in params.venues]
    for venue in params.venues:
        writer.instrument(instrument(venue, begin_ns))
    horizon = round(max(venue.informed.horizon_s for venue in params.venues) / STEP_S) + 2
    soonest = min(venue.lag_s for venue in params.venues)
    node = 0
    while (time_s := node / NODES_PER_S - MAX_LAG_S) + soonest < params.duration_s:
        efficient.prepare(node, node + BLOCK + horizon)
        for asset in params.assets:
            path = efficient.prices(asset.name, slice(node, node + BLOCK))
            _append_seconds(tables, params, asset.name, time_s, path)
        for market, tally in zip(markets, tallies, strict=True):
            path, stretch = market.advance(node, node + BLOCK)
            _append_seconds(tables, params, market.venue.instrument_id, time_s + market.venue.lag_s, path)
            if stretch is not None:
                for table in (stretch.deltas, stretch.trades, stretch.quotes):
                    writer.append(table)
                tables.append("orders", stretch.orders)
                tally.add(stretch)
        node += BLOCK
        progress(min(node / NODES_PER_S - MAX_LAG_S, params.duration_s))
    return SimulationTruth(params=params, venues=tuple(tally.total(params.duration_s) for tally in tallies))


def _append_seconds(
    tables: TruthTables, params: SimulationParams, series: str, time_s: float, path: npt.NDArray[np.float64]
) -> None:
    """Keep every whole second of a path that begins at ``time_s`` on the grid and lies within the data."""
    seconds = time_s + np.arange(0, len(path), NODES_PER_S) / NODES_PER_S
    within = (seconds >= 0) & (seconds < params.duration_s)
    if within.any():
        times_ns = start_ns(params) + np.rint(seconds[within] * 1e9).astype(np.int64)
        tables.append_prices(series, times_ns, path[::NODES_PER_S][within])


class _Tally:
    """Counts of one venue, added up stretch by stretch."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._counts: dict[str, int] = {}
        self._squares = 0
        self._mid: int | None = None

    def add(self, stretch: Stretch) -> None:
        """Count one stretch."""
        moves = np.diff(stretch.mids, prepend=stretch.mids[0] if self._mid is None else self._mid)
        self._mid = int(stretch.mids[-1])
        self._squares += int(np.sum(moves**2))
        aggressors: Any = stretch.orders["aggressor_side"].to_pylist()
        counts = {
            "book_events": int(np.count_nonzero(stretch.deltas["flags"].to_numpy() & F_LAST)),
            "deltas": stretch.deltas.num_rows,
            "trades": stretch.trades.num_rows,
            "quotes": stretch.quotes.num_rows,
            "bid_market_orders": aggressors.count("SELL"),
            "ask_market_orders": aggressors.count("BUY"),
            "informed_market_orders": stretch.orders["informed"].to_pylist().count(True),
            "mid_moves": int(np.count_nonzero(moves)),
        }
        self._counts = {name: self._counts.get(name, 0) + count for name, count in counts.items()}

    def total(self, duration_s: float) -> VenueTruth:
        """Return what was counted."""
        return VenueTruth(
            instrument_id=self._venue.instrument_id,
            realised_variance_price2_per_s=self._squares * float(self._venue.tick_price) ** 2 / duration_s,
            **self._counts,
        )
