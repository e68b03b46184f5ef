"""Signals of the operator's: one request to end, however often it is delivered.

A launcher passes the terminal's Ctrl-C on to a process that has heard it already, so that one press arrives twice. What
arrives within a second of the first is therefore the same request; only a later one ends the process at once.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_SAME_S: Final = 1.0


class Interrupts:
    """Hears SIGINT and SIGTERM within its ``with`` block, which has to be in the main thread.

    Before anybody has listened to it the first one ends the process at once. While somebody does, they are his; what
    comes afterwards, while the result is written, is heeded already.
    """

    def __init__(self) -> None:
        self._end: Callable[[str], None] | None = None
        self._heeded = False
        self._first_s: float | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._heard) for number in SIGNALS}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def heard_by(self, end: Callable[[str], None]) -> Iterator[None]:
        """Pass every signal on for a while, in which nothing is ended at once.

        Parameters
        ----------
        end : callable
            Takes the name of the signal, in the midst of whatever the main thread does.

        """
        self._end, self._heeded = end, True
        try:
            yield
        finally:
            self._end = None

    def _heard(self, number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        since_s = None if self._first_s is None else now_s - self._first_s
        if since_s is None:
            self._first_s = now_s
        if self._end is not None:
            self._end(signal.Signals(number).name)
        elif not self._heeded if since_s is None else since_s >= _SAME_S:
            self._at_once(number, frame)

    def _at_once(self, number: int, frame: FrameType | None) -> None:
        """Do what would be done without us."""
        handler = self._before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        elif handler != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
