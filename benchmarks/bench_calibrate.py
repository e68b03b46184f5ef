"""How long a day of five million events takes to calibrate, and in how much memory.

Run ``python benchmarks/bench_calibrate.py``: it writes a catalogue of generated deltas and trades, calibrates it
and exits with 1 when 60 seconds or 2 GiB are exceeded. Then the online form, per trade.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from mm_nautilus.calibrate import calibrate
from mm_nautilus.catalog.columns import F_LAST, delta_table, trade_table
from mm_nautilus.catalog.instruments import BUILTIN
from mm_nautilus.catalog.store import CatalogWriter
from mm_nautilus.estimators.intensity import IntensitySettings
from mm_nautilus.estimators.intensity_rolling import RollingIntensity
from mm_nautilus.market import Side, TopOfBook

INSTRUMENT = "BTCUSDT.BINANCE"
T0 = 1_700_000_000 * 10**9
DAY_S = 86_400
DELTAS, TRADES = 4_600_000, 400_000
SECONDS, MEMORY_MIB = 60.0, 2_048
CHUNK = 200_000

RUN_FILE = """
[run]
name = "bench"
[data]
catalog = "{catalog}"
[[venues]]
name = "BINANCE"
account = "CASH"
starting_balances = ["50000 USDT", "1 BTC"]
fees = {{ maker_rate = 0, taker_rate = "0.0002" }}
[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "BTCUSDT.BINANCE"
book = "L2"
order_size = 0.01
[strategy.limits]
max_position = 0.06
"""


def write_catalog(root):
    """A book of two hundred levels a side around a walking mid, and trades that reach an exponential distance."""
    rng = np.random.default_rng(0)
    with CatalogWriter(root, fingerprint="bench") as writer:
        writer.instrument(BUILTIN[INSTRUMENT].build())
        step_ns = DAY_S * 10**9 // DELTAS
        mid = 6_000_000
        for start in range(0, DELTAS, CHUNK):
            times = T0 + np.arange(start, start + CHUNK) * step_ns
            path = mid + np.cumsum(rng.choice([-20, 0, 20], CHUNK, p=[0.02, 0.96, 0.02]))
            mid = int(path[-1])
            side = rng.integers(1, 3, CHUNK)
            depth = rng.geometric(0.02, CHUNK) * 20
            price = np.where(side == 1, path - depth, path + depth)
            size = rng.integers(0, 10**6, CHUNK) * (rng.random(CHUNK) < 0.7)
            action = np.where(size == 0, 3, 2)
            if start == 0:
                action[0], side[0], price[0], size[0] = 4, 0, 0, 0
            writer.append(
                delta_table(
                    INSTRUMENT,
                    2,
                    5,
                    action=action,
                    side=side,
                    price=price,
                    size=size,
                    order_id=np.zeros(CHUNK, dtype=np.int64),
                    flags=np.full(CHUNK, F_LAST),
                    sequence=np.arange(start, start + CHUNK),
                    ts_event=times,
                    ts_init=times,
                )
            )
        times = T0 + np.sort(rng.integers(0, DAY_S * 10**9, TRADES))
        aggressor = rng.integers(1, 3, TRADES)
        reach = 10 + rng.exponential(60, TRADES).astype(np.int64)
        writer.append(
            trade_table(
                INSTRUMENT,
                2,
                5,
                price=6_000_000 + np.where(aggressor == 1, reach, -reach),
                size=rng.integers(1, 10**6, TRADES),
                aggressor=aggressor,
                trade_id=np.arange(TRADES),
                ts_event=times,
                ts_init=times,
            )
        )


def rolling_update_ns():
    """Nanoseconds a trade costs a rolling fit, and the plain float expression of its depth; the best of five."""
    top = TopOfBook(60_000.0, 60_000.01, 1.0, 1.0)
    prices = (60_000.01 + np.random.default_rng(0).exponential(1.0, 50_000).round(2)).tolist()
    settings = IntensitySettings(a_per_s=1, k_per_price=1, rolling_window_s=600, refit_interval_s=5)
    spent, plain = [], []
    for _ in range(5):
        rolling, depths = RollingIntensity(settings, 0.01), {}
        begin = time.perf_counter()
        for event, price in enumerate(prices):
            rolling.traded(event, price, Side.BUY, top)
        spent.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        for price in prices:
            depth = round((2 * price - top.bid - top.ask) / 0.01)
            depths[depth] = depths.get(depth, 0) + 1
        plain.append(time.perf_counter() - begin)
    return min(spent) / len(prices) * 1e9, min(plain) / len(prices) * 1e9


def main():
    table = Table(title="Calibration")
    for column in ("what", "figure", "allowed"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_catalog(root / "catalog")
        run_file = root / "run.toml"
        run_file.write_text(RUN_FILE.format(catalog=root / "catalog"))
        written_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        begin = time.perf_counter()
        done = calibrate(run_file, output=root / "bench.toml")
        seconds = time.perf_counter() - begin
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    per_trade, plain = rolling_update_ns()
    events = done.file.data.tops + done.file.data.trades
    table.add_row(f"{events:,} events", f"{seconds:.1f} s", f"{SECONDS:.0f} s")
    table.add_row(
        "peak memory (writing the data alone)", f"{peak_mib:,.0f} ({written_mib:,.0f}) MiB", f"{MEMORY_MIB:,} MiB"
    )
    table.add_row("one trade of a rolling fit", f"{per_trade:,.0f} ns", "2,000 ns")
    table.add_row("  as a ratio to a plain float expression of its depth", f"{per_trade / plain:.1f}", "")
    Console().print(table)
    return seconds <= SECONDS and peak_mib <= MEMORY_MIB and per_trade <= 2_000


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
