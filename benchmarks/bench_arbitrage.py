"""What one quote of one of five venues costs an arbitrage strategy on the engine: ten pairs, looked at both ways.

``python benchmarks/bench_arbitrage.py`` runs the strategy as a backtest does and times each `on_quote`, from the
engine's quote to the last word about it, in CPU time: while nothing crosses, while four pairs cross within the fees,
while each quote begins or ends four crossings, and while one is taken now and then. The ratio compares with a quote of
the closed form on a single venue. Exits with 1 when the median of a scan, with or without crossings that stand, is
above the ceiling.
"""

import statistics
import sys
from pathlib import Path
from time import thread_time_ns

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "strategies"))

from arbitrage_kit import BALANCES, WatchedArbitrage, arbitrage, venues_of
from bench_venues import microseconds, single_venue
from engine_kit import MS, T0, engine_with, quote
from nautilus_trader.model import InstrumentId

CEILING_US = 30.0
VENUES, QUOTES = 5, 4_000
IDS = [InstrumentId.from_str(f"BTCUSDT.V{place}") for place in range(VENUES)]
FEE = "0.0005"


def timed(shift, fee=FEE):
    """Return the microseconds of each quote; `shift` says in ticks by how much the first venue is dearer, by quote."""
    data = [
        quote(3999 + k % 2 + moved, 4001 + k % 2 + moved, T0 + k * MS, lots=50 + k % 7, instrument_id=one)
        for k in range(QUOTES)
        for place, one in enumerate(IDS)
        for moved in [shift(k) if place == 0 else 0]
    ]
    strategy = arbitrage(IDS, fee=float(fee), max_position="1000", cooldown_s=0.05, expiry_s=1e6)
    spent, on_quote = [], WatchedArbitrage.on_quote

    def watched(self, tick):
        started = thread_time_ns()
        on_quote(self, tick)
        spent.append((thread_time_ns() - started) / 1e3)

    WatchedArbitrage.on_quote = watched
    try:
        with engine_with(strategy, data, account="CASH", balances=BALANCES, taker_fee=fee, **venues_of(IDS)) as engine:
            engine.run()
    finally:
        WatchedArbitrage.on_quote = on_quote
    if strategy.fatal is not None:
        raise strategy.fatal
    return spent[VENUES:], len(strategy.of("TAKEN"))


def main():
    table = Table("one quote of five venues", "median", "99 %", "ratio to one venue", "ceiling", title="arbitrage")
    baseline = microseconds(single_venue())
    missed = []
    for name, shift, fee, ceiling in (
        ("nothing crosses", lambda _k: 0, FEE, CEILING_US),
        ("four pairs cross within the fees", lambda _k: 4, FEE, CEILING_US),
        ("four crossings begin and end", lambda k: 4 * (k % 2), FEE, None),
        ("without fees: taken whenever the cooldown allows", lambda k: 4 * (k % 2), "0", None),
    ):
        spent, taken = timed(shift, fee)
        median = statistics.median(spent)
        if ceiling is not None and median > ceiling:
            missed.append(name)
        tail = statistics.quantiles(spent, n=100)[98]
        table.add_row(
            f"{name} ({taken} times)" if taken else name,
            f"{median:.2f} us",
            f"{tail:.1f} us",
            f"{median / baseline:.1f}",
            "" if ceiling is None else f"{ceiling:g} us",
        )
    Console(width=110).print(table)
    if missed:
        print(f"above the ceiling: {', '.join(missed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
