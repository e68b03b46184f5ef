"""Random streams by name: adding or changing one part of a market leaves the draws of the others alone."""

from __future__ import annotations

from hashlib import sha256

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of the stream that ``seed`` and ``names`` identify."""
    digest = sha256("\0".join(names).encode()).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
