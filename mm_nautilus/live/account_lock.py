"""One node an account: who holds the lock file trades, and whoever comes second is told who that is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mm_nautilus.errors import UserError


@contextmanager
def locked(folder: Path, accounts: Sequence[str]) -> Iterator[None]:
    """Hold the locks of accounts until the end of the block, or of the process, however it ends.

    The lock is the kernel's (`flock`), so that none is left behind by a kill; the file stays and says who was last.
    It knows of nodes on this machine that use the same folder, and of no others.

    Parameters
    ----------
    folder : Path
        Where the lock files are; made where it is missing.
    accounts : sequence of str
        Names of the accounts with their environment.

    Raises
    ------
    UserError
        Where another process trades one of them, with its process id.

    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        for account in sorted(accounts):
            path = folder / f"{account}.lock"
            # Not inherited: a process that we start must not hold the account once we are gone.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            held.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                other = os.read(descriptor, 64).decode(errors="replace").strip() or "unknown"
                raise UserError(
                    f"{account} is being traded by process {other} (lock {path}); two nodes on one account would take "
                    "each other's orders for strangers'"
                ) from None
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
