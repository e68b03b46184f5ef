"""What a strategy does on a real account beyond what it does in a backtest: agree first, and live with strangers.

On a start it has the engine's word on the venue (orders, fills, positions) and its own state of the last life. It books
what it missed, takes over what nothing explains, does with unknown orders what the run file says, and quotes nothing
until no unknown order rests and its books are the engine's. Later, whatever moves the position without a fill of ours
is taken into the books as somebody else's, and said.

What differs between a strategy that quotes and one that only takes is in `mm_nautilus.live.recovering`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from nautilus_trader.common import SocketState, SocketStateChanged, TimeEvent
from nautilus_trader.model import OrderAccepted, OrderCancelRejected, OrderFilled

from mm_nautilus.errors import UserError
from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.traded import is_ours
from mm_nautilus.inventory.ledger import Difference
from mm_nautilus.live.standing import KEY as OPERATOR
from mm_nautilus.live.standing import Standing
from mm_nautilus.live.state_file import KEY, Identity
from mm_nautilus.market import Purpose, Side, TopOfBook
from mm_nautilus.messages import TOPIC_ALERT, TOPIC_FILL, AlertFact, FillFact

_LOOK_EVERY_NS = 200_000_000
_AGAIN_NS = 2_000_000_000
_TIMER = "05_agree_"
type UnknownOrders = Literal["cancel", "claim", "refuse"]


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """How a strategy meets what it did not send."""

    identity: Identity
    state_file: Path
    unknown_orders: UnknownOrders
    agree_within_s: float
    keep_operator: bool = True
    """Whether what an operator said in an earlier life holds on."""
    cancel_again_s: float = 0.5
    """Seconds a command may go unanswered while the quotes have to go."""
    lost_after_s: float = 4.0
    """Seconds without an answer after which an amend or a cancel counts as lost at any other time."""


class Recovering(GuardedStrategy):
    """Mixed in before a strategy's own class; see the module."""

    recovery_settings: RecoverySettings
    recovery: Any
    _clock: Any
    _hedger: Any
    _saved: Any
    _mismatches: int
    _started: bool

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.standing = Standing(self)
        self._took_up = False

    # ---------------------------------------------- what a kind of strategy says

    def _hold(self) -> None:
        """Begin nothing until `_release`; what must be hedged, must."""
        raise NotImplementedError

    def _release(self) -> None:
        """Trade, as far as nothing else stands against it."""
        raise NotImplementedError

    def _claim(self, order: Any) -> bool:
        """Trade with a stranger's order as if it were ours; return whether that can be."""
        raise NotImplementedError

    def _is_claimed(self, order: Any) -> bool:
        """Return whether it is traded with already."""
        raise NotImplementedError

    def _counted(self, name: str) -> tuple[Decimal, TopOfBook | None]:
        """Return what is held of an instrument by our count, in base units (contracts), and its best prices."""
        raise NotImplementedError

    def _recount(self, name: str, theirs: Decimal) -> None:
        """Take over a position that the books have taken over."""
        raise NotImplementedError

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Start as any strategy does, and then wait until the books agree."""
        self.found: dict[str, Any] = {"taken_over": {}, "differences": [], "unknown_orders": []}
        self._asked: dict[str, int] = {}
        self._adopted = 0
        self._swept = self._deaf = self._agreed = False
        had_state = self.recovery_settings.state_file.exists()
        super().on_start()
        now_ns: int = self._clock.timestamp_ns()
        self._began_ns = now_ns
        self._said_late = False
        self.found["state"] = str(self.recovery_settings.state_file) if had_state else None
        self.found["taken_over"] = {
            line.instrument_id: str(line.opening) for line in self._hedger.control.ledger.lines if line.opening
        }
        self._describe(self.recovery)
        self._take_up_operator(now_ns)
        self._agreed = not self._asked and self._hedger.difference() is None
        if not self._agreed:
            self._hold()
        self._persist()  # type: ignore[attr-defined]
        look: Callable[[TimeEvent], None] = self._look_around
        self._clock.set_timer_ns(_TIMER + str(self.strategy_id), _LOOK_EVERY_NS, callback=self.guard(look))
        self.subscribe_socket_state()

    def _take_up_operator(self, now_ns: int) -> None:
        """Let hold on what an operator said in an earlier life, and say so to everybody who could have forgotten."""
        told = (self._saved or {}).get(OPERATOR)
        self._took_up = True
        if told is None or not self.recovery_settings.keep_operator:
            return
        refused = self.standing.take_up(told)
        self.found["operator"] = [*self.standing.words, *refused]
        for words in self.found["operator"]:
            self.log.warning(f"operator: {words}")
            self.publish_message(TOPIC_ALERT, AlertFact(now_ns, str(self.strategy_id), "", "operator", words))

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
            for one in self._hedger.traded.values():
                self.cancel_all_orders(one.id, strategy_only=False)

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
        if not self._agreed:
            self._hold()
        look: Callable[[TimeEvent], None] = self._look_around
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

    def _look_around(self, event: TimeEvent) -> None:
        """Meet strangers' orders until none is left; begin to quote once there is none and the books agree."""
        now_ns = event.ts_event
        waiting_for = [_words(order) for order in self._strangers() if self._unmet(order, now_ns)]
        if self._agreed or self._swept:  # on the way out nobody begins to quote
            return
        difference = self._hedger.difference()
        if not waiting_for and difference is None:
            self._agreed = True
            self._release()
            self.log.info("books, engine and venue agree: trading begins")
        elif not self._said_late and now_ns - self._began_ns > self.recovery_settings.agree_within_s * 1e9:
            self._said_late = True
            waiting = ", ".join(waiting_for) or f"the position {difference}"
            self._say(next(iter(self._hedger.traded)), f"not trading yet: waiting for {waiting}", now_ns)

    def _unmet(self, order: Any, now_ns: int) -> bool:
        """Meet an order again where that did not help; return whether it is to go and still rests."""
        if self.recovery_settings.unknown_orders == "refuse":
            return False
        name = str(order.client_order_id)
        if self.recovery_settings.unknown_orders == "claim" and self._is_claimed(order):
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
            for one in self._hedger.traded.values()
            for order in self.cache.orders_open(None, one.id)
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
        super()._adopt_orders()  # type: ignore[misc]
        for order in strangers:
            self._meet(order, self._clock.timestamp_ns())

    def _meet(self, order: Any, now_ns: int) -> None:
        """Cancel an unknown order, or quote with it; say so the first time."""
        name, policy = str(order.client_order_id), self.recovery_settings.unknown_orders
        claimed = policy == "claim" and self._claim(order)
        if name not in self._asked:
            done = "it is cancelled" if policy == "cancel" else "it is quoted with" if claimed else "it stays"
            self._say(str(order.instrument_id), f"unknown order {_words(order)}: {done}", now_ns)
        self._asked[name] = now_ns
        if policy == "cancel":
            self.cancel_order(order.client_order_id)

    def on_order_accepted(self, event: OrderAccepted) -> None:
        """Meet an order that appears while we trade, if it is not ours."""
        super().on_order_accepted(event)
        name = str(event.client_order_id)
        if is_ours(name) or str(event.instrument_id) not in self._hedger.traded or name in self._asked:
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
        state: dict[str, Any] = super()._state()  # type: ignore[misc]
        operator = self.standing.saved()
        if not self._took_up:  # whoever is killed while starting has forgotten nothing
            operator = (self._saved or {}).get(OPERATOR, operator)
        return state | {KEY: self.recovery_settings.identity.saved(), OPERATOR: operator}

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
        ledger, (counted, top) = self._hedger.control.ledger, self._counted(name)
        books: Decimal = ledger.line(name).position
        if books != theirs:
            ledger.adopt(Difference(name, books, theirs), now_ns)
            self._hedger.recount()
        self._recount(name, theirs)
        if counted != theirs:
            self._write_down(name, theirs - counted, theirs, top, now_ns)
        self._persist()  # type: ignore[attr-defined]
        self._mismatches = 0
        self._say(
            name, f"the position counted from fills is {ours}, the engine's is {theirs}; the latter is taken", now_ns
        )

    def _write_down(self, name: str, signed: Decimal, position: Decimal, top: TopOfBook | None, now_ns: int) -> None:
        """Write what moved the position down as a fill of somebody else's at the mid."""
        traded = self._hedger.traded[name]
        self._adopted += 1
        mid, tick = 0.0 if top is None else top.mid, traded.lattice.grid.tick
        fact = FillFact(
            ts_ns=now_ns,
            strategy_id=str(self.strategy_id),
            instrument_id=name,
            client_order_id=f"unexplained-{self._adopted}",
            venue_order_id="",
            trade_id=f"unexplained-{now_ns}-{self._adopted}",
            decision_id=-1,
            side=(Side.BUY if signed > 0 else Side.SELL).name,
            level=-1,
            price=round(Decimal(mid) / tick) * tick,
            size=abs(signed),
            liquidity="NO_LIQUIDITY_SIDE",
            commission=Decimal(0),
            commission_currency=traded.quote_currency,
            position_after=position,
            bid=None if top is None else top.bid,
            ask=None if top is None else top.ask,
            quoted_ts_ns=now_ns,
            purpose=str(Purpose.EXTERNAL),
        )
        self.publish_message(TOPIC_FILL, fact)

    def _say(self, instrument_id: str, text: str, now_ns: int) -> None:
        self.log.warning(f"{instrument_id}: {text}")
        self.publish_message(TOPIC_ALERT, AlertFact(now_ns, str(self.strategy_id), instrument_id, "recovery", text))


def _may_rest(order: Any) -> bool:
    return getattr(order, "price", None) is not None


def _words(order: Any) -> str:
    price = f"at {order.price}" if _may_rest(order) else "at the market"
    return f"{order.client_order_id} ({order.side.name} {order.leaves_qty} {order.instrument_id} {price})"
