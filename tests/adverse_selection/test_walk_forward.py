"""Splits that never train on what was not yet known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.adverse_selection.classifier.splits import walk_forward
from mm_nautilus.errors import ParameterError

# Bursts, ties and long silences.
INSTANTS = st.lists(st.sampled_from([0, 0, 1, 2, 50, 10_000]), min_size=1, max_size=150).map(np.cumsum)


@given(INSTANTS, st.integers(0, 500), st.integers(0, 500), st.integers(1, 8))
def test_every_label_was_known_an_embargo_before_the_test(ts, horizon, embargo, folds) -> None:
    known = ts + horizon
    found = walk_forward(ts, known, folds, embargo)
    for fold in found:
        begin = ts[fold.test].min()
        assert (known[fold.train] + embargo < begin).all()
        # Nothing that might have been used is left out.
        assert set(np.flatnonzero(known + embargo < begin)) == set(fold.train)
        assert not set(fold.train) & set(fold.test)


@given(INSTANTS, st.integers(0, 500), st.integers(1, 8))
def test_tests_follow_each_other_and_end_with_the_data(ts, horizon, folds) -> None:
    found = walk_forward(ts, ts + horizon, folds, 0)
    assert len(found) <= folds
    tested = [int(row) for fold in found for row in fold.test]
    assert tested == list(range(len(ts) - len(tested), len(ts)))
    for fold in found:
        assert fold.test[0] == 0 or ts[fold.test[0]] > ts[fold.test[0] - 1]  # an instant is not torn apart
    for earlier, later in pairwise(found):
        assert set(earlier.train) <= set(later.train)


def test_evenly_spaced_fills_by_hand() -> None:
    ts = np.arange(0, 60, 10)
    first, second = walk_forward(ts, ts + 5, 2, 3)
    assert (first.train.tolist(), first.test.tolist()) == ([0, 1], [2, 3])
    assert (second.train.tolist(), second.test.tolist()) == ([0, 1, 2, 3], [4, 5])
    (*_, purged) = walk_forward(ts, ts + 15, 2, 3)
    assert purged.train.tolist() == [0, 1, 2]
    (*_, embargoed) = walk_forward(ts, ts + 15, 2, 6)
    assert embargoed.train.tolist() == [0, 1]


def test_one_instant_cannot_be_split() -> None:
    assert walk_forward(np.zeros(10, dtype=int), np.ones(10, dtype=int), 3, 0) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (([0, 1], [1, 2], 0, 0), "folds"),
        (([0, 1], [1, 2], 1, -1), "embargo_ns"),
        (([1, 0], [2, 1], 1, 0), "ts_ns"),
    ],
)
def test_wrong_arguments_are_named(arguments, named) -> None:
    ts, known, *rest = arguments
    with pytest.raises(ParameterError, match=named):
        walk_forward(np.array(ts), np.array(known), *rest)
