"""Quotes anchored on where they can be hedged: the edge holds, and what cannot be hedged is not quoted."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Quote, Side, TopOfBook
from mm_nautilus.venues.bounds import BoundTerms, HedgeBook, SideBound, anchored, side_bound, towards_others
from mm_nautilus.venues.depth import sweep_vwap
from mm_nautilus.venues.venue import Health
from mm_nautilus.venues.xemm import HedgeTerms, hedged_edge

BIDS = [(100.0, 1.0), (99.9, 2.0), (99.7, 5.0)]
ASKS = [(100.1, 0.5), (100.2, 2.5), (100.5, 4.0)]
TERMS = BoundTerms(0.0002, min_edge=0.0005, slippage=0.0001, z=2.0)
PROPERTY = settings(max_examples=200, deadline=None)

steps = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 3.0)), min_size=1, max_size=5)
venues = st.builds(
    lambda name, base, down, up, fee, fx, latency, health: HedgeBook(
        name, walk(base / fx, down, -1 / fx), walk((base + 0.1) / fx, up, 1 / fx), fee, fx, latency, health=health
    ),
    st.sampled_from("ABCDE"),
    st.floats(99, 101),
    steps,
    steps,
    st.floats(-0.0002, 0.002),
    st.sampled_from([1.0, 0.5, 150.0]),
    st.floats(0, 0.5),
    st.sampled_from([Health.LIVE, Health.LIVE, Health.LIVE, Health.STALE, Health.DISCONNECTED]),
)


def walk(price, steps, sign):
    levels = []
    for step, size in steps:
        price += sign * step
        levels.append((price, size))
    return levels


@PROPERTY
@given(st.lists(venues, max_size=4), st.floats(0.1, 6), st.floats(0, 0.5), st.floats(-1, 1))
def test_a_fill_at_the_bound_earns_the_least_edge_where_it_is_hedged_and_less_elsewhere(books, size, sigma, skew):
    for side, shown in ((Side.BUY, "bids"), (Side.SELL, "asks")):
        bound = side_bound(side, books, size, TERMS, sigma, skew)
        live = [book for book in books if book.health is Health.LIVE and sweep_vwap(getattr(book, shown), size)]
        assert (bound.price is None) is (not live)
        assert len(bound.refused) == len(books) - len(live)
        edges = []
        for book in live:
            vwap = sweep_vwap(getattr(book, shown), size)
            slippage = TERMS.slippage + TERMS.z * sigma * math.sqrt(book.latency_s) / (vwap * book.fx)
            hedge = HedgeTerms(TERMS.maker_fee, book.taker_fee, slippage, 0.0, book.fx)
            edges.append(hedged_edge(side, bound.price + skew, vwap, hedge))
        if live:
            assert max(edges) == pytest.approx(TERMS.min_edge, abs=1e-12)
            best = live[edges.index(max(edges))]
            assert bound.vwap == pytest.approx(sweep_vwap(getattr(best, shown), size))


def test_the_allowance_is_in_the_price_and_scales_with_the_root_of_the_latency():
    free = BoundTerms(0.0, z=2.0)
    near = side_bound(Side.BUY, [HedgeBook("A", BIDS, ASKS, 0.0, latency_s=0.04)], 1.0, free, sigma=0.5)
    far = side_bound(Side.BUY, [HedgeBook("A", BIDS, ASKS, 0.0, latency_s=0.16)], 1.0, free, sigma=0.5)
    assert 100.0 - near.price == pytest.approx(2.0 * 0.5 * 0.2)
    assert 100.0 - far.price == pytest.approx(2.0 * 0.5 * 0.4)
    up = side_bound(Side.SELL, [HedgeBook("A", BIDS, ASKS, 0.0, latency_s=0.04)], 1.0, free, sigma=0.5)
    assert up.price == pytest.approx(100.15 + 0.2)


def test_no_venue_no_quote_and_every_venue_says_why():
    books = [
        HedgeBook("thin", BIDS[:1], ASKS, 0.0),
        HedgeBook("gone", BIDS, ASKS, 0.0, health=Health.DISCONNECTED),
        HedgeBook("slow", BIDS, ASKS, 0.0, latency_s=1e6),
        HedgeBook("poor", BIDS, ASKS, 0.0, can_sell=1.9),
        HedgeBook("coarse", BIDS, ASKS, 0.0, min_size=2.1),
    ]
    bound = side_bound(Side.BUY, books, 2.0, TERMS, sigma=1.0)
    assert bound.price is None
    assert bound.reason == "thin: NO_DEPTH, gone: DISCONNECTED, slow: LATENCY, poor: BALANCE, coarse: BELOW_MIN_SIZE"
    just = HedgeBook("just", BIDS, ASKS, 0.0, min_size=0.3, can_sell=0.3)
    assert side_bound(Side.BUY, [just], 0.1 + 0.2, TERMS).venue == "just", "floats do not decide"
    assert side_bound(Side.SELL, books[3:4], 2.0, TERMS).venue == "poor", "it may still buy there"
    assert side_bound(Side.BUY, [], 2.0, TERMS).reason == "no venue to hedge on"
    quote = anchored(Quote(100.0, 1.0, 1.0), bound, side_bound(Side.SELL, books, 2.0, TERMS, sigma=1.0))
    assert quote.bid is None
    assert quote.ask is not None


prices = st.floats(90, 110) | st.none()


@PROPERTY
@given(
    st.floats(0.0, 2), st.floats(0.0, 2), prices, prices, st.none() | st.floats(95, 105), st.none() | st.floats(0, 1)
)
def test_anchoring_never_moves_towards_the_market(bid_half, ask_half, low, high, top, join):
    model = Quote(100.0, bid_half, ask_half)
    market = None if top is None else TopOfBook(top, top + 0.5, 1.0, 1.0)
    low_bound, high_bound = (SideBound(price, "A", price, 0.0, ()) for price in (low, high))
    quote = anchored(model, low_bound, high_bound, market, join)
    assert (quote.bid is None) is (low is None)
    assert (quote.ask is None) is (high is None)
    near = 1e-9
    if quote.bid is not None:
        limits = [model.bid, low] + ([] if market is None or join is None else [market.bid + join])
        assert quote.bid == pytest.approx(min(limits), abs=near)
    if quote.ask is not None:
        limits = [model.ask, high] + ([] if market is None or join is None else [market.ask - join])
        assert quote.ask == pytest.approx(max(limits), abs=near)


def test_a_side_that_is_missing_on_the_maker_venue_has_nothing_to_join():
    bounds = SideBound(100.0, "A", 100.0, 0.0, ()), SideBound(101.0, "A", 101.0, 0.0, ())
    quote = anchored(Quote(100.5, 0.0, 0.0), *bounds, TopOfBook(0.0, 0.0, 0.0, 0.0), 0.01)
    assert (quote.bid, quote.ask) == (100.0, 101.0)
    quote = anchored(Quote(100.5, 0.0, 0.0), *bounds, TopOfBook(99.0, 103.0, 1.0, 1.0), 0.01)
    assert (quote.bid, quote.ask) == pytest.approx((99.01, 102.99))
    assert anchored(Quote(100.5, None, None), *bounds) == Quote(100.5, None, None)


def test_where_others_pay_more_the_bid_rises_and_nothing_is_sold_cheap():
    quote = Quote(100.0, 0.5, 0.5)
    dear = towards_others(quote, current=100.0, other=101.0, costs=0.2, alpha=0.3)
    assert dear.bid == pytest.approx(99.5 + 0.3 * 0.8)
    assert dear.ask == 100.5
    cheap = towards_others(quote, current=100.0, other=99.0, costs=0.2, alpha=0.3)
    assert cheap.bid == 99.5
    assert cheap.ask == pytest.approx(100.5 - 0.3 * 0.8)
    assert towards_others(quote, 100.0, 100.1, 0.2, 0.3) == quote
    assert towards_others(Quote(100.0, None, None), 100.0, 105.0, 0.0, 1.0) == Quote(100.0, None, None)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: BoundTerms(0.0, z=-1.0), "z"),
        (lambda: BoundTerms(2.0), "maker_fee"),
        (lambda: BoundTerms(0.0, slippage=1.0), "slippage"),
        (lambda: side_bound(Side.BUY, [], 1.0, TERMS, sigma=-1.0), "sigma"),
        (lambda: side_bound(Side.BUY, [], 1.0, TERMS, skew=math.nan), "skew"),
        (lambda: side_bound(Side.BUY, [HedgeBook("A", BIDS, ASKS, 0.0)], 0.0, TERMS), "size"),
        (lambda: side_bound(Side.BUY, [HedgeBook("A", BIDS, ASKS, 0.0, fx=0.0)], 1.0, TERMS, 1.0), "A: fx, latency_s"),
        (lambda: towards_others(Quote(1.0, 0.1, 0.1), 1.0, 1.0, -0.1, 0.5), "costs"),
        (lambda: towards_others(Quote(1.0, 0.1, 0.1), 1.0, 1.0, 0.1, 1.5), "alpha"),
        (
            lambda: anchored(Quote(1.0, 0.1, 0.1), *[SideBound(1.0, "A", 1.0, 0.0, ())] * 2, None, -1.0),
            "join_distance",
        ),
    ],
)
def test_bad_input_is_named(call, field):
    with pytest.raises(ParameterError) as caught:
        call()
    assert caught.value.field == field
