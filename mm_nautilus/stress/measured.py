"""The market of a run as the simulator would make it on a day on which nothing happens.

A run on a simulated market says what that is. One on recorded data is measured, over the run's own window:

- *price level*: the median mid; *tick, lot* and everything else about the contract: the catalogue's instrument itself;
- *spread*: half the median spread in quoted time, in whole ticks and at least one; the simulator's spread is an even
  number of ticks, so a market one tick wide comes out two ticks wide;
- *volatility*: of the mid sampled once a second, free of microstructure noise where that can be told
  (`mm_nautilus.calibrate.sigma`);
- *rate of market orders*: of each side, per second of quoted time, trades of one exchange time being one order;
- *reach*: how far beyond the touch they trade. With ``m`` ticks on average, a reach that thins out exponentially has
  ``k = ln(1 + 1 / m) / tick``;
- *sizes*: mean and tenth percentile of the trade that a market order ends with; mean and coefficient of variation of
  what the touch displays;
- *step*: how many ticks the mid moves at a time, so that it moves about once a second: volatility over tick, at least
  one. A book whose levels stand a step apart reaches as far into the market as the calm one does.

What is not measured is the simulator's default: passive updates, no informed orders, no lead or lag between venues.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.calibrate.sigma import sigma_calibration
from mm_nautilus.catalog.history import Span, Trades, read_tops, read_trade_sizes, read_trades
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.catalog.simulator import PRESETS, SimulationParams, override
from mm_nautilus.catalog.simulator.params import Asset, Hits, MeanReverting, Sizes, Venue
from mm_nautilus.config import SimulationSection
from mm_nautilus.errors import DataError
from mm_nautilus.estimators.intensity_censored import Floats
from mm_nautilus.estimators.intensity_orders import (
    Depths,
    Ints,
    QuotedTime,
    Tops,
    market_orders,
    order_depths,
    sampled_mids,
)
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.host.node import unix_ns

_FOREVER: Final = 2**62
_SAMPLE_S: Final = 1.0
_DRAWS: Final = 100
_NO_REACH: Final = math.log(100.0)
"""Decay per tick where no order was seen to reach beyond the touch: one in a hundred would."""
_MOST_CORRELATED: Final = 0.99
_STALE_S: Final = 60.0
_LEAST_S: Final = 60.0
_EVEN: Final = 1000.0
"""Shape of the distribution of displayed sizes that are all the same, and the largest there is."""


@dataclass(frozen=True, slots=True)
class MeasuredMarket:
    """One instrument over a window; prices in quote currency, sizes in base units (contracts)."""

    definition: dict[str, Any]
    tick: Decimal
    lot: Decimal
    price: float
    half_spread_ticks: int
    sigma_price_per_sqrt_s: float
    bid_rate_per_s: float
    """Market sells at the touch."""
    ask_rate_per_s: float
    """Market buys at the touch."""
    k_per_price: float
    trade_mean_base: float
    trade_min_base: float
    level_mean_base: float
    level_shape: float

    @property
    def instrument_id(self) -> str:
        """Engine instrument id."""
        return str(self.definition["id"])

    @property
    def step_ticks(self) -> int:
        """Ticks the mid moves at a time."""
        return max(1, round(self.sigma_price_per_sqrt_s / float(self.tick)))

    @property
    def asset_name(self) -> str:
        """What the simulator calls the asset: two venues of one base currency list the same."""
        return _code(str(self.definition.get("base_currency") or self.definition["raw_symbol"]))

    def asset(self) -> Asset:
        """Return the asset with this market's price."""
        return Asset(name=self.asset_name, price=self.price, sigma_price_per_sqrt_s=self.sigma_price_per_sqrt_s)

    def venue(self, asset: Asset) -> Venue:
        """Return the simulated venue that lists it."""
        touch = math.exp(self.k_per_price * self.half_spread_ticks * float(self.tick))
        lot, levels = float(self.lot), Venue.model_fields["levels"].default
        step = self.step_ticks
        # A price of few ticks has no room for a deep book.
        room = int((0.5 * self.price / float(self.tick) - self.half_spread_ticks) / step)
        least = max(self.trade_min_base, lot)
        return Venue(
            venue=_code(self.instrument_id.rpartition(".")[2]),
            asset=asset.name,
            tick_price=self.tick,
            lot_base=self.lot,
            step_ticks=step,
            half_spread_ticks=self.half_spread_ticks,
            levels=max(2, min(levels, room)),
            bid=Hits(a_per_s=self.bid_rate_per_s * touch, k_per_price=self.k_per_price),
            ask=Hits(a_per_s=self.ask_rate_per_s * touch, k_per_price=self.k_per_price),
            sizes=Sizes(
                level_mean_base=max(self.level_mean_base, lot),
                level_shape=self.level_shape,
                trade_min_base=least,
                trade_mean_base=max(self.trade_mean_base, least),
            ),
            basis=MeanReverting(mean_price=self.price - asset.price),
            definition=self.definition,
        )


def stated_market(simulation: SimulationSection) -> SimulationParams:
    """Return the market that a run on simulated data states."""
    return override(PRESETS[simulation.preset], simulation.set)


def measured_market(loaded: LoadedRun, root: Path, shape: CatalogShape) -> SimulationParams:
    """Return the market of a run on recorded data as it would be on a day on which nothing happens.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    root : Path
        The catalogue it reads.
    shape : CatalogShape
        What that holds in the run's window.

    Raises
    ------
    DataError
        When the market cannot be measured: too short, no trades, or trades that do not say who took.

    """
    section = loaded.run_file.data
    span = unix_ns(section.start) or -_FOREVER, unix_ns(section.end) or _FOREVER
    samples = [_measure(root, name, book, span) for name, book in loaded.books.items()]
    assets: dict[str, Asset] = {}
    mids: dict[str, _Mids] = {}
    venues = []
    for one, sampled in samples:
        asset = assets.setdefault(one.asset_name, one.asset())
        mids.setdefault(asset.name, sampled)
        venues.append(one.venue(asset))
    return SimulationParams(
        start=datetime.fromtimestamp(shape.first_ns // 10**9, UTC),
        assets=tuple(assets.values()),
        correlation=_correlation(list(mids.values())) if len(mids) > 1 else None,
        venues=tuple(venues),
    )


@dataclass(frozen=True, slots=True)
class _Mids:
    """Mids a second apart; NaN where the book was not fit to be quoted on."""

    first_s: int
    mids: Floats


def _measure(
    root: Path, instrument_id: str, book: Literal["L1", "L2", "L3"], span: Span
) -> tuple[MeasuredMarket, _Mids]:
    (instrument,) = ParquetDataCatalog(str(root)).instruments(instrument_ids=[instrument_id])
    grid = InstrumentLattice(instrument).grid
    tick, unit = float(grid.tick), 10.0**-instrument.size_precision
    tops = read_tops(root, instrument_id, book, grid.tick, span)
    trades = read_trades(root, instrument_id, grid.tick, span)
    # What an order trades before its last level is the book's displayed size, not its own.
    ends = np.diff(trades.ts_event, append=-1) != 0
    sizes = read_trade_sizes(root, instrument_id, span)[ends]
    where = f"{root}: {instrument_id}"
    if len(tops.ts_ns) < 2 or not len(sizes):
        raise DataError(f"{where}: no book or no trades in the run's window to measure a stressed market by")
    fit = tops.fit()
    clock = QuotedTime.of(tops.ts_ns, fit, _STALE_S, int(tops.ts_ns[-1]))
    if clock.total_s < _LEAST_S:
        raise DataError(
            f"{where}: quoted for {clock.total_s:.0f} s; a stressed market is measured over {_LEAST_S:.0f} s"
        )
    weights = np.diff(clock.before_s)[fit]
    spread = _weighted_median((tops.ask_ticks - tops.bid_ticks)[fit], weights)
    half_spread = max(1, round(spread / 2))
    bids, asks = (_depths(trades, side, tops, clock, where) for side in (-1, 1))
    mids, _ = sampled_mids(tops, clock, _SAMPLE_S, tick)
    sigma = sigma_calibration(mids, _SAMPLE_S, max(60.0, clock.total_s / 50), _DRAWS, 0).price_per_sqrt_s.value
    displayed = unit * np.concatenate([tops.bid_size[fit], tops.ask_size[fit]])
    level_mean = float(np.average(displayed, weights=np.tile(weights, 2)))
    variance = float(np.average((displayed - level_mean) ** 2, weights=np.tile(weights, 2)))
    beyond = (np.concatenate([bids.half_ticks, asks.half_ticks]) - spread) / 2
    market = MeasuredMarket(
        definition=instrument.to_dict(),
        tick=grid.tick,
        lot=grid.lot,
        price=float(np.nanmedian(mids)),
        half_spread_ticks=half_spread,
        sigma_price_per_sqrt_s=sigma,
        bid_rate_per_s=len(bids.half_ticks) / clock.total_s,
        ask_rate_per_s=len(asks.half_ticks) / clock.total_s,
        k_per_price=decay_per_tick(float(np.maximum(beyond, 0.0).mean())) / tick,
        trade_mean_base=unit * float(sizes.mean()),
        trade_min_base=unit * float(np.quantile(sizes, 0.1, method="lower")),
        level_mean_base=level_mean,
        level_shape=float(np.clip(level_mean**2 / variance if variance else _EVEN, 0.5, _EVEN)),
    )
    return market, _Mids(round(tops.ts_ns[0] / 1e9), mids)


def _depths(trades: Trades, side: int, tops: Tops, clock: QuotedTime, where: str) -> Depths:
    orders = market_orders(trades.ts_event, trades.ts_ns, trades.price_ticks, trades.aggressor, side)
    depths = order_depths(orders, side, tops, clock)
    if not len(depths.half_ticks):
        who = "buyer" if side > 0 else "seller"
        raise DataError(
            f"{where}: no trade in the run's window names a {who} as its aggressor; flow cannot be measured"
        )
    return depths


def decay_per_tick(mean_ticks: float) -> float:
    """Return ``k`` times the tick of a reach that is geometric on the ticks, from its mean in ticks.

    ``P(reach >= n ticks) = exp(-k n tick)`` has the mean ``1 / (exp(k tick) - 1)``.
    """
    return min(math.log1p(1.0 / mean_ticks), _NO_REACH) if mean_ticks > 0.0 else _NO_REACH


def _weighted_median(values: Ints, weights: Floats) -> int:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return int(values[order][np.searchsorted(reached, 0.5 * reached[-1])])


def _correlation(assets: Sequence[_Mids]) -> tuple[tuple[float, ...], ...]:
    """Return the correlation of one-second changes over the time all assets were quoted; 0 where there is none."""
    begin = max(one.first_s for one in assets)
    length = min(one.first_s + len(one.mids) for one in assets) - begin
    size = len(assets)
    if length < 2:
        return tuple(tuple(float(i == j) for j in range(size)) for i in range(size))
    changes = np.array([np.diff(one.mids[begin - one.first_s :][:length]) for one in assets])
    known = changes[:, np.isfinite(changes).all(axis=0)]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.nan_to_num(np.corrcoef(known)) if known.shape[1] > 1 else np.zeros((size, size))
    found = np.clip(0.5 * (found + found.T), -_MOST_CORRELATED, _MOST_CORRELATED)
    np.fill_diagonal(found, 1.0)
    return tuple(tuple(row) for row in found.tolist())


def _code(name: str) -> str:
    """Return a name as the simulator takes it: 2 to 12 capitals and digits."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())[:12].ljust(2, "X")
