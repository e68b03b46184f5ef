"""Two prices that tick at different instants: the sums of the definition, online and offline, and what is put in."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.hayashi_yoshida import RollingHayashiYoshida, hayashi_yoshida

NS = 1_000_000_000
SEEDED = settings(max_examples=150, deadline=None)


def by_definition(s, x, t, y):
    """Sum over all pairs of intervals ``(begin, end]`` that overlap."""
    total = 0.0
    for i in range(1, len(s)):
        for j in range(1, len(t)):
            if max(s[i - 1], t[j - 1]) < min(s[i], t[j]):
                total += (x[i] - x[i - 1]) * (y[j] - y[j - 1])
    return total


def fed(series, half_life_s=math.inf):
    ticks = sorted((ts, asset, price) for asset, (instants, prices) in enumerate(series) for ts, price in zip(
        instants, prices, strict=True
    ))  # fmt: skip
    online = RollingHayashiYoshida(len(series), half_life_s)
    for ts, asset, price in ticks:
        online.update(asset, price, ts)
    return online, ticks[-1][0]


instants = st.lists(st.integers(0, 25), min_size=2, max_size=14, unique=True).map(sorted)
moves = st.lists(st.floats(-2, 2), min_size=14, max_size=14)


@SEEDED
@given(instants, instants, instants, moves, moves, moves)
def test_every_pair_of_overlapping_changes_is_counted_once(s, t, u, x, y, z):
    series = [(i, np.cumsum(p)[: len(i)].tolist()) for i, p in ((s, x), (t, y), (u, z))]
    online, end = fed(series)
    start = min(i[0] for i, _ in series)
    if end == start:
        return
    found = online.per_s(end) * (end - start) / NS
    for i, first in enumerate(series):
        for j, second in enumerate(series):
            assert found[i, j] == pytest.approx(by_definition(*first, *second), abs=1e-9)


@SEEDED
@given(instants, instants, moves, moves)
def test_offline_it_is_the_definition_over_the_time_that_both_cover(s, t, x, y):
    x, y = np.cumsum(x)[: len(s)], np.cumsum(y)[: len(t)]
    found = hayashi_yoshida(s, x, t, y)
    begin, end = max(s[0], t[0]), min(s[-1], t[-1])
    if found is None:
        return
    cut = []
    for ts, price in ((s, x), (t, y)):
        known = [(max(a, begin), p) for a, p in zip(ts, price, strict=True) if a <= end]
        last = max(i for i, (a, _) in enumerate(known) if a == begin)
        cut += [[a for a, _ in known[last:]], [p for _, p in known[last:]]]
    assert found.per_s * found.seconds == pytest.approx(by_definition(*cut), abs=1e-9)


def two_prices(rho, n=20_000, seed=3):
    rng = np.random.default_rng(seed)
    shocks = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n) * 0.01
    path = np.cumsum(shocks, axis=0)
    times = np.arange(n) * NS // 10
    seen = rng.random((n, 2)) < (0.3, 0.1)
    return times, path, seen


def test_the_correlation_put_in_comes_out_where_sampling_loses_it():
    times, path, seen = two_prices(0.7)
    one, two = seen[:, 0], seen[:, 1]
    found = hayashi_yoshida(times[one], path[one, 0], times[two], path[two, 1])
    assert abs(found.correlation - 0.7) < 4 * found.error
    assert found.error < 0.05
    assert found.per_s == pytest.approx(0.7 * 0.0001 * 10, rel=0.1)
    # Epps: at the finest common grid the same ticks look far less related.
    last = np.maximum.accumulate(np.where(seen, np.arange(len(times))[:, None], 0), axis=0)
    grid = np.diff(np.take_along_axis(path, last, axis=0), axis=0)
    assert np.corrcoef(grid.T)[0, 1] < 0.2


def test_the_error_says_how_far_off_the_correlation_is():
    scores = []
    for seed in range(40):
        times, path, seen = two_prices(0.5, 3_000, seed)
        found = hayashi_yoshida(times[seen[:, 0]], path[seen[:, 0], 0], times[seen[:, 1]], path[seen[:, 1], 1])
        scores.append((found.correlation - 0.5) / found.error)
    assert 0.6 < np.std(scores) < 1.6
    assert abs(np.mean(scores)) < 0.6


def test_a_short_memory_follows_a_change():
    times, path, _ = two_prices(0.9, 4_000)
    path[2_000:, 1] = path[1_999, 1] - (path[2_000:, 0] - path[1_999, 0])
    series = [(times.tolist(), path[:, 0].tolist()), (times.tolist(), path[:, 1].tolist())]
    quick, end = fed(series, half_life_s=20.0)
    slow, _ = fed(series)
    assert quick.correlations()[0, 1] < -0.9
    assert abs(slow.correlations()[0, 1]) < 0.2
    assert quick.per_s(end)[0, 0] == pytest.approx(0.001, rel=0.25)


def test_memory_without_loss_and_with_much_of_it_agree_on_a_steady_market():
    times, path, seen = two_prices(0.6, 10_000)
    series = [(times[seen[:, i]].tolist(), path[seen[:, i], i].tolist()) for i in (0, 1)]
    quick, end = fed(series, half_life_s=300.0)
    slow, _ = fed(series)
    assert quick.per_s(end) == pytest.approx(slow.per_s(end), rel=0.25)
    later = quick.per_s(end + 10**12)
    assert (np.abs(later) < np.abs(quick.per_s(end))).all(), "silence is no variance"


def test_what_cannot_be_answered():
    assert hayashi_yoshida([0, 1], [1.0, 2.0], [5, 6], [1.0, 2.0]) is None
    assert hayashi_yoshida([0, 9], [1.0, 1.0], [0, 9], [1.0, 2.0]) is None
    assert hayashi_yoshida([], [], [5, 6], [1.0, 2.0]) is None
    with pytest.raises(ParameterError, match="stretches"):
        hayashi_yoshida([0], [1.0], [0], [1.0], stretches=0)
    with pytest.raises(ParameterError, match="after the first tick"):
        RollingHayashiYoshida(2, 1.0).per_s(5)
    with pytest.raises(ParameterError, match="half_life_s"):
        RollingHayashiYoshida(2, 0.0)


def test_old_products_count_by_their_half_life():
    rng = np.random.default_rng(1)
    instants, prices = np.arange(3_000) * (NS // 10), np.cumsum(rng.normal(size=3_000))
    online, end = fed([(instants.tolist(), prices.tolist())], half_life_s=2.0)
    age_s = (end - instants[1:]) / NS
    seen_s = 2.0 / math.log(2) * (1 - 0.5 ** (end / NS / 2.0))
    assert online.per_s(end)[0, 0] == pytest.approx((np.diff(prices) ** 2 * 0.5 ** (age_s / 2.0)).sum() / seen_s)
