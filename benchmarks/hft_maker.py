"""The baseline of `bench_screen.py` on hftbacktest: one level of GLFT quotes on the same events, compiled by numba.

    python benchmarks/hft_maker.py MARKET.npz ROUNDS

prints a line of JSON for each round: events, CPU seconds, orders sent and fills.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
from hftbacktest import BUY, GTX, LIMIT, SELL, BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.types import event_dtype
from numba import njit


@njit
def maker(hbt, tick, size, limit, gamma, a, k, decay, warm_up):  # noqa: C901
    """Sample the volatility each second, quote GLFT on every move of the best prices, keep what stands right."""
    x = gamma * size
    premium = math.log1p(x / k) / x
    eta = a * math.exp(-(1.0 + k / x) * math.log1p(x / k))
    variance, samples, last_mid, next_sample = 0.0, 0, math.nan, hbt.current_timestamp + 1_000_000_000
    last_bid = last_ask = 0
    order_id, sent = 1, 0
    while True:
        code = hbt.wait_next_feed(False, 1_000_000_000_000)
        if code == 1:
            break
        depth = hbt.depth(0)
        if depth.best_bid_tick <= 0 or depth.best_ask_tick <= depth.best_bid_tick:
            continue
        mid = 0.5 * (depth.best_bid_tick + depth.best_ask_tick) * tick
        now = hbt.current_timestamp
        sampled = now >= next_sample
        while now >= next_sample:
            if not math.isnan(last_mid):
                change = mid - last_mid
                variance = change * change if samples == 0 else decay * variance + (1.0 - decay) * change * change
                samples += 1
            last_mid = mid
            next_sample += 1_000_000_000
        moved = depth.best_bid_tick != last_bid or depth.best_ask_tick != last_ask
        if samples < warm_up or not (moved or sampled):
            continue
        last_bid, last_ask = depth.best_bid_tick, depth.best_ask_tick
        position = hbt.position(0)
        skew = 0.5 * math.sqrt(variance) * math.sqrt(gamma / (size * 2.0 * k * eta))
        half = premium + skew * size
        centre = mid - 2.0 * skew * position
        bid = min(math.floor((centre - half) / tick + 1e-6), depth.best_ask_tick - 1)
        ask = max(math.ceil((centre + half) / tick - 1e-6), depth.best_bid_tick + 1)
        hbt.clear_inactive_orders(0)
        keep_bid = keep_ask = False
        orders = hbt.orders(0)
        values = orders.values()
        while values.has_next():
            order = values.get()
            wanted = bid if order.side == BUY else ask
            if order.price_tick == wanted or not order.cancellable:
                keep_bid = keep_bid or order.side == BUY
                keep_ask = keep_ask or order.side == SELL
            else:
                hbt.cancel(0, order.order_id, False)
                sent += 1
        if not keep_bid and position + size <= limit:
            hbt.submit_buy_order(0, order_id, bid * tick, size, GTX, LIMIT, False)
            order_id += 1
            sent += 1
        if not keep_ask and position - size >= -limit:
            hbt.submit_sell_order(0, order_id, ask * tick, size, GTX, LIMIT, False)
            order_id += 1
            sent += 1
    return sent


def main() -> None:
    market = np.load(sys.argv[1])
    data = np.zeros(len(market["ev"]), event_dtype)
    for name in ("ev", "exch_ts", "local_ts", "px", "qty"):
        data[name] = market[name]
    # Its events must be aligned to 64 bytes, which its own reader of files sees to.
    aligned = Path(sys.argv[1]).with_name("aligned.npz")
    np.savez(aligned, data=data)
    given = {name: float(market[name]) for name in ("tick", "lot", "size", "limit", "gamma", "a", "k", "decay")}
    latency = int(market["latency_ns"])
    for _ in range(int(sys.argv[2]) + 1):
        asset = (
            BacktestAsset()
            .data([str(aligned)])
            .linear_asset(1.0)
            .constant_order_latency(latency, 0)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(-0.00005, 0.0005)
            .tick_size(given["tick"])
            .lot_size(given["lot"])
        )
        hbt = HashMapMarketDepthBacktest([asset])
        begun = time.process_time()
        sent = maker(
            hbt,
            given["tick"],
            given["size"],
            given["limit"],
            given["gamma"],
            given["a"],
            given["k"],
            given["decay"],
            30,
        )
        seconds = time.process_time() - begun
        state = hbt.state_values(0)
        print(json.dumps({"events": len(data), "seconds": seconds, "sent": int(sent), "fills": int(state.num_trades)}))
        hbt.close()


if __name__ == "__main__":
    main()
