"""What the ledger and the limits cost, and whether a million fills slow them or make them grow.

``python benchmarks/bench_ledger.py`` prints times of this process's CPU. The fills are those of a maker that quotes,
gets partial fills and hedges in between, with a tenth of them told twice. Exits with 1 when the last ten thousand
fills cost more than 1.5 times as much as the first, when the memory or the state grows by more than a tenth after the
ids remembered have filled up, or when a check of all limits costs more than 5 microseconds.
"""

import gc
import random
import statistics
import sys
import time
import tracemalloc
from decimal import Decimal

import orjson
from rich.console import Console
from rich.table import Table

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.ledger import Ledger, tradable
from mm_nautilus.inventory.ledger_line import REMEMBERED, Fill
from mm_nautilus.inventory.limits import Holding, Limits, side_bounds, surroundings
from mm_nautilus.market import Purpose, Side

FILLS, BATCH = 1_000_000, 10_000
SLOWER, LARGER, CHECK_US = 1.5, 1.1, 5.0
SPOT, PERP = "BTCUSDT.BINANCE", "BTCUSDT-PERP.BYBIT"
BEGIN_NS, LIMIT = 1_750_000_000 * 10**9, Decimal("0.2")
STEP = Decimal("0.001")
SIZES = [Decimal(lots).scaleb(-4) for lots in range(1, 60)]
PRICES = [Decimal(tick).scaleb(-2) for tick in range(9_999_000, 10_001_000)]


class Maker:
    """Fills and hedges without end."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        for instrument_id, venue in ((SPOT, "BINANCE"), (PERP, "BYBIT")):
            self.ledger.open(instrument_id, asset="BTC", venue=venue, contract=Contract("USDT", "BTC"))
        self._draw = random.Random(1)
        self._count = 0

    def batch(self) -> float:
        """Book one batch; return microseconds of CPU per fill, hedges included."""
        draw, book = self._draw, self.ledger.book
        plays = [
            (self._count + n, draw.choice(SIZES), draw.choice((Side.BUY, Side.SELL)), draw.choice(PRICES))
            for n in range(BATCH)
        ]
        self._count += BATCH
        started = time.process_time_ns()
        line = self.ledger.line(SPOT)
        for number, size, drawn, price in plays:
            ts_ns = BEGIN_NS + number * 10**6
            side = drawn if abs(line.position) < LIMIT else Side.SELL if line.position > 0 else Side.BUY
            fill = Fill(ts_ns, SPOT, "Q", f"T{number:09}", side, size, price)
            book(fill)
            if number % 10 == 0:
                book(fill)
                self._hedge(number, ts_ns, price)
        return (time.process_time_ns() - started) / BATCH / 1e3

    def _hedge(self, number: int, ts_ns: int, price: Decimal) -> None:
        size = -tradable(self.ledger.to_hedge("BTC", {}), STEP, STEP)
        if not size:
            return
        name, side = f"H-{number}", Side.BUY if size > 0 else Side.SELL
        self.ledger.sent(name, PERP, size)
        self.ledger.book(Fill(ts_ns, PERP, name, f"H{number:09}", side, abs(size), price, Purpose.HEDGE))
        self.ledger.ended(name)


def fills() -> list[tuple[str, str, str, bool]]:
    maker, costs = Maker(), []
    warm = 5 * REMEMBERED // BATCH + 5  # hedges fill a tenth as often as quotes
    sizes: dict[str, tuple[int, int]] = {}
    for number in range(FILLS // BATCH):
        costs.append(maker.batch())
        if number in {warm, FILLS // BATCH - 1}:
            sizes["first" if number == warm else "last"] = held(maker.ledger), len(orjson.dumps(maker.ledger.save()))
    first, last = costs[0], statistics.median(costs[-5:])
    memory, state = (sizes["last"][index] / sizes["first"][index] for index in (0, 1))
    saving = best_us(maker.ledger.save, 20)
    return [
        ("a fill, the first 10,000", f"{first:.1f} us", "", True),
        ("a fill after 1,000,000", f"{last:.1f} us", f"{last / first:.2f} x", last / first <= SLOWER),
        ("memory after 1,000,000", f"{sizes['last'][0] / 2**20:.2f} MiB", f"{memory:.2f} x", memory <= LARGER),
        ("state after 1,000,000", f"{sizes['last'][1] / 2**10:.0f} KiB", f"{state:.2f} x", state <= LARGER),
        ("saving the state", f"{saving:.0f} us", "", True),
    ]


def held(ledger: Ledger) -> int:
    """Return the bytes that a ledger with the same content takes."""
    state = ledger.save()
    gc.collect()
    tracemalloc.start()
    again = Maker().ledger
    again.load(state)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size


def best_us(action, repeats: int) -> float:
    """Return the least microseconds of CPU of one call in seven runs."""
    runs = []
    for _ in range(7):
        started = time.process_time_ns()
        for _ in range(repeats):
            action()
        runs.append((time.process_time_ns() - started) / repeats / 1e3)
    return min(runs)


def checks() -> list[tuple[str, str, str, bool]]:
    others = [
        Holding(("BTC", "ETH")[n % 2], "AB"[n % 3 % 2], (-1) ** n * 0.1 * n, 0.2, 0.3, 100.0 + n) for n in range(20)
    ]
    limits = Limits(5.0, 2e4, 1e6, 5e4)
    around = surroundings("BTC", "A", others)
    plain = best_us(lambda: (min(5.0 - 0.4, 3.0), min(5.0 + 0.4, 3.0)), 20_000)
    check = best_us(lambda: side_bounds(0.4, 100.0, 0.001, limits, around, 1e5), 20_000)
    two = best_us(lambda: side_bounds(0.4, 100.0, 0.001, limits, surroundings("BTC", "A", others[:1]), 1e5), 20_000)
    adding = best_us(lambda: surroundings("BTC", "A", others), 5_000)
    return [
        ("all four limits, both sides", f"{check:.2f} us", f"{check / plain:.0f} x two min()", check <= CHECK_US),
        ("the same, with another venue's holding", f"{two:.2f} us", "", two <= CHECK_US),
        ("adding up 20 other instruments", f"{adding:.2f} us", "", True),
    ]


def main() -> None:
    """Measure and print."""
    table = Table("what", "cost", "ratio", "as demanded")
    results = checks() + fills()
    for what, cost, ratio, good in results:
        table.add_row(what, cost, ratio, "yes" if good else "NO")
    Console().print(table)
    sys.exit(not all(good for *_, good in results))


if __name__ == "__main__":
    main()
