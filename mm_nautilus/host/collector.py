"""Python's cyclic garbage collector during a run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Rare enough to cost nothing that can be measured; what is buffered for the run log is walked through each time.
_MESSAGES_BETWEEN_COLLECTIONS: Final = 1_000_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely while the block runs, and never what was there before it.

    A run creates values by the hundred thousand that hold no cycles and live until they are written; the
    collector would walk through all of them, and through the data of the run, time and again.
    What it found before is restored afterwards, also when the block fails.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MESSAGES_BETWEEN_COLLECTIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
