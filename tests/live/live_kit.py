"""A run file for the exchange on loopback, and the script that trades it in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bybit_exchange.process import Exchange

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "BYBIT-001"
KEY, SECRET = "key-that-nobody-may-see", "secret-that-nobody-may-see"

RUN_FILE = """
[run]
name = "loopback"
seed = 3

[data]
catalog = "."

[[venues]]
name = "BYBIT"
account = "MARGIN"
starting_balances = ["100000 USDT"]
default_leverage = 10
fees = {{ maker_rate = "0.0002", taker_rate = "0.00055" }}

[live]
state_dir = "{state}"
connect_within_s = 60
withdraw_within_s = 60
flush_every_s = 1

[live.checks]
inflight_after_ms = 1000
open_orders_every_s = 1
positions_every_s = 2

[[live.venues]]
adapter = "bybit"
product = "linear"
environment = "live"
account = "BYBIT-001"

[live.venues.endpoints]
http = "{http}"
ws_public = "{ws}/ws/public/linear"
ws_private = "{ws}/ws/private"
ws_trade = "{ws}/ws/trade"

[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "BTCUSDT-LINEAR.BYBIT"
book = "L2"
model = "glft"
gamma = 0.001
order_size = "0.010"
intensity = {{ a_per_s = 1.0, k_per_price = 2.0 }}
volatility = {{ sample_interval_s = 0.1, warm_up_samples = 10 }}
limits = {{ max_position = "0.100" }}
guards = {{ stale_after_s = 0.5 }}
"""


def run_file(folder: Path, exchange: Exchange) -> Path:
    """Write the run file for an exchange."""
    path = folder / "loopback.toml"
    path.write_text(RUN_FILE.format(http=exchange.http, ws=exchange.ws, state=folder / "state"))
    return path


class LiveProcess:
    """``run_live.py`` as an operator starts it.

    Parameters
    ----------
    arguments : str
        Of the command line.
    output : Path
        Where run folders go.
    keys : bool
        Whether the environment has the keys.

    """

    def __init__(self, *arguments: str, output: Path, keys: bool = True) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BYBIT")}
        if keys:
            environment |= {"BYBIT_API_KEY": KEY, "BYBIT_API_SECRET": SECRET}
        command = [sys.executable, str(ROOT / "run_live.py"), *arguments, "--output", str(output)]
        self.output = output
        self._process = subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=output
        )
        self.held_up: list[tuple[float, dict[int, float]]] = []
        """For how many seconds its threads, by their ids, had waited for a processor by when, in seconds since 1970."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """Read every 0.2 s what the kernel knows of who wanted to run and could not."""
        while self._process.poll() is None:
            waited_s = {}
            for path in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
                with suppress(OSError):  # a thread that has just ended
                    waited_s[int(path.parent.name)] = int(path.read_text().split()[1]) * 1e-9
            self.held_up.append((time.time(), waited_s))
            time.sleep(0.2)

    def until(self, exchange: Exchange, holds: Callable[[dict[str, Any]], bool], timeout_s: float = 240.0) -> None:
        """Wait until something is true of the exchange; fail at once where the process has ended."""

        def seen(truth: dict[str, Any]) -> bool:
            if self._process.poll() is not None:
                raise AssertionError(f"the process ended with {self.ended()}")
            return holds(truth)

        exchange.until(seen, timeout_s)

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    def ask_to_stop(self, number: int = signal.SIGINT) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def kill(self) -> str:
        """End it as a power cut does; return what was printed since the last answer of this kind."""
        if self._process.stdout is None or self._process.stdout.closed:
            return ""
        self._process.kill()
        return self._process.communicate()[0]

    def ended(self, timeout_s: float = 180.0) -> tuple[int, str]:
        """Return the exit code and all that was printed; a process that does not end is killed."""
        try:
            printed, _ = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            printed, _ = self._process.communicate()
            raise AssertionError(f"still running after {timeout_s} s:\n{printed}") from None
        return self._process.returncode, printed

    @property
    def folder(self) -> Path:
        """Return the run folder."""
        (folder,) = (path for path in self.output.iterdir() if path.is_dir())
        return folder

    def result(self) -> dict[str, Any]:
        """Return what the run came to."""
        return json.loads((self.folder / "result.json").read_text())
