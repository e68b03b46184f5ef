"""What a result depends on: versions, data and run file."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import Any

PACKAGES = ("mm-nautilus", "nautilus_trader", "numpy", "pyarrow", "pydantic", "plotly")


def provenance(resolved_run_file: bytes, data_fingerprint: str) -> dict[str, Any]:
    """Return package versions, the digest of the resolved run file and the fingerprint of the data."""
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "run_file_sha256": hashlib.sha256(resolved_run_file).hexdigest(),
        "data_fingerprint": data_fingerprint,
    }
