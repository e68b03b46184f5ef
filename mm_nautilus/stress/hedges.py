"""How long hedges took, from the instant they were needed to the instant they were done or raised an alarm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mm_nautilus.messages import HedgeFact

FOREVER_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class HedgeTimes:
    """The hedges of one run; times are in seconds of engine time.

    Parameters
    ----------
    needed, done, alarms : int
        How often a hedge was needed, how many of these were done, and how many alarms there were.
    longest_s : float or None
        Longest time from needed to done or the first alarm; ``None`` where nothing was needed.
    late : tuple of str
        Hedges that were neither done nor had raised an alarm at their deadline, one line each.
    unfinished : int
        Hedges that the end of the run cut short before their deadline.

    """

    needed: int
    done: int
    alarms: int
    longest_s: float | None
    late: tuple[str, ...]
    unfinished: int


def hedge_times(facts: Iterable[HedgeFact], deadline_s: float, end_ns: int) -> HedgeTimes:
    """Return how long hedges took.

    Parameters
    ----------
    facts : iterable of HedgeFact
        Of one run, in the order they were logged. A need of a strategy for an asset begins with NEEDED and ends with
        DONE; a NEEDED before that changes its size and not its clock. One at the instant of a DONE goes on with the
        need that came before: a hedge that another takes over has not become any smaller by that.
    deadline_s : float
        Within this a hedge must be done or have raised an alarm.
    end_ns : int
        When the run ended, in nanoseconds since 1970.

    """
    began: dict[tuple[str, str], int] = {}
    ended: dict[tuple[str, str], tuple[int, int]] = {}
    answered: set[tuple[str, str]] = set()
    needed = done = alarms = 0
    times: list[float] = []
    late: list[str] = []

    def answer(key: tuple[str, str], ts_ns: int) -> None:
        if key in answered:
            return
        answered.add(key)
        took_s = (ts_ns - began[key]) / 1e9
        times.append(took_s)
        if took_s > deadline_s:
            late.append(f"{key[1]}: needed at {began[key]} ns, neither done nor an alarm for {took_s:.3f} s")

    for fact in facts:
        key = fact.strategy_id, fact.asset
        if fact.event == "NEEDED" and key not in began:
            ended_ns, began_ns = ended.pop(key, (-1, 0))
            began[key] = began_ns if ended_ns == fact.ts_ns else fact.ts_ns
            needed += 1
        elif fact.event == "ALARM":
            alarms += 1
            if key in began:
                answer(key, fact.ts_ns)
        elif fact.event == "DONE" and key in began:
            done += 1
            answer(key, fact.ts_ns)
            ended[key] = fact.ts_ns, began.pop(key)
            answered.discard(key)
    waiting = [key for key in began if key not in answered]
    overdue = [key for key in waiting if end_ns - began[key] > deadline_s * 1e9]
    for key in overdue:
        answer(key, end_ns)
    return HedgeTimes(needed, done, alarms, max(times, default=None), tuple(late), len(waiting) - len(overdue))


def needed_spans(facts: Iterable[HedgeFact]) -> list[tuple[int, int]]:
    """Return from when to when each hedge decision was open, in nanoseconds since 1970; without an end to for ever."""
    began: dict[tuple[str, str, int], int] = {}
    spans: list[tuple[int, int]] = []
    for fact in facts:
        key = fact.strategy_id, fact.asset, fact.decision_id
        if fact.event == "NEEDED":
            began.setdefault(key, fact.ts_ns)
        elif fact.event == "DONE" and key in began:
            spans.append((began.pop(key), fact.ts_ns))
    return spans + [(begin, FOREVER_NS) for begin in began.values()]
