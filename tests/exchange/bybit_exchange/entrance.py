"""Who may come in: the right key, the right signature, and a clock that is not off."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from bybit_exchange.floor import Floor
from bybit_exchange.venue import now_ms

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
EARLY_MS = 1_000
"""A command of the future is refused from here on, one of the past from its receive window on."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a client has to show."""

    key: str
    secret: str

    def signed(self, text: str) -> str:
        """Return the signature of a text."""
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def welcome(keys: Keys | None, args: Sequence[Any]) -> bool:
    """Return whether a socket's ``[key, expires, signature]`` are right."""
    if keys is None:
        return True
    key, expires, signature = args
    return bool(key == keys.key and signature == keys.signed(f"GET/realtime{expires}"))


def only_ours(floor: Floor, keys: Keys | None) -> Any:
    """Return what refuses signed requests that are not the account's, or of another time."""

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        stamp = request.headers.get("X-BAPI-TIMESTAMP")
        if stamp is None:
            return await handler(request)
        key, window = request.headers["X-BAPI-API-KEY"], request.headers.get("X-BAPI-RECV-WINDOW", "5000")
        if keys is not None:
            if key != keys.key:
                return _refused(10003, "API key is invalid.")
            said = await request.text() if request.method == "POST" else request.rel_url.raw_query_string
            if request.headers["X-BAPI-SIGN"] != keys.signed(f"{stamp}{key}{window}{said}"):
                return _refused(10004, "error sign! please check your signature generation algorithm.")
        age_ms = now_ms() + floor.faults.clock_ahead_ms - int(stamp)
        if not -EARLY_MS < age_ms <= int(window):
            return _refused(10002, "invalid request, please check your server timestamp or recv_window param.")
        return await handler(request)

    return checked


def _refused(code: int, text: str) -> web.Response:
    return web.json_response({"retCode": code, "retMsg": text, "result": {}, "retExtInfo": {}, "time": now_ms()})
