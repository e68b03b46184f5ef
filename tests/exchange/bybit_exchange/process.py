"""The exchange in a process of its own, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from bybit_exchange.faults import Incident

_HERE = Path(__file__).resolve().parent


class Exchange:
    """Starts with the ``with`` block and ends with it.

    Parameters
    ----------
    seed : int
        Seed of the market and of the faults.
    catalog, instrument : Path and str, optional
        Market to replay instead of a random walk.
    speed : float
        How many times faster than it happened.
    keys : (str, str), optional
        Key and secret that requests have to be signed with; everybody may come in where there are none.
    also : sequence of (str, str, int)
        Further contracts: symbol, base currency, and ticks that its market is away from the first one's walk every
        fourth second.

    """

    def __init__(
        self,
        seed: int = 1,
        catalog: Path | None = None,
        instrument: str = "",
        speed: float = 1.0,
        keys: tuple[str, str] | None = None,
        also: Sequence[tuple[str, str, int]] = (),
    ) -> None:
        self._command = [sys.executable, "-m", _HERE.name, "--seed", str(seed), "--speed", str(speed)]
        if catalog is not None:
            self._command += ["--catalog", str(catalog), "--instrument", instrument]
        if keys is not None:
            self._command += ["--keys", *keys]
        for symbol, base, apart_ticks in also:
            self._command += ["--also", symbol, base, str(apart_ticks)]
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        paths = [str(_HERE.parent), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the exchange did not start; it ended with code {self._process.wait()}")
        self.port = int(line)
        return self

    def __exit__(self, *_error: object) -> None:
        process = self._process
        if process is not None:
            process.terminate()
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()

    @property
    def http(self) -> str:
        """Return where requests go."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Return where sockets are."""
        return f"ws://127.0.0.1:{self.port}"

    def truth(self) -> dict[str, Any]:
        """Return what is true; see `bybit_exchange.control.Control.truth`."""
        return self._ask("truth")

    def faults(self, **values: Any) -> None:
        """Set what goes wrong from now on; see `bybit_exchange.faults.Faults`."""
        self._ask("faults", values)

    def incident(self, kind: str, for_s: float = 0.0, **values: Any) -> None:
        """Let one incident happen, and wait for its end."""
        self._ask("incident", {"kind": kind, "for_s": for_s, "values": values})

    def schedule(self, incidents: Iterable[Incident]) -> None:
        """Let incidents happen at their times from now on."""
        self._ask("schedule", [incident.as_json() for incident in incidents])

    def left(self) -> None:
        """Tell that whoever traded is no more: nobody can be expected to cancel before somebody looks at the market."""
        self._ask("left", {})

    def until(self, holds: Callable[[dict[str, Any]], bool], timeout_s: float = 240.0) -> dict[str, Any]:
        """Wait until something is true and return the truth; fail with it after `timeout_s`."""
        end = time.monotonic() + timeout_s
        while not holds(found := self.truth()):
            if time.monotonic() > end:
                raise AssertionError(f"not true within {timeout_s} s: {found}")
            time.sleep(0.05)
        return found

    def _ask(self, name: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.http}/control/{name}", data, timeout=30) as answer:
            return json.load(answer)
