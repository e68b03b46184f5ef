"""The record of the market that a decision was taken on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from nautilus_trader.persistence import ParquetDataCatalog

_BEFORE_NS: Final = 60_000_000_000


def last_record(catalog: Path, instrument_id: str, until_ns: int) -> str | None:
    """Return in words the last record of an instrument that had arrived; ``None`` where it is over a minute old.

    Parameters
    ----------
    catalog : Path
        Absolute path of the catalogue.
    instrument_id : str
        What was quoted.
    until_ns : int
        Instant of the decision.

    """
    reader = ParquetDataCatalog(str(catalog))
    queries: dict[str, Callable[..., list[Any]]] = {
        "trade": reader.query_trade_ticks,
        "quote": reader.query_quote_ticks,
        "book event": reader.query_order_book_deltas,
    }
    found: list[tuple[int, str]] = []
    for kind, query in queries.items():
        records = query([instrument_id], until_ns - _BEFORE_NS, until_ns)
        if records:
            last_ns = records[-1].ts_init
            deltas = sum(record.ts_init == last_ns for record in records[-5_000:])
            what = f"{kind} of {deltas} deltas" if kind == "book event" else f"{kind} {records[-1]}"
            found.append((last_ns, what))
    if not found:
        return None
    last_ns, what = max(found)
    return f"{what}, {(until_ns - last_ns) / 1e6:.3f} ms before"
