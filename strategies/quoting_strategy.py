"""What every strategy that quotes has in common: legs, one set of books, hedges, restarts, and who hears which event.

A subclass opens its legs and its `Hedger` in `_open` and says when they are quoted anew. What is written down about an
answer bears the venue's time (``ts_event``); what is decided because of it is decided when it has reached us
(``ts_init``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from nautilus_trader.common import TimeEvent
from nautilus_trader.model import (
    InstrumentId,
    OrderAccepted,
    OrderBookDeltas,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderUpdated,
    QuoteTick,
    TradeTick,
)
from pydantic import BaseModel

from mm_nautilus.errors import CatalogError
from mm_nautilus.host.accounts import account_facts
from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.host.funds import CashFunds
from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.traded import Traded, is_ours
from mm_nautilus.inventory.hedge_market import HedgeOrder
from mm_nautilus.inventory.limits import Holding, Limits, side_bounds, surroundings
from mm_nautilus.inventory.state import load_state, save_state
from mm_nautilus.market import Purpose, RiskStage, TopOfBook
from mm_nautilus.messages import TOPIC_ACCOUNT, TOPIC_ASSESSMENT, TOPIC_RISK, AdverseSelectionAssessment, RiskState
from mm_nautilus.quoting.guards import Bounds
from mm_nautilus.quoting.limit_settings import AgeSettings
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model
from mm_nautilus.strategies.hedging import Hedger
from mm_nautilus.strategies.leg import QuotingLeg

# Timers of one instant fire in the order of their names, across strategies.
_SAMPLE_TIMER = "10_sample_"
_RISK_TIMER = "15_fill_risk_"
_END_ALERT = "20_end_"


class QuotingConfig(TypedStrategyConfig):
    """Base of the configs whose settings name a quoting model: its parameters stand in the same flat table."""

    @classmethod
    def settings_type(cls, fields: Mapping[str, Any]) -> type[BaseModel]:
        """Return the settings joined with the parameters of the model that `fields` names."""
        declared: Any = super().settings_type(fields)
        return settings_with_model(declared, str(fields.get("model", declared.model_fields["model"].default)))


class QuotingStrategy(GuardedStrategy):
    """Base of the strategies that quote; see the module.

    Parameters
    ----------
    config : TypedStrategyConfig
        Of the subclass.

    """

    saved_as = "quoting"
    """Key of the state that is saved."""
    _hedger: Hedger
    recovery: Any = None
    """What a restart found, a `Recovery`; ``None`` where nothing was saved."""

    def __init__(self, config: TypedStrategyConfig) -> None:
        super().__init__(config)
        self._started = False
        self._saved: dict[str, Any] | None = None
        self._legs: dict[InstrumentId, QuotingLeg] = {}
        self._only: QuotingLeg | None = None
        self._sample_s = 1.0
        self._risk_every_ns: int | None = None
        self._arrival = ArrivalSettings()
        self._state_file: Path | None = None
        self._age = AgeSettings()
        self._check_positions = True
        self._acts_on_assessments = False

    # ----------------------------------------------------- what a subclass says

    def _open(self) -> None:
        """Set `_legs` and `_hedger`; nothing has been subscribed to yet."""
        raise NotImplementedError

    def _requote_all(self, trigger: str, now_ns: int) -> None:
        """Quote every leg anew."""
        for leg in self._legs.values():
            leg.requote(trigger, now_ns)

    def _market_moved(self, leg: QuotingLeg, trigger: str, now_ns: int) -> None:
        """Quote anew what depends on the market of a leg that moved."""
        leg.requote(trigger, now_ns)

    def _filled(self, now_ns: int) -> None:
        """Quote anew what depends on a position that moved; the hedges are sent by now."""
        self._requote_all("fill", now_ns)

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Find the instruments, take over the positions and subscribe."""
        self._clock = self.clock
        self._portfolio = self.portfolio
        self._mismatches = 0
        self._booked = self._kept = 0
        self._old: set[str] = set()
        self._restraints: dict[str, RiskState] = {}
        self._open()
        legs = list(self._legs.values())
        self._only = legs[0] if len(legs) == 1 and not self._hedger.elsewhere else None
        if self._saved is None and self._state_file is not None:
            self._saved = load_state(self._state_file)
        if self._saved is not None:
            self._recover(self._saved)
        self._adopt_orders()
        for leg in legs:
            leg.subscribe()
        self._hedger.start()
        self.subscribe_topic(TOPIC_RISK, self.guard(self._on_risk))
        if self._acts_on_assessments:
            on_assessment: Callable[[Any], None] = self._on_assessment
            self.subscribe_topic(TOPIC_ASSESSMENT, self.guard(on_assessment))
        self._set_timers()
        self._started = True
        self._publish_accounts()

    def _find_instrument(self, name: str, fee_reserve: float, balances: dict[str, dict[str, Decimal]]) -> Traded:
        """Return an instrument of the run; `balances` are those of the cash accounts in use, by venue."""
        instrument = self.cache.instrument(InstrumentId.from_str(name))
        if instrument is None:
            raise CatalogError(f"{name}: no such instrument in the run's data or venue")
        shared = balances.setdefault(str(instrument.venue), {})
        return Traded(instrument, str(self.strategy_id), CashFunds.of(self._portfolio, instrument, fee_reserve, shared))

    def _position_lots(self, traded: Traded) -> int:
        """Return the engine's net position."""
        # The engine nets in binary floats; a lot is far coarser than their error.
        lots: int = round(self._portfolio.net_position(traded.id) / traded.lattice.grid.lot)
        return lots

    def _set_timers(self) -> None:
        """Sample from now on, and stop quoting where the data end."""
        strategy_id = str(self.strategy_id)
        interval_ns = int(self._sample_s * 1e9)
        self._clock.set_timer_ns(_SAMPLE_TIMER + strategy_id, interval_ns, callback=self.guard(self._on_sample))
        if self._risk_every_ns is not None:
            self._clock.set_timer_ns(
                _RISK_TIMER + strategy_id, self._risk_every_ns, callback=self.guard(self._on_fill_risk)
            )
        last_quote_ns = self._arrival.last_quote_ns
        if last_quote_ns is not None and last_quote_ns <= self._clock.timestamp_ns():
            self._halt()  # an alert in the past would fire only after the first event
        elif last_quote_ns is not None:
            self._clock.set_time_alert_ns(_END_ALERT + strategy_id, last_quote_ns, callback=self.guard(self._on_end))

    def _halt(self) -> None:
        for leg in self._legs.values():
            leg.desk.halt()

    def _recover(self, saved: Mapping[str, Any]) -> None:
        """Take up an earlier life: its books, its hedges, and the orders that it left behind."""
        for leg in self._legs.values():
            if leg.name in saved["volatility"]:
                leg.desk.volatility.load(saved["volatility"][leg.name])
        recovery = self.recovery = self._hedger.recover(saved["books"], self._clock.timestamp_ns())
        for difference in recovery.differences:
            self.log.warning(
                f"{difference.instrument_id}: the position is {difference.venue}, the books of the last run and the "
                f"fills since say {difference.ledger}; the former is taken"
            )

    def _adopt_orders(self) -> None:
        """Take over quotes of an earlier life that may still fill."""
        for leg in self._legs.values():
            leg.adopt_orders()

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
        for leg in self._legs.values():
            leg.forget_closed()
            leg.desk.resume()
        self._set_timers()
        self._obey()
        self._publish_accounts()

    def on_stop(self) -> None:
        """Cancel every order; the position stays.

        No answer reaches a stopped strategy, so a cancel that overtakes its order's submit is lost; a
        backtest that knows its end has taken every order back by then.
        """
        if self._started:
            timers = {prefix + str(self.strategy_id) for prefix in (_SAMPLE_TIMER, _RISK_TIMER, _END_ALERT)}
            for name in timers & set(self._clock.timer_names()):
                self._clock.cancel_timer(name)
            self.withdraw()
            self._hedger.stop()
            self._persist()
            self._publish_accounts()

    def withdraw(self) -> None:
        """Quote no more, and cancel every order, in flight or resting, that is not being cancelled already."""
        if self._started:
            for leg in self._legs.values():
                leg.withdraw(self._clock.timestamp_ns())

    # -------------------------------------------------------------- operator

    @property
    def legs(self) -> Mapping[str, QuotingLeg]:
        """What is quoted, by instrument id."""
        return {leg.name: leg for leg in self._legs.values()}

    def pause(self, *, paused: bool) -> None:
        """Take all quotes back, or quote again where nothing else stands against it; hedges go on."""
        for leg in self._legs.values():
            leg.desk.pause(paused=paused)
        self._requote_all("operator", self._clock.timestamp_ns())

    def retune(self, settings: QuotingSettings, leg: QuotingLeg) -> None:
        """Quote a leg by other settings from now on; see `mm_nautilus.quoting.retune`."""
        leg.retune(settings)
        leg.requote("operator", self._clock.timestamp_ns())

    def on_save(self) -> dict[str, bytes]:
        """Return what a restart needs: the books of all fills and hedges, and what was estimated."""
        if not self._started:
            return {}
        return {self.saved_as: orjson.dumps(self._state())}

    def _state(self) -> dict[str, Any]:
        volatility = {leg.name: leg.desk.volatility.save() for leg in self._legs.values()}
        return {"books": self._hedger.control.save(), "volatility": volatility}

    def _persist(self) -> None:
        """Keep the state on the disk, where a file is stated; what is there is whole, or what was there before."""
        if self._state_file is not None:
            save_state(self._state_file, self._state())
            self._kept = self._booked

    def on_load(self, state: dict[str, bytes]) -> None:
        """Keep what `on_save` returned for the start; the position itself is taken from the engine then."""
        saved = state.get(self.saved_as)
        self._saved = None if saved is None else orjson.loads(saved)

    # ---------------------------------------------------------------- market

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the best prices of an L1 feed, and think only when they have moved."""
        leg = self._only or self._legs.get(quote.instrument_id)
        if leg is None:
            self._hedger.on_quote(quote)
        elif leg.on_quote(quote):
            self._market_moved(leg, "quote", quote.ts_init)

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Bring a book up to date, and think only when its top has moved."""
        leg = self._only or self._legs.get(deltas.instrument_id)
        if leg is None:
            self._hedger.on_book_deltas(deltas)
        elif leg.on_book_deltas(deltas):
            self._market_moved(leg, "book", deltas.ts_init)

    def on_trade(self, trade: TradeTick) -> None:
        """Tell the desk what traded, where it measures that."""
        leg = self._only or self._legs.get(trade.instrument_id)
        if leg is not None:
            leg.on_trade(trade)

    def _on_sample(self, event: TimeEvent) -> None:
        """Sample the volatility, check the positions, mark, and let time-dependent quotes move."""
        now_ns = event.ts_event
        tops = [leg.desk.sample(now_ns) for leg in self._legs.values()]
        self._sampled(now_ns)
        if self._check_positions:
            self._check_position()
        for leg in self._legs.values():
            self._warn_of_age(leg, now_ns)
        self._step_hedge(now_ns)
        self._requote_all("sample", now_ns)
        for leg, top in zip(self._legs.values(), tops, strict=True):
            leg.mark(now_ns, top)
        self._hedger.sample(now_ns)
        if self._booked != self._kept:
            self._persist()

    def _sampled(self, now_ns: int) -> None:
        """Do what else is due with every sample."""

    def _on_fill_risk(self, event: TimeEvent) -> None:
        for leg in self._legs.values():
            leg.predict(event.ts_event)
            leg.requote("fill risk", event.ts_event)

    def _on_assessment(self, assessment: AdverseSelectionAssessment) -> None:
        leg = self._legs.get(InstrumentId.from_str(assessment.instrument_id))
        if leg is not None:
            leg.assessed(assessment)
            leg.requote("assessment", assessment.ts_ns)

    def _on_end(self, event: TimeEvent) -> None:
        """Take every order back while answers can still be heard."""
        self._halt()
        self._requote_all("end", event.ts_event)

    # ------------------------------------------------------- risk and hedges

    def _on_risk(self, state: Any) -> None:
        """Obey what the risk monitor says of everything, or of an instrument of ours."""
        assert isinstance(state, RiskState)
        if state.instrument_id and state.instrument_id not in {leg.name for leg in self._legs.values()}:
            return
        self._restraints[state.instrument_id] = state
        self._obey()

    def _obey(self) -> None:
        """Let the graver of the stages hold that are asked of everything and of an instrument."""
        gravest = RiskStage.NORMAL
        for leg in self._legs.values():
            states = [state for name in ("", leg.name) if (state := self._restraints.get(name)) is not None]
            stage = max((RiskStage[state.stage] for state in states), default=RiskStage.NORMAL)
            leg.desk.restrain(stage, max((state.spread_multiplier for state in states), default=1.0))
            gravest = max(gravest, stage)
        self._hedger.control.stage = gravest
        self.hedge(self._clock.timestamp_ns(), "risk")

    def hedge(self, now_ns: int, trigger: str = "hedge") -> None:
        """Hedge what must be hedged now, and let the quotes make way for it."""
        self._step_hedge(now_ns)
        self._requote_all(trigger, now_ns)

    def _step_hedge(self, now_ns: int) -> None:
        if self.fatal is None:
            self._hedger.step(now_ns)

    def _limited(self, leg: QuotingLeg) -> Callable[[TopOfBook], Bounds | None] | None:
        """Return what bounds a leg beyond its instrument, or ``None`` where its settings limit nothing else."""
        settings = leg.settings.limits
        return partial(self._bounds, leg, Limits.of(settings)) if settings.reach_beyond_the_instrument else None

    def _bounds(self, leg: QuotingLeg, limits: Limits, top: TopOfBook) -> Bounds | None:
        """Return what the asset, the venue, the day and the portfolio leave a leg to quote."""
        if not top.mid > 0.0:
            return None
        unit = leg.lattice.base_per_lot(top.mid)
        traded = self._hedger.control.ledger.volume
        around = surroundings(leg.traded.asset, leg.traded.venue, self._holdings_but(leg))
        volume = 0.0 if limits.max_daily_volume is None else float(traded.value(self._clock.timestamp_ns()))
        return side_bounds(leg.desk.position_lots * unit, top.mid, unit, limits, around, volume)

    def _holdings_but(self, leg: QuotingLeg) -> list[Holding]:
        """Return what is held, and works, on all instruments but that of a leg."""
        others: list[Holding] = self._hedger.holdings()
        if self._only is None:
            legs = self._legs.values()
            others += [held for other in legs if other is not leg and (held := other.holding()) is not None]
        return others

    def _warn_of_age(self, leg: QuotingLeg, now_ns: int) -> None:
        """Say once that a position has become old, before it is too old."""
        oldest_ns = self._hedger.control.ledger.line(leg.name).lots.oldest_ns
        age_s = 0.0 if oldest_ns is None else (now_ns - oldest_ns) / 1e9
        if oldest_ns is None or age_s < self._age.warn_after_s:
            self._old.discard(leg.name)
        elif leg.name not in self._old:
            self._old.add(leg.name)
            limit = f"liquidated at {self._age.liquidate_after_s:.0f} s" if self._age.liquidate else "it stays"
            self.log.warning(f"{leg.name}: the oldest lot is {age_s:.0f} s old; {limit}")

    def _check_position(self) -> None:
        found = self._hedger.difference()
        ledger = self._hedger.control.ledger if found is None else None
        for leg in self._legs.values():
            counted = leg.lattice.sized(leg.desk.position_lots)
            # Where the books agree with the engine, they are asked: the engine's answer is the dearer one.
            engine = self._hedger.engine_position(leg.traded) if ledger is None else ledger.line(leg.name).position
            if counted != engine:
                found = leg.name, counted, engine
        self._mismatches = 0 if found is None else self._mismatches + 1
        if found is not None and self._mismatches >= 2:  # once may be a fill on its way to us
            self._disagree(*found)

    def _disagree(self, name: str, ours: Decimal, theirs: Decimal) -> None:
        """Trade no more on books that are not the engine's."""
        raise RuntimeError(f"{name}: position counted from fills is {ours}, the engine's is {theirs}")

    def _position_corrected(self, name: str) -> None:
        """Take over what else depends on a position that was moved by no fill of ours."""

    # ---------------------------------------------------------------- orders

    def on_order_accepted(self, event: OrderAccepted) -> None:
        """Let an order that was in flight be moved."""
        leg = self._only or self._legs.get(event.instrument_id)
        order = None if leg is None else leg.find(event)
        if leg is not None and order is not None:
            leg.accepted(order, event)
        elif (hedge := self._hedge_of(event)) is not None:
            self._hedger.answered(hedge, "ACCEPTED", event.ts_event)

    def on_order_updated(self, event: OrderUpdated) -> None:
        """Take over the price and size the venue reports."""
        leg = self._only or self._legs.get(event.instrument_id)
        order = None if leg is None else leg.find(event)
        if leg is not None and order is not None:
            leg.updated(order, event)

    def on_order_modify_rejected(self, event: OrderModifyRejected) -> None:
        """Keep what rests; the next market event decides anew."""
        leg = self._only or self._legs.get(event.instrument_id)
        order = None if leg is None else leg.find(event)
        if leg is not None and order is not None:
            leg.amend_rejected(order, event)

    def on_order_cancel_rejected(self, event: OrderCancelRejected) -> None:
        """Count the order as resting, and ask the venue what has become of it."""
        leg = self._only or self._legs.get(event.instrument_id)
        order = None if leg is None else leg.find(event)
        if leg is not None and order is not None:
            leg.cancel_rejected(order, event)

    def on_order_canceled(self, event: OrderCanceled) -> None:
        """Free the order's exposure."""
        self._closed(event, "CANCELED")

    def on_order_expired(self, event: OrderExpired) -> None:
        """Free the order's exposure."""
        self._closed(event, "EXPIRED")

    def on_order_rejected(self, event: OrderRejected) -> None:
        """Free the order's exposure; the next market event decides anew."""
        self._closed(event, "REJECTED", event.reason, refused=True)

    def on_order_denied(self, event: OrderDenied) -> None:
        """Free the order's exposure; the next market event decides anew."""
        self._closed(event, "DENIED", event.reason, refused=True)

    def on_order_filled(self, event: OrderFilled) -> None:
        """Book it once, move the position, tell everyone, hedge and quote anew."""
        if self._book_fill(event):
            self._step_hedge(event.ts_init)
            self._filled(event.ts_init)

    def _book_fill(self, event: OrderFilled) -> bool:
        """Book an execution and tell everyone; return whether it is news."""
        hedger, order_id = self._hedger, str(event.client_order_id)
        hedge: HedgeOrder | None = hedger.order_of(order_id)
        own = Purpose.QUOTE if is_ours(order_id) else Purpose.EXTERNAL
        leg = self._legs.get(event.instrument_id)  # never `_only`: a fill elsewhere must not move it
        traded = hedger.traded[str(event.instrument_id)] if leg is None else leg.traded
        execution = traded.execution(event, own if hedge is None else hedge.cause.purpose)
        if not hedger.filled(execution):
            return False
        self._booked += 1
        if leg is not None:
            leg.filled(execution, hedge)
        if hedge is not None:
            hedger.publish_fill(execution, hedge)
        return True

    def _hedge_of(self, event: Any) -> HedgeOrder | None:
        hedge: HedgeOrder | None = self._hedger.order_of(str(event.client_order_id))
        return hedge

    def _closed(self, event: Any, name: str, reason: str = "", *, refused: bool = False) -> None:
        leg = self._only or self._legs.get(event.instrument_id)
        order = None if leg is None else leg.find(event)
        if leg is None or order is None:
            hedge = self._hedge_of(event)
            if hedge is not None and self._hedger.control.desk.is_out(hedge.client_order_id):
                self._hedger.closed(hedge, name, event.ts_event, reason)
                self.hedge(event.ts_init)
            return
        waited_for = leg.closed(order, name, event.ts_event, reason)
        if self._hedger.control.desk.decision is not None:
            self._step_hedge(event.ts_init)  # our own quotes may have stood in its way
        if refused:
            return  # the same market would have it refused again, at a venue without latency for ever
        if self._hedger.control.desk.decision is not None:
            for other in self._legs.values():
                if other.desk.dirty:
                    other.requote("order", event.ts_init)
        elif waited_for:
            leg.requote("order", event.ts_init)

    # ----------------------------------------------------------------- facts

    def _publish_accounts(self) -> None:
        now_ns = self._clock.timestamp_ns()
        venues = dict.fromkeys(leg.traded.venue for leg in self._legs.values())
        for venue in venues:
            for fact in account_facts(self.cache, self._portfolio, venue, now_ns):
                self.publish_message(TOPIC_ACCOUNT, fact)
        self._hedger.publish_accounts(set(venues), now_ns)
