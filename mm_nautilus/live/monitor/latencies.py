"""Quantiles of the latest latencies of each kind."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Any, Final

_SAMPLES: Final = 512


class Latencies:
    """The latest samples by name; their quantiles are computed when they are looked at and have changed."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[float]] = {}
        self._taken: Counter[str] = Counter()
        self._known: dict[str, tuple[int, dict[str, Any]]] = {}

    def take(self, name: str, seconds: float) -> None:
        """Take one sample."""
        self._samples.setdefault(name, deque(maxlen=_SAMPLES)).append(seconds)
        self._taken[name] += 1

    def rows(self) -> list[dict[str, Any]]:
        """Return count, median, 99th percentile and maximum of each name, in milliseconds."""
        for name, samples in self._samples.items():
            known = self._known.get(name)
            if known is None or known[0] != self._taken[name]:
                self._known[name] = self._taken[name], _quantiles(name, samples)
        return [row for _, row in self._known.values()]


def _quantiles(name: str, samples: Iterable[float]) -> dict[str, Any]:
    """Return them by nearest rank."""
    ordered = sorted(samples)
    last = len(ordered) - 1
    return {
        "name": name,
        "count": len(ordered),
        "median_ms": 1e3 * ordered[round(0.5 * last)],
        "p99_ms": 1e3 * ordered[round(0.99 * last)],
        "max_ms": 1e3 * ordered[-1],
    }
