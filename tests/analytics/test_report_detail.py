"""Every quote packed into the report comes out as it went in, within the room there is."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.analytics.report.detail import CLOCK_NS, ROWS, Step, pack

TICK = 0.05


def unpacked(detail):
    """Undo `pack` from its description, another way than the page's script does it."""
    times, columns = [], [[] for _ in detail.traces]
    for segment in detail.segments:
        rows, raw = segment["rows"], zlib.decompress(base64.b64decode(segment["packed"]))
        words = np.frombuffer(raw[: 4 * rows * (1 + len(columns))], dtype=np.uint8).reshape(-1, 4, rows)
        numbers = (words.astype(np.int64) << np.array([0, 8, 16, 24])[None, :, None]).sum(axis=1)
        times.append(round(segment["start_ms"] * 1e6 / CLOCK_NS) + np.cumsum(numbers[0]))
        masks = np.frombuffer(raw[4 * rows * (1 + len(columns)) :], dtype=np.uint8).reshape(len(columns), -1)
        for place, folded in enumerate(numbers[1:]):
            steps = np.where(folded % 2, -(folded + 1) // 2, folded // 2)
            values = (segment["first"][place] + np.cumsum(steps)) * detail.unit
            there = np.unpackbits(masks[place], bitorder="little")[:rows].astype(bool)
            columns[place].append(np.where(there, values, np.nan))
    return np.concatenate(times) * CLOCK_NS, [np.concatenate(column) for column in columns]


def at(step, instants):
    found = np.searchsorted(step.ts_ns, instants, side="right") - 1
    return np.where(found < 0, np.nan, step.values[np.maximum(found, 0)])


units = st.one_of(st.none(), st.integers(-(10**7), 10**7))
lines = st.lists(st.lists(st.tuples(st.integers(1, 10**10), units), min_size=1, max_size=60), min_size=1, max_size=3)


@given(lines)
@settings(max_examples=60, deadline=None)
def test_what_is_packed_comes_out_again(made):
    steps = []
    for trace, points in enumerate(made):
        ts = 1_700_000_000_000_000_000 + np.cumsum([gap for gap, _ in points]) * CLOCK_NS
        values = np.array([np.nan if units is None else units * TICK for _, units in points])
        steps.append(Step(trace, ts, values))
    detail = pack(steps, TICK, 10**7, np.array([], dtype=np.int64))
    assert detail.left_out == 0
    times, columns = unpacked(detail)
    assert np.all(np.diff(times) > 0)
    everything = np.unique(np.concatenate([step.ts_ns for step in steps]))
    for step, column in zip(steps, columns, strict=True):
        shown = at(Step(0, times, column), everything)
        np.testing.assert_allclose(shown, at(step, everything), atol=1e-9)


def test_rows_in_which_nothing_changes_are_left_out_and_segments_are_short():
    ts = np.arange(3 * ROWS, dtype=np.int64) * 1_000_000
    same = pack([Step(0, ts, np.full(len(ts), 2.0))], TICK, 10**7, ts[:0])
    assert same.rows == 2
    moving = pack([Step(0, ts, np.arange(len(ts)) * TICK)], TICK, 10**7, ts[:0])
    assert [one["rows"] for one in moving.segments] == [ROWS] * 3
    assert moving.rows == 3 * ROWS


def test_where_room_is_short_what_was_filled_comes_first_and_the_rest_is_counted():
    rng = np.random.default_rng(1)
    ts = np.arange(8 * ROWS, dtype=np.int64) * 1_000_000
    line = Step(0, ts, np.cumsum(rng.choice([-1, 1], len(ts))) * TICK)
    whole = pack([line], TICK, 10**9, ts[:0])
    room = sum(len(one["packed"]) for one in whole.segments[:3])
    fills = ts[[6 * ROWS + 5, 2 * ROWS + 7]]
    kept = pack([line], TICK, room, fills)
    assert {2, 6} <= {one["at"] for one in kept.segments}
    assert sum(len(one["packed"]) for one in kept.segments) <= room
    assert kept.rows + kept.left_out == whole.rows
    assert kept.left_out > 0


def test_a_quote_takes_few_bytes():
    rng = np.random.default_rng(2)
    ts = np.cumsum(rng.integers(1, 172_800, 50_000)) * 1_000
    mid = 60_000 + np.cumsum(rng.integers(-2, 3, len(ts))) * 2 * TICK
    detail = pack([Step(0, ts, mid), Step(1, ts, mid - 1), Step(2, ts, mid + 1)], TICK, 10**9, ts[:0])
    assert sum(len(one["packed"]) for one in detail.segments) / detail.rows < 6


@pytest.mark.parametrize("steps", [[], [Step(0, np.array([], dtype=np.int64), np.array([]))]])
def test_nothing_to_pack(steps):
    detail = pack(steps, TICK, 10**6, np.array([5]))
    assert (detail.segments, detail.rows, detail.left_out) == ((), 0, 0)


def test_a_silence_longer_than_a_segment_can_hold_is_kept():
    ts = np.array([0, 10, 10 + 3 * 86_400 * 10**9, 20 + 3 * 86_400 * 10**9], dtype=np.int64) // 1_000 * 1_000
    ts = ts + np.array([0, 1_000, 2_000, 3_000])
    times, (column,) = unpacked(pack([Step(0, ts, np.array([1.0, np.nan, 2.0, 3.0]))], TICK, 10**6, ts[:0]))
    np.testing.assert_array_equal(times, ts)
    np.testing.assert_allclose(column, [1.0, np.nan, 2.0, 3.0])
