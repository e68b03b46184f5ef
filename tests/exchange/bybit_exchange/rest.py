"""The requests the exchange answers over HTTP."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from bybit_exchange import rows
from bybit_exchange.floor import Floor
from bybit_exchange.matching import Order
from bybit_exchange.sockets import ids
from bybit_exchange.venue import Answer, now_ms

from mm_nautilus.market import Side

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def reply(result: dict[str, Any], code: int = 0, text: str = "OK") -> web.Response:
    """Return an answer in the exchange's envelope."""
    return web.json_response({"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": now_ms()})


def maintenance(floor: Floor) -> Any:
    """Return what turns requests away while the exchange is down."""

    @web.middleware
    async def turn_away(request: web.Request, handler: Handler) -> web.StreamResponse:
        if floor.faults.down and request.path.startswith("/v5"):
            if request.method == "POST":
                floor.first.diary.note(f"{request.path} turned away")
            return web.Response(status=503, text="maintenance")
        return await handler(request)

    return turn_away


def routes(floor: Floor, told: Callable[[list[dict[str, Any]]], None]) -> list[web.RouteDef]:
    """Return every route of the protocol that a trading client uses."""

    def listed(request: web.Request, found: list[dict[str, Any]]) -> web.Response:
        category = request.query.get("category", "linear")
        found = found if category == "linear" and request.query.get("settleCoin", "USDT") == "USDT" else []
        return reply({"category": category, "list": found, "nextPageCursor": ""})

    def orders(request: web.Request, wanted: Callable[[Order], bool]) -> web.Response:
        if request.query.get("orderFilter", "Order") != "Order":
            return listed(request, [])
        order_id, link = request.query.get("orderId"), request.query.get("orderLinkId")
        found = [
            rows.order(venue, order)
            for venue in floor.named(request.query.get("symbol"))
            for order in venue.orders.values()
            if (order.order_id == order_id or order.link == link if order_id or link else wanted(order))
        ]
        told(found)
        return listed(request, found)

    async def server_time(_request: web.Request) -> web.Response:
        ahead_ns = round(floor.faults.clock_ahead_ms * 1e6)
        return reply({"timeSecond": str(now_ms() // 1000), "timeNano": str(time.time_ns() + ahead_ns)})

    async def instruments(request: web.Request) -> web.Response:
        return listed(request, [rows.instrument(venue) for venue in floor])

    async def fee_rate(request: web.Request) -> web.Response:
        contracts = [venue.contract for venue in floor.named(request.query.get("symbol"))]
        found = [
            {"symbol": one.symbol, "takerFeeRate": str(one.taker_rate), "makerFeeRate": str(one.maker_rate)}
            for one in contracts
        ]
        return reply({"list": [rates | {"baseCoin": ""} for rates in found]})

    async def account_info(_request: web.Request) -> web.Response:
        account = {"marginMode": "REGULAR_MARGIN", "updatedTime": str(now_ms()), "unifiedMarginStatus": 4}
        account |= {"dcpStatus": "OFF", "timeWindow": 10, "smpGroup": 0, "isMasterTrader": False}
        return reply(account | {"spotHedgingStatus": "OFF"})

    async def api_key(_request: web.Request) -> web.Response:
        numbers = {"readOnly": 0, "type": 1, "deadlineDay": 90, "uta": 1, "userID": 1, "inviterID": 0}
        numbers |= {"affiliateID": 0}
        words = {"id": "1", "note": "", "apiKey": "k", "secret": "", "vipLevel": "No VIP", "mktMakerLevel": "0"}
        words |= {"rsaPublicKey": "", "parentUid": "0", "kycLevel": "", "kycRegion": ""}
        return reply({**numbers, **words, "permissions": {}, "ips": ["*"], "isMaster": True})

    async def wallet(_request: web.Request) -> web.Response:
        return reply({"list": [rows.wallet(floor.first)]})

    async def open_orders(request: web.Request) -> web.Response:
        return orders(request, lambda order: order.is_open)

    async def order_history(request: web.Request) -> web.Response:
        return orders(request, lambda order: not order.is_open)

    async def executions(request: web.Request) -> web.Response:
        order_id, since = request.query.get("orderId"), int(request.query.get("startTime", 0))
        found = [
            rows.execution(venue, one)
            for venue in floor.named(request.query.get("symbol"))
            for one in venue.ledger.executions
            if one.time_ms >= since and (not order_id or one.order.order_id == order_id)
        ]
        return listed(request, found)

    async def positions(request: web.Request) -> web.Response:
        venues = floor.named(request.query.get("symbol"))
        return listed(request, [rows.position(venue) for venue in venues if venue.ledger.position])

    async def tickers(request: web.Request) -> web.Response:
        return listed(request, [rows.ticker(venue) for venue in floor.named(request.query.get("symbol"))])

    async def funding(request: web.Request) -> web.Response:
        stamp = str(now_ms() // 28_800_000 * 28_800_000)
        symbol = request.query.get("symbol") or floor.first.contract.symbol
        entry = {"symbol": symbol, "fundingRate": "0.0001", "fundingRateTimestamp": stamp}
        return listed(request, [entry])

    async def book(request: web.Request) -> web.Response:
        depth, sides = int(request.query.get("limit", 25)), {}
        venue = floor.of(request.query.get("symbol")) or floor.first
        for side, name in ((Side.BUY, "b"), (Side.SELL, "a")):
            levels = venue.matcher.levels(side)
            best = sorted(levels, key=lambda price, side=side: -price * side)[:depth]
            sides[name] = [[str(venue.contract.price(p)), str(venue.contract.size(levels[p]))] for p in best]
        return reply({"s": venue.contract.symbol, **sides, "ts": now_ms(), "u": 1, "seq": 1, "cts": now_ms()})

    def command(name: str) -> Handler:
        async def carry_out(request: web.Request) -> web.Response:
            done: Answer = floor.command(name, await request.json())
            return reply(ids(done), done.code, done.text)

        return carry_out

    async def cancel_all(request: web.Request) -> web.Response:
        fields = await request.json()
        floor.first.diary.note("asked to cancel everything")
        answers = [
            venue.command("cancel", {"orderId": order.order_id})
            for venue in floor.named(fields.get("symbol"))
            for order in venue.open_orders
        ]
        return reply({"list": [ids(done) for done in answers if done.code == 0], "success": "1"})

    async def cancel_batch(request: web.Request) -> web.Response:
        fields = await request.json()
        carried_out = [(one, floor.command("cancel", one)) for one in fields["request"]]
        named = [
            {"category": "linear", "symbol": one["symbol"]} | ids(done) for one, done in carried_out if done.code == 0
        ]
        return reply({"list": named})

    async def dead_man(request: web.Request) -> web.Response:
        fields = await request.json()
        if fields.get("product") != "DERIVATIVES" or not 3 <= int(fields.get("timeWindow", 0)) <= 300:
            return reply({}, 10001, "params error")
        if floor.faults.no_dead_man:
            return reply({}, 10005, "Permission denied, please check your API key permissions.")
        floor.dead_man_s = int(fields["timeWindow"])
        return reply({})

    async def nothing(_request: web.Request) -> web.Response:
        return reply({})

    return [
        web.get("/v5/market/time", server_time),
        web.get("/v5/market/instruments-info", instruments),
        web.get("/v5/market/tickers", tickers),
        web.get("/v5/market/orderbook", book),
        web.get("/v5/market/funding/history", funding),
        web.get("/v5/account/fee-rate", fee_rate),
        web.get("/v5/account/info", account_info),
        web.get("/v5/user/query-api", api_key),
        web.get("/v5/account/wallet-balance", wallet),
        web.get("/v5/order/realtime", open_orders),
        web.get("/v5/order/history", order_history),
        web.get("/v5/execution/list", executions),
        web.get("/v5/position/list", positions),
        *(web.post(f"/v5/order/{name}", command(name)) for name in ("create", "cancel", "amend")),
        web.post("/v5/order/cancel-all", cancel_all),
        web.post("/v5/order/cancel-batch", cancel_batch),
        web.post("/v5/order/disconnected-cancel-all", dead_man),
        web.post("/v5/position/set-leverage", nothing),
        web.post("/v5/position/switch-mode", nothing),
        web.post("/v5/account/set-margin-mode", nothing),
    ]
