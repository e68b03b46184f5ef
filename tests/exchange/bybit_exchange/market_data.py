"""What subscribers see of the market: the top of the book and its changes, trades, the summary."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bybit_exchange import rows
from bybit_exchange.markets import BookChange, MarketEvent, MarketTrade
from bybit_exchange.venue import Venue, now_ms

from mm_nautilus.market import Side

if TYPE_CHECKING:
    from bybit_exchange.sockets import Sockets


class BookView:
    """The part of the book one subscriber was last sent."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.number = 0
        self._sent: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}

    def changes(self, venue: Venue, snapshot: bool) -> tuple[list[list[str]], list[list[str]]]:
        """Return bids and asks to send: all of them, or those that differ; size 0 takes a level away."""
        found = []
        for side in Side:
            levels = venue.matcher.levels(side)
            best = sorted(levels, key=lambda price: -price * side)[: self.depth]
            now = {price: levels[price] for price in best}
            before = {} if snapshot else self._sent[side]
            changed = dict.fromkeys(before.keys() - now.keys(), 0)
            changed |= {price: lots for price, lots in now.items() if before.get(price) != lots}
            self._sent[side] = now
            contract = venue.contract
            found.append([[str(contract.price(price)), str(contract.size(lots))] for price, lots in changed.items()])
        self.number += 1
        return found[0], found[1]


def book_message(topic: str, venue: Venue, view: BookView, *, snapshot: bool) -> dict[str, Any]:
    """Return a message of the book topic."""
    bids, asks = view.changes(venue, snapshot)
    data = {"s": venue.contract.symbol, "b": bids, "a": asks, "u": view.number, "seq": venue.next_sequence()}
    stamp = now_ms()
    return {"topic": topic, "type": "snapshot" if snapshot else "delta", "ts": stamp, "data": data, "cts": stamp}


def show(event: MarketEvent, venue: Venue, sockets: Sockets) -> None:
    """Let an event of the market happen at the venue, and tell everyone who listens."""
    if isinstance(event, MarketTrade):
        venue.trade(event.price, event.lots, event.aggressor)
    else:
        if event.clears:
            venue.matcher.clear()
        for side, price, lots in event.levels:
            venue.change_level(side, price, lots)
        venue.settle()
    if venue.faults.mute_public:
        return
    for wire in sockets.open["public"]:
        for topic in wire.topics:
            if topic.rpartition(".")[2] != venue.contract.symbol:
                continue
            if isinstance(event, BookChange) and topic.startswith("orderbook."):
                sockets.shown_s[venue.contract.symbol] = time.monotonic()
                wire.send(
                    book_message(topic, venue, sockets.views[wire][topic], snapshot=topic.startswith("orderbook.1."))
                )
            elif isinstance(event, BookChange) and topic.startswith("tickers."):
                wire.send({"topic": topic, "type": "delta", "data": rows.ticker(venue), "cs": 2, "ts": now_ms()})
            elif isinstance(event, MarketTrade) and topic.startswith("publicTrade."):
                wire.send({"topic": topic, "type": "snapshot", "ts": now_ms(), "data": [_trade(event, venue)]})


_numbers = iter(range(1, 1 << 62))


def _trade(event: MarketTrade, venue: Venue) -> dict[str, Any]:
    contract = venue.contract
    return {
        "T": now_ms(),
        "s": contract.symbol,
        "S": "Buy" if event.aggressor is Side.BUY else "Sell",
        "v": str(contract.size(event.lots)),
        "p": str(contract.price(event.price)),
        "L": "PlusTick",
        "i": f"t-{next(_numbers)}",
        "BT": False,
    }
