"""Arbitrage between the venues of one asset: buys where it is offered below what another venue bids, and sells there.

The class translates: engine event to value, library call, engine command. What a crossing is worth and why it is left
is decided in `mm_nautilus.venues`, what becomes of a leg that fills alone in `mm_nautilus.inventory`.

One opportunity is worked at a time, and none while a residual of the last one is being hedged: what is open is then
never more than one leg.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from copy import replace
from decimal import Decimal
from typing import Any, Final

import orjson
from nautilus_trader.common import TimeEvent
from nautilus_trader.model import (
    BookType,
    ClientOrderId,
    InstrumentId,
    InstrumentStatus,
    OrderAccepted,
    OrderBookDeltas,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderSide,
    QuoteTick,
    TimeInForce,
)

from mm_nautilus.errors import CatalogError, ConfigError
from mm_nautilus.estimators.volatility import volatility_estimator
from mm_nautilus.host.arrival import ArrivalAlerts
from mm_nautilus.host.funds import CashFunds
from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.traded import Traded, is_ours, open_orders
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.inventory.hedge_market import HedgeOrder
from mm_nautilus.inventory.state import load_state, save_state
from mm_nautilus.market import Purpose, RiskStage, Side
from mm_nautilus.messages import (
    TOPIC_ALERT,
    TOPIC_FILL,
    TOPIC_MARK,
    TOPIC_OPPORTUNITY,
    TOPIC_ORDER,
    TOPIC_RISK,
    AlertFact,
    RiskState,
)
from mm_nautilus.quoting.limit_settings import AgeSettings
from mm_nautilus.strategies.arbitrage_leg import ArbitrageLeg, Levels, difference_of, problem_of
from mm_nautilus.strategies.arbitrage_settings import CrossVenueArbitrageConfig, CrossVenueArbitrageSettings
from mm_nautilus.strategies.hedging import Hedger
from mm_nautilus.venues.clocks import ClockOffsets
from mm_nautilus.venues.crossing import Means, Opportunity, Verdict
from mm_nautilus.venues.legs import Leg, Legs, worst_price
from mm_nautilus.venues.opportunities import OpportunityScanner
from mm_nautilus.venues.opportunity_record import OpportunityRecord

__all__ = ["CrossVenueArbitrage", "CrossVenueArbitrageConfig", "CrossVenueArbitrageSettings"]

_BOOK_TYPES = {"L1": None, "L2": BookType.L2_MBP, "L3": BookType.L3_MBO}
_ORDER_SIDES = {Side.BUY: OrderSide.BUY, Side.SELL: OrderSide.SELL}
_SAMPLE_TIMER = "10_sample_"
_PURPOSE: Final = str(Purpose.ARBITRAGE)
_PAUSED: Final = "paused by the operator"
_REMEMBERED: Final = 256
"""Opportunities whose orders are still known by what they were for: a fill may be heard of after the end."""


class CrossVenueArbitrage(GuardedStrategy):
    """Watches all pairs of venues both ways and takes what is left after fees, depth, balances and latency.

    Publishes an `OpportunityFact` for everything that was taken, what came of it, every reason to leave a crossing
    (once each) and its end; orders, fills, hedges and marks as other strategies do.

    Parameters
    ----------
    config : CrossVenueArbitrageConfig
        Where, and what a crossing must leave.

    """

    recovery: Any = None
    """What a restart found, a `Recovery`; ``None`` where nothing was saved."""

    def __init__(self, config: CrossVenueArbitrageConfig) -> None:
        super().__init__(config)
        self._settings: CrossVenueArbitrageSettings = config.settings
        self._first: Traded
        self._kind: tuple[str, int | None]
        self._started = False
        self._saved: dict[str, Any] | None = None
        self._working: Legs | None = None
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._strays: set[str] = set()
        self._taken = 0
        self._warned = False
        self._halted = ""
        self._paused = False

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Find the instruments, take over the positions and subscribe."""
        settings, strategy_id = self._settings, str(self.strategy_id)
        self._clock = self.clock
        self._balances: dict[str, dict[str, Decimal]] = {}
        self._restraints: dict[str, RiskState] = {}
        self._stage = RiskStage.NORMAL
        self._legs = [self._found(place) for place in range(len(settings.venues))]
        self._by_id = {leg.traded.id: leg for leg in self._legs}
        self._by_name = {leg.name: leg for leg in self._legs}
        self._scanner = OpportunityScanner([leg.trader() for leg in self._legs], settings.scan_terms())
        self._record = OpportunityRecord(strategy_id, self._legs[0].traded.asset, [leg.name for leg in self._legs])
        self._clocks = ClockOffsets(
            len(self._legs), int(settings.clock_window_s * 1e9), int(settings.max_clock_offset_s * 1e9)
        )
        self._hedger = Hedger(
            self,
            settings.hedge,
            settings.taking,
            self._legs,
            int(max(leg.limit_lots * leg.unit for leg in self._legs) / self._legs[0].unit),
            AgeSettings(liquidate=False),
            settings.book,
            settings.volatility.sample_interval_s,
            settings.arrival.end_ns,
            self._balances,
            persist=self._persist,
        )
        slowest_ns = max(leg.terms.submit_ns for leg in self._legs)
        end_ns = settings.arrival.end_ns
        # Twice: what only one leg fills must be hedged and answered before the end, too.
        self._last_send_ns = None if end_ns is None else end_ns - 2 * slowest_ns - 1
        self._arrivals = ArrivalAlerts(self._clock, f"zz_{strategy_id}_")
        if self._saved is None and settings.state_file is not None:
            self._saved = load_state(settings.state_file)
        if self._saved is not None:
            self._recover(self._saved)
        self._count_positions()
        self._adopt_orders()
        for leg in self._legs:
            leg.subscribe(self)
        self._hedger.start()
        self.subscribe_topic(TOPIC_RISK, self.guard(self._on_risk))
        self._set_timer()
        self._started = True
        self._publish_accounts()

    def _found(self, place: int) -> ArbitrageLeg:
        """Return the venue of a place, with every reason why it cannot be one of these."""
        settings = self._settings
        told = settings.venues[place]
        instrument = self.cache.instrument(InstrumentId.from_str(told.instrument_id))
        if instrument is None:
            raise CatalogError(f"venues: {told.instrument_id}: no such instrument in the run's data or venue")
        shared = self._balances.setdefault(str(instrument.venue), {})
        traded = Traded(instrument, str(self.strategy_id), CashFunds.of(self.portfolio, instrument, 0.0, shared))
        kind = type(instrument).__name__, getattr(instrument, "expiration_ns", None)
        if place == 0:
            self._first, self._kind = traded, kind
        terms = settings.taking.get(traded.venue)
        problem = problem_of(traded, terms) or difference_of(traded, kind, self._first, self._kind)
        if problem or terms is None:
            raise ConfigError("strategy", [f"venues: {traded.name} {problem}"])
        largest = None if instrument.max_quantity is None else instrument.max_quantity.as_decimal()
        leg = ArbitrageLeg(
            place,
            traded,
            terms,
            told.max_position,
            min((size for size in (told.max_order_size, largest) if size is not None), default=None),
            _BOOK_TYPES[settings.book],
            settings.max_levels,
            volatility_estimator(settings.volatility),
        )
        if leg.order_lots < traded.lattice.grid.min_lots:
            raise ConfigError("strategy", [f"venues: {traded.name}: max_position or max_order_size is below a lot"])
        return leg

    def _adopt_orders(self) -> None:
        """Take no more until the orders of an earlier life have been answered."""
        self._await_answers()

    def _await_answers(self) -> None:
        """Wait for the orders of ours that may still fill; a stranger's may rest for as long as it likes."""
        found = (str(order.client_order_id) for leg in self._legs for order in open_orders(self, leg.traded.id))
        self._strays = {name for name in found if is_ours(name)}

    def _set_timer(self) -> None:
        interval_ns = int(self._settings.volatility.sample_interval_s * 1e9)
        self._clock.set_timer_ns(
            _SAMPLE_TIMER + str(self.strategy_id), interval_ns, callback=self.guard(self._on_sample)
        )

    def _recover(self, saved: Mapping[str, Any]) -> None:
        now_ns = self._clock.timestamp_ns()
        self._taken = int(saved["taken"])
        recovery = self.recovery = self._hedger.recover(saved["books"], now_ns)
        for difference in recovery.differences:
            self.log.warning(
                f"{difference.instrument_id}: the position is {difference.venue}, the books of the last run and the "
                f"fills since say {difference.ledger}; the former is taken"
            )

    def on_resume(self) -> None:
        """Go on after a stop; what happened meanwhile, of which a stopped strategy is not told, is read first."""
        if not self._started or self.fatal is not None:
            return
        self._halted = ""
        for event in self._hedger.executions():
            self._booked(event)
        self._hedger.end_hedges(self._clock.timestamp_ns())
        self._await_answers()
        self._set_timer()
        self._obey()
        self._publish_accounts()

    def on_stop(self) -> None:
        """Send nothing more and say what is open; immediate orders leave nothing behind at a venue."""
        if not self._started:
            return
        name = _SAMPLE_TIMER + str(self.strategy_id)
        if name in self._clock.timer_names():
            self._clock.cancel_timer(name)
        self.withdraw()
        now_ns = self._clock.timestamp_ns()
        if self._working is not None:
            self._end(self._working, now_ns, "the strategy stops before both were answered")
        self._scanner.end(now_ns)
        self._tell_ended()
        self._hedger.stop()
        self._persist()
        self._publish_accounts()

    def withdraw(self) -> None:
        """Take no more; nothing of ours rests."""
        self._halted = "the strategy has stopped"

    # -------------------------------------------------------------- operator

    @property
    def venues(self) -> Mapping[str, ArbitrageLeg]:
        """Where it is taken, by instrument id; nowhere before the start."""
        return dict(self._by_name) if self._started else {}

    def pause(self, *, paused: bool) -> None:
        """Begin nothing until told otherwise, or look again; what is under way is finished, and hedges go on."""
        self._paused = paused
        if self._started:
            self._look(self._clock.timestamp_ns())

    def on_save(self) -> dict[str, bytes]:
        """Return what a restart needs: the books of all fills and hedges."""
        return {"arbitrage": orjson.dumps(self._state())} if self._started else {}

    def on_load(self, state: dict[str, bytes]) -> None:
        """Keep what `on_save` returned for the start; the positions themselves are taken from the engine then."""
        saved = state.get("arbitrage")
        self._saved = None if saved is None else orjson.loads(saved)

    def _state(self) -> dict[str, Any]:
        return {"books": self._hedger.control.save(), "taken": self._taken}

    def _persist(self) -> None:
        if self._settings.state_file is not None:
            save_state(self._settings.state_file, self._state())

    # ---------------------------------------------------------------- market

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the best prices of a venue and look at all pairs."""
        leg = self._by_id.get(quote.instrument_id)
        if leg is None:
            self._hedger.on_quote(quote)
            return
        leg.on_quote(quote)
        self._moved(leg, quote.ts_event, quote.ts_init)

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Bring a book up to date and look at all pairs."""
        leg = self._by_id.get(deltas.instrument_id)
        if leg is None:
            self._hedger.on_book_deltas(deltas)
            return
        leg.on_book_deltas(deltas)
        self._moved(leg, deltas.ts_event, deltas.ts_init)

    def on_instrument_status(self, status: InstrumentStatus) -> None:
        """Leave a venue that does not trade at once, and come back when it does."""
        leg = self._by_id.get(status.instrument_id)
        if leg is not None:
            leg.on_status(status.action)
            self._scanner.set_health(leg.place, leg.health)

    def _moved(self, leg: ArbitrageLeg, event_ns: int, now_ns: int) -> None:
        self._clocks.heard(leg.place, event_ns, now_ns)
        bid, ask = leg.best()
        self._scanner.update(leg.place, bid, ask, now_ns, leg.health)
        self._look(now_ns)

    def _look(self, now_ns: int) -> None:
        """Report what there is to report, and take what is to be taken."""
        scanner = self._scanner
        sigma = self._sigma()
        for found in scanner.scan(now_ns, self._levels, self._means, sigma or 0.0, self._barred(now_ns, sigma)):
            if found.verdict is Verdict.TAKEN:
                self._take(found, now_ns)
            else:
                self.publish_message(TOPIC_OPPORTUNITY, self._record.missed(found))
        self._tell_ended()

    def _tell_ended(self) -> None:
        for ended in self._scanner.take_ended():
            self.publish_message(TOPIC_OPPORTUNITY, self._record.ended(ended))

    def _levels(self, place: int, side: Side) -> Levels:
        return self._legs[place].levels(side)

    def _means(self, place: int) -> Means:
        leg = self._legs[place]
        balances = None if leg.traded.funds is None else self._balances[leg.traded.venue]
        means: Means = leg.means(self._exposure(), balances)
        return means

    def _exposure(self) -> Decimal:
        """Return what is open over all venues, legs in flight not counted, in base units of the asset."""
        control = self._hedger.control
        units = {leg.name: leg.traded.lattice.multiplier for leg in self._legs}
        return Decimal(control.ledger.exposure(self._first.asset, units))

    def _sigma(self) -> float | None:
        """Return the largest volatility of any venue's mid, ``None`` before there is one."""
        return max((value for leg in self._legs if (value := leg.volatility.value) is not None), default=None)

    def _barred(self, now_ns: int, sigma: float | None) -> str:
        """Return why nothing may be taken now; empty where it may."""
        why = self._halted or (_PAUSED if self._paused else "") or self._busy()
        if not why and self._last_send_ns is not None and now_ns > self._last_send_ns:
            why = "the data end before legs could be answered and a residual hedged"
        if not why and sigma is None and self._settings.latency_z > 0.0:
            why = "the volatility is not known yet"
        return why

    def _busy(self) -> str:
        """Return what must be over before anything is taken."""
        if self._stage >= RiskStage.REDUCE_ONLY:
            return f"risk stage {self._stage.name}"
        if self._working is not None or self._strays:
            return "the legs of the last one have not been answered"
        desk = self._hedger.control.desk
        if desk.decision is not None or any(market.order is not None for market in desk.markets):
            return "a residual is being hedged"
        return ""

    def _on_sample(self, event: TimeEvent) -> None:
        """Sample the volatilities, compare the clocks, mark, and see to what has not been answered."""
        now_ns, stale_s = event.ts_event, self._settings.hedge.stale_after_s
        off = self._clocks.beyond_bound()
        for leg in self._legs:
            leg.volatility.sample(leg.mid(now_ns, stale_s))
            leg.clock_off = leg.place in off
            self._scanner.set_health(leg.place, leg.health)
        self._remind(now_ns)
        self.hedge(now_ns)
        self._look(now_ns)
        for leg in self._legs:
            market = self._hedger.control.market(leg.name)
            market.heard(leg.top, leg.market_ns)
            mark = leg.traded.facts.hedge_mark(now_ns, market)
            lot, out = leg.traded.lattice.grid.lot, leg.in_flight
            open_buy, open_sell = mark.open_buy + out[Side.BUY] * lot, mark.open_sell + out[Side.SELL] * lot
            sigma = leg.volatility.value
            self.publish_message(TOPIC_MARK, replace(mark, open_buy=open_buy, open_sell=open_sell, sigma=sigma))
        self._hedger.sample(now_ns)

    # -------------------------------------------------------- risk and hedges

    def _on_risk(self, state: Any) -> None:
        """Obey what the risk monitor says of everything, or of a venue of ours."""
        assert isinstance(state, RiskState)
        if not state.instrument_id or state.instrument_id in self._by_name:
            self._restraints[state.instrument_id] = state
            self._obey()

    def _obey(self) -> None:
        self._stage = max((RiskStage[one.stage] for one in self._restraints.values()), default=RiskStage.NORMAL)
        self._hedger.control.stage = self._stage
        self.hedge(self._clock.timestamp_ns())

    def hedge(self, now_ns: int, trigger: str = "") -> None:  # noqa: ARG002 - as the alerts of a hedge call it
        """Hedge what only one leg has filled; what the other may still fill is counted on."""
        if self.fatal is not None:
            return
        working = self._working
        if working is not None and self._stage >= RiskStage.FLATTEN:
            return  # the legs are answered within their latency, and what they leave is taken then
        self._legs[0].target = 0.0 if working is None else -float(working.leaves)
        self._hedger.step(now_ns)

    # -------------------------------------------------------------- two legs

    def _take(self, found: Opportunity, now_ns: int) -> None:
        """Send both legs; they count, and are saved, before the first one leaves."""
        plan = found.plan
        assert plan is not None
        self._taken += 1
        orders, legs = [], []
        for place, side in ((found.buy, Side.BUY), (found.sell, Side.SELL)):
            leg = self._legs[place]
            lots = int(plan.size / leg.unit)
            # What we have taken before is out of the way of this order, too.
            worst = worst_price(leg.consumed.left(side, leg.shown[side]), plan.size)
            leg.consumed.take(side, leg.shown[side], plan.size)
            ticks = int(worst / leg.traded.lattice.grid.tick)
            order = self.order_factory.limit(
                leg.traded.id,
                _ORDER_SIDES[side],
                leg.traded.lattice.quantity(lots),
                leg.traded.lattice.price(ticks),
                time_in_force=TimeInForce.IOC,
                tags=[_PURPOSE, str(self._taken)],
            )
            orders.append(order)
            legs.append(Leg(str(order.client_order_id), side, lots, ticks, plan.size))
            leg.in_flight[side] = lots
            self._numbers[str(order.client_order_id)] = self._taken
        while len(self._numbers) > 2 * _REMEMBERED:
            self._numbers.popitem(last=False)
        working = self._working = Legs(self._taken, found, legs[0], legs[1], now_ns)
        self._warned = False
        self._persist()
        self.publish_message(TOPIC_OPPORTUNITY, self._record.taken(working))
        for sent in legs:
            self._publish_leg(working, sent, "SUBMIT", now_ns)
        for order in orders:
            self.submit_order(order)
        for place in (found.buy, found.sell):
            leg = self._legs[place]
            self._arrivals.expect(now_ns, leg.terms.submit_ns)
            bid, ask = leg.best()
            self._scanner.update(place, bid, ask, leg.market_ns, leg.health)

    def _venue_of(self, working: Legs, leg: Leg) -> ArbitrageLeg:
        return self._legs[working.opportunity.buy if leg.side is Side.BUY else working.opportunity.sell]

    def _publish_leg(self, working: Legs, leg: Leg, event: str, ts_ns: int, reason: str = "") -> None:
        fact = self._venue_of(working, leg).order_fact(str(self.strategy_id), working.number, leg, event, ts_ns, reason)
        self.publish_message(TOPIC_ORDER, fact)

    def _leg_of(self, event: Any) -> Leg | None:
        return None if self._working is None else self._working.leg(str(event.client_order_id))

    def _settle(self, ts_ns: int) -> None:
        """Hedge what is known to be left, and close the opportunity once both legs are over."""
        working = self._working
        if working is not None:
            for leg in (working.buy, working.sell):
                left = 0 if leg.over else leg.lots - leg.filled_lots
                self._venue_of(working, leg).in_flight[leg.side] = left
            if working.over:
                self._end(working, ts_ns)
        self.hedge(ts_ns)

    def _end(self, working: Legs, ts_ns: int, why: str = "") -> None:
        self._working = None
        for leg in self._legs:
            leg.in_flight = dict.fromkeys(Side, 0)
        self.publish_message(TOPIC_OPPORTUNITY, self._record.done(working, ts_ns, why))
        self._persist()

    def _remind(self, now_ns: int) -> None:
        """Ask about a leg that has not been answered, and say so once."""
        working = self._working
        if working is None or now_ns - working.sent_ns < self._settings.leg_timeout_s * 1e9:
            return
        for leg in (working.buy, working.sell):
            known = self.cache.order(ClientOrderId(leg.client_order_id))
            if leg.over or known is None:
                continue
            self.query_order(known)
            if not self._warned:
                late_s = (now_ns - working.sent_ns) * 1e-9
                text = f"opportunity {working.number}: {leg.client_order_id} has not been answered for {late_s:.3f} s"
                self.publish_message(
                    TOPIC_ALERT,
                    AlertFact(now_ns, str(self.strategy_id), self._venue_of(working, leg).name, "arbitrage", text),
                )
        self._warned = True

    # ---------------------------------------------------------------- orders

    def on_order_accepted(self, event: OrderAccepted) -> None:
        """Write it down."""
        leg = self._leg_of(event)
        if leg is not None and self._working is not None:
            self._publish_leg(self._working, leg, "ACCEPTED", event.ts_event)
        elif (hedge := self._hedge_of(event)) is not None:
            self._hedger.answered(hedge, "ACCEPTED", event.ts_event)

    def on_order_canceled(self, event: OrderCanceled) -> None:
        """Take what of a leg or a hedge did not fill for gone."""
        self._closed(event, "CANCELED")

    def on_order_expired(self, event: OrderExpired) -> None:
        """Take what of a leg or a hedge did not fill for gone."""
        self._closed(event, "EXPIRED")

    def on_order_rejected(self, event: OrderRejected) -> None:
        """Take what of a leg or a hedge did not fill for gone."""
        self._closed(event, "REJECTED", event.reason)

    def on_order_denied(self, event: OrderDenied) -> None:
        """Take what of a leg or a hedge did not fill for gone."""
        self._closed(event, "DENIED", event.reason)

    def _closed(self, event: Any, name: str, reason: str = "") -> None:
        leg, order_id = self._leg_of(event), str(event.client_order_id)
        self._strays.discard(order_id)
        if leg is not None and self._working is not None:
            if not leg.over:
                self._working.closed(order_id)
                self._publish_leg(self._working, leg, name, event.ts_event, reason)
            self._settle(event.ts_init)
            return
        hedge = self._hedge_of(event)
        if hedge is not None and self._hedger.control.desk.is_out(order_id):
            self._hedger.closed(hedge, name, event.ts_event, reason)
            self.hedge(event.ts_init)

    def _hedge_of(self, event: Any) -> HedgeOrder | None:
        hedge: HedgeOrder | None = self._hedger.order_of(str(event.client_order_id))
        return hedge

    def on_order_filled(self, event: OrderFilled) -> None:
        """Book it once, write it down, and see what is left."""
        if self._booked(event):
            self._settle(event.ts_init)

    def _booked(self, event: OrderFilled) -> bool:
        """Book an execution and tell everyone; return whether it is news."""
        hedge, order_id = self._hedge_of(event), str(event.client_order_id)
        own = Purpose.ARBITRAGE if is_ours(order_id) else Purpose.EXTERNAL
        traded = self._hedger.traded[str(event.instrument_id)]
        execution = traded.execution(event, own if hedge is None else hedge.cause.purpose)
        if not self._hedger.filled(execution):
            return False
        known = self.cache.order(event.client_order_id)
        if known is not None and known.is_closed:
            self._strays.discard(order_id)
        self._count_positions()
        if hedge is not None:
            self._hedger.publish_fill(execution, hedge)
            return True
        venue, leg, working = self._by_id[event.instrument_id], self._leg_of(event), self._working
        if leg is not None and working is not None:
            fill = execution.fill
            notional = traded.contract.notional(fill.size, fill.price)
            base = EXACT.multiply(fill.size, traded.lattice.multiplier)
            working.filled(order_id, execution.lots, base, notional, execution.commission, fill.ts_ns)
        fact = venue.traded.facts.fill(execution, None, venue.position_lots, venue.top)
        sent_ns = fact.quoted_ts_ns if working is None or leg is None else working.sent_ns
        number = self._numbers.get(order_id, -1)
        self.publish_message(TOPIC_FILL, replace(fact, decision_id=number, quoted_ts_ns=sent_ns))
        return True

    def _count_positions(self) -> None:
        for leg in self._legs:
            leg.position_lots = self._hedger.control.market(leg.name).position_lots

    def _publish_accounts(self) -> None:
        now_ns = self._clock.timestamp_ns()
        self._hedger.publish_accounts((), now_ns)
