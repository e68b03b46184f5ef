"""How long market data took to reach us: ``ts_init`` less ``ts_event`` of every record of a catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mm_nautilus.catalog.layout import KINDS
from mm_nautilus.parity.latency import Latency


def feed_latency(catalog: Path) -> dict[str, dict[str, Latency]]:
    """Return the feed's latency by instrument's folder, then by kind of data.

    The two stamps are of two clocks: what they are apart is in every number, and a negative one says so.

    Parameters
    ----------
    catalog : Path
        Of a tape, or any other.

    """
    found: dict[str, dict[str, Latency]] = {}
    for kind in KINDS.values():
        for folder in sorted((catalog / "data" / kind).glob("*")):
            stamps = [pq.read_table(path, columns=["ts_event", "ts_init"]) for path in sorted(folder.glob("*.parquet"))]
            if not stamps:
                continue
            table = pa.concat_tables(stamps)
            event, init = (table[name].cast(pa.int64()).to_numpy() for name in ("ts_event", "ts_init"))
            latency = Latency.of((init - event).astype(np.float64) / 1e6)
            if latency is not None:
                found.setdefault(folder.name, {})[kind] = latency
    return found
