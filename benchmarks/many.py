"""Several instruments at once: one maker each, or one maker over the venues of an asset."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

import market
from nautilus_trader.model import InstrumentId
from stack import Outcome, maker_fields, timed

from mm_nautilus.actors import Recorder, RecorderConfig
from mm_nautilus.strategies import (
    CrossVenueMarketMaker,
    CrossVenueMarketMakerConfig,
    MarketMaker,
    MarketMakerConfig,
)

VENUES = 3
_ORDER_SIZE = "0.100"
"""Less than any venue shows at its best price: a fill can be hedged there."""


@dataclass(frozen=True)
class Markets:
    """Some instruments and what all of them show, `events` altogether."""

    instrument_ids: list[InstrumentId]
    data: list[list[Any]]


def venues_of_one_asset(events: int, venues: int = VENUES) -> Markets:
    """Return one market, shown by several venues one after another."""
    ids = [InstrumentId.from_str(f"BENCH-PERP.BENCH{number}") for number in range(venues)]
    return _markets(ids, events, seeds=[1] * venues)


def instruments(events: int, count: int) -> Markets:
    """Return markets that have nothing to do with each other, on one venue."""
    ids = [InstrumentId.from_str(f"BENCH{number}-PERP.BENCH") for number in range(count)]
    return _markets(ids, events, seeds=list(range(1, count + 1)))


def _markets(ids: list[InstrumentId], events: int, seeds: list[int]) -> Markets:
    trades, quotes, each = [], [], events // len(ids)
    for number, (one, seed) in enumerate(zip(ids, seeds, strict=True)):
        path = market.path(each, each * 7 // 30, seed, move_probability=0.05)
        path.ts_ns[:] += number * 1_000_000  # a venue shows a move a millisecond after the one before it
        trades.append(market.trades(path, one))
        quotes.append(market.quotes(path, one))
    return Markets(ids, [*trades, *quotes])


def run_each_alone(markets: Markets) -> Outcome:
    """Run one maker an instrument, recorded."""
    engine = market.engine(markets.data, "L1", markets.instrument_ids)
    for number, one in enumerate(markets.instrument_ids):
        own = {"strategy_id": f"MarketMaker-{number}", "instrument_id": str(one), "order_size": _ORDER_SIZE}
        fields = maker_fields("L1", amend=True, **own)
        engine.add_strategy(MarketMaker(MarketMakerConfig(**fields)))
    return _recorded(engine)


def run_cross_venue(markets: Markets) -> Outcome:
    """Run one maker over all venues of the asset, recorded, hedging bounds and all."""
    fields = maker_fields("L1", amend=True, order_size=_ORDER_SIZE)
    del fields["instrument_id"]
    names = [str(one.venue) for one in markets.instrument_ids]
    fields |= {
        "strategy_id": "CrossVenue-001",
        "venues": [{"instrument_id": str(one)} for one in markets.instrument_ids],
        "limits": {"max_position": "100000", "max_asset_position": "100000"},
        # A fill can be hedged at no cost: bounds are computed and leave the quotes where a maker alone has them.
        "min_edge_bps": 0.0,
        "latency_z": 0.0,
        "deduct_basis": False,
        "maker_fees": dict.fromkeys(names, 0.0),
        "taking": {name: {"fee_rate": 0.0} for name in names},
    }
    engine = market.engine(markets.data, "L1", markets.instrument_ids)
    engine.add_strategy(CrossVenueMarketMaker(CrossVenueMarketMakerConfig(**fields)))
    return _recorded(engine)


def _recorded(engine: Any) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(RecorderConfig(run_dir=folder, flush_rows=50_000))
        engine.add_actor(recorder)
        return timed(engine, recorder)
