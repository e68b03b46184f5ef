"""Works off what must be hedged: one decision until it is done, in orders that are paced, bounded and counted.

A `HedgeDesk` is told the demand (`mm_nautilus.inventory.hedge_demand`), the clock, the markets and what became of its
orders; it answers with orders to send and the facts to write down, and never sends anything itself. All orders are
immediate-or-cancel limits.

- *Counted*: an order counts with everything that may still fill from the moment it is asked for until the venue says
  that it is gone, so that nothing is hedged twice. An order nobody answers keeps counting; what it does not cover goes
  on elsewhere once it has been out for longer than a retry.
- *Bounded*: the limit price stands at most so many bps from the mid, the size is at most a share of what is shown
  within it, and at most what limits, funds and our own quotes leave.
- *Paced*: the orders of an instrument keep their distance, a growing one after orders that found nothing.
- *Finished or alarmed*: a decision ends DONE, or raises ALARM at its deadline, and at every further one, and goes on.
- *Carried*: what is smaller than the smallest order stays in the exposure and is hedged with what follows.

Where several instruments can be traded, positions that hedged the other way are closed first; then the asset itself is
preferred to a correlated instrument, and the cheaper market to the dearer: by the net price for the size where a
`HedgeRouter` is given, which also cuts a hedge up over several markets, else by half-spread and fee. A market that
refuses an order is passed over for the next one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from copy import replace
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from mm_nautilus.inventory.hedge_choice import closes, preferred, side_of
from mm_nautilus.inventory.hedge_demand import Cause, Demand
from mm_nautilus.inventory.hedge_market import HedgeMarket, HedgeOrder
from mm_nautilus.inventory.hedge_record import Decision, HedgeRecord
from mm_nautilus.inventory.hedge_route import Choice, HedgeRouter
from mm_nautilus.inventory.hedge_settings import HedgeSettings
from mm_nautilus.market import Purpose, Side
from mm_nautilus.messages import HedgeFact

_ENDED_KEPT: Final = 256
"""Orders that are over and still known by what they were for: a fill may be heard of after the end."""
_ROUNDING: Final = 1e-9
"""Of exposures, in lots."""


@dataclass(frozen=True, slots=True)
class HedgeIntent:
    """An immediate-or-cancel limit order to be sent now."""

    market: HedgeMarket
    side: Side
    lots: int
    limit_ticks: int
    decision_id: int
    cause: Cause
    mid: float
    beyond: float = 0.0
    """Mean price that it is expected to pay, less the mid now; in price units."""
    reason: str = ""
    """Why it goes there."""


class HedgeDesk:
    """State of the hedging of one asset.

    Parameters
    ----------
    settings : HedgeSettings
        How to work.
    markets : sequence of HedgeMarket
        Where, in the order of preference among equals; at least one.
    strategy_id, asset : str
        For the records.

    """

    def __init__(self, settings: HedgeSettings, markets: Sequence[HedgeMarket], strategy_id: str, asset: str) -> None:
        self._slippage_bps = {
            Purpose.HEDGE: settings.max_slippage_bps,
            Purpose.LIQUIDATION: settings.urgent_slippage_bps,
        }
        self._share = settings.max_share_of_depth
        self._pace_ns = int(settings.min_interval_s * 1e9)
        self._retry_ns = int(settings.retry_interval_s * 1e9)
        self._deadline_ns = int(settings.deadline_s * 1e9)
        self.markets = tuple(markets)
        self._record = HedgeRecord(strategy_id, asset)
        self._orders: dict[str, HedgeMarket] = {}
        self._ended: OrderedDict[str, HedgeOrder] = OrderedDict()
        self._wake_ns: int | None = None
        self._sigma = 0.0
        self.router: HedgeRouter | None = None
        """Knows which market is worth a hedge; ``None`` where half-spread and fee decide."""
        self.decision: Decision | None = None
        """The hedge being worked, or ``None``."""
        self.decisions = 0

    # ----------------------------------------------------------------- state

    @property
    def working(self) -> Cause | None:
        """Cause of the hedge being worked."""
        return None if self.decision is None else self.decision.cause

    @property
    def wake_ns(self) -> int | None:
        """When `step` must be asked again at the latest, in nanoseconds; ``None`` while nothing is to be done."""
        return self._wake_ns

    def in_flight(self) -> float:
        """Signed units of the asset that orders which are out may still trade."""
        return sum(market.in_flight() for market in self.markets)

    def order(self, client_order_id: str) -> HedgeOrder | None:
        """Return an order of ours, out or lately over, or ``None`` where it is not one."""
        market = self._orders.get(client_order_id)
        return self._ended.get(client_order_id) if market is None else market.order

    def is_out(self, client_order_id: str) -> bool:
        """Whether the order may still fill as far as we know."""
        return client_order_id in self._orders

    def take_facts(self) -> list[HedgeFact]:
        """Return what happened since this was last asked."""
        return self._record.take()

    # ------------------------------------------------------------------ work

    def step(
        self, now_ns: int, demand: Demand | None, exposure: float = 0.0, sigma: float | None = None
    ) -> list[HedgeIntent]:
        """Return the orders to send now.

        Parameters
        ----------
        now_ns : int
            Engine time.
        demand : Demand or None
            What must be hedged now, orders that are out not counted.
        exposure : float
            Present exposure, for the records where there is no demand; in units of the asset.
        sigma : float or None
            Volatility of the asset, in price per square-root second, where it is known.

        """
        self._sigma = sigma or 0.0
        for market in self.markets:
            top = market.fit_top(now_ns)
            market.quality.heard(now_ns, None if top is None else top.mid)
        self._record.seen(*((exposure, exposure) if demand is None else (demand.exposure, demand.target)))
        self._wake_ns = None
        if demand is not None and self._dust(demand.quantity, demand.cause):
            demand = None
        self._follow(now_ns, demand)
        decision = self.decision
        if decision is None or demand is None:
            self._release()
            return []
        intents = self._next_orders(now_ns, decision, demand)
        if now_ns >= decision.alarm_ns:
            self._said(now_ns, "ALARM", decision, f"not done: {decision.waits_for or 'orders are working'}")
            decision.alarm_ns += self._deadline_ns * (1 + (now_ns - decision.alarm_ns) // self._deadline_ns)
        self._wake(decision.alarm_ns)
        return intents

    def _follow(self, now_ns: int, demand: Demand | None) -> None:
        """Begin a decision where there is a demand, and end it where there is none or a graver one takes over."""
        decision = self.decision
        if decision is not None:
            taken_over = demand is not None and demand.cause.purpose is not decision.cause.purpose
            if demand is not None and not taken_over:
                return
            if demand is None and self._orders:
                decision.waits_for = "an order that has not been answered"
                self._wake(max(decision.alarm_ns, now_ns + 1))
                if now_ns >= decision.alarm_ns:
                    self._said(now_ns, "ALARM", decision, f"not done: {decision.waits_for}")
                    decision.alarm_ns = now_ns + self._deadline_ns
                    self._wake(decision.alarm_ns)
                return
            self._said(now_ns, "DONE", decision, f"taken over by {demand.cause}" if demand is not None else "")
            self.decision = None
        if demand is None:
            return
        self.decisions += 1
        tops = {market.name: market.fit_top(now_ns) for market in self.markets}
        mids = {name: top.mid for name, top in tops.items() if top is not None}
        self.decision = Decision(self.decisions, demand.cause, now_ns, now_ns + self._deadline_ns, mids)
        first = self.markets[0]
        unit = first.asset_per_lot()
        lots = int(abs(demand.quantity / unit) + _ROUNDING) if unit else 0
        side = Side.BUY if demand.quantity > 0 else Side.SELL
        self._record.decision(now_ns, "NEEDED", self.decision, first, side, lots)

    def _dust(self, quantity: float, cause: Cause) -> bool:
        """Whether no market could trade so little; one without a price cannot say so."""
        known = False
        for market in self._allowed(cause):
            unit, top = market.asset_per_lot(), market.top
            if unit is None or top is None or not top.mid > 0.0:
                continue
            known = True
            if abs(quantity / unit) + _ROUNDING >= market.contract.smallest_lots(top.mid):
                return False
        return known

    def _allowed(self, cause: Cause) -> list[HedgeMarket]:
        if cause is Cause.AGE:
            return list(self.markets[:1])  # trades elsewhere would leave the old lots where they are
        must_go = cause.purpose is Purpose.LIQUIDATION
        return [market for market in self.markets if must_go or not market.last_resort]

    def _next_orders(self, now_ns: int, decision: Decision, demand: Demand) -> list[HedgeIntent]:
        """Return the orders to send, or note why there is none and when to look again."""
        waiting = [market.order.sent_ns for market in self.markets if market.order is not None]
        if waiting and now_ns < max(waiting) + self._retry_ns:
            decision.waits_for = "an order that has not been answered"
            self._wake(max(waiting) + self._retry_ns)
            return []
        remaining = demand.quantity - self.in_flight()
        if remaining * demand.quantity <= 0.0 or self._dust(remaining, decision.cause):
            decision.waits_for = "an order that has not been answered"
            self._wake(now_ns + self._retry_ns)
            return []
        faults: list[str] = []
        ranked = self._ranked(now_ns, decision.cause, remaining, faults)
        for place, choice in enumerate(ranked):
            market = choice.market
            if now_ns < market.not_before_ns:
                faults.append(f"{market.name}: pacing")
                self._wake(market.not_before_ns)
                if market.refusals:
                    continue
                break  # it is worth the wait: it has just traded
            passed = "; ".join(faults)
            intents = self._orders_on(ranked[place:], now_ns, decision, remaining, faults)
            if passed:
                intents = [replace(one, reason=f"{one.reason}; passed over {passed}") for one in intents]
            if intents:
                decision.waits_for = ""
                self._wake(now_ns + self._retry_ns)
                self._release([intent.market for intent in intents])
                return intents
            if market.clearing_ns is not None and now_ns < market.clearing_ns + self._retry_ns:
                break  # our own quotes are on their way out: that takes one exchange of commands
        decision.waits_for = "; ".join(faults)
        self._wake(now_ns + self._retry_ns)
        return []

    def _ranked(self, now_ns: int, cause: Cause, remaining: float, faults: list[str]) -> list[Choice]:
        """Return the markets that can be traded now or after a pause, best first."""
        closing: list[HedgeMarket] = []
        others: list[HedgeMarket] = []
        for market in self._allowed(cause):
            fault = self._fault(market, now_ns)
            if fault is not None:
                faults.append(f"{market.name}: {fault}")
            else:
                (closing if closes(market, remaining) else others).append(market)
        bps = self._slippage_bps[cause.purpose]
        return [
            *preferred(closing, remaining, bps, self.router, self._sigma),
            *preferred(others, remaining, bps, self.router, self._sigma),
        ]

    def _fault(self, market: HedgeMarket, now_ns: int) -> str | None:
        if market.order is not None:
            return "an order that has not been answered"
        if market.last_send_ns is not None and now_ns > market.last_send_ns:
            return "the data end before an order could be answered"
        fault = market.fault(now_ns)
        if fault is None and market.ratio is not None:
            fault = market.ratio.fault
        return fault or ("no price" if market.asset_per_lot() is None else None)

    def _orders_on(
        self, choices: Sequence[Choice], now_ns: int, decision: Decision, remaining: float, faults: list[str]
    ) -> list[HedgeIntent]:
        """Return the orders that begin with the first of the choices and take with it what pays as well."""
        first, router = choices[0], self.router
        if router is None or first.offer is None:
            intent = self._order_on(first, now_ns, decision, remaining, faults)
            return [] if intent is None else [intent]
        closing = closes(first.market, remaining)
        together = [
            one
            for one in choices
            if one.offer is not None
            and now_ns >= one.market.not_before_ns
            and closes(one.market, remaining) is closing
            and (not closing or one is first)
        ]
        parts = router.parts(abs(remaining), together, self._sigma) if len(together) > 1 else {}
        if not parts:
            parts = {first.market.name: abs(remaining)}
        intents = [
            self._order_on(one, now_ns, decision, parts[one.market.name] * (1 if remaining > 0.0 else -1), faults)
            for one in together
            if one.market.name in parts
        ]
        return [intent for intent in intents if intent is not None]

    def _order_on(
        self, choice: Choice, now_ns: int, decision: Decision, remaining: float, faults: list[str]
    ) -> HedgeIntent | None:
        market = choice.market
        top, unit = market.top, market.asset_per_lot()
        assert top is not None
        assert unit is not None
        side = side_of(market, remaining)
        lots = int(abs(remaining / unit) + _ROUNDING)
        tick, smallest = float(market.contract.grid.tick), market.contract.smallest_lots(top.mid)
        if closes(market, remaining) and abs(market.position_lots) >= smallest:
            lots = min(lots, abs(market.position_lots))  # what is below the smallest order cannot be closed alone
        limit_ticks = market.limit_ticks(side, top.mid, self._slippage_bps[decision.cause.purpose])
        shown = market.shown_lots(side, limit_ticks)
        if shown < smallest:
            faults.append(f"{market.name}: too little shown within the slippage bound")
            market.not_before_ns = now_ns + self._retry_ns
            market.refusals = max(market.refusals, 1)
            return None
        lots = min(lots, max(int(shown * self._share + _ROUNDING), smallest))
        if lots < smallest:
            faults.append(f"{market.name}: the rest is below the smallest order")
            return None
        if market.capacity(side, limit_ticks * tick) / abs(unit) + _ROUNDING < smallest:
            faults.append(f"{market.name}: our own quotes, the limits or the funds leave no room")
            return None
        if market.quotes is not None:
            market.quotes.reserve(side, lots, alone=False)
        room = market.room_lots(side, limit_ticks * tick)
        if room is not None and room < smallest:
            self._clear(market, side, lots, now_ns)
            faults.append(f"{market.name}: our own quotes, the limits or the funds leave no room")
            return None
        market.clearing_ns = None
        lots = lots if room is None else min(lots, room)
        mid = decision.mids.setdefault(market.name, top.mid)
        beyond = choice.expected - top.mid
        return HedgeIntent(
            market, side, lots, limit_ticks, decision.decision_id, decision.cause, mid, beyond, choice.reason
        )

    def _clear(self, market: HedgeMarket, side: Side, lots: int, now_ns: int) -> None:
        """Note since when our own quotes stand in the way; where those of the hedge's side do, they go as well."""
        quotes = market.quotes
        if quotes is None or not (quotes.open_lots(side) or quotes.open_lots(side.opposite)):
            market.clearing_ns = None
            return
        if not quotes.open_lots(side.opposite):
            quotes.reserve(side, lots, alone=True)
        if market.clearing_ns is None:
            market.clearing_ns = now_ns

    def _said(self, now_ns: int, event: str, decision: Decision, reason: str) -> None:
        self._record.decision(now_ns, event, decision, self.markets[0], None, 0, reason)

    def _release(self, but: Sequence[HedgeMarket] = ()) -> None:
        """Let quotes come back where no hedge is out and none is about to be."""
        for market in self.markets:
            if market.quotes is not None and market not in but and market.order is None:
                market.quotes.release()
                market.clearing_ns = None

    def _wake(self, at_ns: int) -> None:
        self._wake_ns = at_ns if self._wake_ns is None else min(self._wake_ns, at_ns)

    # ---------------------------------------------------------------- orders

    def sending(self, intent: HedgeIntent, client_order_id: str, now_ns: int) -> HedgeOrder:
        """We are about to send an order; it counts from now on."""
        market = intent.market
        order = HedgeOrder(
            client_order_id,
            market.name,
            intent.side,
            intent.lots,
            intent.limit_ticks,
            intent.decision_id,
            intent.cause,
            intent.mid,
            now_ns,
            asked_ns=now_ns,
            beyond=intent.beyond,
        )
        self._out(market, order)
        price = intent.limit_ticks * market.contract.grid.tick
        self._record.order(now_ns, "SENT", order, self.decision, market, intent.lots, price, reason=intent.reason)
        return order

    def _out(self, market: HedgeMarket, order: HedgeOrder) -> None:
        market.order = order
        self._orders[order.client_order_id] = market
        if market.quotes is not None:
            market.quotes.reserve(order.side, order.leaves_lots, alone=False)

    def filled(self, client_order_id: str, lots: int, price: Decimal, commission: float, now_ns: int) -> None:
        """Part or all of an order traded.

        Parameters
        ----------
        client_order_id : str
            Ours; an order long over is no longer known and only moves the position.
        lots : int
            Size of the execution; above 0.
        price : Decimal
            Of the execution.
        commission : float
            In settlement currency; negative for a rebate.
        now_ns : int
            Engine time.

        """
        order = self.order(client_order_id)
        if order is None:
            return
        order.filled_lots += lots
        market = next(one for one in self.markets if one.name == order.instrument_id)
        value = market.contract.value
        cost = int(order.side) * (value(lots, float(price)) - value(lots, order.mid)) + commission
        self._record.order(now_ns, "FILLED", order, self.decision, market, lots, price, cost)
        market.quality.filled(now_ns, order.side, float(lots), float(price), order.beyond)
        if client_order_id not in self._orders:
            return
        if order.leaves_lots <= 0:
            self._over(order, market)
            market.refusals = 0
            market.not_before_ns = max(market.not_before_ns, now_ns + self._pace_ns)
        elif market.quotes is not None:
            market.quotes.reserve(order.side, order.leaves_lots, alone=False)

    def closed(self, client_order_id: str, event: str, now_ns: int, reason: str = "") -> None:
        """The venue says that an order is gone: cancelled for want of a counterparty, rejected, denied or expired."""
        market = self._orders.get(client_order_id)
        if market is None or market.order is None:
            return
        order = market.order
        self._record.order(
            now_ns, "REFUSED", order, self.decision, market, order.leaves_lots, None, 0.0, f"{event} {reason}".strip()
        )
        self._over(order, market)
        # The size shown may be back at once, or never: one order after the other finds nothing at a growing distance.
        market.refusals = 0 if order.filled_lots else market.refusals + 1
        pause_ns = min(max(self._pace_ns, self._retry_ns >> 3) << market.refusals, self._retry_ns)
        market.not_before_ns = max(market.not_before_ns, now_ns + max(pause_ns, self._pace_ns))

    def _over(self, order: HedgeOrder, market: HedgeMarket) -> None:
        del self._orders[order.client_order_id]
        market.order = None
        self._ended[order.client_order_id] = order
        if len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)
        if market.quotes is not None:
            market.quotes.reserve(order.side, 0, alone=False)

    def unanswered(self, now_ns: int) -> list[HedgeOrder]:
        """Return the orders that have been out for longer than a retry since the venue was last asked about them."""
        late = [
            market.order
            for market in self.markets
            if market.order is not None
            and now_ns - market.order.asked_ns >= max(self._retry_ns, self._deadline_ns // 6)
        ]
        for order in late:
            order.asked_ns = now_ns
        return late

    def finish(self, now_ns: int, why: str) -> None:
        """Nothing can be done any more: say so where a hedge is not done."""
        if self.decision is not None:
            self._said(
                now_ns, "ALARM", self.decision, f"not done: {why}; {self.decision.waits_for or 'orders are working'}"
            )
            self.decision = None
        self._release()
        self._wake_ns = None

    # ----------------------------------------------------------------- state

    def save(self) -> dict[str, Any]:
        """Return, as JSON, what a restart needs: the decision being worked, its orders, and the ratios."""
        orders = [asdict(market.order) for market in self.markets if market.order is not None]
        return {
            "decisions": self.decisions,
            "decision": None if self.decision is None else asdict(self.decision),
            "orders": orders,
            "ratios": {market.name: market.ratio.save() for market in self.markets if market.ratio is not None},
            "qualities": {market.name: market.quality.save() for market in self.markets},
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take up what `save` returned; its orders count as out until the venue says what has become of them."""
        self.decisions = int(state["decisions"])
        saved = state["decision"]
        if saved is not None:
            self.decision = Decision(**(saved | {"cause": Cause(saved["cause"])}))
        for market in self.markets:
            if market.ratio is not None and market.name in state["ratios"]:
                market.ratio.load(state["ratios"][market.name])
            if market.name in state.get("qualities", {}):  # not among what earlier versions saved
                market.quality.load(state["qualities"][market.name])
        for fields in state["orders"]:
            order = HedgeOrder(**(fields | {"cause": Cause(fields["cause"]), "side": Side(fields["side"])}))
            market_of = {market.name: market for market in self.markets}.get(order.instrument_id)
            if market_of is not None:
                self._out(market_of, order)

    def adopt(self, order: HedgeOrder) -> None:
        """Count an order of an earlier life that was sent after the state was saved."""
        self.decisions = max(self.decisions, order.decision_id)
        market = {one.name: one for one in self.markets}[order.instrument_id]
        if market.order is None:
            self._out(market, order)
