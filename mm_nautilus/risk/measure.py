"""What every rule can be asked."""

from __future__ import annotations

from typing import Protocol


class Measure(Protocol):
    """A quantity with a name of its own, kept up to date by events and read at evaluations."""

    def value(self, now_ns: int) -> float | None:
        """Return the quantity now, ``None`` where it cannot be measured."""

    def reason(self, now_ns: int) -> str:
        """Return in words what was measured."""

    def restart(self, now_ns: int) -> None:
        """Count from now on: what has been lost or has happened so far has been accepted by the operator."""
