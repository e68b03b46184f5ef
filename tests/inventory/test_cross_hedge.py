"""Which instrument to hedge in, and how much."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.cross_hedge import cross_hedge
from mm_nautilus.inventory.hedging import hedge_quantity, hedging_band
from mm_nautilus.models.multi_asset import multi_asset_quoter


@given(st.floats(-100, 100), st.floats(0.001, 10), st.floats(0, 20))
def test_one_asset_is_the_hedging_band(position, slope, cost):
    found = cross_hedge([slope * position], [slope], [cost])
    wanted = hedge_quantity(position, hedging_band(slope, cost))
    assert (0.0 if found is None else found.quantity) == pytest.approx(wanted, abs=1e-9)


@given(st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_each_hedge_gains_what_it_says_and_they_come_to_an_end(seed):
    """The value of inventory rises by the gain after what was paid, and nothing pays twice."""
    rng = np.random.default_rng(seed)
    n = 5
    loads = rng.normal(size=(n, 2))
    sigma = loads @ loads.T + 0.1 * np.eye(n)
    matrix = multi_asset_quoter(sigma, np.ones(n), np.ones(n), np.ones(n), 0.01).matrix
    q, costs = rng.normal(size=n) * 20, rng.uniform(0.01, 1.0, n).tolist()
    for _ in range(200):
        found = cross_hedge((2 * matrix @ q).tolist(), (2 * np.diag(matrix)).tolist(), costs)
        if found is None:
            break
        before = -q @ matrix @ q
        q[found.instrument] += found.quantity
        rise = -q @ matrix @ q - before - abs(found.quantity) * costs[found.instrument]
        assert rise == pytest.approx(found.gain, rel=1e-6, abs=1e-9)
        if found.gain < 1e-9:
            break
    else:
        pytest.fail("it goes on hedging")


def test_a_long_is_hedged_in_the_cheapest_that_moves_with_it():
    sigma = np.array([[1.0, 0.95], [0.95, 1.0]])
    matrix = multi_asset_quoter(sigma, [1, 1], [1, 1], [1, 1], 0.01).matrix
    skews = (2 * matrix @ [50.0, 0.0]).tolist()
    slopes = (2 * np.diag(matrix)).tolist()
    dear = cross_hedge(skews, slopes, [4.5, 0.1])
    assert dear is not None
    assert dear.instrument == 1
    assert dear.quantity < 0.0
    own = cross_hedge(skews, slopes, [0.1, 0.1])
    assert own is not None
    assert own.instrument == 0
    assert cross_hedge(skews, slopes, [None, None]) is None


def test_it_begins_only_beyond_what_the_next_fill_would_undo_and_then_goes_all_the_way():
    assert cross_hedge([1.05], [0.1], [1.0], least=0.1) is None
    found = cross_hedge([1.2], [0.1], [1.0], least=0.1)
    assert found is not None
    assert found.quantity == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (([1.0], [1.0, 2.0], [1.0]), "skews, slopes, costs"),
        (([float("nan")], [1.0], [1.0]), "skews"),
        (([1.0], [-1.0], [1.0]), "slopes"),
        (([1.0], [1.0], [-1.0]), "costs"),
        (([1.0], [1.0], [1.0], -1.0), "least"),
    ],
)
def test_bad_input_is_named(arguments, field):
    with pytest.raises(ParameterError, match=field):
        cross_hedge(*arguments)
