"""A dead-man switch: the venue cancels our orders when it has not heard of us for a while.

None of the engine's adapters sets one up, so this is a small client of its own. Bybit's disconnection protection
watches private connections that have subscribed to ``dcp``: when none of them is alive for the time that the account
has set, it cancels the product's orders, whoever sent them. Our connection is fed by a timer of the node: a node that
hangs is as dead as one that was killed. Bybit turns the protection on for an account on request.

The connection lives on a thread of its own that touches nothing of the engine.

Source: https://bybit-exchange.github.io/docs/v5/order/dcp and .../v5/websocket/private/dcp
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Self

import aiohttp
import orjson
from nautilus_trader.common import TimeEvent
from nautilus_trader.live import LiveNode

from mm_nautilus.errors import UserError
from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.live.credentials import Credentials, wanted
from mm_nautilus.live.settings import LiveRun
from mm_nautilus.live_settings.venues import BybitSection
from mm_nautilus.messages import TOPIC_ALERT, AlertFact

_HOSTS: Final = {
    "live": ("api", "stream"),
    "testnet": ("api-testnet", "stream-testnet"),
    "demo": ("api-demo", "stream-demo"),
}
_BEAT_S: Final = 0.5
_STALE_S: Final = 2.0
"""A node that has not beaten for this long is not spoken for any more."""
_PING_S: Final = 1.0
_ANSWER_S: Final = 10.0
_AGAIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class BybitSwitch:
    """What Bybit is told."""

    http: str
    ws: str
    product: str
    topic: str
    window_s: int

    @classmethod
    def of(cls, section: BybitSection) -> Self | None:
        """Return the switch of a venue section, ``None`` where it wants none."""
        if section.dead_man_s is None:
            return None
        api, stream = _HOSTS[section.environment]
        spot = section.product == "spot"
        return cls(
            section.endpoints.http or f"https://{api}.bybit.com",
            section.endpoints.ws_private or f"wss://{stream}.bybit.com/v5/private",
            "SPOT" if spot else "DERIVATIVES",
            "dcp.spot" if spot else "dcp.future",
            section.dead_man_s,
        )


@contextmanager
def dead_men(run: LiveRun, node: LiveNode) -> Iterator[None]:
    """Keep the switches of a run's venues while its node runs; raises as `DeadMan` does."""
    with ExitStack() as kept:
        for section in run.live.venues:
            switch = BybitSwitch.of(section) if isinstance(section, BybitSection) else None
            if switch is not None:
                keys, _ = wanted(section).read()
                dead_man = kept.enter_context(DeadMan(switch, keys))
                node.add_actor(Pulse(PulseConfig(dead_man, f"Pulse-{section.venue}")))
        yield


class DeadMan:
    """Keeps one switch open while the node beats; used as a context manager around its run.

    Parameters
    ----------
    switch : BybitSwitch
        Where and for how long.
    keys : Credentials
        Of the account.

    """

    def __init__(self, switch: BybitSwitch, keys: Credentials) -> None:
        self._switch = switch
        self._keys = keys
        self._beat_s = time.monotonic()
        self._over = threading.Event()
        self._ready = threading.Event()
        self._refused: str | None = None
        self.trouble = ""
        """Why the venue does not hear of us at present; empty where it does."""
        self._thread = threading.Thread(target=self._run, name="dead-man", daemon=True)

    def __enter__(self) -> Self:
        """Set the window and connect.

        Raises
        ------
        UserError
            Where the venue refuses, or does not answer.

        """
        self._thread.start()
        if not self._ready.wait(2 * _ANSWER_S):
            self._refused = self.trouble or "no answer"
        if self._refused is not None:
            self._over.set()
            raise UserError(f"live.venues: dead_man_s: Bybit does not take it: {self._refused}")
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join(_ANSWER_S)

    def beat(self) -> None:
        """Say that the node is alive."""
        self._beat_s = time.monotonic()

    # ------------------------------------------------------------- its thread

    def _run(self) -> None:
        asyncio.run(self._keep())

    async def _keep(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                await self._set_window(session)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                self._refused = str(error) or type(error).__name__
                self._ready.set()
                return
            while not self._over.is_set():
                with suppress(aiohttp.ClientError, TimeoutError, ConnectionError, ValueError):
                    await self._hold(session)
                if not self._over.is_set():
                    self.trouble = self.trouble or "the connection was lost"
                    await asyncio.sleep(_AGAIN_S)

    async def _set_window(self, session: aiohttp.ClientSession) -> None:
        body = orjson.dumps({"product": self._switch.product, "timeWindow": self._switch.window_s}).decode()
        stamp, window = str(time.time_ns() // 1_000_000), "5000"
        headers = {
            "X-BAPI-API-KEY": self._keys["key"],
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": self._signed(f"{stamp}{self._keys['key']}{window}{body}"),
            "Content-Type": "application/json",
        }
        url = f"{self._switch.http}/v5/order/disconnected-cancel-all"
        async with session.post(url, data=body, headers=headers) as answer:
            said = orjson.loads(await answer.read())
        if said.get("retCode") != 0:
            raise ValueError(f"{said.get('retCode')}: {said.get('retMsg')}")

    async def _hold(self, session: aiohttp.ClientSession) -> None:
        """Hold one connection as long as the node beats."""
        if self._stale():
            return
        async with session.ws_connect(self._switch.ws) as socket:
            expires = time.time_ns() // 1_000_000 + 10_000
            sign = self._signed(f"GET/realtime{expires}")
            await self._ask(socket, {"op": "auth", "args": [self._keys["key"], expires, sign]})
            await self._ask(socket, {"op": "subscribe", "args": [self._switch.topic]})
            self.trouble = ""
            self._ready.set()
            while not self._over.is_set() and not self._stale():
                await self._ask(socket, {"op": "ping"})
                await asyncio.sleep(_PING_S)

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        """Send a message and wait for its answer; what else is said on the connection is not ours."""
        await socket.send_str(orjson.dumps(message).decode())
        wanted = {"ping": {"ping", "pong"}}.get(message["op"], {message["op"]})
        async with asyncio.timeout(_ANSWER_S):
            while True:
                answer = await socket.receive()
                if answer.type is not aiohttp.WSMsgType.TEXT:
                    raise ConnectionError("closed")
                said = orjson.loads(answer.data)
                if said.get("op") in wanted:
                    break
        if said.get("success") is False:
            self.trouble = f"{message['op']}: {said.get('ret_msg')}"
            raise ConnectionError(self.trouble)

    def _stale(self) -> bool:
        stale = self._ready.is_set() and time.monotonic() - self._beat_s > _STALE_S
        if stale:
            self.trouble = "the node does not beat"
        return stale

    def _signed(self, text: str) -> str:
        return hmac.new(self._keys["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class PulseConfig:
    """Whom to tell that the node is alive."""

    switch: DeadMan
    actor_id: str = "Pulse-001"


class Pulse(GuardedActor):
    """Beats on a timer of the node, and passes on what troubles the switch.

    Parameters
    ----------
    config : PulseConfig
        Whom to tell.

    """

    def __init__(self, config: PulseConfig) -> None:
        super().__init__(config)
        self._switch = config.switch
        self._said = ""

    def on_start(self) -> None:
        """Beat from now on."""
        self._switch.beat()
        on_beat: Callable[[TimeEvent], None] = self._on_beat
        self.clock.set_timer_ns("92_pulse", int(_BEAT_S * 1e9), callback=self.guard(on_beat))

    def _on_beat(self, event: TimeEvent) -> None:
        self._switch.beat()
        trouble = self._switch.trouble
        if trouble != self._said:
            self._said = trouble
            text = f"dead-man switch: {trouble}" if trouble else "dead-man switch: set again"
            self.log.warning(text)
            self.publish_message(TOPIC_ALERT, AlertFact(event.ts_event, "", "", "dead_man", text))
