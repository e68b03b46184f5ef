"""Nanoseconds since 1970 UTC as text: for people, and for the engine's file names."""

from __future__ import annotations

import numpy as np

_SECOND = 10**9


def utc_text(ns: int) -> str:
    """Return an instant for a person to read, to the nanosecond."""
    return f"{np.datetime64(ns, 'ns')}Z"


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
