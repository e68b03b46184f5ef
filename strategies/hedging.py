"""The engine's side of hedging: markets in, orders out, answers back.

What is hedged, when and how is decided in `mm_nautilus.inventory`; a strategy owns one `Hedger` for the instruments it
quotes of one asset and hands it the events of orders and markets that are not its quotes'.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any, Final, Protocol

from nautilus_trader.common import TimeEvent
from nautilus_trader.model import (
    BookType,
    ClientOrderId,
    InstrumentId,
    OrderBook,
    OrderBookDeltas,
    OrderFilled,
    OrderSide,
    QuoteTick,
    TimeInForce,
)

from mm_nautilus.errors import CatalogError, ConfigError
from mm_nautilus.estimators.volatility import Volatility
from mm_nautilus.host.accounts import account_facts
from mm_nautilus.host.arrival import ArrivalAlerts
from mm_nautilus.host.execution import Execution
from mm_nautilus.host.funds import CashFunds
from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.traded import Traded, open_orders, purpose_of
from mm_nautilus.inventory.hedge_control import HedgeControl
from mm_nautilus.inventory.hedge_demand import Cause
from mm_nautilus.inventory.hedge_desk import HedgeIntent
from mm_nautilus.inventory.hedge_market import HedgeMarket, HedgeOrder, OwnQuotes
from mm_nautilus.inventory.hedge_ratio import HedgeRatio
from mm_nautilus.inventory.hedge_settings import HedgeInstrumentSettings, HedgeSettings, TakingTerms
from mm_nautilus.inventory.ledger import Ledger
from mm_nautilus.inventory.limits import Holding
from mm_nautilus.inventory.state import Recovery, VenueReport
from mm_nautilus.inventory.volume import DailyVolume
from mm_nautilus.market import Purpose, Side, TopOfBook
from mm_nautilus.messages import TOPIC_ACCOUNT, TOPIC_FILL, TOPIC_HEDGE, TOPIC_MARK, TOPIC_ORDER
from mm_nautilus.quoting.limit_settings import AgeSettings
from mm_nautilus.venues.hedge_router import TakingRouter

_ORDER_SIDES = {Side.BUY: OrderSide.BUY, Side.SELL: OrderSide.SELL}
_WAKE: Final = "21_hedge_"
_NONE: Final = TakingTerms()


class HedgedDesk(OwnQuotes, Protocol):
    """What a hedge asks of the desk of a leg; `mm_nautilus.quoting.desk.Desk` is one."""

    @property
    def top(self) -> TopOfBook | None:
        """Best prices as they were last heard."""

    @property
    def market_ns(self) -> int:
        """When the market was last heard of, in nanoseconds."""

    @property
    def target(self) -> float:
        """Exposure wanted, in units of the asset."""

    @property
    def volatility(self) -> Volatility:
        """Volatility of its fair value."""

    def skew(self, now_ns: int) -> float | None:
        """Return the fall of the reservation price per unit held, in price units; ``None`` before it is known."""


class HedgedLeg(Protocol):
    """An instrument whose fills are hedged; `mm_nautilus.strategies.leg.QuotingLeg` is one."""

    @property
    def name(self) -> str:
        """Instrument id."""

    @property
    def traded(self) -> Traded:
        """The instrument."""

    @property
    def desk(self) -> HedgedDesk:
        """Its market, and what of ours works there."""


class Hedger:
    """Sends what `HedgeControl` asks for and tells it what became of it.

    Parameters
    ----------
    strategy : GuardedStrategy
        Whose orders they are.
    settings : HedgeSettings
        When, how and where to hedge.
    taking : mapping of venue to TakingTerms
        What taking costs where.
    legs : sequence of HedgedLeg
        What is quoted, of one asset; the first one is what limits, ages and the model's skew are counted in.
    limit_lots : int
        Position limit on the first leg.
    age : AgeSettings
        How long a position on the first leg may be held.
    book : str
        Kind of market data: L1, L2 or L3.
    sample_interval_s : float
        Time between calls of `sample`, in seconds.
    end_ns : int or None
        Instant of the last data, where it is known.
    balances : mapping of venue to balances
        Of the cash accounts in use already.
    day_begins_utc : time
        When the day of the traded volume begins.
    persist : callable
        Makes the state safe; called before a hedge leaves.
    market_of : callable
        Makes the `HedgeMarket` of an instrument: of its contract, terms, silence, ratio, quotes and funds.
    currencies : collection of str
        Quote currencies, beside the first leg's, whose prices can be compared with its own.
    limit : float or None
        Largest |exposure| of the asset, in its units; that of `limit_lots` where left out.

    Raises
    ------
    CatalogError
        For a hedge instrument that is not in the run.
    ConfigError
        For one of another asset or quote currency that is not said to be correlated.

    """

    def __init__(
        self,
        strategy: GuardedStrategy,
        settings: HedgeSettings,
        taking: Mapping[str, TakingTerms],
        legs: Sequence[HedgedLeg],
        limit_lots: int,
        age: AgeSettings,
        book: str,
        sample_interval_s: float,
        end_ns: int | None,
        balances: dict[str, dict[str, Decimal]],
        day_begins_utc: time = time(0),
        persist: Callable[[], None] = lambda: None,
        market_of: Callable[..., HedgeMarket] = HedgeMarket,
        currencies: Collection[str] = (),
        limit: float | None = None,
    ) -> None:
        self._strategy = strategy
        self._legs = tuple(legs)
        self._persist = persist
        self._clock, self._portfolio = strategy.clock, strategy.portfolio
        self._strategy_id = str(strategy.strategy_id)
        self._book_type = {"L1": None, "L2": BookType.L2_MBP, "L3": BookType.L3_MBO}[book]
        self._arrivals = ArrivalAlerts(self._clock, f"zz_hedge_{self._strategy_id}_{legs[0].name}_")
        self._alerts = 0
        self._alert_ns: int | None = None
        named = {one.instrument_id: one for one in settings.instruments}
        quoted = {leg.name: leg for leg in legs}
        first = legs[0].traded
        self.traded = {name: leg.traded for name, leg in quoted.items()}
        markets = []
        ledger = Ledger(DailyVolume(day_begins_utc))
        for name in dict.fromkeys([*quoted, *named]):
            leg, own = quoted.get(name), named.get(name)
            one = self._found(name, balances) if leg is None else leg.traded
            self.traded[name] = one
            if leg is not None:
                _check_own(own)
            elif own is not None:
                _check_asset(one, first, own, currencies)
            terms = taking.get(one.venue, _NONE)
            ratio = None if own is None else own.correlated
            market = market_of(
                one.hedge_contract(),
                terms,
                settings.stale_after_s,
                None if ratio is None else HedgeRatio(ratio, sample_interval_s),
                None if leg is None else leg.desk,
                one.funds_of(terms.fee_rate),
            )
            market.last_resort = bool(named) and own is None
            market.last_send_ns = None if end_ns is None else max(end_ns - terms.submit_ns - 1, 0)
            market.depth = None if self._book_type is None else one.depth
            markets.append(market)
            ledger.open(
                name,
                asset=one.asset,
                venue=one.venue,
                contract=one.contract,
                position=self.engine_position(one),
                ts_ns=self._clock.timestamp_ns(),
            )
        self.control = HedgeControl(settings, ledger, markets, self._strategy_id, first.asset, limit_lots, age)
        self.control.desk.router = TakingRouter(settings.latency_z)
        self.control.limit = limit
        self._quoted = tuple(zip(self._legs, markets[: len(legs)], strict=True))
        self._others = {market.name: market for market in self.control.markets[len(legs) :]}
        self._by_id = {self.traded[name].id: market for name, market in self._others.items()}

    def _found(self, name: str, balances: dict[str, dict[str, Decimal]]) -> Traded:
        strategy = self._strategy
        instrument = strategy.cache.instrument(InstrumentId.from_str(name))
        if instrument is None:
            raise CatalogError(f"hedge.instruments: {name}: no such instrument in the run's data or venue")
        shared = balances.setdefault(str(instrument.venue), {})
        return Traded(instrument, self._strategy_id, CashFunds.of(strategy.portfolio, instrument, 0.0, shared))

    def engine_position(self, one: Traded) -> Decimal:
        """Return the engine's net position, in base units (contracts)."""
        return one.lattice.whole(self._portfolio.net_position(one.id))

    @property
    def elsewhere(self) -> bool:
        """Whether there are markets that are only hedged on."""
        return bool(self._others)

    def holdings(self) -> list[Holding]:
        """Return the positions on markets that are only hedged on, as the limits see them."""
        found = []
        for name, market in self._others.items():
            one, top, order = self.traded[name], market.top, market.order
            if top is None or not top.mid > 0.0:
                continue
            unit = market.contract.units_per_lot(top.mid)
            out = 0 if order is None else order.leaves_lots
            buying = order is not None and order.side is Side.BUY
            found.append(
                Holding(
                    one.asset,
                    one.venue,
                    market.position_lots * unit,
                    (out if buying else 0) * unit,
                    (0 if buying else out) * unit,
                    top.mid,
                )
            )
        return found

    def difference(self) -> tuple[str, Decimal, Decimal] | None:
        """Return an instrument whose books differ from the engine's, with both positions, or ``None``."""
        for line in self.control.ledger.lines:
            engine = self.engine_position(self.traded[line.instrument_id])
            if engine != line.position:
                return line.instrument_id, line.position, engine
        return None

    # ---------------------------------------------------------------- market

    def start(self) -> None:
        """Subscribe to the markets that are only hedged on."""
        for name in self._others:
            one = self.traded[name]
            if self._book_type is None:
                self._strategy.subscribe_quotes(one.id)
            else:
                one.book = OrderBook(one.id, self._book_type)
                self._strategy.subscribe_book_deltas(one.id, self._book_type)

    def stop(self) -> None:
        """Set no more alerts, and say what is left undone."""
        if self._alert_ns is not None:
            self._clock.cancel_timer(self._alert_name())
            self._alert_ns = None
        self.control.desk.finish(self._clock.timestamp_ns(), "the strategy stops")
        self._tell()

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the best prices of a market that is only hedged on."""
        market = self._by_id.get(quote.instrument_id)
        if market is not None:
            top = TopOfBook(
                quote.bid_price.as_double(),
                quote.ask_price.as_double(),
                quote.bid_size.as_double(),
                quote.ask_size.as_double(),
            )
            market.heard(top, quote.ts_init)

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Bring the book of a market that is only hedged on up to date."""
        market = self._by_id.get(deltas.instrument_id)
        book = None if market is None else self.traded[market.name].book
        if market is None or book is None:
            return
        book.apply_deltas(deltas)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        bid_size, ask_size = book.best_bid_size(), book.best_ask_size()
        market.heard(
            TopOfBook(
                0.0 if bid is None else bid.as_double(),
                0.0 if ask is None else ask.as_double(),
                0.0 if bid_size is None else bid_size.as_double(),
                0.0 if ask_size is None else ask_size.as_double(),
            ),
            deltas.ts_init,
        )

    def sample(self, now_ns: int) -> None:
        """Sample the ratios and mark the positions on markets that are only hedged on."""
        self.control.sample(now_ns)
        for name, market in self._others.items():
            self._strategy.publish_message(TOPIC_MARK, self.traded[name].facts.hedge_mark(now_ns, market))

    # ------------------------------------------------------------------ work

    def step(self, now_ns: int) -> None:
        """Send what must be sent now; the model's skew is asked only where something may be hedged for its own sake."""
        control, desk = self.control, self._legs[0].desk
        if not control.listens(now_ns, desk.target):
            return
        for leg, market in self._quoted:
            market.heard(leg.desk.top, leg.desk.market_ns)
        skew = desk.skew(now_ns) if control.asks_skew else None
        for intent in control.step(now_ns, desk.volatility.value, skew, desk.target):
            self._send(intent, now_ns)
        for order in control.desk.unanswered(now_ns):
            known = self._strategy.cache.order(ClientOrderId(order.client_order_id))
            if known is not None:
                self._strategy.query_order(known)
        self._tell()
        self._set_alert(now_ns)

    def _send(self, intent: HedgeIntent, now_ns: int) -> None:
        one, strategy = self.traded[intent.market.name], self._strategy
        order = strategy.order_factory.limit(
            one.id,
            _ORDER_SIDES[intent.side],
            one.lattice.quantity(intent.lots),
            one.lattice.price(intent.limit_ticks),
            time_in_force=TimeInForce.IOC,
            tags=[str(intent.cause.purpose), str(intent.cause), str(intent.decision_id)],
        )
        working = self.control.sending(intent, str(order.client_order_id), now_ns)
        self._persist()
        self._tell()
        strategy.publish_message(TOPIC_ORDER, one.facts.hedge(working, "SUBMIT", now_ns))
        strategy.submit_order(order)
        self._arrivals.expect(now_ns, intent.market.terms.submit_ns)

    def _set_alert(self, now_ns: int) -> None:
        wake_ns = self.control.desk.wake_ns
        if wake_ns is None:
            return
        wake_ns = max(wake_ns, now_ns + 1)
        if self._alert_ns is not None:
            if self._alert_ns <= wake_ns:
                return
            self._clock.cancel_timer(self._alert_name())
        self._alerts += 1
        self._alert_ns = wake_ns
        self._clock.set_time_alert_ns(self._alert_name(), wake_ns, callback=self._strategy.guard(self._on_alert))

    def _alert_name(self) -> str:
        return f"{_WAKE}{self._strategy_id}_{self._legs[0].name}_{self._alerts}"

    def _on_alert(self, event: TimeEvent) -> None:
        self._alert_ns = None
        self._strategy.hedge(event.ts_event)  # type: ignore[attr-defined]

    # ---------------------------------------------------------------- orders

    def order_of(self, client_order_id: str) -> HedgeOrder | None:
        """Return the hedge of this id, out or lately over."""
        return self.control.desk.order(client_order_id)

    def answered(self, order: HedgeOrder, event: str, ts_ns: int, reason: str = "") -> None:
        """Write down what the venue said of a hedge; where it is gone, `closed` follows."""
        facts = self.traded[order.instrument_id].facts
        self._strategy.publish_message(TOPIC_ORDER, facts.hedge(order, event, ts_ns, reason))

    def closed(self, order: HedgeOrder, event: str, ts_ns: int, reason: str = "") -> None:
        """The venue says that a hedge is gone."""
        self.answered(order, event, ts_ns, reason)
        self.control.closed(order.client_order_id, event, ts_ns, reason)
        self._tell()

    def filled(self, execution: Execution) -> bool:
        """Book an execution of any order of the strategy; return whether it is news."""
        fill, commission = execution.fill, execution.commission
        if not self.control.booked(fill, float(commission)):
            return False
        funds = self.traded[fill.instrument_id].funds
        if funds is not None:
            funds.filled(fill.side, fill.size, fill.price, commission)
        self._tell()
        return True

    def publish_fill(self, execution: Execution, order: HedgeOrder) -> None:
        """Write an execution of a hedge down."""
        one = self.traded[order.instrument_id]
        market = self.control.market(one.name)
        fact = one.facts.fill(execution, order, market.position_lots, market.top)
        self._strategy.publish_message(TOPIC_FILL, fact)

    def publish_accounts(self, but: Collection[str], ts_ns: int) -> None:
        """Write down the accounts of venues that are not among `but`."""
        venues = dict.fromkeys(one.venue for one in self.traded.values() if one.venue not in but)
        for venue in venues:
            for fact in account_facts(self._strategy.cache, self._strategy.portfolio, venue, ts_ns):
                self._strategy.publish_message(TOPIC_ACCOUNT, fact)

    def _tell(self) -> None:
        for fact in self.control.desk.take_facts():
            self._strategy.publish_message(TOPIC_HEDGE, fact)

    # --------------------------------------------------------------- restart

    def recount(self) -> None:
        """Take the positions of the ledger over after it was corrected."""
        self.control.recount()

    def executions(self) -> list[OrderFilled]:
        """Return all executions of our orders that the engine knows of, oldest first."""
        strategy, found = self._strategy, []
        for one in self.traded.values():
            for order in strategy.cache.orders(None, one.id, strategy.strategy_id):
                found += [event for event in order.events() if isinstance(event, OrderFilled)]
        return sorted(found, key=lambda event: event.ts_event)

    def end_hedges(self, now_ns: int) -> None:
        """Take the engine's word for hedges that were over before we were told."""
        for market in self.control.markets:
            order = market.order
            known = None if order is None else self._strategy.cache.order(ClientOrderId(order.client_order_id))
            if order is not None and (known is None or known.is_closed):
                self.closed(order, "RECONCILED", now_ns, "over while the strategy was stopped")
        self._tell()

    def recover(self, state: Mapping[str, Any], now_ns: int) -> Recovery:
        """Take up a saved state and the engine's word on what has happened since."""
        strategy, open_sizes = self._strategy, {}
        self.control.load(state)
        for one in self.traded.values():
            for order in open_orders(strategy, one.id):
                sign = 1 if order.side == OrderSide.BUY else -1
                open_sizes[str(order.client_order_id)] = sign * order.leaves_qty.as_decimal()
        positions = {name: self.engine_position(one) for name, one in self.traded.items()}
        fills = [
            self.traded[str(event.instrument_id)].execution(event, self._purpose_of(event)).fill
            for event in self.executions()
        ]
        report = VenueReport(fills, open_sizes, positions)
        return self.control.recover(report, self._open_hedges(now_ns), now_ns)

    def _purpose_of(self, event: OrderFilled) -> Purpose:
        return purpose_of(self._strategy.cache.order(event.client_order_id))

    def _open_hedges(self, now_ns: int) -> list[HedgeOrder]:
        """Return the hedges of an earlier life that the engine knows to be open or in flight."""
        found = []
        for name, one in self.traded.items():
            for order in open_orders(self._strategy, one.id):
                tags = order.tags or []
                if purpose_of(order) in {Purpose.HEDGE, Purpose.LIQUIDATION}:
                    price = one.lattice.ticks(order.price)
                    found.append(
                        HedgeOrder(
                            str(order.client_order_id),
                            name,
                            Side.BUY if order.side == OrderSide.BUY else Side.SELL,
                            one.lattice.lots(order.quantity),
                            price,
                            int(tags[2]),
                            Cause(tags[1]),
                            price * float(one.lattice.grid.tick),
                            now_ns,
                            one.lattice.lots(order.filled_qty),
                            now_ns,
                        )
                    )
        return found


def _check_own(own: HedgeInstrumentSettings | None) -> None:
    if own is not None and own.correlated is not None:
        raise ConfigError(
            "strategy", [f"hedge.instruments: {own.instrument_id} is quoted itself; 'correlated' is for other assets"]
        )


def _check_asset(one: Traded, quoted: Traded, settings: HedgeInstrumentSettings, currencies: Collection[str]) -> None:
    if settings.correlated is not None:
        return
    if one.asset != quoted.asset:
        problem = f"is on {one.asset}, not on {quoted.asset}"
    elif one.quote_currency not in {quoted.quote_currency, *currencies}:
        problem = f"is priced in {one.quote_currency}, not in {quoted.quote_currency}"
    else:
        return
    raise ConfigError(
        "strategy", [f"hedge.instruments: {one.name} {problem}; say so with a table 'correlated' if it is meant"]
    )
