"""Handlers that never fail unnoticed, without an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mm_nautilus.host.guard import Guarded


class Log:
    def __init__(self) -> None:
        self.errors: list[str] = []

    def error(self, text: str) -> None:
        self.errors.append(text)


class Component(Guarded):
    """Stands in for an engine component: it logs, and can be asked to shut the node down."""

    def __init__(self) -> None:
        self.log = Log()
        self.shutdowns: list[str] = []
        self.withdrawn = 0

    def shutdown_system(self, reason: str) -> None:
        self.shutdowns.append(reason)

    def withdraw(self) -> None:
        self.withdrawn += 1

    def on_quote(self, fails: BaseException | None) -> None:
        if fails is not None:
            raise fails

    def on_start(self) -> None:
        raise LookupError("no instrument")

    def on_save(self) -> dict[str, bytes]:
        return {"a": b"1"}


def test_keeps_the_first_error_withdraws_and_stops_once() -> None:
    component, first = Component(), ValueError("first")
    component.on_quote(None)
    assert component.fatal is None
    component.on_quote(first)
    component.on_quote(KeyError("second"))
    assert component.fatal is first
    assert (component.withdrawn, component.shutdowns) == (1, ["ValueError('first')"])
    assert len(component.log.errors) == 1
    assert "Traceback" in component.log.errors[0]
    assert "first" in component.log.errors[0]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), AssertionError("x")])
def test_catches_what_the_engine_would_swallow(error: BaseException) -> None:
    component = Component()
    component.on_quote(error)
    assert component.fatal is error


def test_the_engine_reports_a_failing_start_and_the_error_is_kept() -> None:
    component = Component()
    with pytest.raises(LookupError):
        component.on_start()
    assert isinstance(component.fatal, LookupError)
    assert not component.shutdowns, "there is nothing to stop yet"
    assert component.on_save() == {"a": b"1"}, "what a handler returns comes through"


def test_stops_even_where_withdrawing_fails() -> None:
    class Stuck(Component):
        def withdraw(self) -> None:
            raise RuntimeError("cannot cancel")

    component = Stuck()
    with pytest.raises(RuntimeError, match="cannot cancel"):
        component.on_quote(ValueError("first"))
    assert str(component.fatal) == "first"
    assert component.shutdowns


def test_callbacks_under_other_names_can_be_guarded() -> None:
    component = Component()

    def callback(value: int) -> None:
        raise ValueError(f"callback {value}")

    guarded: Callable[[int], None] = component.guard(callback)
    guarded(3)
    assert str(component.fatal) == "callback 3"
    assert guarded.__name__ == "callback"


def test_handlers_a_subclass_adds_are_guarded_too() -> None:
    class Later(Component):
        def on_trade(self, trade: Any) -> None:
            raise ValueError("later")

    component = Later()
    component.on_trade(None)
    assert str(component.fatal) == "later"
