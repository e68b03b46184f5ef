"""The monitor page served without a node, by the server's own application, and a browser that looks at it."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from mm_nautilus.live.beside.frames import Kind
from mm_nautilus.live.beside.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
ARTIFACTS = Path(os.environ.get("MM_NAUTILUS_ARTIFACTS") or Path(__file__).resolve().parents[2] / "artifacts")


class PageServer:
    """Serves the page on loopback from a thread; snapshots are whatever is pushed.

    Parameters
    ----------
    folder : Path
        For the server's log.

    """

    def __init__(self, folder: Path) -> None:
        self._hello = {
            "token": "", "loopback": True, "commands_per_minute": 60, "run": "made-up", "mode": "replay",
            "control": False, "push_ms": 500, "answer_within_s": 5.0,
            "log": {"folder": str(folder), "max_bytes": 100_000, "backups": 1},
        }  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: Server | None = None
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Serve, on the same port as before if there was one."""
        self._do(self._start())

    def stop(self) -> None:
        """Serve no more, and hang up on who is watching."""
        self._do(self._runner.cleanup())

    def push(self, snapshot: bytes) -> None:
        self._loop.call_soon_threadsafe(self._server.heard, Kind.SNAPSHOT, snapshot)

    @property
    def looked_at(self) -> set[str]:
        """Return the instruments that the node is asked to give the details of."""
        return set(self._server.hub.looked_at)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> None:
        self._server = Server(self._hello, lambda _data: None)
        self._runner = web.AppRunner(self._server.application(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]


@dataclass
class Looked:
    """A page in the browser, and everything that it said or asked for."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def text(self, selector: str = "body") -> str:
        return self.page.locator(selector).inner_text()

    def shoot(self, name: str) -> Path:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path


@contextmanager
def looking(playwright: Any, profile: Path, url: str, width: int = 1440, scheme: str = "light") -> Iterator[Looked]:
    """Open a page in a headless browser with a profile of its own."""
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, headless=True, args=QUIET, color_scheme=scheme,
        viewport={"width": width, "height": 900 if width > 700 else 844}, reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(120_000)
    looked = Looked(context.pages[0])
    looked.page.on("console", lambda message: looked.said.append(f"{message.type}: {message.text}"))
    looked.page.on("pageerror", lambda error: looked.said.append(f"error: {error}"))
    looked.page.on("request", lambda request: looked.asked.append((request.method, request.url)))
    try:
        looked.page.goto(url)
        yield looked
    finally:
        context.close()
