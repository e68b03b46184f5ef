"""Value at risk and expected shortfall against simulated losses, and covariances that are none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.value_at_risk import inventory_risk

COVARIANCE = [[0.09, 0.036], [0.036, 0.16]]


def test_simulated_losses_exceed_it_as_often_as_promised():
    position, n = np.array([3.0, -2.0]), 400_000
    risk = inventory_risk(position, COVARIANCE, 0.99, 60.0)
    moves = np.random.default_rng(7).multivariate_normal([0, 0], np.array(COVARIANCE) * 60.0, n)
    losses = -(moves @ position)
    beyond = losses[losses > risk.value_at_risk]
    assert abs(len(beyond) / n - 0.01) < 4 * math.sqrt(0.01 * 0.99 / n)
    assert abs(beyond.mean() - risk.expected_shortfall) < 4 * beyond.std() / math.sqrt(len(beyond))


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=3),
    st.lists(st.floats(-100, 100), min_size=3, max_size=3),
    st.lists(st.floats(-3, 3), min_size=9, max_size=9),
    st.floats(0.5, 0.999),
    st.floats(0, 1e6),
)
def test_risk_is_coherent(one, other, root, confidence, horizon_s):
    factor = np.array(root).reshape(3, 3)
    covariance = factor @ factor.T
    both = inventory_risk(np.add(one, other), covariance, confidence, horizon_s)
    apart = [inventory_risk(held, covariance, confidence, horizon_s) for held in (one, other)]
    slack = 1e-9 * (1 + sum(risk.standard_deviation for risk in apart))
    assert both.value_at_risk <= apart[0].value_at_risk + apart[1].value_at_risk + slack
    assert both.expected_shortfall >= both.value_at_risk
    mirrored = inventory_risk(np.negative(one), covariance, confidence, horizon_s)
    assert mirrored.expected_shortfall == pytest.approx(apart[0].expected_shortfall)


def test_the_same_asset_long_and_short_is_no_risk():
    assert inventory_risk([5.0, -5.0], [[4.0, 4.0], [4.0, 4.0]], 0.99, 60.0).value_at_risk == pytest.approx(0, abs=1e-6)


def test_nothing_held_is_nothing_lost():
    assert inventory_risk([], np.empty((0, 0)), 0.95, 1.0).value_at_risk == 0
    assert inventory_risk([0.0], [[4.0]], 0.95, 1.0).expected_shortfall == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"covariance_per_s": [[1.0, 2.0], [2.0, 1.0]]}, "covariance_per_s"),
        ({"covariance_per_s": [[-1.0, 0.0], [0.0, 1.0]]}, "covariance_per_s"),
        ({"covariance_per_s": [[1.0, 0.5], [0.4, 1.0]]}, "covariance_per_s"),
        ({"covariance_per_s": [[1.0]]}, "covariance_per_s"),
        ({"covariance_per_s": [[math.nan, 0.0], [0.0, 1.0]]}, "covariance_per_s"),
        ({"position": [1.0, math.inf]}, "position"),
        ({"position": [[1.0], [2.0]]}, "position"),
        ({"confidence": 0.0}, "confidence"),
        ({"confidence": 1.0}, "confidence"),
        ({"confidence": math.nan}, "confidence"),
        ({"horizon_s": -1.0}, "horizon_s"),
    ],
)
def test_bad_input_names_the_field(changes, field):
    given = {"position": [1.0, 1.0], "covariance_per_s": COVARIANCE, "confidence": 0.95, "horizon_s": 1.0}
    with pytest.raises(ParameterError) as caught:
        inventory_risk(**(given | changes))
    assert caught.value.field == field
