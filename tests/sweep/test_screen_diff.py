"""The difference on arrays against the one on objects: the same commands for any ladder and any orders."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.market import Ladder, Level, Side
from mm_nautilus.quoting.orders import OrderStatus, WorkingOrder
from mm_nautilus.quoting.reconcile import Exposure, reconcile
from mm_nautilus.quoting.settings import RequoteSettings
from mm_nautilus.sweep.screening.diff import new_draft, reconcile_arrays
from mm_nautilus.sweep.screening.rules import RULES
from mm_nautilus.sweep.screening.state import ORDER, SLOTS

_sides = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 9)), max_size=4)
_orders = st.lists(
    st.tuples(
        st.sampled_from([1, -1]),
        st.integers(1, 24),
        st.integers(1, 24),
        st.integers(1, 9),
        st.integers(0, 3),
        st.sampled_from(list(OrderStatus)),
        st.booleans(),
        st.integers(0, 3),
    ),
    max_size=6,
)


@settings(max_examples=400, deadline=None)
@given(
    _sides, _sides, _orders, st.integers(-8, 8), st.integers(1, 20), st.integers(1, 3), st.integers(0, 2),
    st.sampled_from([0.0, 0.3, 0.5]), st.booleans(), st.integers(-2, 6),
)  # fmt: skip
def test_the_same_commands(bids, asks, orders, position, limit, min_lots, tolerance, size_tolerance, amend, budget):
    requote = RequoteSettings(
        tolerance_ticks=tolerance, size_tolerance=size_tolerance, amend=amend, max_amends_per_order=2
    )
    rules = np.zeros(1, RULES)
    rules["tolerance_ticks"], rules["size_tolerance"] = tolerance, size_tolerance
    rules["max_amends"] = 2 if amend else 0
    wanted = np.zeros((4, 50), np.int64)
    prices = sorted({12 - price for price, _ in bids}, reverse=True), sorted({12 + price for price, _ in asks})
    levels = []
    for row, (side, ticks, sizes) in enumerate(zip((Side.BUY, Side.SELL), prices, (bids, asks), strict=True)):
        ladder = tuple(Level(side, i, price, sizes[i][1]) for i, price in enumerate(ticks) if price > 0)
        for level in ladder:
            wanted[2 * row, level.index], wanted[2 * row + 1, level.index] = level.price_ticks, level.size_lots
        levels.append(ladder)
    working, rows, live = [], np.zeros(SLOTS, ORDER), np.zeros(SLOTS, np.int64)
    for slot, (side, price, other, total, drawn, status, amendable, amends) in enumerate(orders):
        filled = min(drawn, total - 1)
        resting = other if status is OrderStatus.PENDING_AMEND else price
        working.append(
            WorkingOrder(
                str(slot), Side(side), 0, 0, price, total, filled, status, True, amends, amendable, resting, total
            )
        )
        rows[slot]["side"], rows[slot]["price"], rows[slot]["resting"] = side, price, resting
        rows[slot]["total"] = rows[slot]["resting_total"] = total
        rows[slot]["filled"], rows[slot]["status"] = filled, status.value
        rows[slot]["amendable"], rows[slot]["amends"] = amendable, amends
        live[slot] = slot
    buying = sum(order.leaves_lots for order in working if order.side is Side.BUY)
    selling = sum(order.leaves_lots for order in working if order.side is Side.SELL)
    exposure = Exposure(position, buying, selling, limit)
    plan = reconcile(Ladder(*levels), working, exposure, min_lots, requote, budget)
    draft = new_draft()
    reconcile_arrays(
        rules[0], draft, rows, live, len(orders), wanted, len(levels[0]), len(levels[1]), position,
        exposure.room_lots(Side.BUY), exposure.room_lots(Side.SELL), min_lots, budget,
    )  # fmt: skip
    cancels, amends, submits, deferred, _ = draft.counts.tolist()
    assert draft.cancels[:cancels].tolist() == [int(order.client_order_id) for order in plan.cancels]
    assert draft.amends[:amends].tolist() == [
        [int(one.order.client_order_id), one.price_ticks, one.total_lots] for one in plan.amends
    ]
    assert draft.submits[:submits].tolist() == [
        [int(one.side), one.index, one.price_ticks, one.size_lots] for one in plan.submits
    ]
    assert deferred == plan.deferred
