"""The server in its own process: what it serves, whom it lets in, and that the node never waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import orjson
import pytest

from mm_nautilus.live.beside import process as process_module
from mm_nautilus.live.beside.frames import Kind
from mm_nautilus.live.beside.process import ServerProcess, Told

TOKEN = "token-of-the-tests-0123"
KILLED_S = 30.0
"""When a server that does not end by itself is killed."""


class Node:
    """The node's side: looks every few milliseconds, as an operator's timer would, and answers commands."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.told: list[Told] = []
        self.commands: list[dict[str, Any]] = []
        self.answers = True
        hello = {
            "run": "test", "mode": "paper", "token": TOKEN, "control": True, "loopback": True,
            "commands_per_minute": 5, "answer_within_s": 60.0, "push_ms": 500,
            "log": {"folder": str(folder / "logs"), "max_bytes": 1_000_000, "backups": 2},
        }  # fmt: skip
        self.server = ServerProcess(self.listening, hello | changes)

    def __enter__(self) -> Self:
        self.server.start(time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close(KILLED_S)

    def look(self) -> None:
        told = self.server.look(time.monotonic())
        self.told.append(told)
        for command in told.commands:
            self.commands.append(command)
            if self.answers:
                self.server.answer({"request": command["request"], "status": 200, "outcome": "DONE"})

    def until(self, condition: Callable[[], bool], timeout_s: float = 240.0) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            self.look()
            time.sleep(0.01)

    def ask(self, path: str, **options: Any) -> tuple[int, bytes, dict[str, str]]:
        """Ask the server while the node goes on."""
        found: list[tuple[int, bytes, dict[str, str]]] = []
        asking = threading.Thread(target=lambda: found.append(request(self.url + path, **options)))
        asking.start()
        self.until(lambda: not asking.is_alive())
        return found[0]

    def ready(self) -> None:
        self.until(lambda: any(told.watched is not None for told in self.told))


def request(
    url: str, method: str = "GET", token: str = "", body: bytes | None = None, host: str = ""
) -> tuple[int, bytes, dict[str, str]]:
    headers = ({"Authorization": f"Bearer {token}"} if token else {}) | ({"Host": host} if host else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node(tmp_path) as running:
        running.ready()
        yield running


def test_it_serves_what_the_node_sends(node: Node) -> None:
    assert node.ask("/snapshot")[0] == 503
    assert node.ask("/status")[0] == 503
    node.server.offer(Kind.SNAPSHOT, b'{"sequence":1,"money":[{"currency":"USD","lines":{"fees":"-1"},"total":"2.5"}]}')
    counted = {"name": "mm_x", "type": "counter", "help": "X.", "labels": ["a"], "samples": [[['q"\n'], 3]]}
    timed = {"name": "mm_s", "type": "histogram", "help": "S.", "labels": [], "bounds": [0.1, 1.0]}
    measured = [counted, timed | {"samples": [[[], [[2, 1, 1], 7.5]]]}]
    node.server.offer(Kind.MEASURES, orjson.dumps(measured))
    node.until(lambda: node.ask("/snapshot")[0] == 200)
    status, body, headers = node.ask("/snapshot")
    assert (status, orjson.loads(body)["sequence"], headers["Cache-Control"]) == (200, 1, "no-store")
    assert orjson.loads(node.ask("/status")[1])["fresh"] is True
    text = node.ask("/metrics")[1].decode()
    assert 'mm_x_total{a="q\\"\\n"} 3.0' in text
    assert 'mm_s_bucket{le="0.1"} 2.0\nmm_s_bucket{le="1.0"} 3.0\nmm_s_bucket{le="+Inf"} 4.0\nmm_s_count 4.0' in text
    assert 'mm_profit{currency="USD"} 2.5' in text
    assert 'mm_profit_line{currency="USD",line="fees"} -1.0' in text


def test_the_page_is_plain_and_may_load_nothing_from_elsewhere(node: Node) -> None:
    status, body, headers = node.ask("/")
    assert status == 200
    assert b"<html" in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert node.ask("/nothing")[0] == 404
    assert node.ask("/../beside/server.py")[0] == 404
    assert node.ask("/%2e%2e/%2e%2e/beside/server.py")[0] == 404


def test_snapshots_are_pushed_and_who_is_slow_gets_the_latest(node: Node) -> None:
    with socket.create_connection(("127.0.0.1", int(node.url.rpartition(":")[2]))) as stream:
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stream.settimeout(0.01)
        heard = b""

        def listen(until: bytes) -> None:
            nonlocal heard

            def came() -> bool:
                nonlocal heard
                with contextlib.suppress(TimeoutError):
                    heard += stream.recv(65_536)
                return until in heard

            node.until(came)

        listen(b"text/event-stream")
        for number in (1, 2):
            node.server.offer(Kind.SNAPSHOT, b'{"number":%d}' % number)
            listen(b'data: {"number":%d}\n\n' % number)
        node.told.clear()
        node.until(lambda: any(told.watched for told in node.told))


def test_a_command_goes_to_the_node_and_its_answer_comes_back(node: Node) -> None:
    body = orjson.dumps({"id": "1", "reason": "why", "instrument_id": "X"})
    status, answer, _ = node.ask("/control/flatten", method="POST", token=TOKEN, body=body)
    assert (status, orjson.loads(answer)) == (200, {"outcome": "DONE"})
    (command,) = node.commands
    assert {"command": "flatten", "id": "1", "reason": "why", "remote": "127.0.0.1"}.items() <= command.items()


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
def test_a_wrong_token_is_refused_and_the_node_is_told(node: Node, token: str) -> None:
    status, body, headers = node.ask("/control/halt", method="POST", token=token, body=b"{}")
    assert status == 401
    assert TOKEN.encode() not in body
    assert headers["WWW-Authenticate"] == "Bearer"
    node.until(lambda: node.told[-1].refused == {"token": 1})
    assert node.told[-1].last_refused == "127.0.0.1"
    assert node.commands == []


def test_too_many_commands_are_refused_and_a_halt_is_not(node: Node) -> None:
    statuses = [node.ask("/control/status", method="POST", token=TOKEN, body=b"{}")[0] for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert node.ask("/control/halt", method="POST", token=TOKEN, body=b"{}")[0] == 200


def test_a_page_under_another_name_sees_nothing(node: Node) -> None:
    assert node.ask("/status", host="evil.example")[0] == 403
    assert node.ask("/control/halt", method="POST", token=TOKEN, body=b"{}", host="evil.example")[0] == 403


@pytest.mark.parametrize(("body", "status"), [(b"[]", 400), (b"{", 400), (b"x" * 20_000, 413)])
def test_what_is_no_command_is_refused(node: Node, body: bytes, status: int) -> None:
    assert node.ask("/control/halt", method="POST", token=TOKEN, body=body)[0] == status
    assert node.commands == []


def test_a_node_that_does_not_answer_is_not_waited_for_long(tmp_path: Path) -> None:
    with Node(tmp_path, answer_within_s=0.5) as node:
        node.ready()
        node.answers = False
        status, body, _ = node.ask("/control/halt", method="POST", token=TOKEN, body=b'{"id":"1"}')
    assert status == 504
    assert b"same id" in body


def test_control_that_is_off_takes_nothing(tmp_path: Path) -> None:
    with Node(tmp_path, control=False) as node:
        node.ready()
        assert node.ask("/control/halt", method="POST", token=TOKEN, body=b"{}")[0] == 403
        assert node.commands == []


def test_a_stuck_server_costs_the_node_nothing_and_is_replaced(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "SILENCE_S", 2.0)
    pid = node.server.pid
    os.kill(pid, signal.SIGSTOP)
    waited_s = 0.0

    def given_up() -> bool:
        nonlocal waited_s
        at = time.perf_counter()
        for _ in range(100):  # more than any pipe takes
            node.server.offer(Kind.SNAPSHOT, b"x" * 50_000)
        waited_s = max(waited_s, time.perf_counter() - at)
        return any(told.trouble for told in node.told)

    node.until(given_up)
    assert waited_s < 10.0, "a send that does not fit is dropped; nobody would ever take it"
    assert node.server.dropped > 50
    assert "has said nothing for" in node.told[-1].trouble
    node.until(lambda: node.server.starts == 2)
    node.told.clear()
    node.ready()
    assert node.server.pid != pid
    node.server.offer(Kind.SNAPSHOT, b"{}")
    node.until(lambda: node.ask("/snapshot")[0] == 200)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_killed_server_is_started_again_on_the_same_port(node: Node) -> None:
    os.kill(node.server.pid, signal.SIGKILL)
    node.until(lambda: any(told.trouble for told in node.told))
    status, _, _ = node.ask("/control/halt", method="POST", token=TOKEN, body=b'{"id":"1"}')
    assert status == 200, "who comes in between waits, and is not turned away"
    assert node.server.starts == 2


def test_each_failure_is_waited_for_longer(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "BACKOFF_S", (1.0, 5.0, 60.0))
    now_s = time.monotonic()
    for pause_s in (1.0, 5.0, 60.0, 60.0):
        pid, starts = node.server.pid, node.server.starts
        os.kill(pid, signal.SIGKILL)
        while not node.server.look(now_s).trouble:  # time stands still until the kill has arrived
            time.sleep(0.01)
        node.server.look(now_s + 0.99 * pause_s)
        assert node.server.starts == starts
        now_s += pause_s
        node.server.look(now_s)
        assert node.server.starts == starts + 1


def test_a_server_that_cannot_be_started_is_tried_again_later(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(process_module, "BACKOFF_S", (0.1, 0.1, 0.1))
    with monkeypatch.context() as broken:
        broken.setattr(process_module.subprocess, "Popen", fails)
        os.kill(node.server.pid, signal.SIGKILL)
        node.until(lambda: any("cannot be started" in told.trouble for told in node.told))
    node.told.clear()
    node.ready()
    assert node.ask("/nothing")[0] == 404


def test_who_is_watching_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        node.ready()
        stream = socket.create_connection(("127.0.0.1", int(node.url.rpartition(":")[2])))
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        node.until(lambda: bool(node.told[-1].watched))
        began = time.monotonic()
    assert time.monotonic() - began < KILLED_S, "it ended by itself"
    stream.close()


def test_it_ends_with_the_node(tmp_path: Path) -> None:
    with Node(tmp_path) as node:
        node.ready()
        pid = node.server.pid
        for number in (signal.SIGINT, signal.SIGTERM):  # those are for the node
            os.kill(pid, number)
        assert node.ask("/nothing")[0] == 404
        began = time.monotonic()
    assert time.monotonic() - began < KILLED_S, "it ended by itself"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_server_has_none_of_the_nodes_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYBIT_API_SECRET", "nobody-may-see-this")
    with Node(tmp_path) as node:
        node.ready()
        folder = Path(f"/proc/{node.server.pid}")
        if not folder.exists():
            pytest.skip("no /proc here")
        shown = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        assert b"nobody-may-see-this" not in shown
        assert TOKEN.encode() not in shown
