"""A message budget: how many commands may be sent now without passing the venue's rate."""

from __future__ import annotations


def refilled(tokens: float, burst: float, elapsed_ns: int, rate_per_ns: float) -> float:
    """Return what a bucket holds after a while, `burst` at most."""
    return min(burst, tokens + elapsed_ns * rate_per_ns)


def whole_messages(tokens: float) -> int:
    """Return how many messages a bucket pays for; negative where it is in debt."""
    return int(tokens) if tokens >= 0 else -1


def spent(tokens: float, burst: float, messages: int) -> float:
    """Return what is left after messages, a debt of `burst` at most."""
    return max(tokens - messages, -burst)


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
            self._tokens = refilled(self._tokens, self._burst, now_ns - self._last_ns, self._rate_per_ns)
            self._last_ns = now_ns
        return whole_messages(self._tokens)

    def spend(self, messages: int) -> None:
        """Take `messages` out; a debt is kept, down to one burst."""
        self._tokens = spent(self._tokens, self._burst, messages)
