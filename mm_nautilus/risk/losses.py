"""What has been lost: from the peak, since the day's roll-over, within a rolling window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any, Final

from mm_nautilus.risk.windows import WindowStart

_DAY_NS: Final = 86_400 * 10**9

type Equity = Callable[[], Decimal | None]
"""Equity as of this evaluation, open positions included."""


class Loss:
    """Equity at a reference less equity now, as a number above 0 or as a share of capital.

    Parameters
    ----------
    equity : callable
        Equity now, ``None`` while something held has no price.
    unit : float
        Divides the loss: the capital where shares of it are measured, else 1.

    """

    __slots__ = ("_equity", "_unit", "reference")

    words = ""

    def __init__(self, equity: Equity, unit: float = 1.0) -> None:
        self._equity, self._unit = equity, unit
        self.reference: Decimal | None = Decimal(0)
        """Equity that the loss is counted from: at first that of the start, which is 0."""

    def value(self, now_ns: int) -> float | None:
        """Return the loss, 0 where there is none, ``None`` where equity is not known."""
        equity = self._equity()
        if equity is None:
            return None
        reference = self.reference = self._referred(now_ns, equity)
        return float(reference - equity) / self._unit if reference > equity else 0.0

    def reason(self, now_ns: int) -> str:
        """Say what was lost of what."""
        value, equity = self.value(now_ns), self._equity()
        if value is None or equity is None or self.reference is None:
            return "equity is not known while something held has no price"
        return f"lost {value:.6g} {self.words}: equity {equity:f} after {self.reference:f}"

    def restart(self, now_ns: int) -> None:  # noqa: ARG002
        """Count from the equity now."""
        self.reference = self._equity()

    def save(self) -> list[Any]:
        """Return what a restart needs, as JSON-able values."""
        return [None if self.reference is None else str(self.reference)]

    def load(self, state: list[Any] | None, equity: Decimal) -> None:
        """Restore what `save` returned, ``None`` where the rule was not there; `equity` is that of the restart."""
        self.reference = equity if state is None or state[0] is None else Decimal(state[0])

    def _referred(self, now_ns: int, equity: Decimal) -> Decimal:
        raise NotImplementedError


class Drawdown(Loss):
    """Loss from the highest equity at the start or at any evaluation."""

    __slots__ = ()

    words = "from the peak"

    def _referred(self, now_ns: int, equity: Decimal) -> Decimal:  # noqa: ARG002
        return equity if self.reference is None else max(self.reference, equity)


class DayLoss(Loss):
    """Loss since the day's roll-over, from the equity at the last evaluation before it.

    Parameters
    ----------
    equity, unit
        See `Loss`.
    rollover : time
        Time of day in UTC.

    """

    __slots__ = ("_last", "_offset_ns", "day")

    words = "since the day's roll-over"

    def __init__(self, equity: Equity, unit: float, rollover: time) -> None:
        super().__init__(equity, unit)
        seconds = rollover.hour * 3600 + rollover.minute * 60 + rollover.second
        self._offset_ns = seconds * 10**9 + rollover.microsecond * 1000
        self._last: Decimal | None = None
        self.day: int | None = None
        """Roll-overs since 1970."""

    def save(self) -> list[Any]:
        """Return what a restart needs, as JSON-able values."""
        return [*super().save(), self.day]

    def load(self, state: list[Any] | None, equity: Decimal) -> None:
        """Go on with the day; one that ended meanwhile ended at the equity of the restart."""
        super().load(state, equity)
        self.day, self._last = None if state is None else state[1], equity

    def _referred(self, now_ns: int, equity: Decimal) -> Decimal:
        day = (now_ns - self._offset_ns) // _DAY_NS
        reference = equity if self.reference is None else self.reference
        if self.day is not None and day != self.day and self._last is not None:
            reference = self._last
        self.day, self._last = day, equity
        return reference


class HourLoss(Loss):
    """Loss against the equity at the start of a rolling window, or at the start of everything where that is later.

    Parameters
    ----------
    equity, unit
        See `Loss`.
    window_s : float
        Length, in seconds.

    """

    __slots__ = ("_start", "_window", "_window_s")

    def __init__(self, equity: Equity, unit: float, window_s: float) -> None:
        super().__init__(equity, unit)
        self._window: WindowStart[Decimal] = WindowStart(window_s)
        self._window_s = window_s
        self._start: Decimal | None = Decimal(0)

    @property
    def words(self) -> str:  # type: ignore[override]
        """How far back."""
        return f"within {self._window_s:g} s"

    def restart(self, now_ns: int) -> None:
        """Count from the equity now."""
        super().restart(now_ns)
        self._start = None
        self._window.clear()

    def load(self, state: list[Any] | None, equity: Decimal) -> None:  # noqa: ARG002
        """Count from the equity at the restart: what came before in the window is not known."""
        super().load(None, equity)
        self._start = equity

    def _referred(self, now_ns: int, equity: Decimal) -> Decimal:
        start, self._start = self._start, None
        return self._window.take(now_ns, equity if start is None else start)
