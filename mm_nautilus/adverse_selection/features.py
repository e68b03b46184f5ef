"""What is known about a fill at the moment it happens, in numbers a classifier takes.

One object serves training and trading: what a strategy records at its fills is what it computes when it asks how a
fill now would be. The features and their formulas are in `feature_schema`.

A fill and the trade that made it are one event, and which of them is heard of first is nobody's promise: whatever
happens at an instant counts only when the instant is over. Live, where the two come at instants of their own, a trade
that is heard of before its fill is among the fill's features.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from mm_nautilus.adverse_selection.feature_schema import feature_schema
from mm_nautilus.adverse_selection.fill_settings import FeatureSettings
from mm_nautilus.adverse_selection.own_orders import OwnOrders
from mm_nautilus.adverse_selection.past_values import PastValues
from mm_nautilus.estimators.activity import ActivitySettings, VolumeRatio, weight_of
from mm_nautilus.estimators.order_flow import flow_of_event
from mm_nautilus.estimators.trade_imbalance import EwmaTradeImbalance
from mm_nautilus.estimators.vpin import Vpin
from mm_nautilus.market import Side, TopOfBook

_LOOK_BACKS_S: Final = (1, 5, 10, 30)
_ROOT_5, _ROOT_30 = math.sqrt(5.0), math.sqrt(30.0)
_FLOW_HALF_LIFE_S: Final = 10.0
_FAST_FLOW_HALF_LIFE_S: Final = 2.0
_DEPTH_HALF_LIFE_S: Final = 30.0
_VOLATILITY_HALF_LIFE_S: Final = 10.0
_OWN_FILLS_NS: Final = 60_000_000_000
_OWN_FILLS_KEPT: Final = 256
_LONGEST_S: Final = 600.0
_LARGEST: Final = 20.0


class FillFeatures:
    """Everything the features of a fill are made of; market updates cost O(1) amortised, memory is fixed.

    Told of every change of the best quotes, every trade, our own fills and what the venue does to our orders. A vector
    is refused (``None``) rather than filled up until the book has two sides, the volatility is above 0, somebody has
    traded, and the longest window (30 s of the book) has passed: a vector never holds NaN.

    Parameters
    ----------
    tick : float
        Smallest price step, in price units.
    settings : FeatureSettings
        What is optional.

    """

    __slots__ = (
        "_activity",
        "_depth",
        "_depth_ns",
        "_fast_flow",
        "_fills",
        "_flow",
        "_last_fill_ns",
        "_moves",
        "_moves_ns",
        "_ofi",
        "_past",
        "_pending",
        "_pending_ns",
        "_since_ns",
        "_tick",
        "_trade_ns",
        "_trades",
        "_vpin",
        "orders",
        "schema",
        "top",
    )

    def __init__(self, tick: float, settings: FeatureSettings) -> None:
        self.schema = feature_schema(settings)
        self.orders = OwnOrders(tick)
        self.top: TopOfBook | None = None
        self._tick = tick
        self._past = PastValues(_LOOK_BACKS_S[-1])
        self._ofi = 0.0
        self._pending: list[TopOfBook | tuple[float, float, Side | None] | Callable[[], None]] = []
        self._pending_ns = 0
        self._depth = 0.0
        self._depth_ns = self._moves_ns = self._since_ns = 0
        self._moves = 0.0
        self._flow, self._fast_flow = EwmaTradeImbalance(_FLOW_HALF_LIFE_S), EwmaTradeImbalance(_FAST_FLOW_HALF_LIFE_S)
        self._trades = 0.0
        self._trade_ns: int | None = None
        self._activity = VolumeRatio(ActivitySettings())
        bucket = settings.vpin_bucket_volume
        self._vpin = None if bucket is None else Vpin(bucket)
        self._fills: dict[Side, deque[int]] = {side: deque(maxlen=_OWN_FILLS_KEPT) for side in Side}
        self._last_fill_ns: dict[Side, int] = {}

    # ---------------------------------------------------------------- market

    def moved(self, now_ns: int, top: TopOfBook) -> None:
        """Take the best quotes, changed or not; a side of no size is missing, and counting restarts after it."""
        if now_ns != self._pending_ns:
            self._settle(now_ns)
        self._pending.append(top)

    def traded(self, now_ns: int, price: float, size: float, aggressor: Side | None) -> None:
        """Take a trade of anybody's; price units and base units, `aggressor` is ``None`` where it is not known."""
        if now_ns != self._pending_ns:
            self._settle(now_ns)
        self._pending.append((price, size, aggressor))

    def filled(self, now_ns: int, side: Side) -> None:
        """We traded."""
        self._later(now_ns, partial(self._count_fill, now_ns, side))

    def rested(self, order_id: str, side: Side, price: float, now_ns: int) -> None:
        """The venue accepted an order of ours or changed it; price units."""
        self._later(now_ns, lambda: self.orders.rested(order_id, side, price, now_ns, self.top))

    def gone(self, order_id: str, now_ns: int) -> None:
        """An order of ours is no more."""
        self._later(now_ns, partial(self.orders.gone, order_id))

    def _later(self, now_ns: int, event: Callable[[], None]) -> None:
        if now_ns != self._pending_ns:
            self._settle(now_ns)
        self._pending.append(event)

    def over(self, now_ns: int) -> None:
        """Say that nothing more happens at this instant: a timer's, which fires after the data."""
        self._settle(now_ns)

    def _settle(self, now_ns: int) -> None:
        """Count what happened at the last instant, and begin another."""
        then_ns, self._pending_ns = self._pending_ns, now_ns
        pending = self._pending
        if not pending:
            return
        for event in pending:
            if isinstance(event, TopOfBook):
                self._count_top(then_ns, event)
            elif isinstance(event, tuple):
                self._count_trade(then_ns, *event)
            else:
                event()
        pending.clear()

    def _count_fill(self, now_ns: int, side: Side) -> None:
        self._fills[side].append(now_ns)
        self._last_fill_ns[side] = now_ns

    def _count_top(self, now_ns: int, top: TopOfBook) -> None:
        last = self.top
        bid, ask, bid_size, ask_size = top.bid, top.ask, top.bid_size, top.ask_size
        if not (bid_size > 0.0 and ask_size > 0.0 and 0.0 < bid < ask):
            self.top = None
            return
        self.top = top
        if last is None:
            if not self._depth_ns:
                self._depth = 0.5 * (bid_size + ask_size)
                self._depth_ns = self._moves_ns = now_ns
                self._since_ns = self._since_ns or now_ns
            self._past.moved(now_ns, (0.5 * (bid + ask), self._ofi))
            return
        last_bid, last_ask, last_bid_size, last_ask_size = last.bid, last.ask, last.bid_size, last.ask_size
        self._ofi += flow_of_event(last_bid, last_bid_size, last_ask, last_ask_size, bid, bid_size, ask, ask_size)
        self._past.moved(now_ns, (0.5 * (bid + ask), self._ofi))
        elapsed_ns = now_ns - self._depth_ns
        if elapsed_ns > 0:
            kept = math.exp2(elapsed_ns * (-1e-9 / _DEPTH_HALF_LIFE_S))
            self._depth = kept * self._depth + (1.0 - kept) * 0.5 * (last_bid_size + last_ask_size)
            self._depth_ns = now_ns
        change = 0.5 * (bid + ask - last_bid - last_ask)
        if change:
            self._moves = self._decayed_moves(now_ns) + change * change
            self._moves_ns = now_ns

    def _count_trade(self, now_ns: int, price: float, size: float, aggressor: Side | None) -> None:
        sign = 0 if aggressor is None else int(aggressor)
        self._flow.update(now_ns, sign, size)
        self._fast_flow.update(now_ns, sign, size)
        self._trades = 1.0 + self._decayed_trades(now_ns)
        self._activity.traded(now_ns, size)
        self._trade_ns = now_ns
        self._since_ns = self._since_ns or now_ns
        if self._vpin is not None:
            self._vpin.update(sign, size)
        if len(self.orders):
            self.orders.traded(price, size, aggressor)

    def _decayed_moves(self, now_ns: int) -> float:
        return self._moves * math.exp2((now_ns - self._moves_ns) * (-1e-9 / _VOLATILITY_HALF_LIFE_S))

    def _decayed_trades(self, now_ns: int) -> float:
        elapsed_ns = 0 if self._trade_ns is None else now_ns - self._trade_ns
        return self._trades * math.exp2(elapsed_ns * (-1e-9 / _FLOW_HALF_LIFE_S))

    # --------------------------------------------------------------- reading

    def vector(
        self, side: Side, now_ns: int, sigma: float | None, inventory_share: float, order_id: str | None = None
    ) -> tuple[float, ...] | None:
        """Return the features of a fill of ours now, ``None`` before there is enough to know.

        What happened at this very instant is left out, unless it is `over`.

        Parameters
        ----------
        side : Side
            Ours.
        now_ns : int
            Engine time.
        sigma : float or None
            The strategy's volatility, in price per square-root second.
        inventory_share : float
            Position over its limit, in [-1, 1]; positive is long.
        order_id : str or None
            The order that fills; where it is not known, our best one of that side, and without one an order that
            joins the best price now.

        """
        if now_ns != self._pending_ns:
            self._settle(now_ns)
        top = self.top
        if top is None or not sigma or self._trade_ns is None:
            return None
        past = [found for horizon_s in _LOOK_BACKS_S if (found := self._past.ago(now_ns, horizon_s)) is not None]
        if len(past) < len(_LOOK_BACKS_S):
            return None
        (mid_1s, ofi_1s), (mid_5s, _), (_, ofi_10s), (mid_30s, _) = past
        against, mid, depth = -float(side), top.mid, max(self._depth, 1e-300)
        best, shown = (top.bid, top.bid_size) if side is Side.BUY else (top.ask, top.ask_size)
        order = self.orders.find(order_id) or self.orders.best(side)
        price, age_s, ahead = best, 0.0, shown
        if order is not None:
            price, age_s = order.price, _seconds(order.since_ns, now_ns)
            ahead = self.orders.ahead(order, top)
        own, opposite = (self._recent(one, now_ns) for one in (side, side.opposite))
        last_fill_ns = self._last_fill_ns.get(side)
        vector = (
            against * (top.bid_size - top.ask_size) / (top.bid_size + top.ask_size),
            top.spread / self._tick,
            against * (mid - mid_1s) / sigma,
            against * (mid - mid_5s) / (sigma * _ROOT_5),
            against * (mid - mid_30s) / (sigma * _ROOT_30),
            against * (self._ofi - ofi_1s) / depth,
            against * (self._ofi - ofi_10s) / depth,
            against * (self._flow.value or 0.0),
            against * (self._fast_flow.value or 0.0) * self._fast_flow.volume(now_ns) / depth,
            against * (self._flow.value or 0.0) * self._flow.volume(now_ns) / depth,
            self._rate(now_ns, self._decayed_trades),
            self._activity.value(now_ns),
            _seconds(self._trade_ns, now_ns),
            _LONGEST_S if last_fill_ns is None else _seconds(last_fill_ns, now_ns),
            float(own),
            float(opposite),
            float(side) * (mid - price) / sigma,
            float(side) * (best - price) / self._tick,
            age_s,
            min(ahead / depth, _LARGEST),
            min(shown / depth, _LARGEST),
            min(math.sqrt(self._rate(now_ns, self._decayed_moves, _VOLATILITY_HALF_LIFE_S)) / sigma, _LARGEST),
            float(side) * inventory_share,
        )
        if self._vpin is None:
            return vector
        rank = self._vpin.rank
        return (*vector, 0.5 if rank is None else rank)

    def flow_against(self, side: Side, now_ns: int) -> tuple[float, float]:
        """Return the trade imbalance against a side, in [-1, 1], and the decayed count of trades it rests on."""
        return -float(side) * (self._flow.value or 0.0), self._decayed_trades(now_ns)

    def _rate(self, now_ns: int, decayed: Callable[[int], float], half_life_s: float = _FLOW_HALF_LIFE_S) -> float:
        """Return a decayed sum per second, unbiased from the start."""
        weight = float(weight_of((now_ns - self._since_ns) * 1e-9, half_life_s))
        return decayed(now_ns) / weight if weight > 0.0 else 0.0

    def _recent(self, side: Side, now_ns: int) -> int:
        fills = self._fills[side]
        while fills and now_ns - fills[0] >= _OWN_FILLS_NS:
            fills.popleft()
        return len(fills)


def _seconds(since_ns: int, now_ns: int) -> float:
    return min(max(now_ns - since_ns, 0) * 1e-9, _LONGEST_S)
