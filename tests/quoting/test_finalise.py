"""Whatever is wanted: what may rest is one-sided at the limit, post-only, on the lattice, and never crosses itself."""

import math
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Level, Side
from mm_nautilus.quoting import finalise as finalisation
from mm_nautilus.quoting.finalise import LadderShape, finalise
from mm_nautilus.quoting.guards import Cap, Reason, Trace
from mm_nautilus.quoting.lattice import whole_lots

TICK, LOT, LIMIT, SIZE = 0.01, 0.1, 10.0, 1.0
FAIR = 100.0


def finalised(bid=99.973, ask=100.031, position=0.0, **changes):
    given = {"fair_value": FAIR, "best_bid": 99.99, "best_ask": 100.01, "max_position": LIMIT, "order_size": SIZE}
    return finalise(bid, ask, position=position, **(given | {"tick": TICK, "lot": LOT} | changes))


offsets = st.integers(0, 7).flatmap(lambda draw: st.floats(-0.4, 0.4) if draw else st.none())
shapes = st.builds(
    LadderShape,
    levels=st.integers(1, 5),
    spacing=st.floats(0, 0.1),
    size_decay=st.floats(0.3, 1),
    size_skew=st.floats(0, 1),
    widen_inventory_side=st.floats(0, 3),
)


@settings(
    max_examples=250,
    deadline=None,
    report_multiple_bugs=False,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),  # a broken step is to be found, not explained
)
@given(
    bid=offsets,
    ask=offsets,
    best_bid_ticks=st.integers(9000, 11000),
    spread_ticks=st.integers(1, 40),
    position_lots=st.integers(-130, 130),
    fair_offset=st.none() | st.integers(-80, 80),
    floor=st.floats(0, 0.2),
    shape=shapes,
)
def every_promise_holds(bid, ask, best_bid_ticks, spread_ticks, position_lots, fair_offset, floor, shape):
    best_bid, best_ask = best_bid_ticks * TICK, (best_bid_ticks + spread_ticks) * TICK
    position = position_lots * LOT
    bid, ask = (None if offset is None else best_bid + offset for offset in (bid, ask))
    # A signal may be beyond the touch; without one prices stand where they are wanted.
    fair = None if fair_offset is None else (best_bid_ticks + 0.5 * fair_offset) * TICK
    ladder = finalised(
        bid,
        ask,
        position,
        fair_value=fair,
        best_bid=best_bid,
        best_ask=best_ask,
        min_half_spread=floor,
        shape=shape,
    )
    for side, wanted, levels in ((Side.BUY, bid, ladder.bids), (Side.SELL, ask, ladder.asks)):
        sign = int(side)
        ticks = [level.price_ticks for level in levels]
        assert all(isinstance(level.price_ticks, int) and isinstance(level.size_lots, int) for level in levels)
        assert all(level.size_lots >= 1 for level in levels)
        if wanted is None:
            assert not levels, "a side that is not wanted is not quoted"
            continue
        for price in ticks:
            assert (wanted - price * TICK) * sign > -1e-7, "never closer to the market than wanted"
            if fair is not None:
                assert (fair - sign * floor - price * TICK) * sign > -1e-7, "never inside the smallest half-spread"
        assert all((near - far) * sign >= 1 for near, far in pairwise(ticks)), "a tick apart"
        if side is Side.BUY:
            assert all(price < best_bid_ticks + spread_ticks for price in ticks), "post-only"
        else:
            assert all(price > best_bid_ticks for price in ticks), "post-only"
        total = sum(level.size_lots for level in levels)
        assert sign * position_lots + total <= max(100, sign * position_lots), "worst case within the limit"
        if sign * position_lots >= 100:
            assert not levels, "at the limit the adding side is not quoted"
        if sign * position_lots <= 0:
            assert levels, "the side that reduces the position is always quoted"
            assert levels[0].size_lots == whole_lots(SIZE / LOT), "in full"
    if ladder.bids and ladder.asks:
        assert ladder.bids[0].price_ticks < ladder.asks[0].price_ticks, "never crosses itself"


def test_every_promise_holds_whatever_is_wanted():
    every_promise_holds()


def seeds_withdraw_both_sides(side, share):
    return min(abs(share), 1.0)


@pytest.mark.parametrize(
    ("part", "broken", "promise"),
    [
        ("post_only", lambda *_: None, "post-only"),
        ("uncross", lambda *_: None, "crosses itself"),
        ("floor_half_spread", lambda side, price, *_: price, "smallest half-spread"),
        ("fitted", lambda sizes, room: sizes, "limit"),
        ("towards_limit", seeds_withdraw_both_sides, "in full|always quoted"),
        (
            "ladder_ticks",
            lambda side, price, tick, spacing, levels: [
                math.floor(price / tick) - int(side) * i for i in range(levels)
            ],
            "closer to the market|smallest half-spread",
        ),
    ],
)
def test_a_broken_step_breaks_a_promise(monkeypatch, part, broken, promise):
    monkeypatch.setattr(finalisation, part, broken)
    with pytest.raises(AssertionError, match=promise):
        every_promise_holds()


def test_the_adding_side_shrinks_and_the_reducing_side_does_not():
    ladder = finalised(position=5.0)
    assert ladder.bids == (Level(Side.BUY, 0, 9997, 5),)
    assert ladder.asks == (Level(Side.SELL, 0, 10004, 10),)


def test_beyond_the_limit_only_the_reducing_side_is_left_and_says_why():
    trace = Trace()
    ladder = finalised(position=-11.0, trace=trace)
    assert not ladder.asks
    assert ladder.bids[0].size_lots == 10
    assert Reason.POSITION_LIMIT + ":ASK" in trace.reasons


def test_the_smallest_order_is_rounded_up_to_lots():
    assert not finalised(position=8.9, min_size=0.15).bids, "0.11 is one lot, and the venue wants two"
    assert finalised(position=8.9, min_size=0.1).bids[0].size_lots == 1


def test_a_touch_off_the_tick_still_leaves_a_whole_tick():
    ladder = finalised(bid=101.0, ask=99.0, fair_value=None, tick=0.05, best_bid=99.99, best_ask=100.01)
    assert ladder.bids[0].price_ticks * 0.05 == pytest.approx(99.95)
    assert ladder.asks[0].price_ticks * 0.05 == pytest.approx(100.05)


def test_caps_are_named():
    trace = Trace()
    finalised(bid=100.5, ask=99.5, fair_value=None, trace=trace)
    assert set(trace.caps) == {Cap.POST_ONLY + ":BID", Cap.POST_ONLY + ":ASK", Cap.OWN_CROSS}


def test_an_empty_market_clamps_nothing():
    ladder = finalised(bid=120.0, ask=120.05, fair_value=None, best_bid=None, best_ask=None)
    assert (ladder.bids[0].price_ticks, ladder.asks[0].price_ticks) == (12000, 12005)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tick": 0.0}, "tick"),
        ({"lot": -0.1}, "lot"),
        ({"max_position": 0.0}, "max_position"),
        ({"order_size": math.nan}, "order_size"),
        ({"min_size": -1.0}, "min_size"),
        ({"min_half_spread": -0.01}, "min_half_spread"),
        ({"bid": math.nan}, "bid"),
        ({"best_ask": math.inf}, "best_ask"),
        ({"position": math.nan}, "position"),
        ({"fair_value": math.nan}, "fair_value"),
    ],
)
def test_bad_input_names_the_field(changes, field):
    with pytest.raises(ParameterError) as caught:
        finalised(**changes)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "value"),
    [("levels", 0), ("spacing", -1.0), ("size_decay", 0.0), ("size_skew", 1.1), ("widen_inventory_side", math.inf)],
)
def test_a_shape_checks_itself(field, value):
    with pytest.raises(ParameterError) as caught:
        LadderShape(**{field: value})
    assert caught.value.field == field
