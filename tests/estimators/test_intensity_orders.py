"""Market orders, their depths, and virtual orders: against the obvious loops."""

import numpy as np
import pytest

from mm_nautilus.estimators.intensity_orders import (
    QuotedTime,
    Tops,
    market_orders,
    order_depths,
    resting_outcomes,
    sampled_mids,
)

S = 10**9


def tops(times_s, bids, asks, sizes=None):
    count = len(times_s)
    shown = np.ones(count) if sizes is None else np.array(sizes, dtype=float)
    return Tops((np.array(times_s) * S).astype(np.int64), np.array(bids), np.array(asks), shown, np.ones(count))


def test_trades_of_one_time_and_side_are_one_order_that_reached_the_farthest_price() -> None:
    event = np.array([1, 1, 1, 2, 2, 2, 3])
    side = np.array([1, -1, 1, 1, 0, 1, -1])
    price = np.array([101, 98, 103, 102, 500, 101, 97])
    known = np.arange(7) * S
    buys, sells = (market_orders(event, known, price, side, one) for one in (1, -1))
    assert buys.price_ticks.tolist() == [103, 102]
    assert buys.ts_ns.tolist() == [0, 3 * S]
    assert sells.price_ticks.tolist() == [98, 97]
    assert len(market_orders(event[:0], known[:0], price[:0], side[:0], 1).ts_ns) == 0


def test_depth_is_measured_from_the_mid_before_the_order() -> None:
    book = tops([0, 10], [99, 109], [101, 111])
    clock = QuotedTime.of(book.ts_ns, book.fit(), 100, 20 * S)
    orders = market_orders(np.array([1, 2, 3]), np.array([5, 10, 11]) * S, np.array([103, 103, 111]), np.ones(3), 1)
    assert order_depths(orders, 1, book, clock).half_ticks.tolist() == [6, 6, 2], "the top of that instant is not known"
    assert order_depths(orders, 1, book, clock, through=True).half_ticks.tolist() == [4, 4, 0]


def test_time_runs_only_while_the_book_is_fit() -> None:
    book = tops([0, 2, 3, 4, 30], [99, 0, 101, 99, 99], [101, 101, 101, 101, 101])
    clock = QuotedTime.of(book.ts_ns, book.fit(), 5.0, 31 * S)
    assert clock.total_s == pytest.approx(2 + 0 + 0 + 5 + 1), "one-sided, locked and stale stretches do not count"
    _, fit = clock.top_before(np.array([-1, 1, 2, 3, 5, 9, 10, 31]) * S)
    assert fit.tolist() == [False, True, True, False, True, True, False, True]
    wide = tops([0], [90], [110]).fit(max_spread_bps=100)
    assert not wide[0]


def test_a_missing_size_or_crossed_book_is_unfit() -> None:
    book = tops([0, 1, 2], [99, 102, 99], [101, 101, 101], sizes=[0, 1, 1])
    assert book.fit().tolist() == [False, False, True]


def brute_force(orders, side, book, grid, window_s, through):
    """Place and watch every order by itself."""
    begin, end = int(book.ts_ns[0]), int(book.ts_ns[-1])
    exposure, hits = {}, {}
    start = begin
    while start + window_s * S <= end:
        top = np.flatnonzero(book.ts_ns <= start)[-1]
        mid = int(book.bid_ticks[top] + book.ask_ticks[top])
        for asked in grid:
            depth = asked + (mid + asked) % 2
            price = (mid + side * depth) // 2
            rested = window_s
            for at, reached in zip(orders.ts_ns, orders.price_ticks, strict=True):
                beyond = side * (reached - price) > 0 if through else side * (reached - price) >= 0
                if start < at <= start + window_s * S and beyond:
                    rested = (at - start) / S
                    hits[depth] = hits.get(depth, 0) + 1
                    break
            exposure[depth] = exposure.get(depth, 0.0) + rested
        start += int(window_s * S)
    return exposure, hits


@pytest.mark.parametrize("through", [False, True])
@pytest.mark.parametrize("side", [1, -1])
def test_resting_orders_fare_as_in_the_obvious_loop(side, through) -> None:
    rng = np.random.default_rng(side + 5)
    times = np.sort(rng.uniform(0, 60, 200))
    mid = 1000 + np.cumsum(rng.integers(-1, 2, 200))
    book = tops(times, mid - rng.integers(1, 3, 200), mid + rng.integers(1, 3, 200))
    clock = QuotedTime.of(book.ts_ns, book.fit(), 100, int(book.ts_ns[-1]))
    at = np.sort(rng.uniform(times[0], times[-1], 150))
    top = np.searchsorted(times, at) - 1
    price = mid[np.maximum(top, 0)] + side * rng.integers(1, 8, 150)
    orders = market_orders(np.arange(150), (at * S).astype(np.int64), price, np.full(150, side), side)
    grid = np.array([2, 4, 7, 9])
    found = resting_outcomes(orders, side, book, clock, grid, 2.0, 10.0, through=through)
    exposure, hits = brute_force(orders, side, book, grid, 2.0, through)
    wanted = {depth: exposure[depth] for depth in found.half_ticks.tolist() if depth in exposure}
    # A depth on the grid of one parity also collects the depth next to it: compare what both loops placed.
    for asked in grid.tolist():
        for depth in (asked, asked + 1):
            column = np.flatnonzero(found.half_ticks == depth)
            if depth in wanted and column.size:
                assert found.hits[:, column[0]].sum() == hits.get(depth, 0)
                assert found.exposure_s[:, column[0]].sum() == pytest.approx(wanted[depth], abs=1e-6)


def test_sampled_mids_take_the_previous_tick_and_break_where_unfit() -> None:
    book = tops([0, 1.5, 3, 8], [99, 0, 101, 103], [101, 101, 103, 105])
    clock = QuotedTime.of(book.ts_ns, book.fit(), 3.0, 8 * S)
    mids, clocks = sampled_mids(book, clock, 1.0, 0.5)
    np.testing.assert_array_equal(mids, [50.0, 50.0, np.nan, 51.0, 51.0, 51.0, 51.0, np.nan, 52.0])
    assert clocks[-1] == pytest.approx(1.5 + 3.0)
