"""The book under single events: what a market order takes, what moves with the mid and what stays with its price."""

import numpy as np
import pytest

from mm_nautilus.catalog.simulator.book import Book
from mm_nautilus.catalog.simulator.flow import ASK, BID
from mm_nautilus.catalog.simulator.params import Sizes, Venue
from mm_nautilus.catalog.simulator.tape import DELTA, ORDER, TRADE, columns

ADD, UPDATE, DELETE = 1, 2, 3
MID, HALF, LEVELS = 10_000, 2, 5
VENUE = Venue(levels=LEVELS, half_spread_ticks=HALF, lot_base="0.1", sizes=Sizes(level_mean_base=5, level_shape=1000))


@pytest.fixture
def book():
    """A book of about 50 lots a level, its snapshot already read."""
    made = Book(VENUE, np.random.default_rng(0), mid=MID, half_spread=HALF, size_multiplier=1.0)
    made.restate(0)
    made.shown = {(row[2], row[3]): row[4] for row in rows(made.flush().deltas, DELTA) if row[1] == ADD}
    return made


def rows(flat, names):
    return list(zip(*(column.tolist() for column in columns(flat, names).values()), strict=True))


def test_a_small_market_order_takes_part_of_the_touch(book):
    before = book.shown[BID, MID - HALF]
    book.take(1, BID, 0, 3.2)
    tape = book.flush()
    assert rows(tape.trades, TRADE) == [(1, BID, MID - HALF, 32)]
    assert rows(tape.deltas, DELTA) == [(1, UPDATE, BID, MID - HALF, before - 32)]
    assert rows(tape.orders, ORDER) == [(MID, HALF, 1)]


def test_a_sweep_trades_every_level_it_passes_whole_and_the_last_in_part(book):
    shown = book.shown
    book.take(1, ASK, 2, 1.5)
    tape = book.flush()
    touch = MID + HALF
    passed = [(1, ASK, touch + i, shown[ASK, touch + i]) for i in range(2)]
    assert rows(tape.trades, TRADE) == [*passed, (1, ASK, touch + 2, 15)]
    deltas = rows(tape.deltas, DELTA)
    assert [row[:4] for row in deltas] == [(1, UPDATE, ASK, touch + i) for i in range(3)]
    assert deltas[2][4] == shown[ASK, touch + 2] - 15
    assert all(30 < row[4] < 70 for row in deltas[:2]), "emptied levels come back"
    assert rows(tape.orders, ORDER) == [(MID, HALF + 2, 3)]


def test_an_emptied_touch_comes_back_and_a_depleted_level_still_fills_the_least_trade(book):
    book.take(1, BID, 0, 1000.0)
    tape = book.flush()
    assert rows(tape.trades, TRADE)[0][3] == 10_000
    assert 30 < rows(tape.deltas, DELTA)[0][4] < 70
    book.resize(2, BID, 0, 0.0)  # a change by nothing is a change by one lot
    shown = rows(book.flush().deltas, DELTA)[0][4]
    book.take(3, BID, 0, (shown - 3) / 10)
    book.flush()
    book.take(4, BID, 1, 1.0)
    assert rows(book.flush().trades, TRADE) == [(4, BID, MID - HALF, 10), (4, BID, MID - HALF - 1, 10)]


def test_beyond_the_displayed_book_only_the_last_level_trades(book):
    book.take(1, BID, 12, 1.0)
    tape = book.flush()
    prices = [row[2] for row in rows(tape.trades, TRADE)]
    assert prices == [*(MID - HALF - i for i in range(LEVELS)), MID - HALF - 12]
    assert len(rows(tape.deltas, DELTA)) == LEVELS
    assert rows(tape.orders, ORDER) == [(MID, HALF + 12, LEVELS + 1)]


@pytest.mark.parametrize("ticks", [1, -1, 3, LEVELS, 100, -100])
def test_sizes_stay_with_their_prices_when_the_mid_moves(book, ticks):
    shown = dict(book.shown)
    book.move(1, MID + ticks, HALF, 1.0)
    deltas = rows(book.flush().deltas, DELTA)
    kinds = [row[1] for row in deltas]
    assert kinds == sorted(kinds, reverse=True), "deletes before adds"
    count = min(abs(ticks), LEVELS)
    assert kinds.count(DELETE) == kinds.count(ADD) == 2 * count
    for _, action, side, price, size in deltas:
        if action == DELETE:
            del shown[side, price]
        else:
            assert (side, price) not in shown
            shown[side, price] = size
    bids = sorted((price for side, price in shown if side == BID), reverse=True)
    asks = sorted(price for side, price in shown if side == ASK)
    assert bids == [MID + ticks - HALF - i for i in range(LEVELS)]
    assert asks == [MID + ticks + HALF + i for i in range(LEVELS)]


def test_a_regime_widens_the_spread_and_scales_what_is_shown_at_once(book):
    shown = book.shown
    book.move(1, MID, HALF + 1, 0.1)
    deltas = rows(book.flush().deltas, DELTA)
    assert [row[1:4] for row in deltas if row[1] == DELETE] == [(DELETE, BID, MID - HALF), (DELETE, ASK, MID + HALF)]
    updates = {row[2:4]: row[4] for row in deltas if row[1] == UPDATE}
    assert len(updates) == 2 * (LEVELS - 1)
    assert all(size == round(shown[level] * 0.1) for level, size in updates.items())
    assert all(3 <= row[4] <= 7 for row in deltas if row[1] == ADD)


def test_the_same_shape_again_writes_nothing(book):
    book.move(1, MID, HALF, 1.0)
    tape = book.flush()
    assert not tape.deltas
    assert not tape.quotes


def test_levels_stand_a_step_apart_and_stay_where_they_are_while_the_mid_moves_by_steps():
    venue = VENUE.model_copy(update={"step_ticks": 30})
    book = Book(venue, np.random.default_rng(0), mid=MID, half_spread=HALF, size_multiplier=1.0)
    book.restate(0)
    shown = {(row[2], row[3]) for row in rows(book.flush().deltas, DELTA) if row[1] == ADD}
    assert shown == {
        (side, MID + sign * (HALF + 30 * n)) for side, sign in ((BID, -1), (ASK, 1)) for n in range(LEVELS)
    }
    book.move(1, MID + 30, HALF, 1.0)
    changes = rows(book.flush().deltas, DELTA)
    assert {(action, side, price) for _, action, side, price, _ in changes} == {
        (DELETE, ASK, MID + HALF),
        (ADD, ASK, MID + HALF + 30 * LEVELS),
        (DELETE, BID, MID - HALF - 30 * (LEVELS - 1)),
        (ADD, BID, MID + 30 - HALF),
    }
    # Another spread puts both sides on another lattice: every level is new.
    book.move(2, MID + 30, HALF + 7, 1.0)
    changes = rows(book.flush().deltas, DELTA)
    for side, sign in ((BID, -1), (ASK, 1)):
        deleted = {row[3] for row in changes if row[1:3] == (DELETE, side)}
        added = {row[3] for row in changes if row[1:3] == (ADD, side)}
        assert deleted == {MID + 30 + sign * (HALF + 30 * n) for n in range(LEVELS)}
        assert added == {MID + 30 + sign * (HALF + 7 + 30 * n) for n in range(LEVELS)}
    book.take(3, ASK, 1, 1.5)
    assert [row[2] for row in rows(book.flush().trades, TRADE)] == [MID + 30 + HALF + 7, MID + 60 + HALF + 7]
