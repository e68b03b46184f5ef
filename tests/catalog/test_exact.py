"""Text becomes exact integers, and what is no number is told apart from what is too precise."""

from decimal import ROUND_DOWN, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.catalog.columns import decimals
from mm_nautilus.catalog.exact import from_engine, mantissas, texts

NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=8, allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(st.lists(NUMBERS, max_size=20), st.integers(0, 8), st.integers(-4, 0))
def test_equals_decimal_arithmetic(numbers, precision, power):
    text = pa.array([f"{number:f}" for number in numbers], pa.string())
    values, bad, inexact = mantissas(text, precision, power)
    exact = [number.scaleb(precision + power) for number in numbers]
    assert not bad.any()
    assert values.tolist() == [int(value.to_integral_value(ROUND_DOWN)) for value in exact]
    assert inexact.tolist() == [value != value.to_integral_value() for value in exact]


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(max_size=12), NUMBERS.map(str), st.none()), max_size=20))
def test_any_text_is_survived(values):
    found, bad, _ = mantissas(pa.array(values, pa.string()), 2)
    for value, mantissa, wrong in zip(values, found, bad, strict=True):
        if not wrong:
            assert mantissa == int(Decimal(value.strip()).scaleb(2).to_integral_value(ROUND_DOWN))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "", "1.2.3", "0x10", "1,5", None, "9" * 30, "12 3"])
def test_what_is_no_number_is_unparsable(value):
    values, bad, inexact = mantissas(pa.array(["1.25", value, "2"], pa.string()), 2)
    assert values.tolist() == [125, 0, 200]
    assert bad.tolist() == [False, True, False]
    assert not inexact.any()


def test_more_decimals_are_cut_and_told():
    values, _, inexact = mantissas(pa.array(["1.259", "-1.259", "1.2500000", "1e-3"]), 2)
    assert values.tolist() == [125, -125, 125, 0]
    assert inexact.tolist() == [True, True, False, True]


def test_a_slice_is_read_where_it_starts():
    text = pa.array(["1", "2", "3", "4"]).slice(1, 2)
    assert mantissas(text, 1)[0].tolist() == [20, 30]


def test_the_engines_decimals_come_back():
    numbers = np.array([1, -2, 10**15, 0])
    column = pa.chunked_array([decimals(numbers, 3), decimals(numbers, 3).slice(1, 2)])
    assert from_engine(column, 3).tolist() == [*numbers, *numbers[1:3]]


def test_what_is_not_text_is_null():
    assert texts(["1", 2, None, ["3"]]).to_pylist() == ["1", None, None, None]
