"""Nanoseconds since 1970 UTC as text for people."""

from __future__ import annotations

import numpy as np


def utc_text(ns: int) -> str:
    """Return an instant for a person to read, to the nanosecond."""
    return f"{np.datetime64(ns, 'ns')}Z"
