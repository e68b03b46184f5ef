"""Plateau before peak: by hand on a small grid, and whatever the scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.sweep.ranking import neighbourhoods, ranking
from mm_nautilus.sweep.space import draws, grid, parse_parameter

GRID = grid([parse_parameter("a.x=1:5:5"), parse_parameter("a.y=1:5:5")])


def place(x: int, y: int) -> int:
    return GRID.index({"a.x": x, "a.y": y})


def test_a_lone_peak_ranks_behind_a_plateau_wherever_it_stands() -> None:
    for peak in ((3, 3), (1, 1), (1, 3)):
        scores = [0.0] * 25
        for x in (4, 5):
            for y in (3, 4, 5):
                scores[place(x, y)] = 1.0
        scores[place(*peak)] = 10.0
        # A neighbour of both would take over from the peak; keep them apart where they touch.
        order = ranking(GRID, scores)
        found = {one.index: one for one in order}
        if peak != (3, 3):
            assert order[0].index == place(5, 4), "the middle of the plateau's far side has only good neighbours"
            assert order[0].plateau == 1.0
            assert found[place(*peak)].plateau == 0.0
        assert found[place(*peak)].score == 10.0


def test_the_score_of_a_neighbourhood_by_hand() -> None:
    scores = [float(index) for index in range(25)]
    found = {one.index: one for one in ranking(GRID, scores)}
    corner = found[place(1, 1)]
    assert corner.neighbours == 3
    assert corner.plateau == 0.0, "its own score is lower than the mean of 1, 5 and 6"
    best = found[place(5, 5)]
    assert best.plateau == pytest.approx((23 + 19 + 18) / 3)
    assert best.edges == ("a.x", "a.y")
    assert found[place(3, 3)].neighbours == 8
    assert found[place(3, 3)].edges == ()


def test_a_failed_run_is_nobodys_neighbour_and_not_ranked() -> None:
    scores: list[float | None] = [1.0] * 25
    scores[place(1, 2)] = None
    order = ranking(GRID, scores)
    assert place(1, 2) not in {one.index for one in order}
    assert next(one for one in order if one.index == place(1, 1)).neighbours == 2


def test_models_are_not_each_others_neighbours() -> None:
    points = grid([parse_parameter("s.model=glft,symmetric"), parse_parameter("s.gamma=1:3:3")])
    order = ranking(points, [5.0, 5.0, 5.0, 1.0, 9.0, 1.0])
    assert [one.index for one in order[:3]] == [0, 1, 2]
    assert next(one for one in order if one.index == 4).plateau == 1.0


def test_words_alone_have_no_neighbours_and_rank_by_score() -> None:
    order = ranking([{"s.model": "a"}, {"s.model": "b"}], [1.0, 2.0])
    assert [(one.index, one.plateau, one.neighbours) for one in order] == [(1, 2.0, 0), (0, 1.0, 0)]


def test_random_points_have_the_nearest_ones() -> None:
    points = [{"a.x": value} for value in (1.0, 2.0, 3.5, 10.0, 11.0)] + [{"a.x": 2.5}]
    # One number only: a list of distinct values is a full grid, so neighbours are the next values.
    assert [sorted(near.tolist()) for near in neighbourhoods(points)] == [[1], [0, 5], [3, 5], [2, 4], [3], [1, 2]]
    plane = draws([parse_parameter("a.x=0:1"), parse_parameter("a.y=0:1")], 30, seed=3)
    for near in neighbourhoods(plane):
        assert len(near) == 4


@given(st.lists(st.floats(-100, 100), min_size=25, max_size=25), st.floats(0.1, 10), st.floats(-5, 5))
def test_no_point_is_worth_more_than_its_score_and_units_change_no_order(
    scores: list[float], scale: float, shift: float
) -> None:
    scores = [round(score, 3) for score in scores]
    order = ranking(GRID, scores)
    assert sorted(one.index for one in order) == list(range(25))
    assert all(one.plateau <= one.score for one in order)
    plateaus = [one.plateau for one in order]
    assert plateaus == sorted(plateaus, reverse=True)
    moved = {one.index: one.plateau for one in ranking(GRID, [scale * score + shift for score in scores])}
    for one in order:
        assert moved[one.index] == pytest.approx(scale * one.plateau + shift, abs=1e-9)


def test_scores_must_fit_the_points() -> None:
    with pytest.raises(ParameterError, match="one for each of 25"):
        ranking(GRID, [1.0])
    with pytest.raises(ParameterError, match="finite"):
        ranking(GRID, [float(np.nan)] * 25)
    assert ranking([], []) == []
