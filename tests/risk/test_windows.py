"""Rolling windows agree with what is counted by hand, and do not grow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.risk.windows import DecayedMean, WindowQuantile, WindowStart, WindowSum

SECOND = 10**9
gaps = st.lists(st.tuples(st.integers(0, 40 * SECOND), st.integers(1, 9)), min_size=1, max_size=80)


def instants(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return times and amounts from gaps and amounts."""
    times = np.cumsum([gap for gap, _ in pairs]).tolist()
    return [(int(time), amount) for time, (_, amount) in zip(times, pairs, strict=True)]


@given(gaps)
def test_a_sum_reaches_back_its_window_and_at_most_a_sixtieth_more(pairs: list[tuple[int, int]]) -> None:
    window = WindowSum(60.0)
    events = instants(pairs)
    for now_ns, amount in events:
        window.add(now_ns, amount)
        least = sum(size for time, size in events if now_ns - 60 * SECOND < time <= now_ns and time <= now_ns)
        later = sum(size for time, size in events if time > now_ns)
        most = sum(size for time, size in events if now_ns - 61 * SECOND <= time) - later
        same = sum(size for time, size in events if time == now_ns)
        assert least - same <= window.at(now_ns) <= most


def test_a_sum_is_empty_when_the_window_has_passed() -> None:
    window = WindowSum(60.0)
    window.add(5 * SECOND, 0.1)
    assert window.at(64 * SECOND) == 0.1
    assert window.at(66 * SECOND) == 0.0
    window.add(70 * SECOND)
    assert window.at(10**6 * SECOND) == 0.0


@given(gaps, st.floats(0.05, 0.95), st.integers(1, 10))
def test_a_quantile_is_that_of_the_latest(pairs: list[tuple[int, int]], share: float, samples: int) -> None:
    window = WindowQuantile(60.0, samples, share)
    events = instants(pairs)
    for index, (now_ns, amount) in enumerate(events):
        window.add(now_ns, amount)
        latest = [
            size for time, size in events[max(0, index + 1 - samples) : index + 1] if now_ns - time <= 60 * SECOND
        ]
        assert window.at(now_ns) == sorted(latest)[math.ceil(share * len(latest)) - 1]
        assert window.count <= samples


@given(gaps)
def test_the_start_is_the_oldest_value_of_the_window_to_a_sixtieth(pairs: list[tuple[int, int]]) -> None:
    window: WindowStart[int] = WindowStart(60.0)
    times = []
    for now_ns, _ in instants(pairs):
        times.append(now_ns)
        start = window.take(now_ns, now_ns)
        oldest = min(time for time in times if now_ns - time <= 60 * SECOND)
        assert oldest <= start <= oldest + SECOND
        assert len(window._values) <= 62


def test_a_mean_forgets_by_half_lives_and_is_unbiased_at_once() -> None:
    mean = DecayedMean(10.0)
    assert mean.add(3.0, 0.001) == pytest.approx(3.0)
    mean = DecayedMean(10.0)
    mean.add(0.0, 1000.0)
    assert mean.add(1.0, 10.0) == pytest.approx(0.5)
    assert mean.add(1.0, 10.0) == pytest.approx(0.75)
