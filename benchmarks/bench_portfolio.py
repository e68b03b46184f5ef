"""What the requote of one instrument out of fifty costs, and what happens on the slower clocks.

Run ``uv run benchmarks/bench_portfolio.py``. Medians over rounds, of this process's CPU; the slow clock in ms of wall
time. A requote is all of our code from the new top of the book to the ladder that is compared with what rests: what is
held and works told to the portfolio, concentration, risk room, price, ladder, guards, differences. The baseline is the
same desk with the closed form of one asset. Exits with 1 above the ceiling of 60 microseconds.
"""

import os
import statistics
import sys
import time
from decimal import Decimal

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from mm_nautilus.inventory.portfolio import Member, Portfolio, Terms
from mm_nautilus.inventory.portfolio_model import PORTFOLIO_MODEL, MemberVolatility, PortfolioModel
from mm_nautilus.inventory.portfolio_settings import PortfolioSettings
from mm_nautilus.market import Grid, TopOfBook
from mm_nautilus.models.portfolio import UNCHANGED
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.guards import Bounds, Reason
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model

INSTRUMENTS, ROUNDS, CALLS, CEILING_US = 50, 15, 1_000, 60.0
LOT = 0.001
TOPS = [TopOfBook(99.99 + 0.01 * i, 100.01 + 0.01 * i, 3.0, 4.0) for i in range(5)]


def microseconds(call, calls=CALLS, rounds=ROUNDS, clock=time.process_time):
    """Median over rounds of the time of one call."""
    taken = []
    for _ in range(rounds):
        begin = clock()
        for _ in range(calls):
            call()
        taken.append((clock() - begin) / calls * 1e6)
    return statistics.median(taken)


def desk(model, **fields):
    """Return the desk of one instrument."""
    told = {
        "instrument_id": "A.SIM",
        "model": model,
        "order_size": "1",
        "intensity": {"a_per_s": 0.5, "k_per_price": 50.0},
        "limits": {"max_position": "10"},
    }
    settings = settings_with_model(QuotingSettings, model).model_validate(told | fields)
    return lambda **more: Desk(settings, Grid(Decimal("0.01"), Decimal("0.001")), "B", lambda _: LOT, **more)


def alone():
    """One instrument by itself."""
    one = desk("glft", gamma=0.2, volatility={"fixed_price_per_sqrt_s": 0.01})()
    state = [0]

    def requote():
        state[0] += 1
        one.heard(state[0])
        one.top = TOPS[state[0] % len(TOPS)]
        one.requote("quote", state[0])

    return requote


def portfolio():
    """Fifty instruments with a budget and concentration limits, positions in all of them."""
    told = {
        "reference_currency": "USDT",
        "gamma": 0.2,
        "covariance": {"correlation": 0.5},
        "concentration": {"capital": 10_000.0, "soft": 0.001, "hard": 0.2},
        "risk_budget": {"limit": 2_000.0, "confidence": 0.99, "horizon_s": 3600.0, "soft_share": 0.001},
    }
    book = Portfolio(PortfolioSettings.model_validate(told), [Member(f"A{i}", 1.0, 0.01) for i in range(INSTRUMENTS)])
    terms = [Terms(0.5, 50.0, 1.0)] * INSTRUMENTS
    book.solve(terms)
    for index in range(INSTRUMENTS):
        book.hold(index, 0.3 * (index % 7) - 1.0)
        book.working(index, 1.0, 1.0)
    return book, terms


def together():
    """Do what a member's leg does between a tick and the commands."""
    book, _ = portfolio()
    one = desk(PORTFOLIO_MODEL)(model_of=PortfolioModel.of(book, 9))
    one.volatility = MemberVolatility(book, 9)
    state = [0]

    def tell():
        book.hold(9, one.position_lots * LOT)
        book.working(9, one.orders.open_buy_lots * LOT, one.orders.open_sell_lots * LOT)

    def requote():
        state[0] += 1
        one.heard(state[0])
        top = one.top = TOPS[state[0] % len(TOPS)]
        book.heard(9, top.mid, state[0])
        tell()
        factors = book.factors(9, top.mid)
        one.adjustment = (
            NEUTRAL
            if factors is UNCHANGED
            else Adjustment(factors.bid_spread, factors.ask_spread, factors.bid_size, factors.ask_size)
        )
        buy, sell = book.room(9, top.mid)
        bounds = Bounds(int(buy / LOT), int(sell / LOT), Reason.PORTFOLIO_LIMIT, Reason.PORTFOLIO_LIMIT)
        one.requote("quote", state[0], None, bounds)
        tell()

    return requote


def fill():
    """A fill in one instrument, and who is to be quoted anew."""
    book, _ = portfolio()
    tolerances = np.full(INSTRUMENTS, 0.005)
    held = [0.0]

    def once():
        held[0] = -held[0] + 0.001
        book.hold(7, held[0])
        return book.moved(tolerances)

    return once


def hedge():
    """Which hedge of fifty pays most."""
    book, _ = portfolio()
    costs = [0.04] * INSTRUMENTS
    return lambda: book.hedge(costs, 0.2)


def solve():
    """Measure the covariance of 720 samples and solve the value function."""
    book, terms = portfolio()
    random = np.random.default_rng(1)
    prices = 100.0 + np.cumsum(random.normal(size=(721, INSTRUMENTS)), axis=0) * 0.01
    for second, row in enumerate(prices):
        for index, price in enumerate(row):
            book.heard(index, price, second * 5_000_000_000)
        book.sample(second * 5_000_000_000)
    return lambda: book.solve(terms)


def main():
    table = Table("what", "time", "ratio to one alone", "ceiling", title=f"{INSTRUMENTS} instruments")
    baseline = microseconds(alone())
    taken = microseconds(together())
    table.add_row("requote of one instrument by itself (glft)", f"{baseline:.1f} us", "1.0", "")
    table.add_row("requote of one out of fifty", f"{taken:.1f} us", f"{taken / baseline:.1f}", f"{CEILING_US:g} us")
    for name, call in (("a fill, and whom it moves", fill()), ("which hedge pays most", hedge())):
        found = microseconds(call)
        table.add_row(name, f"{found:.1f} us", f"{found / baseline:.1f}", "")
    wall = microseconds(solve(), 1, 5, time.perf_counter)
    table.add_row("covariance and value function (slow clock)", f"{wall / 1e3:.1f} ms", "", "")
    Console(width=110).print(table)
    if taken > CEILING_US:
        print("above the ceiling")
        sys.exit(1)


if __name__ == "__main__":
    main()
