"""The market that is replayed to the exchange: a catalogue's, or a seeded random walk."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from heapq import merge
from pathlib import Path

from bybit_exchange.contract import Contract

from mm_nautilus.market import Side

_CLEAR, _DELETE = 4, 3
_LAST = 128


@dataclass(frozen=True, slots=True)
class BookChange:
    """Levels of the book after one event, in ticks and lots; zero lots take a level away."""

    at_s: float
    levels: tuple[tuple[Side, int, int], ...]
    clears: bool = False


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """A trade of the market."""

    at_s: float
    price: int
    lots: int
    aggressor: Side


type MarketEvent = BookChange | MarketTrade


def synthetic(
    seed: int, mid_ticks: int = 600_000, interval_s: float = 0.05, levels: int = 30, apart_ticks: int = 0
) -> Iterator[MarketEvent]:
    """Yield a market without end: a random walk of the mid, a book around it, trades at its touch.

    Parameters
    ----------
    seed : int
        Seed of all draws.
    mid_ticks : int
        Where it starts.
    interval_s : float
        Seconds between changes of the book.
    levels : int
        Levels a side.
    apart_ticks : int
        How far it is away, every fourth second, from what it would be.

    """
    draw, at_s, walk, shown = random.Random(seed), 0.0, mid_ticks, dict[tuple[Side, int], int]()
    while True:
        walk += draw.choice((-4, -2, -1, 0, 0, 0, 1, 2, 4))
        mid = walk + (apart_ticks if int(at_s) % 4 == 3 else 0)
        wanted = {
            (side, mid - side * (1 + depth)): shown.get((side, mid - side * (1 + depth))) or draw.randint(5, 400)
            for side in Side
            for depth in range(levels)
        }
        for side in Side:
            wanted[side, mid - side] = draw.randint(5, 400)
        changed = {key: 0 for key in shown if key not in wanted} | {
            key: lots for key, lots in wanted.items() if shown.get(key) != lots
        }
        shown = wanted
        yield BookChange(at_s, tuple((side, price, lots) for (side, price), lots in changed.items()))
        if draw.random() < 0.5:
            aggressor = draw.choice(list(Side))
            price = mid + aggressor
            yield MarketTrade(
                at_s + interval_s / 2, price, draw.randint(1, shown[aggressor.opposite, price]), aggressor
            )
        at_s += interval_s


def of_catalog(path: Path, instrument_id: str) -> tuple[Contract, Iterator[MarketEvent]]:
    """Return the contract and the market of one instrument of a catalogue.

    Parameters
    ----------
    path : Path
        Catalogue with book deltas by price and, if it has them, trades.
    instrument_id : str
        Instrument; the exchange lists it as a linear perpetual without its venue.

    """
    from nautilus_trader.persistence import ParquetDataCatalog

    catalog = ParquetDataCatalog(str(path))
    instrument = catalog.instruments(instrument_ids=[instrument_id])[0]
    contract = Contract(
        symbol=str(instrument.id.symbol),
        base=str(instrument.base_currency),
        quote=str(instrument.quote_currency),
        tick=instrument.price_increment.as_decimal(),
        lot=instrument.size_increment.as_decimal(),
        min_notional=Decimal(1),
    )
    deltas = catalog.query_order_book_deltas([instrument_id])
    start_ns = deltas[0].ts_init
    trades = catalog.query_trade_ticks([instrument_id])
    events = merge(
        _trades(trades, contract, start_ns), _books(deltas, contract, start_ns), key=lambda event: event.at_s
    )
    return contract, events


def _books(deltas: list, contract: Contract, start_ns: int) -> Iterator[MarketEvent]:
    levels: list[tuple[Side, int, int]] = []
    clears = False
    for delta in deltas:
        if int(delta.action) == _CLEAR:
            levels, clears = [], True
        else:
            side = Side.BUY if delta.order.side.name == "BUY" else Side.SELL
            price = round(delta.order.price.as_decimal() / contract.tick)
            gone = int(delta.action) == _DELETE
            levels.append((side, price, 0 if gone else round(delta.order.size.as_decimal() / contract.lot)))
        if delta.flags & _LAST:
            yield BookChange((delta.ts_init - start_ns) / 1e9, tuple(levels), clears)
            levels, clears = [], False


def _trades(trades: list, contract: Contract, start_ns: int) -> Iterator[MarketEvent]:
    for trade in trades:
        aggressor = Side.BUY if trade.aggressor_side.name == "BUY" else Side.SELL
        price = round(trade.price.as_decimal() / contract.tick)
        yield MarketTrade(
            (trade.ts_init - start_ns) / 1e9, price, round(trade.size.as_decimal() / contract.lot), aggressor
        )
