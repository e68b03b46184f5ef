"""Choose on one window, trade the next: by hand, and never with what comes later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.errors import UserError
from mm_nautilus.sweep.judged import Score
from mm_nautilus.sweep.walk_forward import Windows, check_windows, parse_windows, walk_forward

POINTS = [{"s.model": "a"}, {"s.model": "b"}]


def test_windows_are_read_with_their_units() -> None:
    assert parse_windows("2h:30min") == Windows(7_200, 1_800)
    assert parse_windows("1.5d : 90s") == Windows(129_600, 90)
    for wrong in ("2h", "2h:30", "0s:1h", "2h:30min:1", "h:h", "-1h:1h"):
        with pytest.raises(UserError, match="expected CHOOSE:TRADE"):
            parse_windows(wrong)


def test_each_window_trades_what_the_one_before_it_chose() -> None:
    # Who is ahead changes every four steps: choosing on two steps and trading two follows, a step late.
    lead = np.array([3.0, 1.0, 3.0, 1.0, -3.0, -1.0, -3.0, -1.0, 3.0, 1.0, 3.0, 1.0])
    pnl = np.stack([lead, -lead], axis=1)
    found = walk_forward(POINTS, pnl, 60.0, Windows(120.0, 120.0), Score.PNL, seed=1)
    assert [(fold.trade_from_s, fold.trade_to_s) for fold in found.folds] == [
        (120, 240), (240, 360), (360, 480), (480, 600), (600, 720),
    ]  # fmt: skip
    assert [fold.chosen for fold in found.folds] == [0, 0, 1, 1, 0]
    assert [fold.traded_pnl for fold in found.folds] == [4.0, -4.0, 4.0, -4.0, 4.0]
    assert [fold.seen_pnl for fold in found.folds] == [4.0] * 5
    assert found.traded.total == 4.0
    assert found.best_pnl == 4.0
    assert found.median_pnl == 0.0
    assert found.efficiency == pytest.approx((4 / 10) / (20 / 10))


def test_a_rest_is_traded_too_and_no_room_is_an_error() -> None:
    pnl = np.ones((7, 2))
    found = walk_forward(POINTS, pnl, 1.0, Windows(3.0, 3.0), Score.PNL, seed=1)
    assert [(fold.trade_from_s, fold.trade_to_s) for fold in found.folds] == [(3, 6), (6, 7)]
    with pytest.raises(UserError, match="no room"):
        walk_forward(POINTS, pnl[:3], 1.0, Windows(3.0, 3.0), Score.PNL, seed=1)
    with pytest.raises(UserError, match="the data have 5 s"):
        check_windows(Windows(3.0, 3.0), 5.0, 1.0)
    with pytest.raises(UserError, match="at least 180 s and 60 s"):
        check_windows(Windows(100.0, 100.0), 5_000.0, 60.0)


@given(st.integers(0, 1_000), st.integers(4, 40))
def test_what_comes_later_changes_no_choice(seed: int, cut: int) -> None:
    pnl = np.random.default_rng(seed).normal(size=(48, 2))
    other = pnl.copy()
    other[cut:] = np.random.default_rng(seed + 1).normal(size=other[cut:].shape)
    one, two = (walk_forward(POINTS, some, 1.0, Windows(4.0, 4.0), Score.SHARPE, seed=1) for some in (pnl, other))
    known = [place for place, fold in enumerate(one.folds) if fold.trade_from_s <= cut]
    assert [one.folds[place].chosen for place in known] == [two.folds[place].chosen for place in known]
    assert sum(fold.traded_pnl for fold in one.folds) == pytest.approx(one.traded.total)
