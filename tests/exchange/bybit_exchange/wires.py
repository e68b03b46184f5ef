"""Sockets on which messages come late, twice, in the wrong order or not at all."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from aiohttp import web
from bybit_exchange.faults import Faults

_SHUFFLE_MS = 150.0
type Fate = Callable[[bool], None]
"""Called with whether a message has left, or has been lost."""


def _no_matter(_left: bool) -> None: ...


class Wire:
    """One open socket; messages leave at their time, those of one time in the order they were sent.

    Parameters
    ----------
    socket : WebSocketResponse
        The connection.
    faults : Faults
        What goes wrong now; read at every message.
    draw : Random
        Source of all chance.

    """

    def __init__(self, socket: web.WebSocketResponse, faults: Faults, draw: Random) -> None:
        self.socket = socket
        self.topics: set[str] = set()
        self.heard_s = time.monotonic()
        self._faults = faults
        self._draw = draw
        self._waiting: list[tuple[float, int, str, Fate]] = []
        self._numbers = count()
        self._last_due = 0.0
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._pump())

    def send(self, message: dict[str, Any]) -> None:
        """Send as it should be."""
        self._queue(message, 0.0)

    def acknowledge(self, message: dict[str, Any], fate: Fate = _no_matter) -> None:
        """Send the answer to a command: it may come late or never."""
        if self._draw.random() >= self._faults.lose_acknowledge:
            self._queue(message, self._faults.acknowledge_delay_ms * self._draw.uniform(0.5, 1.0), fate)
        else:
            fate(False)

    def tell(self, message: dict[str, Any], fate: Fate = _no_matter) -> None:
        """Send a private message: it may come late, twice, too late or never."""
        faults, draw = self._faults, self._draw
        if draw.random() < faults.lose_private:
            fate(False)
            return
        delay = faults.private_delay_ms * draw.uniform(0.5, 1.0)
        if draw.random() < faults.reorder_private:
            self._push(message, delay + draw.uniform(0.0, _SHUFFLE_MS), fate)
        else:
            self._queue(message, delay, fate)
        if draw.random() < faults.duplicate_private:
            self._push(message, delay + draw.uniform(0.0, _SHUFFLE_MS), fate)

    def _queue(self, message: dict[str, Any], delay_ms: float, fate: Fate = _no_matter) -> None:
        """Send after everything that was queued before."""
        now = asyncio.get_running_loop().time()
        self._last_due = max(self._last_due, now + delay_ms / 1e3)
        self._push(message, (self._last_due - now) * 1e3, fate)

    def _push(self, message: dict[str, Any], delay_ms: float, fate: Fate) -> None:
        due = asyncio.get_running_loop().time() + delay_ms / 1e3
        heappush(self._waiting, (due, next(self._numbers), json.dumps(message), fate))
        self._news.set()

    async def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.socket.closed:
            wait = self._waiting[0][0] - loop.time() if self._waiting else None
            if wait is not None and wait <= 0:
                _, _, text, fate = heappop(self._waiting)
                try:
                    await self.socket.send_str(text)
                except (ConnectionError, RuntimeError):
                    fate(False)
                    return
                fate(True)
                continue
            self._news.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Drop the connection, with all that was on its way."""
        for _, _, _, fate in self._waiting:
            fate(False)
        self._waiting.clear()
        self._task.cancel()
        await self.socket.close()
