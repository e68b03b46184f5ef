"""Subscribes to all that a simulated venue has to see.

The engine's simulated venue matches against what somebody in the node has subscribed to. A strategy that does
not listen to trades would never be filled by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nautilus_trader.common import DataActor
from nautilus_trader.model import BookType, InstrumentId

from mm_nautilus.host.loading import BookKind

_BOOK_TYPES: Final = {"L2": BookType.L2_MBP, "L3": BookType.L3_MBO}


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """What to listen to."""

    books: Mapping[str, BookKind]
    """Kind of book by instrument."""
    actor_id: str = "Listener-001"


class Listener(DataActor):
    """Listens, and does nothing with it.

    Parameters
    ----------
    config : ListenerConfig
        What to listen to.

    """

    def __init__(self, config: ListenerConfig) -> None:
        super().__init__(config)
        self._config = config

    def on_start(self) -> None:
        """Subscribe."""
        listen(self, self._config.books)


def listen(actor: DataActor, books: Mapping[str, BookKind]) -> None:
    """Subscribe an actor to the trades of instruments, and to their quotes or books."""
    for name, book in books.items():
        instrument_id = InstrumentId.from_str(name)
        actor.subscribe_trades(instrument_id)
        if book == "L1":
            actor.subscribe_quotes(instrument_id)
        else:
            actor.subscribe_book_deltas(instrument_id, _BOOK_TYPES[book])
