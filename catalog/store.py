"""Writing a catalogue: tables in, the engine's files out, all of them or none.

Layout, as the engine has it: ``data/<kind>/<instrument>/<start>_<end>.parquet`` with disjoint intervals.
Beside it ``documents/`` holds JSON (data quality, a simulator's ground truth) and ``ingests/`` one entry
per ingest, by which a repeated one is recognised. Identical input gives byte-identical files.
"""

from __future__ import annotations

import filecmp
import hashlib
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mm_nautilus.catalog.columns import F_LAST
from mm_nautilus.catalog.journal import STAGING, clean, commit, exclusive, read_json, write_json
from mm_nautilus.catalog.layout import (
    KINDS,
    Instrument,
    definition_files,
    entry_path,
    file_name,
    interval,
    write_definition,
)
from mm_nautilus.catalog.stamps import utc_text
from mm_nautilus.catalog.stream import Stream
from mm_nautilus.errors import CatalogError


class CatalogWriter:
    """Write one ingest into a catalogue; nothing is visible before the ``with`` block ends cleanly.

    Parameters
    ----------
    root : Path
        Catalogue folder; made if missing.
    fingerprint : str
        Identity of the input (source content and specification). A catalogue that already holds an
        ingest with this fingerprint says so in `already_ingested`. Empty: the content written decides.
    replace : bool
        Remove the files that overlap what is written (each one whole, also what lies outside the
        overlap) and redefine instruments. Otherwise both are errors.

    Raises
    ------
    CatalogError
        ``root`` is no folder, another process writes to it, data overlap different data of the same
        kind and instrument, an instrument is defined differently, or data have no instrument.
    ValueError
        A table that is not one of `columns`, or times that run backwards: a mistake of the caller.

    """

    def __init__(self, root: Path, *, fingerprint: str = "", replace: bool = False) -> None:
        self._root = root
        self._fingerprint = fingerprint
        self._replace = replace
        self._streams: dict[tuple[str, str], Stream] = {}
        self._instruments: dict[str, Instrument] = {}
        self._documents: dict[str, dict[str, Any]] = {}
        self._held = ExitStack()
        self.replaced: tuple[str, ...] = ()
        """Data files the commit removed because the new ones overlap them."""

    def __enter__(self) -> Self:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise CatalogError(f"{self._root}: a catalogue is a folder, found a file") from None
        self._held.enter_context(exclusive(self._root))
        clean(self._root)
        self._staging.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._held:
            try:
                if kind is None and (self._streams or self._instruments or self._documents):
                    self._commit()
            finally:
                for stream in self._streams.values():
                    stream.writer.close()
                clean(self._root)

    @property
    def already_ingested(self) -> bool:
        """Whether the catalogue holds a complete ingest of the same fingerprint."""
        path = self._root / entry_path(self._fingerprint)
        if not self._fingerprint or not path.exists():
            return False
        entry = read_json(path)
        return not entry["replaced"] and all((self._root / name).exists() for name in entry["files"])

    def instrument(self, instrument: Instrument) -> None:
        """Define an instrument; the same definition again adds nothing."""
        known = self._instruments.setdefault(str(instrument.id), instrument)
        if known is not instrument and known.to_dict() != instrument.to_dict():
            raise ValueError(f"two definitions of {instrument.id} in one ingest")

    def append(self, table: pa.Table) -> None:
        """Add events of one kind and instrument (a table of `columns`), not earlier than those before it."""
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        kind = metadata.get("type_name", "")
        if kind not in KINDS:
            raise ValueError(f"a table of {list(KINDS)} is wanted, found type_name {kind!r}")
        if table.num_rows == 0:
            return
        times = table["ts_init"].cast(pa.int64()).to_numpy()
        stream = self._streams.get((kind, metadata["instrument_id"]))
        if stream is None:
            stream = self._open(kind, metadata["instrument_id"], table.schema, int(times[0]))
        if not table.schema.equals(stream.schema, check_metadata=True):
            raise ValueError(f"{kind} of {stream.instrument_id}: the schema or a precision changed in mid-stream")
        if times[0] < stream.end_ns or np.any(times[1:] < times[:-1]):
            raise ValueError(f"{kind} of {stream.instrument_id}: ts_init runs backwards; sort before writing")
        stream.end_ns = int(times[-1])
        if kind == "OrderBookDelta":
            stream.closes_event = bool(table["flags"][-1].as_py() & F_LAST)
        if not self._replace:
            for path in self._overlapping(stream):
                # The very same data may be written again; that is known when the file is complete.
                if interval(path.name)[0] != stream.start_ns:
                    raise self._overlap(stream, path)
        stream.add(table)

    def document(self, name: str, content: dict[str, Any]) -> None:
        """Store ``content`` as ``documents/<name>.json``; an earlier document of that name is replaced."""
        self._documents[name] = content

    @property
    def _staging(self) -> Path:
        return self._root / STAGING

    def _open(self, kind: str, instrument_id: str, schema: pa.Schema, start_ns: int) -> Stream:
        staged = self._staging / f"{len(self._streams)}.parquet"
        writer = pq.ParquetWriter(staged, schema, compression="zstd")
        stream = Stream(kind, instrument_id, schema, staged, writer, start_ns, start_ns)
        self._streams[kind, instrument_id] = stream
        return stream

    def _overlapping(self, stream: Stream) -> list[Path]:
        """Return the catalogue's files that share an instant with what the stream holds so far."""
        spans = [(path, *interval(path.name)) for path in sorted((self._root / stream.folder).glob("*.parquet"))]
        return [path for path, start, end in spans if start <= stream.end_ns and end >= stream.start_ns]

    def _overlap(self, stream: Stream, path: Path) -> CatalogError:
        return CatalogError(
            f"{self._root}: {KINDS[stream.kind]} of {stream.instrument_id} from {utc_text(stream.start_ns)} on overlap "
            f"other data that are there already:\n  - {path.relative_to(self._root)}\n"
            "Replace them (--replace removes each such file whole), or write to another catalogue."
        )

    def _commit(self) -> None:
        moves: list[tuple[str, str]] = []
        files: list[str] = []
        replaced: list[str] = []
        for stream in self._streams.values():
            stream.close()
            if not stream.closes_event:
                raise ValueError(
                    f"the deltas of {stream.instrument_id} end without F_LAST: the last event is incomplete"
                )
            target = f"{stream.folder}/{file_name(stream.start_ns, stream.end_ns)}"
            files.append(target)
            for path in self._overlapping(stream):
                if path.name == Path(target).name and filecmp.cmp(stream.staged, path, shallow=False):
                    break
                if not self._replace:
                    raise self._overlap(stream, path)
                replaced.append(str(path.relative_to(self._root)))
            else:
                moves.append((stream.staged.name, target))
        self.replaced = tuple(replaced)
        definitions, redefined = self._stage_instruments()
        documents = [f"documents/{name}.json" for name in self._documents]
        for document, content in zip(documents, self._documents.values(), strict=True):
            write_json(self._staging / document, content)
        entries, orphans = self._stage_entries(files, documents, replaced)
        moves += [*definitions, *((path, path) for path in [*documents, *entries])]
        commit(self._root, moves, [*replaced, *redefined, *orphans])

    def _stage_instruments(self) -> tuple[list[tuple[str, str]], list[str]]:
        """Stage the definitions that are new; return their moves and the paths of those they replace."""
        moves: list[tuple[str, str]] = []
        redefined: list[str] = []
        drafts = self._staging / "instruments"
        for instrument in self._instruments.values():
            draft = write_definition(drafts / str(len(moves)), instrument)
            there = definition_files(self._root, str(instrument.id))
            if any(pq.read_table(path).equals(pq.read_table(draft)) for path in there):
                continue
            if there and not self._replace:
                raise CatalogError(
                    f"{self._root}: {instrument.id} is defined differently there ({there[0].relative_to(self._root)}); "
                    "use that definition, --replace it, or write to another catalogue"
                )
            redefined += [str(path.relative_to(self._root)) for path in there]
            moves.append((str(draft.relative_to(self._staging)), str(draft.relative_to(drafts / str(len(moves))))))
        for stream in self._streams.values():
            known = stream.instrument_id in self._instruments or definition_files(self._root, stream.instrument_id)
            if not known:
                raise CatalogError(f"{self._root}: data of {stream.instrument_id} but no definition of that instrument")
        return moves, redefined

    def _stage_entries(
        self, files: list[str], documents: list[str], replaced: list[str]
    ) -> tuple[list[str], list[str]]:
        """Stage this ingest's entry and the changed ones; return them and documents whose last file went."""
        fingerprint = self._fingerprint
        if not fingerprint:
            digests = [hashlib.sha256(stream.staged.read_bytes()).hexdigest() for stream in self._streams.values()]
            fingerprint = hashlib.sha256("\n".join([*files, *digests, *documents]).encode()).hexdigest()
        own = entry_path(fingerprint)
        write_json(
            self._staging / own,
            {"fingerprint": fingerprint, "files": sorted(files), "documents": sorted(documents), "replaced": []},
        )
        entries, orphans = [own], []
        for path in sorted((self._root / "ingests").glob("*.json")):
            entry = read_json(path)
            gone = [name for name in entry["files"] if name in replaced]
            relative = str(path.relative_to(self._root))
            if not gone or relative == own:
                continue
            entry["files"] = [name for name in entry["files"] if name not in gone]
            entry["replaced"] += gone
            if entry["files"]:
                write_json(self._staging / relative, entry)
                entries.append(relative)
            else:
                orphans += [relative, *(name for name in entry["documents"] if name not in documents)]
        return entries, orphans
