"""Averages over the last fills, the older the fainter."""

from __future__ import annotations


class RecentMean:
    """Weighted mean whose past fades with every value; O(1) a value.

    Parameters
    ----------
    half_life : float
        Values after which one counts half.

    """

    __slots__ = ("_kept", "_total", "_weight")

    def __init__(self, half_life: float) -> None:
        self._kept = 2.0 ** (-1.0 / half_life)
        self._total = self._weight = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        """Take a value."""
        self._total = self._kept * self._total + weight * value
        self._weight = self._kept * self._weight + weight

    @property
    def value(self) -> float | None:
        """The mean, ``None`` before the first value."""
        return self._total / self._weight if self._weight > 0.0 else None
