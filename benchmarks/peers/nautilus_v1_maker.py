"""Nautilus 1.231's own grid maker, in Python, on the same events: a process that runs once a line it is sent."""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import MakerTakerFeeModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.examples.strategies.grid_market_maker import GridMarketMaker, GridMarketMakerConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity

INSTRUMENT_ID = InstrumentId.from_str("BENCH-PERP.BENCH")
TICK, LOT = 0.01, 0.001


def instrument() -> CryptoPerpetual:
    """Return the instrument of the other contestants."""
    return CryptoPerpetual(
        instrument_id=INSTRUMENT_ID,
        raw_symbol=Symbol("BENCH-PERP"),
        base_currency=BTC,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=2,
        size_precision=3,
        price_increment=Price.from_str("0.01"),
        size_increment=Quantity.from_str("0.001"),
        margin_init=Decimal("0.05"),
        margin_maint=Decimal("0.025"),
        maker_fee=Decimal("0.0001"),
        taker_fee=Decimal("0.0005"),
        ts_event=0,
        ts_init=0,
    )


def rows(path) -> list:
    """Return the market as the engine's quotes and trades."""
    mids, lots, stamps = path["mid"].tolist(), path["lots"].tolist(), path["ts_ns"].tolist()
    quotes = [
        QuoteTick(
            INSTRUMENT_ID,
            Price((mid - 1) * TICK, 2),
            Price((mid + 1) * TICK, 2),
            Quantity(some * LOT, 3),
            Quantity((5_500 - some) * LOT, 3),
            ts,
            ts,
        )
        for mid, some, ts in zip(mids, lots, stamps, strict=True)
    ]
    printed = zip(path["trade_after"].tolist(), path["trade_buy"].tolist(), path["trade_depth"].tolist(), strict=True)
    trades = [
        TradeTick(
            INSTRUMENT_ID,
            Price((mids[event] + (1 if buys else -1) * (1 + depth)) * TICK, 2),
            Quantity(lots[event] * LOT, 3),
            AggressorSide.BUYER if buys else AggressorSide.SELLER,
            TradeId(str(number)),
            stamps[event] + 1,
            stamps[event] + 1,
        )
        for number, (event, buys, depth) in enumerate(printed)
    ]
    return sorted([*trades, *quotes], key=lambda one: one.ts_init)


def run(events: list, asked: dict) -> dict[str, float]:
    """Run once, and say what it took."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            run_analysis=False,
            risk_engine=RiskEngineConfig(bypass=True),
        )
    )
    engine.add_venue(
        Venue("BENCH"),
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(100_000_000, USDT)],
        fee_model=MakerTakerFeeModel(),
        queue_position=True,
        liquidity_consumption=True,
    )
    engine.add_instrument(instrument())
    engine.add_data(events)
    engine.add_strategy(
        GridMarketMaker(
            GridMarketMakerConfig(
                instrument_id=INSTRUMENT_ID,
                max_position=Quantity.from_str("100000.000"),
                trade_size=Quantity.from_str(f"{asked['size']:.3f}"),
                num_levels=1,
                grid_step_bps=asked["distance_ticks"],
                requote_threshold_bps=asked["threshold_ticks"],
            )
        )
    )
    started, cpu_started = time.perf_counter(), time.process_time()
    engine.run()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    orders = engine.cache.orders()
    outcome = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "submits": len(orders),
        "filled": sum(order.filled_qty > 0 for order in orders),
    }
    engine.dispose()
    return outcome


def main() -> None:
    """Serve runs over standard input."""
    asked = json.loads(sys.argv[1])
    with np.load(asked["path"]) as path:
        events = rows(path)
    run(events[:1_000], asked)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(run(events, asked)), flush=True)


if __name__ == "__main__":
    main()
