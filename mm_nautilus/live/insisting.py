"""A command whose answer is lost: what it was about is cancelled in a way that passes.

A venue may refuse a command and the refusal be lost with its connection, or the command itself be. The order then
rests as it did, and waits for an answer that never comes: the desk sends nothing more meanwhile, and the engine no
second cancel ("Cannot cancel order: state is PendingCancel"). It only asks the venue what became of the order, and is
told each time that it rests. An order whose amend is lost can be cancelled; one whose cancel is lost only by a cancel
of everything on its instrument, which is sent whatever the engine knows of the orders there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nautilus_trader.common import TimeEvent

from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.live.recovery import RecoverySettings
from mm_nautilus.quoting.orders import OrderStatus, WorkingOrder
from mm_nautilus.strategies.leg import QuotingLeg

_LOOK_EVERY_NS: Final = 100_000_000
_TIMER: Final = "06_insist_"
_COMMANDS: Final = {
    OrderStatus.PENDING_SUBMIT: "a submit",
    OrderStatus.PENDING_AMEND: "an amend",
    OrderStatus.PENDING_CANCEL: "a cancel",
}
type _Command = tuple[str, OrderStatus, int]
"""Order, what has been asked of it, and how often it has been amended."""


class Insisting(GuardedStrategy):
    """Mixed in before a strategy that quotes; see the module."""

    recovery_settings: RecoverySettings
    legs: Mapping[str, QuotingLeg]
    _clock: Any
    _swept: bool

    def on_start(self) -> None:
        """Start as any strategy does, and watch the commands."""
        self._waiting: dict[str, dict[_Command, int]] = {}
        self._insisted_ns: dict[str, int] = {}
        super().on_start()
        self._watch_commands()

    def on_stop(self) -> None:
        """Watch no more."""
        name = _TIMER + str(self.strategy_id)
        if name in self._clock.timer_names():
            self._clock.cancel_timer(name)
        super().on_stop()

    def on_resume(self) -> None:
        """Watch again."""
        super().on_resume()
        self._watch_commands()

    def _watch_commands(self) -> None:
        name = _TIMER + str(self.strategy_id)
        self._clock.set_timer_ns(name, _LOOK_EVERY_NS, callback=self.guard(self._look_at_commands))

    def _look_at_commands(self, _event: TimeEvent) -> None:
        """Cancel what has waited for an answer too long: soon where quotes have to go, else once it must be lost."""
        # Looks that the process was held up for come all at once, and each would ask anew at its own time.
        settings, now_ns = self.recovery_settings, self._clock.timestamp_ns()
        for name, leg in self.legs.items():
            waiting = self._waiting_since(name, leg, now_ns)
            if not waiting:
                continue
            has_to_go = self._has_to_go(leg, now_ns)
            patience_ns = round((settings.cancel_again_s if has_to_go else settings.lost_after_s) * 1e9)
            # The engine finds out by itself about an order that never arrived, and it is in nobody's way meanwhile.
            late = [
                (order, since_ns)
                for order, since_ns in waiting
                if now_ns - since_ns >= patience_ns and (has_to_go or order.status is not OrderStatus.PENDING_SUBMIT)
            ]
            if late and now_ns - self._insisted_ns.get(name, 0) >= patience_ns:
                self._insisted_ns[name] = now_ns
                waited_s = (now_ns - min(since_ns for _, since_ns in late)) * 1e-9
                self._insist(leg, [order for order, _ in late], waited_s, now_ns, has_to_go=has_to_go)

    def _waiting_since(self, name: str, leg: QuotingLeg, now_ns: int) -> list[tuple[WorkingOrder, int]]:
        """Return the orders with a command in flight, each with when that was seen first."""
        before = self._waiting.get(name, {})
        found = [
            (order, (order.client_order_id, order.status, order.amends))
            for order in leg.desk.orders
            if order.status is not OrderStatus.WORKING
        ]
        self._waiting[name] = {command: before.get(command, now_ns) for _, command in found}
        return [(order, self._waiting[name][command]) for order, command in found]

    def _insist(
        self, leg: QuotingLeg, late: list[WorkingOrder], waited_s: float, now_ns: int, *, has_to_go: bool
    ) -> None:
        asked = {order.status for order in late}
        words = f"{leg.name}: no answer to {' and '.join(sorted(_COMMANDS[one] for one in asked))} for {waited_s:.1f} s"
        # Strangers' orders are cancelled with everything, so not where they are to stay.
        everything = self.recovery_settings.unknown_orders != "refuse"
        single = [order for order in late if order.status is not OrderStatus.PENDING_CANCEL]
        if everything and (has_to_go or len(single) < len(late)):
            self.log.warning(f"{words}; everything is cancelled")
            self.cancel_all_orders(leg.traded.id, strategy_only=False)
        elif single:
            self.log.warning(f"{words}; cancelled: {', '.join(order.client_order_id for order in single)}")
            leg.cancel(single, now_ns)

    def _has_to_go(self, leg: QuotingLeg, now_ns: int) -> bool:
        """Return whether nothing is to be quoted: on a stop, a dead feed, an order of the risk monitor's, a pause."""
        desk = leg.desk
        return self._swept or desk.restraint.withdraws is not None or desk.fault(now_ns) is not None
