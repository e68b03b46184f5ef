"""Reference prices from the top of the book."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.estimators.fair_value import FAIR_VALUES, mid, weighted_mid
from mm_nautilus.market import TopOfBook

SIZE = st.floats(1e-6, 1e6)


@pytest.mark.real_data
def test_reference_vectors(shared_data: Path) -> None:
    vectors = json.loads((shared_data.parent / "vectors.json").read_text())["vectors"]["weighted_mid"]
    for vector in vectors:
        top = TopOfBook(**vector["inputs"])
        assert mid(top) == pytest.approx(vector["expected"]["mid"], rel=1e-12), vector["id"]
        assert weighted_mid(top) == pytest.approx(vector["expected"]["weighted_mid"], rel=1e-12), vector["id"]
        assert top.spread == pytest.approx(vector["expected"]["spread"], rel=1e-10), vector["id"]


def test_by_hand() -> None:
    assert weighted_mid(TopOfBook(100.0, 100.1, 10.0, 30.0)) == pytest.approx(100.025, rel=1e-14)
    assert mid(TopOfBook(100.0, 100.1, 10.0, 30.0)) == pytest.approx(100.05, rel=1e-14)


@given(bid=st.floats(1.0, 1e5), spread=st.floats(1e-4, 10.0), bid_size=SIZE, ask_size=SIZE)
def test_leans_toward_the_side_that_runs_out_and_stays_inside(
    bid: float, spread: float, bid_size: float, ask_size: float
) -> None:
    top = TopOfBook(bid, bid + spread, bid_size, ask_size)
    found = weighted_mid(top)
    slack = 1e-12 * top.ask
    assert top.bid - slack <= found <= top.ask + slack
    assert (found - mid(top)) * (bid_size - ask_size) >= -slack * (bid_size + ask_size)


def test_the_run_file_can_name_each() -> None:
    assert dict(FAIR_VALUES) == {"mid": mid, "weighted_mid": weighted_mid}
