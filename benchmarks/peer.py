"""Other engines, each in an environment of its own that lasts as long as the benchmark."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import market
import numpy as np
from stack import HALF_SPREAD_TICKS, ORDER_SIZE, Outcome

PEERS = {
    "hftbacktest, compiled": ("hftbacktest==2.4.4", "hftbacktest_maker.py"),
    "Nautilus 1.231, Python grid maker": ("nautilus_trader==1.231.0", "nautilus_v1_maker.py"),
}
"""What is installed and which of `peers/` is run, by name."""


class MissingPeerError(Exception):
    """It cannot be installed or started here."""


class Peer:
    """A process that runs the same market each time it is asked to."""

    def __init__(self, package: str, script: str, asked: dict[str, Any]) -> None:
        if shutil.which("uv") is None:
            raise MissingPeerError("there is no uv to install it with")
        # The interpreter below this environment: uv would look for one to download.
        python = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
        environment = ["uv", "run", "--quiet", "--no-project", "--isolated", "--python", python, "--with", package]
        program = [*environment, "python", str(Path(__file__).parent / "peers" / script), json.dumps(asked)]
        self._process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if self._answer() != "ready":
            _, error = self._process.communicate()
            raise MissingPeerError(error.strip().splitlines()[-1] if error.strip() else "it ended without a word")

    def run(self) -> Outcome:
        """Run once."""
        assert self._process.stdin is not None
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        found = json.loads(self._answer())
        return Outcome(found["seconds"], found["cpu_seconds"], submits=found["submits"], filled=found["filled"])

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(("ready", "{")):
                return line.strip()
        return ""


@contextmanager
def peers(path: market.Path, threshold_ticks: int, skipped: list[str]) -> Iterator[dict[str, Peer]]:
    """Start every peer that can be had on `path`; say of the others in `skipped` why not."""
    started: dict[str, Peer] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "path.npz"
        np.savez(file, **vars(path))
        asked = {
            "path": str(file),
            "distance_ticks": HALF_SPREAD_TICKS,
            "threshold_ticks": threshold_ticks,
            "size": float(ORDER_SIZE),
        }
        try:
            for name, (package, script) in PEERS.items():
                try:
                    started[name] = Peer(package, script, asked)
                except MissingPeerError as error:
                    skipped.append(f"{name}: {error}")
            yield started
        finally:
            for peer in started.values():
                peer.close()
