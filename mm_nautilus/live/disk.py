"""What is said when a run could not write any more."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mm_nautilus.backtest.run import RunFailedError
from mm_nautilus.errors import UserError

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


@contextmanager
def on_a_full_disk(output: Path) -> Iterator[None]:
    """Say in one screen that a run ended because its folder could not be written.

    A recorder that cannot write stops the node in order: quotes are withdrawn before anything else is done. What was
    written until then is readable, the rest is lost, and there is neither result nor report.

    Parameters
    ----------
    output : Path
        Folder that run folders are made in.

    Raises
    ------
    UserError
        Instead of the error of the operating system.

    """
    try:
        yield
    except (OSError, RunFailedError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in _FULL:
            raise
        raise UserError(
            f"{output}: cannot be written any more ({cause})\n"
            "  - the node is stopped, its quotes withdrawn; look at the open orders of the venue to be sure\n"
            "  - what was recorded until then is kept in the run's folder, under log/\n"
            "  - make room, or choose another folder (run.output, --output), and start again"
        ) from error
