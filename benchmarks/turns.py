"""Everybody in turn, several times: ratios within a turn, medians over the turns.

A machine that does other things is not the same machine a minute later, so that only what ran side by side is compared,
and seconds of the processor are, which a busy machine stretches far less than those of the clock on the wall.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Spread:
    """A median and the range it is the median of."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Return the spread of what was measured."""
        return cls(statistics.median(values), min(values), max(values))


def in_turn[T](contestants: dict[str, Callable[[], T]], turns: int) -> dict[str, list[T]]:
    """Run every contestant once a turn.

    Every second turn goes backwards: who runs after whom is no advantage then.
    """
    runs: dict[str, list[T]] = {name: [] for name in contestants}
    for turn in range(turns):
        names = list(contestants)
        for name in names if turn % 2 == 0 else reversed(names):
            runs[name].append(contestants[name]())
    return runs


def ratio(ours: Sequence[float], base: Sequence[float]) -> Spread:
    """Return the spread of the ratios turn by turn."""
    return Spread.of([mine / other for mine, other in zip(ours, base, strict=True)])
