"""The three sockets: public market data, private messages, commands."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import orjson
from aiohttp import WSMsgType, web
from bybit_exchange import rows
from bybit_exchange.diary import Diary
from bybit_exchange.entrance import Keys, welcome
from bybit_exchange.floor import Floor
from bybit_exchange.market_data import BookView, book_message
from bybit_exchange.venue import Answer, now_ms
from bybit_exchange.wires import Wire

SOCKETS = ("public", "private", "trade")
_OPERATIONS = {"order.create": "create", "order.cancel": "cancel", "order.amend": "amend"}


class Sockets:
    """Who is connected to what; hands every message of the venue to those who asked for it."""

    def __init__(self, keys: Keys | None, diary: Diary) -> None:
        self._keys = keys
        self._diary = diary
        self.open: dict[str, list[Wire]] = {name: [] for name in SOCKETS}
        self.views: dict[Wire, dict[str, BookView]] = {}
        self.shown_s: dict[str, float] = {}
        """When anybody was last shown the book of a contract, by symbol."""
        self.told: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        """When the account was told of an order, and as of which of the venue's milliseconds, by the order's id."""
        self._number = 0

    def publish(self, topic: str, data: list[dict[str, Any]]) -> None:
        """Tell a private message to everyone who listens."""
        self._number += 1
        for wire in self.open["private"]:
            if topic in wire.topics:
                message = {"topic": topic, "id": f"m-{self._number}", "creationTime": now_ms(), "data": data}
                wire.tell(message, *([partial(self._order_told, data)] if topic == "order" else []))

    def tell(self, orders: Iterable[dict[str, Any]]) -> None:
        """Remember that the account has been told of orders."""
        for order in orders:
            told, as_of_ms = self.told[order["orderId"]], int(order["updatedTime"])
            if not told or told[-1][1] < as_of_ms:
                self._diary.note(f"told: {order['orderStatus']} at {order['price']}", order["orderLinkId"])
            told.append((time.monotonic(), as_of_ms))

    def _order_told(self, orders: list[dict[str, Any]], left: bool) -> None:
        if left:
            self.tell(orders)
        else:
            self._diary.note("a private message is lost", *(order["orderLinkId"] for order in orders))

    def _answered(self, op: str, links: list[str], left: bool) -> None:
        self._diary.note(f"{op} answered" if left else f"the answer to {op} is lost", *links)

    async def drop(self, name: str) -> None:
        """Close a kind of connection, or ``all``."""
        for kind in SOCKETS if name == "all" else (name,):
            for wire in list(self.open[kind]):
                await wire.close()

    async def serve(
        self, name: str, floor: Floor, request: web.Request, answer: Callable[[Wire, dict[str, Any]], None]
    ) -> web.StreamResponse:
        """Keep one connection until it closes."""
        faults = floor.faults
        if faults.down or {"public": faults.refuse_public, "trade": faults.refuse_trade}.get(name, False):
            self._diary.note(f"{name} socket refused")
            return web.Response(status=503, text="maintenance")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        wire = Wire(socket, floor.faults, floor.first.draw)
        self.open[name].append(wire)
        self.views[wire] = {}
        self._diary.note(f"{name} socket opened")
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    answer(wire, orjson.loads(message.data))
        finally:
            self._diary.note(f"{name} socket closed")
            self.open[name].remove(wire)
            del self.views[wire]
            await wire.close()
        return socket

    def begin_watching(self, floor: Floor) -> None:
        """Begin to look whether anybody is there."""
        self._watching = asyncio.create_task(self._watch(floor))

    async def _watch(self, floor: Floor) -> None:
        """Cancel all orders once nobody who subscribed to ``dcp`` has been heard of for the time asked for."""
        heard_s: float | None = None
        while True:
            await asyncio.sleep(0.1)
            alive = [wire.heard_s for wire in self.open["private"] if "dcp" in wire.topics]
            heard_s = max([*alive, heard_s or 0.0]) if alive else heard_s
            if heard_s is not None and floor.dead_man_s and time.monotonic() - heard_s > floor.dead_man_s:
                floor.nobody_is_there()
                heard_s = None

    # ----------------------------------------------------------------- kinds

    def public(self, floor: Floor) -> Callable[[Wire, dict[str, Any]], None]:
        """Return what answers on the public socket."""

        def answer(wire: Wire, message: dict[str, Any]) -> None:
            op, number = message.get("op"), message.get("req_id", "")
            reply = {"success": True, "ret_msg": "", "conn_id": "c", "req_id": number, "op": op}
            wire.send(reply | ({"ret_msg": "pong"} if op == "ping" else {}))
            for topic in message.get("args", []) if op == "subscribe" else []:
                wire.topics.add(topic)
                kind, _, rest = topic.partition(".")
                venue = floor.of(topic.rpartition(".")[2])
                if venue is None:
                    continue
                if kind == "orderbook":
                    view = self.views[wire][topic] = BookView(int(rest.partition(".")[0]))
                    wire.send(book_message(topic, venue, view, snapshot=True))
                    self.shown_s[venue.contract.symbol] = time.monotonic()
                elif kind == "tickers":
                    wire.send({"topic": topic, "type": "snapshot", "data": rows.ticker(venue), "cs": 1, "ts": now_ms()})
            if op == "unsubscribe":
                for topic in message.get("args", []):
                    wire.topics.discard(topic)
                    self.views[wire].pop(topic, None)

        return answer

    def private(self, _floor: Floor) -> Callable[[Wire, dict[str, Any]], None]:
        """Return what answers on the private socket."""

        def answer(wire: Wire, message: dict[str, Any]) -> None:
            op, number = message.get("op"), message.get("req_id", "")
            if op == "ping":
                wire.heard_s = time.monotonic()
                wire.send({"req_id": number, "op": "pong", "args": [str(now_ms())], "conn_id": "c"})
                return
            if op == "auth" and not welcome(self._keys, message["args"]):
                wire.send({"success": False, "ret_msg": "Params Error", "op": op, "conn_id": "c", "req_id": number})
                return
            if op == "subscribe":
                wire.topics |= {topic.partition(".")[0] for topic in message["args"]}
            wire.send({"success": True, "ret_msg": "", "op": op, "conn_id": "c", "req_id": number})

        return answer

    def trade(self, floor: Floor) -> Callable[[Wire, dict[str, Any]], None]:
        """Return what answers on the command socket."""

        def answer(wire: Wire, message: dict[str, Any]) -> None:
            op, number = str(message.get("op")), message.get("reqId", "")
            if op == "auth" and not welcome(self._keys, message["args"]):
                refused = {"retCode": 10004, "retMsg": "Params Error", "op": op, "connId": "c", "conn_id": "c"}
                wire.send(refused | {"reqId": number})
                return
            if op in {"ping", "auth"}:
                said = {"op": "pong", "data": [str(now_ms())]} if op == "ping" else {"op": "auth", "success": True}
                wire.send({"retCode": 0, "retMsg": "OK", "connId": "c", "conn_id": "c", "reqId": number} | said)
                return
            fields = message["args"][0]
            answered = _carried_out(floor, op, fields) | {"reqId": number, "op": op, "connId": "c"}
            wire.acknowledge(answered, partial(self._answered, op, [floor.link(one) for one in _commands(op, fields)]))

        return answer


def _commands(op: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = fields["request"] if op.endswith("-batch") else [fields]
    return found


def _carried_out(floor: Floor, op: str, fields: dict[str, Any]) -> dict[str, Any]:
    name = _OPERATIONS[op.replace("-batch", "")]
    stamp = str(now_ms())
    header = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "9", "X-Bapi-Limit-Reset-Timestamp": stamp}
    header |= {"Traceid": "t", "Timenow": stamp}
    if not op.endswith("-batch"):
        done = floor.command(name, fields)
        data = ids(done)
        return {"retCode": done.code, "retMsg": done.text, "data": data, "retExtInfo": {}, "header": header}
    commands = _commands(op, fields)
    answers = [floor.command(name, one) for one in commands]
    listed = [
        ids(done) | {"category": "linear", "symbol": one["symbol"], "createAt": stamp}
        for done, one in zip(answers, commands, strict=True)
    ]
    outcome = {"list": [{"code": done.code, "msg": done.text} for done in answers]}
    return {"retCode": 0, "retMsg": "OK", "data": {"list": listed}, "retExtInfo": outcome, "header": header}


def ids(answer: Answer) -> dict[str, str]:
    """Return the two ids of the order an answer is about."""
    order = answer.order
    return {} if order is None else {"orderId": order.order_id, "orderLinkId": order.link}
