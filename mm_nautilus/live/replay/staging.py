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
_LOST: Final = object()


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
        self._undelivered: list[tuple[str, Handler, Any]] = []
        self._travelling: dict[int, list[tuple[int, Callable[[], None]]]] = {}
        self._sent_to: dict[str, str] = {}
        """Venue of each order that was submitted, by its id: that of an order on its way is not known to the node."""
        self._venues = {venue: number for number, venue in enumerate(arrivals)}

    def hold(self, component: str, handler: Handler, record: Any) -> None:
        """Keep a record back until `deliver`."""
        self._undelivered.append((component, handler, record))

    def deliver(self) -> None:
        """Hand out the records that were kept back; the node's own order among components is another every time."""
        held, self._undelivered = self._undelivered, []
        held.sort(key=_component)
        for _, handler, record in held:
            handler(record)

    def venue_of(self, subject: Any) -> str | None:
        """Return where a command about an order, the id of one, a list of them or an instrument goes."""
        one = subject[0] if isinstance(subject, list) and subject else subject
        if isinstance(one, ClientOrderId):
            return self._sent_to.get(one.value)
        instrument_id = one if isinstance(one, InstrumentId) else getattr(one, "instrument_id", None)
        if instrument_id is None:
            return None
        venue = str(instrument_id.venue)
        order_id: ClientOrderId | None = getattr(one, "client_order_id", None)
        if order_id is not None:
            self._sent_to[order_id.value] = venue
        return venue

    def send(self, clock: ReplayClock, venue: str, kind: str, arrive: Callable[[], None]) -> None:
        """Let a command go into the node when it has travelled, after all other timers of that instant.

        Parameters
        ----------
        clock : ReplayClock
            Of the sender.
        venue : str
            Where it goes.
        kind : str
            ``submit_ns``, ``amend_ns`` or ``cancel_ns``.
        arrive : callable
            Puts it into the node.

        """
        latency_ns: int = getattr(self._arrivals.get(venue, _NO_LATENCY), kind)
        if latency_ns == 0 or not self.running:
            self.commands += 1
            arrive()
            return
        at_ns = self.timeline.now_ns + latency_ns
        together = self._travelling.get(at_ns)
        if together is not None:
            together.append((self._venues.get(venue, 0), arrive))
            return
        self._travelling[at_ns] = [(self._venues.get(venue, 0), arrive)]
        clock.set_time_alert_ns(f"zzz_{at_ns}", at_ns, callback=lambda _event: self._arrived(at_ns))

    def _arrived(self, at_ns: int) -> None:
        """Put into the node what arrives at one instant: venue by venue, there in the order it was sent."""
        arriving = self._travelling.pop(at_ns)
        self.commands += len(arriving)
        arriving.sort(key=lambda one: one[0])
        for _, arrive in arriving:
            arrive()

    def close(self) -> None:
        """Let everything that still travels arrive now, and all that is sent from now on at once."""
        self.running = False
        for at_ns in sorted(self._travelling):
            self._arrived(at_ns)


def _component(held: tuple[str, Handler, Any]) -> str:
    return held[0]


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

    on_stage: Stage
    """No name of a component's own: a risk monitor has a stage of another kind."""
    _own_clock: ReplayClock | None = None

    @property
    def clock(self) -> ReplayClock:
        """The market's time instead of the node's."""
        if self._own_clock is None:
            self._own_clock = ReplayClock(self.on_stage.timeline)
        return self._own_clock

    def on_quote(self, quote: Any) -> None:
        """Hold a quote back."""
        self.on_stage.hold(type(self).__name__, super().on_quote, quote)  # type: ignore[misc]

    def on_trade(self, trade: Any) -> None:
        """Hold a trade back."""
        self.on_stage.hold(type(self).__name__, super().on_trade, trade)  # type: ignore[misc]

    def on_book_deltas(self, deltas: Any) -> None:
        """Hold a book event back."""
        self.on_stage.hold(type(self).__name__, super().on_book_deltas, deltas)  # type: ignore[misc]


class StagedStrategy(StagedComponent):
    """Its commands travel as long as the run file says, and arrive between two events of the market."""


_COMMANDS: Final = {
    "submit_order": "submit_ns",
    "submit_order_list": "submit_ns",
    "close_position": "submit_ns",
    "close_all_positions": "submit_ns",
    "modify_order": "amend_ns",
    "modify_orders": "amend_ns",
    "cancel_order": "cancel_ns",
    "cancel_orders": "cancel_ns",
    "cancel_all_orders": "cancel_ns",
}
"""What a strategy can send, and which latency it has."""


def _sent(name: str, kind: str) -> Callable[..., None]:
    """Return a strategy's command `name` that travels first."""

    def send(self: Any, *args: Any, **kwargs: Any) -> None:
        first = args[0] if args else None
        venue = self.on_stage.venue_of(first) or str(self.config.settings.instrument_id).rpartition(".")[2]
        self.on_stage.send(self.clock, venue, kind, lambda: arrive(self, first, args, kwargs))

    def arrive(self: Any, first: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # A command that overtakes its order's submit is lost, as it is at a venue.
        if isinstance(first, list) and name == "cancel_orders":
            there = ((one, self.cache.order(one)) for one in first)
            args = ([one for one, order in there if order is not None and not order.is_active_local], *args[1:])
            first = args[0] or _LOST
        known = self.cache.order(first) is not None if isinstance(first, ClientOrderId) else first is not _LOST
        if known:
            getattr(super(StagedStrategy, self), name)(*args, **kwargs)

    send.__name__ = name
    return send


for _name, _kind in _COMMANDS.items():
    setattr(StagedStrategy, _name, _sent(_name, _kind))


def _stamped(component: type[Any], name: str) -> Callable[[Any, Any], None]:
    """Return a component's own handler of an order event, told of it on the market's clock."""
    handler = getattr(component, name)

    def stamped(self: Any, event: Any) -> None:
        handler(self, Stamped(event, self.on_stage.timeline.now_ns))

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
    return type(
        component.__name__, (mixin, component), {**fields, "on_stage": stage, "__module__": component.__module__}
    )
