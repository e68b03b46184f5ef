"""The detector: whatever the order within an instant, and nothing of the future."""

import sys
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from mm_nautilus.adverse_selection.assessor import Assessor
from mm_nautilus.adverse_selection.detector import Detector
from mm_nautilus.adverse_selection.markouts import markouts
from mm_nautilus.adverse_selection.recent import RecentMean
from mm_nautilus.adverse_selection.resting import RestingSides
from mm_nautilus.adverse_selection.settings import AdverseSelectionSettings
from mm_nautilus.market import Side

SECOND = 10**9
TICK = 0.01
EAGER = AdverseSelectionSettings(
    min_fills=2, horizons_s=(1.0, 2.0), immediate_horizon_s=1.0, delayed_horizon_s=2.0, flow_bin_s=1.0,
    recent_gaps=2, base_gaps=20, vpin_bucket_trades=5,
)  # fmt: skip


def market(seed, steps=400, fill=0.3):
    """Return instants, each a list of events ``(method, arguments)`` without the instant."""
    rng, mid, number, found = np.random.default_rng(seed), 10_000, 0, []
    for step in range(steps):
        events = []
        if rng.random() < 0.5:
            mid += int(rng.integers(-1, 2))
            sizes = rng.integers(1, 50, 2) / 10
            events.append(("topped", ((mid - 1) * TICK, (mid + 1) * TICK, *sizes.tolist())))
        if rng.random() < 0.4:
            aggressor = int(rng.choice([-1, 1]))
            depths = range(1, 1 + int(rng.integers(1, 3)))
            events += [("traded", ((mid + aggressor * depth) * TICK, 1.0, aggressor)) for depth in depths]
            if rng.random() < fill:
                number += 1
                side = Side(-aggressor)
                price = (mid - side) * TICK
                events.append(("ordered", (f"o{number}", side, "ACCEPTED", price, 2.0)))
                events.append(("filled", (f"f{number}", side, f"o{number}", price, 1.0)))
        found.append(((step + 1) * SECOND // 4, events))
    return found


def feed(detector, instants):
    for ts_ns, events in instants:
        for method, arguments in events:
            getattr(detector, method)(ts_ns, *arguments)


def state(detector, now_ns):
    """Return all that is known now."""
    detector.passed(now_ns)
    known = [structs.astuple(detector.evidence(side, now_ns)) for side in Side]
    return known, astuple(detector.conditions(now_ns)), detector.adverse_ratio, [astuple(one) for one in detector.due]


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_what_different_components_are_told_at_an_instant_does_not_matter(seed, shuffle) -> None:
    """Market data among themselves and our own events among themselves keep their order; nothing else does."""
    instants, mixed = market(seed), []
    for ts_ns, events in instants:
        own = [event for event in events if event[0] in {"ordered", "filled"}]
        data = [event for event in events if event[0] not in {"ordered", "filled"}]
        woven = []
        while own or data:
            source = own if own and (not data or shuffle.random() < 0.5) else data
            woven.append(source.pop(0))
        mixed.append((ts_ns, woven))
    one, other = Detector(EAGER, TICK), Detector(EAGER, TICK)
    feed(one, instants)
    feed(other, mixed)
    end = instants[-1][0] + SECOND
    assert state(one, end) == state(other, end)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), at=st.integers(50, 399), shift_ticks=st.integers(-50, 50))
def test_no_shift_of_what_comes_later_changes_what_was_known(seed, at, shift_ticks) -> None:
    """Everything after an instant is moved; nothing said at it or before changes."""
    instants = market(seed)
    now = instants[at][0]
    shifted = instants[: at + 1] + [
        (ts_ns, [(name, (value[0] + shift_ticks * TICK, value[1] + shift_ticks * TICK, *value[2:])
                  if name == "topped" else value) for name, value in events])
        for ts_ns, events in instants[at + 1 :]
    ]  # fmt: skip

    def said(played):
        assessor, heard = Assessor("I", EAGER, TICK), []
        for ts_ns, events in played:
            feed(assessor.detector, [(ts_ns, events)])
            heard.append((ts_ns, assessor.assess(ts_ns), len(assessor.detector.due)))
        return [one for one in heard if one[0] <= now], state_due(assessor, now)

    assert said(instants) == said(shifted)


def state_due(assessor, now_ns):
    return [astuple(one) for one in assessor.detector.due if one.due_ns <= now_ns - 1]


def test_markouts_of_the_detector_are_those_of_the_table() -> None:
    instants = market(3)
    detector = Detector(EAGER, TICK)
    feed(detector, instants)
    end = instants[-1][0]
    detector.passed(end)
    path = [(ts, 0.5 * (a[0] + a[1])) for ts, events in instants for name, a in events if name == "topped"]
    fills = [(ts, a[1], a[4], a[3]) for ts, events in instants for name, a in events if name == "filled"]
    table = markouts(*zip(*fills, strict=True), *zip(*path, strict=True), EAGER.horizons_s, end)
    known = ~np.isnan(table.adverse_selection)
    assert len(detector.due) == known.sum() > 50
    assert sorted(one.adverse_selection for one in detector.due) == pytest.approx(
        sorted(table.adverse_selection[known].tolist())
    )
    assert detector.evidence(Side.BUY, end).fills + detector.evidence(Side.SELL, end).fills == len(fills)


def test_memory_does_not_grow_with_the_run() -> None:
    detector, sizes = Detector(EAGER, TICK), []
    for hour in range(4):
        instants = market(8, steps=3_000)
        feed(detector, [(ts_ns + hour * 750 * SECOND, events) for ts_ns, events in instants])
        detector.passed((hour + 1) * 750 * SECOND)
        detector.due.clear()
        sizes.append(deep_size(detector))
    # VPIN remembers 2,500 levels, then no more.
    assert sizes[-1] < 1.02 * sizes[-2]


def deep_size(root):
    """Return the bytes of everything reachable that holds the detector's state."""
    seen, todo, total = set(), [root], 0
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, type) or callable(one):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if isinstance(one, dict):
            todo += [*one.keys(), *one.values()]
        elif hasattr(one, "__iter__") and not isinstance(one, str | bytes):
            todo += list(one)
        todo += [getattr(one, name) for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())
                 if hasattr(one, name)]  # fmt: skip
        todo += list(getattr(one, "__dict__", {}).values())
    return total


def test_a_book_without_a_side_has_no_mid_and_no_imbalance() -> None:
    detector = Detector(EAGER, TICK)
    detector.topped(SECOND, 99.99, 100.01, 3.0, 1.0)
    assert detector.conditions(SECOND).book_imbalance == pytest.approx(0.5)
    detector.topped(2 * SECOND, 0.0, 0.0, 0.0, 0.0)
    assert detector.conditions(2 * SECOND).book_imbalance is None
    detector.filled(3 * SECOND, "a", Side.BUY, "o", 99.99, 1.0)
    detector.passed(10 * SECOND)
    assert [one.later_mid for one in detector.due] == [100.0, 100.0]


def test_reports_come_when_something_is_new_and_once_an_interval() -> None:
    assessor = Assessor("I", EAGER.model_copy(update={"report_interval_s": 10.0}), TICK)
    heard = [second for second in range(35) if assessor.assess(second * SECOND) is not None]
    assert heard == [0, 10, 20, 30]
    first = Assessor("I", EAGER, TICK).assess(0)
    assert first is not None
    assert (first.bid_t, first.bid_toxic, first.bid_spread_multiplier, first.bid_away_until_ns) == (
        None,
        False,
        1.0,
        None,
    )
    assert '"away_s":30.0' in first.parameters


# -------------------------------------------------------------- our orders


def test_a_side_is_quoted_while_an_order_of_it_rests() -> None:
    sides = RestingSides(10.0)
    assert sides.quoted(Side.BUY), "nobody has told us about orders"
    sides.ordered("a", Side.BUY, "SUBMIT", 99.0, 2.0, lambda *_: 5.0)
    assert not sides.quoted(Side.BUY)
    sides.ordered("a", Side.BUY, "ACCEPTED", 99.0, 2.0, lambda *_: 5.0)
    assert (sides.quoted(Side.BUY), sides.quoted(Side.SELL)) == (True, False)
    sides.filled("a", 0.5)
    sides.filled("a", 1.5)
    assert not sides.quoted(Side.BUY)
    assert sides.filled_share[Side.BUY].value == pytest.approx((0.25 * 2 ** (-0.1) + 1.0) / (1 + 2 ** (-0.1)))
    assert sides.queue_ahead[Side.BUY].value == pytest.approx(2.5)
    for event in ("CANCELED", "REJECTED", "EXPIRED", "DENIED"):
        sides.ordered("b", Side.SELL, "ACCEPTED", 101.0, 2.0, lambda *_: None)
        assert sides.quoted(Side.SELL)
        sides.ordered("b", Side.SELL, event, 101.0, 2.0, lambda *_: None)
        assert not sides.quoted(Side.SELL)
    assert sides.queue_ahead[Side.SELL].value is None


def test_an_amended_order_keeps_its_place_only_at_its_price() -> None:
    sides, shown = RestingSides(10.0), iter([4.0, 6.0])
    sides.ordered("a", Side.BUY, "ACCEPTED", 99.0, 2.0, lambda *_: next(shown))
    sides.ordered("a", Side.BUY, "UPDATED", 99.0, 1.0, lambda *_: next(shown))
    sides.ordered("a", Side.BUY, "UPDATED", 98.0, 1.0, lambda *_: next(shown))
    sides.filled("a", 1.0)
    assert sides.queue_ahead[Side.BUY].value == 6.0


def test_a_recent_mean_forgets_by_the_value() -> None:
    mean = RecentMean(1.0)
    assert mean.value is None
    mean.add(4.0)
    mean.add(1.0, 2.0)
    assert mean.value == pytest.approx((2.0 + 2.0) / 2.5)
