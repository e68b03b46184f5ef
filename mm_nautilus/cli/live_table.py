"""The ``[live]`` table of a run file that is not run live: of no effect, and still not the place of a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def check_live_table(path: Path, overrides: Sequence[str] = ()) -> None:
    """Refuse a run file whose ``[live]`` table a live node would refuse; nothing is looked at where there is none.

    Parameters
    ----------
    path : Path
        TOML run file.
    overrides : sequence of str
        ``table.key=value`` changes to it.

    Raises
    ------
    ConfigError
        With every mistake in the file and in the overrides.

    """
    from mm_nautilus.config import read_run_file

    tables, _ = read_run_file(path, overrides)
    if "live" in tables:
        from mm_nautilus.live.settings import load_live

        load_live(path, overrides)
