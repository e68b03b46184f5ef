"""The market every benchmark runs on: synthetic, seeded, in memory, the same for every contestant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    AggressorSide,
    BookAction,
    BookOrder,
    BookType,
    CryptoPerpetual,
    Currency,
    InstrumentId,
    Money,
    OmsType,
    OrderBookDelta,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    Symbol,
    TradeId,
    TradeTick,
    Venue,
)
from nautilus_trader.risk import RiskEngineConfig

INSTRUMENT_ID: Final = InstrumentId.from_str("BENCH-PERP.BENCH")
TICK, LOT = Decimal("0.01"), Decimal("0.001")
EVENTS_PER_S: Final = 20.0
DEPTH: Final = 10
"""Levels of the book on each side, one tick apart."""

_START_NS: Final = 1_700_000_000_000_000_000
_START_TICKS: Final = 9_500
_HALF_SPREAD_TICKS: Final = 1
_F_SNAPSHOT, _F_LAST = 32, 128


@dataclass(frozen=True)
class Path:
    """The market as integers: the mid in ticks after each event, and the trades in between."""

    ts_ns: np.ndarray
    mid: np.ndarray
    touched: np.ndarray
    """Level whose size each event changes, 0 the best."""
    lots: np.ndarray
    """Its new size in lots."""
    trade_after: np.ndarray
    """Event that each trade follows."""
    trade_buy: np.ndarray
    trade_depth: np.ndarray
    """How many ticks through the best price each trade prints."""


def path(events: int, trades: int, seed: int | list[int], move_probability: float = 0.2) -> Path:
    """Draw a mid that moves a tick at a time, between size changes of the first levels."""
    draw = np.random.default_rng(seed)
    steps = draw.choice([-1, 0, 1], events, p=[move_probability / 2, 1 - move_probability, move_probability / 2])
    steps[0] = 0
    return Path(
        ts_ns=_START_NS + np.cumsum(draw.exponential(1e9 / EVENTS_PER_S, events).astype(np.int64) + 2),
        mid=_START_TICKS + np.cumsum(steps),
        touched=draw.integers(0, 5, events),
        lots=draw.integers(500, 5_000, events),
        trade_after=np.sort(draw.choice(events - 1, trades, replace=False)),
        trade_buy=draw.random(trades) < 0.5,
        trade_depth=draw.geometric(0.5, trades) - 1,
    )


def instrument(instrument_id: InstrumentId = INSTRUMENT_ID) -> CryptoPerpetual:
    """Return a linear perpetual with a tick of 0.01 and a lot of 0.001."""
    return CryptoPerpetual(
        instrument_id=instrument_id,
        raw_symbol=Symbol(str(instrument_id.symbol)),
        base_currency=Currency.from_str("BTC"),
        quote_currency=Currency.from_str("USDT"),
        settlement_currency=Currency.from_str("USDT"),
        is_inverse=False,
        price_precision=2,
        size_precision=3,
        price_increment=Price.from_str(str(TICK)),
        size_increment=Quantity.from_str(str(LOT)),
        margin_init=Decimal("0.05"),
        margin_maint=Decimal("0.025"),
        ts_event=0,
        ts_init=0,
    )


def _price(ticks: int) -> Price:
    return Price.from_raw(int(ticks) * 10**14, 2)


def _size(lots: int) -> Quantity:
    return Quantity.from_raw(int(lots) * 10**13, 3)


def quotes(market: Path, instrument_id: InstrumentId = INSTRUMENT_ID) -> list[QuoteTick]:
    """Return one quote an event; every one differs from the one before, in price or in size."""
    return [
        QuoteTick(
            instrument_id,
            _price(mid - _HALF_SPREAD_TICKS),
            _price(mid + _HALF_SPREAD_TICKS),
            _size(lots),
            _size(5_500 - lots),
            ts,
            ts,
        )
        for mid, lots, ts in zip(market.mid.tolist(), market.lots.tolist(), market.ts_ns.tolist(), strict=True)
    ]


def quotes_of_moves(market: Path) -> list[QuoteTick]:
    """Return the quotes at which the best prices move: what a maker on quotes needs beside the book."""
    moves = np.flatnonzero(np.diff(market.mid, prepend=market.mid[0] - 1)).tolist()
    every = quotes(market)
    return [every[index] for index in moves]


def books(market: Path) -> list[OrderBookDeltas]:
    """Return one book event an event: a size change, or a shift of both sides by a tick (four deltas more)."""
    events, last_mid = [], None
    rows = zip(market.mid.tolist(), market.touched.tolist(), market.lots.tolist(), market.ts_ns.tolist(), strict=True)
    for number, (mid, touched, lots, ts) in enumerate(rows):
        rows_of_event = _snapshot(mid) if last_mid is None else _shift(last_mid, mid, lots)
        side = OrderSide.BUY if lots % 2 else OrderSide.SELL
        rows_of_event.append((BookAction.UPDATE, side, _level(side, mid, touched), lots))
        flags = _F_SNAPSHOT if last_mid is None else 0
        last = len(rows_of_event) - 1
        deltas = [
            OrderBookDelta(
                INSTRUMENT_ID,
                action,
                BookOrder(side, _price(ticks), _size(size), 0),
                flags | (_F_LAST if index == last else 0),
                number,
                ts,
                ts,
            )
            for index, (action, side, ticks, size) in enumerate(rows_of_event)
        ]
        events.append(OrderBookDeltas(INSTRUMENT_ID, deltas))
        last_mid = mid
    return events


type _Row = tuple[BookAction, OrderSide, int, int]


def _level(side: OrderSide, mid: int, depth: int) -> int:
    distance = _HALF_SPREAD_TICKS + depth
    return mid - distance if side == OrderSide.BUY else mid + distance


def _snapshot(mid: int) -> list[_Row]:
    return [
        (BookAction.ADD, side, _level(side, mid, depth), 2_000)
        for side in (OrderSide.BUY, OrderSide.SELL)
        for depth in range(DEPTH)
    ]


def _shift(before: int, mid: int, lots: int) -> list[_Row]:
    """Deletes before adds, so that the book is uncrossed after every delta."""
    if mid == before:
        return []
    ahead, behind = (OrderSide.SELL, OrderSide.BUY) if mid > before else (OrderSide.BUY, OrderSide.SELL)
    return [
        (BookAction.DELETE, ahead, _level(ahead, before, 0), 0),
        (BookAction.DELETE, behind, _level(behind, before, DEPTH - 1), 0),
        (BookAction.ADD, behind, _level(behind, mid, 0), lots),
        (BookAction.ADD, ahead, _level(ahead, mid, DEPTH - 1), lots),
    ]


def trades(market: Path, instrument_id: InstrumentId = INSTRUMENT_ID) -> list[TradeTick]:
    """Return trades a nanosecond after their event, some of them a few ticks through the best price."""
    found = []
    rows = zip(market.trade_after.tolist(), market.trade_buy.tolist(), market.trade_depth.tolist(), strict=True)
    for number, (event, buys, depth) in enumerate(rows):
        side = AggressorSide.BUY if buys else AggressorSide.SELL
        ticks = _level(OrderSide.SELL if buys else OrderSide.BUY, int(market.mid[event]), depth)
        ts = int(market.ts_ns[event]) + 1
        found.append(
            TradeTick(instrument_id, _price(ticks), _size(market.lots[event]), side, TradeId(str(number)), ts, ts)
        )
    return found


def engine(
    data: list[list[Any]], book: str, instrument_ids: Sequence[InstrumentId] = (INSTRUMENT_ID,)
) -> BacktestEngine:
    """Return a fresh engine with the market in it and no strategy.

    Parameters
    ----------
    data : list of lists
        Trades first: at equal timestamps they must reach the matching engine before the book.
    book : str
        ``L1`` where quotes move the venue's book, ``L2`` where deltas do.
    instrument_ids : sequence of InstrumentId
        What is traded; each of their venues has an account of its own.

    """
    fresh = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggerConfig(stdout_level=LogLevel.ERROR),
            run_analysis=False,
            shutdown_on_error=True,
            risk_engine=RiskEngineConfig(
                max_order_submit_rate="1000000/00:00:01", max_order_modify_rate="1000000/00:00:01"
            ),
        )
    )
    for venue in sorted({str(instrument_id.venue) for instrument_id in instrument_ids}):
        fresh.add_venue(
            Venue(venue),
            OmsType.NETTING,
            AccountType.MARGIN,
            [Money.from_str("100000000 USDT")],
            book_type=BookType.L1_MBP if book == "L1" else BookType.L2_MBP,
            fee_model=MakerTakerFeeModel(Decimal("0.0001"), Decimal("0.0005")),
            queue_position=True,
            liquidity_consumption=True,
        )
    for instrument_id in instrument_ids:
        fresh.add_instrument(instrument(instrument_id))
    for events in data:
        fresh.add_data(events, sort=False)
    fresh.sort_data()
    return fresh
