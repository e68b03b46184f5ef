"""One fair value over venues: what each is worth by it, who counts, and no jump when one comes or goes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.venue import Health, Venue

S = 1_000_000_000


def venue(name, currency="USDT", **other):
    return Venue(name, "BTC", currency, 0.0, 0.0005, **other)


def three(half_life_s=60.0, stale_after_s=5.0, **other):
    return ConsolidatedFairValue([venue("A"), venue("B"), venue("C")], "USDT", half_life_s, stale_after_s, **other)


def quoted(fair, prices, ts):
    for index, price in enumerate(prices):
        if price is not None:
            fair.update(index, price - 0.5, price + 0.5, ts)


def test_the_basis_put_in_is_recovered():
    rng = np.random.default_rng(4)
    fair, price = three(weights=(3, 2, 1)), 100.0
    for second in range(600):
        price += rng.normal(0, 0.05)
        noise = rng.normal(0, 0.02, 3)
        quoted(fair, price + np.array([0.0, 4.0, -3.0]) + noise, second * S)
        fair.sample(second * S)
    now = 599 * S
    assert fair.basis(1) - fair.basis(0) == pytest.approx(4.0, abs=0.02)
    assert fair.basis(2) - fair.basis(0) == pytest.approx(-3.0, abs=0.02)
    assert fair.own_value(0, now) == pytest.approx(price, abs=0.05)
    assert fair.own_value(1, now) == pytest.approx(price + 4.0, abs=0.05)


def test_the_half_life_is_one():
    fair = three(half_life_s=10.0, stale_after_s=1000.0)
    quoted(fair, (100, 100, 100), 0)
    for second in range(401):
        fair.sample(second * S)
    before = fair.basis(0)
    quoted(fair, (109, 100, 100), 400 * S)
    for second in range(401, 410):
        fair.sample(second * S)
    fair.sample(410 * S)
    # The venue stands 9 above the others, 6 above the mean of all three that the value moves to.
    assert fair.basis(0) - before == pytest.approx(0.5 * 6.0, rel=1e-6)


def test_the_leader_moves_the_value_of_all_by_its_weight():
    fair = three(weights=(8, 1, 1))
    quoted(fair, (100, 104, 97), 0)
    fair.sample(0)
    fair.sample(S)
    own = [fair.own_value(index, S) for index in range(3)]
    fair.update(0, 100.5, 101.5, S)
    for index in range(3):
        assert fair.own_value(index, S) - own[index] == pytest.approx(0.8)
    assert sum(fair.weights()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("leave", "health"),
    [
        (lambda fair: fair.bar(0, Health.DISCONNECTED, S), Health.DISCONNECTED),
        (lambda fair: fair.bar(0, Health.HALTED, S), Health.HALTED),
        (lambda fair: fair.bar(0, Health.CLOCK_OFFSET, S), Health.CLOCK_OFFSET),
        (lambda fair: fair.update(0, 50.0, 50.0, S), Health.CROSSED_BOOK),
        (lambda fair: fair.update(0, 50.0, 49.0, S), Health.CROSSED_BOOK),
        (lambda fair: fair.update(0, 0.0, 49.0, S), Health.NO_BOOK),
        (lambda fair: fair.update(0, math.nan, math.nan, S), Health.NO_BOOK),
    ],
)
def test_a_venue_that_is_gone_counts_no_more_at_once_and_nothing_jumps(leave, health):
    fair = three(weights=(6, 2, 2))
    quoted(fair, (110, 100, 90), 0)
    fair.sample(0)
    fair.sample(S)
    before = fair.value(S)
    leave(fair)
    assert fair.health(0, S) is health
    assert fair.weights()[0] == 0.0
    assert fair.value(S) == pytest.approx(before)
    fair.update(0, 500.0, 501.0, S)
    assert (fair.value(S) == pytest.approx(before)) is (health not in {Health.CROSSED_BOOK, Health.NO_BOOK})


def test_silence_takes_a_venue_out_and_a_word_brings_it_back():
    fair = three(stale_after_s=5.0)
    quoted(fair, (100, 100, 100), 0)
    for index in (1, 2):
        fair.update(index, 99.5, 100.5, 4 * S)
    assert fair.health(0, 5 * S) is Health.LIVE
    assert fair.health(0, 5 * S + 1) is Health.STALE
    assert fair.weights() == (0.0, 0.5, 0.5)
    fair.heard(0, 6 * S)
    assert fair.health(0, 6 * S) is Health.LIVE
    assert fair.value(12 * S) is None, "all are stale"
    assert [fair.health(index, 12 * S) for index in range(3)] == [Health.STALE] * 3
    assert fair.own_value(0, 12 * S) is None


def test_a_venue_that_comes_back_after_a_disconnection_needs_a_new_quote():
    fair = three()
    quoted(fair, (100, 100, 100), 0)
    fair.bar(0, Health.DISCONNECTED, S)
    fair.bar(0, None, 2 * S)
    assert fair.health(0, 2 * S) is Health.NO_BOOK
    fair.update(0, 99.0, 101.0, 2 * S)
    assert fair.health(0, 2 * S) is Health.LIVE


def test_one_that_joins_late_brings_no_jump():
    fair = three()
    quoted(fair, (100, 101, None), 0)
    fair.sample(0)
    fair.sample(S)
    before = fair.value(S)
    fair.update(2, 119.5, 120.5, S)
    assert fair.value(S) == pytest.approx(before)
    assert fair.own_value(2, S) == pytest.approx(120.0)


def test_currencies_are_converted_there_and_back():
    fair = ConsolidatedFairValue([venue("A"), venue("E", "EUR")], "USDT", 60.0, 5.0, rate_currencies=["EUR"])
    quoted(fair, (100, 90), 0)
    assert fair.health(1, 0) is Health.NO_RATE
    assert fair.value(0) == pytest.approx(100.0)
    fair.rate("EUR", 1.10, 0)
    assert fair.basis(1) == pytest.approx(-1.0)
    fair.update(0, 109.5, 110.5, S)
    assert fair.own_value(1, S) == pytest.approx((105.0 - 1.0) / 1.10)
    fair.update(1, 89.5, 90.5, S)
    value = fair.value(S)
    fair.rate("EUR", 1.20, S)
    assert fair.value(S) - value == pytest.approx(0.5 * 90 * 0.10)
    fair.update(0, 109.5, 110.5, 6 * S)
    fair.update(1, 89.5, 90.5, 6 * S)
    assert fair.health(1, 7 * S) is Health.NO_RATE, "the rate is stale"
    fair.rate("EUR", math.nan, 7 * S)
    assert fair.own_value(1, 7 * S) is None


def by_definition(fair, now):
    live = [i for i in range(len(fair.venues)) if fair.health(i, now) is Health.LIVE]
    if not live:
        return None
    weights = [fair._weight[i] for i in live]
    prices = [fair._mid[i] * fair._rate[i] - fair.basis(i) for i in live]
    return sum(w * p for w, p in zip(weights, prices, strict=True)) / sum(weights)


events = st.lists(
    st.tuples(
        st.sampled_from(["quote", "cross", "void", "halt", "free", "rate", "sample", "wait", "weigh", "heard"]),
        st.integers(0, 2),
        st.floats(90, 110),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(events)
def test_kept_up_step_by_step_it_is_the_formula(events):
    venues = [venue("A"), venue("B", "EUR"), venue("C")]
    fair, now = ConsolidatedFairValue(venues, "USDT", 5.0, 3.0, rate_currencies=["EUR"]), 0
    last = {0: -(10**18), 1: -(10**18), 2: -(10**18)}
    for what, index, number in events:
        match what:
            case "quote":
                fair.update(index, number, number + 0.1, now)
            case "cross":
                fair.update(index, number, number - 0.1, now)
            case "void":
                fair.update(index, 0.0, number, now)
            case "halt":
                fair.bar(index, Health.HALTED, now)
            case "free":
                fair.bar(index, None, now)
            case "rate":
                fair.rate("EUR", number / 100, now)
            case "sample":
                fair.sample(now)
            case "wait":
                now += int(number - 90) * S // 10
            case "weigh":
                fair.set_weights([number, 1.0, 2.0])
            case "heard":
                fair.heard(index, now)
        if what in {"quote", "cross", "void", "heard"}:
            last[index] = now
        expected = by_definition(fair, now)
        assert fair.value(now) == (None if expected is None else pytest.approx(expected))
        for one in range(3):
            if fair.health(one, now) is Health.LIVE:
                assert now - last[one] <= 3 * S


def test_a_restart_keeps_what_was_learnt():
    fair = three(weights=(5, 3, 2))
    for second in range(100):
        quoted(fair, (100, 104, 97), second * S)
        fair.sample(second * S)
    again = three()
    again.load(fair.save())
    quoted(again, (100, 104, 97), 0)
    assert [again.basis(index) for index in range(3)] == [fair.basis(index) for index in range(3)]
    assert again.weights() == pytest.approx((0.5, 0.3, 0.2))
    assert again.value(0) == pytest.approx(fair.value(99 * S))


@pytest.mark.parametrize(
    ("venues", "field"),
    [
        ([], "venues"),
        ([venue("A"), venue("A")], "venues"),
        ([venue("A"), Venue("B", "ETH", "USDT", 0.0, 0.0)], "B: asset"),
        ([venue("A"), venue("B", "JPY")], "B: currency"),
    ],
)
def test_venues_that_cannot_be_compared_are_refused(venues, field):
    with pytest.raises(ParameterError) as caught:
        ConsolidatedFairValue(venues, "USDT", 60.0, 5.0, rate_currencies=["EUR"])
    assert caught.value.field == field


def test_a_stream_that_crosses_itself_a_little_may_count():
    fair = three(crossed_bps=1.0)
    fair.update(0, 10_000.9, 10_000.0, 0)
    assert fair.value(0) == pytest.approx(10_000.45)
    fair.update(0, 10_001.1, 10_000.0, 0)
    assert fair.health(0, 0) is Health.CROSSED_BOOK


def test_bad_settings_are_refused():
    for other in (
        {"half_life_s": 0.0},
        {"stale_after_s": math.inf},
        {"crossed_bps": -1.0},
        {"weights": (1, 1)},
        {"weights": (1, 0, 1)},
    ):
        with pytest.raises(ParameterError, match=next(iter(other))):
            three(**other)


def test_a_young_basis_is_the_mean_so_far():
    fair = three(half_life_s=1e5, stale_after_s=1000.0)
    quoted(fair, (100, 100, 100), 0)
    fair.sample(0)
    for second in range(1, 5):
        quoted(fair, (100, 106, 97) if second % 2 else (100, 102, 97), second * S)
        fair.sample(second * S)
    assert fair.basis(1) - fair.basis(0) == pytest.approx(4.0, abs=1e-3)
    assert fair.basis(2) - fair.basis(0) == pytest.approx(-3.0, abs=1e-3)


def test_a_rate_grows_stale_although_the_venues_do_not():
    fair = ConsolidatedFairValue([venue("A"), venue("E", "EUR")], "USDT", 60.0, 5.0, rate_currencies=["EUR"])
    fair.rate("EUR", 1.1, 0)
    quoted(fair, (100, 90), 4 * S)
    fair.sample(4 * S)
    assert fair.health(1, 5 * S) is Health.LIVE
    assert fair.health(1, 5 * S + 1) is Health.NO_RATE
    assert fair.weights() == (1.0, 0.0)
