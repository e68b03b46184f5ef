"""From captures and a specification to a catalogue: the one place where readers, quality and writer meet."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from mm_nautilus.catalog.layout import folder_name
from mm_nautilus.catalog.quality import Quality
from mm_nautilus.catalog.reading import Reading
from mm_nautilus.catalog.sources import check_sources
from mm_nautilus.catalog.spec import BinanceSpec, CsvSpec, DatabentoSpec, IngestSpec, TardisSpec
from mm_nautilus.catalog.store import CatalogWriter
from mm_nautilus.errors import CatalogError, DataError

VERSION: Final = 1
"""Of the readers' behaviour: raised when the same input gives other data, so that a repeat is not recognised."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did.

    Parameters
    ----------
    repeated : bool
        The catalogue held this very ingest already; nothing was read or written.
    reports : dict
        Data quality per instrument id, as stored beside the data.
    replaced : sequence of str
        Data files that went because the new data overlap them.

    """

    repeated: bool
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    replaced: Sequence[str] = ()


def ingest(
    spec: IngestSpec,
    sources: Sequence[Path],
    root: Path,
    *,
    replace: bool = False,
    advance: Callable[[int, int], None] = lambda _bytes, _events: None,
) -> Ingested:
    """Read captures into a catalogue, all of them or nothing.

    Parameters
    ----------
    spec : IngestSpec
        What the captures are and what to do about their defects.
    sources : sequence of Path
        Captures in order of time.
    root : Path
        Catalogue folder; made if missing.
    replace : bool
        Remove data the new ones overlap.
    advance : callable
        Told how many bytes of the sources were consumed and how many rows were written.

    Raises
    ------
    DataError
        A source is missing or unusable, or a defect whose policy is "error" occurs.
    CatalogError
        The catalogue is in use, or holds overlapping data.

    """
    check_sources(list(sources))
    try:
        with _without_collector():
            return _ingest(spec, sources, root, replace=replace, advance=advance)
    except OSError as error:
        # No permission, no space: nothing of ours to trace.
        raise CatalogError(
            f"{error.filename or root}: {error.strerror or error}; the catalogue is as it was"
        ) from error


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the cycle collector: what the readers allocate has no cycles, and there is a lot of it to walk."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _ingest(
    spec: IngestSpec, sources: Sequence[Path], root: Path, *, replace: bool, advance: Callable[[int, int], None]
) -> Ingested:
    definitions = {definition.id: definition for definition in spec.definitions}
    with CatalogWriter(root, fingerprint=fingerprint(spec, sources), replace=replace) as writer:
        if writer.already_ingested:
            return Ingested(repeated=True)
        quality = Quality(spec.time_gap_s)
        reading = Reading(sources, spec.policies, quality, lambda count: advance(count, 0))
        written: set[str] = set()
        for table in _tables(spec, reading):
            instrument_id = table.schema.metadata[b"instrument_id"].decode()
            if table.num_rows and instrument_id not in written:
                written.add(instrument_id)
                writer.instrument(definitions[instrument_id].build())
            quality.observe(table)
            writer.append(table)
            advance(0, table.num_rows)
        if not written:
            raise DataError(
                "\n".join([f"{', '.join(map(str, sources))}: no usable event in any of them", *quality.words()])
            )
        header = {
            "format": spec.format,
            "sources": [source.name for source in sources],
            "ts_init": spec.ts_init,
            "local_clock_shift_ms": spec.local_clock_shift_ms,
            "policies": spec.policies.model_dump(mode="json"),
        }
        reports = quality.documents(header)
        for instrument_id, report in reports.items():
            writer.document(f"quality/{folder_name(instrument_id)}/{_stem(report)}", report)
    return Ingested(repeated=False, reports=reports, replaced=writer.replaced)


def _stem(report: dict[str, Any]) -> str:
    """Return a name that is the same for the same data and free for other data: the span of what was written."""
    spans = [(kind["first_ns"], kind["last_ns"]) for kind in report["kinds"].values()]
    kinds = "-".join(report["kinds"])
    return f"{min(span[0] for span in spans)}_{max(span[1] for span in spans)}_{kinds}" if spans else "nothing"


def _tables(spec: IngestSpec, reading: Reading) -> Iterator[pa.Table]:
    # Each reader pulls in what only it needs, Databento's decoder for one.
    match spec:
        case BinanceSpec():
            from mm_nautilus.catalog.binance import read as read_binance  # noqa: PLC0415

            return read_binance(spec, reading)
        case CsvSpec():
            from mm_nautilus.catalog.csv import read as read_csv  # noqa: PLC0415

            return read_csv(spec, reading)
        case DatabentoSpec():
            from mm_nautilus.catalog.databento import read as read_databento  # noqa: PLC0415

            return read_databento(spec, reading)
        case TardisSpec():
            from mm_nautilus.catalog.tardis import read as read_tardis  # noqa: PLC0415

            return read_tardis(spec, reading)


def fingerprint(spec: IngestSpec, sources: Sequence[Path]) -> str:
    """Return the identity of an ingest: content and names of the sources, and the specification."""
    unnamed = {"venue"} if spec.venue is None else None
    digest = hashlib.sha256(f"{VERSION}\n{spec.model_dump_json(exclude=unnamed)}".encode())
    for source in sources:
        with source.open("rb") as stream:
            digest.update(f"\n{source.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}".encode())
    return digest.hexdigest()
