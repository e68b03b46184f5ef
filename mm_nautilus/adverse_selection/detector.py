"""One instrument watched for adverse selection: market, orders and fills in, evidence for each side out.

Events of one instant may come in any order (the engine delivers them to several components, in an order it does not
define), so that nothing is worked out before an instant is over: that is when the next event comes, or a timer asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mm_nautilus.adverse_selection.clustering import Clustering
from mm_nautilus.adverse_selection.drift import Drift
from mm_nautilus.adverse_selection.evidence import Evidence, Score
from mm_nautilus.adverse_selection.flow import FlowImbalance
from mm_nautilus.adverse_selection.operational import OperationalTime
from mm_nautilus.adverse_selection.pending import DueMarkout, PendingMarkouts
from mm_nautilus.adverse_selection.recent import RecentMean
from mm_nautilus.adverse_selection.resting import TELLING, Displayed, RestingSides
from mm_nautilus.adverse_selection.settings import AdverseSelectionSettings
from mm_nautilus.adverse_selection.sweep import SweepHistory, Sweeps
from mm_nautilus.estimators.order_flow import OrderFlowImbalance
from mm_nautilus.estimators.vpin import Vpin
from mm_nautilus.estimators.windows import ClockWindow
from mm_nautilus.market import Side, TopOfBook

_SIDES: Final = (Side.BUY, Side.SELL)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What else is known about the market; ``None`` where it is not yet."""

    order_flow_imbalance: float | None
    trade_imbalance: float | None
    vpin: float | None
    vpin_rank: float | None
    book_imbalance: float | None


class _SideTests:
    """The tests that one side of ours has for itself."""

    __slots__ = ("adverse", "clustering", "delayed", "fills", "immediate", "sweeps")

    def __init__(self, settings: AdverseSelectionSettings, history: SweepHistory) -> None:
        self.immediate, self.delayed = (
            Drift(horizon, settings.half_life_s, settings.drift_bin_s, settings.min_fills)
            for horizon in (settings.immediate_horizon_s, settings.delayed_horizon_s)
        )
        self.sweeps = Sweeps(history, settings.half_life_s, settings.min_fills)
        self.clustering = Clustering(settings.recent_gaps, settings.base_gaps)
        self.adverse = RecentMean(settings.markout_half_life_fills)
        self.fills = 0


class Detector:
    """Everything measured about adverse selection on one instrument; bounded memory, O(1) a market update.

    Instants are engine time in nanoseconds and never go backwards.

    Parameters
    ----------
    settings : AdverseSelectionSettings
        What is measured.
    tick : float
        Of the instrument, in price units.
    displayed : callable or None
        Size shown at a price of a side in the book as it is when asked; ``None`` knows the best prices only.

    """

    def __init__(self, settings: AdverseSelectionSettings, tick: float, displayed: Displayed | None = None) -> None:
        self._settings = settings
        self._displayed = displayed or self._displayed_at_the_touch
        history = SweepHistory(tick)
        self._tests = {side: _SideTests(settings, history) for side in _SIDES}
        self._flow = FlowImbalance(settings.flow_half_life_s, settings.flow_bin_s)
        self._time = OperationalTime(settings.activity_half_life_s)
        self._orders = RestingSides(settings.markout_half_life_fills)
        self._pending: PendingMarkouts[Any] = PendingMarkouts(settings.horizons_s)
        self._losing = RecentMean(settings.markout_half_life_fills)
        self._ofi = OrderFlowImbalance(ClockWindow(settings.imbalance_window_s, 20))
        self._vpin: Vpin | None = None
        self._vpin_volume = 0.0
        self._vpin_trades = 0
        self._top: TopOfBook | None = None
        self._mid: float | None = None
        self._settled_mid: float | None = None
        self._ts_ns = 0
        self._busy = False
        self._trades: list[tuple[int, float]] = []
        self._fills: list[tuple[Side, float, float]] = []
        self._own: list[tuple[str, float] | tuple[str, Side, str, float, float]] = []
        self.due: list[DueMarkout[Any]] = []
        """Markouts that fell due and have not been fetched; the caller clears it."""

    # ---------------------------------------------------------------- events

    def begin(self, ts_ns: int) -> None:
        """Something is about to happen at this instant: what happened before it is settled."""
        if ts_ns > self._ts_ns:
            if self._busy:
                self._settle()
            self._ts_ns = ts_ns

    def topped(self, ts_ns: int, bid: float, ask: float, bid_size: float, ask_size: float) -> None:
        """Take the best prices and sizes after a change, in price and base units; a side of no size is no side."""
        if ts_ns > self._ts_ns:  # as `begin`, without a call
            if self._busy:
                self._settle()
            self._ts_ns = ts_ns
        last = self._top
        if (
            last is not None
            and bid_size == last.bid_size
            and ask_size == last.ask_size
            and bid == last.bid
            and ask == last.ask
        ):
            return  # the book changed behind its best prices
        if not (bid_size > 0.0 and ask_size > 0.0 and 0.0 < bid < ask):
            self._top = None
            self._ofi.update(ts_ns, None)
            return
        top = self._top = TopOfBook(bid, ask, bid_size, ask_size)
        self._ofi.update(ts_ns, top)
        mid = 0.5 * (bid + ask)
        if mid != self._mid:
            if self._mid is None:
                self._settled_mid = mid
            if due := self._pending.moved(ts_ns, mid):
                self.due += self._marked(due)
            self._mid, self._busy = mid, True

    def traded(self, ts_ns: int, price: float, size: float, aggressor: int) -> None:
        """Take a trade; see `estimators.vpin.Vpin.update` for the aggressor."""
        self.begin(ts_ns)
        if not aggressor:
            return
        self._flow.traded(ts_ns, aggressor, size)
        self._pour(aggressor, size)
        self._trades.append((aggressor, price))
        self._busy = True

    def ordered(self, ts_ns: int, order_id: str, side: Side, event: str, price: float, size: float) -> None:
        """Something happened to an order of ours; see `mm_nautilus.messages.OrderFact`."""
        if event in TELLING:
            self.begin(ts_ns)
            self._own.append((order_id, side, event, price, size))
            self._busy = True

    def filled(self, ts_ns: int, fill: Any, side: Side, order_id: str, price: float, size: float) -> None:
        """Take a fill of ours; `fill` comes back with its markouts."""
        self.begin(ts_ns)
        self._pending.filled(fill, ts_ns, side, size, price)
        self._fills.append((side, price, size))
        self._own.append((order_id, size))
        self._busy = True

    # --------------------------------------------------------------- answers

    def passed(self, now_ns: int) -> None:
        """Settle everything up to now; for a timer that fires after the data of its instant."""
        self.begin(now_ns)
        if self._busy:
            self._settle()
        self.due += self._marked(self._pending.passed(now_ns))

    def evidence(self, side: Side, now_ns: int) -> Evidence:
        """Return what is known about one side; after `passed`."""
        tests, orders = self._tests[side], self._orders
        return Evidence(
            tests.immediate.score(now_ns),
            tests.delayed.score(now_ns),
            self._flow.score(side, now_ns),
            tests.sweeps.score(now_ns),
            self._burst(side, now_ns),
            tests.fills,
            tests.adverse.value,
            orders.filled_share[side].value,
            orders.queue_ahead[side].value,
        )

    def conditions(self, now_ns: int) -> Conditions:
        """Return what else is known about the market."""
        top, vpin = self._top, self._vpin
        return Conditions(
            self._ofi.value(now_ns),
            self._flow.imbalance(now_ns),
            None if vpin is None else vpin.value,
            None if vpin is None else vpin.rank,
            None if top is None else (top.bid_size - top.ask_size) / (top.bid_size + top.ask_size),
        )

    @property
    def adverse_ratio(self) -> float:
        """Recent share of our fills with a markout below 0 at the delayed horizon; 0 before there is one."""
        return self._losing.value or 0.0

    # -------------------------------------------------------------- settling

    def _settle(self) -> None:
        """Work out the instant that is over."""
        self._busy = False
        ts_ns, mid, before = self._ts_ns, self._mid, self._settled_mid
        if mid is not None and before is not None and mid != before:
            for side, tests in self._tests.items():
                against = side * (before - mid)
                tests.immediate.moved(ts_ns, against)
                tests.delayed.moved(ts_ns, against)
            self._settled_mid = mid
        deepest = self._deepest() if self._trades else {}
        if self._fills:
            self._settle_fills(ts_ns, before, deepest)
        for _ in deepest:
            self._time.ordered(ts_ns)
        if self._own:
            self._settle_orders(ts_ns)
        self._trades.clear()
        self._fills.clear()
        self._own.clear()

    def _deepest(self) -> dict[int, float]:
        """Return the last price of each aggressor's market order; trades of one instant are one order."""
        prices: dict[int, float] = {}
        for aggressor, price in self._trades:
            farthest = prices.get(aggressor, price)
            prices[aggressor] = max(farthest, price) if aggressor > 0 else min(farthest, price)
        return prices

    def _settle_fills(self, ts_ns: int, mid: float | None, deepest: dict[int, float]) -> None:
        for side in dict.fromkeys(fill[0] for fill in self._fills):
            self._tests[side].clustering.filled(self._time.elapsed(side, ts_ns))
        for side, price, size in self._fills:
            tests = self._tests[side]
            tests.fills += 1
            tests.immediate.filled(ts_ns, size)
            tests.delayed.filled(ts_ns, size)
            if mid is not None and -side in deepest:
                tests.sweeps.filled(ts_ns, mid, price, deepest[-side])

    def _settle_orders(self, ts_ns: int) -> None:
        for event in self._own:
            if len(event) == 2:
                self._orders.filled(*event)
            else:
                self._orders.ordered(*event, self._displayed)
        for side in _SIDES:
            self._time.quoting(side, ts_ns, self._orders.quoted(side))

    def _marked(self, due: Sequence[DueMarkout[Any]]) -> Sequence[DueMarkout[Any]]:
        for one in due:
            if one.horizon_s == self._settings.delayed_horizon_s:
                self._tests[one.side].adverse.add(one.adverse_selection, one.size)
                self._losing.add(float(one.markout < 0.0))
        return due

    def _burst(self, side: Side, now_ns: int) -> Score | None:
        return self._tests[side].clustering.score(self._time.elapsed(side, now_ns))

    def _pour(self, aggressor: int, size: float) -> None:
        """Feed VPIN; its buckets are sized by the first trades."""
        if self._vpin is not None:
            self._vpin.update(aggressor, size)
            return
        self._vpin_volume += size
        self._vpin_trades += 1
        if self._vpin_trades == self._settings.vpin_bucket_trades and self._vpin_volume > 0.0:
            self._vpin = Vpin(self._vpin_volume)

    def _displayed_at_the_touch(self, side: Side, price: float) -> float | None:
        top = self._top
        if top is None:
            return None
        best, size = (top.bid, top.bid_size) if side is Side.BUY else (top.ask, top.ask_size)
        if price == best:
            return size
        return 0.0 if side * (price - best) > 0.0 else None
