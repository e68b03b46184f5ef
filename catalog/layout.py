"""Where the engine looks for what: folders, file names and definitions of a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pyarrow.parquet as pq
from nautilus_trader.persistence import ParquetDataCatalog

_SECOND: Final = 10**9

KINDS: Final = {"OrderBookDelta": "order_book_deltas", "TradeTick": "trades", "QuoteTick": "quotes"}
"""Folder of each kind of data, by the ``type_name`` in its schema."""


class Instrument(Protocol):
    """Any instrument definition of the engine."""

    @property
    def id(self) -> object:
        """Engine instrument id."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return every field of the definition."""
        ...


def folder_name(instrument_id: str) -> str:
    """Return the engine's folder name of an instrument: its id without path separators."""
    return instrument_id.replace("/", "").replace("^", "_")


def file_name(start_ns: int, end_ns: int) -> str:
    """Return the engine's file name of data whose ``ts_init`` spans ``start_ns`` to ``end_ns``, inclusive."""
    return f"{_stamp(start_ns)}_{_stamp(end_ns)}.parquet"


def interval(name: str) -> tuple[int, int]:
    """Return the first and last ``ts_init`` of a data file from its name, in nanoseconds since 1970 UTC."""
    start, end = name.removesuffix(".parquet").split("_")
    return _unstamp(start), _unstamp(end)


def _stamp(ns: int) -> str:
    seconds, rest = divmod(ns, _SECOND)
    return f"{np.datetime64(seconds, 's')}".replace(":", "-") + f"-{rest:09d}Z"


def _unstamp(stamp: str) -> int:
    day, clock = stamp.removesuffix("Z").split("T")
    hours, minutes, seconds, rest = clock.split("-")
    return int(np.datetime64(f"{day}T{hours}:{minutes}:{seconds}", "s").astype(np.int64)) * _SECOND + int(rest)


def definition_files(root: Path, instrument_id: str) -> list[Path]:
    """Return the catalogue's files that define an instrument."""
    candidates = sorted((root / "data").glob(f"*/{folder_name(instrument_id)}/*.parquet"))
    return [path for path in candidates if "raw_symbol" in pq.read_schema(path).names]


def write_definition(folder: Path, instrument: Instrument) -> Path:
    """Let the engine write a definition below ``folder``, as it would below a catalogue; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    ParquetDataCatalog(str(folder.absolute())).write_instruments([instrument])
    (path,) = folder.rglob("*.parquet")
    return path


def entry_path(fingerprint: str) -> str:
    """Return where a catalogue keeps what it knows of an ingest."""
    return f"ingests/{fingerprint[:32]}.json"
