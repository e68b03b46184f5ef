"""Imbalances of book and trades: their hand-computed values, and both forms of each window."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.order_flow import (
    OrderFlowImbalance,
    expected_move,
    order_flow,
    order_flow_imbalances,
)
from mm_nautilus.estimators.trade_imbalance import (
    EwmaTradeImbalance,
    TradeImbalance,
    ewma_trade_imbalances,
    trade_imbalance,
    trade_imbalances,
)
from mm_nautilus.estimators.windows import ClockWindow, EventWindow, decayed_sums
from mm_nautilus.market import TopOfBook

WINDOWS = st.one_of(
    st.integers(1, 12).map(EventWindow),
    st.builds(ClockWindow, st.sampled_from([1.0, 2.5, 30.0]), st.sampled_from([1, 2, 10])),
)
GAPS_NS = st.lists(st.sampled_from([0, 1, 10**8, 10**9, 4 * 10**9, 10**11]), min_size=1, max_size=40)
SIZES = st.integers(0, 50).map(lambda n: n / 8)


@st.composite
def trades(draw):
    ts = np.cumsum(draw(GAPS_NS)) + 1_700_000_000_000_000_000
    sides = draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=len(ts), max_size=len(ts)))
    return ts, np.array(sides), np.array(draw(st.lists(SIZES, min_size=len(ts), max_size=len(ts))))


@st.composite
def books(draw):
    ts = np.cumsum(draw(GAPS_NS)) + 1_700_000_000_000_000_000
    n = len(ts)
    bid = 100.0 + np.cumsum(draw(st.lists(st.sampled_from([-0.25, 0.0, 0.25]), min_size=n, max_size=n)))
    ask = bid + np.array(draw(st.lists(st.sampled_from([0.25, 0.5]), min_size=n, max_size=n)))
    return ts, bid, *(np.array(draw(st.lists(SIZES, min_size=n, max_size=n))) for _ in range(2)), ask


def nan_for_none(value: float | None) -> float:
    return math.nan if value is None else value


@settings(deadline=None)
@given(flow=trades(), window=WINDOWS, stop=st.integers(0, 40))
def test_trade_imbalance_trade_by_trade_is_that_of_the_columns(flow, window, stop: int) -> None:
    online, found = TradeImbalance(window), []
    for i, (ts, side, size) in enumerate(zip(*(column.tolist() for column in flow), strict=True)):
        if i == stop:
            saved = json.loads(json.dumps(online.save()))
            online = TradeImbalance(window)
            online.load(saved)
        online.update(ts, side, size)
        found.append(nan_for_none(online.value(ts)))
    np.testing.assert_allclose(found, trade_imbalances(*flow, window), atol=1e-12)


@settings(deadline=None)
@given(flow=trades(), half_life_s=st.sampled_from([0.5, 3.0, 1000.0]), stop=st.integers(0, 40))
def test_decayed_trade_imbalance_trade_by_trade_is_that_of_the_columns(flow, half_life_s: float, stop: int) -> None:
    online, found = EwmaTradeImbalance(half_life_s), []
    for i, (ts, side, size) in enumerate(zip(*(column.tolist() for column in flow), strict=True)):
        if i == stop:
            saved = json.loads(json.dumps(online.save()))
            online = EwmaTradeImbalance(half_life_s)
            online.load(saved)
        online.update(ts, side, size)
        found.append(nan_for_none(online.value))
    np.testing.assert_allclose(found, ewma_trade_imbalances(*flow, half_life_s), atol=1e-9)


@settings(deadline=None)
@given(flow=trades(), half_life_s=st.sampled_from([0.01, 0.5, 3.0, 1000.0]))
def test_decayed_sums_are_the_sums_written_out(flow, half_life_s: float) -> None:
    ts, _, size = flow
    age_s = np.tril((ts[:, None] - ts[None, :]) * 1e-9)
    expected = (np.tril(0.5 ** np.clip(age_s / half_life_s, 0.0, 1000.0)) * size).sum(axis=1)
    np.testing.assert_allclose(decayed_sums(ts, size, half_life_s), expected, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(book=books(), window=WINDOWS, stop=st.integers(0, 40))
def test_order_flow_event_by_event_is_that_of_the_columns(book, window, stop: int) -> None:
    ts, bid, bid_size, ask_size, ask = book
    online, found = OrderFlowImbalance(window), []
    rows = [column.tolist() for column in (ts, bid, ask, bid_size, ask_size)]
    previous = None
    for i, (now, *top) in enumerate(zip(*rows, strict=True)):
        if i == stop and previous is not None:
            saved = json.loads(json.dumps(online.save()))
            online = OrderFlowImbalance(window)
            online.load(saved)
            online.update(now, previous)
        previous = TopOfBook(*top)
        online.update(now, previous)
        found.append(nan_for_none(online.value(now)))
    np.testing.assert_allclose(found, order_flow_imbalances(ts, bid, bid_size, ask, ask_size, window), atol=1e-9)


@settings(deadline=None)
@given(book=books())
def test_order_flow_mirrors_with_the_book(book) -> None:
    _, bid, bid_size, ask_size, ask = book
    there = order_flow(bid, bid_size, ask, ask_size)
    mirrored = order_flow(-ask, ask_size, -bid, bid_size)
    np.testing.assert_allclose(there, -mirrored)


def test_order_flow_restarts_where_a_side_was_missing() -> None:
    online = OrderFlowImbalance(EventWindow(1))
    online.update(0, TopOfBook(100.0, 101.0, 5.0, 5.0))
    online.update(1, None)
    online.update(2, TopOfBook(100.0, 101.0, 50.0, 5.0))
    assert online.value(2) is None
    online.update(3, TopOfBook(100.0, 101.0, 53.0, 5.0))
    assert online.value(3) == 3.0


def test_a_clock_window_empties_as_time_passes() -> None:
    window = ClockWindow(10.0, 10)
    second = 10**9
    window.add(5, 1.0)
    window.add(9 * second, 2.0)
    assert window.total(9 * second) is None  # no ten seconds have passed
    assert window.total(10 * second) == 2.0  # the slice of the first event has left
    assert window.total(18 * second + second // 2) == 2.0
    assert window.total(19 * second) == 0.0
    assert window.total(10**6 * second) == 0.0
    window.add(10**6 * second, 4.0)
    window.add(10**6 * second - 5, 1.0)  # late
    assert window.total(10**6 * second) == 5.0


def test_memory_is_fixed() -> None:
    window = ClockWindow(10.0, 20)
    for ts in range(0, 100 * 10**9, 10**8):
        window.add(ts, 1.0)
        assert len(window._past) <= 19
    assert window.total(100 * 10**9 - 1) == 100.0


def test_a_lone_size_presses_by_half_its_ticks() -> None:
    assert expected_move(20.0, 5.0, 0.01) == pytest.approx(0.02)


def test_arrow_columns_are_taken_as_they_are() -> None:
    ts = pa.array([1, 2, 3], pa.timestamp("ns"))
    sides, sizes = pa.array([1, -1, 1], pa.int8()), pa.chunked_array([[2.0], [1.0, 1.0]])
    assert trade_imbalances(ts, sides, sizes, EventWindow(3))[-1] == 0.5
    assert ewma_trade_imbalances(ts, sides, sizes, 1e6)[-1] == pytest.approx(0.5)


def test_an_empty_column_has_no_values() -> None:
    for window in (EventWindow(3), ClockWindow(1.0)):
        assert trade_imbalances([], [], [], window).tolist() == []
        assert order_flow_imbalances([], [], [], [], [], window).tolist() == []
    assert ewma_trade_imbalances([], [], [], 1.0).tolist() == []
    assert trade_imbalance(0.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: EventWindow(0), "events"),
        (lambda: ClockWindow(0.0), "span_s"),
        (lambda: ClockWindow(math.nan), "span_s"),
        (lambda: ClockWindow(1.0, 0), "slices"),
        (lambda: EwmaTradeImbalance(0.0), "half_life_s"),
        (lambda: ewma_trade_imbalances([1], [1], [1.0], math.nan), "half_life_s"),
        (lambda: trade_imbalances([2, 1], [1, 1], [1.0, 1.0], EventWindow(1)), r"ts_ns\[1\]"),
        (lambda: trade_imbalances([0.5], [1], [1.0], EventWindow(1)), "ts_ns"),
        (lambda: trade_imbalances([1], [2], [1.0], EventWindow(1)), r"aggressor\[0\]"),
        (lambda: trade_imbalances([1], [1], [-1.0], EventWindow(1)), r"size\[0\]"),
        (lambda: trade_imbalances([1], [1], [1.0, 2.0], EventWindow(1)), "size"),
        (lambda: order_flow([1.0], [1.0], [1.0], [math.nan]), r"ask_size\[0\]"),
        (lambda: order_flow([1.0], [1.0], [1.0], []), "ask_size"),
        (lambda: expected_move(1.0, 0.0, 1.0), "depth"),
    ],
)
def test_bad_input_is_named(call, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        call()
