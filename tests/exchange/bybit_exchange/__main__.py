"""``python -m bybit_exchange``: serve the exchange on loopback until the parent is gone; print the port."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path

from aiohttp import web
from bybit_exchange.blind import Blind
from bybit_exchange.contract import Contract
from bybit_exchange.control import Control
from bybit_exchange.diary import Diary
from bybit_exchange.entrance import Keys, only_ours
from bybit_exchange.floor import Floor
from bybit_exchange.market_data import show
from bybit_exchange.markets import MarketEvent, of_catalog, synthetic
from bybit_exchange.rest import maintenance, routes
from bybit_exchange.sockets import Sockets
from bybit_exchange.venue import Venue

type Listed = tuple[Contract, Iterator[MarketEvent]]
"""A contract and its market."""


async def serve(listed: Sequence[Listed], seed: int, speed: float, port: int, keys: Keys | None = None) -> None:
    """Serve until the process that started us has gone."""
    diary = Diary()
    sockets = Sockets(keys, diary)
    first = Venue(listed[0][0], sockets.publish, seed, diary=diary)
    venues = [first, *(Venue(contract, sockets.publish, beside=first) for contract, _ in listed[1:])]
    floor = Floor(*venues)
    blind = Blind(floor, sockets, diary)
    app = web.Application(middlewares=[maintenance(floor), only_ours(floor, keys)])
    app.add_routes([*routes(floor, sockets.tell), *Control(floor, sockets, blind).routes()])
    for path, name in (("/ws/public", "public"), ("/ws/public/linear", "public"), ("/ws/private", "private")):
        app.router.add_get(path, _socket(sockets, floor, name))
    app.router.add_get("/ws/trade", _socket(sockets, floor, "trade"))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    sockets.begin_watching(floor)
    blind.begin()
    print(site._server.sockets[0].getsockname()[1], flush=True)  # type: ignore[union-attr]
    parent = os.getppid()
    began = time.monotonic()
    for event, venue in _side_by_side(venues, listed):
        while (ahead := event.at_s / speed - (time.monotonic() - began)) > 0:
            await asyncio.sleep(min(ahead, 0.5))
            if os.getppid() != parent:
                return
        show(event, venue, sockets)
    while os.getppid() == parent:
        await asyncio.sleep(0.5)


def _side_by_side(venues: Sequence[Venue], listed: Sequence[Listed]) -> Iterator[tuple[MarketEvent, Venue]]:
    """Yield the events of all markets in the order of their times."""

    def told(venue: Venue, market: Iterator[MarketEvent]) -> Iterator[tuple[MarketEvent, Venue]]:
        return ((event, venue) for event in market)

    markets = (told(venue, market) for venue, (_, market) in zip(venues, listed, strict=True))
    return merge(*markets, key=lambda one: one[0].at_s)


def _socket(sockets: Sockets, floor: Floor, name: str):
    answer = getattr(sockets, name)(floor)

    async def connected(request: web.Request) -> web.StreamResponse:
        return await sockets.serve(name, floor, request, answer)

    return connected


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--instrument", default="")
    parser.add_argument("--also", nargs=3, action="append", default=[], metavar=("SYMBOL", "BASE", "APART_TICKS"))
    parser.add_argument("--keys", nargs=2, metavar=("KEY", "SECRET"))
    given = parser.parse_args()
    contract, market = Contract(), synthetic(given.seed)
    if given.catalog is not None:
        contract, market = of_catalog(given.catalog, given.instrument)
    listed = [(contract, market)]
    for place, (symbol, base, apart_ticks) in enumerate(given.also, 1):
        more = synthetic(given.seed, apart_ticks=int(apart_ticks))
        listed.append((Contract(symbol=symbol, base=base, place=place), more))
    keys = None if given.keys is None else Keys(*given.keys)
    asyncio.run(serve(listed, given.seed, given.speed, given.port, keys))


if __name__ == "__main__":
    main()
