"""The band: nothing within it, back to its edge beyond it, and never further from flat."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.hedging import hedge_quantity, hedge_rate, hedging_band

sizes = st.floats(-1e4, 1e4)
at_least_zero = st.floats(0, 1e3)


@given(sizes, at_least_zero, at_least_zero)
def test_a_hedge_never_adds_risk_and_stops_where_it_stops_paying(position, skew, cost):
    band = hedging_band(skew, cost)
    hedge = hedge_quantity(position, band)
    after = position + hedge
    assert abs(after) <= abs(position)
    assert after * position >= 0, "through zero would be a new position"
    assert (hedge != 0) == (abs(position) > band)
    if hedge:
        assert abs(after) == pytest.approx(band, abs=1e-9)


@given(sizes, st.floats(1e-6, 1e3), at_least_zero, st.floats(1e-6, 10), st.floats(-1e6, 1e6))
def test_the_rate_is_the_best_one(position, skew, cost, impact, other):
    def gain(rate):
        """Value of working off inventory at `rate`, less its cost, per second."""
        return -skew * position * rate - cost * abs(rate) - impact * rate * rate

    best = hedge_rate(position, skew, cost, impact)
    assert gain(best) >= gain(other) - 1e-9 * (1 + abs(gain(other)))
    assert best * position <= 0


def test_the_seeds_counterexamples():
    assert hedge_quantity(0.0, 3000.0) == 0, "flat is not hedged short"
    assert hedge_quantity(1000.0, 3000.0) == 0, "and a small position is not added to"


def test_inventory_that_costs_nothing_is_never_hedged():
    assert hedging_band(0.0, 1.0) == math.inf
    assert hedge_quantity(1e9, math.inf) == 0


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: hedging_band(-1.0, 1.0), "skew"),
        (lambda: hedging_band(math.inf, 1.0), "skew"),
        (lambda: hedging_band(1.0, math.nan), "taker_cost"),
        (lambda: hedge_quantity(math.nan, 1.0), "position"),
        (lambda: hedge_quantity(1.0, -1.0), "band"),
        (lambda: hedge_rate(1.0, 1.0, 0.0, 0.0), "impact"),
        (lambda: hedge_rate(math.inf, 1.0, 0.0, 1.0), "position"),
    ],
)
def test_bad_input_names_the_field(call, field):
    with pytest.raises(ParameterError) as caught:
        call()
    assert caught.value.field == field
