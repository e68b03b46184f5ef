"""The profit is the change in cash, to the last digit, and nothing is spent that is not there."""

from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.venues import arbitrage as walk
from mm_nautilus.venues.arbitrage import Arbitrage, arbitrage

D = Decimal
ASKS = [(D("100.0"), D(2)), (D("100.1"), D(3)), (D("100.4"), D(5))]
BIDS = [(D("100.5"), D(1)), (D("100.3"), D(4)), (D("100.05"), D(10))]

sizes = st.decimals("0", "5", places=4)
steps = st.lists(st.tuples(st.decimals("0", "0.5", places=3), sizes), max_size=6)
fees = st.decimals("-0.0005", "0.002", places=5)


def book(first, steps, sign):
    levels, price = [], D(first)
    for step, size in steps:
        price += sign * step
        levels.append((price, size))
    return levels


def settled(asks, bids, size, buy_fee, sell_fee):
    """Trade `size` against both books as two venues would, and return both changes in cash and what was moved."""
    changes = []
    for levels, sign, fee in ((asks, -1, buy_fee), (bids, 1, sell_fee)):
        left, cash = size, D(0)
        for price, shown in levels:
            taken = min(shown, left)
            cash += sign * taken * price - taken * price * fee
            left -= taken
        assert left == 0, "the books hold what was traded"
        changes.append(cash)
    return changes


@settings(
    max_examples=200,
    deadline=None,
    report_multiple_bugs=False,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
)
@given(
    asks=steps,
    bids=steps,
    buy_fee=fees,
    sell_fee=fees,
    min_edge=st.decimals("0", "0.002", places=5),
    base=st.none() | st.decimals("0", "8", places=4),
    cash=st.none() | st.decimals("0", "900", places=2),
    lot=st.none() | st.sampled_from([D("0.001"), D("0.5")]),
)
def the_profit_is_the_change_in_cash(asks, bids, buy_fee, sell_fee, min_edge, base, cash, lot):
    asks, bids = book("99.5", asks, 1), book("100.5", bids, -1)
    found = arbitrage(
        asks,
        bids,
        buy_fee=buy_fee,
        sell_fee=sell_fee,
        min_edge=min_edge,
        base_available=base,
        quote_available=cash,
        lot=lot,
    )
    spent, got = settled(asks, bids, found.size, buy_fee, sell_fee)
    assert found.net_profit == spent + got, "the profit is the change in cash"
    assert found.net_profit >= min_edge * found.buy_notional * (1 + buy_fee), "every unit earns the edge"
    assert base is None or found.size <= base, "within the base held"
    assert cash is None or -spent <= cash, "within the cash held"
    if lot is not None:
        assert found.size % lot == 0
    elif base is None and cash is None:
        better = arbitrage(asks, bids, buy_fee=buy_fee, sell_fee=sell_fee, min_edge=min_edge, base_available=D(10**6))
        assert better == found, "what does not bind changes nothing"


def test_the_profit_is_the_change_in_cash_on_random_books():
    the_profit_is_the_change_in_cash()


def mids_only(asks, bids, wanted, got):
    """The seed's rule: everything that crosses, whatever it costs."""
    for (ask, asked), (bid, wanted_size) in zip(asks, bids, strict=False):
        if bid > ask and min(asked, wanted_size):
            yield ask, bid, min(asked, wanted_size)


@pytest.mark.parametrize(
    ("target", "name", "broken", "promise"),
    [
        (Arbitrage, "net_profit", property(lambda self: self.sell_notional - self.buy_notional), "change in cash"),
        (
            Arbitrage,
            "net_profit",
            property(
                lambda self: (self.sell_notional - self.buy_notional - self.fees).quantize(D("0.000001"), ROUND_DOWN)
            ),
            "change in cash",
        ),
        (walk, "_within_balances", lambda *_: None, "held"),
        (walk, "_matched", mids_only, "edge|change in cash"),
    ],
)
def test_broken_arithmetic_is_seen(monkeypatch, target, name, broken, promise):
    monkeypatch.setattr(target, name, broken)
    with pytest.raises(AssertionError, match=promise):
        the_profit_is_the_change_in_cash()


@given(steps, steps, fees, fees)
def test_no_other_size_earns_more(asks, bids, buy_fee, sell_fee):
    asks, bids = book("99.5", asks, 1), book("100.5", bids, -1)
    found = arbitrage(asks, bids, buy_fee=buy_fee, sell_fee=sell_fee)
    most = min(sum((size for _, size in levels), D(0)) for levels in (asks, bids))
    for tenth in range(11):
        other = (most * tenth / 10).quantize(D("0.0001"), ROUND_DOWN)
        assert sum(settled(asks, bids, other, buy_fee, sell_fee)) <= found.net_profit


def test_cash_bounds_the_size_with_the_fee_included():
    found = arbitrage(ASKS, BIDS, buy_fee=D("0.001"), sell_fee=D(0), quote_available=D("100.1"))
    assert found.size == 1
    assert found.net_profit == D("0.4")


def test_a_lot_cuts_the_size_down():
    found = arbitrage(ASKS, BIDS, buy_fee=D(0), sell_fee=D(0), base_available=D("1.99"), lot=D("0.5"))
    assert found.size == D("1.5")
    assert found.sell_vwap == pytest.approx(D("100.4333333333333333"))


def test_a_profit_below_the_least_is_found_and_not_executable():
    found = arbitrage(ASKS, BIDS, buy_fee=D(0), sell_fee=D(0), min_profit=D("1.41"))
    assert found.net_profit == D("1.4")
    assert not found.executable
    assert arbitrage(ASKS, BIDS, buy_fee=D(0), sell_fee=D(0), min_profit=D("1.4")).executable


def test_nothing_to_trade_is_not_executable_even_without_a_least_profit():
    found = arbitrage(ASKS, [(D(100), D(5))], buy_fee=D(0), sell_fee=D(0))
    assert (found.size, found.executable, found.buy_vwap, found.sell_vwap) == (0, False, None, None)
    assert not arbitrage([], [], buy_fee=D(0), sell_fee=D(0)).executable


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"asks": [(D(100), D(-1))]}, "asks"),
        ({"bids": [(D(0), D(1))]}, "bids"),
        ({"bids": [(D("NaN"), D(1))]}, "bids"),
        ({"buy_fee": D(1)}, "buy_fee"),
        ({"sell_fee": D("NaN")}, "sell_fee"),
        ({"min_edge": D(-1)}, "min_edge"),
        ({"base_available": D(-1)}, "base_available"),
        ({"quote_available": D("inf")}, "quote_available"),
        ({"lot": D(0)}, "lot"),
    ],
)
def test_bad_input_names_the_field(changes, field):
    given = {"asks": ASKS, "bids": BIDS, "buy_fee": D(0), "sell_fee": D(0)}
    with pytest.raises(ParameterError) as caught:
        arbitrage(**(given | changes))
    assert caught.value.field == field
