"""``python -m bybit_exchange``: serve the exchange on loopback until the parent is gone; print the port."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web
from bybit_exchange.contract import Contract
from bybit_exchange.control import Control
from bybit_exchange.entrance import Keys, only_ours
from bybit_exchange.market_data import show
from bybit_exchange.markets import MarketEvent, of_catalog, synthetic
from bybit_exchange.rest import maintenance, routes
from bybit_exchange.sockets import Sockets
from bybit_exchange.venue import Venue


async def serve(
    contract: Contract, market: Iterator[MarketEvent], seed: int, speed: float, port: int, keys: Keys | None = None
) -> None:
    """Serve until the process that started us has gone."""
    sockets = Sockets(keys)
    venue = Venue(contract, sockets.publish, seed)
    app = web.Application(middlewares=[maintenance(venue), only_ours(venue, keys)])
    app.add_routes([*routes(venue), *Control(venue, sockets).routes()])
    for path, name in (("/ws/public", "public"), ("/ws/public/linear", "public"), ("/ws/private", "private")):
        app.router.add_get(path, _socket(sockets, venue, name))
    app.router.add_get("/ws/trade", _socket(sockets, venue, "trade"))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    sockets.begin_watching(venue)
    print(site._server.sockets[0].getsockname()[1], flush=True)  # type: ignore[union-attr]
    parent = os.getppid()
    began = time.monotonic()
    for event in market:
        while (ahead := event.at_s / speed - (time.monotonic() - began)) > 0:
            await asyncio.sleep(min(ahead, 0.5))
            if os.getppid() != parent:
                return
        show(event, venue, sockets)
    while os.getppid() == parent:
        await asyncio.sleep(0.5)


def _socket(sockets: Sockets, venue: Venue, name: str):
    answer = getattr(sockets, name)(venue)

    async def connected(request: web.Request) -> web.StreamResponse:
        return await sockets.serve(name, venue, request, answer)

    return connected


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--instrument", default="")
    parser.add_argument("--keys", nargs=2, metavar=("KEY", "SECRET"))
    given = parser.parse_args()
    contract, market = Contract(), synthetic(given.seed)
    if given.catalog is not None:
        contract, market = of_catalog(given.catalog, given.instrument)
    keys = None if given.keys is None else Keys(*given.keys)
    asyncio.run(serve(contract, market, given.seed, given.speed, given.port, keys))


if __name__ == "__main__":
    main()
