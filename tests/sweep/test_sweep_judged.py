"""A sweep on noise is flagged, one with a planted edge is not; what cannot be judged says why."""

from decimal import Decimal

import numpy as np
import pytest
from sweep_kit import failure, row

from mm_nautilus.sweep.judged import Score, aligned, annual_sharpe, judge, ranked, step_for
from mm_nautilus.sweep.space import grid, parse_parameter

POINTS = grid([parse_parameter("s.gamma=0.1:1:10"), parse_parameter("s.levels=1:10:10")])


def rows_of(pnl: np.ndarray) -> list:
    return [row(point, pnl[:, place]) for place, point in enumerate(POINTS)]


@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_random_strategies_are_flagged(seed: int) -> None:
    rows = rows_of(np.random.default_rng(seed).normal(size=(480, 100)))
    verdict = judge(rows, ranked(rows, Score.SHARPE))
    assert verdict.flagged
    assert verdict.overfitting is not None
    assert verdict.deflated is not None
    assert verdict.overfitting.probability > 0.05
    assert verdict.deflated.probability < 0.95
    assert len(verdict.why) == 2


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_edge_is_ranked_first_and_passes(seed: int) -> None:
    pnl = np.random.default_rng(seed).normal(size=(480, 100))
    edge = {place for place, point in enumerate(POINTS) if point["s.gamma"] >= 0.5 and 3 <= point["s.levels"] <= 6}
    pnl[:, sorted(edge)] += 0.4
    rows = rows_of(pnl)
    order = ranked(rows, Score.SHARPE)
    verdict = judge(rows, order)
    assert order[0].index in edge
    assert not verdict.flagged, verdict.why
    assert verdict.overfitting is not None
    assert verdict.overfitting.probability < 0.05
    assert verdict.deflated is not None
    assert verdict.deflated.probability > 0.95


def test_equally_good_runs_are_flagged_for_the_choice_alone() -> None:
    common = np.random.default_rng(1).normal(0.4, 1.0, size=(480, 1))
    rows = rows_of(common + 0.01 * np.random.default_rng(2).normal(size=(480, 100)))
    verdict = judge(rows, ranked(rows, Score.SHARPE))
    assert verdict.flagged
    assert verdict.deflated is not None
    assert verdict.deflated.probability > 0.95
    assert len(verdict.why) == 1
    assert "no better than the median" in verdict.why[0]


def test_runs_that_failed_or_never_traded_do_not_get_in_the_way() -> None:
    pnl = np.random.default_rng(3).normal(size=(100, 100))
    pnl[:, 0] = 0.0
    rows = rows_of(pnl)
    rows[5] = failure(POINTS[5])
    order = ranked(rows, Score.SHARPE)
    assert len(order) == 99
    assert next(one for one in order if one.index == 0).score == 0.0
    places, matrix = aligned(rows)
    assert matrix.shape == (100, 99)
    assert 5 not in places
    assert judge(rows, order).overfitting is not None
    nothing = [row(point, np.zeros(100), fills=0) for point in POINTS]
    verdict = judge(nothing, ranked(nothing, Score.SHARPE))
    assert verdict.flagged
    assert verdict.deflated is None
    assert "no PnL that varies" in verdict.why[-1]


def test_what_cannot_be_judged_is_flagged_and_says_why() -> None:
    noise = np.random.default_rng(4).normal(size=100)
    one = [row({"s.gamma": 1.0}, noise)]
    assert "no choice" in judge(one, ranked(one, Score.PNL)).why[0]
    short = [row({"s.gamma": value}, noise[:20]) for value in (1.0, 2.0)]
    assert "too few for a probability" in judge(short, ranked(short, Score.PNL)).why[0]
    apart = [row({"s.gamma": 1.0}, noise), row({"s.gamma": 2.0}, noise, start_ns=5)]
    assert "different stretches" in judge(apart, ranked(apart, Score.PNL)).why[0]
    money = [row({"s.gamma": 1.0}, noise), row({"s.gamma": 2.0}, noise, currency="EUR")]
    assert "different currencies" in judge(money, ranked(money, Score.PNL)).why[0]
    broken = [failure({"s.gamma": 1.0})]
    assert "no run completed" in judge(broken, ranked(broken, Score.PNL)).why[0]


def test_the_score_is_the_account_or_its_sharpe_ratio() -> None:
    noise = np.random.default_rng(5).normal(0.1, 1.0, 100)
    rows = [row({"s.gamma": 1.0}, noise, pnl=Decimal("12.5"))]
    assert ranked(rows, Score.PNL)[0].score == 12.5
    expected = noise.mean() / noise.std(ddof=1) * np.sqrt(365 * 1440)
    assert ranked(rows, Score.SHARPE)[0].score == pytest.approx(expected)
    assert annual_sharpe(noise, 60.0)[1] == pytest.approx(np.sqrt((1 + (expected**2 / 365 / 1440) / 2) / 100 * 525_600))


@pytest.mark.parametrize(("span", "step"), [(86_400, 60.0), (1_800, 10.0), (120, 1.0), (9_600, 60.0), (9_599, 30.0)])
def test_steps_are_as_long_as_the_data_allow(span: float, step: float) -> None:
    assert step_for(span) == step
