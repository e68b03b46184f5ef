"""Reading captures of any size as blocks of whole lines, whatever they are packed in and however they end."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path
from typing import Final, cast

from mm_nautilus.errors import DataError

BLOCK_BYTES: Final = 4 * 2**20
"""Uncompressed bytes read at a time."""

_DAMAGE: Final = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)

type Report = Callable[[str], None]


def check_sources(sources: list[Path]) -> None:
    """Refuse sources that are not there, not files, or given twice.

    Raises
    ------
    DataError
        With one line for each of them.

    """
    problems = []
    seen: set[Path] = set()
    for path in sources:
        if not path.exists():
            problems.append(f"{path}: no such file")
        elif not path.is_file():
            problems.append(f"{path}: a folder; name the files in it, for example {path}/*")
        elif path.resolve() in seen:
            problems.append(f"{path}: given twice")
        seen.add(path.resolve())
    if problems:
        raise DataError("sources that cannot be read:\n" + "\n".join(f"  - {problem}" for problem in problems))


def blocks(path: Path, damaged: Report, advance: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the content of a capture in blocks that end with a line.

    Parameters
    ----------
    path : Path
        Plain text, gzip (several members allowed) or a zip archive, whose members follow each other by name.
    damaged : callable
        Told once, in words, when the file ends early or breaks; the whole lines before that are yielded.
    advance : callable
        Told how many bytes of the file on disk were consumed.

    """
    position = 0
    rest = b""
    with path.open("rb") as raw:
        try:
            for piece in _pieces(raw):
                advance(raw.tell() - position)
                position = raw.tell()
                cut = piece.rfind(b"\n") + 1
                if cut:
                    yield rest + piece[:cut]
                    rest = piece[cut:]
                else:
                    rest += piece
            if rest:
                yield rest + b"\n"
        except _DAMAGE as error:
            lost = f"; an unfinished line of {len(rest)} bytes dropped" if rest else ""
            damaged(f"{path.name}: breaks off near byte {raw.tell()} of {path.stat().st_size} ({error}){lost}")
        advance(path.stat().st_size - position)


def _pieces(raw: BufferedReader) -> Iterator[bytes]:
    """Yield the unpacked content in pieces of about a block; what precedes damage is yielded before it raises."""
    with ExitStack() as held:
        for stream in _streams(raw, held):
            parts: list[bytes] = []
            size = 0
            try:
                # Single reads: a read that loops to fill its size would lose what it has when it fails.
                while part := stream.read1(BLOCK_BYTES):
                    parts.append(part)
                    size += len(part)
                    if size >= BLOCK_BYTES:
                        yield b"".join(parts)
                        parts, size = [], 0
            except _DAMAGE:
                yield b"".join(parts)
                raise
            yield b"".join(parts)


def _streams(raw: BufferedReader, held: ExitStack) -> Iterator[BufferedReader | gzip.GzipFile | zipfile.ZipExtFile]:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        unpacked = gzip.GzipFile(fileobj=raw)
        held.callback(unpacked.close)
        yield unpacked
    elif magic == b"PK\x03\x04":
        archive = held.enter_context(zipfile.ZipFile(raw))
        for name in sorted(archive.namelist()):
            if not name.endswith("/"):
                member = archive.open(name)
                held.callback(member.close)
                yield cast("zipfile.ZipExtFile", member)
    else:
        yield raw
