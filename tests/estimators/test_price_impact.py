import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.price_impact import LinearImpact, RecursiveImpact, linear_impact

POINTS = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50).map(lambda n: n / 100)), max_size=40)


def same(found: LinearImpact, expected: LinearImpact) -> None:
    for name in LinearImpact.__slots__:
        one, other = getattr(found, name), getattr(expected, name)
        assert one == (None if other is None else pytest.approx(other, rel=1e-7, abs=1e-9)), name


@settings(deadline=None)
@given(points=POINTS, half_life=st.sampled_from([None, 0.7, 5.0, 1000.0]))
def test_interval_by_interval_is_the_regression_of_the_columns(points, half_life) -> None:
    online = RecursiveImpact(half_life)
    for seen, (flow, move) in enumerate(points, 1):
        if seen % 5 == 0:
            saved = json.loads(json.dumps(online.save()))
            online = RecursiveImpact(half_life)
            online.load(saved)
        online.update(flow, move)
        whole = linear_impact([p[0] for p in points[:seen]], [p[1] for p in points[:seen]], half_life)
        if whole.slope is None:
            assert online.value is None
        else:
            same(online.value, whole)


def test_it_is_ordinary_least_squares() -> None:
    rng = np.random.default_rng(9)
    flow = rng.normal(0.0, 10.0, 500)
    move = 0.02 + 0.003 * flow + rng.normal(0.0, 0.05, 500)
    line, expected = linear_impact(flow, move), linregress(flow, move)
    assert line.slope == pytest.approx(expected.slope)
    assert line.intercept == pytest.approx(expected.intercept)
    assert line.se == pytest.approx(expected.stderr)
    assert line.r2 == pytest.approx(expected.rvalue**2)
    assert line.observations == 500


def test_its_standard_error_covers_the_truth() -> None:
    rng = np.random.default_rng(10)
    z = []
    for _ in range(400):
        flow = rng.normal(0.0, 1.0, 300)
        line = linear_impact(flow, 0.5 * flow + rng.normal(0.0, 1.0, 300), half_life=60)
        z.append((line.slope - 0.5) / line.se)
    assert np.std(z) == pytest.approx(1.0, abs=0.15)


def test_it_forgets_with_its_half_life() -> None:
    rng = np.random.default_rng(4)
    online = RecursiveImpact(half_life=50)
    for slope in (0.1, 0.9):
        for flow in rng.normal(0.0, 1.0, 1_000).tolist():
            online.update(flow, slope * flow)
    assert online.value.slope == pytest.approx(0.9, abs=0.01)


def test_what_the_data_do_not_determine_is_none() -> None:
    assert linear_impact([], []).slope is None
    assert linear_impact([1.0], [2.0]).slope is None
    assert linear_impact([0.1] * 7, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).slope is None
    two = linear_impact([1.0, 2.0], [1.0, 3.0])
    assert (two.slope, two.se) == (2.0, None)
    assert linear_impact([1.0, 2.0, 3.0], [0.1, 0.1, 0.1]).r2 is None


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: linear_impact([1.0], []), "move"),
        (lambda: linear_impact([math.nan], [1.0]), "flow"),
        (lambda: RecursiveImpact(0.0), "half_life"),
        (lambda: linear_impact([1.0], [1.0], -1.0), "half_life"),
    ],
)
def test_bad_input_is_named(call, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        call()
