"""A cancel whose answer is lost, asked for once more in another way while the quotes have to go.

The engine sends no second cancel of an order that waits for the answer to the first ("Cannot cancel order: state is
PendingCancel") until its in-flight check has asked what became of it. A cancel of everything on an instrument is sent
whatever it knows of the orders there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nautilus_trader.common import TimeEvent

from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.live.recovery import RecoverySettings
from mm_nautilus.quoting.orders import OrderStatus
from mm_nautilus.strategies.leg import QuotingLeg

_LOOK_EVERY_NS: Final = 100_000_000
_TIMER: Final = "06_insist_"


class Insisting(GuardedStrategy):
    """Mixed in before a strategy that quotes; see the module."""

    recovery_settings: RecoverySettings
    legs: Mapping[str, QuotingLeg]
    _clock: Any
    _swept: bool

    def on_start(self) -> None:
        """Start as any strategy does, and watch the cancels."""
        self._waiting: dict[str, dict[str, int]] = {}
        self._insisted_ns: dict[str, int] = {}
        super().on_start()
        self._watch_cancels()

    def on_stop(self) -> None:
        """Watch no more."""
        name = _TIMER + str(self.strategy_id)
        if name in self._clock.timer_names():
            self._clock.cancel_timer(name)
        super().on_stop()

    def on_resume(self) -> None:
        """Watch again."""
        super().on_resume()
        self._watch_cancels()

    def _watch_cancels(self) -> None:
        if self.recovery_settings.unknown_orders != "refuse":  # strangers' orders stay there, and this would take them
            name = _TIMER + str(self.strategy_id)
            self._clock.set_timer_ns(name, _LOOK_EVERY_NS, callback=self.guard(self._insist))

    def _insist(self, event: TimeEvent) -> None:
        """Cancel everything where quotes have to go and a cancel has not been answered for too long."""
        now_ns, patience_ns = event.ts_event, round(self.recovery_settings.cancel_again_s * 1e9)
        for name, leg in self.legs.items():
            before = self._waiting.get(name, {})
            waiting = {
                order.client_order_id: before.get(order.client_order_id, now_ns)
                for order in leg.desk.orders
                if order.status is OrderStatus.PENDING_CANCEL
            }
            self._waiting[name] = waiting
            since_ns = min(waiting.values(), default=now_ns)
            due_ns = max(since_ns, self._insisted_ns.get(name, 0)) + patience_ns
            if waiting and now_ns >= due_ns and self._has_to_go(leg, now_ns):
                self._insisted_ns[name] = now_ns
                self.log.warning(
                    f"{name}: no answer to a cancel for {(now_ns - since_ns) * 1e-9:.1f} s; everything is cancelled"
                )
                self.cancel_all_orders(leg.traded.id, strategy_only=False)

    def _has_to_go(self, leg: QuotingLeg, now_ns: int) -> bool:
        """Return whether nothing is to be quoted: on a stop, a dead feed, an order of the risk monitor's, a pause."""
        desk = leg.desk
        return self._swept or desk.restraint.withdraws is not None or desk.fault(now_ns) is not None
