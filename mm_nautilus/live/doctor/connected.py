"""Asks a venue by connecting to it, for those whose adapter has no HTTP client in Python.

``python -m mm_nautilus.live.doctor.connected ANSWER RUNFILE VENUE ACCOUNT [OVERRIDE ...]``: a node that lives for a few
seconds in a process of its own, sends no order and reconciles nothing, with the clients that trading would use.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nautilus_trader.common import DataActor, Environment, LoggerConfig, LogLevel
from nautilus_trader.live import LiveExecutionEngineConfig, LiveNode, LiveNodeBuilder, LiveNodeConfig
from nautilus_trader.model import BookType, InstrumentId, OrderBook, OrderBookDeltas, QuoteTick, TraderId, Venue

from mm_nautilus.host.loading import BookKind
from mm_nautilus.live.adapters import clients
from mm_nautilus.live.credentials import wanted
from mm_nautilus.live.doctor.asking import holdings_of, listing_of, near
from mm_nautilus.live.doctor.facts import VenueFacts
from mm_nautilus.live.listener import listen
from mm_nautilus.live.settings import LiveRun, load_live
from mm_nautilus.live_settings.venues import LiveVenueSection

_POLL_S: Final = 0.1
_PRICES_S: Final = 5.0
"""How long the market has to show itself."""
_MORE_S: Final = 20.0
"""What a process may take beyond its connection."""
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def asked_by_connecting(
    run: LiveRun, section: LiveVenueSection, overrides: Sequence[str], *, account: bool
) -> VenueFacts:
    """Return what a venue says about a run's instruments, and about the account if that is wanted.

    Parameters
    ----------
    run : LiveRun
        The run.
    section : LiveVenueSection
        The venue.
    overrides : sequence of str
        ``table.key=value`` changes that the run was loaded with.
    account : bool
        Whether to connect with the keys.

    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-m", __spec__.name, str(answer), str(run.loaded.path), section.venue]
        command += ["account" if account else "data", *overrides]
        patience_s = run.live.connect_within_s + _PRICES_S + _MORE_S
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=patience_s, check=False)
        except subprocess.TimeoutExpired:
            return VenueFacts(failure=f"no answer within {patience_s:g} s")
        if answer.exists():
            return VenueFacts.model_validate_json(answer.read_bytes())
        return VenueFacts(failure=_last_error(ended.stdout + ended.stderr))


def _last_error(printed: str) -> str:
    """Return what the engine complained of last before it gave up."""
    lines = [_COLOUR.sub("", line).strip() for line in printed.splitlines()]
    errors = [line.partition("[ERROR] ")[2].partition(": ")[2] for line in lines if "[ERROR]" in line]
    said = list(dict.fromkeys(error for error in errors if error))
    return "; ".join(said[-3:]) or next((line for line in reversed(lines) if line), "it ended without a word")


@dataclass(frozen=True, slots=True)
class _WitnessConfig:
    books: Mapping[str, BookKind]
    actor_id: str = "Witness-001"


class _Witness(DataActor):
    """Subscribes to what the strategy will subscribe to, and keeps the best prices."""

    def __init__(self, config: _WitnessConfig) -> None:
        super().__init__(config)
        self._config = config
        self._books: dict[str, OrderBook] = {}
        self.touch: dict[str, tuple[Any, Any]] = {}

    def on_start(self) -> None:
        for name, book in self._config.books.items():
            instrument_id = InstrumentId.from_str(name)
            if self.cache.instrument(instrument_id) is not None:
                kind = BookType.L3_MBO if book == "L3" else BookType.L2_MBP
                self._books[name] = OrderBook(instrument_id, kind)
                listen(self, {name: book})

    def on_quote(self, quote: QuoteTick) -> None:
        self.touch[str(quote.instrument_id)] = quote.bid_price, quote.ask_price

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        name = str(deltas.instrument_id)
        book = self._books[name]
        book.apply_deltas(deltas)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if bid is not None and ask is not None:
            self.touch[name] = bid, ask


def _node(run: LiveRun, section: LiveVenueSection, names: list[str], *, account: bool) -> LiveNode:
    keys, _ = wanted(section).read()
    if getattr(section, "leverage", None):
        section = section.model_copy(
            update={"leverage": type(section).model_fields["leverage"].get_default(call_default_factory=True)}
        )
    made = clients(section, keys, names, execution=account)
    config = LiveNodeConfig(
        environment=Environment.LIVE if account else Environment.SANDBOX,
        trader_id=TraderId(run.live.trader),
        logging=LoggerConfig(stdout_level=LogLevel.ERROR),
        timeout_connection_secs=run.live.connect_within_s,
        delay_post_stop_secs=0.0,
        exec_engine=LiveExecutionEngineConfig(reconciliation=False, inflight_check_interval_ms=0),
    )
    builder = LiveNodeBuilder.from_config("doctor", config)
    builder = builder.add_data_client(section.venue, made.data_factory, made.data_config)
    if account:
        builder = builder.add_exec_client(section.venue, made.execution_factory, made.execution_config)
    return builder.build()


async def _look(node: LiveNode, witness: _Witness, venue: str, names: list[str], *, account: bool) -> VenueFacts:
    handle, cache, portfolio = node.handle(), node.cache, node.portfolio  # not to be had while it runs
    running = asyncio.create_task(node.run_async())
    while not handle.is_running and not running.done():
        await asyncio.sleep(_POLL_S)
    if running.done():
        await running
    found = {name: cache.instrument(InstrumentId.from_str(name)) for name in names}
    there = {name: one for name, one in found.items() if one is not None}
    loop = asyncio.get_running_loop()
    end = loop.time() + _PRICES_S
    while loop.time() < end and not there.keys() <= witness.touch.keys():
        await asyncio.sleep(_POLL_S)
    known = [str(one) for one in cache.instrument_ids()]
    state = portfolio.account(Venue(venue)) if account else None
    facts = VenueFacts(
        listed={name: listing_of(one, *witness.touch.get(name, (None, None))) for name, one in there.items()},
        similar={name: near(name, known) for name in names if name not in there},
        holdings=None if state is None else holdings_of(state.last_event),
        refusal="the venue told no balances" if account and state is None else "",
    )
    handle.stop()
    await running
    return facts


def main(answer: str, path: str, venue: str, what: str, *overrides: str) -> None:
    """Connect, look, write the answer."""
    run = load_live(Path(path), overrides)
    section = next(one for one in run.live.venues if one.venue == venue)
    books = {name: book for name, book in run.loaded.books.items() if name.rpartition(".")[2] == venue}
    names = list(books)
    node = _node(run, section, names, account=what == "account")
    witness = _Witness(_WitnessConfig(books))
    node.add_actor(witness)
    try:
        facts = asyncio.run(_look(node, witness, venue, names, account=what == "account"))
    finally:
        node.dispose()
    Path(answer).write_text(facts.model_dump_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
