"""The replayed book agrees with the obvious one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.catalog.columns import Action, BookSide
from mm_nautilus.catalog.replay import ReplayedBook

DELTAS = st.lists(
    st.tuples(
        st.sampled_from([Action.ADD, Action.UPDATE, Action.DELETE]),
        st.sampled_from([BookSide.BUY, BookSide.SELL]),
        st.integers(1, 12),
        st.integers(0, 5),
        st.integers(1, 6),
    )
    | st.just((Action.CLEAR, BookSide.NO_ORDER_SIDE, 0, 0, 0)),
    max_size=80,
)


def best(levels, side):
    prices = [price for (at, price), size in levels.items() if at == side and size > 0]
    return (max(prices) if side == BookSide.BUY else min(prices)) if prices else None


def expected_spreads(deltas, *, by_order):
    found, levels, orders = [], {}, {}
    for action, side, price, size, order in deltas:
        if action == Action.CLEAR:
            orders.clear()
            levels.clear()
        elif by_order:
            orders.pop(order, None)
            if action != Action.DELETE and size:
                orders[order] = (side, price, size)
            levels = {}
            for at, where, much in orders.values():
                levels[at, where] = levels.get((at, where), 0) + much
        else:
            levels[side, price] = 0 if action == Action.DELETE else size
        bid, ask = best(levels, BookSide.BUY), best(levels, BookSide.SELL)
        found.append(None if bid is None or ask is None else ask - bid)
    return found


@settings(deadline=None)
@given(DELTAS)
def test_market_by_price(deltas):
    columns = list(zip(*deltas, strict=True)) or [[]] * 5
    found = ReplayedBook().apply(*columns[:4], [0] * len(deltas), [True] * len(deltas))
    assert found == expected_spreads(deltas, by_order=False)


@settings(deadline=None)
@given(DELTAS)
def test_market_by_order(deltas):
    columns = list(zip(*deltas, strict=True)) or [[]] * 5
    found = ReplayedBook().apply(*columns, [True] * len(deltas))
    assert found == expected_spreads(deltas, by_order=True)


def test_spreads_are_told_at_the_end_of_events_only():
    book = ReplayedBook()
    found = book.apply([1, 1, 3], [1, 2, 1], [10, 12, 10], [5, 6, 0], [0, 0, 0], [False, True, True])
    assert found == [2, None]
    assert (book.bid, book.ask) == (None, (12, 6))


def test_levels_that_come_and_go_do_not_pile_up():
    book = ReplayedBook()
    n = 20_000
    prices = [10 + k % 500 for k in range(n)]
    rows = [row for price in prices for row in ((1, 1, price, 1), (3, 1, price, 0))]
    columns = list(zip(*rows, strict=True))
    # Never asking for the best price leaves the stale keys to the sweep.
    book.apply(*columns, [0] * len(rows), [False] * len(rows))
    assert len(book._bids.heap) < 4_000
    assert book.bid is None
