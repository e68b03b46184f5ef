"""Step 6: the difference between the ladder we want and the orders that rest.

An order whose price is still wanted keeps its place in the queue. Commands that reduce risk come
first: cancels, then amends, then submits, the side that reduces the position before the other. A
submit never takes the worst case (position, everything working, everything in flight) past the limit,
and no command may meet an order of our own on the other side, wherever that stands or is going.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from mm_nautilus.market import Ladder, Level, Side
from mm_nautilus.quoting.guards import Bounds
from mm_nautilus.quoting.orders import OrderStatus, WorkingOrder
from mm_nautilus.quoting.settings import RequoteSettings


class Amend(Struct, frozen=True, gc=False):
    """Change a resting order in place; the size is its total, filled part included."""

    order: WorkingOrder
    price_ticks: int
    total_lots: int


class Plan(Struct, frozen=True, gc=False):
    """Commands in the order in which they are to be sent."""

    cancels: tuple[WorkingOrder, ...] = ()
    amends: tuple[Amend, ...] = ()
    submits: tuple[Level, ...] = ()
    keeps: int = 0
    deferred: int = 0

    @property
    def messages(self) -> int:
        """How many commands there are."""
        return len(self.cancels) + len(self.amends) + len(self.submits)


class Exposure(Struct, frozen=True, gc=False):
    """Position and everything that may still change it, in lots."""

    position_lots: int
    open_buy_lots: int
    open_sell_lots: int
    limit_lots: int
    buy_funds_lots: int | None = None
    """What a cash account can pay for, working bids included; ``None`` where funds do not bound size."""
    sell_funds_lots: int | None = None
    """What a cash account can deliver, working asks included."""
    bounds: Bounds | None = None
    """What others than the instrument's own limit leave us, working orders included."""

    def room_lots(self, side: Side) -> int:
        """Lots that may be submitted on `side` before the worst case passes the limit, the bounds or the funds."""
        bounds = self.bounds
        if side is Side.BUY:
            room, funds, working = self.limit_lots - self.position_lots, self.buy_funds_lots, self.open_buy_lots
            bound = None if bounds is None else bounds.buy_lots
        else:
            room, funds, working = self.limit_lots + self.position_lots, self.sell_funds_lots, self.open_sell_lots
            bound = None if bounds is None else bounds.sell_lots
        if bound is not None and bound < room:
            room = bound
        return (room if funds is None or room < funds else funds) - working


def reconcile(
    wanted: Ladder,
    orders: Iterable[WorkingOrder],
    exposure: Exposure,
    min_lots: int,
    settings: RequoteSettings,
    budget: int,
) -> Plan:
    """Return the commands that turn `orders` into `wanted`.

    Parameters
    ----------
    wanted : Ladder
        From the pipeline.
    orders : iterable of WorkingOrder
        Everything that may still fill.
    exposure : Exposure
        Before any of the commands.
    min_lots : int
        Smallest order the venue accepts.
    settings : RequoteSettings
        Tolerances, and whether and how often to amend.
    budget : int
        Messages that may be sent; cancels of prices we no longer want pass even when it is spent.

    """
    draft = _Draft(settings, min_lots, budget)
    bids: list[WorkingOrder] = []
    asks: list[WorkingOrder] = []
    for order in orders:
        (bids if order.side is Side.BUY else asks).append(order)
    best_bid = wanted.bids[0].price_ticks if wanted.bids else None
    best_ask = wanted.asks[0].price_ticks if wanted.asks else None
    buying = (Side.BUY, wanted.bids, bids, best_ask, _nearest_own(Side.SELL, asks) if asks else None)
    selling = (Side.SELL, wanted.asks, asks, best_bid, _nearest_own(Side.BUY, bids) if bids else None)
    unfilled: list[tuple[Side, list[Level], bool, int | None]] = []
    for side, levels, working, other_best, barrier in (
        (selling, buying) if exposure.position_lots > 0 else (buying, selling)
    ):
        open_levels, in_flight = draft.match(side, levels, working, exposure, other_best, barrier)
        if open_levels:
            unfilled.append((side, open_levels, in_flight, barrier))
    for side, open_levels, in_flight, barrier in unfilled:
        draft.submit(open_levels, in_flight, exposure.room_lots(side), barrier)
    return Plan(tuple(draft.cancels), tuple(draft.amends), tuple(draft.submits), draft.keeps, draft.deferred)


def _nearest_own(side: Side, orders: list[WorkingOrder]) -> int:
    """Return the price closest to the market that any of these orders, at least one, rests at or is going to."""
    if len(orders) == 1 and orders[0].resting_ticks == orders[0].price_ticks:
        return orders[0].price_ticks
    nearest = max if side is Side.BUY else min
    return nearest([price for order in orders for price in (order.resting_ticks, order.price_ticks)])


def _meets(side: Side, price_ticks: int, opposite_ticks: int | None) -> bool:
    """Return whether an order of `side` at this price would trade with the opposite price."""
    if opposite_ticks is None:
        return False
    return price_ticks >= opposite_ticks if side is Side.BUY else price_ticks <= opposite_ticks


class _Draft:
    """The plan while it is being made."""

    __slots__ = (
        "_budget",
        "_max_amends",
        "_min_lots",
        "_size_tolerance",
        "_tolerance_ticks",
        "amends",
        "cancels",
        "deferred",
        "keeps",
        "submits",
    )

    def __init__(self, settings: RequoteSettings, min_lots: int, budget: int) -> None:
        self._max_amends = settings.max_amends_per_order if settings.amend else 0
        self._size_tolerance = settings.size_tolerance
        self._tolerance_ticks = settings.tolerance_ticks
        self._min_lots = min_lots
        self._budget = budget
        self.cancels: list[WorkingOrder] = []
        self.amends: list[Amend] = []
        self.submits: list[Level] = []
        self.keeps = 0
        self.deferred = 0

    def match(
        self,
        side: Side,
        levels: tuple[Level, ...],
        orders: list[WorkingOrder],
        exposure: Exposure,
        opposite_wanted: int | None,
        barrier: int | None,
    ) -> tuple[list[Level], bool]:
        """Keep, move or cancel the orders of one side.

        Returns the levels that need a new order, and whether anything is in flight for an order of this side, what has
        just been decided included.
        """
        open_levels = list(levels)
        loose: list[WorkingOrder] = []
        in_flight, budget = False, self._budget
        if len(orders) > 1:
            # An order at a wanted price must not lose its place to a neighbour that is merely near enough.
            wanted = {level.price_ticks for level in levels}
            orders = sorted(orders, key=lambda order: order.price_ticks not in wanted)
        for order in orders:
            if order.status is not OrderStatus.WORKING:
                in_flight = True
                if order.status is OrderStatus.PENDING_CANCEL:
                    continue
            met = opposite_wanted is not None and _meets(side, order.price_ticks, opposite_wanted)
            level = None if met else self._closest(order.price_ticks, open_levels)
            if level is None:
                loose.append(order)
            else:
                open_levels.remove(level)
                self._resize(order, level, open_levels, exposure.room_lots(side))
        if len(loose) > 1:
            # Commands in flight first: each holds the place of one level until it is answered.
            loose.sort(key=lambda order: order.status is OrderStatus.WORKING)
        for order in loose:
            self._move(order, open_levels, barrier)
        return open_levels, in_flight or self._budget < budget

    def _closest(self, price_ticks: int, levels: list[Level]) -> Level | None:
        """Return the wanted level an order at this price may stay for, the nearest within the tolerance."""
        closest, nearer_than = None, self._tolerance_ticks + 1
        for level in levels:
            distance = abs(level.price_ticks - price_ticks)
            if distance < nearer_than:
                closest, nearer_than = level, distance
        return closest

    def _resize(self, order: WorkingOrder, level: Level, open_levels: list[Level], room_lots: int) -> None:
        """Keep the order at its price; change its size only beyond the tolerance.

        Without room (a notional limit shrinks as the price rises) a size is cut without tolerance and
        whatever the budget says; it grows only as far as there is room.
        """
        excess = order.leaves_lots - level.size_lots
        must = room_lots < 0 and excess > 0
        if not must and max(excess, min(-excess, room_lots)) <= self._size_tolerance * level.size_lots:
            self.keeps += 1
        elif order.status is not OrderStatus.WORKING:
            self.deferred += 1
        elif excess > 0 and self._budget > 0 and self._may_amend(order):
            self._amend(order, order.price_ticks, level.size_lots)
        elif must or self._budget > 1:
            # A larger size loses its queue place at every venue, so it may as well be a new order.
            self._cancel(order)
            open_levels.append(level)
        else:
            self.deferred += 1

    def _move(self, order: WorkingOrder, open_levels: list[Level], barrier: int | None) -> None:
        """Take an order whose price is no longer wanted to the next open level, or cancel it."""
        if order.status is not OrderStatus.WORKING:
            self.deferred += 1
            if open_levels:
                open_levels.pop(0)
            return
        if not open_levels:
            self._cancel(order)
            return
        level, leaves_lots = open_levels[0], order.leaves_lots
        if not self._may_amend(order) or leaves_lots < level.size_lots * (1.0 - self._size_tolerance):
            self._cancel(order)
            return
        if self._budget > 0 and not _meets(order.side, level.price_ticks, barrier):
            open_levels.pop(0)
            self._amend(order, level.price_ticks, min(leaves_lots, level.size_lots))
        elif (order.price_ticks - level.price_ticks) * int(order.side) > 0:
            # It stands closer to the market than we want and cannot be moved now.
            self._cancel(order)
        else:
            open_levels.pop(0)
            self.deferred += 1

    def _may_amend(self, order: WorkingOrder) -> bool:
        return order.amendable and order.amends < self._max_amends

    def _amend(self, order: WorkingOrder, price_ticks: int, leaves_lots: int) -> None:
        self.amends.append(Amend(order, price_ticks, order.filled_lots + leaves_lots))
        self._budget -= 1

    def _cancel(self, order: WorkingOrder) -> None:
        self.cancels.append(order)
        self._budget -= 1

    def submit(self, levels: list[Level], in_flight: bool, room_lots: int, barrier: int | None) -> None:
        """Submit what fits into the room and the budget and meets none of our own; the rest waits for answers."""
        if len(levels) > 1:
            levels = sorted(levels, key=lambda level: level.index)
        for level in levels:
            lots = min(level.size_lots, room_lots)
            if lots < self._min_lots and not in_flight:
                continue  # larger orders kept within the tolerance take its room: no answer will change that
            # A stump sent now would be replaced by the whole as soon as what is in flight has freed its room.
            stump = in_flight and lots < level.size_lots * (1.0 - self._size_tolerance)
            if stump or lots < self._min_lots or self._budget <= 0 or _meets(level.side, level.price_ticks, barrier):
                self.deferred += 1
                continue
            room_lots -= lots
            self._budget -= 1
            self.submits.append(
                level if lots == level.size_lots else Level(level.side, level.index, level.price_ticks, lots)
            )
