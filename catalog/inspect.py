"""What is in a catalogue, told from file names, Parquet metadata and a few columns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from mm_nautilus.catalog.columns import F_LAST
from mm_nautilus.catalog.exact import IntColumn
from mm_nautilus.catalog.funding import funding_files
from mm_nautilus.catalog.journal import read_json, recover
from mm_nautilus.catalog.layout import KINDS, definition_files, folder_name, interval
from mm_nautilus.catalog.quality import KIND_OF, snapshot_events
from mm_nautilus.catalog.stamps import utc_text
from mm_nautilus.errors import CatalogError

FOLDERS: Final = {KIND_OF[name]: folder for name, folder in KINDS.items()}
"""Folder of each kind: deltas, trades, quotes."""


@dataclass(frozen=True, slots=True)
class KindShape:
    """One kind of data of one instrument inside the range asked for.

    Parameters
    ----------
    rows : int
        Rows whose ``ts_init`` is inside the range.
    first_ns, last_ns : int
        First and last ``ts_init``, nanoseconds since 1970 UTC.
    median_interval_s : float
        Median time between two successive events, in seconds; zero with fewer than two.

    """

    rows: int
    first_ns: int
    last_ns: int
    median_interval_s: float


@dataclass(frozen=True, slots=True)
class BookShape(KindShape):
    """The deltas of one instrument inside the range asked for.

    Parameters
    ----------
    events : int
        Deltas that close an event.
    snapshots : int
        Events that restate the book from scratch (they hold a CLEAR with F_SNAPSHOT).
    order_ids : bool
        Whether the deltas name orders: the book is market-by-order (L3).
    ends_event : bool
        Whether the last delta closes its event; the engine fails a run where it does not.
    needs_earlier_snapshot : bool
        Whether the range starts in the middle of the data: its first delta does not clear the book, so
        the levels set before the range are missing.

    """

    events: int
    snapshots: int
    order_ids: bool
    ends_event: bool
    needs_earlier_snapshot: bool


@dataclass(frozen=True, slots=True)
class InstrumentShape:
    """What there is of one instrument; None where a kind is missing."""

    instrument_id: str
    deltas: BookShape | None
    trades: KindShape | None
    quotes: KindShape | None


@dataclass(frozen=True, slots=True)
class CatalogShape:
    """What there is inside the range asked for, and the identity of the files it is in.

    Parameters
    ----------
    root : Path
        Absolute path of the catalogue, as the engine wants it.
    instruments : dict
        Shape per instrument id.
    first_ns, last_ns : int
        Span of all data found, nanoseconds since 1970 UTC.
    fingerprint : str
        SHA-256 over the content of the instruments' definitions and data files: the same data have
        the same fingerprint wherever the catalogue lies.

    """

    root: Path
    instruments: dict[str, InstrumentShape]
    first_ns: int
    last_ns: int
    fingerprint: str

    def kinds(self) -> tuple[str, ...]:
        """Return the engine's names of the kinds of data that any of the instruments has, trades first."""
        found = {
            name: any(getattr(shape, kind) for shape in self.instruments.values()) for name, kind in KIND_OF.items()
        }
        return tuple(name for name in sorted(found, reverse=True) if found[name])


def inspect_catalog(
    root: Path, instrument_ids: Sequence[str], start_ns: int | None = None, end_ns: int | None = None
) -> CatalogShape:
    """Say what a catalogue holds of some instruments in a range of time.

    Parameters
    ----------
    root : Path
        Catalogue folder.
    instrument_ids : sequence of str
        Engine instrument ids.
    start_ns, end_ns : int, optional
        First and last ``ts_init``, inclusive, in nanoseconds since 1970 UTC; open when None.

    Raises
    ------
    CatalogError
        No such folder, an instrument or its market data missing, or nothing inside the range.

    """
    if not root.is_dir():
        raise CatalogError(f"{root}: no such catalogue folder")
    recover(root)
    if start_ns is not None and end_ns is not None and start_ns > end_ns:
        raise CatalogError(
            f"the range from {utc_text(start_ns)} to {utc_text(end_ns)} is empty: it ends before it starts"
        )
    span = (-(2**63) if start_ns is None else start_ns, 2**63 - 1 if end_ns is None else end_ns)
    digest = hashlib.sha256()
    shapes = {name: _instrument(root, name, span, digest) for name in sorted(set(instrument_ids))}
    kinds = [
        kind for shape in shapes.values() for kind in (shape.deltas, shape.trades, shape.quotes) if kind is not None
    ]
    return CatalogShape(
        root=root.resolve(),
        instruments=shapes,
        first_ns=min(kind.first_ns for kind in kinds),
        last_ns=max(kind.last_ns for kind in kinds),
        fingerprint=digest.hexdigest(),
    )


def load_quality(root: Path) -> list[dict[str, Any]]:
    """Return the data-quality reports stored beside the data, in the order of their file names.

    Raises
    ------
    CatalogError
        A report is not readable.

    """
    return [read_json(path) for path in sorted((root / "documents" / "quality").rglob("*.json"))]


def instrument_ids(root: Path) -> list[str]:
    """Return the ids of the instruments a catalogue defines."""
    found = set()
    for path in (root / "data").glob("*/*/*.parquet"):
        schema = pq.read_schema(path)
        if "raw_symbol" in schema.names and schema.metadata:
            found.add(schema.metadata[b"instrument_id"].decode())
    return sorted(found)


def _instrument(root: Path, instrument_id: str, span: tuple[int, int], digest: Any) -> InstrumentShape:
    definitions = definition_files(root, instrument_id)
    if not definitions:
        there = ", ".join(instrument_ids(root)) or "nothing"
        raise CatalogError(f"{root}: no instrument {instrument_id}; the catalogue has {there}")
    files = {
        kind: sorted((root / "data" / name / folder_name(instrument_id)).glob("*.parquet"))
        for kind, name in FOLDERS.items()
    }
    if not files["deltas"] and not files["quotes"]:
        only = "only trades" if files["trades"] else "no data at all"
        raise CatalogError(f"{root}: {instrument_id} has {only}; a run needs book deltas or quotes")
    read = [*definitions, *(path for paths in files.values() for path in paths), *funding_files(root, instrument_id)]
    for path in read:
        digest.update(f"{path.parent.parent.name}/{path.parent.name}/{path.name}\n".encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    deltas = _book(files["deltas"], span)
    trades, quotes = _kind(files["trades"], span), _kind(files["quotes"], span)
    if deltas is None and quotes is None:
        spans = [interval(path.name) for kind in ("deltas", "quotes") for path in files[kind]]
        raise CatalogError(
            f"{root}: no book or quotes of {instrument_id} in the range asked for; the catalogue spans "
            f"{utc_text(min(first for first, _ in spans))} to {utc_text(max(last for _, last in spans))}"
        )
    return InstrumentShape(instrument_id, deltas, trades, quotes)


def _kind(files: list[Path], span: tuple[int, int]) -> KindShape | None:
    arrivals = [_arrival(part) for part in _parts(files, span, [])]
    if not arrivals:
        return None
    arrival = np.concatenate(arrivals)
    return KindShape(len(arrival), int(arrival[0]), int(arrival[-1]), _median_s(arrival))


def _book(files: list[Path], span: tuple[int, int]) -> BookShape | None:
    closed: list[IntColumn] = []
    rows = snapshots = first_ns = last_ns = 0
    order_ids = ends_event = needs_earlier_snapshot = False
    for part in _parts(files, span, ["flags", "action", "order_id"]):
        arrival = _arrival(part)
        closes = (part["flags"].to_numpy() & F_LAST) != 0
        if rows == 0:
            first_ns, needs_earlier_snapshot = int(arrival[0]), part["action"][0].as_py() != "CLEAR"
        last_ns, ends_event = int(arrival[-1]), bool(closes[-1])
        rows += len(arrival)
        snapshots += snapshot_events(part)
        order_ids = order_ids or bool(pc.any(pc.not_equal(part["order_id"], 0)).as_py())
        closed.append(arrival[closes])
    if rows == 0:
        return None
    events = np.concatenate(closed)
    return BookShape(
        rows=rows,
        first_ns=first_ns,
        last_ns=last_ns,
        median_interval_s=_median_s(events),
        events=len(events),
        snapshots=snapshots,
        order_ids=order_ids,
        ends_event=ends_event,
        needs_earlier_snapshot=needs_earlier_snapshot,
    )


def _parts(files: list[Path], span: tuple[int, int], columns: list[str]) -> Iterator[pa.Table]:
    """Yield columns of the rows inside the span, in order and never empty; a long catalogue is never in memory whole.

    Files and row groups outside the span are never read.
    """
    for path in files:
        first, last = interval(path.name)
        if first > span[1] or last < span[0]:
            continue
        bounds = [pa.scalar(max(first, span[0])), pa.scalar(min(last, span[1]))]
        low, high = (bound.cast(pa.timestamp("ns")).cast(pa.timestamp("ns", tz="UTC")) for bound in bounds)
        inside = (pc.field("ts_init") >= low) & (pc.field("ts_init") <= high)
        batches = ds.dataset(path, format="parquet").to_batches(
            columns=["ts_init", *columns], filter=inside, batch_readahead=1
        )
        for batch in batches:
            if batch.num_rows:
                yield pa.Table.from_batches([batch])


def _arrival(table: pa.Table) -> IntColumn:
    arrival: IntColumn = table["ts_init"].cast(pa.int64()).to_numpy()
    return arrival


def _median_s(arrival: IntColumn) -> float:
    return float(np.median(np.diff(arrival), overwrite_input=True)) / 1e9 if len(arrival) > 1 else 0.0
