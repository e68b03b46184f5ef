"""One level of GLFT quotes in hftbacktest, compiled, on the events of a screened run: a run for each line it is sent.

The volatility, the quotes and what is kept are as in our maker; every move of the best prices is thought about. The
queue model is the risk-averse one, which the engine's queue position agrees with.
"""

from __future__ import annotations

import json
import math
import sys
import time

import numpy as np
from hftbacktest import BUY, GTX, LIMIT, SELL, BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.types import event_dtype
from numba import njit

WARM_UP_SAMPLES = 30
END_OF_DATA = 1
NO_ASK = 10**9


@njit
def play(hbt, tick, size, limit, gamma, a, k, decay):  # noqa: C901 - a strategy of hftbacktest is one loop
    """Sample the volatility each second, quote GLFT on every move of the best prices, keep what stands right."""
    second = 1_000_000_000
    x = gamma * size
    premium = math.log1p(x / k) / x
    eta = a * math.exp(-(1.0 + k / x) * math.log1p(x / k))
    variance, samples, last_mid, next_sample = 0.0, 0, math.nan, 0
    last_bid = last_ask = 0
    number, sent = 1, 0
    while hbt.wait_next_feed(False, 10**18) != END_OF_DATA:
        depth = hbt.depth(0)
        best_bid, best_ask = depth.best_bid_tick, depth.best_ask_tick
        if best_bid <= 0 or best_ask <= best_bid or best_ask > NO_ASK:
            continue
        mid = 0.5 * (best_bid + best_ask) * tick
        now = hbt.current_timestamp
        if next_sample == 0:
            next_sample = now + second
        sampled = now >= next_sample
        while now >= next_sample:
            if not math.isnan(last_mid):
                change = mid - last_mid
                variance = change * change if samples == 0 else decay * variance + (1.0 - decay) * change * change
                samples += 1
            last_mid = mid
            next_sample += second
        moved = best_bid != last_bid or best_ask != last_ask
        if samples < WARM_UP_SAMPLES or not (moved or sampled):
            continue
        last_bid, last_ask = best_bid, best_ask
        position = hbt.position(0)
        skew = 0.5 * math.sqrt(variance) * math.sqrt(gamma / (size * 2.0 * k * eta))
        half = premium + skew * size
        centre = mid - 2.0 * skew * position
        bid = min(math.floor((centre - half) / tick + 1e-6), best_ask - 1)
        ask = max(math.ceil((centre + half) / tick - 1e-6), best_bid + 1)
        hbt.clear_inactive_orders(0)
        has_bid = has_ask = False
        orders = hbt.orders(0).values()
        while orders.has_next():
            order = orders.get()
            wanted = bid if order.side == BUY else ask
            if order.price_tick == wanted or not order.cancellable:
                has_bid = has_bid or order.side == BUY
                has_ask = has_ask or order.side == SELL
            else:
                hbt.cancel(0, order.order_id, False)
                sent += 1
        if not has_bid and position + size <= limit:
            hbt.submit_buy_order(0, number, bid * tick, size, GTX, LIMIT, False)
            number += 1
            sent += 1
        if not has_ask and position - size >= -limit:
            hbt.submit_sell_order(0, number, ask * tick, size, GTX, LIMIT, False)
            number += 1
            sent += 1
    return sent


def run(events: np.ndarray, asked: dict[str, float]) -> dict[str, float]:
    """Run once, and say what it took."""
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(int(asked["latency_ns"]), 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(-0.00005, 0.0005)
        .tick_size(asked["tick"])
        .lot_size(asked["lot"])
    )
    hbt = HashMapMarketDepthBacktest([asset])
    started, cpu_started = time.perf_counter(), time.process_time()
    sent = play(hbt, *(asked[name] for name in ("tick", "size", "limit", "gamma", "a", "k", "decay")))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    fills = hbt.state_values(0).num_trades
    hbt.close()
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "submits": int(sent), "filled": int(fills)}


def main() -> None:
    """Serve runs over standard input."""
    asked = json.loads(sys.argv[1])
    with np.load(asked["path"]) as columns:
        events = np.zeros(len(columns["ev"]), event_dtype)
        for name in ("ev", "px", "qty"):
            events[name] = columns[name]
        events["exch_ts"] = events["local_ts"] = columns["ts_ns"]
    run(events[:1_000], asked)  # compiles
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(run(events, asked)), flush=True)


if __name__ == "__main__":
    main()
