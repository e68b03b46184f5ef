"""Markouts: the decomposition adds up, the future is not looked into, and both forms agree."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.adverse_selection.markouts import markouts, overlap, previous_tick, summarise, summarise_by
from mm_nautilus.adverse_selection.pending import PendingMarkouts
from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side

HORIZONS_S = (1.0, 2.5, 10.0)
SECOND = 10**9
INSTANTS = st.lists(st.integers(0, 60).map(lambda n: n * SECOND // 2), max_size=25).map(sorted)
PRICES = st.integers(9_900, 10_100).map(lambda n: n / 100)


@st.composite
def paths(draw):
    ts = draw(INSTANTS)
    return ts, draw(st.lists(PRICES, min_size=len(ts), max_size=len(ts)))


@st.composite
def fills(draw):
    ts = draw(INSTANTS)
    n = len(ts)
    return (
        ts,
        draw(st.lists(st.sampled_from([Side.BUY, Side.SELL]), min_size=n, max_size=n)),
        draw(st.lists(st.integers(1, 9).map(float), min_size=n, max_size=n)),
        draw(st.lists(PRICES, min_size=n, max_size=n)),
    )


@settings(deadline=None)
@given(ours=fills(), path=paths())
def test_markout_is_edge_less_adverse_selection(ours, path) -> None:
    table = markouts(*ours, *path, HORIZONS_S, 40 * SECOND)
    known = ~np.isnan(table.markout) & ~np.isnan(table.mid)[:, None]
    difference = table.edge[:, None] - table.adverse_selection
    np.testing.assert_allclose(table.markout[known], difference[known], atol=1e-9)
    spreads = table.effective_spread[:, None] - table.price_impact
    np.testing.assert_allclose(table.realised_spread[known], spreads[known], atol=1e-9)


@settings(deadline=None)
@given(ours=fills(), path=paths(), end=st.integers(0, 80), future=paths())
def test_nothing_after_the_end_changes_what_is_known_at_it(ours, path, end: int, future) -> None:
    end_ns = end * SECOND // 2
    known = [(t, m) for t, m in zip(*path, strict=True) if t <= end_ns]
    later = [(max(t, end_ns + 1), m) for t, m in zip(*future, strict=True)]
    now = markouts(*ours, [t for t, _ in known], [m for _, m in known], HORIZONS_S, end_ns)
    clairvoyant = markouts(*ours, [t for t, _ in known + later], [m for _, m in known + later], HORIZONS_S, end_ns)
    np.testing.assert_array_equal(now.later_mid, clairvoyant.later_mid)
    due = np.array(ours[0], dtype=np.int64)[:, None] + np.array(HORIZONS_S) * 1e9
    assert np.isnan(now.later_mid[due > end_ns]).all()


@settings(deadline=None)
@given(ours=fills(), path=paths(), end=st.integers(60, 100))
def test_what_falls_due_is_the_table_and_never_early(ours, path, end: int) -> None:
    end_ns = end * SECOND // 2
    pending, due = PendingMarkouts(HORIZONS_S), []
    events = [(t, 0, "mid", m) for t, m in zip(*path, strict=True)]
    events += [(t, i, "fill", fill) for i, (t, *fill) in enumerate(zip(*ours, strict=True))]
    for now, i, kind, what in sorted(events, key=lambda event: (event[0], event[2])):
        if kind == "fill":
            pending.filled(str(i), now, *what)
            continue
        found = pending.moved(now, what)
        assert all(one.due_ns < now for one in found)
        due += found
    found = pending.passed(end_ns)
    assert all(one.due_ns <= end_ns for one in found)
    assert pending.next_due_ns is None or pending.next_due_ns > end_ns
    due += found

    table = markouts(*ours, *path, HORIZONS_S, end_ns)
    expected = {
        (str(i), horizon): (table.mid[i], table.later_mid[i, j], table.markout[i, j], table.adverse_selection[i, j])
        for i in range(len(ours[0]))
        for j, horizon in enumerate(HORIZONS_S)
        if not math.isnan(table.later_mid[i, j]) and not math.isnan(table.mid[i])
    }
    assert {(d.fill_id, d.horizon_s): (d.mid, d.later_mid, d.markout, d.adverse_selection) for d in due} == expected
    assert [one.due_ns for one in due] == sorted(one.due_ns for one in due)


def test_the_last_of_several_mids_at_one_instant_counts() -> None:
    ts = np.array([1, 5, 5, 9])
    values = np.array([1.0, 2.0, 3.0, 4.0])
    found = previous_tick(ts, values, np.array([0, 1, 4, 5, 100]))
    np.testing.assert_array_equal(found, [np.nan, 1.0, 1.0, 3.0, 4.0])
    pending = PendingMarkouts([1.0])
    pending.filled("a", 5, Side.BUY, 1.0, 10.0)
    assert pending.moved(5, 11.0) == []
    assert pending.moved(5, 12.0) == []
    assert pending.next_due_ns == 5
    (one,) = pending.moved(5 + SECOND + 1, 20.0)
    assert (one.mid, one.later_mid, one.edge, one.markout, one.adverse_selection) == (12.0, 12.0, 2.0, 2.0, 0.0)


def test_a_sale_before_a_fall_was_a_good_sale() -> None:
    table = markouts([0], [Side.SELL], [2.0], [100.5], [0, SECOND], [100.0, 99.0], [1.0])
    assert table.edge.tolist() == [0.5]
    assert table.adverse_selection.tolist() == [[-1.0]]
    assert table.markout.tolist() == [[1.5]]
    assert table.value.tolist() == [[3.0]]
    assert table.markout_bps.tolist() == [[150.0]]


def test_the_average_is_weighted_by_size() -> None:
    ts = [0, 0, 10 * SECOND]
    table = markouts(ts, [1, -1, 1], [1.0, 3.0, 4.0], [99.5, 100.5, 99.0], [0, SECOND], [100.0, 101.0], [1.0, 60.0])
    near, far = summarise(table, ts)
    assert near.fills == 2
    assert near.adverse_selection == pytest.approx((-1.0 + 3.0) / 4)
    assert near.markout == pytest.approx((1.5 - 3 * 0.5) / 4)
    assert near.adverse_ratio == 0.5
    assert (far.fills, far.adverse_selection, far.toxicity) == (0, None, None)


@pytest.mark.parametrize("gap_s", [0.2, 30.0])
def test_its_error_counts_horizons_that_overlap_as_one(gap_s: float) -> None:
    """Fills of one side every `gap_s` on a driftless walk: the mean is 0, and as uncertain as stated."""
    rng = np.random.default_rng(6)
    fills_ns = np.arange(200) * round(gap_s * SECOND)
    mid_ns = np.arange(0, int(fills_ns[-1]) + 20 * SECOND, SECOND // 5)
    means, errors = [], []
    for _ in range(150):
        mid = 100.0 + np.cumsum(rng.normal(0.0, 0.01, len(mid_ns)))
        table = markouts(fills_ns, np.ones(200), np.ones(200), np.full(200, 100.0), mid_ns, mid, [10.0])
        (summary,) = summarise(table, fills_ns)
        means.append(summary.adverse_selection)
        errors.append(summary.adverse_selection_se)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.35)


@given(ours=fills(), horizon_s=st.sampled_from([0.0, 0.5, 3.0, 100.0]))
def test_overlap_is_the_double_sum(ours, horizon_s: float) -> None:
    ts, sides, sizes, _ = ours
    signed = np.array(sides, dtype=float) * np.array(sizes)
    distance = np.abs(np.subtract.outer(ts, ts)) * 1e-9 if ts else np.empty((0, 0))
    kernel = np.maximum(1.0 - distance / horizon_s, 0.0) if horizon_s else np.eye(len(ts))
    expected = float(signed @ kernel @ signed) if ts else 0.0
    assert overlap(signed, np.array(ts, dtype=np.int64), horizon_s) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("both_sides", [False, True])
@pytest.mark.parametrize("horizons", [6, 40])
def test_intervals_cover_what_they_say(both_sides: bool, horizons: int) -> None:
    """However short the data and however dense the fills: 95 % of the intervals hold the true mean, 0."""
    rng, covered, runs = np.random.default_rng(9), 0, 400
    for _ in range(runs):
        at = np.sort(rng.uniform(0.0, 10.0 * horizons, 10 * horizons))
        ts = (at * SECOND).astype(np.int64)
        mid_ns = np.arange(0, (10 * horizons + 11) * SECOND, SECOND // 5)
        mid = 100.0 + np.cumsum(rng.normal(0.0, 0.01, len(mid_ns)))
        sides = rng.choice([-1.0, 1.0], len(ts)) if both_sides else np.ones(len(ts))
        (summary,) = summarise(markouts(ts, sides, np.ones(len(ts)), np.full(len(ts), 100.0), mid_ns, mid, [10.0]), ts)
        covered += abs(summary.toxicity) < 1.96
    assert 0.95 - 2.6 * math.sqrt(0.95 * 0.05 / runs) <= covered / runs


def test_groups_are_summaries_of_their_own_fills() -> None:
    ts = [0, SECOND, 2 * SECOND]
    table = markouts(
        ts, [1, -1, 1], [1.0, 3.0, 2.0], [99.5, 100.5, 99.0], [0, SECOND], [100.0, 101.0], [1.0], 9 * SECOND
    )
    groups = summarise_by(table, ts, ["b", "a", "b"])
    assert list(groups) == ["b", "a"]
    assert groups["a"] == summarise(table.only([1]), [SECOND])
    assert groups["b"][0].fills == 2
    assert groups["b"][0].markout == pytest.approx((1.5 * 1.0 + 2.0 * 2.0) / 3.0)
    with pytest.raises(ParameterError, match="labels"):
        summarise_by(table, ts, ["a"])


def test_no_fills_no_figures() -> None:
    table = markouts([], [], [], [], [0], [100.0])
    assert table.markout.shape == (0, 5)
    assert [summary.fills for summary in summarise(table, [])] == [0] * 5
    assert np.isnan(markouts([0], [1], [1.0], [1.0], [], []).markout).all()


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: markouts([0], [2], [1.0], [1.0], [0], [1.0]), r"side\[0\]"),
        (lambda: markouts([0], [1], [1.0], [1.0], [0], [1.0], [-1.0]), r"horizons_s\[0\]"),
        (lambda: markouts([0], [1], [1.0], [math.nan], [0], [1.0]), r"price\[0\]"),
        (lambda: markouts([0], [1], [1.0], [1.0], [1, 0], [1.0, 1.0]), r"mid_ts_ns\[1\]"),
        (lambda: markouts([0], [1], [1.0], [1.0], [0], [1.0, 2.0]), "mid"),
        (lambda: PendingMarkouts([0.0]), r"horizons_s\[0\]"),
    ],
)
def test_bad_input_is_named(call, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        call()
