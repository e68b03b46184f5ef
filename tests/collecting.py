"""When the tests collect cyclic garbage: on the thread that runs them, and on no other."""

import gc

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
_COLLECTIONS_BETWEEN_WHOLE_ONES = 20


def collect_when_due() -> None:
    """Collect if much has been made since the last time; nothing else does while tests run."""
    made, _, collections = gc.get_count()
    if made > _OBJECTS_BETWEEN_COLLECTIONS:
        gc.collect(2 if collections >= _COLLECTIONS_BETWEEN_WHOLE_ONES else 1)
