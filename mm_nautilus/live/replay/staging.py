"""What stands between a component and the node while a catalogue is replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from nautilus_trader.model import ClientOrderId, InstrumentId
from nautilus_trader.trading import Strategy

from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.host.loading import LoadedRun, arrival_of
from mm_nautilus.live.replay.timeline import ReplayClock, Timeline

type Handler = Callable[[Any], None]

_NO_LATENCY: Final = ArrivalSettings()


class Stage:
    """What the components of one replay share: the time, data to be delivered, and how long commands travel.

    Parameters
    ----------
    arrivals : dict of str to ArrivalSettings
        Latency of each kind of command by venue.

    """

    def __init__(self, arrivals: dict[str, ArrivalSettings]) -> None:
        self.timeline = Timeline()
        self.running = False
        """Whether the conductor delivers; before and after, everything passes at once."""
        self.commands = 0
        """Commands that have gone into the node so far."""
        self._arrivals = arrivals
        self._undelivered: list[tuple[Handler, Any]] = []

    def hold(self, handler: Handler, record: Any) -> None:
        """Keep a record back until `deliver`."""
        self._undelivered.append((handler, record))

    def deliver(self) -> None:
        """Hand out the records that were kept back, in the order the components were subscribed by the node."""
        held, self._undelivered = self._undelivered, []
        for handler, record in held:
            handler(record)

    def arrival(self, venue: str) -> ArrivalSettings:
        """Return the latencies of a venue, none where nobody replays."""
        return self._arrivals.get(venue, _NO_LATENCY) if self.running else _NO_LATENCY


def stage_of(loaded: LoadedRun) -> Stage:
    """Return the stage of a run, with the latencies of its simulated venues."""
    return Stage({section.name: arrival_of(section) for section in loaded.run_file.venues})


class Stamped:
    """An event of the engine's with the instant at which it happens on the market's clock."""

    __slots__ = ("_event", "ts_event", "ts_init")

    def __init__(self, event: Any, now_ns: int) -> None:
        self._event = event
        self.ts_event = self.ts_init = now_ns

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)


class StagedComponent:
    """Mixed in before a component's own class; see `staged`."""

    stage: Stage
    _own_clock: ReplayClock | None = None

    @property
    def clock(self) -> ReplayClock:
        """The market's time instead of the node's."""
        if self._own_clock is None:
            self._own_clock = ReplayClock(self.stage.timeline)
        return self._own_clock

    def on_quote(self, quote: Any) -> None:
        """Hold a quote back."""
        self.stage.hold(super().on_quote, quote)  # type: ignore[misc]

    def on_trade(self, trade: Any) -> None:
        """Hold a trade back."""
        self.stage.hold(super().on_trade, trade)  # type: ignore[misc]

    def on_book_deltas(self, deltas: Any) -> None:
        """Hold a book event back."""
        self.stage.hold(super().on_book_deltas, deltas)  # type: ignore[misc]


class StagedStrategy(StagedComponent):
    """Its commands travel as long as the run file says, and arrive between two events of the market."""

    _sent = 0

    def submit_order(self, order: Any, *args: Any, **kwargs: Any) -> None:
        """Send an order."""
        latency = self.stage.arrival(str(order.instrument_id.venue)).submit_ns
        self._send(latency, lambda: super(StagedStrategy, self).submit_order(order, *args, **kwargs))  # type: ignore[misc]

    def modify_order(self, client_order_id: ClientOrderId, *args: Any, **kwargs: Any) -> None:
        """Send an amend."""

        def arrive() -> None:
            if self.cache.order(client_order_id) is not None:  # type: ignore[attr-defined]
                super(StagedStrategy, self).modify_order(client_order_id, *args, **kwargs)  # type: ignore[misc]

        self._send(self._own_arrival.amend_ns, arrive)

    def cancel_order(self, client_order_id: ClientOrderId, *args: Any, **kwargs: Any) -> None:
        """Send a cancel."""

        def arrive() -> None:
            if self.cache.order(client_order_id) is not None:  # type: ignore[attr-defined]
                super(StagedStrategy, self).cancel_order(client_order_id, *args, **kwargs)  # type: ignore[misc]

        self._send(self._own_arrival.cancel_ns, arrive)

    def cancel_orders(self, client_order_ids: list[ClientOrderId], *args: Any, **kwargs: Any) -> None:
        """Send cancels together."""

        def arrive() -> None:
            known = [name for name in client_order_ids if self.cache.order(name) is not None]  # type: ignore[attr-defined]
            if known:
                super(StagedStrategy, self).cancel_orders(known, *args, **kwargs)  # type: ignore[misc]

        self._send(self._own_arrival.cancel_ns, arrive)

    @property
    def _own_arrival(self) -> ArrivalSettings:
        return self.stage.arrival(InstrumentId.from_str(self.config.settings.instrument_id).venue.value)  # type: ignore[attr-defined]

    def _send(self, latency_ns: int, arrive: Callable[[], None]) -> None:
        """Let a command go into the node when it has travelled, after all other timers of that instant."""
        if latency_ns == 0:
            self.stage.commands += 1
            arrive()
            return

        def arrived(_event: Any) -> None:
            self.stage.commands += 1
            arrive()

        self._sent += 1
        at_ns = self.stage.timeline.now_ns + latency_ns
        # Two commands of one instant arrive in the order they were sent.
        self.clock.set_time_alert_ns(f"zzz_{self._sent:012d}", at_ns, callback=arrived)


def _stamped(component: type[Any], name: str) -> Callable[[Any, Any], None]:
    """Return a component's own handler of an order event, told of it on the market's clock."""
    handler = getattr(component, name)

    def stamped(self: Any, event: Any) -> None:
        handler(self, Stamped(event, self.stage.timeline.now_ns))

    return stamped


def staged[T](component: type[T], stage: Stage) -> type[T]:
    """Return a component's class as it is run in a replay.

    Parameters
    ----------
    component : type
        Strategy or actor.
    stage : Stage
        What it shares with the others.

    """
    mixin = StagedStrategy if issubclass(component, Strategy) else StagedComponent
    # The engine's own handlers take the engine's events only.
    ours = [kind for kind in component.__mro__ if not kind.__module__.startswith("nautilus_trader")]
    names = {name for kind in ours for name in vars(kind) if name.startswith("on_order_")}
    fields = {name: _stamped(component, name) for name in names}
    return type(component.__name__, (mixin, component), {**fields, "stage": stage, "__module__": component.__module__})
