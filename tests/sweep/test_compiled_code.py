"""Compiled code is kept for as long as it is used, and not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mm_nautilus.sweep.screening.compiled_code import UNUSED_DAYS, folder_in_use

DAY_S = 86_400


def folder(home: Path, name: str, unused_days: float, *, says_so: bool = True) -> Path:
    made = home / name
    made.mkdir(parents=True)
    (made / "loop.nbi").write_bytes(b"code")
    used_s = time.time() - unused_days * DAY_S
    if says_so:
        (made / ".used").touch()
        os.utime(made / ".used", (used_s, used_s))
    else:
        os.utime(made, (used_s, used_s))
    return made


def names(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()}


def test_what_is_long_unused_goes_when_a_new_one_is_made(tmp_path: Path) -> None:
    folder(tmp_path, "old", UNUSED_DAYS + 1)
    folder(tmp_path, "of-an-older-version", UNUSED_DAYS + 1, says_so=False)
    folder(tmp_path, "recent", UNUSED_DAYS - 1)
    folder(tmp_path, "recent-of-an-older-version", UNUSED_DAYS - 1, says_so=False)
    folder(tmp_path, ".gone-left-behind-1", 0)
    assert folder_in_use(tmp_path, "new") == tmp_path / "new"
    assert names(tmp_path) == {"recent", "recent-of-an-older-version", "new"}


def test_nothing_goes_when_none_is_made_and_using_one_keeps_it(tmp_path: Path) -> None:
    folder(tmp_path, "old", UNUSED_DAYS + 1)
    folder(tmp_path, "mine", UNUSED_DAYS + 1)
    folder_in_use(tmp_path, "mine")
    assert names(tmp_path) == {"old", "mine"}
    folder_in_use(tmp_path, "new")
    assert names(tmp_path) == {"mine", "new"}
    assert (tmp_path / "mine" / "loop.nbi").read_bytes() == b"code"


def test_what_another_process_uses_stays_however_old_it_is(tmp_path: Path) -> None:
    folder(tmp_path, "theirs", 0)
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from mm_nautilus.sweep.screening.compiled_code import folder_in_use\n"
        "folder_in_use(Path(sys.argv[1]), 'theirs')\nprint('used', flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "used\n"
        long_ago_s = time.time() - 2 * UNUSED_DAYS * DAY_S
        os.utime(tmp_path / "theirs" / ".used", (long_ago_s, long_ago_s))
        folder_in_use(tmp_path, "new")
        assert names(tmp_path) == {"theirs", "new"}
        other.communicate("")
    folder_in_use(tmp_path, "newer")
    assert names(tmp_path) == {"new", "newer"}


def test_what_cannot_be_removed_or_made_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path, "old", UNUSED_DAYS + 1)

    def refused(*_args: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(Path, "rename", refused)
    folder_in_use(tmp_path, "new")
    assert names(tmp_path) == {"old", "new"}
    (tmp_path / "file").touch()
    assert folder_in_use(tmp_path / "file", "new") == tmp_path / "file" / "new"
