"""The tests of drift and flow: what they add up to, whom they accuse, and how often wrongly."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.adverse_selection.drift import Drift, Exposure
from mm_nautilus.adverse_selection.flow import FlowImbalance
from mm_nautilus.adverse_selection.markouts import markouts
from mm_nautilus.adverse_selection.self_normalised import SelfNormalised
from mm_nautilus.market import Side

SECOND = 10**9
EVENTS = st.lists(st.tuples(st.integers(1, 8), st.integers(-3, 3), st.booleans()), min_size=5, max_size=60)


def played(test, events, side=1, size=1.0):
    """Feed moves and fills, the move of an instant before its fill; return the path and the fills."""
    now, mid, path, fills = 0, 100.0, [(0, 100.0)], []
    for wait, ticks, filled in events:
        now += wait * SECOND // 4
        if ticks:
            test.moved(now, -side * ticks * 0.01)
            mid += ticks * 0.01
            path.append((now, mid))
        if filled:
            test.filled(now, size)
            fills.append(now)
    return now, path, fills


@given(events=EVENTS, side=st.sampled_from([1, -1]))
def test_what_the_mid_does_to_what_we_hold_is_the_adverse_selection_of_the_fills(events, side) -> None:
    drift = Drift(2.0, 1e12, 1.0, 0)
    now, path, fills = played(drift, events, side)
    end = now + 10 * SECOND
    drift.score(end)
    table = markouts(fills, [side] * len(fills), [1.0] * len(fills), [100.0] * len(fills), *zip(*path, strict=True),
                     [2.0], end)  # fmt: skip
    assert drift._sum._total == pytest.approx(float(np.nansum(table.adverse_selection)), abs=1e-6)
    assert drift._sum._weight == pytest.approx(len(fills), abs=1e-6)
    assert drift._sum.count(end) == pytest.approx(len(fills))
    assert not drift._exposure._fills


@given(events=EVENTS)
def test_the_statistic_is_the_move_times_what_is_held_beyond_the_average(events) -> None:
    drift = Drift(2.0, 1e12, 0.25, 0)
    now, path, fills = played(drift, events)
    drift.score(now + 10 * SECOND)

    def held(at):
        return sum(1.0 for filled in fills if filled < at <= filled + 2 * SECOND)

    def average(at, first):
        return sum(max(min(at, filled + 2 * SECOND) - filled, 0) for filled in fills if filled < at) / (at - first)

    began = min([at for at, _ in path[1:]] + fills, default=0)
    terms = []
    for (_, before), (at, after) in itertools.pairwise(path):
        if at > began:
            terms.append((held(at) - average(at, began)) * (before - after))
    expected = sum(terms)
    assert drift._unusual._total == pytest.approx(expected, abs=1e-6)
    if any(abs(term) > 1e-9 for term in terms):
        assert drift._unusual.t == pytest.approx(expected / math.sqrt(sum(term**2 for term in terms)), abs=1e-4)


def test_exposure_is_the_size_within_the_horizon_and_its_average() -> None:
    exposure = Exposure(10.0, 1e12)
    exposure.add(SECOND, 3.0)
    exposure.pass_to(6 * SECOND)
    assert (exposure.held, exposure.unusual) == (3.0, pytest.approx(0.0))
    exposure.pass_to(11 * SECOND)
    assert exposure.held == 3.0, "the instant at which a horizon ends still counts"
    exposure.pass_to(31 * SECOND)
    assert exposure.held == 0.0
    assert exposure.unusual == pytest.approx(-1.0, rel=1e-3)
    assert exposure.area == pytest.approx(3.0)


@given(events=EVENTS)
def test_a_favourable_move_never_counts_against_us(events) -> None:
    """A buyer on a path that only rises, whenever it does so, is not accused; on its mirror image he may be."""
    rises = [(wait, abs(ticks), filled) for wait, ticks, filled in events]
    good = Drift(5.0, 600.0, 1.0, 0)
    now, _, _ = played(good, rises)
    found = good.score(now + 20 * SECOND)
    if found is not None:
        assert found.score <= 0.0
        assert found.t <= 0.0


def walk(rng, seconds, volatility):
    """Return moves of a martingale on a clock of tenths of a second."""
    return rng.normal(0.0, 0.01 * np.sqrt(0.1), 10 * seconds) * np.repeat(volatility, 10)


def one_market(rng, informed):
    """Return the statistic after 20 minutes: bursts of fills when volatility is high, a share followed by a move."""
    seconds = 1200
    busy = np.repeat(rng.choice([0.3, 1.0, 3.0], seconds // 60), 60)
    moves = walk(rng, seconds, busy)
    filled = rng.random(10 * seconds) < 0.03 * np.repeat(busy, 10)
    for at in np.flatnonzero(filled & (rng.random(10 * seconds) < informed)):
        moves[at + 1 : at + 51] += 0.03 / 50.0
    drift = Drift(5.0, 300.0, 1.0, 20)
    for step in range(10 * seconds):
        now = (step + 1) * SECOND // 10
        drift.moved(now, moves[step])
        if filled[step]:
            drift.filled(now, float(rng.choice([1.0, 5.0])))
    return drift.score(1200 * SECOND).t


def test_the_drift_holds_its_level_in_bursts_and_unsteady_volatility_and_sees_informed_flow() -> None:
    rng = np.random.default_rng(1)
    null = np.array([one_market(rng, 0.0) for _ in range(120)])
    level = np.mean(null > 1.645)
    assert level <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / len(null))
    assert np.std(null) == pytest.approx(1.0, abs=0.2)
    informed = np.array([one_market(rng, 0.5) for _ in range(25)])
    assert np.mean(informed > 1.645) > 0.8


def test_too_few_fills_say_nothing_and_old_ones_fade() -> None:
    drift = Drift(2.0, 60.0, 1.0, 20)
    for second in range(19):
        drift.filled(second * SECOND, 1.0)
        drift.moved(second * SECOND + 1, 0.01)
    assert drift.score(19 * SECOND) is None
    for second in range(19, 80):
        if second % 3:
            drift.filled(second * SECOND, 1.0)
        drift.moved(second * SECOND + 1, 0.01 * (second % 3))
    assert drift.score(82 * SECOND) is not None
    assert drift.score(600 * SECOND) is None


def test_a_self_normalised_sum_of_given_variances() -> None:
    kept = SelfNormalised(1e12)
    assert (kept.mean, kept.t, kept.count(5)) == (None, None, 0.0)
    for step, value in enumerate([1.0, -2.0, 4.0]):
        kept.add(step, value)
    assert kept.mean == pytest.approx(1.0)
    assert kept.t == pytest.approx(3.0 / math.sqrt(21.0))
    given_variance = SelfNormalised(10.0)
    given_variance.add(0, 1.0, variance=4.0)
    given_variance.add(10 * SECOND, 1.0, variance=4.0)
    assert given_variance.t == pytest.approx(1.5 / math.sqrt(5.0))
    assert given_variance.count(20 * SECOND) == pytest.approx(0.75)


# ------------------------------------------------------------------- flow


def flow_after(signs, per_bin=5):
    flow = FlowImbalance(120.0, 10.0)
    for number, sign in enumerate(signs):
        flow.traded((number // per_bin) * 10 * SECOND + number % per_bin, int(sign), 1.0)
    return flow, (len(signs) // per_bin + 1) * 10 * SECOND


def test_sellers_press_on_the_bid_and_not_on_the_ask() -> None:
    flow, now = flow_after([-1] * 100)
    bid, ask = flow.score(Side.BUY, now), flow.score(Side.SELL, now)
    assert bid.score == pytest.approx(1.0)
    assert bid.t > 3.0
    assert (ask.score, ask.t) == (-bid.score, -bid.t)


def test_balanced_flow_presses_on_nobody_more_often_than_stated() -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(400):
        flow, now = flow_after(np.repeat(rng.choice([-1, 1], 100), 5))  # split orders: five trades of one sign
        found.append(flow.score(Side.BUY, now).t)
    assert np.mean(np.array(found) > 1.645) <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / 400)


def test_a_few_bins_of_flow_say_nothing() -> None:
    flow, now = flow_after([-1] * 20)
    assert flow.score(Side.BUY, now) is None
