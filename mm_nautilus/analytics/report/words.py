"""Codes and instants of the log as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime


def in_words(code: str) -> str:
    """Return a code in words: REDUCE_ONLY is "Reduce only"."""
    return code.replace("_", " ").lower().capitalize()


def clock(ts_ns: int) -> str:
    """Return an instant (UTC) to the millisecond."""
    seconds, ns = divmod(ts_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{ns // 1_000_000:03d}"
