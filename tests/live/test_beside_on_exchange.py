"""A session on the exchange with everything on: commands reach the venue, alerts reach people, secrets reach nobody."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, KEY, SECRET, LiveProcess, run_file

from mm_nautilus.live.beside.client import Client

pytestmark = pytest.mark.e2e

TOKEN = "control-token-that-nobody-may-see"
PATH = "webhook-path-that-nobody-may-see"
HOOK_TOKEN = "webhook-token-that-nobody-may-see"


class Hook:
    """Somebody who is told of alerts."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.tokens: set[str | None] = set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.tokens.add(self.headers["Authorization"])
                hook.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/{PATH}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def texts(self) -> list[str]:
        return [one["text"] for one in self.told]


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with Exchange(seed=3, keys=(KEY, SECRET)) as running:
        yield running


@pytest.fixture
def redis() -> Iterator[int]:
    """Start a Redis of our own; return its port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        until(lambda: _listens(port))
        yield port
        process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], bool], timeout_s: float = 240.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def quoted(truth: dict[str, Any]) -> bool:
    return len(truth["open"]) == 2


def gone(truth: dict[str, Any]) -> bool:
    return truth["open"] == []


def test_commands_alerts_metrics_and_no_secret(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "runs"
    output.mkdir()
    with Hook() as hook:
        for name, value in {
            "MM_NAUTILUS_TOKEN": TOKEN, "ALERT_URL": hook.url, "ALERT_TOKEN": HOOK_TOKEN,
            "XDG_RUNTIME_DIR": str(tmp_path / "runtime"),
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        overrides = [
            "live.monitor.port=any", "live.monitor.control=true", "live.alerts.webhook_env=ALERT_URL",
            "live.alerts.token_env=ALERT_TOKEN", "live.log.level=DEBUG", "log.level=INFO",
        ]  # fmt: skip
        sets = [word for one in overrides for word in ("--set", one)]
        process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, *sets, output=output)
        printed = _session(process, exchange, hook)
    assert hook.tokens == {f"Bearer {HOOK_TOKEN}"}
    _no_secret(printed, tmp_path)
    live = process.result()["live"]
    assert (live["mode"], live["ended_by"], live["left_open"]) == ("real", "SIGINT", [])


def test_commands_reach_a_node_that_drives_itself(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis: int
) -> None:
    """With its cache in Redis the engine has a loop of its own: commands are polled there, and nothing else differs."""
    output = tmp_path / "runs"
    output.mkdir()
    monkeypatch.setenv("MM_NAUTILUS_TOKEN", TOKEN)
    overrides = ["live.monitor.port=any", "live.monitor.control=true", f"live.redis={{ port = {redis} }}"]
    sets = [word for one in overrides for word in ("--set", one)]
    process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, *sets, output=output)
    process.until(exchange, quoted)
    client = Client.of(process.folder)
    assert client.send("status")[1]["details"]["paused"] is False
    times = drill(process, exchange, client, "halt")
    process.ask_to_stop()
    code, printed = process.ended()
    assert code == 0, printed
    assert exchange.truth()["open"] == []
    controls = pq.read_table(process.folder / "log" / "controls.parquet")
    assert controls["command"].to_pylist() == ["status", *["halt", "resume"] * times]


def drill(process: LiveProcess, exchange: Exchange, client: Client, command: str) -> int:
    """Have the quotes taken back, within a second, and brought again; a machine held up by others has three tries.

    Returns how many it took.
    """
    took_s = []
    while not took_s or (took_s[-1] >= 1.0 and len(took_s) < 3):
        answer = client.send(command, reason="drill")[1]
        assert (answer["outcome"], answer["stage"]) == ("DONE", "HALT" if command == "halt" else "NORMAL")
        said = time.monotonic()
        exchange.until(gone)
        took_s.append(time.monotonic() - said)
        time.sleep(0.5)
        assert exchange.truth()["open"] == [], "and they do not come back by themselves"
        assert client.send("resume", reason="drill over")[1]["outcome"] == "DONE"
        process.until(exchange, quoted)
    assert took_s[-1] < 1.0, f"{command} reached the venue after {took_s} s"
    return len(took_s)


def _session(process: LiveProcess, exchange: Exchange, hook: Hook) -> str:
    process.until(exchange, quoted)
    client = Client.of(process.folder)

    def metric(line: str) -> bool:
        with urllib.request.urlopen(f"{client.address.url}/metrics", timeout=60) as response:
            return line in response.read().decode()

    until(lambda: metric('mm_venue_up{venue="BYBIT"} 1.0'))
    for command in ("halt", "pause"):
        drill(process, exchange, client, command)
    assert Client(client.address, "not-the-token-at-all").send("halt", reason="mischief")[0] == 401
    until(lambda: any("attempts refused: 1 by token" in text for text in hook.texts()))
    until(lambda: any("incident 1 RAISED" in text for text in hook.texts()))
    exchange.incident("disconnect_all", socket="all")
    until(lambda: any("BYBIT: connection lost" in text for text in hook.texts()))
    until(lambda: any("BYBIT: connected again" in text for text in hook.texts()))
    until(lambda: metric('mm_venue_up{venue="BYBIT"} 1.0'))
    process.until(exchange, quoted)
    until(lambda: metric('mm_order_round_trip_seconds_bucket{command="submit",le="+Inf"}'))
    process.ask_to_stop()
    code, printed = process.ended()
    assert code == 0, printed
    assert exchange.truth()["open"] == []
    return printed


def _no_secret(printed: str, folder: Path) -> None:
    """Look for every secret in all that was printed, logged, recorded and reported, at the most talkative level."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert any(file.name.startswith("node") for file in files), "the node's log is among them"
    assert any(file.name == "server.json" for file in files)
    assert any(file.name == "report.html" for file in files)
    texts = {"printed": printed.encode()} | {str(file): _read(file) for file in files}
    secrets = (KEY, SECRET, TOKEN, PATH, HOOK_TOKEN)
    assert [(place, one) for place, text in texts.items() for one in secrets if one.encode() in text] == []
    assert b"control: halt by" in b"".join(text for place, text in texts.items() if "node" in place)


def _read(file: Path) -> bytes:
    """Return what a file says; a table is compressed on the disk."""
    if file.suffix != ".parquet":
        return file.read_bytes()
    plain = pa.BufferOutputStream()
    pq.write_table(pq.read_table(file), plain, compression="none", use_dictionary=False)
    return plain.getvalue().to_pybytes()
