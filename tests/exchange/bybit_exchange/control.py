"""What a test may do to the exchange, and the truth it may ask for."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, fields
from typing import Any

from aiohttp import web
from bybit_exchange.blind import Blind
from bybit_exchange.faults import LASTING, Faults, Incident
from bybit_exchange.floor import Floor
from bybit_exchange.sockets import SOCKETS, Sockets
from bybit_exchange.venue import Venue

from mm_nautilus.market import Side


class Control:
    """Sets faults, lets incidents happen, answers what is true."""

    def __init__(self, floor: Floor, sockets: Sockets, blind: Blind) -> None:
        self._floor = floor
        self._venue = floor.first
        self._sockets = sockets
        self._blind = blind
        self._external = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.happened: list[str] = []
        """Kinds of the incidents that have begun, in order."""

    def routes(self) -> list[web.RouteDef]:
        """Return the control routes."""
        return [
            web.get("/control/truth", self._truth),
            web.post("/control/faults", self._set),
            web.post("/control/schedule", self._schedule),
            web.post("/control/incident", self._incident),
            web.post("/control/left", self._left),
        ]

    def truth(self) -> dict[str, Any]:
        """Return executions, position, open orders, commands refused and wallet, sizes in lots and prices in ticks.

        They are the first contract's; those of the others are in ``contracts``, by symbol.
        """
        venue = self._venue
        return _of_contract(venue) | {
            "contracts": {one.contract.symbol: _of_contract(one) for one in self._floor if one is not venue},
            "wallet": str(venue.ledger.wallet),
            "blind": self._blind.found(),
            "connected": {name: len(self._sockets.open[name]) for name in SOCKETS},
            "happened": self.happened,
            "pending": len(self._tasks),
            "faults": asdict(venue.faults),
        }

    async def _truth(self, _request: web.Request) -> web.Response:
        return web.json_response(self.truth())

    async def _set(self, request: web.Request) -> web.Response:
        await self._change(await request.json())
        return web.json_response(asdict(self._venue.faults))

    async def _schedule(self, request: web.Request) -> web.Response:
        for entry in await request.json():
            task = asyncio.create_task(self._later(Incident(**entry)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return web.json_response({})

    async def _incident(self, request: web.Request) -> web.Response:
        await self._happen(Incident(**({"at_s": 0.0} | await request.json())))
        return web.json_response(self.truth())

    async def _left(self, _request: web.Request) -> web.Response:
        await self._sockets.drop("all")
        self._blind.left()
        return web.json_response({})

    async def _later(self, incident: Incident) -> None:
        await asyncio.sleep(incident.at_s)
        await self._happen(incident)

    async def _happen(self, incident: Incident) -> None:
        venue, kind = self._venue, incident.kind
        self.happened.append(kind)
        venue.diary.note(f"{kind} {incident.values or ''}")
        if kind in LASTING:
            await self._change(dict(LASTING[kind]))
            await asyncio.sleep(incident.for_s)
            fresh = Faults()
            await self._change({name: getattr(fresh, name) for name in LASTING[kind]})
            venue.diary.note(f"{kind} is over")
        elif kind.startswith("disconnect"):
            await self._sockets.drop(incident.values["socket"])
        elif kind == "cancelled_by_exchange":
            venue.cancelled_by_exchange()
        elif kind.startswith("external"):
            self._somebody_else(incident)
        else:
            raise web.HTTPBadRequest(text=f"no incident {kind!r}")

    async def _change(self, values: dict[str, Any]) -> None:
        known = {field.name for field in fields(Faults)}
        if unknown := values.keys() - known:
            raise web.HTTPBadRequest(
                text=f"no fault {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}"
            )
        for name, value in values.items():
            setattr(self._venue.faults, name, value)
        for fault, name in (("down", "all"), ("refuse_public", "public"), ("refuse_trade", "trade")):
            if values.get(fault):
                await self._sockets.drop(name)

    def _somebody_else(self, incident: Incident) -> None:
        """Send an order by hand on the same account: at the market, or so many ticks from the touch."""
        venue, values = self._venue, incident.values
        self._external += 1
        side = Side.BUY if values.get("side", "Buy") == "Buy" else Side.SELL
        touch = venue.matcher.best(side)
        order = {
            "symbol": venue.contract.symbol,
            "side": values.get("side", "Buy"),
            "orderType": "Market",
            "qty": str(venue.contract.size(int(values["lots"]))),
            "orderLinkId": f"by-hand-{self._external}",
        }
        if "ticks_away" in values and touch is not None:
            price = venue.contract.price(touch - side * int(values["ticks_away"]))
            order |= {"orderType": "Limit", "price": str(price), "timeInForce": "GTC"}
        venue.place(order)


def _of_contract(venue: Venue) -> dict[str, Any]:
    ledger = venue.ledger
    return {
        "position": ledger.position,
        "fees": str(ledger.fees),
        "open": [_order(order) for order in venue.open_orders],
        "orders": len(venue.orders),
        "refused_cancels": list(venue.refused_s["cancel"]),
        "refused_amends": list(venue.refused_s["amend"]),
        "executions": [
            {
                "id": one.execution_id,
                "link": one.order.link,
                "side": int(one.order.side),
                "price": one.price,
                "lots": one.lots,
                "maker": one.maker,
            }
            for one in ledger.executions
        ],
    }


def _order(order: Any) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "link": order.link,
        "side": int(order.side),
        "price": order.price,
        "lots": order.lots,
        "filled": order.filled,
    }
