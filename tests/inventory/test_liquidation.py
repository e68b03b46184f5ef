"""What is too old is worked off in slices, to the end, and not before it is too old."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.age import LotQueue
from mm_nautilus.inventory.liquidation import anything_old, liquidation_due
from mm_nautilus.quoting.limit_settings import AgeSettings

HOUR_NS = 3600 * 10**9
SETTINGS = AgeSettings(liquidate_within_s=600.0, slices=10)
LIMIT = Decimal(10)


def held(*lots: tuple[int, int | str]) -> LotQueue:
    queue = LotQueue()
    for opened_ns, size in lots:
        queue.trade(opened_ns, Decimal(size))
    return queue


def due(queue: LotQueue, now_s: float, settings: AgeSettings = SETTINGS, target: int = 0) -> Decimal:
    return liquidation_due(queue, int(now_s * 1e9), settings, LIMIT, Decimal(target))


@pytest.mark.parametrize(
    ("now_s", "size"), [(14_399.9, 0), (14_400, -1), (14_459.9, -1), (14_460, -2), (14_940, -10), (90_000, -10)]
)
def test_a_position_at_its_limit_goes_in_equal_slices(now_s: float, size: int) -> None:
    assert due(held((0, 10)), now_s) == size


def test_nothing_is_old_before_its_time_or_where_nothing_is_held_or_liquidated() -> None:
    queue, never = held((5 * 10**9, 2), (9 * 10**9, 3)), SETTINGS.model_copy(update={"liquidate": False})
    ages = {now_s: anything_old(queue, now_s * 10**9, SETTINGS) for now_s in (14_404, 14_405, 90_000)}
    assert ages == {14_404: False, 14_405: True, 90_000: True}
    assert not anything_old(queue, 90_000 * 10**9, never)
    assert due(queue, 90_000, never) == 0
    assert not anything_old(held(), 90_000 * 10**9, SETTINGS)


def test_a_small_position_begins_later_and_ends_with_the_others() -> None:
    queue = held((0, -2))
    assert [due(queue, 14_400 + wait) for wait in (0, 420, 480, 540)] == [0, 0, 1, 2]


def test_what_was_worked_off_is_not_due_again() -> None:
    queue = held((0, 10))
    queue.trade(14_400 * 10**9, due(queue, 14_400))
    assert due(queue, 14_459) == 0
    assert due(queue, 14_460) == -1


def test_young_lots_wait_for_their_own_age() -> None:
    queue = held((0, 4), (HOUR_NS, 6))
    assert due(queue, 15_000) == -4
    queue.trade(15_000 * 10**9, Decimal(-4))
    assert due(queue, 4 * 3600 + 3599) == 0
    assert due(queue, 5 * 3600 + 600) == -6


def test_the_target_is_never_too_old() -> None:
    assert due(held((0, 6)), 90_000, target=6) == 0
    assert due(held((0, 6)), 90_000, target=4) == -2
    assert due(held((0, 6)), 90_000, target=8) == 0
    assert due(held((0, 6)), 90_000, target=-4) == -6
    assert due(held((0, 4), (89_999 * 10**9, 2)), 90_000, target=4) == 0, "what is beyond the target is young"


def test_at_once_never_and_by_half_the_slices() -> None:
    at_once = AgeSettings(liquidate_within_s=0.0)
    assert due(held((0, "7.5")), 14_400, at_once) == Decimal("-7.5")
    assert due(held((0, 7)), 90_000, AgeSettings(liquidate=False)) == 0
    assert due(LotQueue(), 90_000) == 0
    with pytest.raises(ParameterError, match="max_position must be > 0"):
        liquidation_due(held((0, 1)), 0, SETTINGS, Decimal(0))


@given(
    trades=st.lists(st.tuples(st.integers(1, 600), st.integers(-3, 3).filter(bool)), min_size=1, max_size=40),
    step_s=st.integers(1, 200),
    target=st.integers(-4, 4),
)
def test_whoever_asks_often_enough_holds_nothing_too_long(
    trades: list[tuple[int, int]], step_s: int, target: int
) -> None:
    """Asked every `step_s`, no lot outlives the time allowed, no slice is large, and it only ever reduces."""
    settings = AgeSettings(warn_after_s=100.0, liquidate_after_s=400.0, liquidate_within_s=200.0, slices=5)
    queue, now_s = LotQueue(), 0
    for wait_s, size in trades:
        for _ in range(wait_s // step_s):
            now_s += step_s
            work_off(queue, now_s, settings, target)
        queue.trade(now_s * 10**9, Decimal(size))
    for _ in range(1000 // step_s + 1):
        now_s += step_s
        work_off(queue, now_s, settings, target)
    assert queue.position * target >= 0
    assert abs(queue.position) <= abs(target)


def work_off(queue: LotQueue, now_s: int, settings: AgeSettings, target: int) -> None:
    size = due(queue, now_s, settings, target)
    position = queue.position
    assert size * position <= 0
    assert abs(size) <= abs(position)
    if size:
        queue.trade(now_s * 10**9, size)
        assert abs(queue.position) >= (min(abs(target), abs(position)) if target * position > 0 else 0)
    assert due(queue, now_s, settings, target) == 0, "asking again at once sells nothing more"
    excess = abs(queue.position) - (abs(target) if target * queue.position > 0 else 0)
    if excess > 0 and not (target and target * queue.position > 0):
        assert (queue.oldest_age_s(now_s * 10**9) or 0) < 400.0 + 200.0
