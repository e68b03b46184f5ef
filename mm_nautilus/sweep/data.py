"""The data of many runs, looked at once in each process."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from mm_nautilus.backtest.data import prepared_catalog
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.host.loading import LoadedRun

# Everything of a strategy's settings that the data are checked against.
_CHECKED: Final = {"instrument_id", "book", "hedge", "order_size", "limits", "calibrated", "micro_price"}


class PreparedData:
    """Catalogues and what they hold, kept for as long as this lives; nothing else may change them meanwhile."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Path, CatalogShape]] = {}

    def __call__(self, loaded: LoadedRun) -> tuple[Path, CatalogShape]:
        """Return what `prepared_catalog` does, looked at once for all runs that the data cannot tell apart.

        Processes of one machine take turns at a market: where it is simulated, looking means writing if need be, and
        whoever finds a writer at work gives up. Other markets are not waited for.
        """
        section, strategy = loaded.run_file.data, loaded.run_file.strategy
        checked = {key: value for key, value in strategy.items() if key in _CHECKED}
        told = [str(loaded.catalog), section.model_dump(mode="json"), checked, loaded.instrument_ids]
        key = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        if key not in self._known:
            with _turn(str(loaded.catalog), section.model_dump_json(include={"simulation"})):
                self._known[key] = prepared_catalog(loaded)
        return self._known[key]


@contextmanager
def _turn(*market: str) -> Iterator[None]:
    name = hashlib.sha256("\n".join(market).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"mm-nautilus-{os.getuid()}-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
