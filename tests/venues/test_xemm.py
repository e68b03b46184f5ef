"""A fill at the bound, hedged at the mean price of the depth, earns the least edge: no more and no less."""

import math

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side
from mm_nautilus.venues import xemm
from mm_nautilus.venues.depth import sweep_vwap
from mm_nautilus.venues.xemm import HedgeTerms, hedge_bounds, hedged_edge, maker_ticks

BIDS = [(100.0, 1.0), (99.9, 2.0), (99.7, 5.0)]
ASKS = [(100.1, 0.5), (100.2, 2.5), (100.5, 4.0)]

terms = st.builds(
    HedgeTerms,
    maker_fee=st.floats(-0.001, 0.002),
    taker_fee=st.floats(-0.0005, 0.005),
    slippage=st.floats(0, 0.01),
    min_edge=st.floats(-0.01, 0.05),
    fx=st.floats(0.01, 100),
)
_BROKEN_IS_FOUND = settings(
    max_examples=200,
    deadline=None,
    report_multiple_bugs=False,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
)


def cash_of(side, price, terms, levels, size):
    """Return money out and in of the fill and its hedge, level by level."""
    maker, left, hedge = size * price, size, 0.0
    for level, shown in levels:
        taken = min(shown, left)
        hedge += taken * level * terms.fx
        left -= taken
    if side is Side.BUY:
        return maker * (1 + terms.maker_fee), hedge * (1 - terms.taker_fee) * (1 - terms.slippage)
    return hedge * (1 + terms.taker_fee) * (1 + terms.slippage), maker * (1 - terms.maker_fee)


@_BROKEN_IS_FOUND
@given(terms, st.floats(0.01, 6.9))
def a_fill_at_the_bound_earns_the_least_edge(terms, size):
    bounds = hedge_bounds(BIDS, ASKS, size, terms)
    for side, bound, vwap, levels in (
        (Side.BUY, bounds.bid, bounds.bid_vwap, BIDS),
        (Side.SELL, bounds.ask, bounds.ask_vwap, ASKS),
    ):
        paid, received = cash_of(side, bound, terms, levels, size)
        assert received / paid - 1 == pytest.approx(terms.min_edge, abs=1e-13), "the edge is the least one"
        assert hedged_edge(side, bound, vwap, terms) == pytest.approx(terms.min_edge, abs=1e-13)


def test_a_fill_at_the_bound_earns_the_least_edge():
    a_fill_at_the_bound_earns_the_least_edge()


@pytest.mark.parametrize(
    ("part", "broken"),
    [
        ("bid_bound", lambda vwap, t: vwap * t.fx * (1 - t.taker_fee - t.slippage - t.maker_fee - t.min_edge)),
        ("ask_bound", lambda vwap, t: vwap * t.fx * (1 + t.taker_fee) * (1 + t.min_edge) / (1 - t.maker_fee)),
        ("sweep_vwap", lambda levels, size: levels[0][0]),
        ("hedge_cost", lambda vwap, t: vwap / t.fx * (1 + t.taker_fee) * (1 + t.slippage)),
    ],
)
def test_a_broken_bound_is_seen(monkeypatch, part, broken):
    monkeypatch.setattr(xemm, part, broken)
    with pytest.raises(AssertionError, match="the edge is the least one"):
        a_fill_at_the_bound_earns_the_least_edge()


@given(terms, st.floats(0.01, 6.9), st.floats(99, 101), st.floats(0, 2), st.sampled_from([0.01, 0.05, 0.25]))
def test_the_rounded_quote_earns_at_least_that_and_rests(terms, size, best_bid, spread, tick):
    bounds = hedge_bounds(BIDS, ASKS, size, terms)
    best_bid, best_ask = best_bid * terms.fx, (best_bid + spread) * terms.fx
    bid = maker_ticks(Side.BUY, bounds.bid, best_ask, tick) * tick
    ask = maker_ticks(Side.SELL, bounds.ask, best_bid, tick) * tick
    assume(bid > 0)
    # Prices within a millionth of a tick count as on it.
    slack = 2e-6 * tick
    assert bid <= best_ask - tick + slack
    assert ask >= best_bid + tick - slack
    assert hedged_edge(Side.BUY, bid, bounds.bid_vwap, terms) >= terms.min_edge - 2 * slack / bid - 1e-13
    assert hedged_edge(Side.SELL, ask, bounds.ask_vwap, terms) >= terms.min_edge - 2 * slack / ask - 1e-13


def test_long_across_the_venues_lowers_both_quotes():
    flat, long = (hedge_bounds(BIDS, ASKS, 1.0, HedgeTerms(0.0, 0.0), skew) for skew in (0.0, 0.12))
    assert (flat.bid - long.bid, flat.ask - long.ask) == pytest.approx((0.12, 0.12))


def test_depth_that_falls_short_withdraws_its_side():
    bounds = hedge_bounds(BIDS, ASKS, 7.5, HedgeTerms(0.0, 0.0))
    assert bounds.ask is None
    assert bounds.bid == pytest.approx((100 * 1 + 99.9 * 2 + 99.7 * 4.5) / 7.5)
    assert hedge_bounds([], [], 1.0, HedgeTerms(0.0, 0.0)).bid is None


def test_depth_that_just_suffices_is_enough():
    """0.1 + 0.2 is not 0.3 in floats."""
    assert sweep_vwap([(10.0, 0.1), (9.0, 0.2)], 0.3) == pytest.approx((1.0 + 1.8) / 0.3)
    assert sweep_vwap([(10.0, 0.1), (9.0, 0.2)], 0.3001) is None


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: HedgeTerms(1.0, 0.0), "maker_fee"),
        (lambda: HedgeTerms(0.0, math.nan), "taker_fee"),
        (lambda: HedgeTerms(0.0, 0.0, slippage=-0.1), "slippage"),
        (lambda: HedgeTerms(0.0, 0.0, min_edge=-1.0), "min_edge"),
        (lambda: HedgeTerms(0.0, 0.0, fx=0.0), "fx"),
        (lambda: hedge_bounds(BIDS, ASKS, 0.0, HedgeTerms(0.0, 0.0)), "size"),
        (lambda: hedge_bounds(BIDS, ASKS, -1.0, HedgeTerms(0.0, 0.0)), "size"),
        (lambda: hedge_bounds([(1.0, -1.0)], ASKS, 1.0, HedgeTerms(0.0, 0.0)), "levels"),
        (lambda: hedge_bounds(BIDS, ASKS, 1.0, HedgeTerms(0.0, 0.0), math.inf), "skew"),
        (lambda: maker_ticks(Side.BUY, 100.0, None, 0.0), "tick"),
    ],
)
def test_bad_input_names_the_field(call, field):
    with pytest.raises(ParameterError) as caught:
        call()
    assert caught.value.field == field
