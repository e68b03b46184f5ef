"""What the engine says of screened runs: who is asked, how alike the two rank, and what stands beside what."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sweep_kit import failure, row

from mm_nautilus.sweep.confirm import agreement, chosen, described
from mm_nautilus.sweep.judged import Score, ranked
from mm_nautilus.sweep.ranking import Ranked
from mm_nautilus.sweep.words import confirmed_cells


def order(count: int) -> list[Ranked]:
    """Return a ranking in which the last row is the best."""
    return [Ranked(index, float(index), float(index), 2, ()) for index in reversed(range(count))]


def test_the_best_are_asked_and_others_drawn_at_random_none_twice() -> None:
    first, drawn = chosen(order(40), 5, 8, seed=3)
    assert first == [39, 38, 37, 36, 35]
    assert len(set(drawn)) == 8
    assert not set(first) & set(drawn)
    assert chosen(order(40), 5, 8, seed=3) == (first, drawn)
    assert chosen(order(40), 5, 8, seed=4)[1] != drawn
    assert chosen(order(6), 5, 8, seed=3) == ([5, 4, 3, 2, 1], [0])
    assert chosen([], 5, 8, seed=3) == ([], [])


def test_a_sample_comes_from_anywhere_below_the_best() -> None:
    found = {place for seed in range(300) for place in chosen(order(12), 2, 3, seed)[1]}
    assert found == set(range(10))


def test_the_rank_correlation_and_its_interval() -> None:
    rng = np.random.default_rng(1)
    screened = rng.normal(size=30)
    engine = screened + 0.5 * rng.normal(size=30)
    found = agreement(screened.tolist(), engine.tolist())
    assert found is not None
    assert found.pairs == 30
    assert found.correlation == pytest.approx(spearmanr(screened, engine).statistic, rel=1e-12)
    # The formula of Bonett and Wright, written out.
    r = found.correlation
    reach = 1.959963984540054 * np.sqrt((1 + r * r / 2) / 27)
    assert found.low == pytest.approx(np.tanh(np.arctanh(r) - reach), rel=1e-12)
    assert found.high == pytest.approx(np.tanh(np.arctanh(r) + reach), rel=1e-12)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, inside, truth = np.random.default_rng(2), 0, 6.0 / np.pi * np.arcsin(0.8 / 2.0)
    for _ in range(400):
        first = rng.normal(size=25)
        found = agreement(first.tolist(), (0.8 * first + 0.6 * rng.normal(size=25)).tolist())
        assert found is not None
        inside += found.low <= truth <= found.high
    assert 0.92 <= inside / 400 <= 0.98


def test_orders_that_are_equal_or_opposite_stay_within_one() -> None:
    for engine, expected in (([1.0, 2.0, 3.0, 4.0, 5.0], 1.0), ([5.0, 4.0, 3.0, 2.0, 1.0], -1.0)):
        found = agreement([1.0, 2.0, 3.0, 4.0, 5.0], engine)
        assert found is not None
        assert found.correlation == pytest.approx(expected)
        assert -1.0 <= found.low <= found.high <= 1.0


@pytest.mark.parametrize("engine", [[1.0, 2.0, 3.0, 4.0], [1.0] * 6])
def test_too_few_pairs_or_no_spread_say_nothing(engine: list[float]) -> None:
    assert agreement(list(range(len(engine))), engine) is None


def rows_of(pnls: list[float]) -> list:
    return [row({"s.gamma": place}, np.array([pnl, 0.5 * pnl])) for place, pnl in enumerate(pnls)]


def test_both_paths_stand_side_by_side_with_their_ranks() -> None:
    screened = rows_of([3.0, 1.0, 2.0, 5.0, 4.0, 0.5, 7.0])
    engine = rows_of([0.0, 1.5, 2.5, 6.0, 4.0, 0.1, 5.0])
    first, drawn = [6, 3], [1, 2, 4, 5]
    there = [engine[place] for place in (*first, *drawn)]
    there[3] = failure(engine[2].point, "it broke")
    said = described(screened, there, first, drawn, Score.PNL)
    pairs = said["pairs"]
    assert [one["point"]["s.gamma"] for one in pairs] == [6, 3, 1, 2, 4, 5]
    assert [one["sampled"] for one in pairs] == [False, False, True, True, True, True]
    assert [one["screen_rank"] for one in pairs] == [1, 2, 4, None, 3, 5]
    assert [one["engine_rank"] for one in pairs] == [2, 1, 4, None, 3, 5], "6 has earned more than 5 with the engine"
    assert (pairs[0]["screen_pnl"], pairs[0]["engine_pnl"]) == ("10.5", "7.5")
    assert pairs[3]["engine_score"] is None
    assert said["agreement"]["pairs"] == 5
    assert said["agreement"]["correlation"] == pytest.approx(0.9)
    assert said["sample_agreement"] is None, "three pairs are too few"
    cells = confirmed_cells(pairs[0], ["s.gamma"])
    assert cells[:3] == ["6", "1", "2"]
    assert cells[-1] == "best"
    assert confirmed_cells(pairs[3], ["s.gamma"])[-1] == "it broke"
    assert len(confirmed_cells(pairs[3], ["s.gamma"])) == len(cells)


def test_equal_scores_share_a_rank() -> None:
    screened, engine = rows_of([2.0, 2.0, 1.0]), rows_of([1.0, 3.0, 2.0])
    pairs = described(screened, engine, [0, 1, 2], [], Score.PNL)["pairs"]
    assert [one["screen_rank"] for one in pairs] == [1.5, 1.5, 3]


def test_what_failed_when_screened_is_never_asked_for() -> None:
    rows = [*rows_of([1.0, 2.0, 3.0]), failure({"s.gamma": 9})]
    first, drawn = chosen(ranked(rows, Score.PNL), 2, 9, seed=0)
    assert 3 not in {*first, *drawn}
