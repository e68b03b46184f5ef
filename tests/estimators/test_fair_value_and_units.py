import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators import units
from mm_nautilus.estimators.fair_value import mid, mids, queue_imbalance, weighted_mid, weighted_mids
from mm_nautilus.market import TopOfBook

PRICE, SPREAD, SIZE = st.floats(0.01, 1e5), st.floats(0.0, 10.0), st.floats(0.001, 1e6)
TOPS = st.builds(lambda bid, spread, b, a: TopOfBook(bid, bid + spread, b, a), PRICE, SPREAD, SIZE, SIZE)


@settings(deadline=None)
@given(tops=st.lists(TOPS, max_size=20))
def test_the_columns_say_what_each_book_says(tops) -> None:
    bid, ask, bid_size, ask_size = ([getattr(top, name) for top in tops] for name in TopOfBook.__struct_fields__)
    np.testing.assert_array_equal(mids(bid, ask), [mid(top) for top in tops])
    np.testing.assert_array_equal(weighted_mids(bid, ask, bid_size, ask_size), [weighted_mid(top) for top in tops])


@settings(deadline=None)
@given(top=TOPS)
def test_the_weighted_mid_lies_in_the_spread_and_leans_to_the_thin_side(top: TopOfBook) -> None:
    price, imbalance = weighted_mid(top), queue_imbalance(top.bid_size, top.ask_size)
    assert top.bid - 1e-9 * top.bid <= price <= top.ask + 1e-9 * top.ask
    assert price - mid(top) == pytest.approx(0.5 * imbalance * top.spread, abs=1e-9 * top.ask)


def test_a_gap_stays_a_gap() -> None:
    found = weighted_mids(pa.array([1.0, None, 1.0]), [2.0, 2.0, 2.0], [1.0, 1.0, 0.0], [1.0, 1.0, 0.0])
    assert np.isnan(found).tolist() == [False, True, True]


@settings(deadline=None)
@given(price=PRICE, fraction=st.floats(0.0001, 5.0), per_year=st.sampled_from([31_536_000.0, 5_896_800.0]))
def test_a_year_and_back(price: float, fraction: float, per_year: float) -> None:
    sigma = units.sigma_from_annual(price, fraction, per_year)
    assert units.annual_from_sigma(price, sigma, per_year) == pytest.approx(fraction)
    assert units.sigma_over(sigma, per_year) == pytest.approx(price * fraction)
    assert units.sigma_per_sqrt_s(sigma**2 * 60.0, 60.0) == pytest.approx(sigma)


def test_the_hours_of_a_market() -> None:
    assert units.SECONDS_PER_YEAR == 365 * 86_400
    assert units.SECONDS_PER_YEAR_US_EQUITIES == 5_896_800


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: units.sigma_from_annual(0.0, 0.2), "price"),
        (lambda: units.sigma_from_annual(1.0, -0.2), "annual_fraction"),
        (lambda: units.sigma_from_annual(1.0, 0.2, 0.0), "seconds_per_year"),
        (lambda: units.annual_from_sigma(1.0, math.nan), "sigma"),
        (lambda: units.sigma_over(1.0, -1.0), "horizon_s"),
        (lambda: units.sigma_per_sqrt_s(1.0, 0.0), "elapsed_s"),
        (lambda: units.bps_of(1.0, -1.0), "price"),
        (lambda: units.position_sigma(math.inf, 1.0, 1.0), "position"),
        (lambda: mids([1.0], [1.0, 2.0]), "ask"),
    ],
)
def test_bad_input_is_named(call, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        call()
