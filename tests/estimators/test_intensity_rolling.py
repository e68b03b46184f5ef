"""The rolling fit sees what the vectorised one sees, remembers a bounded stretch, and keeps the last good fit."""

import numpy as np
import pytest

from mm_nautilus.estimators.intensity import IntensitySettings
from mm_nautilus.estimators.intensity_judgement import half_spread_half_ticks, judged_fit
from mm_nautilus.estimators.intensity_orders import QuotedTime, Tops, market_orders, order_depths
from mm_nautilus.estimators.intensity_rolling import DEEPEST, RollingIntensity
from mm_nautilus.market import Intensity, Side, TopOfBook

S = 10**9
TICK = 0.01
STATED = Intensity(9.0, 9.0)


def settings(**changes):
    return IntensitySettings(
        **{"a_per_s": 9.0, "k_per_price": 9.0, "rolling_window_s": 60.0, "refit_interval_s": 5.0} | changes
    )


def market(seed, duration_s=150.0, rate=8.0):
    """Tops and trades, some orders in several trades; no two events at one instant."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.choice(int(duration_s * 1e6), 3_000, replace=False)) * 1_000 + 1
    mid = 10_000 + np.cumsum(rng.integers(-1, 2, 3_000))
    bid, ask = mid - rng.integers(1, 4, 3_000), mid + rng.integers(1, 4, 3_000)
    bid[500:510] = 0  # a stretch without bids
    sizes = np.where(bid > 0, 1.0, 0.0)
    tops = Tops(times, bid, ask, sizes, np.ones(3_000))
    count = int(duration_s * rate)
    at = np.sort(rng.choice(int(duration_s * 1e6), count, replace=False)) * 1_000 + 500
    side = rng.choice([-1, 1], count)
    # Half of the trades belong to the order before, but no order lasts from one second into the next.
    event = np.cumsum(rng.integers(0, 2, count) | (np.diff(at // S, prepend=-1) > 0))
    around = mid[np.clip(np.searchsorted(times, at) - 1, 0, None)]
    price = around + side * rng.geometric(0.3, count)
    return tops, at, event, price, side


def play(rolling, tops, at, event, price, side, until_ns, stale_s=10.0):
    """Feed both streams in order of time, with a timer every second; return the fits at each refit."""
    merged = sorted(
        [(int(ns), 1, i) for i, ns in enumerate(tops.ts_ns)]
        + [(int(ns), 0, i) for i, ns in enumerate(at)]
        + [(s * S, 2, 0) for s in range(until_ns // S + 1)]
    )
    top, heard, fits = None, 0, {}
    fit = tops.fit()
    for ns, kind, i in merged:
        if kind == 2:
            if rolling.due(ns):
                fits[ns] = dict(rolling.fits)
        elif kind == 0:
            fresh = top is not None and fit[top] and ns - heard <= stale_s * S
            rolling.traded(int(event[i]), price[i] * TICK, Side(int(side[i])), book(tops, top) if fresh else None)
        else:
            if top is not None and fit[top]:
                rolling.stood(book(tops, top), min(ns - heard, int(stale_s * S)) * 1e-9)
            top, heard = i, ns
    return fits


def book(tops, i):
    return TopOfBook(tops.bid_ticks[i] * TICK, tops.ask_ticks[i] * TICK, tops.bid_size[i], tops.ask_size[i])


@pytest.mark.parametrize("rule", ["touch", "through"])
def test_before_the_window_is_full_both_forms_agree(rule) -> None:
    tops, at, event, price, side = market(1)
    rolling = RollingIntensity(settings(rolling_window_s=1000.0, fill_rule=rule), TICK)
    fits = play(rolling, tops, at, event, price, side, 100 * S)
    end = max(fits)
    # The rolling form knows a stretch of quoted time when the next book event ends it.
    last = int(tops.ts_ns[tops.ts_ns <= end][-1])
    kept = tops.ts_ns <= last
    seen = Tops(*(getattr(tops, name)[kept] for name in ("ts_ns", "bid_ticks", "ask_ticks", "bid_size", "ask_size")))
    clock = QuotedTime.of(seen.ts_ns, seen.fit(), 10.0, last)
    spread = (seen.ask_ticks - seen.bid_ticks)[clock.fit]
    first = half_spread_half_ticks(np.bincount(spread, weights=np.diff(clock.before_s)[clock.fit]))
    for ours in Side:
        hit = int(ours.opposite)
        mine = at <= end
        orders = market_orders(event[mine], at[mine], price[mine], side[mine], hit)
        depths = order_depths(orders, hit, seen, clock, through=rule == "through").half_ticks
        wanted = judged_fit(np.bincount(depths[depths >= 0]), clock.total_s, first, TICK)
        found = fits[end][ours]
        assert found.counts.tolist() == wanted.counts.tolist()
        assert found.fit.decay == pytest.approx(wanted.fit.decay, rel=1e-12)
        assert found.fit.a_per_s == pytest.approx(wanted.fit.a_per_s, rel=1e-9)


def test_what_left_the_window_is_forgotten() -> None:
    tops, at, event, price, side = market(2)
    whole = RollingIntensity(settings(), TICK)
    late = RollingIntensity(settings(), TICK)
    end = 140 * S
    begin = end - 60 * S
    one = play(whole, tops, at, event, price, side, end)[end]
    recent, traded = tops.ts_ns >= begin, at >= begin
    first = int(np.flatnonzero(recent)[0]) - 1  # the top that stands at the beginning
    recent[first] = True
    cut = Tops(*(getattr(tops, name)[recent] for name in ("ts_ns", "bid_ticks", "ask_ticks", "bid_size", "ask_size")))
    other = play(late, cut, at[traded], event[traded], price[traded], side[traded], end)[end]
    for ours in Side:
        # Where the window begins in the middle of an order or of a stretch of the book, one of either may differ.
        assert abs(int(one[ours].counts.sum()) - int(other[ours].counts.sum())) <= 1
        assert one[ours].fit.decay == pytest.approx(other[ours].fit.decay, rel=0.02)


def test_memory_is_bounded() -> None:
    rolling = RollingIntensity(settings(rolling_window_s=10.0, refit_interval_s=1.0), TICK)
    top = TopOfBook(99.0, 99.02, 1.0, 1.0)
    for second in range(200):
        rolling.due(second * S)
        rolling.stood(top, 1.0)
        for i in range(20):
            rolling.traded(second * S + i, 99.02 + i * 7.0, Side.BUY, top)
    assert len(rolling._slices) == 10
    assert all(len(part.buys) <= DEEPEST + 1 for part in rolling._slices)
    assert rolling._buys.total.sum() == 200, "deep orders count as reaching the deepest price"
    assert rolling._seconds.sum() == pytest.approx(10.0)


def test_the_stated_values_hold_until_a_fit_is_good_and_the_last_good_one_after_that() -> None:
    rolling = RollingIntensity(settings(), TICK)
    top = TopOfBook(99.0, 99.02, 1.0, 1.0)
    rng = np.random.default_rng(0)
    event = 0

    def pass_time(begin, end, per_second):
        nonlocal event
        for second in range(begin, end):
            rolling.due(second * S)
            rolling.stood(top, 1.0)
            for _ in range(per_second):
                event += 1
                reach = int(rng.exponential(1 / 40.0) / TICK)
                rolling.traded(event, 99.02 + reach * TICK, Side.BUY, top)

    pass_time(0, 6, 1)
    assert (rolling.bids, rolling.asks) == (STATED, STATED)
    assert rolling.notes == ("INTENSITY_KEPT:BID:TOO_FEW_EVENTS", "INTENSITY_KEPT:ASK:TOO_FEW_EVENTS")
    pass_time(6, 70, 10)
    assert rolling.bids == STATED
    assert rolling.asks.k_per_price == pytest.approx(40.0, rel=0.2)
    assert rolling.notes == ("INTENSITY_KEPT:BID:TOO_FEW_EVENTS",)
    pass_time(70, 124, 0)
    good = rolling.asks
    pass_time(124, 200, 0)
    assert rolling.notes == ("INTENSITY_KEPT:BID:TOO_FEW_EVENTS", "INTENSITY_KEPT:ASK:TOO_FEW_EVENTS")
    assert rolling.asks.k_per_price == pytest.approx(good.k_per_price, rel=0.5)
    assert rolling.asks != STATED


def test_a_window_of_too_many_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="rolling_window_s"):
        settings(rolling_window_s=6000.0, refit_interval_s=1.0)
    with pytest.raises(ValueError, match="rolling_window_s"):
        settings(rolling_window_s=1.0, refit_interval_s=5.0)


def test_without_a_window_there_is_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="rolling_window_s"):
        RollingIntensity(settings(rolling_window_s=None), TICK)
