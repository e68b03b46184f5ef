"""What one evaluation of every risk rule over 20 instruments costs, beside a yardstick of the same run.

``python benchmarks/bench_risk.py`` feeds a monitor with a mark, orders, decisions and fills of every instrument before
each evaluation, so that nothing can be kept from the last one, and times the evaluations alone, in CPU time. The
yardstick is one covariance form ``q' C q`` of that many instruments, what value at risk cannot do without.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from time import thread_time_ns
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "risk"))

from risk_kit import SECOND, decision, every_rule, fill, linear, mark, order

from mm_nautilus.risk.monitor import Monitor

DEMANDED_US: Final = 200.0
"""Largest median allowed."""


def evaluations(instruments: int, seconds: int) -> list[float]:
    """Return the microseconds of each evaluation."""
    monitor = Monitor(every_rule(), lambda name: linear(name.partition("USDT")[0]))
    rng = np.random.default_rng(1)
    prices = np.full(instruments, 100.0)
    names = [f"C{number}USDT.SIM" for number in range(instruments)]
    spent = []
    for second in range(1, seconds + 1):
        now_ns = second * SECOND
        prices += 0.01 * np.round(rng.normal(size=instruments) * 5)
        for number, name in enumerate(names):
            price, tag = round(float(prices[number]), 2), f"{name}-{second}"
            monitor.marked(mark(now_ns, price - 0.01, price + 0.01, instrument=name))
            monitor.decided(decision(now_ns, price, instrument=name))
            monitor.ordered(order(now_ns, "SUBMIT", tag, instrument=name), now_ns - 10**7)
            monitor.ordered(order(now_ns, "ACCEPTED", tag, instrument=name), now_ns - 10**6 * (1 + number))
            if rng.random() < 0.2:
                side = "BUY" if rng.random() < 0.5 else "SELL"
                monitor.filled(fill(now_ns, side, "1", str(price), name=tag, instrument=name), now_ns)
            else:
                monitor.ordered(order(now_ns, "CANCEL", tag, instrument=name), now_ns)
                monitor.ordered(order(now_ns, "CANCELED", tag, instrument=name), now_ns)
        started = thread_time_ns()
        monitor.evaluate(now_ns)
        spent.append((thread_time_ns() - started) / 1e3)
        monitor.outbox.clear()
    return spent


def yardstick(instruments: int) -> float:
    """Return the microseconds of one covariance form."""
    held, covariance = np.ones(instruments), np.eye(instruments)
    started = thread_time_ns()
    for _ in range(10_000):
        float(held @ covariance @ held)
    return (thread_time_ns() - started) / 1e7


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instruments", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=2_000)
    options = parser.parse_args()
    unit = yardstick(options.instruments)
    spent = evaluations(options.instruments, options.seconds)[100:]
    percentiles = statistics.quantiles(spent, n=100)
    table = Table("what", title=f"every rule on {options.instruments} instruments")
    for heading in ("median", "90 %", "99 %", "demanded", "x yardstick"):
        table.add_column(heading, justify="right")
    median = statistics.median(spent)
    table.add_row(
        "one evaluation, us",
        *(f"{value:.0f}" for value in (median, percentiles[89], percentiles[98])),
        f"{DEMANDED_US:.0f}",
        f"{median / unit:.0f}",
    )
    Console().print(table)


if __name__ == "__main__":
    main()
