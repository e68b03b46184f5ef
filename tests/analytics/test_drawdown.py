"""Drawdown: measured from the last high, or from the start."""

import math

import numpy as np
import pytest

from mm_nautilus.analytics.drawdown import Drawdown, drawdown
from mm_nautilus.errors import ParameterError


@pytest.mark.parametrize(
    ("pnl", "amount", "peak", "trough"),
    [
        ([], 0, None, None),
        ([1, 2, 3], 0, None, None),
        ([-1, 2, 0.5], 1.5, 1, 2),
        ([-2, 1], 2, None, 0),
        ([3, 1, 4, 2.5], 2, 0, 1),
        ([2, 5, 5, 4, 1, 6], 4, 1, 4),
    ],
)
def test_drawdown_is_measured_from_the_last_high_or_the_start(pnl, amount, peak, trough):
    found = drawdown(np.array(pnl, dtype=float), capital=200.0)
    assert found == Drawdown(amount, peak, trough, amount / 200)


def test_without_capital_there_is_no_share_of_it():
    assert drawdown(np.array([-1.0])).of_capital is None


@pytest.mark.parametrize(("pnl", "capital"), [([math.nan], None), ([1.0], 0.0), ([1.0], math.nan)])
def test_bad_input_is_refused(pnl, capital):
    with pytest.raises(ParameterError):
        drawdown(np.array(pnl), capital)
