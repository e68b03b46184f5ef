"""Where our orders stand in the queue, as far as can be told."""

from mm_nautilus.adverse_selection.own_orders import OwnOrders
from mm_nautilus.market import Side, TopOfBook

TOP = TopOfBook(100.0, 100.1, 5.0, 7.0)


def ahead(orders, order_id, top=TOP):
    return orders.ahead(orders.find(order_id), top)


def test_an_order_that_joins_stands_behind_what_is_shown_and_trades_use_that_up() -> None:
    orders = OwnOrders(0.1)
    orders.rested("a", Side.BUY, 100.0, 1, TOP)
    assert ahead(orders, "a") == 5.0
    orders.traded(100.0, 2.0, Side.SELL)
    assert ahead(orders, "a") == 3.0
    orders.traded(100.0, 2.0, Side.BUY)  # not our side of the book
    orders.traded(100.1, 2.0, Side.SELL)  # not our price
    assert ahead(orders, "a") == 3.0
    assert ahead(orders, "a", TopOfBook(100.0, 100.1, 1.0, 7.0)) == 1.0  # no more can be ahead than is shown
    orders.traded(100.0, 9.0, Side.SELL)
    assert ahead(orders, "a") == 0.0


def test_an_order_that_improves_is_first_and_one_behind_waits_for_the_best() -> None:
    orders = OwnOrders(0.1)
    wide = TopOfBook(100.0, 100.5, 5.0, 7.0)
    orders.rested("better", Side.SELL, 100.4, 1, wide)
    orders.rested("behind", Side.SELL, 100.7, 1, wide)
    assert ahead(orders, "better", wide) == 0.0
    assert ahead(orders, "behind", wide) == 7.0
    assert ahead(orders, "behind", TopOfBook(100.0, 100.7, 5.0, 2.0)) == 2.0  # its level has become the best
    assert orders.best(Side.SELL) is orders.find("better")
    assert orders.best(Side.BUY) is None


def test_a_new_price_is_a_new_place_and_a_new_size_is_not() -> None:
    orders = OwnOrders(0.1)
    orders.rested("a", Side.BUY, 100.0, 1, TOP)
    orders.traded(100.0, 4.0, Side.SELL)
    orders.rested("a", Side.BUY, 100.0, 2, TOP)
    assert (ahead(orders, "a"), orders.find("a").since_ns) == (1.0, 1)
    orders.rested("a", Side.BUY, 99.9, 3, TOP)
    assert orders.find("a").since_ns == 3
    orders.rested("a", Side.BUY, 100.0, 4, TOP)
    assert ahead(orders, "a") == 5.0
    orders.gone("a")
    orders.gone("a")
    assert len(orders) == 0
    assert orders.find("a") is None


def test_an_order_placed_while_there_is_no_book_takes_its_place_when_there_is() -> None:
    orders = OwnOrders(0.1)
    orders.rested("a", Side.BUY, 100.0, 1, None)
    assert ahead(orders, "a") == 5.0
