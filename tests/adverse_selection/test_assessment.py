"""From evidence to an answer: golden steps, hysteresis, and what may never happen."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.adverse_selection.assessment import CLEAN, Standing, Thresholds, assess
from mm_nautilus.adverse_selection.evidence import TESTS, Evidence, Score, combined_t, confidence, critical_t
from mm_nautilus.adverse_selection.settings import AdverseSelectionSettings

SETTINGS = AdverseSelectionSettings()
THRESHOLDS = Thresholds(SETTINGS)
WEIGHTS = SETTINGS.weights.model_dump()
SECOND = 10**9
T = st.none() | st.floats(-8.0, 8.0)


def evidence(*ts, fills=100):
    return Evidence(*[None if t is None else Score(t, t) for t in ts], fills=fills)


def alone(t, fills=100):
    """Evidence whose combined statistic is `t`."""
    return evidence(t, None, None, None, None, fills=fills)


def answer(found, before=CLEAN, now_ns=0, settings=SETTINGS):
    return assess(found, before, now_ns, settings, THRESHOLDS, WEIGHTS)


def test_the_combination_is_stouffers_with_room_for_dependence() -> None:
    found = combined_t(evidence(2.0, 1.0, None, -1.0, None), WEIGHTS, 0.1)
    assert found == pytest.approx((2.0 + 1.0 - 0.5) / math.sqrt(0.9 * 2.25 + 0.1 * 2.5**2))
    assert combined_t(evidence(*[None] * 5), WEIGHTS, 0.1) is None
    assert combined_t(evidence(None, None, 1.0, None, None), WEIGHTS | {"flow": 0.0}, 0.1) is None


@pytest.mark.parametrize("correlation", [0.0, 0.1])
def test_the_combination_holds_its_level_up_to_the_correlation_allowed_for(correlation: float) -> None:
    rng = np.random.default_rng(7)
    shared, own = rng.normal(size=(20_000, 1)), rng.normal(size=(20_000, 5))
    ts = math.sqrt(correlation) * shared + math.sqrt(1.0 - correlation) * own
    found = np.array([combined_t(evidence(*row), WEIGHTS, 0.1) for row in ts.tolist()])
    level = np.mean(found > critical_t(0.05))
    assert level <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / len(found))
    if correlation == 0.1:
        assert level == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize(
    ("t", "toxic", "spread", "size", "away"),
    [
        (None, False, 1.0, 1.0, None),
        (-5.0, False, 1.0, 1.0, None),
        (1.9, False, 1.0, 1.0, None),
        (2.4, True, 1.2, 0.88, None),
        (3.0, True, 1.4, 0.76, None),
        (3.3, True, 1.5, 0.7, None),
        (3.8, True, 1.5, 0.7, 30 * SECOND),
    ],
)
def test_golden_answers(t, toxic, spread, size, away) -> None:
    found = answer(alone(t))
    assert found.toxic is toxic
    assert found.spread_multiplier == pytest.approx(spread)
    assert found.size_multiplier == pytest.approx(size)
    assert found.away_until_ns == away
    assert found.confidence == (None if t is None else pytest.approx(confidence(t)))


def test_a_side_stays_toxic_until_the_evidence_is_below_the_level() -> None:
    standing, states = CLEAN, []
    for t in (2.0, 2.4, 2.0, 1.7, 1.6, 2.0):
        standing = answer(alone(t), standing)
        states.append(standing.toxic)
    assert states == [False, True, True, True, False, False]


def test_the_answer_does_not_move_for_less_than_a_step() -> None:
    standing, strengths = CLEAN, []
    for t in (2.4, 2.5, 2.6, 2.75, 2.6, 2.4, 2.2, 2.0, 1.7):
        standing = answer(alone(t), standing)
        strengths.append(standing.strength)
    assert strengths == [0.4, 0.4, 0.4, 0.6, 0.6, 0.6, 0.2, 0.2, 0.2]


def test_a_withdrawal_ends_when_stated_and_needs_new_fills_to_come_again() -> None:
    standing = answer(alone(4.0, fills=50), now_ns=0)
    assert standing.away_until_ns == 30 * SECOND
    standing = answer(alone(4.0, fills=50), standing, 29 * SECOND)
    assert standing.away_until_ns == 30 * SECOND
    standing = answer(alone(4.0, fills=54), standing, 30 * SECOND)
    assert standing.away_until_ns is None
    standing = answer(alone(4.0, fills=55), standing, 31 * SECOND)
    assert standing.away_until_ns == 61 * SECOND


def test_nobody_steps_away_without_a_price_that_went_against_us() -> None:
    found = answer(evidence(0.0, 0.0, 15.0, 15.0, 15.0))
    assert found.t > THRESHOLDS.away
    assert found.tests == ("flow", "sweep", "clustering")
    assert found.away_until_ns is None
    assert answer(alone(9.0), settings=SETTINGS.model_copy(update={"away_s": 7.0})).away_until_ns == 7 * SECOND


standings = st.builds(
    Standing,
    toxic=st.booleans(),
    strength=st.integers(0, 5).map(lambda n: n / 5),
    away_until_ns=st.none() | st.integers(0, 100),
    fills_when_away=st.none() | st.integers(0, 100),
)


@given(ts=st.tuples(T, T, T, T, T), before=standings, now=st.integers(0, 100), fills=st.integers(0, 200))
def test_answers_stay_within_their_bounds(ts, before, now, fills) -> None:
    found = answer(evidence(*ts, fills=fills), before, now)
    assert 1.0 <= found.spread_multiplier <= 1.5
    assert 0.7 <= found.size_multiplier <= 1.0
    assert found.toxic or (found.spread_multiplier, found.size_multiplier) == (1.0, 1.0)
    assert found.away_until_ns is None or found.away_until_ns > now


@given(ts=st.tuples(*[st.floats(-8.0, 8.0)] * 5), which=st.integers(0, 4), less=st.floats(0.0, 5.0), before=standings)
def test_what_speaks_for_a_side_never_counts_against_it(ts, which, less, before) -> None:
    """Weaker evidence of any one test never gives a stronger answer."""
    lighter = list(ts)
    lighter[which] -= less
    strong, weak = answer(evidence(*ts), before), answer(evidence(*lighter), before)
    assert weak.t <= strong.t + 1e-12
    assert weak.strength <= strong.strength + 1e-9
    assert not weak.toxic or strong.toxic


@given(ts=st.tuples(*[st.none() | st.floats(-8.0, 0.0)] * 5), before=standings)
def test_favourable_evidence_asks_for_nothing(ts, before) -> None:
    found = answer(evidence(*ts), before)
    assert (found.toxic, found.strength, found.tests) == (False, 0.0, ())


def test_tests_are_named_as_in_the_settings() -> None:
    assert tuple(WEIGHTS) == TESTS


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"level": 0.6}, "level"),
        ({"onset_level": 0.2}, "levels must fall"),
        ({"delayed_horizon_s": 31.0}, "not among horizons_s"),
        ({"immediate_horizon_s": 30.0}, "not below delayed_horizon_s"),
        ({"horizons_s": (0.0, 30.0)}, "horizons_s.0"),
        ({"weights": dict.fromkeys(TESTS, 0.0)}, "above 0"),
        ({"halflife_s": 3.0}, "halflife_s"),
    ],
)
def test_settings_that_make_no_sense_are_named(wrong, said) -> None:
    with pytest.raises(ValidationError, match=said):
        AdverseSelectionSettings(**wrong)
