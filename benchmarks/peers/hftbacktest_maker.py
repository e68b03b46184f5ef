"""The grid maker's logic in hftbacktest, compiled, on the same events: a process that runs once a line it is sent.

Quotes become a book of one level a side, changed before it is thinned out, so that neither side is ever empty. Orders
are acknowledged at once; the queue model is the risk-averse one, which the engine's queue position agrees with.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTX,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

TICK, LOT = 0.01, 0.001
END_OF_DATA = 1


def rows(path) -> np.ndarray:
    """Return the market as hftbacktest's events."""
    mid, lots, ts = path["mid"], path["lots"], path["ts_ns"]
    before = np.concatenate([mid[:1], mid[:-1]])
    up = mid >= before
    # Of the side that the market moves to first the new level, then the old one away; and then the other side.
    lead, lag = np.where(up, 1, -1), np.where(up, -1, 1)
    price = np.stack([mid + lead, before + lead, mid + lag, before + lag], axis=1)
    size = np.stack([np.where(up, 5_500 - lots, lots), 0 * lots, np.where(up, lots, 5_500 - lots), 0 * lots], axis=1)
    side = np.where(np.stack([up, up, ~up, ~up], axis=1), SELL_EVENT, BUY_EVENT)
    moved = mid != before
    kept = np.stack([np.ones_like(moved), moved, np.ones_like(moved), moved], axis=1)
    made = np.zeros(kept.sum() + len(path["trade_after"]), event_dtype)
    depth, trade = made[: kept.sum()], made[kept.sum() :]
    depth["ev"] = DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT | side[kept]
    depth["exch_ts"] = depth["local_ts"] = np.broadcast_to(ts[:, None], kept.shape)[kept]
    depth["px"], depth["qty"] = price[kept] * TICK, size[kept] * LOT
    after, buys = path["trade_after"], path["trade_buy"]
    trade["ev"] = TRADE_EVENT | EXCH_EVENT | LOCAL_EVENT | np.where(buys, BUY_EVENT, SELL_EVENT)
    trade["exch_ts"] = trade["local_ts"] = ts[after] + 1
    trade["px"] = (mid[after] + np.where(buys, 1, -1) * (1 + path["trade_depth"])) * TICK
    trade["qty"] = lots[after] * LOT
    return made[np.argsort(made["exch_ts"], kind="stable")]


@njit
def play(hbt, distance_ticks, threshold_ticks, size, tick):
    """Quote one level a side, `distance_ticks` from the mid; move both when the mid has moved by the threshold."""
    sent, quoted, number = 0, -1.0, 0
    while hbt.wait_next_feed(False, 10**18) != 1:
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if bid <= 0 or ask > 10**9:
            continue
        mid = (bid + ask) / 2
        if quoted > 0 and abs(mid - quoted) < threshold_ticks:
            continue
        orders = hbt.orders(0).values()
        while orders.has_next():
            order = orders.get()
            if order.cancellable:
                hbt.cancel(0, order.order_id, False)
        hbt.clear_inactive_orders(0)
        hbt.submit_buy_order(0, number, (np.floor(mid) - distance_ticks) * tick, size, GTX, LIMIT, False)
        hbt.submit_sell_order(0, number + 1, (np.ceil(mid) + distance_ticks) * tick, size, GTX, LIMIT, False)
        number += 2
        sent += 2
        quoted = mid
    return sent


def run(events: np.ndarray, distance_ticks: int, threshold_ticks: int, size: float) -> dict[str, float]:
    """Run once, and say what it took."""
    asset = (
        BacktestAsset()
        .data([events])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0001, 0.0005)
        .tick_size(TICK)
        .lot_size(LOT)
    )
    hbt = HashMapMarketDepthBacktest([asset])
    started, cpu_started = time.perf_counter(), time.process_time()
    sent = play(hbt, distance_ticks, threshold_ticks, size, TICK)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    fills = hbt.state_values(0).num_trades
    hbt.close()
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "submits": int(sent), "filled": int(fills)}


def main() -> None:
    """Serve runs over standard input."""
    asked = json.loads(sys.argv[1])
    with np.load(asked["path"]) as path:
        events = rows(path)
    quoting = asked["distance_ticks"], asked["threshold_ticks"], asked["size"]
    run(events[:1_000], *quoting)  # compiles
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(run(events, *quoting)), flush=True)


if __name__ == "__main__":
    main()
