"""Tells somebody over HTTP without ever being waited for.

Notifications wait in a bounded queue for one background thread that posts them as JSON, tries a few times, and notes
what became of each. Whoever hands one over returns at once; whatever does not fit, or is not through when the time for
closing is up, has failed and is reported as such.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mm_nautilus.errors import ParameterError
from mm_nautilus.risk.settings import WebhookSettings

_WORTH_TRYING_AGAIN: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one notification."""

    key: int
    """As it was handed over."""
    failure: str
    """Why nobody was told, empty where somebody was."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET, and its token somewhere else."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Webhook:
    """Posts JSON in the background.

    Parameters
    ----------
    settings : WebhookSettings
        Where to, and how patiently.
    environment : mapping, optional
        Where secrets are looked up; the process's own by default.

    Raises
    ------
    ParameterError
        When an environment variable that the settings name is not set, or holds no address.

    """

    def __init__(self, settings: WebhookSettings, environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        self._settings = settings
        self._url = settings.url or _secret(environment, "url_env", settings.url_env)
        if not self._url.startswith(("http://", "https://")):
            raise ParameterError("risk.webhook.url_env", settings.url_env, "a variable with an http or https address")
        self._headers = {"Content-Type": "application/json", "User-Agent": "mm-nautilus"}
        if settings.token_env is not None:
            self._headers["Authorization"] = f"Bearer {_secret(environment, 'token_env', settings.token_env)}"
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._waiting: queue.Queue[tuple[int, bytes] | None] = queue.Queue(settings.queue_size)
        self._done: deque[Delivery] = deque()
        self._open: dict[int, None] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
        self._thread.start()

    def post(self, key: int, payload: Mapping[str, Any]) -> None:
        """Hand one notification over; returns at once.

        Parameters
        ----------
        key : int
            Names it in `deliveries`; each its own.
        payload : mapping
            JSON-able.

        """
        with self._lock:
            self._open[key] = None
        try:
            self._waiting.put_nowait((key, orjson.dumps(payload)))
        except queue.Full:
            self._note(key, f"{self._settings.queue_size} notifications are waiting already")

    def deliveries(self) -> list[Delivery]:
        """Return what has become known since the last call."""
        found = []
        while self._done:
            found.append(self._done.popleft())
        return found

    def close(self) -> list[Delivery]:
        """Wait at most `close_timeout_s` for what is under way; return what is left to report, in the order of keys."""
        deadline = time.monotonic() + self._settings.close_timeout_s
        while self._open and time.monotonic() < deadline and self._thread.is_alive():
            time.sleep(0.005)
        self._closing.set()
        with self._lock:
            late = list(self._open)
        for key in late:
            self._note(key, f"no answer when the run ended, {self._settings.close_timeout_s:g} s were waited")
        return sorted(self.deliveries(), key=lambda delivery: delivery.key)

    def _note(self, key: int, failure: str) -> None:
        with self._lock:
            if key in self._open:  # only the first word counts
                del self._open[key]
                self._done.append(Delivery(key, failure))

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                item = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            if item is not None:
                self._note(item[0], self._deliver(item[1]))

    def _deliver(self, body: bytes) -> str:
        """Return why it could not be delivered, empty where it was."""
        failure = ""
        for attempt in range(self._settings.attempts):
            if attempt and self._closing.wait(self._settings.backoff_s * 2 ** (attempt - 1)):
                return failure
            try:
                request = urllib.request.Request(self._url, body, self._headers, method="POST")
                with self._opener.open(request, timeout=self._settings.timeout_s):
                    return ""
            except urllib.error.HTTPError as error:
                failure = f"HTTP status {error.code}"
                error.close()
                if error.code < 500 and error.code not in _WORTH_TRYING_AGAIN:
                    return failure
            except Exception as error:  # whatever goes wrong, the thread goes on; the address may be a secret
                reason = getattr(error, "reason", error)
                failure = f"{type(reason).__name__}: {reason}".replace(self._url, "the address")
        return f"{failure} ({self._settings.attempts} attempts)"


def _secret(environment: Mapping[str, str], field: str, name: str | None) -> str:
    value = environment.get(name or "", "")
    if not value:
        raise ParameterError(f"risk.webhook.{field}", name, "the name of an environment variable that is set")
    return value
