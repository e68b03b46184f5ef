"""When the tests collect cyclic garbage: on the thread that runs them, and on no other."""

import gc

_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def collect_when_due() -> None:
    """Collect if much has been made since the last time; nothing else does while tests run."""
    if gc.get_count()[0] > _OBJECTS_BETWEEN_COLLECTIONS:
        gc.collect()
