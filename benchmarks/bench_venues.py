"""What several venues and several assets cost beside one: a requote, a scan, a route, and the slow clock.

Run ``python benchmarks/bench_venues.py``. Medians over rounds, of this process's CPU; those of the slow clock in ms are
wall time, because the threads of a linear algebra library spin for longer than matrices this small take
(``OPENBLAS_NUM_THREADS=1`` spares that). The ratio compares with the requote of the same closed form on a single venue.
Exits with 1 when a ceiling is missed: 60 microseconds for a requote with five venues, 30 for a scan of ten pairs of
venues in both directions, 60 for the requote of one instrument out of fifty.
"""

import statistics
import sys
import time
from decimal import Decimal

import numpy as np
from rich.console import Console
from rich.table import Table

from mm_nautilus.estimators.component_share import component_shares
from mm_nautilus.estimators.covariance import RollingCovariance
from mm_nautilus.estimators.hayashi_yoshida import RollingHayashiYoshida, hayashi_yoshida
from mm_nautilus.estimators.lead_lag import lead_lag
from mm_nautilus.market import Intensity, MarketState, Side, TopOfBook
from mm_nautilus.models import MODELS
from mm_nautilus.models.multi_asset import multi_asset_quoter
from mm_nautilus.models.portfolio import ConcentrationLimit, PortfolioQuoter, concentration_factors
from mm_nautilus.venues.bounds import BoundTerms, HedgeBook, anchored, side_bound, towards_others
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.crossing import Means, ScanTerms, Trader
from mm_nautilus.venues.opportunities import OpportunityScanner
from mm_nautilus.venues.router import Outlet, rank_resting, rank_taking
from mm_nautilus.venues.split import split
from mm_nautilus.venues.venue import Venue

ROUNDS, CALLS = 15, 2_000
VENUES, INSTRUMENTS, LEVELS = 5, 50, 20
REQUOTE_CEILING_US, SCAN_CEILING_US, PORTFOLIO_CEILING_US = 60.0, 30.0, 60.0

TOP = TopOfBook(59_999.5, 60_000.5, 3.0, 4.0)
SIGMA, SIZE = 6.0, 0.5
RATE = Intensity(1.0, 0.05)
GLFT = MODELS["glft"](MODELS["glft"].parameters_type(gamma=0.0001), SIZE, 10.0)
BIDS = [(59_999.5 - 0.5 * level, 0.1 + 0.05 * level) for level in range(LEVELS)]
ASKS = [(60_000.5 + 0.5 * level, 0.1 + 0.05 * level) for level in range(LEVELS)]
EXACT_BIDS = [(Decimal(str(price)), Decimal(f"{size:.2f}")) for price, size in BIDS]
EXACT_ASKS = [(Decimal(str(price)), Decimal(f"{size:.2f}")) for price, size in ASKS]

OUTLETS = [
    Outlet(
        f"V{i}", BIDS, 0.0005, 0.0001, latency_s=0.05, lot=0.01, best=60_000.5,
        queue_ahead=1.0 + i, trades_per_s=2.0, mean_trade=0.2,
    )
    for i in range(VENUES)
]  # fmt: skip


def microseconds(call, calls=CALLS, rounds=ROUNDS, clock=time.process_time):
    """Median over rounds of the time of one call."""
    taken = []
    for _ in range(rounds):
        begin = clock()
        for _ in range(calls):
            call()
        taken.append((clock() - begin) / calls * 1e6)
    return statistics.median(taken)


def single_venue():
    """Quote the closed form around the mid of one venue."""

    def requote():
        state = MarketState(0, TOP, TOP.mid, SIGMA, RATE, RATE)
        quote = GLFT.quote(state, 1.0, 0.0)
        return quote.bid, quote.ask

    return requote


def fair_value():
    venues = [Venue(f"V{index}", "BTC", "USDT", 0.0, 0.0005) for index in range(VENUES)]
    fair = ConsolidatedFairValue(venues, "USDT", 60.0, 1e6)
    for index in range(VENUES):
        fair.update(index, TOP.bid, TOP.ask, 0)
    return fair


def update_and_value():
    fair = fair_value()

    def update():
        fair.update(1, TOP.bid, TOP.ask, 1)
        return fair.own_value(0, 1)

    return update


def cross_venue(inverse=False):
    """Take one venue's new prices in, then quote another, hedged on the best of four: the whole of our code."""
    fair, terms = fair_value(), BoundTerms(0.0001, 0.0001, 0.00005, 2.0)
    contract = Venue("I", "BTC", "USDT", 0.0, 0.0005, inverse=True, multiplier=Decimal(100))
    contracts = [[(price, size * 600.0) for price, size in side] for side in (BIDS, ASKS)]

    def requote():
        fair.update(1, TOP.bid, TOP.ask, 1)
        own = fair.own_value(0, 1)
        state = MarketState(0, TOP, own, SIGMA, RATE, RATE)
        quote = towards_others(GLFT.quote(state, 1.0, 0.0), TOP.mid, own, 30.0, 0.3)
        sides = [[*map(contract.depth, contracts)] if inverse else (BIDS, ASKS) for _ in range(VENUES - 1)]
        books = [
            HedgeBook(f"V{index}", *depth, 0.0005, 1.0, 0.05)
            for index, depth in enumerate(sides, start=1)
        ]  # fmt: skip
        low = side_bound(Side.BUY, books, SIZE, terms, SIGMA, 0.1)
        high = side_bound(Side.SELL, books, SIZE, terms, SIGMA, 0.1)
        return anchored(quote, low, high, TOP, 0.1)

    return requote


def scanner(dearer=0.0):
    watch = OpportunityScanner([Trader(f"V{i}", Decimal("0.0005"), 0.05) for i in range(VENUES)], ScanTerms(z=2.0))
    for index in range(VENUES):
        watch.update(index, TOP.bid, TOP.ask, 0)
    watch.update(0, TOP.bid + dearer, TOP.ask + dearer, 0)
    exact = Decimal(str(dearer))
    books = {
        (index, side): [(price + (exact if index == 0 else 0), size) for price, size in levels]
        for index in range(VENUES)
        for side, levels in ((Side.BUY, EXACT_ASKS), (Side.SELL, EXACT_BIDS))
    }
    return watch, lambda venue, side: books[venue, side], lambda _: Means()


def scan(dearer=0.0, afresh=False):
    watch, book, means = scanner(dearer)

    def once():
        watch.update(1, TOP.bid, TOP.ask, 0)
        return watch.scan(0, book, means, SIGMA)

    def again():
        watch.update(0, TOP.bid, TOP.ask, 0)
        watch.scan(0, book, means, SIGMA)
        watch.update(0, TOP.bid + dearer, TOP.ask + dearer, 0)
        return watch.scan(0, book, means, SIGMA)

    return again if afresh else once


def portfolio():
    rng = np.random.default_rng(0)
    sigma = np.exp(rng.normal(-2, 1, INSTRUMENTS))
    covariance = (0.5 + 0.5 * np.eye(INSTRUMENTS)) * np.outer(sigma, sigma)
    ones = np.ones(INSTRUMENTS)
    return covariance, lambda: multi_asset_quoter(covariance, ones, 1 / sigma, ones, 0.01)


def portfolio_requote():
    book = PortfolioQuoter(portfolio()[1](), np.zeros(INSTRUMENTS))
    limit, held = ConcentrationLimit(0.1, 0.3, 2.0), [0.0]

    def requote():
        held[0] += 0.001
        book.hold(7, held[0])
        factors = concentration_factors(held[0] * 100.0, 1_000.0, limit)
        return book.quote(9, 100.0), factors

    return requote


def slow_clock(table):
    rng = np.random.default_rng(1)
    rolling = RollingCovariance(INSTRUMENTS, 720, 5.0)
    for row in np.cumsum(rng.normal(size=(721, INSTRUMENTS)), axis=0):
        rolling.sample(row)
    n = 100_000
    ticks = [np.sort(rng.integers(0, 10**13, n)) for _ in range(2)]
    prices = [np.cumsum(rng.normal(size=n)) for _ in range(2)]
    venues = np.cumsum(rng.normal(size=(3_600, VENUES)), axis=0)
    for name, call in (
        (f"covariance of {INSTRUMENTS} instruments, 720 samples", rolling.value),
        (f"value function of {INSTRUMENTS} instruments", portfolio()[1]),
        ("Hayashi-Yoshida, 100,000 ticks each", lambda: hayashi_yoshida(ticks[0], prices[0], ticks[1], prices[1])),
        ("lead-lag of 19 lags, the same ticks", lambda: lead_lag(ticks[0], prices[0], ticks[1], prices[1])),
        ("component shares of 5 venues, 3,600 samples", lambda: component_shares(venues)),
    ):
        table.add_row(name, f"{microseconds(call, 1, 5, time.perf_counter) / 1e3:.1f} ms", "", "")


def rolling_tick():
    rolling, now = RollingHayashiYoshida(INSTRUMENTS, 600.0), [0]
    for index in range(INSTRUMENTS):
        rolling.update(index, 100.0, 0)

    def tick():
        now[0] += 1_000_000
        rolling.update(now[0] % INSTRUMENTS, 100.0 + now[0] % 7, now[0])

    return tick


def main():
    table = Table("what", "time", "ratio to one venue", "ceiling", title=f"{VENUES} venues, {INSTRUMENTS} instruments")
    baseline = microseconds(single_venue())
    missed = []
    for name, call, ceiling in (
        ("requote on a single venue", single_venue(), None),
        ("prices of a venue in, fair value of another out", update_and_value(), None),
        ("requote with five venues", cross_venue(), REQUOTE_CEILING_US),
        ("the same, hedged on inverse contracts", cross_venue(inverse=True), REQUOTE_CEILING_US),
        ("scan, nothing crosses", scan(), SCAN_CEILING_US),
        ("scan, four pairs cross within the fees", scan(5.0), SCAN_CEILING_US),
        ("two scans, four crossings begin and end", scan(5.0, afresh=True), None),
        ("rank five venues for a hedge", lambda: rank_taking(Side.SELL, SIZE, OUTLETS, SIGMA, 1.0), None),
        ("rank five venues to rest on", lambda: rank_resting(Side.SELL, SIZE, OUTLETS, 5.0, 59_990.0), None),
        ("split a hedge over five venues", lambda: split(Side.SELL, SIZE, OUTLETS, SIGMA, 1.0), None),
        ("a fill in one of fifty, requote of another", portfolio_requote(), PORTFOLIO_CEILING_US),
        ("a tick of one of fifty, rolling Hayashi-Yoshida", rolling_tick(), None),
    ):
        taken = microseconds(call)
        if ceiling is not None and taken > ceiling:
            missed.append(name)
        table.add_row(name, f"{taken:.2f} us", f"{taken / baseline:.1f}", "" if ceiling is None else f"{ceiling:g} us")
    slow_clock(table)
    Console(width=110).print(table)
    if missed:
        print(f"above the ceiling: {', '.join(missed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
