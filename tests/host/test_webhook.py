"""Notifications go out in the background; whatever is wrong with the other side, nobody here waits."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from mm_nautilus.errors import ParameterError
from mm_nautilus.host.webhook import Webhook
from mm_nautilus.risk.settings import WebhookSettings


class Server(ThreadingHTTPServer):
    """Keeps what it was sent, and answers each request with the next of its statuses, after a while."""

    daemon_threads = True

    def __init__(self, statuses: list[int], delay_s: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses, self.delay_s = statuses, delay_s
        self.heard: list[tuple[dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?key=sesame"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heard.append((dict(self.headers), body))
        time.sleep(self.server.delay_s)
        statuses = self.server.statuses
        try:
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
        except OSError:
            pass  # whoever asked has gone

    def log_message(self, *_args: Any) -> None: ...


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server."""
    servers = []

    def started(*statuses: int, delay_s: float = 0.0) -> Server:
        server = Server(list(statuses), delay_s)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    yield started
    for server in servers:
        server.shutdown()
        server.server_close()


def hook(url: str, **changes: Any) -> Webhook:
    patient: dict[str, Any] = {"timeout_s": 30.0, "backoff_s": 0.01, "close_timeout_s": 60.0}
    return Webhook(WebhookSettings(url=url, **patient | changes))


def test_it_is_posted_as_json_with_the_token_from_the_environment(serve: Callable[..., Server]) -> None:
    server = serve(200)
    settings = WebhookSettings(url_env="HOOK", token_env="TOKEN")
    webhook = Webhook(settings, {"HOOK": server.url, "TOKEN": "secret"})
    webhook.post(1, {"reason": "drill"})
    (delivery,) = webhook.close()
    assert (delivery.key, delivery.failure) == (1, "")
    ((headers, body),) = server.heard
    assert body == {"reason": "drill"}
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == "application/json"


def test_a_server_that_recovers_is_told(serve: Callable[..., Server]) -> None:
    server = serve(500, 503, 200)
    webhook = hook(server.url)
    webhook.post(1, {})
    assert [delivery.failure for delivery in webhook.close()] == [""]
    assert len(server.heard) == 3


@pytest.mark.parametrize(
    ("statuses", "asked", "failure"),
    [
        ([500], 3, "HTTP status 500 (3 attempts)"),
        ([429], 3, "HTTP status 429 (3 attempts)"),
        ([404], 1, "HTTP status 404"),
        ([302], 1, "HTTP status 302"),
    ],
)
def test_a_server_that_refuses(serve: Callable[..., Server], statuses: list[int], asked: int, failure: str) -> None:
    server = serve(*statuses)
    webhook = hook(server.url)
    webhook.post(1, {})
    assert [delivery.failure for delivery in webhook.close()] == [failure]
    assert len(server.heard) == asked


def test_a_server_that_is_down_and_its_address_is_not_told() -> None:
    webhook = hook("http://127.0.0.1:9/hook?key=sesame", attempts=2)
    webhook.post(7, {})
    (delivery,) = webhook.close()
    assert "refused" in delivery.failure
    assert "sesame" not in delivery.failure


def test_a_slow_server_delays_nobody_and_closing_is_bounded(serve: Callable[..., Server]) -> None:
    server = serve(200, delay_s=30.0)
    webhook = hook(server.url, timeout_s=20.0, queue_size=2, close_timeout_s=0.3)
    started = time.monotonic()
    for number in range(10):
        webhook.post(number, {"n": number})
    assert time.monotonic() - started < 10.0
    full = webhook.deliveries()
    assert full
    assert all("2 notifications are waiting already" in delivery.failure for delivery in full)
    started = time.monotonic()
    late = webhook.close()
    assert time.monotonic() - started < 10.0
    assert sorted(delivery.key for delivery in full + late) == list(range(10))
    assert all("no answer when the run ended" in delivery.failure for delivery in late)


def test_a_slow_server_is_given_up_after_the_timeout(serve: Callable[..., Server]) -> None:
    webhook = hook(serve(200, delay_s=3.0).url, timeout_s=0.1, attempts=2)
    webhook.post(1, {})
    (delivery,) = webhook.close()
    assert "timed out" in delivery.failure
    assert "2 attempts" in delivery.failure


@pytest.mark.parametrize("field", ["url_env", "token_env"])
def test_a_variable_that_is_not_set_is_named(field: str) -> None:
    fields = {"url": "http://x"} if field == "token_env" else {}
    with pytest.raises(ParameterError, match=rf"risk\.webhook\.{field}.*'NOT_THERE'"):
        Webhook(WebhookSettings(**fields, **{field: "NOT_THERE"}), {})


def test_a_variable_without_an_address_is_named_without_its_value() -> None:
    with pytest.raises(ParameterError, match="http or https") as caught:
        Webhook(WebhookSettings(url_env="HOOK"), {"HOOK": "ftp://sesame"})
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("fields", [{}, {"url": "http://x", "url_env": "X"}, {"url": "file:///etc/passwd"}])
def test_one_http_address_is_stated(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings(**fields)
