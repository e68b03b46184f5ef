"""The web server beside a node, in a process of its own: page, snapshot, events, metrics and control.

It knows what the node tells it over the pipe and nothing else, and it ends when the pipe does.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import signal
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web

from mm_nautilus.live.beside.access import Access
from mm_nautilus.live.beside.exposition import exposed
from mm_nautilus.live.beside.frames import LARGEST, Frames, Kind, framed
from mm_nautilus.live.beside.hub import Hub
from mm_nautilus.live.beside.logs import json_log

_PAGE: Final = Path(__file__).resolve().parents[1] / "monitor" / "page"
_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_COMMENT_S: Final = 10.0
"""A silent event stream gets a comment this often, so that nobody on the way closes it."""
_MOST_WATCHERS: Final = 64
_MOST_LOOKED_AT: Final = 8
"""Instruments whose details are asked for at once."""
_LONGEST_NAME: Final = 200
_MOST_WORDS: Final = 10_000
"""Bytes of a command at most."""

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Server:
    """What the handlers share.

    Parameters
    ----------
    hello : dict
        What the node said first.
    send : callable
        Writes bytes into the pipe.

    """

    hello: dict[str, Any]
    send: Callable[[bytes], None]
    hub: Hub = field(default_factory=Hub)
    access: Access = field(init=False)
    log: logging.Logger = field(init=False)
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _requests: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        hello = self.hello
        self.access = Access(hello["token"], hello["loopback"], hello["commands_per_minute"])
        self.log = json_log("server", hello["log"])

    # ------------------------------------------------------------------ pipe

    def heard(self, kind: Kind, payload: bytes) -> None:
        """Take a frame of the node's."""
        if kind is Kind.SNAPSHOT:
            self.hub.put(payload)
        elif kind is Kind.MEASURES:
            self.hub.measures = payload
        elif kind is Kind.ANSWER:
            answer = orjson.loads(payload)
            waiting = self._waiting.get(answer.pop("request"))
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    def alive(self) -> None:
        """Tell the node that the server works, and whom it refused."""
        access = self.access
        words = {"watched": self.hub.watched, "refused": access.refused, "last_refused": access.last_refused}
        words["looked_at"] = [name for name, _ in self.hub.looked_at.most_common(_MOST_LOOKED_AT)]
        self.send(framed(Kind.ALIVE, orjson.dumps(words)))

    # -------------------------------------------------------------- requests

    def application(self) -> web.Application:
        """Return what answers requests."""
        app = web.Application(middlewares=[self._guarded], client_max_size=_MOST_WORDS)
        page = [web.get(f"/{file.name}", _file(file)) for file in sorted(_PAGE.glob("*.*")) if file.suffix in _TYPES]
        index = _PAGE / "index.html"
        app.add_routes(
            [
                *([web.get("/", _file(index))] if index.is_file() else []),
                *page,
                web.get("/snapshot", self._snapshot),
                web.get("/events", self._events),
                web.get("/metrics", self._metrics),
                web.get("/status", self._status),
                web.post("/control/{command}", self._control),
            ]
        )
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who may, and say nothing of what is here to anybody else."""
        remote, now_s = request.remote or "", time.monotonic()
        commands = request.path.startswith("/control/")
        verdict = (
            self.access.to_command(request.path.rpartition("/")[2], request.headers, remote, now_s)
            if commands
            else self.access.to_look(request.headers, remote, now_s)
        )
        if verdict.status != 200:
            self.log.warning("refused", extra={"remote": remote, "path": request.path, "why": verdict.why})
            response: web.StreamResponse = web.json_response({"error": _REFUSALS[verdict.why]}, status=verdict.status)
            if verdict.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer" if commands else 'Basic realm="mm-nautilus"'
        else:
            try:
                response = await handler(request)
            except web.HTTPException as refusal:
                response = web.json_response({"error": refusal.reason}, status=refusal.status)
            except ConnectionResetError:
                raise
            except Exception:
                self.log.exception("failed", extra={"path": request.path})
                response = web.json_response({"error": "the server failed; see its log"}, status=500)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def _snapshot(self, _request: web.Request) -> web.Response:
        self.hub.asked()
        if self.hub.number == 0:
            return web.json_response({"error": "the node has sent nothing yet"}, status=503)
        return web.Response(body=self.hub.snapshot, content_type="application/json")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Push every snapshot as it comes; who is slow gets the latest."""
        hub = self.hub
        if hub.watchers >= _MOST_WATCHERS:
            return web.json_response({"error": f"{_MOST_WATCHERS} are watching already"}, status=503)
        response = web.StreamResponse(headers=_HEADERS | {"Content-Type": "text/event-stream"})
        looked_at = request.query.get("instrument", "")[:_LONGEST_NAME]
        hub.watchers += 1
        hub.looked_at[looked_at] += 1
        try:
            await response.prepare(request)
            number = 0
            while True:
                latest = await hub.after(number, _COMMENT_S)
                if latest == number:
                    await response.write(b": still here\n\n")
                else:
                    number = latest
                    await response.write(b"id: %d\ndata: %b\n\n" % (number, hub.snapshot))
        except ConnectionResetError:
            return response
        finally:
            hub.watchers -= 1
            hub.looked_at -= Counter([looked_at])
            hub.asked()

    async def _metrics(self, _request: web.Request) -> web.Response:
        self.hub.asked()
        text = exposed(self.hub.measures, self.hub.snapshot)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _status(self, _request: web.Request) -> web.Response:
        """Say what is served, and whether the node still sends: enough for a probe, and nothing of the trading."""
        hub, hello = self.hub, self.hello
        age_s = hub.age_s
        late_s = max(5.0, 5.0 * hello["push_ms"] / 1000.0)
        fresh = age_s is not None and age_s < late_s
        words = {
            "run": hello["run"],
            "mode": hello["mode"],
            "control": hello["control"],
            "watchers": hub.watchers,
            "snapshots": hub.number,
            "snapshot_age_s": age_s,
            "fresh": fresh,
        }
        return web.json_response(words, status=200 if fresh else 503)

    async def _control(self, request: web.Request) -> web.Response:
        """Hand a command to the node and wait for what it says."""
        if not self.hello["control"]:
            return web.json_response({"error": "control is off; state live.monitor.control = true"}, status=403)
        try:
            words = orjson.loads(await request.read() or b"{}")
            said = {str(name): str(value) for name, value in words.items()}
        except (orjson.JSONDecodeError, AttributeError):
            return web.json_response({"error": "the body should be a JSON object"}, status=400)
        number, remote = next(self._requests), request.remote or ""
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        command = said | {"command": request.match_info["command"], "remote": remote}
        self.log.info("command", extra={"remote": remote, "command": command["command"], "id": said.get("id", "")})
        try:
            self.send(framed(Kind.COMMAND, orjson.dumps(command | {"request": number})))
            answer = await asyncio.wait_for(waiting, self.hello["answer_within_s"])
        except TimeoutError:
            words = f"no answer within {self.hello['answer_within_s']:g} s; ask again with the same id"
            return web.json_response({"error": words}, status=504)
        finally:
            del self._waiting[number]
        return web.json_response(answer, status=answer.pop("status"))


_REFUSALS: Final = {
    "token": "the token is missing or wrong",
    "rate": "too many commands in a minute; only what reduces risk is taken now",
    "host": "this server answers to the names of this machine alone",
}


def _file(path: Path) -> Callable[[web.Request], Awaitable[web.Response]]:
    body, kind = path.read_bytes(), _TYPES[path.suffix]

    async def served(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8" if kind.startswith("text") else None)

    return served


async def serve(pipe: socket.socket, listening: socket.socket) -> None:
    """Serve until the node lets go of the pipe."""
    reader, writer = await asyncio.open_connection(sock=pipe, limit=LARGEST)
    frames, server, runner = Frames(), None, None
    try:
        while data := await reader.read(65_536):
            for kind, payload in frames.feed(data):
                if kind is Kind.HELLO:
                    server = Server(orjson.loads(payload), writer.write)
                    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.5)
                    await runner.setup()
                    await web.SockSite(runner, listening).start()
                    beating = asyncio.create_task(_beat(server))
                elif server is not None:
                    server.heard(kind, payload)
    except ConnectionResetError:
        pass
    finally:
        if runner is not None:
            beating.cancel()
            await runner.cleanup()
        writer.close()


async def _beat(server: Server) -> None:
    while True:
        server.alive()
        await asyncio.sleep(1.0)


def main(pipe: int, listening: int) -> None:
    """Serve on two sockets that were handed over by their numbers."""
    # The node decides when this ends: it may still have something to show while it withdraws its quotes.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(serve(socket.socket(fileno=pipe), socket.socket(fileno=listening)))
