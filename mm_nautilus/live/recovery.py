"""What a strategy does on a real account beyond what it does in a backtest: agree first, and live with strangers.

On a start it has the engine's word on the venue (orders, fills, positions) and its own state of the last life. It books
what it missed, takes over what nothing explains, does with unknown orders what the run file says, and quotes nothing
until no unknown order rests and its books are the engine's. Later, whatever moves the position without a fill of ours
is taken into the books as somebody else's, and said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from nautilus_trader.common import SocketState, SocketStateChanged, TimeEvent
from nautilus_trader.model import InstrumentId, OrderAccepted, OrderCancelRejected, OrderFilled

from mm_nautilus.errors import UserError
from mm_nautilus.host.traded import is_ours
from mm_nautilus.inventory.ledger import Difference
from mm_nautilus.live.state_file import KEY, Identity
from mm_nautilus.market import Purpose, Side
from mm_nautilus.messages import TOPIC_ALERT, TOPIC_FILL, AlertFact, FillFact
from mm_nautilus.strategies.quoting_strategy import QuotingStrategy

_LOOK_EVERY_NS = 200_000_000
_AGAIN_NS = 2_000_000_000
_TIMER = "05_agree_"
type UnknownOrders = Literal["cancel", "claim", "refuse"]


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """How a strategy meets what it did not send."""

    identity: Identity
    unknown_orders: UnknownOrders
    agree_within_s: float


class Recovering(QuotingStrategy):
    """Mixed in before a strategy's own class; see the module and `recovering`."""

    recovery_settings: RecoverySettings

    def on_start(self) -> None:
        """Start as any strategy does, and then wait until the books agree."""
        self.found: dict[str, Any] = {"taken_over": {}, "differences": [], "unknown_orders": []}
        self._asked: dict[str, int] = {}
        self._adopted = 0
        self._swept = self._deaf = False
        had_state = self._state_file is not None and self._state_file.exists()
        super().on_start()
        now_ns: int = self._clock.timestamp_ns()
        self._began_ns = now_ns
        self._said_late = False
        self.found["state"] = str(self._state_file) if had_state else None
        self.found["taken_over"] = {
            line.instrument_id: str(line.opening) for line in self._hedger.control.ledger.lines if line.opening
        }
        self._describe(self.recovery)
        self._agreed = not self._asked and self._hedger.difference() is None
        if not self._agreed:
            for leg in self._legs.values():
                leg.desk.halt()
        self._persist()
        look: Callable[[TimeEvent], None] = self._look
        self._clock.set_timer_ns(_TIMER + str(self.strategy_id), _LOOK_EVERY_NS, callback=self.guard(look))
        self.subscribe_socket_state()

    def withdraw(self) -> None:
        """Take every order back, those included that nobody ever told us of."""
        if self._started and not self._swept:
            self._swept = True
            self._sweep()
        super().withdraw()

    def on_socket_state(self, event: SocketStateChanged) -> None:
        """Sweep when private messages are heard again: what appeared meanwhile is told by nobody."""
        super().on_socket_state(event)
        if "user" not in str(event.endpoint):
            return
        up = event.state == SocketState.CONNECTED
        if up and self._deaf and self._agreed and not self._swept:
            self._sweep()
        self._deaf = not up

    def _sweep(self) -> None:
        """Cancel everything on what we trade, where strangers' orders are to go.

        The engine looks after the orders that it knows; one whose only message was lost it never hears of, and it has
        no command for an order that it does not know but this.
        """
        if self.recovery_settings.unknown_orders == "cancel":
            for leg in self._legs.values():
                self.cancel_all_orders(leg.traded.id, strategy_only=False)

    def on_stop(self) -> None:
        """Look no more."""
        name = _TIMER + str(self.strategy_id)
        if name in self._clock.timer_names():
            self._clock.cancel_timer(name)
        super().on_stop()

    def on_resume(self) -> None:
        """Look again."""
        self._swept = False
        super().on_resume()
        look: Callable[[TimeEvent], None] = self._look
        self._clock.set_timer_ns(_TIMER + str(self.strategy_id), _LOOK_EVERY_NS, callback=self.guard(look))

    def _describe(self, recovery: Any) -> None:
        """Put what a restart found into words for the result."""
        if recovery is None:
            return
        self.found["differences"] = [
            {"instrument_id": one.instrument_id, "books": str(one.ledger), "venue": str(one.venue)}
            for one in recovery.differences
        ]
        for name in ("missed", "refused", "ended", "resumed"):
            self.found[name] = len(getattr(recovery, name, ()))

    def _look(self, event: TimeEvent) -> None:
        """Meet strangers' orders until none is left; begin to quote once there is none and the books agree."""
        now_ns = event.ts_event
        waiting_for = [_words(order) for order in self._strangers() if self._unmet(order, now_ns)]
        if self._agreed or self._swept:  # on the way out nobody begins to quote
            return
        difference = self._hedger.difference()
        if not waiting_for and difference is None:
            self._agreed = True
            for leg in self._legs.values():
                leg.desk.resume()
            self._obey()
            self.log.info("books, engine and venue agree: quoting begins")
        elif not self._said_late and now_ns - self._began_ns > self.recovery_settings.agree_within_s * 1e9:
            self._said_late = True
            waiting = ", ".join(waiting_for) or f"the position {difference}"
            self._say(next(iter(self._legs.values())).name, f"not quoting yet: waiting for {waiting}", now_ns)

    def _unmet(self, order: Any, now_ns: int) -> bool:
        """Meet an order again where that did not help; return whether it is to go and still rests."""
        if self.recovery_settings.unknown_orders == "refuse":
            return False
        name = str(order.client_order_id)
        if self.recovery_settings.unknown_orders == "claim" and self._legs[order.instrument_id].desk.orders.get(name):
            return False
        # A cancel may be refused, as by a rate limit, or lost with its connection.
        if now_ns - self._asked.get(name, 0) >= _AGAIN_NS:
            if order.is_pending_cancel:  # adapters drop what is answered to orders that they did not send
                self._asked[name] = now_ns
                self.cancel_all_orders(order.instrument_id, strategy_only=False)
            else:
                self._meet(order, now_ns)
        return self.recovery_settings.unknown_orders == "cancel"

    def _strangers(self) -> list[Any]:
        """Return the open orders on what we trade that no program of ours sent."""
        return [
            order
            for leg in self._legs.values()
            for order in self.cache.orders_open(None, leg.traded.id)
            if _may_rest(order) and not is_ours(str(order.client_order_id))
        ]

    # --------------------------------------------------------- unknown orders

    def _adopt_orders(self) -> None:
        """Take up quotes of an earlier life; do with everybody else's orders what the run file says."""
        policy = self.recovery_settings.unknown_orders
        strangers = self._strangers()
        self.found["unknown_orders"] = [_words(order) for order in strangers]
        if strangers and policy == "refuse":
            listed = "\n".join(f"  - {_words(order)}" for order in strangers)
            raise UserError(
                f"there are orders on the account that this program did not send:\n{listed}\n"
                'Cancel them, or set live.unknown_orders to "cancel" or "claim"'
            )
        super()._adopt_orders()
        for order in strangers:
            self._meet(order, self._clock.timestamp_ns())

    def _meet(self, order: Any, now_ns: int) -> None:
        """Cancel an unknown order, or quote with it; say so the first time."""
        name, policy = str(order.client_order_id), self.recovery_settings.unknown_orders
        if name not in self._asked:
            done = {"cancel": "it is cancelled", "claim": "it is quoted with", "refuse": "it stays"}[policy]
            self._say(str(order.instrument_id), f"unknown order {_words(order)}: {done}", now_ns)
        self._asked[name] = now_ns
        if policy == "claim":
            self._legs[order.instrument_id].adopt_order(order)
        elif policy == "cancel":
            self.cancel_order(order.client_order_id)

    def on_order_accepted(self, event: OrderAccepted) -> None:
        """Meet an order that appears while we trade, if it is not ours."""
        super().on_order_accepted(event)
        name = str(event.client_order_id)
        if is_ours(name) or event.instrument_id not in self._legs or name in self._asked:
            return
        order = self.cache.order(event.client_order_id)
        if order is not None and not order.is_closed and _may_rest(order):
            self._meet(order, event.ts_event)

    def on_order_cancel_rejected(self, event: OrderCancelRejected) -> None:
        """Ask what has become of a stranger's order that we could not cancel."""
        super().on_order_cancel_rejected(event)
        order = None if is_ours(str(event.client_order_id)) else self.cache.order(event.client_order_id)
        if order is not None and not order.is_closed:
            self.query_order(order)

    # -------------------------------------------------------------- the books

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = super()._state()
        return state | {KEY: self.recovery_settings.identity.saved()}

    def positions(self) -> dict[str, dict[str, str]]:
        """Return what books and engine say is held, by instrument."""
        return {
            line.instrument_id: {
                "books": str(line.position),
                "engine": str(self._hedger.engine_position(self._hedger.traded[line.instrument_id])),
            }
            for line in self._hedger.control.ledger.lines
        }

    def on_order_filled(self, event: OrderFilled) -> None:
        """Say that somebody else traded on our account, if somebody else did."""
        if not is_ours(str(event.client_order_id)):
            what = f"{event.client_order_id}: {event.last_qty} at {event.last_px}"
            self._say(str(event.instrument_id), f"somebody else's order {what}, taken into the books", event.ts_event)
        super().on_order_filled(event)

    def _disagree(self, name: str, ours: Decimal, theirs: Decimal) -> None:
        """Take the engine's position for true: something moved it that was no fill we were told of."""
        now_ns: int = self._clock.timestamp_ns()
        ledger, leg = self._hedger.control.ledger, self._legs.get(InstrumentId.from_str(name))
        books: Decimal = ledger.line(name).position
        if books != theirs:
            ledger.adopt(Difference(name, books, theirs), now_ns)
            self._hedger.recount()
        if leg is not None:
            self._move(leg, theirs, now_ns)
        self._booked += 1  # the state has changed and must be kept
        self._mismatches = 0
        self._say(
            name, f"the position counted from fills is {ours}, the engine's is {theirs}; the latter is taken", now_ns
        )

    def _move(self, leg: Any, theirs: Decimal, now_ns: int) -> None:
        """Bring the desk's position to the engine's, and write it down as a fill of somebody else's at the mid."""
        lots = round(theirs / leg.lattice.grid.lot) - leg.desk.position_lots
        if not lots:
            return
        side = Side.BUY if lots > 0 else Side.SELL
        leg.desk.filled(side, abs(lots), None)
        top = leg.desk.top
        self._adopted += 1
        mid = 0.0 if top is None else top.mid
        tick = leg.lattice.grid.tick
        fact = FillFact(
            ts_ns=now_ns,
            strategy_id=str(self.strategy_id),
            instrument_id=leg.name,
            client_order_id=f"unexplained-{self._adopted}",
            venue_order_id="",
            trade_id=f"unexplained-{now_ns}-{self._adopted}",
            decision_id=-1,
            side=side.name,
            level=-1,
            price=round(Decimal(mid) / tick) * tick,
            size=abs(lots) * leg.lattice.grid.lot,
            liquidity="NO_LIQUIDITY_SIDE",
            commission=Decimal(0),
            commission_currency=leg.traded.quote_currency,
            position_after=leg.desk.position_lots * leg.lattice.grid.lot,
            bid=None if top is None else top.bid,
            ask=None if top is None else top.ask,
            quoted_ts_ns=now_ns,
            purpose=str(Purpose.EXTERNAL),
        )
        self.publish_message(TOPIC_FILL, fact)

    def _say(self, instrument_id: str, text: str, now_ns: int) -> None:
        self.log.warning(f"{instrument_id}: {text}")
        self.publish_message(TOPIC_ALERT, AlertFact(now_ns, str(self.strategy_id), instrument_id, "recovery", text))


def recovering[T](component: type[T], settings: RecoverySettings) -> type[T]:
    """Return a component's class as it is run on a real account; what does not quote is left as it is.

    Parameters
    ----------
    component : type
        Strategy or actor.
    settings : RecoverySettings
        What to do with what we did not send.

    """
    if not issubclass(component, QuotingStrategy):
        return component
    fields = {"recovery_settings": settings, "__module__": component.__module__}
    return type(component.__name__, (Recovering, component), fields)


def _may_rest(order: Any) -> bool:
    return getattr(order, "price", None) is not None


def _words(order: Any) -> str:
    price = f"at {order.price}" if _may_rest(order) else "at the market"
    return f"{order.client_order_id} ({order.side.name} {order.leaves_qty} {order.instrument_id} {price})"
