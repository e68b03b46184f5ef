"""Commands that arrive exactly when their latency says.

The backtest engine works off a delayed command only at the next event of the command's own
instrument or at a timer, whichever comes first. An alert at the arrival time makes it exact. A live
node needs none of this and configures no latencies.
"""

from __future__ import annotations

from nautilus_trader.common import Clock, TimeEvent
from pydantic import Field

from mm_nautilus.settings import Settings


class ArrivalSettings(Settings):
    """Latency of each kind of command, in nanoseconds, as the venue simulates it, and when the run ends."""

    submit_ns: int = Field(default=0, ge=0, description="Submit: base plus insert latency.")
    amend_ns: int = Field(default=0, ge=0, description="Amend: base plus update latency.")
    cancel_ns: int = Field(default=0, ge=0, description="Cancel: base plus cancel latency.")
    end_ns: int | None = Field(
        default=None,
        ge=0,
        description="Instant of the last data, in nanoseconds since 1970; by then every order has been taken back.",
    )

    @property
    def last_quote_ns(self) -> int | None:
        """When to take the orders back so that every command is answered by the end of the data.

        The engine goes on after a strategy has stopped: commands in flight still arrive and may even fill,
        and a cancel that overtakes its submit is lost. No answer reaches the strategy by then. The
        longest exchange is a submit just sent, and a cancel once it is accepted.
        """
        if self.end_ns is None:
            return None
        return max(self.end_ns - self.submit_ns - self.amend_ns - self.cancel_ns - 1, 0)


class ArrivalAlerts:
    """Sets one alert for each distinct arrival time.

    Parameters
    ----------
    clock : Clock
        The component's clock.
    prefix : str
        Start of the alerts' names; timers of one instant fire in name order, so ``zz`` comes last.

    """

    __slots__ = ("_clock", "_count", "_last_ns", "_prefix")

    def __init__(self, clock: Clock, prefix: str) -> None:
        self._clock = clock
        self._prefix = prefix
        self._count = 0
        self._last_ns = -1

    def expect(self, now_ns: int, latency_ns: int) -> None:
        """Wake the engine when a command sent now arrives."""
        arrival_ns = now_ns + latency_ns
        if latency_ns == 0 or arrival_ns == self._last_ns:
            return
        self._last_ns = arrival_ns
        self._count += 1
        self._clock.set_time_alert_ns(f"{self._prefix}{self._count}", arrival_ns, callback=_nothing)


def _nothing(event: TimeEvent) -> None:
    """Do nothing: that the clock stopped here is all that is needed."""
