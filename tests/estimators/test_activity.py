"""Volume now against volume in the long run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.activity import ActivitySettings, VolumeRatio, volume_ratios

SECOND = 1_000_000_000
SETTINGS = ActivitySettings(half_life_s=10.0, long_run_half_life_s=300.0)


@given(st.lists(st.tuples(st.integers(0, 60 * SECOND), st.floats(0.001, 100.0)), min_size=1, max_size=40))
def test_trade_by_trade_and_over_columns_agree(trades: list[tuple[int, float]]) -> None:
    instants, sizes = np.cumsum([gap for gap, _ in trades]), [size for _, size in trades]
    online = VolumeRatio(SETTINGS)
    found = []
    for ns, size in zip(instants, sizes, strict=True):
        online.traded(int(ns), size)
        found.append(online.value(int(ns)))
    assert found == pytest.approx(volume_ratios(instants, sizes, SETTINGS), rel=1e-9)


def test_steady_trade_is_one_and_a_burst_is_above_it() -> None:
    online = VolumeRatio(SETTINGS)
    for second in range(1200):
        online.traded(second * SECOND, 2.0)
    assert online.value(1200 * SECOND) == pytest.approx(1.0, abs=0.05)
    for second in range(1200, 1230):
        online.traded(second * SECOND, 20.0)
    assert 4.0 < online.value(1230 * SECOND) < 10.0
    assert online.value(1290 * SECOND) < 0.2, "silence is slow trade"


def test_a_silence_longer_than_floats_can_hold_is_slow_trade() -> None:
    online = VolumeRatio(SETTINGS)
    online.traded(0, 1.0)
    assert online.value(400 * 24 * 3600 * SECOND) == 0.0


def test_nothing_has_traded_yet() -> None:
    assert VolumeRatio(SETTINGS).value(5 * SECOND) == 1.0


def test_bad_input_names_its_field() -> None:
    with pytest.raises(ValueError, match="long_run_half_life_s"):
        ActivitySettings(half_life_s=60.0, long_run_half_life_s=60.0)
    with pytest.raises(ParameterError, match="ts_ns"):
        volume_ratios([2, 1], [1.0, 1.0], SETTINGS)
