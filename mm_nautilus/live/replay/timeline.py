"""The market's time: what the components' timers run on while a catalogue is replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from nautilus_trader.common import TimeEvent
from nautilus_trader.core import UUID4

type Callback = Callable[[TimeEvent], None]

_NEVER = 2**63


@dataclass(slots=True)
class _Timer:
    name: str
    next_ns: int
    interval_ns: int | None
    callback: Callback
    live: bool = True


@dataclass(slots=True)
class Timeline:
    """Time that is set by what is replayed, and the timers of every component on it.

    Timers of one instant fire in the order of their names, as in the backtest engine, whose clock this
    stands in for; those of one name in the order they were set.
    """

    now_ns: int = 0
    """The instant being replayed, in nanoseconds since 1970."""
    _due: list[tuple[int, str, int, _Timer]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    @property
    def next_ns(self) -> int:
        """Return when the next timer fires; far in the future where there is none."""
        while self._due and not self._due[0][3].live:
            heappop(self._due)
        return self._due[0][0] if self._due else _NEVER

    def schedule(self, timer: _Timer) -> None:
        """Wait for the timer's next instant."""
        heappush(self._due, (timer.next_ns, timer.name, next(self._numbers), timer))

    def fire_next(self) -> None:
        """Go to the next instant at which a timer fires, and fire that timer; nothing where there is none."""
        instant = self.next_ns
        if instant == _NEVER:
            return
        self.now_ns = max(self.now_ns, instant)
        timer = heappop(self._due)[3]
        if timer.interval_ns is None:
            timer.live = False
        else:
            timer.next_ns += timer.interval_ns
            self.schedule(timer)
        timer.callback(TimeEvent(timer.name, UUID4(), instant, instant))


class ReplayClock:
    """The clock of one component: the part of the engine's `Clock` that our components use, on a `Timeline`.

    Parameters
    ----------
    timeline : Timeline
        Shared by all components of a replay.

    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._timers: dict[str, _Timer] = {}

    def timestamp_ns(self) -> int:
        """Return the instant being replayed, in nanoseconds since 1970."""
        return self._timeline.now_ns

    def timer_names(self) -> list[str]:
        """Return the names of the timers that will still fire."""
        return [name for name, timer in self._timers.items() if timer.live]

    def set_timer_ns(self, name: str, interval_ns: int, *, callback: Callback) -> None:
        """Fire every `interval_ns` nanoseconds from now on, the first time after one interval."""
        self._set(_Timer(name, self._timeline.now_ns + interval_ns, interval_ns, callback))

    def set_time_alert_ns(self, name: str, alert_time_ns: int, *, callback: Callback) -> None:
        """Fire once, at `alert_time_ns`, or at once where that has passed."""
        self._set(_Timer(name, max(alert_time_ns, self._timeline.now_ns), None, callback))

    def cancel_timer(self, name: str) -> None:
        """Let a timer fire no more; a name that is not there is no error."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.live = False

    def _set(self, timer: _Timer) -> None:
        self.cancel_timer(timer.name)
        if len(self._timers) > 64:
            self._timers = {name: other for name, other in self._timers.items() if other.live}
        self._timers[timer.name] = timer
        self._timeline.schedule(timer)
