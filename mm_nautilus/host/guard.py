"""Handlers that never fail unnoticed.

The engine logs an exception raised in a handler and trades on. A strategy or actor built on the
guarded bases keeps the first exception, withdraws (a strategy cancels its orders), and asks the
node to stop in order; the run script finds the exception in `fatal` and exits non-zero with it.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from typing import Any

from nautilus_trader.common import DataActor
from nautilus_trader.trading import Strategy

from mm_nautilus.messages import TOPIC_ALERT, AlertFact

# The engine itself fails the run when these raise; it keeps the text of the exception and drops its type.
_REPORTED_BY_ENGINE = frozenset({"on_start", "on_save", "on_load"})


class Guarded:
    """Wraps every ``on_*`` handler of a subclass; `guard` wraps callbacks that carry other names."""

    fatal: BaseException | None = None
    """The first exception a handler raised, or ``None``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, handler in list(vars(cls).items()):
            if name.startswith("on_") and callable(handler):
                setattr(cls, name, (_kept if name in _REPORTED_BY_ENGINE else _guarded)(handler))

    def guard[T](self, callback: Callable[[T], None]) -> Callable[[T], None]:
        """Return `callback` under the same protection, for timers and topics."""

        @functools.wraps(callback)
        def protected(event: T) -> None:
            try:
                callback(event)
            except BaseException as error:
                self.fail(error)

        return protected

    def fail(self, error: BaseException) -> None:
        """Keep the first `error`, withdraw and ask the node to stop."""
        if self.fatal is not None:
            return
        self.fatal = error
        try:
            self.withdraw()
            self._say_failed(error)
        finally:
            self.log.error("".join(traceback.format_exception(error)))  # type: ignore[attr-defined]
            self.shutdown_system(repr(error))  # type: ignore[attr-defined]

    def _say_failed(self, error: BaseException) -> None:
        """Tell whoever passes alerts on; a component that is not on a node yet has nobody to tell."""
        clock, publish = getattr(self, "clock", None), getattr(self, "publish_message", None)
        if clock is None or publish is None:
            return
        name = str(getattr(self, "strategy_id", getattr(self, "actor_id", type(self).__name__)))
        text = f"failed and stops: {type(error).__name__}: {error}"
        publish(TOPIC_ALERT, AlertFact(clock.timestamp_ns(), name, "", "failure", text))

    def withdraw(self) -> None:
        """Take back whatever rests in the market; nothing for a component that does not trade."""


def _guarded(handler: Callable[..., None]) -> Callable[..., None]:
    # Nearly all are handed one event, some of them a million a run: packing and unpacking it costs more than the rest.
    @functools.wraps(handler)
    def protected(self: Guarded, event: Any) -> None:
        try:
            handler(self, event)
        except BaseException as error:
            self.fail(error)

    @functools.wraps(handler)
    def protected_call(self: Guarded, *args: Any) -> None:
        try:
            handler(self, *args)
        except BaseException as error:
            self.fail(error)

    return protected if len(inspect.signature(handler).parameters) == 2 else protected_call


def _kept[**P, T](handler: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(handler)
    def protected(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return handler(*args, **kwargs)
        except BaseException as error:
            component: Any = args[0]
            component.fatal = component.fatal or error
            raise

    return protected


class GuardedStrategy(Guarded, Strategy):
    """A strategy whose first failing handler withdraws its quotes and stops the node."""


class GuardedActor(Guarded, DataActor):
    """An actor whose first failing handler stops the node."""
