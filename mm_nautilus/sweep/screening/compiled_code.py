"""Folders of compiled code, one for each state of the source: the one in use is kept, those long unused go.

Who uses a folder holds a lock on a file in it (`flock`) as long as the process lives, and that file's time says when it
was last begun to be used. Whoever makes a new folder removes those that are neither locked nor were used lately.
Nothing is lost with a folder but the minute that compiling takes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final

UNUSED_DAYS: Final = 30
"""Age of its last use after which a folder is removed."""

_USED: Final = ".used"
_GONE: Final = ".gone-"
_held: list[int] = []


def folder_in_use(home: Path, name: str) -> Path:
    """Return a folder to keep compiled code in, held until this process ends; others that are long unused are removed.

    A file system that refuses any of this is no error: what compiles may still have a place to write to.

    Parameters
    ----------
    home : Path
        What the folders of all states of the source are in, and nothing else.
    name : str
        Names this state.

    """
    folder = home / name
    is_new = not folder.exists()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _hold(folder)
        if is_new:
            _remove_unused(home, time.time() - UNUSED_DAYS * 86_400)
    return folder


def _hold(folder: Path) -> None:
    """Say that a folder is used, now and until this process ends."""
    used = os.open(folder / _USED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _held.append(used)
    os.utime(used)
    fcntl.flock(used, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _remove_unused(home: Path, before_s: float) -> None:
    for folder in home.iterdir():
        with suppress(OSError):
            if folder.name.startswith(_GONE):  # somebody was interrupted at it
                shutil.rmtree(folder)
            elif folder.is_dir() and not folder.is_symlink() and _last_used_s(folder) < before_s:
                _remove(folder, before_s)


def _remove(folder: Path, before_s: float) -> None:
    """Remove a folder unless somebody holds it, or has used it since it was looked at."""
    used = folder / _USED
    with used.open("r+b") if used.exists() else nullcontext() as held:
        if held is not None:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _last_used_s(folder) < before_s:
            # Whoever wants it from here on finds none and makes one; nobody finds half of one.
            gone = folder.with_name(f"{_GONE}{folder.name}-{os.getpid()}")
            folder.rename(gone)
            shutil.rmtree(gone)


def _last_used_s(folder: Path) -> float:
    """Return when a folder was last used, in seconds since 1970; by its own time where nobody has said so."""
    used = folder / _USED
    return (used if used.exists() else folder).stat().st_mtime
