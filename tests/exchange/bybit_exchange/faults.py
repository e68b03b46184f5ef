"""What is wrong with the exchange: one record of what holds now, and seeded schedules of what will."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final


@dataclass(slots=True)
class Faults:
    """What goes wrong now; probabilities are per message, delays in milliseconds."""

    acknowledge_delay_ms: float = 0.0
    private_delay_ms: float = 0.0
    lose_acknowledge: float = 0.0
    lose_private: float = 0.0
    duplicate_private: float = 0.0
    reorder_private: float = 0.0
    reject: float = 0.0
    commands_per_s: float | None = None
    down: bool = False
    mute_public: bool = False
    refuse_public: bool = False
    """Whether the public socket is closed and nobody is let in again."""
    refuse_trade: bool = False
    """The same of the socket for commands."""
    fill_before_cancel: float = 0.0
    """Chance that a cancel meets a fill that came just before it: of half of the order, or all of it."""
    no_dead_man: bool = False
    """Whether disconnection protection is not enabled for the account."""
    clock_ahead_ms: float = 0.0
    """How far the exchange's clock is ahead of ours; commands that look old or early to it are refused."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One fault from `at_s` for `for_s` seconds; without a duration it happens once."""

    at_s: float
    kind: str
    for_s: float = 0.0
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as the control endpoint takes it."""
        return asdict(self)


LASTING: Final[Mapping[str, Mapping[str, Any]]] = {
    "acknowledge_delay": {"acknowledge_delay_ms": 400.0},
    "private_delay": {"private_delay_ms": 400.0},
    "lost_acknowledge": {"lose_acknowledge": 0.5},
    "lost_private": {"lose_private": 0.5},
    "duplicated": {"duplicate_private": 0.5},
    "reordered": {"reorder_private": 0.5},
    "rejects": {"reject": 0.5},
    "rate_limit": {"commands_per_s": 2.0},
    "maintenance": {"down": True},
    "silent_market": {"mute_public": True},
    "dead_feed": {"refuse_public": True},
    "fill_before_cancel": {"fill_before_cancel": 0.7},
}
"""Faults that hold for a while, and what they set in `Faults`."""

SUDDEN: Final[Mapping[str, Mapping[str, Any]]] = {
    "disconnect_public": {"socket": "public"},
    "disconnect_private": {"socket": "private"},
    "disconnect_trade": {"socket": "trade"},
    "disconnect_all": {"socket": "all"},
    "external_order": {"lots": 5, "ticks_away": 200},
    "external_trade": {"lots": 3},
    "cancelled_by_exchange": {},
}
"""Faults that happen at once."""

KINDS: Final[tuple[str, ...]] = (*LASTING, *SUDDEN)


def schedule(seed: int, length_s: float, count: int, kinds: Sequence[str] = KINDS) -> list[Incident]:
    """Return random incidents, the same for a seed; lasting ones end within `length_s`.

    Parameters
    ----------
    seed : int
        Seed of the draw.
    length_s : float
        Seconds in which they all begin and end.
    count : int
        How many.
    kinds : sequence of str
        Kinds to draw from.

    """
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        kind = draw.choice(list(kinds))
        lasts = draw.uniform(0.3, 3.0) if kind in LASTING else 0.0
        at = draw.uniform(0.0, max(length_s - lasts, 0.0))
        values: dict[str, Any] = dict(SUDDEN.get(kind, {}))
        if kind.startswith("external"):
            values["side"] = draw.choice(["Buy", "Sell"])
        found.append(Incident(round(at, 3), kind, round(lasts, 3), values))
    return sorted(found, key=lambda incident: incident.at_s)


class RateLimit:
    """Commands per second, counted in a sliding second."""

    def __init__(self) -> None:
        self._recent: list[float] = []

    def passes(self, now_s: float, per_second: float | None) -> bool:
        """Return whether a command at `now_s` may pass, and count it if so."""
        if per_second is None:
            return True
        self._recent = [at for at in self._recent if now_s - at < 1.0]
        if len(self._recent) >= per_second:
            return False
        self._recent.append(now_s)
        return True
