"""How the venue answers our commands: how late, how often no, and how many we send."""

from __future__ import annotations

import re
from typing import Final

from mm_nautilus.messages import OrderFact
from mm_nautilus.risk.orders import OpenOrders
from mm_nautilus.risk.settings import BurstRule, LatencyRule, RejectRule
from mm_nautilus.risk.windows import WindowQuantile, WindowSum

_POST_ONLY: Final = re.compile(r"post.?only|would (immediately )?(match|take|cross|have been a taker)", re.IGNORECASE)


def is_post_only(reason: str) -> bool:
    """Return whether an order was refused because it would have taken liquidity.

    Venues word it differently; the engine says ``POST_ONLY ... would have been a TAKER``.
    """
    return _POST_ONLY.search(reason) is not None


class Latency:
    """Seconds to an answer: the quantile of those in the window, or the age of the oldest command without one.

    A submit is answered by its acceptance, rejection, denial or first fill, a cancel by its confirmation or
    refusal; amends count with neither. Counted on the clock of whoever receives the messages, not the venue's.

    Parameters
    ----------
    rule : LatencyRule
        Quantile and window.
    orders : OpenOrders
        Who knows what has not been answered.

    """

    __slots__ = ("_answers", "_orders", "_quantile")

    def __init__(self, rule: LatencyRule, orders: OpenOrders) -> None:
        self._answers = WindowQuantile(rule.window_s, rule.samples, rule.quantile)
        self._quantile = rule.quantile
        self._orders = orders

    def answered(self, sent_ns: int, now_ns: int) -> None:
        """Take an answer to what was sent at `sent_ns`."""
        self._answers.add(now_ns, (now_ns - sent_ns) * 1e-9)

    def value(self, now_ns: int) -> float | None:
        """Return the larger of both in seconds, 0 where nothing was sent in the window."""
        oldest_ns = self._orders.oldest_unanswered_ns()
        waiting_s = 0.0 if oldest_ns is None else (now_ns - oldest_ns) * 1e-9
        return max(self._answers.at(now_ns) or 0.0, waiting_s)

    def reason(self, now_ns: int) -> str:
        """Say which of the two it is."""
        oldest_ns, answer_s = self._orders.oldest_unanswered_ns(), self._answers.at(now_ns)
        words = []
        if answer_s is not None:
            words.append(f"{self._quantile:.0%} of {self._answers.count} answers came within {answer_s:.3g} s")
        if oldest_ns is not None:
            words.append(f"oldest command unanswered for {(now_ns - oldest_ns) * 1e-9:.3g} s")
        return "; ".join(words) or "nothing sent"

    def restart(self, now_ns: int) -> None:  # noqa: ARG002
        """Forget past answers; what is unanswered still is."""
        self._answers.clear()


class Rejects:
    """Orders rejected or denied in the window, a post-only rejection counting `post_only_weight`.

    Parameters
    ----------
    rule : RejectRule
        Window and weight.

    """

    __slots__ = ("_others", "_post_only", "_rule")

    def __init__(self, rule: RejectRule) -> None:
        self._rule = rule
        self._others, self._post_only = WindowSum(rule.window_s), WindowSum(rule.window_s)

    def refused(self, fact: OrderFact, now_ns: int) -> None:
        """Take a rejection or a denial."""
        (self._post_only if is_post_only(fact.reason) else self._others).add(now_ns)

    def value(self, now_ns: int) -> float | None:
        """Return the weighted count."""
        return self._others.at(now_ns) + self._rule.post_only_weight * self._post_only.at(now_ns)

    def reason(self, now_ns: int) -> str:
        """Say how many of either kind."""
        others, post_only = self._others.at(now_ns), self._post_only.at(now_ns)
        weight = self._rule.post_only_weight
        return (
            f"{others:.0f} orders refused in {self._rule.window_s:g} s, and {post_only:.0f} because they would have "
            f"taken liquidity, counted {weight:g} each"
        )

    def restart(self, now_ns: int) -> None:  # noqa: ARG002
        """Forget what was refused so far."""
        self._others.clear()
        self._post_only.clear()


class Burst:
    """Number of events in the window.

    Parameters
    ----------
    rule : BurstRule
        Window.
    what : str
        What is counted, for the reason.

    """

    __slots__ = ("_count", "_what", "_window_s")

    def __init__(self, rule: BurstRule, what: str) -> None:
        self._count, self._window_s, self._what = WindowSum(rule.window_s), rule.window_s, what

    def happened(self, now_ns: int) -> None:
        """Take one event."""
        self._count.add(now_ns)

    def value(self, now_ns: int) -> float | None:
        """Return the count."""
        return self._count.at(now_ns)

    def reason(self, now_ns: int) -> str:
        """Say how many."""
        return f"{self._count.at(now_ns):.0f} {self._what} in {self._window_s:g} s"

    def restart(self, now_ns: int) -> None:  # noqa: ARG002
        """Forget what happened so far."""
        self._count.clear()


class MessageRate:
    """Submits, amends and cancels sent per second, averaged over the window.

    Parameters
    ----------
    rule : BurstRule
        Window.

    """

    __slots__ = ("_sent", "_window_s")

    def __init__(self, rule: BurstRule) -> None:
        self._sent, self._window_s = WindowSum(rule.window_s), rule.window_s

    def happened(self, now_ns: int) -> None:
        """Take one command."""
        self._sent.add(now_ns)

    def value(self, now_ns: int) -> float | None:
        """Return the rate per second."""
        return self._sent.at(now_ns) / self._window_s

    def reason(self, now_ns: int) -> str:
        """Say how many."""
        return f"{self._sent.at(now_ns) / self._window_s:.3g} commands per second over {self._window_s:g} s"

    def restart(self, now_ns: int) -> None:  # noqa: ARG002
        """Forget what was sent so far."""
        self._sent.clear()
