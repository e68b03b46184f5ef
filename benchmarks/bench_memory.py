"""Resident memory of a long run: ``python benchmarks/bench_memory.py`` writes and backtests 3,000,000 book events.

One process does what a user does: it streams order book deltas and trades into a catalogue, then runs a run file over
them to the report. The peak of each stage is the process's own high-water mark, everything imported included.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import market
import numpy as np

from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest.run import run_backtest
from mm_nautilus.catalog.columns import F_LAST, F_SNAPSHOT, Action, Aggressor, BookSide, delta_table, trade_table
from mm_nautilus.catalog.store import CatalogWriter

DEMANDED_GIB = 2.0
_CHUNK_EVENTS = 100_000

RUN_FILE = """
[run]
name = "memory"
[data]
catalog = "catalog"
[[venues]]
name = "BENCH"
account = "MARGIN"
starting_balances = ["100000000 USDT"]
fees = { maker_rate = "0.0001", taker_rate = "0.0005" }
[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "BENCH-PERP.BENCH"
book = "L2"
gamma = 1e-4
order_size = "0.100"
intensity = { a_per_s = 1.0, k_per_price = 20.0 }
limits = { max_position = "10" }
"""


def main() -> None:
    """Write, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        started = time.perf_counter()
        deltas = write_catalog(root / "catalog", options.events, options.seed)
        _say(f"ingest: {options.events:,} book events, {deltas:,} deltas", started)
        (root / "run.toml").write_text(RUN_FILE)
        started = time.perf_counter()
        outcome = run_backtest(root / "run.toml", output=root / "runs")
        log = RunLog.open(outcome.run_dir)
        rows = {name: log.table(name, ["ts_ns"]).num_rows for name in ("decisions", "orders", "fills", "marks")}
        recorded = ", ".join(f"{count:,} {name}" for name, count in rows.items())
        _say(f"backtest and report: {recorded} recorded", started)
    peak = _peak_gib()
    print(f"peak {peak:.2f} GiB; at most {DEMANDED_GIB} is {'met' if peak <= DEMANDED_GIB else 'MISSED'}")
    sys.exit(peak > DEMANDED_GIB)


def write_catalog(catalog: Path, events: int, seed: int, move_probability: float = 0.05) -> int:
    """Write the market of the other benchmarks, in chunks; return how many deltas that took."""
    deltas, mid, start_ns = 0, None, 0
    with CatalogWriter(catalog) as writer:
        writer.instrument(market.instrument())
        for number in range(0, events, _CHUNK_EVENTS):
            count = min(_CHUNK_EVENTS, events - number)
            path = market.path(count, count * 7 // 30, [seed, number], move_probability)
            if mid is not None:  # go on where the chunk before ended
                path.mid[:] += mid - path.mid[0]
                path.ts_ns[:] += start_ns - path.ts_ns[0] + 10**7
            table = book_table(path, mid)
            writer.append(table)
            writer.append(trades_table(path, number))
            deltas, mid, start_ns = deltas + table.num_rows, int(path.mid[-1]), int(path.ts_ns[-1])
    return deltas


def book_table(path: market.Path, last_mid: int | None):
    """Return the deltas of `market.books`, made without one object per event."""
    before = np.concatenate([[path.mid[0] if last_mid is None else last_mid], path.mid[:-1]])
    up = np.sign(path.mid - before)
    # Five rows an event: two deletes, two adds, one update; a mid that stays needs the update alone.
    near, far = 1, market.DEPTH
    ahead = np.where(up > 0, int(BookSide.SELL), int(BookSide.BUY))
    behind = int(BookSide.BUY) + int(BookSide.SELL) - ahead
    side = np.where(path.lots % 2, int(BookSide.BUY), int(BookSide.SELL))
    price = np.stack(
        [
            before + near * up,
            before - far * up,
            path.mid - near * up,
            path.mid + far * up,
            path.mid + np.where(side == BookSide.BUY, -1, 1) * (near + path.touched),
        ],
        axis=1,
    )
    lots = np.stack([np.zeros_like(path.lots)] * 2 + [path.lots] * 3, axis=1)
    sides = np.stack([ahead, behind, behind, ahead, side], axis=1)
    actions = np.tile([Action.DELETE, Action.DELETE, Action.ADD, Action.ADD, Action.UPDATE], (len(up), 1))
    flags = np.tile([0, 0, 0, 0, F_LAST], (len(up), 1))
    kept = np.stack([up != 0] * 4 + [np.ones(len(up), bool)], axis=1)
    ts = np.broadcast_to(path.ts_ns[:, None], kept.shape)
    rows = [column[kept] for column in (actions, sides, price, lots, flags, ts)]
    if last_mid is None:
        rows = [np.concatenate(pair) for pair in zip(_snapshot(path), rows, strict=True)]
    action, side, price, lots, flags, ts = rows
    return delta_table(
        str(market.INSTRUMENT_ID),
        2,
        3,
        action=action,
        side=side,
        price=price,
        size=lots,
        order_id=np.zeros(len(ts), np.uint64),
        flags=flags,
        sequence=np.zeros(len(ts), np.uint64),
        ts_event=ts,
        ts_init=ts,
    )


def _snapshot(path: market.Path) -> list[np.ndarray]:
    """Return the columns of a full book just before the first event."""
    depths = np.arange(1, market.DEPTH + 1)
    count = 1 + 2 * market.DEPTH
    flags = np.full(count, F_SNAPSHOT)
    flags[-1] |= F_LAST
    return [
        np.concatenate([[int(Action.CLEAR)], np.full(count - 1, int(Action.ADD))]),
        np.concatenate(
            [[int(BookSide.NO_ORDER_SIDE)], np.repeat([int(BookSide.BUY), int(BookSide.SELL)], len(depths))]
        ),
        np.concatenate([[0], path.mid[0] - depths, path.mid[0] + depths]),
        np.concatenate([[0], np.full(count - 1, 2_000)]),
        flags,
        np.full(count, path.ts_ns[0] - 1),
    ]


def trades_table(path: market.Path, number: int):
    """Return the trades of `market.trades`."""
    events = path.trade_after
    outward = np.where(path.trade_buy, 1, -1) * (1 + path.trade_depth)
    return trade_table(
        str(market.INSTRUMENT_ID),
        2,
        3,
        price=path.mid[events] + outward,
        size=path.lots[events],
        aggressor=np.where(path.trade_buy, int(Aggressor.BUY), int(Aggressor.SELL)),
        trade_id=number + np.arange(len(events)),
        ts_event=path.ts_ns[events] + 1,
        ts_init=path.ts_ns[events] + 1,
    )


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _say(stage: str, started: float) -> None:
    print(f"{stage}; {time.perf_counter() - started:.1f} s, peak so far {_peak_gib():.2f} GiB", flush=True)


if __name__ == "__main__":
    main()
