"""Quote obligations: time added up exactly, against a computation that samples every half second."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.market import Side
from mm_nautilus.venues.obligation import ObligationSettings
from mm_nautilus.venues.obligation_judgement import Shortfall, judge
from mm_nautilus.venues.obligation_tracker import ObligationTracker
from mm_nautilus.venues.trading_hours import DAY_NS, TradingHours, day_name, day_start

D = Decimal
SECOND = 1_000_000_000
START = int(datetime(2024, 8, 9, 23, 58, tzinfo=UTC).timestamp())
"""Two minutes before a Friday's midnight, so that short runs see the day, the weekday and a session change."""


def worth(size, price):
    return size * price


def rule(**fields):
    return ObligationSettings(**{"uptime": 0.9, "max_spread_bps": 20} | fields)


@st.composite
def runs(draw):
    seconds = st.integers(START, START + 239)
    events = []
    for _ in range(draw(st.integers(0, 25))):
        ts = draw(seconds)
        if draw(st.booleans()):
            mid = draw(st.sampled_from([None, 999, 1000, 1001, 1004]))
            events.append((ts, "market", mid, draw(st.booleans())))
        else:
            side = draw(st.sampled_from(list(Side)))
            price = 1000 - side * draw(st.sampled_from([D("0.5"), D(1), D("1.5"), D(3)]))
            events.append((ts, "order", draw(st.sampled_from("abc")) + side.name, side, price, draw(st.integers(0, 3))))
    return sorted(events, key=lambda event: event[0])


two_sided = st.fixed_dictionaries(
    {},
    optional={
        "max_distance_bps": st.sampled_from([6, 10, 20]),
        "min_size": st.sampled_from([1, 2, 4]),
        "min_notional": st.sampled_from([500, 2002]),
        "max_size_difference": st.sampled_from([0, D("0.5")]),
    },
)
any_time = st.fixed_dictionaries(
    {},
    optional={
        "hours_utc": st.sampled_from([["08:00-23:59"], ["23:59-00:01"], ["23:58-24:00", "00:00-00:01"]]),
        "weekdays": st.sampled_from([["FRI"], ["SAT", "SUN"]]),
        "excuse_no_market": st.booleans(),
        "excuse_stale_feed": st.booleans(),
        "stress": st.fixed_dictionaries(
            {"move_bps": st.sampled_from([9, 30]), "window_s": st.sampled_from([5, 40]), "lasts_s": st.just(30)}
        ),
    },
)
rules = st.one_of(
    st.builds(lambda a, b: rule(**a | b), two_sided, any_time),
    st.builds(lambda b: rule(two_sided=False, max_spread_bps=None, max_distance_bps=10, min_size=2, **b), any_time),
)


def naive_shortfall(one, book, mid, relaxed):
    """All pairs of levels: is there a bid and an ask, large enough from the best on, close enough together?"""
    spread_factor, size_factor = (one.stress.spread_multiplier, one.stress.size_multiplier) if relaxed else (1, 1)
    counted = {}
    for side in Side:
        levels = [(price, size) for price, size in book[side] if size]
        if one.max_distance_bps is not None:
            reach = one.max_distance_bps * spread_factor * D(mid) / 10_000 if mid is not None else D(-1)
            levels = [level for level in levels if abs(level[0] - (mid or 0)) <= reach]
        counted[side] = levels

    def enough(side, worst):
        best_to_worst = [level for level in counted[side] if (level[0] - worst) * side >= 0]
        size, value = (sum(f(*level) for level in best_to_worst) for f in (lambda _, s: s, lambda p, s: p * s))
        return size >= (one.min_size or 0) * size_factor and value >= (one.min_notional or 0) * size_factor

    sides = {side: [price for price, _ in counted[side] if enough(side, price)] for side in Side}
    if not one.two_sided:
        return not any(sides.values())
    cap = None if one.max_spread_bps is None else one.max_spread_bps * spread_factor
    pairs = product(sides[Side.BUY], sides[Side.SELL])
    if not any(cap is None or (ask - bid) / ((ask + bid) / 2) * 10_000 <= cap for bid, ask in pairs):
        return True
    if one.max_size_difference is not None:
        totals = sorted(sum(size for _, size in counted[side]) for side in Side)
        return totals[0] < totals[1] * (1 - one.max_size_difference)
    return False


def naive(one, events, end):
    """Look at every half second: (kept, not kept, excused, relaxed) in seconds, and kept seconds by day."""
    kept = short = excused = relaxed_s = 0
    days = {}
    for second in range(START, end):
        past = [event for event in events if event[0] <= second]
        markets = [event for event in past if event[1] == "market"]
        mid, stale = (markets[-1][2], markets[-1][3]) if markets else (None, False)
        at = datetime.fromtimestamp(second, UTC)
        clock, open_ = at.strftime("%H:%M"), not one.hours_utc
        for session in one.hours_utc:
            first, last = session.split("-")
            open_ |= first <= clock < last if first < last else clock >= first or clock < last
        open_ &= at.strftime("%a").upper() in one.weekdays
        if not open_ or (mid is None and one.excuse_no_market) or (stale and one.excuse_stale_feed):
            excused += 1
            continue
        relaxed = False
        if one.stress is not None:
            for event in markets:
                window = [
                    other[2] for other in markets[: markets.index(event) + 1]
                    if other[0] >= event[0] - one.stress.window_s and other[2] is not None
                ]  # fmt: skip
                moved = event[2] is not None and 1e4 * (max(window) - min(window)) / min(window) >= one.stress.move_bps
                relaxed |= moved and second < event[0] + one.stress.lasts_s
        orders = {}
        for event in past:
            if event[1] == "order":
                orders[event[2]] = event[3:]
        book = {side: [(price, size) for its, price, size in orders.values() if its is side] for side in Side}
        day = days.setdefault(at.strftime("%Y-%m-%d"), [0, 0])
        day[0] += 1
        relaxed_s += relaxed
        if naive_shortfall(one, book, mid, relaxed):
            short += 1
        else:
            kept += 1
            day[1] += 1
    return kept, short, excused, relaxed_s, days


@given(runs(), rules)
@settings(max_examples=150, deadline=None)
def test_time_is_what_sampling_every_instant_finds(events, one):
    tracker = ObligationTracker(one, worth, START * SECOND)
    for event in events:
        if event[1] == "market":
            _, _, mid, stale = event
            tracker.market(event[0] * SECOND, mid and mid - 1, mid and mid + 1, stale=stale)
        else:
            _, _, name, side, price, size = event
            tracker.rests(event[0] * SECOND, name, side, price, D(size))
    end = START + 240
    record = tracker.record(end * SECOND)
    kept, short, excused, relaxed, days = naive(one, events, end)
    assert (record.kept_s, sum(record.shortfalls.values()), sum(record.excused.values())) == (kept, short, excused)
    assert record.stressed_s == relaxed
    assert record.demanded_s == kept + short
    assert {day.day: [day.demanded_s, day.kept_s] for day in record.days} == days
    if record.demanded_s:
        assert record.uptime == kept / (kept + short)
        assert record.met is (record.uptime >= one.uptime)
    else:
        assert (record.uptime, record.met) == (None, None)


def judged(one, bids, asks, mid=1000.0, stressed=False):
    levels = [[(D(str(price)), D(str(size))) for price, size in side] for side in (bids, asks)]
    return judge(one, *levels, mid, worth, stressed=stressed)


@pytest.mark.parametrize(
    ("bids", "asks", "shortfall"),
    [
        ([], [], Shortfall.NOT_QUOTED),
        ([], [(1001, 5)], Shortfall.NO_BID),
        ([(999, 5)], [], Shortfall.NO_ASK),
        ([(999, 1)], [(1001, 5)], Shortfall.TOO_SMALL),
        ([(999, 1), (997, 5)], [(1001, 2)], Shortfall.TOO_WIDE),
        ([(999, 1), (998.9, 1)], [(1000.8, 2)], None),
        ([(999, 10)], [(1001, 2)], Shortfall.SIZES_APART),
        ([(999, 4)], [(1001, 2)], None),
    ],
)
def test_each_shortfall_has_its_name(bids, asks, shortfall):
    one = rule(min_size=2, max_size_difference="0.5")
    assert judged(one, bids, asks)[0] is shortfall


def test_orders_too_far_from_the_mid_do_not_count():
    one = rule(max_spread_bps=None, max_distance_bps=10, min_size=2)
    assert judged(one, [(999, 2)], [(1001, 2)])[0] is None
    assert judged(one, [(999, 1), (998.9, 1)], [(1001, 2)])[0] is Shortfall.TOO_WIDE
    assert judged(one, [(999, 1)], [(1001, 2)])[0] is Shortfall.TOO_SMALL
    assert judged(one, [(999, 2)], [(1001, 2)], mid=None)[0] is Shortfall.NO_MARKET
    either = rule(max_spread_bps=None, max_distance_bps=10, min_size=2, two_sided=False)
    assert judged(either, [], [(1001, 2)])[0] is None
    assert judged(either, [(998, 2)], [])[0] is Shortfall.TOO_WIDE


def test_a_stressed_market_relaxes_spread_and_size():
    one = rule(min_size=4, stress={"move_bps": 50})
    wide = ([(998, 2)], [(1002, 2)])
    assert judged(one, *wide)[0] is Shortfall.TOO_SMALL
    assert judged(one, *wide, stressed=True)[0] is None
    assert judged(one, [(997.9, 2)], [(1002, 2)], stressed=True)[0] is Shortfall.TOO_WIDE


def test_the_spread_at_the_boundary_is_exact():
    one = rule(max_spread_bps="20")
    assert judged(one, [("999", 1)], [("1001", 1)]) == (None, D(20))
    assert judged(one, [("998.9999999999", 1)], [("1001", 1)])[0] is Shortfall.TOO_WIDE


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"max_spread_bps": None}, "how tight"),
        ({"two_sided": False, "max_spread_bps": None}, "how tight"),
        ({"two_sided": False, "max_distance_bps": 5}, "max_spread_bps compares two sides"),
        ({"two_sided": False}, "needs max_distance_bps"),
        ({"uptime": 90}, "less than or equal to 1"),
        ({"hours_utc": ["9:00-17:00"]}, "pattern"),
        ({"hours_utc": ["09:00-09:00"]}, "empty"),
        ({"min_sise": 1}, "Extra inputs"),
    ],
)
def test_a_rule_that_demands_nothing_sensible_is_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        rule(**fields)


@given(st.integers(0, 30 * DAY_NS), st.integers(0, 86_399))
def test_nothing_changes_before_the_next_edge(ts_ns, roll_over_s):
    hours = TradingHours(["08:00-12:00", "22:00-02:00"], ["MON", "THU"], roll_over_s * SECOND)
    edge = hours.next_edge(ts_ns)
    assert ts_ns < edge <= ts_ns + DAY_NS
    assert hours.is_open(edge - 1) is hours.is_open(ts_ns)
    assert hours.day_start(edge - 1) == hours.day_start(ts_ns)
    assert day_start(ts_ns, roll_over_s * SECOND) % DAY_NS == roll_over_s * SECOND


def test_days_are_named_by_their_date():
    assert day_name(START * SECOND) == "2024-08-09"
