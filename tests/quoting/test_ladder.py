"""Ladders on the lattice."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.market import Side
from mm_nautilus.quoting.ladder import fitted, ladder_lots, ladder_ticks, towards_limit
from mm_nautilus.quoting.lattice import ticks_away, whole_lots


def rungs(vector: dict[str, Any], side: Side) -> list[tuple[float, float]]:
    """Return price and size of each level for the inputs of a reference vector."""
    sign, tick, lot, count = int(side), vector["tick"], vector["lot"], vector["n_levels"]
    share = vector["q"] / vector["q_max"]
    spacing = vector["level_spacing"] * (1.0 + vector["widen_inventory_side"] * towards_limit(side, share))
    price = vector["fair"] + vector["shift"] - sign * vector["half_spread"]
    ticks = ladder_ticks(side, price, tick, spacing, count)
    room = whole_lots((vector["q_max"] - sign * vector["q"]) / lot)
    lots = fitted(ladder_lots(vector["base_size"] / lot, vector["size_decay"], count), room)
    return [(t * tick, n * lot) for t, n in zip(ticks, lots, strict=True) if n > 0]


def test_long_and_near_the_limit_by_hand() -> None:
    vector = {"fair": 100.0, "half_spread": 0.05, "level_spacing": 0.05, "n_levels": 3, "base_size": 1.0, "tick": 0.01}
    inventory = {"size_decay": 0.7, "q_max": 10.0, "lot": 0.1, "widen_inventory_side": 1.0, "shift": -0.03, "q": 9.0}
    found = rungs(vector | inventory, Side.BUY)
    assert [price for price, _ in found] == pytest.approx([99.92], rel=1e-12), "one lot of room is one level"
    asks = rungs(vector | inventory, Side.SELL)
    assert [price for price, _ in asks] == pytest.approx([100.02, 100.07, 100.12], rel=1e-12)
    assert [size for _, size in asks] == pytest.approx([1.0, 0.7, 0.4], rel=1e-12)


@pytest.mark.real_data
def test_reference_vectors(shared_data: Path) -> None:
    vectors = json.loads((shared_data.parent / "vectors.json").read_text())["vectors"]["ladder"]
    for vector in vectors:
        for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            found, expected = rungs(vector["inputs"], side), vector["expected"][name]
            assert len(found) == len(expected), (vector["id"], name)
            for level, wanted in zip(found, expected, strict=True):
                assert level == pytest.approx(wanted, rel=1e-10), (vector["id"], name)


@given(
    side=st.sampled_from(Side),
    price=st.floats(1.0, 1e5),
    tick=st.sampled_from((0.01, 0.05, 0.25, 1.0, 1e-5)),
    spacing=st.floats(1e-6, 100.0),
    levels=st.integers(1, 20),
)
def test_prices_step_away_from_the_market(side: Side, price: float, tick: float, spacing: float, levels: int) -> None:
    ticks = ladder_ticks(side, price, tick, spacing, levels)
    assert len(ticks) == levels
    assert all((near - far) * int(side) >= 1 for near, far in itertools.pairwise(ticks))
    assert (ticks[0] - price / tick) * int(side) <= 1e-5, "rounded toward the market"
    for index, found in enumerate(ticks):
        assert (found - (price - int(side) * index * spacing) / tick) * int(side) <= 1e-5


@given(lots=st.lists(st.integers(0, 50), max_size=10), room=st.integers(0, 200))
def test_what_does_not_fit_is_cut_from_the_far_end(lots: list[int], room: int) -> None:
    found = fitted(lots, room)
    assert sum(found) == min(sum(lots), room)
    assert all(0 <= size <= wanted for size, wanted in zip(found, lots, strict=True))
    cut = [index for index, (size, wanted) in enumerate(zip(found, lots, strict=True)) if size < wanted]
    assert not cut or not any(found[cut[0] + 1 :]), "a far level lives on what a near one was refused"


@given(ticks=st.integers(1, 10**8), tick=st.sampled_from((0.01, 0.05, 0.1, 0.25, 1e-5, 1e-8)))
def test_a_price_on_the_lattice_stays_there(ticks: int, tick: float) -> None:
    assert ticks_away(Side.BUY, ticks * tick, tick) == ticks_away(Side.SELL, ticks * tick, tick) == ticks


def test_rounding_goes_away_from_the_market() -> None:
    assert (ticks_away(Side.BUY, 99.999, 0.01), ticks_away(Side.SELL, 99.991, 0.01)) == (9999, 10000)
    assert whole_lots(2.9999) == 2
    assert whole_lots(0.3 / 0.1) == 3


@pytest.mark.parametrize(("share", "buying", "selling"), [(0.4, 0.4, 0.0), (-0.4, 0.0, 0.4), (1.7, 1.0, 0.0)])
def test_share_of_the_limit_counts_for_the_side_that_adds(share: float, buying: float, selling: float) -> None:
    assert (towards_limit(Side.BUY, share), towards_limit(Side.SELL, share)) == (buying, selling)
