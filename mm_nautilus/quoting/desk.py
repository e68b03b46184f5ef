"""The state of one quoting strategy on one instrument, free of any engine.

A `Desk` is told what the market, the clock and the venue did and answers with the commands to send.
It never sends anything itself, so that any interleaving of acknowledgements, rejects, fills and
cancels can be played to it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import replace

from msgspec import Struct

from mm_nautilus.errors import ConfigError
from mm_nautilus.estimators.activity import VolumeRatio
from mm_nautilus.estimators.fair_value import FAIR_VALUES
from mm_nautilus.estimators.intensity_rolling import RollingIntensity
from mm_nautilus.estimators.volatility import volatility_estimator
from mm_nautilus.market import Grid, Level, MarketState, RiskStage, Side, TopOfBook
from mm_nautilus.messages import QuoteDecision
from mm_nautilus.models import find_model
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment
from mm_nautilus.quoting.anchor import ALONE, Anchor
from mm_nautilus.quoting.budget import MessageBudget
from mm_nautilus.quoting.guards import Bounds, Reason, book_fault
from mm_nautilus.quoting.orders import OrderBookkeeper, OrderStatus, WorkingOrder
from mm_nautilus.quoting.pipeline import (
    Funds,
    ModelOf,
    Quoter,
    Wanted,
    limit_problems,
    size_problems,
    withdrawn,
)
from mm_nautilus.quoting.reconcile import Exposure, Plan, reconcile
from mm_nautilus.quoting.record import quote_decision
from mm_nautilus.quoting.restraint import UNRESTRAINED, Reserved, Restraint
from mm_nautilus.quoting.settings import QuotingSettings


class Requote(Struct, frozen=True, gc=False):
    """The commands of one pass through the pipeline, and its record."""

    plan: Plan
    decision: QuoteDecision


class Desk:
    """What we see, hold, rest and want.

    Parameters
    ----------
    settings : QuotingSettings
        With the parameters of the chosen model.
    grid : Grid
        Lattice of the instrument.
    strategy_id : str
        For the records.
    base_per_lot : callable
        Base units a lot stands for at a price; see `Quoter`. Asked once, on the first pass that prices anything.
    position_lots : int
        Position taken over at the start.
    inventory_limit, model_of
        See `Quoter`.

    Raises
    ------
    ConfigError
        When sizes in the settings do not fit the instrument's lattice.

    """

    __slots__ = (
        "_activity",
        "_asks",
        "_base_per_lot",
        "_bids",
        "_fair_value_of",
        "_grid",
        "_halted",
        "_instrument_id",
        "_inventory_limit",
        "_last",
        "_limit_lots",
        "_lot",
        "_max_book_spread_bps",
        "_model_of",
        "_quoter",
        "_requote_settings",
        "_settings",
        "_sizes",
        "_stale_after_ns",
        "_start_ns",
        "_state",
        "_strategy_id",
        "_tick",
        "_top",
        "adjustment",
        "adverse_ratio",
        "budget",
        "decisions",
        "dirty",
        "intensity",
        "market_ns",
        "orders",
        "position_lots",
        "restraint",
        "target",
        "volatility",
    )

    def __init__(
        self,
        settings: QuotingSettings,
        grid: Grid,
        strategy_id: str,
        base_per_lot: Callable[[float], float],
        position_lots: int = 0,
        inventory_limit: float | None = None,
        model_of: ModelOf | None = None,
    ) -> None:
        if problems := size_problems(settings, grid):
            raise ConfigError("strategy", problems)
        self._settings = settings
        self._grid = grid
        self._base_per_lot = base_per_lot
        self._inventory_limit = inventory_limit
        self._model_of = model_of
        self._tick, self._lot = float(grid.tick), float(grid.lot)
        self._strategy_id = strategy_id
        table = settings.micro_price if settings.fair_value == "micro_price" else None
        self._fair_value_of = FAIR_VALUES[settings.fair_value] if table is None else table.lookup()
        self._bids, self._asks = settings.intensity.sides()
        self._instrument_id = settings.instrument_id
        self._requote_settings = settings.requote
        self._max_book_spread_bps = settings.guards.max_book_spread_bps
        self._stale_after_ns = int(settings.guards.stale_after_s * 1e9)
        self._quoter: Quoter | None = None
        self._start_ns = 0
        self._last: Wanted | None = None
        self._state: MarketState | None = None
        self._limit_lots = int(settings.limits.max_position / grid.lot)
        self._halted = False
        self.restraint: Restraint = UNRESTRAINED
        """What a risk stage and a hedge on this instrument ask of the quotes."""
        self.intensity: RollingIntensity | None = None
        """Fits the intensity anew while trading; ``None`` where the settings' hold."""
        if settings.intensity.rolling_window_s is not None:
            self.intensity = RollingIntensity(settings.intensity, self._tick)
        reads_activity = getattr(find_model(settings.model), "reads_activity", False)
        self._activity = VolumeRatio(settings.activity) if reads_activity else None
        self.volatility = volatility_estimator(settings.volatility)
        self.budget = MessageBudget(settings.requote.messages_per_s, settings.requote.message_burst)
        self.orders = OrderBookkeeper()
        self.adjustment: Adjustment = NEUTRAL
        self.adverse_ratio = 0.0
        """Share of our recent fills that the price went against, in [0, 1]; fed from outside."""
        self.position_lots = position_lots
        self.target = 0.0
        """Inventory that was wanted when a quote was priced last, in base units."""
        self._top: TopOfBook | None = None
        self._sizes: tuple[float, float] | None = None
        self.decisions = 0
        self.market_ns = 0
        """When the market was last heard of, in nanoseconds."""
        self.dirty = True
        """Something other than the market calls for another pass."""

    # ---------------------------------------------------------------- market

    @property
    def top(self) -> TopOfBook | None:
        """Best prices and sizes as they were last heard."""
        top, sizes = self._top, self._sizes
        if sizes is not None and top is not None:
            top = self._top = TopOfBook(top.bid, top.ask, *sizes)
            self._sizes = None
        return top

    @top.setter
    def top(self, top: TopOfBook | None) -> None:
        self._top, self._sizes = top, None

    def resized(self, bid_size: float, ask_size: float) -> None:
        """Other sizes are shown at the same best prices, in base units.

        Most ticks of a market are no more than that, and nobody asks before the next one: `top` makes its value then.
        """
        self._sizes = bid_size, ask_size

    def heard(self, now_ns: int) -> None:
        """The market sent something, whether or not the top of the book moved; the top is still the one before."""
        if self.intensity is not None and (top := self._fit_top()) is not None:
            self.intensity.stood(top, min(now_ns - self.market_ns, self._stale_after_ns) * 1e-9)
        self.market_ns = now_ns

    @property
    def listens_to_trades(self) -> bool:
        """Whether `traded` is of any use to this desk."""
        return self.intensity is not None or self._activity is not None

    def traded(self, ts_event: int, price: float, size: float, aggressor: Side | None, now_ns: int) -> None:
        """Somebody traded on this market.

        Parameters
        ----------
        ts_event : int
            Exchange time, in nanoseconds.
        price : float
            Price units.
        size : float
            Base units.
        aggressor : Side or None
            Side of the order that took liquidity; a trade that hides it counts as volume alone.
        now_ns : int
            Engine time.

        """
        if self._activity is not None:
            self._activity.traded(now_ns, size)
        if self.intensity is not None and aggressor is not None:
            fresh = now_ns - self.market_ns <= self._stale_after_ns
            self.intensity.traded(ts_event, price, aggressor, self._fit_top() if fresh else None)

    def _fit_top(self) -> TopOfBook | None:
        """Return the last top where it was fit to be quoted on when it came."""
        top = self.top
        return top if book_fault(top, self._max_book_spread_bps) is None else None

    def fault(self, now_ns: int) -> Reason | None:
        """Return why the market must not be quoted on now, or ``None``."""
        return self._fault_of(self.top, now_ns)

    def _fault_of(self, top: TopOfBook | None, now_ns: int) -> Reason | None:
        if top is not None and now_ns - self.market_ns > self._stale_after_ns:
            return Reason.STALE_BOOK
        return book_fault(top, self._max_book_spread_bps)

    def sample(self, now_ns: int) -> TopOfBook | None:
        """Take one volatility sample; return the top of the book it was taken from, where it was fit."""
        top = self.top if self.fault(now_ns) is None else None
        self.volatility.sample(None if top is None else self._fair_value_of(top))
        if self.intensity is not None and self.intensity.due(now_ns):
            self._bids, self._asks = self.intensity.bids, self.intensity.asks
        return top

    # --------------------------------------------------------------- quoting

    def requote(
        self,
        trigger: str,
        now_ns: int,
        funds: Funds | None = None,
        bounds: Bounds | None = None,
        anchor: Anchor | None = None,
    ) -> Requote | None:
        """Run the pipeline; return commands and record when anything about our quotes changes.

        Parameters
        ----------
        trigger : str
            What made the pass necessary.
        now_ns : int
            Engine time.
        funds : Funds or None
            Of a cash account.
        bounds : Bounds or None
            What the asset, the venue, the day and the portfolio leave.
        anchor : Anchor or None
            What other markets of the asset say.

        """
        if self.restraint is not UNRESTRAINED:
            bounds = self.restraint.bounds(bounds, self.position_lots)
        top = self._top if self._sizes is None else self.top
        state, wanted = self._decide(top, now_ns, funds, bounds, anchor)
        last = self._last
        same = (
            last is not None
            and wanted.ladder == last.ladder
            and wanted.reasons == last.reasons
            and wanted.quote_state is last.quote_state
        )
        if same and not self.dirty:
            return None
        exposure = self.exposure(wanted.limit_lots, funds, bounds)
        plan = reconcile(
            wanted.ladder,
            self.orders,
            exposure,
            wanted.min_lots,
            self._requote_settings,
            self.budget.available(now_ns),
        )
        self._last = wanted
        self.dirty = plan.deferred > 0
        messages = plan.messages
        if same and messages == 0:
            return None
        self.budget.spend(messages)
        self.decisions += 1
        decision = quote_decision(
            now_ns,
            self._strategy_id,
            self._instrument_id,
            self.decisions,
            trigger,
            top,
            state,
            exposure,
            wanted,
            plan,
            self._tick,
            self._lot,
            ALONE if anchor is None else anchor.record,
        )
        return Requote(plan, decision)

    def _decide(
        self, top: TopOfBook | None, now_ns: int, funds: Funds | None, bounds: Bounds | None, anchor: Anchor | None
    ) -> tuple[MarketState | None, Wanted]:
        restraint = self.restraint
        free = restraint is UNRESTRAINED  # nearly always, and then none of its rules need be asked
        withdraws = Reason.HALTED if self._halted else None if free else restraint.withdraws
        if withdraws is not None:
            return None, withdrawn(withdraws)
        fault, sigma = self._fault_of(top, now_ns), self.volatility.value
        if fault is not None or top is None:
            return None, withdrawn(fault or Reason.NO_BOOK)
        if anchor is not None and anchor.withdraws is not None:
            return None, withdrawn(anchor.withdraws)
        if sigma is None:
            return None, withdrawn(Reason.WARMING_UP)
        if self._quoter is None:
            base_per_lot = self._base_per_lot(top.mid)
            if problems := limit_problems(self._settings, self._grid, base_per_lot, top.mid):
                raise ConfigError("strategy", problems)
            self._quoter = Quoter(self._settings, self._grid, base_per_lot, self._inventory_limit, self._model_of)
            self._start_ns = now_ns
        volume_ratio = 1.0 if self._activity is None else self._activity.value(now_ns)
        fair_value = self._fair_value_of(top) if anchor is None else anchor.fair_value
        state = MarketState(now_ns, top, fair_value, sigma, self._bids, self._asks, volume_ratio, self.adverse_ratio)
        self._state = state
        elapsed_s = (now_ns - self._start_ns) * 1e-9
        adjustment, left = self.adjustment, bounds
        if not free:
            adjustment = restraint.adjusted(adjustment)
            left = restraint.left_to_quotes(bounds, self.position_lots, self._limit_lots)
        wanted = self._quoter.decide(state, self.position_lots, elapsed_s, adjustment, funds, left, anchor)
        self.target = wanted.target
        if not free and adjustment is not self.adjustment:
            wanted = replace(wanted, reasons=(*wanted.reasons, Reason.RISK_WIDENED))
        if self.intensity is not None and self.intensity.notes:
            wanted = replace(wanted, reasons=wanted.reasons + self.intensity.notes)
        return state, wanted

    @property
    def working_lots(self) -> tuple[int, int]:
        """Lots that may still be bought and sold by what works or is in flight, a hedge on this instrument included."""
        orders, hedge = self.orders, self.restraint.hedge
        if hedge is None:
            return orders.open_buy_lots, orders.open_sell_lots
        buying, selling = self.restraint.hedge_lots
        return orders.open_buy_lots + buying, orders.open_sell_lots + selling

    def exposure(self, limit_lots: int, funds: Funds | None = None, bounds: Bounds | None = None) -> Exposure:
        """Return the position and everything that may still change it.

        Parameters
        ----------
        limit_lots : int
            Largest |position| in the worst case.
        funds : Funds or None
            Of a cash account.
        bounds : Bounds or None
            What else may not be passed.

        """
        orders = self.orders
        free = self.restraint.hedge is None
        buying, selling = (orders.open_buy_lots, orders.open_sell_lots) if free else self.working_lots
        return Exposure(
            self.position_lots,
            buying,
            selling,
            limit_lots,
            None if funds is None else funds.buy_lots,
            None if funds is None else funds.sell_lots,
            bounds,
        )

    def skew(self, now_ns: int) -> float | None:
        """Return by how much the model's reservation price falls per base unit held, in price units.

        ``None`` before anything was priced.
        """
        if self._quoter is None or self._state is None:
            return None
        return self._quoter.skew(self._state, self.position_lots, (now_ns - self._start_ns) * 1e-9)

    def dearest_price(self) -> float:
        """Price at which buys must be payable: the best ask, or a working bid above it, in price units."""
        top = self.top
        ask = 0.0 if top is None else top.ask
        bids = [max(o.price_ticks, o.resting_ticks) for o in self.orders if o.side is Side.BUY]
        return max(ask, max(bids, default=0) * self._tick)

    # -------------------------------------------------------------- commands

    def submitting(self, level: Level, client_order_id: str, now_ns: int) -> WorkingOrder:
        """We are about to send a new order."""
        order = WorkingOrder(
            client_order_id,
            level.side,
            level.index,
            self.decisions,
            level.price_ticks,
            level.size_lots,
            quoted_ts_ns=now_ns,
        )
        self.orders.submitted(order)
        return order

    def amending(self, order: WorkingOrder, price_ticks: int, total_lots: int, now_ns: int) -> None:
        """We are about to ask for another price or a smaller size."""
        order.decision_id = self.decisions
        self.orders.amending(order, price_ticks, total_lots, now_ns)

    def cancelling(self, order: WorkingOrder) -> None:
        """We are about to ask for an order's end."""
        order.decision_id = self.decisions
        self.orders.cancelling(order)

    def halt(self) -> None:
        """Want nothing from now on: this and the following passes take back what rests, each order once it can be."""
        self._halted = True
        self.dirty = True

    # -------------------------------------------------------- risk and hedges

    def restrain(self, stage: RiskStage, spread_multiplier: float = 1.0) -> None:
        """Obey a risk stage from the next pass on.

        Parameters
        ----------
        stage : RiskStage
            NORMAL lifts every restraint of an earlier one.
        spread_multiplier : float
            On both half-spreads, at least 1; holds from the stage WIDEN on.

        """
        multiplier = spread_multiplier if stage is not RiskStage.NORMAL else 1.0
        self._hold(replace(self.restraint, stage=stage, spread_multiplier=multiplier))

    def pause(self, *, paused: bool) -> None:
        """Want nothing until told otherwise, whatever the risk stage; what else holds the quotes back stays."""
        self._hold(replace(self.restraint, paused=paused))

    def retune(self, settings: QuotingSettings) -> None:
        """Quote by other settings from the next pass on: prices, sizes, ladder, guards, requotes.

        Estimators keep theirs, and so does the time that the model counts from.

        Raises
        ------
        ConfigError
            When the settings do not fit the instrument; nothing has changed then.

        """
        problems = size_problems(settings, self._grid)
        quoter = self._quoter
        if quoter is not None and self.top is not None:
            base_per_lot = self._base_per_lot(self.top.mid)
            problems += limit_problems(settings, self._grid, base_per_lot, self.top.mid)
            if not problems:
                quoter = Quoter(settings, self._grid, base_per_lot, self._inventory_limit, self._model_of)
        if problems:
            raise ConfigError("strategy", problems)
        self._quoter = quoter
        self._settings, self._requote_settings = settings, settings.requote
        self._max_book_spread_bps = settings.guards.max_book_spread_bps
        self._stale_after_ns = int(settings.guards.stale_after_s * 1e9)
        self._limit_lots = int(settings.limits.max_position / self._grid.lot)
        self.dirty = True

    def resume(self) -> None:
        """Quote again after a `halt` and under no risk stage."""
        self._halted = False
        self.dirty = True
        self.restrain(RiskStage.NORMAL)

    def reserve(self, side: Side, lots: int, *, alone: bool = False) -> None:
        """Make way for a hedge on this instrument from the next pass on, and count its lots from now on.

        Parameters
        ----------
        side : Side
            Of the hedge: the quotes on the other side, which it would trade against, are withdrawn.
        lots : int
            What it may trade.
        alone : bool
            Whether the quotes on its own side go as well.

        """
        self._hold(replace(self.restraint, hedge=Reserved(side, lots, alone)))

    def release(self) -> None:
        """No hedge is out on this instrument, and none is about to be."""
        if self.restraint.hedge is not None:
            self._hold(replace(self.restraint, hedge=None))

    def _hold(self, restraint: Restraint) -> None:
        if restraint != self.restraint:
            self.restraint = restraint
            self.dirty = True

    def hedge_room_lots(self, side: Side) -> int:
        """Lots a hedge may trade now beside our quotes; 0 while one of them could be met."""
        if self.open_lots(side.opposite):
            return 0
        limit = self._limit_lots if self._last is None or not self._last.limit_lots else self._last.limit_lots
        return max(limit - int(side) * self.position_lots - self.open_lots(side), 0)

    def open_lots(self, side: Side) -> int:
        """Lots of our quotes that may still fill on `side`."""
        return self.orders.open_buy_lots if side is Side.BUY else self.orders.open_sell_lots

    def adopt(self, order: WorkingOrder) -> None:
        """Take over an order of an earlier life; the next pass keeps, moves or cancels it."""
        self.decisions = max(self.decisions, order.decision_id)
        self.orders.submitted(order)
        self.dirty = True

    def live_orders(self) -> list[WorkingOrder]:
        """Return the orders that are not being cancelled already.

        A cancel sent before its order is accepted may overtake it and be lost; after a `halt` the pass
        that the acceptance makes necessary cancels it again.
        """
        return [order for order in self.orders if order.status is not OrderStatus.PENDING_CANCEL]

    # ----------------------------------------------------------------- venue

    def accepted(self, order: WorkingOrder) -> None:
        """The venue has the order."""
        self.orders.accepted(order)

    def amended(self, order: WorkingOrder, price_ticks: int, total_lots: int) -> None:
        """The venue changed the order."""
        self.orders.amended(order, price_ticks, total_lots)

    def amend_rejected(self, order: WorkingOrder) -> None:
        """The order rests as it was; the next market event decides anew."""
        self.orders.amend_rejected(order)
        self.dirty = True

    def cancel_rejected(self, order: WorkingOrder) -> None:
        """The order counts as resting; the next market event decides anew."""
        self.orders.cancel_rejected(order)
        self.dirty = True

    def closed(self, order: WorkingOrder) -> None:
        """The order is gone: cancelled, expired, rejected or denied."""
        if order.status is not OrderStatus.PENDING_CANCEL:
            self.dirty = True
        self.orders.closed(order)

    def filled(self, side: Side, lots: int, order: WorkingOrder | None) -> None:
        """We traded; `order` is ``None`` where it is no longer, or never was, among ours."""
        self.position_lots += int(side) * lots
        if order is not None:
            self.orders.filled(order, lots)
        self.dirty = True
