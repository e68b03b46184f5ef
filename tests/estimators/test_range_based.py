import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.range_based import (
    RollingRange,
    RollingYangZhang,
    garman_klass_variance,
    parkinson_variance,
    rogers_satchell_variance,
    yang_zhang_variance,
    yang_zhang_weight,
)

WHOLE = {
    "parkinson": parkinson_variance,
    "garman_klass": garman_klass_variance,
    "rogers_satchell": rogers_satchell_variance,
    "yang_zhang": yang_zhang_variance,
}
BAR = st.lists(st.floats(-5.0, 5.0), min_size=4, max_size=4).map(
    lambda x: (100.0 + x[0], 100.0 + max(x), 100.0 + min(x), 100.0 + x[1])
)


def rolling(name: str, bars: int):
    return RollingYangZhang(bars) if name == "yang_zhang" else RollingRange(name, bars)


@pytest.mark.parametrize("name", WHOLE)
@settings(deadline=None)
@given(bars=st.lists(BAR, min_size=3, max_size=40), window=st.integers(3, 12), stop=st.integers(0, 40))
def test_each_bar_leaves_what_the_window_says(name: str, bars, window: int, stop: int) -> None:
    online = rolling(name, window)
    for seen, bar in enumerate(bars, 1):
        if seen == stop:
            saved = json.loads(json.dumps(online.save()))
            online = rolling(name, window)
            online.load(saved)
        online.update(*bar)
        expected = WHOLE[name](*zip(*bars[max(seen - window, 0) : seen], strict=True)) if seen >= window else None
        assert online.value == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9))


def bars_of(drift: float, overnight: float, count: int = 3_000, steps: int = 2_000):
    """Return bars of unit variance, whose opens lie `overnight` standard deviations from the close before."""
    rng = np.random.default_rng(42)
    paths = np.cumsum(rng.normal(drift / steps, 1.0 / math.sqrt(steps), (count, steps)), axis=1)
    jumps = rng.normal(0.0, overnight, count) if overnight else np.zeros(count)
    close_move = paths[:, -1]
    opens = np.cumsum(jumps + np.concatenate(([0.0], close_move[:-1])))
    high, low = (np.maximum(paths.max(axis=1), 0.0), np.minimum(paths.min(axis=1), 0.0))
    return opens, opens + high, opens + low, opens + close_move


# From 2,000 observations a bar the range lacks 2 x 0.5826/sqrt(2,000) of a standard deviation on average.
RANGE_LOSS = 0.06


@pytest.mark.parametrize("name", WHOLE)
def test_a_diffusion_without_drift_is_measured_by_all(name: str) -> None:
    assert WHOLE[name](*bars_of(0.0, 0.0)) == pytest.approx(1.0, abs=RANGE_LOSS)


def test_only_two_of_them_stand_a_drift() -> None:
    bars = bars_of(2.0, 0.0)
    assert rogers_satchell_variance(*bars) == pytest.approx(1.0, abs=RANGE_LOSS)
    assert yang_zhang_variance(*bars) == pytest.approx(1.0, abs=RANGE_LOSS)
    assert parkinson_variance(*bars) > 1.5
    assert garman_klass_variance(*bars) > 1.1


def test_only_one_of_them_sees_the_night() -> None:
    bars = bars_of(0.0, 1.0)
    assert yang_zhang_variance(*bars) == pytest.approx(2.0, abs=0.12)
    assert rogers_satchell_variance(*bars) == pytest.approx(1.0, abs=RANGE_LOSS)


def test_the_range_is_worth_five_closes() -> None:
    o, h, low, c = bars_of(0.0, 0.0)
    per_bar = [parkinson_variance([o[i]], [h[i]], [low[i]], [c[i]]) for i in range(len(o))]
    assert np.var((c - o) ** 2) / np.var(per_bar) == pytest.approx(4.9, abs=0.8)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: parkinson_variance([1.0], [2.0], [0.5], [3.0]), r"close\[0\]"),
        (lambda: parkinson_variance([1.0], [2.0, 3.0], [0.5], [1.0]), "high"),
        (lambda: garman_klass_variance([math.nan], [2.0], [0.5], [1.0]), r"open\[0\]"),
        (lambda: yang_zhang_weight(1), "bars"),
        (lambda: RollingYangZhang(2), "bars"),
        (lambda: RollingRange("close", 5), "name"),
        (lambda: RollingRange("parkinson", 0), "length"),
    ],
)
def test_bad_input_is_named(call, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        call()


def test_no_bars_no_answer() -> None:
    assert parkinson_variance([], [], [], []) is None
    assert yang_zhang_variance([1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]) is None
