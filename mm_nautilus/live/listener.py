"""Subscribes to all that a simulated venue has to see.

The engine's simulated venue matches against what somebody in the node has subscribed to. A strategy that does
not listen to trades would never be filled by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nautilus_trader.common import DataActor
from nautilus_trader.model import BookType, InstrumentId

_BOOK_TYPES: Final = {"L2": BookType.L2_MBP, "L3": BookType.L3_MBO}


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """What to listen to."""

    instrument_ids: tuple[str, ...]
    book: str
    """``L1``, ``L2`` or ``L3``."""
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
        listen(self, self._config.instrument_ids, self._config.book)


def listen(actor: DataActor, instrument_ids: Iterable[str], book: str) -> None:
    """Subscribe an actor to the trades of instruments, and to their quotes or books."""
    for name in instrument_ids:
        instrument_id = InstrumentId.from_str(name)
        actor.subscribe_trades(instrument_id)
        if book == "L1":
            actor.subscribe_quotes(instrument_id)
        else:
            actor.subscribe_book_deltas(instrument_id, _BOOK_TYPES[book])
