"""What happened at the venue, in the order in which it happened; read where an order rested that should not have."""

from __future__ import annotations

import time
from typing import Final

_LAST: Final = 12
"""How much of an order's life is told beside its beginning."""
_BEFORE_S: Final = 3.0


class Diary:
    """Notes about orders, by the name their sender gave them, and about everybody."""

    def __init__(self) -> None:
        self._notes: list[tuple[float, str, str]] = []

    def note(self, text: str, *links: str) -> None:
        """Write down what happens now to some orders, or to all where none is named."""
        now_s = time.monotonic()
        self._notes += [(now_s, link, text) for link in links or ("",)]

    def about(self, link: str, zero_s: float, until_s: float) -> list[str]:
        """Return the life of an order up to an instant and what happened around it, in seconds after `zero_s`."""
        past = [note for note in self._notes if note[0] <= until_s]
        own = [note for note in past if note[1] == link]
        own = own[:1] + own[1:][-_LAST:]
        around = [note for note in past if not note[1] and note[0] >= zero_s - _BEFORE_S]
        told = sorted(own + around, key=lambda note: note[0])
        return [f"{at_s - zero_s:+.3f} {text if name else f'({text})'}" for at_s, name, text in told]
