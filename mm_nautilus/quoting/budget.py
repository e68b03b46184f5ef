"""A message budget: how many commands may be sent now without passing the venue's rate."""

from __future__ import annotations


class MessageBudget:
    """Token bucket on the engine's clock.

    Parameters
    ----------
    messages_per_s : float
        Rate at which the budget refills.
    burst : int
        Most it can hold; it starts full.

    """

    __slots__ = ("_burst", "_last_ns", "_rate_per_ns", "_tokens")

    def __init__(self, messages_per_s: float, burst: int) -> None:
        self._rate_per_ns = messages_per_s * 1e-9
        self._burst = float(burst)
        self._tokens = float(burst)
        self._last_ns = 0

    def available(self, now_ns: int) -> int:
        """Return how many messages may be sent at `now_ns`; negative after cancels that passed anyway."""
        if now_ns > self._last_ns:
            self._tokens = min(self._burst, self._tokens + (now_ns - self._last_ns) * self._rate_per_ns)
            self._last_ns = now_ns
        return int(self._tokens) if self._tokens >= 0 else -1

    def spend(self, messages: int) -> None:
        """Take `messages` out; a debt is kept, down to one burst."""
        self._tokens = max(self._tokens - messages, -self._burst)
