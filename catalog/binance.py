"""Raw captures of Binance combined streams, spot, USD-M and COIN-M: ``<local_ns> <json>`` per line.

Diff-depth streams become book deltas by the rule in `depth`, book tickers become quotes and trades trades.
Spot and futures tell themselves apart (futures updates carry ``pu``). ``ts_event`` is the exchange's time
(``T`` of the matching engine, else ``E``; a spot book ticker has none and gets the local one), ``ts_init`` the
recorder's plus the shift. A book update that reached us before a trade it reflects would let a simulated
order lose the same volume twice, so it waits for that trade (`trade_window_ms`); it is never moved forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from mm_nautilus.catalog.binance_book import BookBuilder
from mm_nautilus.catalog.clean import MASKS
from mm_nautilus.catalog.columns import Aggressor
from mm_nautilus.catalog.depth import BookEvent, BookEventKind
from mm_nautilus.catalog.exact import mantissas, texts
from mm_nautilus.catalog.instruments import Definition
from mm_nautilus.catalog.quality import SOURCES
from mm_nautilus.catalog.reading import Reading, in_order
from mm_nautilus.catalog.sources import blocks
from mm_nautilus.catalog.spec import BinanceSpec
from mm_nautilus.errors import DataError

_MS = 1_000_000
_UPDATE = BookEventKind.UPDATE


class _Market:
    """One symbol: its book, and the quotes and trades collected since the last flush."""

    def __init__(self, definition: Definition, spec: BinanceSpec, reading: Reading) -> None:
        self.definition = definition
        self.book = BookBuilder(definition, spec, reading)
        self.end: tuple[int, Path] | None = None
        self.arrival_ns = 0
        self._precision = dict(zip(("price", "size"), definition.precisions, strict=True))
        self._exchange_clock = spec.ts_init == "exchange"
        self._quote_cleaner = reading.cleaner(definition, "quotes")
        self._trade_cleaner = reading.cleaner(definition, "trades")
        self._quality = reading.quality
        self._quotes: list[tuple[int, int, str, str, str, str]] = []
        self._trades: list[tuple[int, int, str, str, int, int]] = []

    def quote(self, data: dict[str, Any], arrival_ns: int) -> None:
        event_ms = data.get("T") or data.get("E")
        event_ns = event_ms * _MS if event_ms else arrival_ns
        self._quotes.append((event_ns, arrival_ns, data["b"], data["a"], data["B"], data["A"]))

    def trade(self, data: dict[str, Any], arrival_ns: int, trade_id: int) -> None:
        if data.get("X", "MARKET") != "MARKET":
            # Insurance fund and auto-deleveraging settle outside the book: nobody's quote was hit.
            self._quality.note(self.definition.id, "trades", f"off the book (X = {data['X']})", 1, "dropped")
            return
        aggressor = Aggressor.SELL if data["m"] else Aggressor.BUY
        self._trades.append((data["T"] * _MS, arrival_ns, data["p"], data["q"], int(aggressor), trade_id))

    def flush(self, *, final: bool) -> Iterator[pa.Table]:
        """Yield what is known for certain by now."""
        trades = list(zip(*self._trades, strict=True)) if self._trades else [()] * 6
        event, arrival = np.array(trades[0], dtype=np.int64), np.array(trades[1], dtype=np.int64)
        self.book.trades_seen(event, arrival)
        if self._trades:
            yield self._trade_cleaner.trades(
                self._columns(trades, {"price": 2, "size": 3})
                | {"aggressor": np.array(trades[4]), "trade_id": np.array(trades[5], dtype=np.int64)}
            )
        if self._quotes:
            quotes = list(zip(*self._quotes, strict=True))
            names = {"bid_price": 2, "ask_price": 3, "bid_size": 4, "ask_size": 5}
            yield self._quote_cleaner.quotes(self._columns(quotes, names))
        self._quotes, self._trades = [], []
        yield from self.book.flush(self.arrival_ns, final=final)

    def _columns(self, rows: list[Any], names: dict[str, int]) -> dict[str, Any]:
        event = np.array(rows[0], dtype=np.int64)
        arrival = event if self._exchange_clock else np.array(rows[1], dtype=np.int64)
        columns: dict[str, Any] = {"ts_event": event, "ts_init": arrival}
        for mask in MASKS:
            columns[mask] = np.zeros(len(event), dtype=np.bool_)
        for name, index in names.items():
            what = "size" if name.endswith("size") else "price"
            columns[name], wrong, cut = mantissas(texts(rows[index]), self._precision[what])
            columns["unparsable"] |= wrong
            columns[f"inexact_{what}"] |= cut
        return columns


class _Capture:
    """Sort the lines of the sources to their markets."""

    def __init__(self, spec: BinanceSpec, reading: Reading) -> None:
        self._reading = reading
        self._shift_ns = spec.shift_ns
        self._trade_event = spec.trade_stream
        self._trade_id = {"trade": "t", "aggTrade": "a"}[spec.trade_stream]
        self.markets = {definition.symbol: _Market(definition, spec, reading) for definition in spec.definitions}
        self._in_file: dict[str, _Market] = {}
        self.others: set[str] = set()

    def read(self, source: Path) -> Iterator[pa.Table]:
        """Yield tables of everything in one source."""
        self._in_file = {}
        bad = 0
        first_bad = ""
        number = 0
        for block in blocks(source, self._reading.damaged, self._reading.advance):
            for line in block.splitlines():
                number += 1
                try:
                    self._line(line, source)
                except (ValueError, KeyError, TypeError):
                    bad += 1
                    first_bad = first_bad or f"{source.name}, line {number}"
            for market in self._in_file.values():
                yield from market.flush(final=False)
        self._reading.unparsable(bad, first_bad)
        for market in self._in_file.values():
            market.end = (market.arrival_ns, source)

    def close(self) -> Iterator[pa.Table]:
        """Yield what was still waiting for its successors."""
        for market in self.markets.values():
            yield from market.flush(final=True)
            market.book.close()

    def _line(self, line: bytes, source: Path) -> None:
        stamp, _, payload = line.partition(b" ")
        arrival_ns = int(stamp) + self._shift_ns
        message = orjson.loads(payload)
        if "stream" not in message:
            self._snapshot(message, arrival_ns, source)
            return
        data = message["data"]
        symbol = data.get("s")
        market = self._in_file.get(symbol) or self._enter(symbol, arrival_ns, source)
        if market is None:
            self._reading.quality.note(SOURCES, "source", f"event of {symbol}, which is not declared", 1, "ignored")
            return
        event = data.get("e")
        if event == "depthUpdate":
            event_ns = (data.get("T") or data["E"]) * _MS
            market.book.update(
                BookEvent(_UPDATE, data["U"], data["u"], data.get("pu"), event_ns, arrival_ns, data["b"], data["a"])
            )
        elif event == self._trade_event:
            market.trade(data, arrival_ns, data[self._trade_id])
        elif event == "bookTicker" or (event is None and message["stream"].endswith("@bookTicker")):
            market.quote(data, arrival_ns)
        else:
            self._reading.quality.note(market.definition.id, "source", f"stream {message['stream']}", 1, "not read")
        market.arrival_ns = max(market.arrival_ns, arrival_ns)

    def _enter(self, symbol: str | None, arrival_ns: int, source: Path) -> _Market | None:
        market = self.markets.get(symbol or "")
        if market is None:
            self.others.add(str(symbol))
            return None
        in_order(market.end, arrival_ns, source, f"events of {symbol}")
        self._in_file[market.definition.symbol] = market
        return market

    def _snapshot(self, message: dict[str, Any], arrival_ns: int, source: Path) -> None:
        last_id = message["lastUpdateId"]
        event_ms = message.get("T") or message.get("E")
        symbol = message.get("symbol")
        market = (
            self._in_file.get(symbol) or self._enter(symbol, arrival_ns, source) if symbol else self._owner(last_id)
        )
        if market is None:
            self._reading.quality.note(
                SOURCES, "source", "snapshot that fits no declared instrument", 1, "ignored", f"lastUpdateId {last_id}"
            )
            return
        event_ns = event_ms * _MS if event_ms else arrival_ns
        market.book.snapshot(
            BookEvent(
                BookEventKind.SNAPSHOT, last_id, last_id, None, event_ns, arrival_ns, message["bids"], message["asks"]
            )
        )

    def _owner(self, last_id: int) -> _Market | None:
        """Return whose snapshot this is: a REST reply does not say on spot and USD-M."""
        present = list(self._in_file.values())
        if len(present) > 1:
            spans = [(market, market.book.waiting) for market in present]
            present = [market for market, span in spans if span and span[0] - 1 <= last_id <= span[1]]
        if not present and not self._in_file and len(self.markets) == 1:
            present = list(self.markets.values())  # the snapshot is the first line of the capture
        return present[0] if len(present) == 1 else None


def read(spec: BinanceSpec, reading: Reading) -> Iterator[pa.Table]:
    """Yield tables of everything the declared instruments did, in bounded memory.

    Parameters
    ----------
    spec : BinanceSpec
        What the capture is.
    reading : Reading
        Sources in order of time (a later file continues the earlier one's update ids), policies, quality.

    Raises
    ------
    DataError
        No event of a declared instrument, sources out of order, or a defect whose policy is "error".

    """
    capture = _Capture(spec, reading)
    for source in reading.sources:
        yield from capture.read(source)
    yield from capture.close()
    if not any(market.arrival_ns for market in capture.markets.values()):
        found = ", ".join(sorted(capture.others)) or "no line of the form <local_ns> <json>"
        raise DataError(
            f"{', '.join(str(source) for source in reading.sources)}: nothing of the declared symbols "
            f"({', '.join(capture.markets)}); found {found}"
        )
