"""How long it takes from a book update in our handler to the command that answers it."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

from nautilus_trader.trading import Strategy


class Stopwatch:
    """Runs while a strategy handles an event of the market."""

    __slots__ = ("began_ns",)

    def __init__(self) -> None:
        self.began_ns = 0
        """When the handler was entered; 0 outside of it."""

    def elapsed_s(self) -> float | None:
        """Return the seconds since the handler was entered, ``None`` outside of it."""
        return (perf_counter_ns() - self.began_ns) * 1e-9 if self.began_ns else None


def timed[T](component: type[T], watch: Stopwatch) -> type[T]:
    """Return a strategy's class whose handlers of market data run the watch; others are left as they are."""
    if not issubclass(component, Strategy):
        return component
    inner: dict[str, Any] = {name: getattr(component, name) for name in ("on_quote", "on_book_deltas")}

    def on_quote(self: Any, quote: Any) -> None:
        watch.began_ns = perf_counter_ns()
        inner["on_quote"](self, quote)
        watch.began_ns = 0

    def on_book_deltas(self: Any, deltas: Any) -> None:
        watch.began_ns = perf_counter_ns()
        inner["on_book_deltas"](self, deltas)
        watch.began_ns = 0

    fields = {"on_quote": on_quote, "on_book_deltas": on_book_deltas, "__module__": component.__module__}
    return type(component.__name__, (component,), fields)
