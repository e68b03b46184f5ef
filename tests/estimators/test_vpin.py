import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.bulk_classification import (
    bulk_volumes,
    buy_fraction,
    buy_fractions,
    sample_sigma,
    trailing_sigma,
)
from mm_nautilus.estimators.trade_imbalance import by_aggressor
from mm_nautilus.estimators.vpin import BulkVpin, Vpin, buckets, vpin, vpin_levels, vpin_rank

SIZES = st.integers(0, 300).map(lambda n: n / 8)
TRADES = st.lists(st.tuples(st.sampled_from([-1, 0, 1]), SIZES), max_size=60)
BARS = st.lists(st.tuples(st.integers(-20, 20).map(lambda n: n / 100), SIZES), max_size=60)


def poured(trades, volume: float):
    """Fill buckets one trade at a time, as the paper tells it."""
    full, room, bought = [], volume, 0.0
    for buy, sell in trades:
        size, rest = buy + sell, buy + sell
        while size and rest >= room - 1e-12 * volume:
            bought += room * buy / size
            full.append(bought)
            rest, room, bought = rest - room, volume, 0.0
        if size:
            bought += max(rest, 0.0) * buy / size
            room -= max(rest, 0.0)
    return full


@settings(deadline=None)
@given(trades=TRADES, volume=st.sampled_from([0.5, 3.0, 10.0, 100.0]))
def test_columns_fill_buckets_as_single_trades_do(trades, volume: float) -> None:
    bought, sold = by_aggressor([t[0] for t in trades], [t[1] for t in trades])
    bucket_buy, bucket_sell = buckets(bought, sold, volume)
    np.testing.assert_allclose(bucket_buy, poured(zip(bought, sold, strict=True), volume), atol=1e-9)
    np.testing.assert_allclose(bucket_buy + bucket_sell, volume)


@settings(deadline=None)
@given(trades=TRADES, volume=st.sampled_from([3.0, 10.0, 100.0]), last=st.integers(1, 8), history=st.integers(1, 12))
def test_each_trade_leaves_what_the_columns_say(trades, volume: float, last: int, history: int) -> None:
    online = Vpin(volume, last, history)
    for seen, (side, size) in enumerate(trades, 1):
        if seen % 7 == 0:
            saved = json.loads(json.dumps(online.save()))
            online = Vpin(volume, last, history)
            online.load(saved)
        online.update(side, size)
        bought, sold = by_aggressor([t[0] for t in trades[:seen]], [t[1] for t in trades[:seen]])
        bucket_buy, bucket_sell = buckets(bought, sold, volume)
        levels = vpin_levels(bucket_buy, bucket_sell, last)
        if len(levels):
            assert online.value == pytest.approx(levels[-1], abs=1e-9)
            assert levels[-1] == pytest.approx(vpin(bucket_buy, bucket_sell, last), abs=1e-9)
        else:
            assert online.value is None
        assert online.rank == vpin_rank(levels, history)


@settings(deadline=None)
@given(bars=BARS, volume=st.sampled_from([3.0, 100.0]), last=st.integers(1, 8), window=st.integers(2, 9))
def test_each_bar_leaves_what_the_columns_say(bars, volume: float, last: int, window: int) -> None:
    online = BulkVpin(volume, window, last)
    for seen, bar in enumerate(bars, 1):
        if seen % 7 == 0:
            saved = json.loads(json.dumps(online.save()))
            online = BulkVpin(volume, window, last)
            online.load(saved)
        online.update(*bar)
    changes, volumes = [b[0] for b in bars], [b[1] for b in bars]
    fractions = buy_fractions(changes, trailing_sigma(changes, window))
    levels = vpin_levels(*buckets(*bulk_volumes(fractions, volumes), volume), last)
    assert online.value == (pytest.approx(levels[-1], abs=1e-6) if len(levels) else None)


def test_the_trailing_sigma_is_that_of_each_window() -> None:
    changes = np.random.default_rng(1).normal(3.0, 0.5, 200)
    expected = [math.nan, *(changes[max(i - 20, 0) : i].std(ddof=1) for i in range(2, 201))]
    np.testing.assert_allclose(trailing_sigma(changes, 20), expected, rtol=1e-9)
    assert sample_sigma(changes) == changes.std(ddof=1)
    assert sample_sigma([1.0]) is None


def test_a_bar_no_one_can_judge_is_left_out() -> None:
    assert np.isnan(buy_fractions([1.0])).tolist() == [True]
    assert [column.tolist() for column in bulk_volumes([math.nan, 0.25], [10.0, 4.0])] == [[1.0], [3.0]]
    assert [buy_fraction(change, 0.0) for change in (-1.0, 0.0, 1.0)] == [0.0, 0.5, 1.0]


def test_one_huge_trade_fills_many_buckets_without_filling_the_memory() -> None:
    online = Vpin(1.0, last=5, history=10)
    online.update(1, 0.5)
    online.update(-1, 1e9 + 0.25)
    assert online.value == 1.0
    assert len(online._levels) == len(online._sorted) == 10
    assert online._filled == pytest.approx(0.75)


def test_the_rank_says_how_unusual_the_level_is() -> None:
    assert vpin_rank([0.1, 0.2, 0.3, 0.25]) == 0.75
    assert vpin_rank([0.1, 0.2, 0.3, 0.25], 2) == 0.5
    assert vpin_rank([]) is None


def test_informed_flow_raises_it() -> None:
    rng = np.random.default_rng(2)
    calm, informed = (np.where(rng.random(5_000) < p, 1, -1) for p in (0.5, 0.8))
    levels = [vpin(*buckets(*by_aggressor(side, np.ones(5_000)), 100.0), 50) for side in (calm, informed)]
    assert levels[0] == pytest.approx(math.sqrt(2 / math.pi / 100), abs=0.03)
    assert levels[1] == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: buckets([1.0], [1.0], 0.0), "bucket_volume"),
        (lambda: buckets([-1.0], [1.0], 1.0), "buy"),
        (lambda: vpin([1.0], [1.0], 0), "last"),
        (lambda: vpin_levels([1.0], [1.0], 0), "last"),
        (lambda: trailing_sigma([1.0], 1), "bars"),
        (lambda: Vpin(math.nan), "bucket_volume"),
        (lambda: Vpin(1.0, history=0), "history"),
        (lambda: BulkVpin(1.0, sigma_bars=1), "bars"),
    ],
)
def test_bad_input_is_named(call, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        call()
