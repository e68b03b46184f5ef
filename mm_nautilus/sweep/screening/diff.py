"""The difference between the ladder that is wanted and the orders that are out, on arrays.

Rule for rule what `mm_nautilus.quoting.reconcile` says on objects, and held against it for ladders and orders drawn at
random by `tests/sweep/test_screen_diff.py`: whoever changes one is told of the other.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mm_nautilus.quoting.orders import OrderStatus
from mm_nautilus.sweep.screening.kernels import borrowing
from mm_nautilus.sweep.screening.state import NONE, SLOTS

PENDING_SUBMIT: Final = OrderStatus.PENDING_SUBMIT.value
WORKING: Final = OrderStatus.WORKING.value
PENDING_AMEND: Final = OrderStatus.PENDING_AMEND.value
PENDING_CANCEL: Final = OrderStatus.PENDING_CANCEL.value

_CANCELS, _AMENDS, _SUBMITS, _DEFERRED, _BUDGET = 0, 1, 2, 3, 4


class Draft(NamedTuple):
    """The commands of one pass, and room to work in."""

    counts: NDArray[np.int64]
    """Cancels, amends, submits, what was put off, and the messages that are left."""
    cancels: NDArray[np.int64]
    """Slots."""
    amends: NDArray[np.int64]
    """Slot, price and total of each."""
    submits: NDArray[np.int64]
    """Side, level, price and size of each."""
    open_levels: NDArray[np.int64]
    """Level, price and size of what no order stands for yet, of each side."""
    open_count: NDArray[np.int64]
    slots: NDArray[np.int64]
    loose: NDArray[np.int64]
    level: NDArray[np.int64]
    """Level, price and size of the one at hand."""


def new_draft() -> Draft:
    """Return an empty draft."""
    return Draft(
        np.zeros(5, np.int64),
        np.zeros(SLOTS, np.int64),
        np.zeros((SLOTS, 3), np.int64),
        np.zeros((128, 4), np.int64),
        np.zeros((2, 128 + SLOTS, 3), np.int64),
        np.zeros(2, np.int64),
        np.zeros(SLOTS, np.int64),
        np.zeros(SLOTS, np.int64),
        np.zeros(3, np.int64),
    )


@borrowing  # type: ignore[untyped-decorator]
def leaves_of(order: Any) -> int:
    """Return what may still fill, as `WorkingOrder.leaves_lots`."""
    return max(order.total, order.resting_total) - order.filled


@borrowing  # type: ignore[untyped-decorator]
def _nearest_own(orders: Any, live: Any, count: int, side: int) -> int:
    nearest = NONE
    for place in range(count):
        order = orders[live[place]]
        if order.side == side:
            for price in (order.resting, order.price):
                if nearest == NONE or (price - nearest) * side > 0:
                    nearest = price
    return nearest


@borrowing  # type: ignore[untyped-decorator]
def _meets(side: int, price: int, opposite: int) -> bool:
    return opposite != NONE and (price - opposite) * side >= 0


@borrowing  # type: ignore[untyped-decorator]
def _take(draft: Draft, across: int, place: int) -> None:
    """Take an open level out of the list."""
    for later in range(place, draft.open_count[across] - 1):
        for field in range(3):
            draft.open_levels[across, later, field] = draft.open_levels[across, later + 1, field]
    draft.open_count[across] -= 1


@borrowing  # type: ignore[untyped-decorator]
def _cancel(draft: Draft, slot: int) -> None:
    draft.cancels[draft.counts[_CANCELS]] = slot
    draft.counts[_CANCELS] += 1
    draft.counts[_BUDGET] -= 1


@borrowing  # type: ignore[untyped-decorator]
def _amend(draft: Draft, slot: int, price: int, total: int) -> None:
    place = draft.counts[_AMENDS]
    draft.amends[place, 0], draft.amends[place, 1], draft.amends[place, 2] = slot, price, total
    draft.counts[_AMENDS] += 1
    draft.counts[_BUDGET] -= 1


@borrowing  # type: ignore[untyped-decorator]
def _resize(rules: Any, draft: Draft, order: Any, slot: int, level: Any, across: int, room: int) -> None:
    excess = leaves_of(order) - level[2]
    must = room < 0 and excess > 0
    if not must and max(excess, min(-excess, room)) <= rules.size_tolerance * level[2]:
        return
    if order.status != WORKING:
        draft.counts[_DEFERRED] += 1
    elif excess > 0 and draft.counts[_BUDGET] > 0 and order.amendable == 1 and order.amends < rules.max_amends:
        _amend(draft, slot, order.price, order.filled + level[2])
    elif must or draft.counts[_BUDGET] > 1:
        _cancel(draft, slot)
        place = draft.open_count[across]
        for field in range(3):
            draft.open_levels[across, place, field] = level[field]
        draft.open_count[across] += 1
    else:
        draft.counts[_DEFERRED] += 1


@borrowing  # type: ignore[untyped-decorator]
def _move(rules: Any, draft: Draft, order: Any, slot: int, across: int, barrier: int) -> None:
    if order.status != WORKING:
        draft.counts[_DEFERRED] += 1
        if draft.open_count[across] > 0:
            _take(draft, across, 0)
        return
    if draft.open_count[across] == 0:
        _cancel(draft, slot)
        return
    price, size = draft.open_levels[across, 0, 1], draft.open_levels[across, 0, 2]
    leaves = leaves_of(order)
    may_amend = order.amendable == 1 and order.amends < rules.max_amends
    if leaves < size * (1.0 - rules.size_tolerance) or not may_amend:
        _cancel(draft, slot)
    elif draft.counts[_BUDGET] > 0 and not _meets(order.side, price, barrier):
        _take(draft, across, 0)
        _amend(draft, slot, price, order.filled + min(leaves, size))
    elif (order.price - price) * order.side > 0:
        _cancel(draft, slot)
    else:
        _take(draft, across, 0)
        draft.counts[_DEFERRED] += 1


@borrowing  # type: ignore[untyped-decorator]
def _match(
    rules: Any,
    draft: Draft,
    orders: Any,
    live: Any,
    count: int,
    side: int,
    prices: Any,
    sizes: Any,
    levels: int,
    room: int,
    opposite_wanted: int,
    barrier: int,
) -> None:
    across = 0 if side > 0 else 1
    for index in range(levels):
        draft.open_levels[across, index, 0] = index
        draft.open_levels[across, index, 1] = prices[index]
        draft.open_levels[across, index, 2] = sizes[index]
    draft.open_count[across] = levels
    found = 0
    # An order at a wanted price must not lose its place to a neighbour that is merely near enough.
    for pass_ in range(2):
        for place in range(count):
            order = orders[live[place]]
            if order.side != side or order.status == PENDING_CANCEL:
                continue
            exact = False
            for index in range(levels):
                exact = exact or prices[index] == order.price
            if exact == (pass_ == 0):
                draft.slots[found] = live[place]
                found += 1
    loose = 0
    level = draft.level
    for place in range(found):
        slot = draft.slots[place]
        order = orders[slot]
        best, nearest = -1, 0
        if not _meets(side, order.price, opposite_wanted):
            for index in range(draft.open_count[across]):
                distance = abs(draft.open_levels[across, index, 1] - order.price)
                if distance <= rules.tolerance_ticks and (best < 0 or distance < nearest):
                    best, nearest = index, distance
        if best < 0:
            draft.loose[loose] = slot
            loose += 1
        else:
            for field in range(3):
                level[field] = draft.open_levels[across, best, field]
            _take(draft, across, best)
            _resize(rules, draft, order, slot, level, across, room)
    # Commands in flight first: each holds the place of one level until it is answered.
    for pass_ in range(2):
        for place in range(loose):
            order = orders[draft.loose[place]]
            if (order.status == WORKING) == (pass_ == 1):
                _move(rules, draft, order, draft.loose[place], across, barrier)


@borrowing  # type: ignore[untyped-decorator]
def _submit(
    rules: Any, draft: Draft, orders: Any, live: Any, count: int, side: int, room: int, barrier: int, min_lots: int
) -> None:
    across = 0 if side > 0 else 1
    in_flight = False
    for place in range(count):
        slot = live[place]
        if orders[slot].side != side:
            continue
        moving = orders[slot].status != WORKING
        for other in range(draft.counts[_CANCELS]):
            moving = moving or draft.cancels[other] == slot
        for other in range(draft.counts[_AMENDS]):
            moving = moving or draft.amends[other, 0] == slot
        in_flight = in_flight or moving
    while draft.open_count[across] > 0:
        place = 0
        for other in range(1, draft.open_count[across]):
            if draft.open_levels[across, other, 0] < draft.open_levels[across, place, 0]:
                place = other
        index, price, size = (
            draft.open_levels[across, place, 0],
            draft.open_levels[across, place, 1],
            draft.open_levels[across, place, 2],
        )
        _take(draft, across, place)
        lots = min(size, room)
        if lots < min_lots and not in_flight:
            continue
        stump = in_flight and lots < size * (1.0 - rules.size_tolerance)
        if stump or lots < min_lots or draft.counts[_BUDGET] <= 0 or _meets(side, price, barrier):
            draft.counts[_DEFERRED] += 1
            continue
        room -= lots
        draft.counts[_BUDGET] -= 1
        made = draft.counts[_SUBMITS]
        draft.submits[made, 0], draft.submits[made, 1] = side, index
        draft.submits[made, 2], draft.submits[made, 3] = price, lots
        draft.counts[_SUBMITS] += 1


@borrowing  # type: ignore[untyped-decorator]
def reconcile_arrays(
    rules: Any,
    draft: Draft,
    orders: Any,
    live: Any,
    count: int,
    wanted: Any,
    bids: int,
    asks: int,
    position: int,
    buy_room: int,
    sell_room: int,
    min_lots: int,
    budget: int,
) -> None:
    """Write the commands that turn the orders into what is wanted; see `mm_nautilus.quoting.reconcile.reconcile`.

    Parameters
    ----------
    rules : Rules
        Tolerances, and how often to amend.
    draft : Draft
        Is told the commands.
    orders, live, count
        The orders that are out.
    wanted : int array, shape (4, levels)
        Bid prices and sizes, ask prices and sizes.
    bids, asks : int
        Levels of each side.
    position, buy_room, sell_room : int
        Position, and what may still be submitted on each side, in lots.
    min_lots, budget : int
        Smallest order, and messages that may be sent.

    """
    draft.counts[:] = 0
    draft.counts[_BUDGET] = budget
    best_bid = wanted[0, 0] if bids > 0 else NONE
    best_ask = wanted[2, 0] if asks > 0 else NONE
    own_bid = _nearest_own(orders, live, count, 1)
    own_ask = _nearest_own(orders, live, count, -1)
    first = -1 if position > 0 else 1
    for side in (first, -first):
        if side > 0:
            _match(rules, draft, orders, live, count, 1, wanted[0], wanted[1], bids, buy_room, best_ask, own_ask)
        else:
            _match(rules, draft, orders, live, count, -1, wanted[2], wanted[3], asks, sell_room, best_bid, own_bid)
    for side in (first, -first):
        room, barrier = (buy_room, own_ask) if side > 0 else (sell_room, own_bid)
        _submit(rules, draft, orders, live, count, side, room, barrier, min_lots)
