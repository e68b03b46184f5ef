"""The latest of what the node has sent, and those who wait for the next."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter


class Hub:
    """Holds one snapshot and one set of measures; whoever is slow misses what was in between."""

    def __init__(self) -> None:
        self.snapshot = b""
        self.measures = b""
        self.number = 0
        """Snapshots so far."""
        self.watchers = 0
        self.looked_at: Counter[str] = Counter()
        """Instruments that watchers want the details of, and how many do."""
        self.asked_s = 0.0
        """When somebody last asked for anything, on the monotonic clock."""
        self._came_s = 0.0
        self._came = asyncio.Event()

    def put(self, snapshot: bytes) -> None:
        """Replace the snapshot and wake who waits for one."""
        self.snapshot = snapshot
        self.number += 1
        self._came_s = time.monotonic()
        came, self._came = self._came, asyncio.Event()
        came.set()

    @property
    def age_s(self) -> float | None:
        """Return how old the snapshot is, in seconds; ``None`` where there is none yet."""
        return None if self.number == 0 else time.monotonic() - self._came_s

    async def after(self, number: int, patience_s: float) -> int:
        """Wait for a snapshot later than `number`; return the number of the latest, which may be that one still."""
        if self.number == number:
            came = self._came
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(came.wait(), patience_s)
        return self.number

    def asked(self) -> None:
        """Note that somebody is interested."""
        self.asked_s = time.monotonic()

    @property
    def watched(self) -> bool:
        """Return whether anybody is looking, or has been within the last ten seconds."""
        return self.watchers > 0 or time.monotonic() - self.asked_s < 10.0
