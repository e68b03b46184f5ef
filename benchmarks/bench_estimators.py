"""What one update of each online estimator costs, and one pass of its vectorised form.

Run ``python benchmarks/bench_estimators.py``. Times are of this process's CPU, the least of seven runs. The ratio
compares an update with the plain float expression of the same formula, without a window, memory or warm-up.
Exits with 1 when an update costs more than 2 microseconds.
"""

import math
import sys
import time
from collections.abc import Callable, Iterable

import numpy as np
from rich.console import Console
from rich.table import Table

from mm_nautilus.adverse_selection.pending import PendingMarkouts
from mm_nautilus.estimators import noise_robust, order_flow, price_impact, range_based, realised, roll_spread
from mm_nautilus.estimators.rolling_noise_robust import RollingKernel
from mm_nautilus.estimators.trade_imbalance import (
    EwmaTradeImbalance,
    TradeImbalance,
    ewma_trade_imbalances,
    trade_imbalances,
)
from mm_nautilus.estimators.volatility import VolatilitySettings, ewma_variances, volatility_estimator
from mm_nautilus.estimators.vpin import BulkVpin, Vpin, buckets, vpin_levels
from mm_nautilus.estimators.windows import ClockWindow, EventWindow
from mm_nautilus.market import Side, TopOfBook

UPDATES, RUNS, ROWS = 10_000, 7, 1_000_000
CEILING_US = 2.0

rng = np.random.default_rng(0)
TIMES = (np.cumsum(rng.exponential(0.02, ROWS)) * 1e9).astype(np.int64)
EFFICIENT = 100.0 + np.cumsum(rng.normal(0.0, 0.01, ROWS))
MIDS = EFFICIENT + rng.normal(0.0, 0.005, ROWS)
SIDES = rng.choice((-1, 1), ROWS)
SIZES = rng.exponential(1.0, ROWS)
BIDS = np.round(EFFICIENT - 0.005, 2)
BID_SIZES, ASK_SIZES = rng.exponential(5.0, (2, ROWS))

Rows = list[tuple[object, ...]]
Online = tuple[Callable[..., object], Callable[[object], object]]


def rows(*columns: Iterable[object]) -> Rows:
    return list(zip(*(np.asarray(column)[:UPDATES].tolist() for column in columns), strict=True))


def volatility(name: str):
    measure = volatility_estimator(VolatilitySettings(estimator=name))
    return measure.sample, lambda _: measure.value


def sampled(estimator):
    return estimator.sample, lambda _: estimator.value


def fed(estimator):
    return estimator.update, lambda _: estimator.value


def fed_at(estimator):
    return estimator.update, estimator.value


def marked():
    pending = PendingMarkouts()

    def update(ts_ns: int, mid: float, number: int) -> object:
        if number % 100 == 0:
            pending.filled("fill", ts_ns, Side.BUY, 1.0, mid)
        return pending.moved(ts_ns, mid)

    return update, lambda _: pending.next_due_ns


def squared():
    last, variance = 100.0, 0.0

    def update(price: float) -> float:
        nonlocal last, variance
        variance = 0.99 * variance + 0.01 * (price - last) ** 2
        last = price
        return math.sqrt(variance)

    return update


def balance():
    bought, sold = 1.0, 1.0

    def update(_: int, side: int, size: float) -> float:
        nonlocal bought, sold
        if side > 0:
            bought += size
        else:
            sold += size
        return (bought - sold) / (bought + sold)

    return update


def squeezed():
    last, total = TopOfBook(100.0, 100.01, 1.0, 1.0), 0.0

    def update(_: int, top: TopOfBook) -> float:
        nonlocal last, total
        total += order_flow.flow_of_event(
            last.bid, last.bid_size, last.ask, last.ask_size, top.bid, top.bid_size, top.ask, top.ask_size
        )
        last = top
        return total

    return update


def ranged():
    def update(open_: float, high: float, low: float, close: float) -> float:
        return 0.5 * (high - low) ** 2 - 0.386294 * (close - open_) ** 2

    return update


def crossed():
    n, x, y, xx, xy = 0, 0.0, 0.0, 0.0, 0.0

    def update(flow: float, move: float) -> float:
        nonlocal n, x, y, xx, xy
        n, x, y, xx, xy = n + 1, x + flow, y + move, xx + flow * flow, xy + flow * move
        return (xy - x * y / n) / (xx - x * x / n + 1e-9)

    return update


TOPS = [
    (ts, TopOfBook(bid, bid + 0.01, bid_size, ask_size))
    for ts, bid, bid_size, ask_size in rows(TIMES, BIDS, BID_SIZES, ASK_SIZES)
]
PRICES, TRADES, FLOW = rows(MIDS), rows(TIMES, SIDES, SIZES), rows(SIDES * SIZES, np.diff(MIDS, prepend=MIDS[0]))
BARS = rows(MIDS, MIDS + 0.03, MIDS - 0.02, MIDS + 0.01)
MARKS = rows(TIMES, MIDS, np.arange(ROWS))

ONLINE: dict[str, tuple[Callable[[], Online], Callable[[], Callable[..., object]], Rows]] = {
    "ewma volatility": (lambda: volatility("ewma"), squared, PRICES),
    "realised volatility": (lambda: volatility("realised"), squared, PRICES),
    "bipower volatility": (lambda: volatility("bipower"), squared, PRICES),
    "two-scale volatility": (lambda: volatility("two_scale"), squared, PRICES),
    "realised kernel volatility": (lambda: volatility("realised_kernel"), squared, PRICES),
    "realised kernel, 64 lags (no ceiling: O(H))": (lambda: sampled(RollingKernel(1_000, 64)), squared, PRICES),
    "Roll spread": (lambda: sampled(roll_spread.RollingRoll(300)), squared, PRICES),
    "Garman-Klass": (lambda: fed(range_based.RollingRange("garman_klass", 50)), ranged, BARS),
    "Yang-Zhang": (lambda: fed(range_based.RollingYangZhang(50)), ranged, BARS),
    "trade imbalance, 100 trades": (lambda: fed_at(TradeImbalance(EventWindow(100))), balance, TRADES),
    "trade imbalance, 10 s": (lambda: fed_at(TradeImbalance(ClockWindow(10.0))), balance, TRADES),
    "trade imbalance, decayed": (lambda: fed(EwmaTradeImbalance(10.0)), balance, TRADES),
    "order-flow imbalance, 100 events": (
        lambda: fed_at(order_flow.OrderFlowImbalance(EventWindow(100))),
        squeezed,
        TOPS,
    ),
    "order-flow imbalance, 10 s": (
        lambda: fed_at(order_flow.OrderFlowImbalance(ClockWindow(10.0))),
        squeezed,
        TOPS,
    ),
    "VPIN by aggressor": (lambda: fed(Vpin(50.0)), lambda: lambda _, size: size, rows(SIDES, SIZES)),
    "VPIN by bulk classification": (lambda: fed(BulkVpin(50.0)), crossed, rows(np.diff(MIDS), SIZES)),
    "Kyle lambda": (lambda: fed(price_impact.RecursiveImpact(500.0)), crossed, FLOW),
    "markouts, a mid (1 fill in 100)": (marked, lambda: lambda _, mid, __: mid, MARKS),
}

WHOLE: dict[str, Callable[[], object]] = {
    "ewma volatility": lambda: ewma_variances(MIDS, 1.0, 60.0),
    "realised variance": lambda: realised.realised_variance(MIDS),
    "bipower variation": lambda: realised.bipower_variation(MIDS),
    "two-scale variance, K = 60": lambda: noise_robust.two_scale_variance(MIDS, 60),
    "realised kernel, H = 40": lambda: noise_robust.realised_kernel(MIDS, 40),
    "trade imbalance, 10 s": lambda: trade_imbalances(TIMES, SIDES, SIZES, ClockWindow(10.0)),
    "trade imbalance, decayed": lambda: ewma_trade_imbalances(TIMES, SIDES, SIZES, 10.0),
    "order-flow imbalance, 10 s": lambda: order_flow.order_flow_imbalances(
        TIMES, BIDS, BID_SIZES, BIDS + 0.01, ASK_SIZES, ClockWindow(10.0)
    ),
    "VPIN": lambda: vpin_levels(*buckets(np.where(SIDES > 0, SIZES, 0.0), np.where(SIDES < 0, SIZES, 0.0), 500.0)),
    "Kyle lambda": lambda: price_impact.linear_impact(SIDES * SIZES, np.diff(MIDS, prepend=MIDS[0])),
}


def least_us(run: Callable[[], None]) -> float:
    best = math.inf
    for _ in range(RUNS):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best / UPDATES * 1e6


def costs_us(make, plain, data: Rows) -> tuple[float, float, float]:
    """Return what an update, an update with a reading, and the plain expression cost."""

    def updates() -> None:
        update, _ = make()
        for row in data:
            update(*row)

    def readings() -> None:
        update, read = make()
        for row in data:
            update(*row)
            read(row[0])

    def plainly() -> None:
        update = plain()
        for row in data:
            update(*row)

    return least_us(updates), least_us(readings), least_us(plainly)


def main() -> int:
    online = Table("online", "us/update", "with a reading", "ratio", title=f"{UPDATES:,} updates")
    missed = []
    for name, (make, plain, data) in ONLINE.items():
        update, reading, expression = costs_us(make, plain, data)
        if update > CEILING_US and "no ceiling" not in name:
            missed.append(name)
        online.add_row(name, f"{update:.2f}", f"{reading:.2f}", f"{update / expression:.1f}")
    whole = Table("vectorised", "ns/row", title=f"{ROWS:,} rows")
    for name, measure in WHOLE.items():
        start = time.process_time()
        measure()
        whole.add_row(name, f"{(time.process_time() - start) / ROWS * 1e9:.0f}")
    console = Console()
    console.print(online, whole)
    for name in missed:
        console.print(f"missed: {name} costs more than {CEILING_US:g} us an update")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
