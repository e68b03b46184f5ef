"""A Redis server of one's own for a test, and a process that uses all of the budget it is allowed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUDGET = 100.0
LEASE_S, GONE_S, POLL_S, TIMEOUT_S = 0.8, 0.6, 0.1, 0.1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A redis-server that can be paused like a line that is cut."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        told = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": folder}
        arguments = [part for name, value in told.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen([shutil.which("redis-server"), *arguments], stdout=subprocess.DEVNULL)
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def wait(self) -> None:
        import redis

        with redis.Redis(port=self.port) as client:
            for _ in range(200):
                try:
                    client.ping()
                except redis.ConnectionError:
                    time.sleep(0.02)
                else:
                    return
        raise RuntimeError("redis-server does not answer")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def pause(self) -> None:
        self._process.send_signal(19)

    def go_on(self) -> None:
        self._process.send_signal(18)


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    one = Server(folder)
    try:
        one.wait()
        yield one
    finally:
        one.go_on()
        one.stop()


def settings(url: str, process: str, **fields: object) -> dict[str, object]:
    return {
        "url": url,
        "name": "test",
        "process": process,
        "poll_s": POLL_S,
        "timeout_s": TIMEOUT_S,
        "lease_s": LEASE_S,
        "quotes_gone_s": GONE_S,
    } | fields


def greedy(url: str, process: str, wanted: float) -> None:
    """Use as much as is allowed up to `wanted`, all of it in orders, and write it down every 10 ms."""
    from mm_nautilus.host.shared_budget import SharedBudget, SharedBudgetSettings

    budget = SharedBudget(SharedBudgetSettings.model_validate(settings(url, process)), BUDGET, "test")
    budget.start()
    while True:
        allowed = budget.allowed()
        # Its quotes follow at once: what it may no longer use is withdrawn within the same pass.
        used = min(wanted, allowed)
        print(f"{time.monotonic():.6f} {used:.9f} {allowed:.9f}", flush=True)
        budget.report(0.0, used)
        time.sleep(0.01)


if __name__ == "__main__":
    greedy(sys.argv[1], sys.argv[2], float(sys.argv[3]))
