"""All-or-nothing changes to a catalogue folder: staged files, a journal of renames, one writer at a time.

Nothing outside the hidden staging folder changes before the journal is on disk. From then on the commit is
a list of idempotent steps, so whoever finds a journal can finish it without knowing how far it got.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.errors import CatalogError

STAGING: Final = ".staging"
_LOCK: Final = ".lock"
_JOURNAL: Final = "journal.json"


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as sorted, indented JSON; what JSON has no type for is written as its string."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(content, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file of the catalogue, an object.

    Raises
    ------
    CatalogError
        The file is not JSON: somebody edited or damaged it.

    """
    try:
        content: dict[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise CatalogError(f"{path}: not readable as JSON ({error}); restore or delete it") from error
    return content


@contextmanager
def exclusive(root: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the catalogue's writer lock; the operating system drops it when the process dies.

    Raises
    ------
    CatalogError
        Another process is writing and ``wait`` is False.

    """
    with (root / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CatalogError(
                f"{root}: another process is writing to this catalogue; try again when it is done"
            ) from None
        yield


def commit(root: Path, moves: Sequence[tuple[str, str]], deletes: Sequence[str]) -> None:
    """Make staged files visible and remove the files they replace; the caller holds the lock.

    Parameters
    ----------
    root : Path
        Catalogue folder.
    moves : sequence of (staged, target)
        Paths relative to the staging folder and to the catalogue.
    deletes : sequence of str
        Catalogue paths to remove; a path that is also a target is replaced, not removed.

    """
    staging = root / STAGING
    for staged, _ in moves:
        _sync(staging / staged)
    draft = staging / (_JOURNAL + ".draft")
    targets = {target for _, target in moves}
    write_json(draft, {"moves": list(moves), "deletes": [path for path in deletes if path not in targets]})
    _sync(draft)
    draft.replace(staging / _JOURNAL)
    _sync(staging)
    _roll_forward(root)


def recover(root: Path) -> bool:
    """Finish a commit that was interrupted; return whether there was one.

    A journal of a live writer is waited for: it is at work on the same few renames.
    """
    if not (root / STAGING / _JOURNAL).exists():
        return False
    with exclusive(root, wait=True):
        return _roll_forward(root)


def clean(root: Path) -> None:
    """Finish what was committed and discard what was not; the caller holds the lock."""
    _roll_forward(root)
    shutil.rmtree(root / STAGING, ignore_errors=True)


def _roll_forward(root: Path) -> bool:
    staging = root / STAGING
    journal = staging / _JOURNAL
    if not journal.exists():
        return False
    plan = read_json(journal)
    for path in plan["deletes"]:
        (root / path).unlink(missing_ok=True)
    for staged, target in plan["moves"]:
        if (staging / staged).exists():
            (root / target).parent.mkdir(parents=True, exist_ok=True)
            (staging / staged).replace(root / target)
    for folder in {(root / path).parent for path in [*plan["deletes"], *(target for _, target in plan["moves"])]}:
        if folder.is_dir():
            _sync(folder)
    journal.unlink()
    shutil.rmtree(staging, ignore_errors=True)
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
