"""The command line starts at once: what is slow to import is imported by the command that needs it."""

from __future__ import annotations

import subprocess
import sys

SLOW = ("nautilus_trader", "numpy", "pyarrow", "pydantic", "plotly", "scipy", "aiohttp", "rich.console")


def test_nothing_slow_is_imported_before_a_command_runs() -> None:
    asks = f"import sys, mm_nautilus.cli; print([name for name in {SLOW!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "[]"
