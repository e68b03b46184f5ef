"""A market maker on one instrument, any quoting model, any depth of book.

The class translates: engine event to value, library call, engine command. What to quote is decided
in `mm_nautilus.quoting`; nothing here knows a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from nautilus_trader.common import TimeEvent
from nautilus_trader.model import (
    AggressorSide,
    BookType,
    ClientOrderId,
    InstrumentId,
    OrderAccepted,
    OrderBook,
    OrderBookDeltas,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderSide,
    OrderUpdated,
    Price,
    Quantity,
    QuoteTick,
    TradeTick,
)
from pydantic import BaseModel, Field

from mm_nautilus.adverse_selection.fill_settings import FillWatchSettings
from mm_nautilus.adverse_selection.fill_watch import FillWatch
from mm_nautilus.errors import CatalogError
from mm_nautilus.host.accounts import account_facts
from mm_nautilus.host.arrival import ArrivalAlerts, ArrivalSettings
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.host.funds import CashFunds
from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.traded import Traded, open_orders
from mm_nautilus.inventory.hedge_market import HedgeOrder
from mm_nautilus.inventory.hedge_settings import ONLY_WHAT_MUST_GO, HedgeSettings, TakingTerms
from mm_nautilus.inventory.limits import Limits, side_bounds, surroundings
from mm_nautilus.inventory.state import load_state, save_state
from mm_nautilus.market import Level, Purpose, RiskStage, Side, TopOfBook
from mm_nautilus.messages import (
    TOPIC_ACCOUNT,
    TOPIC_ALERT,
    TOPIC_ASSESSMENT,
    TOPIC_DECISION,
    TOPIC_FILL,
    TOPIC_FILL_FEATURES,
    TOPIC_FILL_RISK,
    TOPIC_MARK,
    TOPIC_ORDER,
    TOPIC_RISK,
    AdverseSelectionAssessment,
    RiskState,
)
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment, combined, of_assessment
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.guards import Bounds
from mm_nautilus.quoting.orders import OrderStatus, WorkingOrder
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model
from mm_nautilus.strategies.hedging import Hedger

_BOOK_TYPES = {"L2": BookType.L2_MBP, "L3": BookType.L3_MBO}
_ORDER_SIDES = {Side.BUY: OrderSide.BUY, Side.SELL: OrderSide.SELL}
_AGGRESSORS = {AggressorSide.BUY: Side.BUY, AggressorSide.SELL: Side.SELL}
# Timers of one instant fire in the order of their names, across strategies.
_SAMPLE_TIMER = "10_sample_"
_RISK_TIMER = "15_fill_risk_"
_END_ALERT = "20_end_"


class MarketMakerSettings(QuotingSettings):
    """What a `MarketMaker` is told."""

    adverse_selection: FillWatchSettings = FillWatchSettings()
    arrival: ArrivalSettings = Field(
        default=ArrivalSettings(), description="Command latencies of the simulated venue; filled in by the backtest."
    )
    maker_fee_reserve: float = Field(
        default=0.0,
        ge=0,
        lt=0.1,
        description="Fee, as a fraction of price, that buys of a cash account leave money for; set by the backtest.",
    )
    taking: dict[str, TakingTerms] = Field(
        default_factory=dict, description="What taking liquidity costs at each venue; filled in by the backtest."
    )
    state_file: Path | None = Field(
        default=None,
        description="File that the state is kept in, so that a killed process goes on where it was: written before a "
        "hedge leaves and, where something was filled, at every sample. Leave it out in a backtest.",
    )
    hedge: HedgeSettings | None = Field(
        default=None, description="When and where to hedge; without it only what must go is."
    )


class MarketMakerConfig(TypedStrategyConfig):
    """The engine's fields, `MarketMakerSettings` and the parameters of the chosen model, in one flat table."""

    settings: MarketMakerSettings

    @classmethod
    def settings_type(cls, fields: Mapping[str, Any]) -> type[BaseModel]:
        """Return the settings joined with the parameters of the model that `fields` names."""
        default = MarketMakerSettings.model_fields["model"].default
        return settings_with_model(MarketMakerSettings, str(fields.get("model", default)))


class MarketMaker(GuardedStrategy):
    """Quotes both sides of one instrument.

    Publishes every `QuoteDecision`, `OrderFact`, `FillFact` and, once a sampling interval, a `MarkFact`; where it is to
    watch its fills, a `FillFeatureFact` at each, and with a trained model every `FillRiskFact`.

    Parameters
    ----------
    config : MarketMakerConfig
        What to quote and how.

    """

    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        settings = config.settings
        self._settings = settings
        self._instrument_id = InstrumentId.from_str(settings.instrument_id)
        self._sizes_matter = settings.fair_value != "mid"
        self._book: OrderBook | None = None
        self._started = False
        self._saved: dict[str, Any] | None = None
        self._assessed: Adjustment = NEUTRAL
        self._risk_timer = ""

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Find the instrument, take over the position and subscribe."""
        instrument = self.cache.instrument(self._instrument_id)
        if instrument is None:
            raise CatalogError(f"{self._settings.instrument_id}: no such instrument in the run's data or venue")
        self._clock = self.clock
        self._portfolio = self.portfolio
        self._order_factory = self.order_factory
        strategy_id = str(self.strategy_id)
        settings, balances = self._settings, dict[str, dict[str, Decimal]]()
        shared = balances.setdefault(str(instrument.venue), {})
        self._funds = CashFunds.of(self._portfolio, instrument, settings.maker_fee_reserve, shared)
        self._traded = Traded(instrument, strategy_id, self._funds)
        self._lattice = self._traded.lattice
        self._lot = self._lattice.grid.lot
        self._bid: Price | None = None
        self._ask: Price | None = None
        self._mismatches = 0
        self._restraints: dict[str, RiskState] = {}
        self._desk = Desk(
            settings, self._lattice.grid, strategy_id, self._lattice.base_per_lot, self._engine_position_lots()
        )
        self._facts = self._traded.facts
        self._hedger = Hedger(
            self,
            settings.hedge or ONLY_WHAT_MUST_GO,
            settings.taking,
            self._traded,
            self._desk,
            int(settings.limits.max_position / self._lot),
            settings.age,
            settings.book,
            settings.volatility.sample_interval_s,
            settings.arrival.end_ns,
            balances,
            settings.limits.day_begins_utc,
            self._persist,
        )
        self._watch = FillWatch.of(settings.adverse_selection, strategy_id, settings.instrument_id, self._lattice.grid)
        self._booked = self._kept = 0
        if self._saved is None and settings.state_file is not None:
            self._saved = load_state(settings.state_file)
        self._old = False
        self._limits = Limits.of(settings.limits) if settings.limits.reach_beyond_the_instrument else None
        if self._saved is not None:
            self._recover(self._saved)
        self._adopt_orders()
        self._arrivals = ArrivalAlerts(self._clock, f"zz_{strategy_id}_")
        if self._settings.book == "L1":
            self.subscribe_quotes(self._instrument_id)
        else:
            book_type = _BOOK_TYPES[self._settings.book]
            self._book = self._traded.book = OrderBook(self._instrument_id, book_type)
            self.subscribe_book_deltas(self._instrument_id, book_type)
        if self._desk.listens_to_trades or self._watch is not None:
            self.subscribe_trades(self._instrument_id)
        self._hedger.start()
        self.subscribe_topic(TOPIC_RISK, self.guard(self._on_risk))
        if settings.adverse_selection.act:
            on_assessment: Callable[[Any], None] = self._on_assessment
            self.subscribe_topic(TOPIC_ASSESSMENT, self.guard(on_assessment))
        self._set_timers()
        self._started = True
        self._publish_accounts()

    def _set_timers(self) -> None:
        """Sample from now on, and stop quoting where the data end."""
        strategy_id = str(self.strategy_id)
        interval_ns = int(self._settings.volatility.sample_interval_s * 1e9)
        self._sample_timer = _SAMPLE_TIMER + strategy_id
        self._clock.set_timer_ns(self._sample_timer, interval_ns, callback=self.guard(self._on_sample))
        if self._watch is not None and self._watch.acts:
            self._risk_timer = _RISK_TIMER + strategy_id
            self._clock.set_timer_ns(self._risk_timer, self._watch.every_ns, callback=self.guard(self._on_fill_risk))
        last_quote_ns = self._settings.arrival.last_quote_ns
        if last_quote_ns is not None and last_quote_ns <= self._clock.timestamp_ns():
            self._desk.halt()  # an alert in the past would fire only after the first event
        elif last_quote_ns is not None:
            self._clock.set_time_alert_ns(_END_ALERT + strategy_id, last_quote_ns, callback=self.guard(self._on_end))

    def _recover(self, saved: Mapping[str, Any]) -> None:
        """Take up an earlier life: its books, its hedges, and the orders that it left behind."""
        now_ns = self._clock.timestamp_ns()
        self._desk.volatility.load(saved["volatility"])
        recovery = self._hedger.recover(saved["books"], now_ns)
        for difference in recovery.differences:
            self.log.warning(
                f"{difference.instrument_id}: the position is {difference.venue}, the books of the last run and the "
                f"fills since say {difference.ledger}; the former is taken"
            )

    def _adopt_orders(self) -> None:
        """Take over quotes of an earlier life that may still fill, so that none is forgotten."""
        for order in open_orders(self, self._instrument_id):
            if not order.is_post_only:
                continue
            working = WorkingOrder(
                str(order.client_order_id),
                Side.BUY if order.side == OrderSide.BUY else Side.SELL,
                0,
                0,
                self._lattice.ticks(order.price),
                self._lattice.lots(order.quantity),
                self._lattice.lots(order.filled_qty),
            )
            self._desk.adopt(working)
            if order.venue_order_id is not None:
                self._desk.accepted(working)

    def on_resume(self) -> None:
        """Quote again after a stop; a risk stage that still holds is obeyed, and a failure is final.

        What happened meanwhile, of which a stopped strategy is not told, is read from the engine first.
        """
        if not self._started or self.fatal is not None:
            return
        now_ns = self._clock.timestamp_ns()
        for event in self._hedger.executions():
            self._book_fill(event)
        self._hedger.end_hedges(now_ns)
        for order in list(self._desk.orders):
            known = self.cache.order(ClientOrderId(order.client_order_id))
            if known is None or known.is_closed:
                self._desk.closed(order)
        self._desk.resume()
        self._set_timers()
        self._obey()
        self._publish_accounts()

    def on_stop(self) -> None:
        """Cancel every order; the position stays.

        No answer reaches a stopped strategy, so a cancel that overtakes its order's submit is lost; a
        backtest that knows its end has taken every order back by then.
        """
        if self._started:
            timers = {self._sample_timer, self._risk_timer, _END_ALERT + str(self.strategy_id)}
            for name in timers & set(self._clock.timer_names()):
                self._clock.cancel_timer(name)
            self.withdraw()
            self._hedger.stop()
            self._persist()
            self._publish_accounts()

    def withdraw(self) -> None:
        """Quote no more, and cancel every order, in flight or resting, that is not being cancelled already."""
        if self._started:
            self._desk.halt()
            self._cancel(self._desk.live_orders(), self._clock.timestamp_ns())

    def on_save(self) -> dict[str, bytes]:
        """Return what a restart needs: the books of all fills and hedges, and the volatility."""
        if not self._started:
            return {}
        return {"market_maker": orjson.dumps(self._state())}

    def _state(self) -> dict[str, Any]:
        return {"books": self._hedger.control.save(), "volatility": self._desk.volatility.save()}

    def _persist(self) -> None:
        """Keep the state on the disk, where a file is stated; what is there is whole, or what was there before."""
        if self._settings.state_file is not None:
            save_state(self._settings.state_file, self._state())
            self._kept = self._booked

    def on_load(self, state: dict[str, bytes]) -> None:
        """Keep what `on_save` returned for the start; the position itself is taken from the engine then."""
        saved = state.get("market_maker")
        self._saved = None if saved is None else orjson.loads(saved)

    # ---------------------------------------------------------------- market

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the best prices of an L1 feed, and think only when they have moved."""
        if self._hedger.elsewhere and quote.instrument_id != self._instrument_id:
            self._hedger.on_quote(quote)
            return
        top = TopOfBook(
            quote.bid_price.as_double(),
            quote.ask_price.as_double(),
            quote.bid_size.as_double(),
            quote.ask_size.as_double(),
        )
        desk = self._desk
        desk.heard(quote.ts_init)
        last, desk.top = desk.top, top
        if self._watch is not None:
            self._watch.features.moved(quote.ts_init, top)
        if desk.dirty or last is None or self._moved(last, top):
            self._requote("quote", quote.ts_init)

    def _moved(self, last: TopOfBook, top: TopOfBook) -> bool:
        """Return whether the prices moved, or the sizes where they count; a side of no size is no side."""
        if top.bid != last.bid or top.ask != last.ask:
            return True
        sizes_count = self._sizes_matter or not (top.bid_size and top.ask_size and last.bid_size and last.ask_size)
        return sizes_count and top != last

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Bring our own book up to date, and think only when its top has moved."""
        if self._hedger.elsewhere and deltas.instrument_id != self._instrument_id:
            self._hedger.on_book_deltas(deltas)
            return
        book = self._book
        if book is None:
            return
        book.apply_deltas(deltas)
        desk = self._desk
        desk.heard(deltas.ts_init)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if self._watch is not None:
            self._watch.features.moved(deltas.ts_init, _top(book, bid, ask))
        if bid == self._bid and ask == self._ask and not (desk.dirty or self._sizes_matter):
            return
        self._bid, self._ask = bid, ask
        desk.top = _top(book, bid, ask)
        self._requote("book", deltas.ts_init)

    def on_trade(self, trade: TradeTick) -> None:
        """Tell the desk what traded, where it measures that."""
        aggressor = _AGGRESSORS.get(trade.aggressor_side)
        price, size = trade.price.as_double(), trade.size.as_double()
        self._desk.traded(trade.ts_event, price, size, aggressor, trade.ts_init)
        if self._watch is not None:
            self._watch.features.traded(trade.ts_init, price, size, aggressor)

    def _on_sample(self, event: TimeEvent) -> None:
        """Sample the fair value, check the position, mark, and let time-dependent quotes move."""
        now_ns = event.ts_event
        top = self._desk.sample(now_ns)
        if self._settings.limits.check_position:
            self._check_position()
        self._warn_of_age(now_ns)
        self._step_hedge(now_ns)
        self._requote("sample", now_ns)
        self.publish_message(TOPIC_MARK, self._facts.mark(now_ns, top, self._desk))
        self._hedger.sample(now_ns)
        if self._booked != self._kept:
            self._persist()

    def _on_fill_risk(self, event: TimeEvent) -> None:
        """Predict what a fill now would turn out to be, and let the quotes follow."""
        now_ns, desk, watch = event.ts_event, self._desk, self._watch
        if watch is None:
            return
        self.publish_message(TOPIC_FILL_RISK, watch.assess(now_ns, desk.volatility.value, self._inventory_share()))
        if watch.alert is not None:
            self.log.warning(watch.alert.text)
            self.publish_message(TOPIC_ALERT, watch.alert)
        desk.adjustment = combined(self._assessed, watch.adjustment)
        self._requote("fill risk", now_ns)

    def _on_assessment(self, assessment: AdverseSelectionAssessment) -> None:
        """Do what the adverse-selection monitor asks for."""
        if assessment.instrument_id != self._settings.instrument_id:
            return
        desk, self._assessed = self._desk, of_assessment(assessment)
        desk.adjustment = self._assessed if self._watch is None else combined(self._assessed, self._watch.adjustment)
        desk.adverse_ratio = assessment.adverse_ratio
        self._requote("assessment", assessment.ts_ns)

    def _on_end(self, event: TimeEvent) -> None:
        """Take every order back while answers can still be heard."""
        self._desk.halt()
        self._requote("end", event.ts_event)

    # ------------------------------------------------------- risk and hedges

    def _on_risk(self, state: Any) -> None:
        """Obey what the risk monitor says of everything, or of our instrument."""
        assert isinstance(state, RiskState)
        if state.instrument_id not in {"", str(self._instrument_id)}:
            return
        self._restraints[state.instrument_id] = state
        self._obey()

    def _obey(self) -> None:
        """Let the graver of the stages hold that are asked of everything and of our instrument."""
        states = self._restraints.values()
        stage = max((RiskStage[state.stage] for state in states), default=RiskStage.NORMAL)
        multiplier = max((state.spread_multiplier for state in states), default=1.0)
        self._desk.restrain(stage, multiplier)
        self._hedger.control.stage = stage
        self.hedge(self._clock.timestamp_ns(), "risk")

    def hedge(self, now_ns: int, trigger: str = "hedge") -> None:
        """Hedge what must be hedged now, and let the quotes make way for it."""
        self._step_hedge(now_ns)
        self._requote(trigger, now_ns)

    def _step_hedge(self, now_ns: int) -> None:
        if self.fatal is not None:
            return
        desk = self._desk
        sigma = desk.volatility.value
        self._hedger.step(now_ns, desk.top, desk.market_ns, sigma, lambda: desk.skew(now_ns), desk.target)

    def _bounds(self, top: TopOfBook) -> Bounds | None:
        """Return what the asset, the venue, the day and the portfolio leave us to quote."""
        if self._limits is None or not top.mid > 0.0:
            return None
        control = self._hedger.control
        unit = self._lattice.base_per_lot(top.mid)
        traded, venue = control.ledger.volume, self._traded.venue
        around = surroundings(self._traded.asset, venue, self._hedger.holdings())
        volume = float(traded.value(self._clock.timestamp_ns()))
        return side_bounds(self._desk.position_lots * unit, top.mid, unit, self._limits, around, volume)

    def _warn_of_age(self, now_ns: int) -> None:
        """Say once that a position has become old, before it is too old."""
        line = self._hedger.control.ledger.line(self._traded.name)
        age_s = line.lots.oldest_age_s(max(now_ns, line.last_ts_ns))  # the venue's clock may be ahead of ours
        old = age_s is not None and age_s >= self._settings.age.warn_after_s
        if old and not self._old:
            limit_s = self._settings.age.liquidate_after_s
            self.log.warning(f"{self._traded.name}: the oldest lot is {age_s:.0f} s old; liquidated at {limit_s:.0f} s")
        self._old = old

    def _check_position(self) -> None:
        counted, engine = self._desk.position_lots, self._engine_position_lots()
        name, ours, theirs = self._settings.instrument_id, counted * self._lot, engine * self._lot
        if counted == engine:
            name, ours, theirs = self._hedger.difference() or (name, ours, theirs)
        self._mismatches = 0 if ours == theirs else self._mismatches + 1
        if self._mismatches >= 2:  # once may be a fill on its way to us
            raise RuntimeError(f"{name}: position counted from fills is {ours}, the engine's is {theirs}")

    def _engine_position_lots(self) -> int:
        # The engine nets in binary floats; a lot is far coarser than their error.
        lots: int = round(self._portfolio.net_position(self._instrument_id) / self._lot)
        return lots

    # --------------------------------------------------------------- quoting

    def _requote(self, trigger: str, now_ns: int) -> None:
        """Ask the desk and do what it says."""
        top = self._desk.top
        if top is None:
            return
        funds = None if self._funds is None or top.ask <= 0 else self._funds.at(self._desk.dearest_price())
        requote = self._desk.requote(trigger, now_ns, funds, self._bounds(top))
        if requote is None:
            return
        self.publish_message(TOPIC_DECISION, requote.decision)
        plan = requote.plan
        self._cancel(plan.cancels, now_ns)
        for amend in plan.amends:
            self._amend(amend.order, amend.price_ticks, amend.total_lots, now_ns)
        for level in plan.submits:
            self._submit(level, now_ns)

    def _inventory_share(self) -> float:
        return float(self._desk.position_lots * self._lattice.grid.lot / self._settings.limits.max_position)

    # -------------------------------------------------------------- commands

    def _submit(self, level: Level, now_ns: int) -> None:
        order = self._order_factory.limit(
            self._instrument_id,
            _ORDER_SIDES[level.side],
            self._lattice.quantity(level.size_lots),
            self._lattice.price(level.price_ticks),
            post_only=True,
        )
        working = self._desk.submitting(level, str(order.client_order_id), now_ns)
        self._publish_order(working, "SUBMIT", now_ns)
        self.submit_order(order)
        self._arrivals.expect(now_ns, self._settings.arrival.submit_ns)

    def _amend(self, order: WorkingOrder, price_ticks: int, total_lots: int, now_ns: int) -> None:
        quantity = None if total_lots == order.total_lots else self._lattice.quantity(total_lots)
        price = None if price_ticks == order.price_ticks else self._lattice.price(price_ticks)
        self._desk.amending(order, price_ticks, total_lots, now_ns)
        self._publish_order(order, "AMEND", now_ns)
        self.modify_order(ClientOrderId(order.client_order_id), quantity, price)
        self._arrivals.expect(now_ns, self._settings.arrival.amend_ns)

    def _cancel(self, orders: Sequence[WorkingOrder], now_ns: int) -> None:
        if not orders:
            return
        for order in orders:
            self._desk.cancelling(order)
            self._publish_order(order, "CANCEL", now_ns)
        ids = [ClientOrderId(order.client_order_id) for order in orders]
        if len(ids) == 1:
            self.cancel_order(ids[0])
        else:
            self.cancel_orders(ids)
        self._arrivals.expect(now_ns, self._settings.arrival.cancel_ns)

    # ---------------------------------------------------------------- orders

    def on_order_accepted(self, event: OrderAccepted) -> None:
        """Let an order that was in flight be moved."""
        order = self._find(event)
        if order is not None:
            self._desk.accepted(order)
            self._answered(order, "ACCEPTED", event.ts_event)
        elif (hedge := self._hedge_of(event)) is not None:
            self._hedger.answered(hedge, "ACCEPTED", event.ts_event)

    def on_order_updated(self, event: OrderUpdated) -> None:
        """Take over the price and size the venue reports."""
        order = self._find(event)
        if order is not None:
            price_ticks = order.price_ticks if event.price is None else self._lattice.ticks(event.price)
            self._desk.amended(order, price_ticks, self._lattice.lots(event.quantity))
            self._answered(order, "UPDATED", event.ts_event)

    def on_order_modify_rejected(self, event: OrderModifyRejected) -> None:
        """Keep what rests; the next market event decides anew."""
        order = self._find(event)
        if order is not None:
            self._desk.amend_rejected(order)
            self._publish_order(order, "MODIFY_REJECTED", event.ts_event, event.reason)

    def on_order_cancel_rejected(self, event: OrderCancelRejected) -> None:
        """Count the order as resting, and ask the venue what has become of it."""
        order = self._find(event)
        if order is not None:
            self._desk.cancel_rejected(order)
            self._publish_order(order, "CANCEL_REJECTED", event.ts_event, event.reason)
            self.query_order(self.cache.order(event.client_order_id))

    def on_order_canceled(self, event: OrderCanceled) -> None:
        """Free the order's exposure."""
        self._closed(event, "CANCELED")

    def on_order_expired(self, event: OrderExpired) -> None:
        """Free the order's exposure."""
        self._closed(event, "EXPIRED")

    def on_order_rejected(self, event: OrderRejected) -> None:
        """Free the order's exposure; the next market event decides anew."""
        self._closed(event, "REJECTED", event.reason)

    def on_order_denied(self, event: OrderDenied) -> None:
        """Free the order's exposure; the next market event decides anew."""
        self._closed(event, "DENIED", event.reason)

    def on_order_filled(self, event: OrderFilled) -> None:
        """Book it once, move the position, tell everyone, hedge and quote anew."""
        if self._book_fill(event):
            self._step_hedge(event.ts_event)
            self._requote("fill", event.ts_event)

    def _book_fill(self, event: OrderFilled) -> bool:
        """Book an execution and tell everyone; return whether it is news."""
        side = Side.BUY if event.order_side == OrderSide.BUY else Side.SELL
        hedge = self._hedge_of(event)
        purpose = Purpose.QUOTE if hedge is None else hedge.cause.purpose
        if not self._hedger.filled(event, side, purpose):
            return False
        self._booked += 1
        desk = self._desk
        order = self._find(event)
        if hedge is None and self._watch is not None:
            self._publish_features(self._watch, event, side)
        if hedge is None or hedge.instrument_id == self._settings.instrument_id:
            desk.filled(side, self._lattice.lots(event.last_qty), order)
        if hedge is not None:
            self._hedger.publish_fill(event, side, hedge)
            return True
        if self._watch is not None and self._find(event) is None:
            self._watch.features.gone(str(event.client_order_id), event.ts_event)
        self.publish_message(TOPIC_FILL, self._facts.fill(event, side, order, desk.position_lots, desk.top))
        return True

    def _hedge_of(self, event: Any) -> HedgeOrder | None:
        hedge: HedgeOrder | None = self._hedger.order_of(str(event.client_order_id))
        return hedge

    def _find(self, event: Any) -> WorkingOrder | None:
        return self._desk.orders.get(str(event.client_order_id))

    def _answered(self, order: WorkingOrder, name: str, ts_ns: int) -> None:
        self._publish_order(order, name, ts_ns)
        if self._watch is not None:
            price = order.resting_ticks * float(self._lattice.grid.tick)
            self._watch.features.rested(order.client_order_id, order.side, price, ts_ns)
        if self._desk.dirty:
            self._requote("order", ts_ns)

    def _closed(self, event: Any, name: str, reason: str = "") -> None:
        order = self._find(event)
        if order is None:
            hedge = self._hedge_of(event)
            if hedge is not None and self._hedger.control.desk.is_out(hedge.client_order_id):
                self._hedger.closed(hedge, name, event.ts_event, reason)
                self.hedge(event.ts_event)
            return
        waited_for = order.status is OrderStatus.PENDING_CANCEL and self._desk.dirty
        self._desk.closed(order)
        if self._watch is not None:
            self._watch.features.gone(order.client_order_id, event.ts_event)
        self._publish_order(order, name, event.ts_event, reason)
        if self._hedger.control.desk.decision is not None:
            self._step_hedge(event.ts_event)  # our own quotes may have stood in its way
            waited_for = waited_for or self._desk.dirty
        if waited_for:
            self._requote("order", event.ts_event)

    # ----------------------------------------------------------------- facts

    def _publish_features(self, watch: FillWatch, event: OrderFilled, side: Side) -> None:
        """Record what was known before the fill."""
        fact = watch.filled(
            event.ts_event,
            side,
            str(event.client_order_id),
            str(event.trade_id),
            event.last_px.as_decimal(),
            event.last_qty.as_decimal(),
            self._desk.volatility.value,
            self._inventory_share(),
        )
        if fact is not None:
            self.publish_message(TOPIC_FILL_FEATURES, fact)

    def _publish_accounts(self) -> None:
        venue, now_ns = str(self._instrument_id.venue), self._clock.timestamp_ns()
        for fact in account_facts(self._portfolio, venue, now_ns):
            self.publish_message(TOPIC_ACCOUNT, fact)
        self._hedger.publish_accounts(venue, now_ns)

    def _publish_order(self, order: WorkingOrder, event: str, ts_ns: int, reason: str = "") -> None:
        self.publish_message(TOPIC_ORDER, self._facts.order(order, event, ts_ns, reason))


def _top(book: OrderBook, bid: Price | None, ask: Price | None) -> TopOfBook:
    return TopOfBook(_double(bid), _double(ask), _double(book.best_bid_size()), _double(book.best_ask_size()))


def _double(value: Price | Quantity | None) -> float:
    """Return a price or size of the book, 0 where that side is empty."""
    return 0.0 if value is None else value.as_double()
