"""What a venue is: named mistakes, contracts that become base units and back, and clocks that are off."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.venues.clocks import ClockOffsets
from mm_nautilus.venues.depth import sweep_vwap
from mm_nautilus.venues.venue import Venue

D = Decimal
SPOT = Venue("spot", "BTC", "USDT", 0.0001, 0.0005)
LINEAR = Venue("linear", "BTC", "USDT", 0.0001, 0.0005, multiplier=D("0.01"))
INVERSE = Venue("inverse", "BTC", "USD", -0.0001, 0.0005, inverse=True, multiplier=D(100))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"maker_fee": None}, "X: maker_fee"),
        ({"taker_fee": float("nan")}, "X: taker_fee"),
        ({"taker_fee": 5.0}, "X: taker_fee"),
        ({"inverse": True}, "X: multiplier"),
        ({"multiplier": D(0)}, "X: multiplier"),
        ({"multiplier": D("Infinity")}, "X: multiplier"),
    ],
)
def test_a_venue_that_cannot_be_priced_is_refused_by_name(changes, field):
    with pytest.raises(ParameterError) as caught:
        Venue(**({"name": "X", "asset": "BTC", "currency": "USD", "maker_fee": 0.0, "taker_fee": 0.0} | changes))
    assert caught.value.field == field


@settings(max_examples=100, deadline=None)
@given(st.floats(0.001, 1e6), st.floats(0.01, 1e6), st.sampled_from([SPOT, LINEAR, INVERSE]))
def test_contracts_become_base_units_and_back(size, price, venue):
    assert venue.contracts(venue.base_units(size, price), price) == pytest.approx(size)


def test_depth_of_contracts_is_in_base_units():
    levels = [(50_000.0, 10.0), (40_000.0, 20.0)]
    assert SPOT.depth(levels) is levels
    assert list(LINEAR.depth(levels)) == [(50_000.0, 0.1), (40_000.0, 0.2)]
    assert list(INVERSE.depth(levels)) == [(50_000.0, 0.02), (40_000.0, 0.05)]
    exact = list(INVERSE.exact_depth([(D(30_000), D(1))]))
    assert exact == [(D(30_000), D("0.0033333333333333"))]
    assert list(LINEAR.exact_depth([(D(30_000), D(3))])) == [(D(30_000), D("0.03"))]


def test_inverse_contracts_sold_over_several_levels_hedge_what_their_base_units_say():
    # Short n contracts of 100 USD at p gain 100 n (1/S - 1/p) coins: what selling the base units at p gains.
    levels = [(50_000.0, 10.0), (40_000.0, 20.0)]
    vwap, mark = sweep_vwap(INVERSE.depth(levels), 0.07), 42_000.0
    in_coins = sum(100 * n * (1 / mark - 1 / p) for p, n in levels)
    assert in_coins * mark == pytest.approx(0.07 * (vwap - mark))


def test_the_clock_that_is_off_is_named():
    clocks = ClockOffsets(3, window_ns=1_000, bound_ns=100)
    assert clocks.beyond_bound() == {}
    for ts in range(0, 5_000, 10):
        clocks.heard(0, ts - 20 - ts % 30, ts)
        clocks.heard(1, ts - 50, ts)
        clocks.heard(2, ts + 500, ts)
    assert clocks.least_delay_ns(0) == 20
    assert clocks.beyond_bound() == {2: -520}
    for ts in range(5_000, 8_000, 10):
        for index in range(3):
            clocks.heard(index, ts - 30, ts)
    assert clocks.beyond_bound() == {}, "a clock that was set right is forgiven after two windows"
    with pytest.raises(ParameterError, match="bound_ns"):
        ClockOffsets(3, 10, 0)


def test_the_window_before_still_counts():
    clocks = ClockOffsets(1, window_ns=100, bound_ns=10)
    for ts, delay in ((0, 20), (50, 40), (100, 60), (199, 70)):
        clocks.heard(0, ts - delay, ts)
    assert clocks.least_delay_ns(0) == 20
    clocks.heard(0, 200 - 90, 200)
    assert clocks.least_delay_ns(0) == 60
