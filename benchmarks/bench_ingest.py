"""How fast events reach a catalogue, and in how much memory.

Run ``python benchmarks/bench_ingest.py`` for generated data, or add Binance captures of one market and their
specification: ``python benchmarks/bench_ingest.py configs/ingest/binance_spot.toml capture.gz ...``. Exits with 1
when a floor is missed: 250,000 events a second from memory-resident Arrow, 50,000 from a Binance capture,
3 million events in 2 GiB.
"""

import gzip
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import orjson
from rich.console import Console
from rich.table import Table

from mm_nautilus.catalog.builtin import BUILTIN
from mm_nautilus.catalog.columns import F_LAST, delta_table, quote_table, trade_table
from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.quality import Quality
from mm_nautilus.catalog.spec import BinanceSpec, load_spec
from mm_nautilus.catalog.store import CatalogWriter

INSTRUMENT = "BTCUSDT.BINANCE"
T0 = 1_700_000_000 * 10**9
EVENTS = 3_000_000
CHUNK = 100_000
ARROW_FLOOR, CAPTURE_FLOOR, MEMORY_FLOOR_MIB = 250_000, 50_000, 2_048


def arrow_chunks(kind):
    """Yield EVENTS events in chunks, as a reader would."""
    rng = np.random.default_rng(0)
    for start in range(0, EVENTS, CHUNK):
        times = T0 + np.arange(start, start + CHUNK) * 10**6
        mid = 6_000_000 + np.cumsum(rng.integers(-1, 2, CHUNK))
        sizes = rng.integers(1, 10**6, CHUNK)
        clocks = {"ts_event": times - 10**6, "ts_init": times}
        if kind == "quotes":
            yield quote_table(
                INSTRUMENT, 2, 5, bid_price=mid, ask_price=mid + 1, bid_size=sizes, ask_size=sizes, **clocks
            )
        elif kind == "trades":
            number = np.arange(start, start + CHUNK)
            yield trade_table(
                INSTRUMENT, 2, 5, price=mid, size=sizes, aggressor=1 + sizes % 2, trade_id=number, **clocks
            )
        else:
            side = 1 + sizes % 2
            depth = rng.integers(1, 500, CHUNK)
            gone = rng.random(CHUNK) < 0.3
            zeros = np.zeros(CHUNK, dtype=np.int64)
            yield delta_table(
                INSTRUMENT,
                2,
                5,
                action=np.where(gone, 3, 2),
                side=side,
                price=6_000_000 + np.where(side == 1, -depth, depth),
                size=np.where(gone, 0, sizes),
                order_id=zeros,
                flags=zeros + F_LAST,
                sequence=zeros,
                **clocks,
            )


def from_arrow(kind, root):
    """Return events a second from tables in memory to a committed catalogue, quality included."""
    tables = list(arrow_chunks(kind))
    started = time.perf_counter()
    quality = Quality(60)
    with CatalogWriter(root) as writer:
        writer.instrument(BUILTIN[INSTRUMENT].build())
        for table in tables:
            quality.observe(table)
            writer.append(table)
        for name, report in quality.documents({}).items():
            writer.document(f"quality/{name}", report)
    return EVENTS / (time.perf_counter() - started)


def capture(path, events=200_000):
    """Write a capture with the mix of a spot market: 73 % book tickers, 20 % trades, 7 % updates of 40 levels."""
    rng = np.random.default_rng(1)
    kinds = rng.choice(3, events, p=[0.73, 0.2, 0.07])
    with gzip.open(path, "wb", compresslevel=1) as stream:
        first = {"lastUpdateId": 1, "bids": [["59999.00", "1.0"]], "asks": [["60001.00", "1.0"]]}
        stream.write(b"%d %s\n" % (T0, orjson.dumps(first)))
        last = 1
        for number, kind in enumerate(kinds.tolist()):
            at = T0 + number * 10**6
            data = {"E": at // 10**6, "s": "BTCUSDT"}
            if kind == 0:
                data |= {"u": number, "b": "59999.99", "B": "1.00000000", "a": "60000.01", "A": "2.00000000"}
            elif kind == 1:
                data |= {"e": "trade", "t": number, "p": "60000.00", "q": "0.01", "T": at // 10**6, "m": True}
            else:
                levels = [[f"{price / 100:.8f}", "0.50000000"] for price in rng.integers(5_990_000, 5_999_000, 40)]
                data |= {"e": "depthUpdate", "U": last + 1, "u": last + 1, "b": levels, "a": []}
                last += 1
            name = ("bookTicker", "trade", "depth@100ms")[kind]
            stream.write(b"%d %s\n" % (at, orjson.dumps({"stream": f"btcusdt@{name}", "data": data})))


def from_capture(spec, sources, root):
    """Return events a second from captures on disk to a committed catalogue."""
    started = time.perf_counter()
    done = ingest(spec, sources, root)
    seconds = time.perf_counter() - started
    return sum(kind["events"] for report in done.reports.values() for kind in report["kinds"].values()) / seconds


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        results = []
        if len(sys.argv) > 2:
            spec, sources = load_spec(Path(sys.argv[1])), [Path(name) for name in sys.argv[2:]]
        else:
            spec = BinanceSpec(format="binance-raw", instruments=[{"builtin": INSTRUMENT}])
            sources = [root / "capture.gz"]
            capture(sources[0])
        results.append(("Binance capture", from_capture(spec, sources, root / "capture"), CAPTURE_FLOOR, "events/s"))
        results += [
            (f"Arrow in memory, {kind}", from_arrow(kind, root / kind), ARROW_FLOOR, "events/s")
            for kind in ("quotes", "trades", "deltas")
        ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table = Table("what", "found", "floor or ceiling")
    for name, found, floor, unit in results:
        table.add_row(name, f"{found:,.0f} {unit}", f"at least {floor:,}")
    table.add_row(
        f"peak memory, {EVENTS:,} events of each kind held as Arrow",
        f"{peak:,.0f} MiB",
        f"at most {MEMORY_FLOOR_MIB:,}",
    )
    Console().print(table)
    missed = peak > MEMORY_FLOOR_MIB or any(found < floor for _, found, floor, _ in results)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
