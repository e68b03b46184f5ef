"""Backtest a strategy of the installed wheel by its import path, knowing only the engine and the wheel."""

import random
from decimal import Decimal

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import AccountType, AggressorSide, Money, OmsType, QuoteTick, TradeId, TradeTick
from nautilus_trader.testkit.providers import TestInstrumentProvider
from nautilus_trader.trading import ImportableStrategyConfig

perp, draw = TestInstrumentProvider.btcusdt_perp_binance(), random.Random(7)
quotes, trades, mid, size = [], [], 600_000, perp.make_qty(1)
for n in range(3_000):  # ten minutes of a market one tick wide on either side of a random walk, in ticks of 0.1
    ts, mid = (n + 1) * 200_000_000, mid + draw.choice((-3, -1, 0, 0, 1, 3))
    quotes.append(
        QuoteTick(perp.id, perp.make_price((mid - 1) / 10), perp.make_price((mid + 1) / 10), size, size, ts, ts)
    )
    side, depth = draw.choice((AggressorSide.BUY, AggressorSide.SELL)), int(draw.expovariate(0.05)) + 1
    price = perp.make_price((mid + depth if side == AggressorSide.BUY else mid - depth) / 10)
    trades.append(
        TradeTick(perp.id, price, perp.make_qty(0.02), side, TradeId(str(n)), ts + 100_000_000, ts + 100_000_000)
    )

engine = BacktestEngine(BacktestEngineConfig(logging=LoggerConfig(stdout_level=LogLevel.ERROR)))
start = Money.from_str("1000000 USDT")
fees = MakerTakerFeeModel(Decimal("0.0001"), Decimal("0.0005"))
engine.add_venue(perp.id.venue, OmsType.NETTING, AccountType.MARGIN, [start], fee_model=fees)
engine.add_instrument(perp)
engine.add_data(quotes)
engine.add_data(trades)
quoting = {"instrument_id": str(perp.id), "book": "L1", "model": "glft", "gamma": 0.01, "order_size": "0.010"}
market = {"intensity": {"a_per_s": 1.0, "k_per_price": 0.3}, "limits": {"max_position": "0.050"}}
maker = ("mm_nautilus.strategies:MarketMaker", "mm_nautilus.strategies:MarketMakerConfig")
engine.add_strategy_from_config(ImportableStrategyConfig(*maker, quoting | market))
engine.run()

filled = [order for order in engine.cache.orders() if order.filled_qty.as_decimal() > 0]
account = engine.cache.account_for_venue(perp.id.venue)
end = account.balance_total(start.currency)
print(f"{len(filled)} orders filled, account {start} -> {end}")
assert len(filled) > 20, "the strategy was hardly filled"
assert end != start, "the account did not move"
assert engine.cache.orders_open_count() == 0, "orders were left open"
